//! Keys of the API, and what requests with an idempotency key were answered.

use model::ids::{KeyId, OperatorId};
use model::keys::ApiKey;
use model::{SiteId, UtcMs};

use crate::{FromRow, Json, Result, Row, Session, Tx};

const FIND_BY_HASH: &str = "select id, name, hint, scopes, made_by, created_at, used_at,
    expires_at, revoked_at from api_keys where site_id = $1 and token_hash = $2";
const LIST: &str = "select id, name, hint, scopes, made_by, created_at, used_at, expires_at,
    revoked_at from api_keys where site_id = $1 and id < $2 order by id desc limit $3";
const INSERT: &str = "insert into api_keys (site_id, id, name, hint, token_hash, scopes, made_by,
    created_at, used_at, expires_at, revoked_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, null, $9, null)";
const USED: &str = "update api_keys set used_at = $3 where site_id = $1 and id = $2";
const REVOKE: &str = "update api_keys set revoked_at = $3
    where site_id = $1 and id = $2 and revoked_at is null";
const FIND_REPLY: &str = "select request_hash, status, reply, created_at from api_replies
    where site_id = $1 and key_id = $2 and idempotency_key = $3";
const BEGIN_REPLY: &str = "insert into api_replies
    (site_id, key_id, idempotency_key, request_hash, status, reply, created_at)
    values ($1, $2, $3, $4, null, null, $5)
    on conflict (site_id, key_id, idempotency_key) do nothing";
const END_REPLY: &str = "update api_replies set status = $4, reply = $5
    where site_id = $1 and key_id = $2 and idempotency_key = $3";
const DROP_REPLY: &str = "delete from api_replies
    where site_id = $1 and key_id = $2 and idempotency_key = $3";
const FORGET_REPLIES: &str = "delete from api_replies where created_at < $1";

impl FromRow for ApiKey {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            name: row.take()?,
            hint: row.take()?,
            scopes: row.json()?,
            made_by: row.take::<Option<OperatorId>>()?,
            created_at: row.take()?,
            used_at: row.take()?,
            expires_at: row.take()?,
            revoked_at: row.take()?,
        })
    }
}

/// The key with this token hash.
pub async fn find_by_hash(
    session: &mut Session<'_>,
    site: SiteId,
    token_hash: &str,
) -> Result<Option<ApiKey>> {
    session.query(FIND_BY_HASH).bind(site).bind(token_hash).maybe().await
}

/// Keys of a site, newest first, from before `before`.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    before: KeyId,
    limit: i64,
) -> Result<Vec<ApiKey>> {
    session.query(LIST).bind(site).bind(before).bind(limit).all().await
}

/// Writes a new key.
pub async fn insert(tx: &mut Tx<'_>, site: SiteId, key: &ApiKey, token_hash: &str) -> Result<()> {
    tx.query(INSERT)
        .bind(site)
        .bind(key.id)
        .bind(&key.name)
        .bind(&key.hint)
        .bind(token_hash)
        .bind(Json(&key.scopes))
        .bind(key.made_by)
        .bind(key.created_at)
        .bind(key.expires_at)
        .run()
        .await
        .map(drop)
}

/// Notes that it was used.
pub async fn used(tx: &mut Tx<'_>, site: SiteId, id: KeyId, at: UtcMs) -> Result<()> {
    tx.query(USED).bind(site).bind(id).bind(at).run().await.map(drop)
}

/// Revokes it; `false` where there is none that holds.
pub async fn revoke(tx: &mut Tx<'_>, site: SiteId, id: KeyId, at: UtcMs) -> Result<bool> {
    Ok(tx.query(REVOKE).bind(site).bind(id).bind(at).run().await? > 0)
}

/// What a request with an idempotency key was answered, or that it still runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Of the request: method, path and body.
    pub request_hash: String,
    /// The status; nothing while the request runs.
    pub status: Option<i64>,
    /// The body.
    pub reply: Option<String>,
    /// When the request came.
    pub created_at: UtcMs,
}

impl FromRow for Kept {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            request_hash: row.take()?,
            status: row.take()?,
            reply: row.take()?,
            created_at: row.take()?,
        })
    }
}

/// What is kept under an idempotency key.
pub async fn find_reply(
    session: &mut Session<'_>,
    site: SiteId,
    key: KeyId,
    idempotency_key: &str,
) -> Result<Option<Kept>> {
    session.query(FIND_REPLY).bind(site).bind(key).bind(idempotency_key).maybe().await
}

/// Takes an idempotency key for a request; `false` where it is taken.
pub async fn begin_reply(
    tx: &mut Tx<'_>,
    site: SiteId,
    key: KeyId,
    idempotency_key: &str,
    request_hash: &str,
    at: UtcMs,
) -> Result<bool> {
    let query = tx.query(BEGIN_REPLY).bind(site).bind(key).bind(idempotency_key);
    Ok(query.bind(request_hash).bind(at).run().await? > 0)
}

/// Keeps what it was answered.
pub async fn end_reply(
    tx: &mut Tx<'_>,
    site: SiteId,
    key: KeyId,
    idempotency_key: &str,
    status: i64,
    reply: &str,
) -> Result<()> {
    let query = tx.query(END_REPLY).bind(site).bind(key).bind(idempotency_key);
    query.bind(status).bind(reply).run().await.map(drop)
}

/// Gives the key back: the request failed and may be tried again.
pub async fn drop_reply(
    tx: &mut Tx<'_>,
    site: SiteId,
    key: KeyId,
    idempotency_key: &str,
) -> Result<()> {
    tx.query(DROP_REPLY).bind(site).bind(key).bind(idempotency_key).run().await.map(drop)
}

/// Forgets what came before `before`.
pub async fn forget_replies(tx: &mut Tx<'_>, before: UtcMs) -> Result<u64> {
    tx.query(FORGET_REPLIES).bind(before).run().await
}
