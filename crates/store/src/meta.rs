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

/// Where a PostgreSQL database stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The identity of the cluster: given once, shared by its replicas and its own backups.
    pub system: String,
    /// Counted up whenever another server takes over, or an older state goes on.
    pub timeline: i64,
    /// How far its log was written, in bytes.
    pub position: i64,
}

impl Cluster {
    /// As one word.
    pub fn text(&self) -> String {
        format!("pg:{}:{}:{}", self.system, self.timeline, self.position)
    }

    /// Reads [`Self::text`].
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("pg:")?.splitn(3, ':');
        let system = parts.next()?.to_owned();
        let (timeline, position) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { system, timeline, position })
    }
}

/// Where the PostgreSQL database stands; `None` on SQLite.
///
/// # Errors
/// It does not say: some services keep it to themselves.
pub async fn cluster(session: &mut Session<'_>) -> Result<Option<Cluster>> {
    if session.is_sqlite() {
        return Ok(None);
    }
    let (system, timeline, position): (String, String, i64) =
        session.query(crate::dialect::CLUSTER).one().await?;
    let timeline = i64::from_str_radix(&timeline, 16).unwrap_or(0);
    Ok(Some(Cluster { system, timeline, position }))
}

/// How many servers follow the PostgreSQL, and which of them a commit waits for.
pub async fn followers(session: &mut Session<'_>) -> Result<(i64, String)> {
    if session.is_sqlite() {
        return Ok((0, String::new()));
    }
    session.query(crate::dialect::FOLLOWERS).one().await
}
