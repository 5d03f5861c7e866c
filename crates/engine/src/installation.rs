//! What concerns an installation as a whole: the numbers of its processes and its starts.

use model::UtcMs;
use model::times::MINUTE_MS;
use store::Db;
use store::meta::Cluster;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::master_keys;

/// A command that was not heard of for this long has ended, and its number may be used again.
const SILENT_MS: i64 = 15 * MINUTE_MS;

/// Keeps the check value of the master key, where none is kept yet.
///
/// # Errors
/// The database fails.
pub async fn keep_key_check(engine: &Engine) -> Result<()> {
    master_keys::keep_first(engine.db(), engine.master_key()).await
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

/// Where the place of a PostgreSQL database is kept.
const CLUSTER: &str = "cluster";

/// Where the PostgreSQL database stands; `None` on SQLite, or where it does not say.
///
/// # Errors
/// The database fails.
pub async fn cluster(engine: &Engine) -> Result<Option<Cluster>> {
    let found = engine
        .reader()
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move { Ok(store::meta::cluster(session).await) })
        })
        .await?;
    Ok(found.unwrap_or_else(|error| {
        tracing::warn!(%error, "whether this database was copied cannot be told");
        None
    }))
}

/// Where it stood at the last start, as it remembers it itself.
///
/// # Errors
/// The database fails.
pub async fn cluster_kept(engine: &Engine) -> Result<Option<Cluster>> {
    let kept = engine
        .reader()
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move { Ok(store::meta::find(session, CLUSTER).await?) })
        })
        .await?;
    Ok(kept.and_then(|text| Cluster::parse(&text)))
}

/// Keeps where it stands at this start.
///
/// # Errors
/// The database fails.
pub async fn keep_cluster(engine: &Engine, cluster: &Cluster) -> Result<()> {
    let text = cluster.text();
    engine
        .write(move |tx| Box::pin(async move { Ok(store::meta::set(tx, CLUSTER, &text).await?) }))
        .await
}

/// How many servers follow the PostgreSQL, and which of them a commit waits for.
///
/// # Errors
/// The database fails.
pub async fn followers(engine: &Engine) -> Result<(i64, String)> {
    engine
        .reader()
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move { Ok(store::meta::followers(session).await?) })
        })
        .await
}
