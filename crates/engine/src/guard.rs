//! The restore guard: while it is closed, pages are served and nothing is sent. It closes where
//! the data may be a copy or an older state, and only an operator opens it.

use model::UtcMs;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Under which word the reason is kept.
const KEY: &str = "sending_held";

/// What an operator decides about data that may be old or a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// This is the installation: go on.
    Continue,
    /// Go on, but count everything due before this instant as already sent.
    SentBefore(UtcMs),
    /// This is a copy: never send.
    Copy,
}

/// Why nothing is sent, if nothing is.
///
/// # Errors
/// The database fails.
pub async fn held(engine: &Engine) -> Result<Option<String>> {
    engine
        .reader()
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move { Ok(store::meta::find(session, KEY).await?) })
        })
        .await
        .map(|why| why.filter(|why| !why.is_empty()))
}

/// Closes the guard, where it is open.
///
/// # Errors
/// The database fails.
pub async fn close(engine: &Engine, why: &str) -> Result<()> {
    set(engine, why.to_owned()).await
}

/// Does what the operator decided.
///
/// # Errors
/// The database fails.
pub async fn choose(engine: &Engine, choice: Choice) -> Result<()> {
    match choice {
        Choice::Continue => set(engine, String::new()).await,
        Choice::Copy => set(engine, "this is a copy: it never sends".to_owned()).await,
        Choice::SentBefore(before) => {
            let now = engine.now();
            engine
                .write(move |tx| {
                    Box::pin(async move {
                        store::messages::cancel_due_before(tx, before).await?;
                        store::enrolments::skip_due_before(tx, before, now).await?;
                        Ok(store::meta::set(tx, KEY, "").await?)
                    })
                })
                .await?;
            engine.wake();
            Ok(())
        }
    }
}

async fn set(engine: &Engine, why: String) -> Result<()> {
    engine
        .write(move |tx| Box::pin(async move { Ok(store::meta::set(tx, KEY, &why).await?) }))
        .await?;
    engine.wake();
    Ok(())
}
