//! Requests that may be sent twice: a program that got no answer sends its POST again with the same
//! idempotency key and gets the first answer. Kept for a day, sealed, since an answer may hold a
//! secret.

use model::SiteId;
use model::ids::KeyId;
use model::times::{DAY_MS, MINUTE_MS};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::secrets;

/// How long an answer is kept.
const KEPT_MS: i64 = DAY_MS;
/// A request that has run for this long died with its process; its key is free again.
const RUNNING_MAX_MS: i64 = 5 * MINUTE_MS;

/// Which request: whose, under which idempotency key, and the hash of what it says.
#[derive(Debug, Clone)]
pub struct Request {
    /// The site.
    pub site: SiteId,
    /// The API key it came with.
    pub key: KeyId,
    /// Its idempotency key.
    pub name: String,
    /// SHA-256 of method, path and body.
    pub hash: String,
}

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it runs now.
    Fresh,
    /// The same runs at this moment.
    Running,
    /// The key was used for something else.
    Other,
    /// It was answered so.
    Answered {
        /// The status.
        status: u16,
        /// The body.
        body: String,
    },
}

/// Takes the idempotency key for a request, or says what is known of it.
pub async fn begin(engine: &Engine, request: &Request) -> Result<Known> {
    let (of, request) = (engine.clone(), request.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let now = of.now();
                let Request { site, key, name, hash } = &request;
                store::keys::forget_replies(tx, now.plus_ms(-KEPT_MS)).await?;
                let mut kept = store::keys::find_reply(tx, *site, *key, name).await?;
                let died = kept.as_ref().is_some_and(|kept| {
                    kept.status.is_none() && now.since_ms(kept.created_at) >= RUNNING_MAX_MS
                });
                if died {
                    store::keys::drop_reply(tx, *site, *key, name).await?;
                    kept = None;
                }
                let Some(kept) = kept else {
                    let begun = store::keys::begin_reply(tx, *site, *key, name, hash, now).await?;
                    return Ok(if begun { Known::Fresh } else { Known::Running });
                };
                if kept.request_hash != *hash {
                    return Ok(Known::Other);
                }
                answered(&of, kept)
            })
        })
        .await
}

fn answered(engine: &Engine, kept: store::keys::Kept) -> Result<Known> {
    let (Some(status), Some(sealed)) = (kept.status, kept.reply) else { return Ok(Known::Running) };
    let body = String::from_utf8(secrets::open(engine, &sealed)?)
        .map_err(|_| EngineError::Fault("a kept answer cannot be read".to_owned()))?;
    Ok(Known::Answered { status: u16::try_from(status).unwrap_or(500), body })
}

/// Keeps what a request was answered; an answer that failed on our side is not kept, so that the
/// request may be tried again.
pub async fn end(engine: &Engine, request: &Request, status: u16, body: &str) -> Result<()> {
    let sealed = secrets::seal(engine, body.as_bytes())?;
    let request = request.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let Request { site, key, name, .. } = &request;
                if status >= 500 {
                    store::keys::drop_reply(tx, *site, *key, name).await?;
                } else {
                    let status = i64::from(status);
                    store::keys::end_reply(tx, *site, *key, name, status, &sealed).await?;
                }
                Ok(())
            })
        })
        .await
}
