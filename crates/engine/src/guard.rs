//! The restore guard: while it is closed, pages are served and nothing is sent. It closes where
//! the data may be a copy or an older state, and only an operator opens it.

use model::UtcMs;

use crate::audits;
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
    let why = why.to_owned();
    engine
        .write(move |tx| Box::pin(async move { Ok(store::meta::set(tx, KEY, &why).await?) }))
        .await?;
    engine.wake();
    Ok(())
}

/// Does what the operator decided.
///
/// # Errors
/// The database fails.
pub async fn choose(engine: &Engine, choice: Choice) -> Result<()> {
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let (why, action) = match choice {
                    Choice::Continue => ("", "sending.continued"),
                    Choice::SentBefore(_) => ("", "sending.counted_as_sent"),
                    Choice::Copy => ("this is a copy: it never sends", "sending.stopped_as_copy"),
                };
                if let Choice::SentBefore(before) = choice {
                    store::messages::cancel_due_before(tx, before).await?;
                    store::enrolments::skip_due_before(tx, before, of.now()).await?;
                    store::sequence_runs::stop_asked_before(tx, before, of.now()).await?;
                }
                store::meta::set(tx, KEY, why).await?;
                audits::note(&of, tx, audits::INSTALLATION, action, "", &()).await
            })
        })
        .await?;
    engine.wake();
    Ok(())
}
