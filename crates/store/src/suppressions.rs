//! Addresses that must not be written to, and how often one was written to unasked.

use model::contacts::SuppressionReason;
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const FIND: &str = "select address_hmac, reason, since, note from suppressions
    where site_id = $1 and address_hmac = $2";
const PUT: &str = "insert into suppressions
    (site_id, address_hmac, reason, since, note) values ($1, $2, $3, $4, $5)
    on conflict (site_id, address_hmac) do update
    set reason = excluded.reason, since = excluded.since, note = excluded.note";
const LIFT: &str = "delete from suppressions where site_id = $1 and address_hmac = $2";
const LIST: &str = "select address_hmac, reason, since, note from suppressions
    where site_id = $1 and address_hmac > $2 order by address_hmac limit $3";
const LIMIT: &str = "insert into address_limits (site_id, address_hmac, kind, count, last_at)
    values (0, $1, $2, 1, $3)
    on conflict (site_id, address_hmac, kind) do update
    set count = address_limits.count + 1, last_at = excluded.last_at
    where address_limits.last_at <= $4 and address_limits.count < $5";
const LIMIT_END: &str = "delete from address_limits
    where site_id = 0 and address_hmac = $1 and kind = $2";
const LIMITS_FORGET: &str = "delete from address_limits where last_at < $1";

/// One suppressed address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The address as a keyed hash.
    pub address_hmac: String,
    /// Why.
    pub reason: SuppressionReason,
    /// Since when.
    pub since: UtcMs,
    /// What the server said, or the operator wrote.
    pub note: String,
}

impl FromRow for Suppression {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            address_hmac: row.take()?,
            reason: row.word()?,
            since: row.take()?,
            note: row.take()?,
        })
    }
}

/// The suppression of an address, if there is one.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    address_hmac: &str,
) -> Result<Option<Suppression>> {
    session.query(FIND).bind(site).bind(address_hmac).maybe().await
}

/// Suppresses an address.
pub async fn put(
    tx: &mut Tx<'_>,
    site: SiteId,
    address_hmac: &str,
    reason: SuppressionReason,
    note: &str,
    now: UtcMs,
) -> Result<()> {
    let query = tx.query(PUT).bind(site).bind(address_hmac).bind(reason.as_str());
    query.bind(now).bind(note).run().await.map(drop)
}

/// Ends a suppression.
pub async fn lift(tx: &mut Tx<'_>, site: SiteId, address_hmac: &str) -> Result<()> {
    tx.query(LIFT).bind(site).bind(address_hmac).run().await.map(drop)
}

/// Suppressions in the order of their hashes, from after `after`.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    after: &str,
    limit: i64,
) -> Result<Vec<Suppression>> {
    session.query(LIST).bind(site).bind(after).bind(limit).all().await
}

/// Counts one mail to an address over the whole installation; `false`, and nothing counted, where
/// the last was after `not_since` or `max` are used up.
pub async fn count_against_limit(
    tx: &mut Tx<'_>,
    address_hmac: &str,
    kind: &str,
    now: UtcMs,
    not_since: UtcMs,
    max: i64,
) -> Result<bool> {
    let query = tx.query(LIMIT).bind(address_hmac).bind(kind).bind(now);
    Ok(query.bind(not_since).bind(max).run().await? == 1)
}

/// Starts the count of an address anew.
pub async fn end_limit(tx: &mut Tx<'_>, address_hmac: &str, kind: &str) -> Result<()> {
    tx.query(LIMIT_END).bind(address_hmac).bind(kind).run().await.map(drop)
}

/// Forgets counts whose last mail was before `before`.
pub async fn forget_limits(tx: &mut Tx<'_>, before: UtcMs) -> Result<u64> {
    tx.query(LIMITS_FORGET).bind(before).run().await
}
