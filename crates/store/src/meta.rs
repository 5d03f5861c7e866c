//! Facts about this installation: its identity, its generation, its revision.

use crate::{Result, Session, Tx};

const FIND: &str = "select value from meta where key = $1";
const SET: &str = "insert into meta (key, value) values ($1, $2)
    on conflict (key) do update set value = excluded.value";
const SET_ONCE: &str = "insert into meta (key, value) values ($1, $2)
    on conflict (key) do nothing";

const BUMP: &str = "insert into meta (key, value) values ('revision', $1)
    on conflict (key) do update set value = excluded.value";
const REVISION: &str = "select value from meta where key = 'revision'";

/// Says that content changed, so that every process drops what it kept of it. `stamp` is a fresh
/// id: unlike any before.
pub async fn set_revision(tx: &mut Tx<'_>, stamp: i64) -> Result<()> {
    tx.query(BUMP).bind(stamp.to_string()).run().await.map(drop)
}

/// The stamp of the last change of content; 0 before the first.
pub async fn revision(session: &mut Session<'_>) -> Result<i64> {
    let stamp: Option<String> = session.query(REVISION).maybe().await?;
    Ok(stamp.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// The value kept under `key`.
pub async fn find(session: &mut Session<'_>, key: &str) -> Result<Option<String>> {
    session.query(FIND).bind(key).maybe().await
}

/// Keeps `value` under `key`.
pub async fn set(tx: &mut Tx<'_>, key: &str, value: &str) -> Result<()> {
    tx.query(SET).bind(key).bind(value).run().await.map(drop)
}

/// Keeps `value` under `key` unless something is kept there; what is kept now.
pub async fn set_once(tx: &mut Tx<'_>, key: &str, value: &str) -> Result<String> {
    tx.query(SET_ONCE).bind(key).bind(value).run().await?;
    tx.query(FIND).bind(key).one().await
}
