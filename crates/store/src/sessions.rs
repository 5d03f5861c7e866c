//! Signed-in browsers. Of the token only its hash is here.

use model::ids::{OperatorId, SessionId};
use model::operators::Stage;
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const FIND: &str = "select id, token_hash, operator_id, stage, site_id, browser, totp_offer,
    created_at, seen_at from sessions where token_hash = $1";
const LIST_OF: &str = "select id, token_hash, operator_id, stage, site_id, browser, totp_offer,
    created_at, seen_at from sessions where operator_id = $1 order by seen_at desc";
const INSERT: &str = "insert into sessions (id, token_hash, operator_id, stage, site_id, browser,
    totp_offer, created_at, seen_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const SEEN: &str = "update sessions set seen_at = $2 where id = $1";
const SET_SITE: &str = "update sessions set site_id = $2 where id = $1";
const SET_OFFER: &str = "update sessions set totp_offer = $2 where id = $1";
const DELETE: &str = "delete from sessions where id = $1";
const DELETE_OF: &str = "delete from sessions where operator_id = $1 and id <> $2";
const DELETE_ONE_OF: &str = "delete from sessions where operator_id = $1 and id = $2";
const DELETE_OLD: &str = "delete from sessions where seen_at < $1 or created_at < $2";

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Its id.
    pub id: SessionId,
    /// SHA-256 of its token, in hex.
    pub token_hash: String,
    /// Who signed in.
    pub operator_id: OperatorId,
    /// How far the sign-in has come.
    pub stage: Stage,
    /// The site in view.
    pub site_id: Option<SiteId>,
    /// Which browser, in a few words; never where from.
    pub browser: String,
    /// The secret of an authenticator being set up, sealed.
    pub totp_offer: Option<String>,
    /// When it began.
    pub created_at: UtcMs,
    /// When it was last used.
    pub seen_at: UtcMs,
}

impl FromRow for SignIn {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            token_hash: row.take()?,
            operator_id: row.take()?,
            stage: row.word()?,
            site_id: row.take()?,
            browser: row.take()?,
            totp_offer: row.take()?,
            created_at: row.take()?,
            seen_at: row.take()?,
        })
    }
}

/// The sign-in with this token hash.
pub async fn find(session: &mut Session<'_>, token_hash: &str) -> Result<Option<SignIn>> {
    session.query(FIND).bind(token_hash).maybe().await
}

/// Every sign-in of an operator, last used first.
pub async fn list_of(session: &mut Session<'_>, operator: OperatorId) -> Result<Vec<SignIn>> {
    session.query(LIST_OF).bind(operator).all().await
}

/// Writes a new sign-in.
pub async fn insert(tx: &mut Tx<'_>, sign_in: &SignIn) -> Result<()> {
    tx.query(INSERT)
        .bind(sign_in.id)
        .bind(&sign_in.token_hash)
        .bind(sign_in.operator_id)
        .bind(sign_in.stage.as_str())
        .bind(sign_in.site_id)
        .bind(&sign_in.browser)
        .bind(sign_in.totp_offer.clone())
        .bind(sign_in.created_at)
        .bind(sign_in.seen_at)
        .run()
        .await
        .map(drop)
}

/// Notes that it was used.
pub async fn seen(tx: &mut Tx<'_>, id: SessionId, at: UtcMs) -> Result<()> {
    tx.query(SEEN).bind(id).bind(at).run().await.map(drop)
}

/// Sets the site in view.
pub async fn set_site(tx: &mut Tx<'_>, id: SessionId, site: SiteId) -> Result<()> {
    tx.query(SET_SITE).bind(id).bind(site).run().await.map(drop)
}

/// Sets or forgets the secret of an authenticator being set up.
pub async fn set_offer(tx: &mut Tx<'_>, id: SessionId, sealed: Option<String>) -> Result<()> {
    tx.query(SET_OFFER).bind(id).bind(sealed).run().await.map(drop)
}

/// Ends it.
pub async fn delete(tx: &mut Tx<'_>, id: SessionId) -> Result<()> {
    tx.query(DELETE).bind(id).run().await.map(drop)
}

/// Ends one of an operator's; whether there was one.
pub async fn delete_one_of(tx: &mut Tx<'_>, operator: OperatorId, id: SessionId) -> Result<bool> {
    Ok(tx.query(DELETE_ONE_OF).bind(operator).bind(id).run().await? > 0)
}

/// Ends every sign-in of an operator but `keep`.
pub async fn delete_of(tx: &mut Tx<'_>, operator: OperatorId, keep: SessionId) -> Result<u64> {
    tx.query(DELETE_OF).bind(operator).bind(keep).run().await
}

/// Forgets those not used since `idle` and those begun before `begun`.
pub async fn delete_old(tx: &mut Tx<'_>, idle: UtcMs, begun: UtcMs) -> Result<u64> {
    tx.query(DELETE_OLD).bind(idle).bind(begun).run().await
}
