//! What concerns an installation as a whole: the numbers of its processes and its master key.

use model::UtcMs;
use model::times::MINUTE_MS;
use model::tokens::{KeyRing, Purpose};
use store::{Db, Reader};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// A command that was not heard of for this long has ended, and its number may be used again.
const SILENT_MS: i64 = 15 * MINUTE_MS;
const CHECK: &str = "key_check";

/// What the database knows of the master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// No key was ever used here.
    Fresh,
    /// A key was used here, and none was given.
    Absent,
    /// It is the key that was used here.
    Right,
    /// Another key was used here.
    Wrong,
}

/// Compares the master key with the check value in the database.
///
/// # Errors
/// The database fails.
pub async fn key_state(reader: &Reader, key: Option<&[u8; 32]>) -> Result<KeyState> {
    let kept: Option<String> = reader
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move { Ok(store::meta::find(session, CHECK).await?) })
        })
        .await?;
    Ok(match (kept, key) {
        (None, _) => KeyState::Fresh,
        (Some(_), None) => KeyState::Absent,
        (Some(kept), Some(key)) if kept == check_value(key) => KeyState::Right,
        (Some(_), Some(_)) => KeyState::Wrong,
    })
}

/// Keeps the check value of the master key, where none is kept yet.
///
/// # Errors
/// The database fails.
pub async fn keep_key_check(engine: &Engine) -> Result<()> {
    let value = check_value(engine.master_key());
    engine
        .write(move |tx| {
            Box::pin(async move {
                store::meta::set_once(tx, CHECK, &value).await?;
                Ok(())
            })
        })
        .await
}

fn check_value(key: &[u8; 32]) -> String {
    KeyRing::new(0, *key).tag(Purpose::Secrets, &[b"is this the key?"])
}

/// Leases a name, and with it a number for ids, to a command that works beside the server.
///
/// # Errors
/// The database fails.
pub async fn lease_name(db: &Db, now: UtcMs) -> Result<String> {
    db.write::<_, EngineError, _>(move |tx| {
        Box::pin(async move {
            let silent = now.plus_ms(-SILENT_MS);
            Ok(store::nodes::lease(tx, env!("CARGO_PKG_VERSION"), silent, now).await?)
        })
    })
    .await
}

/// Says that this process is alive; called once a minute by whatever takes longer.
///
/// # Errors
/// The database fails.
pub async fn heartbeat(engine: &Engine) -> Result<()> {
    let ((node, _), now) = (engine.node(), engine.now());
    seen(engine, node, now).await
}

/// Gives the number of this process back.
///
/// # Errors
/// The database fails.
pub async fn leave(engine: &Engine) -> Result<()> {
    let (node, _) = engine.node();
    seen(engine, node, UtcMs(0)).await
}

async fn seen(engine: &Engine, node: i64, at: UtcMs) -> Result<()> {
    engine
        .write(move |tx| Box::pin(async move { Ok(store::nodes::seen(tx, node, at).await?) }))
        .await
}

/// Where the number of starts is kept; the same number stands in `data/generation`.
const GENERATION: &str = "generation";

/// How often this database was started as a server; 0 for a new one.
///
/// # Errors
/// The database fails.
pub async fn generation(engine: &Engine) -> Result<i64> {
    let kept: Option<String> = engine
        .reader()
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move { Ok(store::meta::find(session, GENERATION).await?) })
        })
        .await?;
    Ok(kept.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Keeps the number of this start.
///
/// # Errors
/// The database fails.
pub async fn set_generation(engine: &Engine, generation: i64) -> Result<()> {
    let text = generation.to_string();
    engine
        .write(move |tx| {
            Box::pin(async move { Ok(store::meta::set(tx, GENERATION, &text).await?) })
        })
        .await
}
