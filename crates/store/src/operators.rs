//! Operators and the sites they may open.

use model::ids::OperatorId;
use model::operators::{Operator, Role};
use model::sites::Site;
use model::{SiteId, UtcMs};

use crate::{FromRow, Json, Result, Row, Session, Tx};

const FIND: &str = "select id, email, name, role, password_hash, totp_secret, totp_step,
    recovery_codes, disabled, created_at, signed_in_at from operators where id = $1";
const FIND_BY_KEY: &str = "select id, email, name, role, password_hash, totp_secret, totp_step,
    recovery_codes, disabled, created_at, signed_in_at from operators where email_key = $1";
const LIST: &str = "select id, email, name, role, password_hash, totp_secret, totp_step,
    recovery_codes, disabled, created_at, signed_in_at from operators order by id";
const COUNT: &str = "select count(*) from operators";
const COUNT_OWNERS: &str =
    "select count(*) from operators where role = 'owner' and disabled = false";
const INSERT: &str = "insert into operators (id, email, email_key, name, role, password_hash,
    totp_secret, totp_step, recovery_codes, disabled, created_at, signed_in_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const SET_RIGHTS: &str = "update operators set role = $2, disabled = $3 where id = $1";
const SET_PASSWORD: &str = "update operators set password_hash = $2 where id = $1";
const SET_SECOND_STEP: &str = "update operators set totp_secret = $2, totp_step = $3,
    recovery_codes = $4 where id = $1";
const SPEND_CODE: &str = "update operators set totp_step = $4, recovery_codes = $5
    where id = $1 and totp_step = $2 and recovery_codes = $3";
const SIGN_IN: &str = "update operators set signed_in_at = $2 where id = $1 and disabled = false";
const ALLOW_SITE: &str = "insert into operator_sites (operator_id, site_id) values ($1, $2)
    on conflict (operator_id, site_id) do nothing";
const FORBID_SITES: &str = "delete from operator_sites where operator_id = $1";
const SITE_IDS: &str = "select site_id from operator_sites where operator_id = $1 order by site_id";

impl FromRow for Operator {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            email: row.take()?,
            name: row.take()?,
            role: row.word()?,
            password_hash: row.take()?,
            totp_secret: row.take()?,
            totp_step: row.take()?,
            recovery_codes: row.json()?,
            disabled: row.take()?,
            created_at: row.take()?,
            signed_in_at: row.take::<Option<UtcMs>>()?,
        })
    }
}

/// The operator with this id.
pub async fn find(session: &mut Session<'_>, id: OperatorId) -> Result<Option<Operator>> {
    session.query(FIND).bind(id).maybe().await
}

/// The operator with this address, by `EmailAddr::key`.
pub async fn find_by_key(session: &mut Session<'_>, email_key: &str) -> Result<Option<Operator>> {
    session.query(FIND_BY_KEY).bind(email_key).maybe().await
}

/// Every operator, oldest first.
pub async fn list(session: &mut Session<'_>) -> Result<Vec<Operator>> {
    session.query(LIST).all().await
}

/// How many there are; 0 on a first run.
pub async fn count(session: &mut Session<'_>) -> Result<i64> {
    session.query(COUNT).one().await
}

/// How many owners can sign in.
pub async fn count_owners(session: &mut Session<'_>) -> Result<i64> {
    session.query(COUNT_OWNERS).one().await
}

/// Writes a new operator.
pub async fn insert(tx: &mut Tx<'_>, operator: &Operator, email_key: &str) -> Result<()> {
    tx.query(INSERT)
        .bind(operator.id)
        .bind(&operator.email)
        .bind(email_key)
        .bind(&operator.name)
        .bind(operator.role.as_str())
        .bind(operator.password_hash.clone())
        .bind(operator.totp_secret.clone())
        .bind(operator.totp_step)
        .bind(Json(&operator.recovery_codes))
        .bind(operator.disabled)
        .bind(operator.created_at)
        .bind(operator.signed_in_at)
        .run()
        .await
        .map(drop)
}

/// Sets what an operator may do, and whether they may sign in.
///
/// Each thing that changes of an operator has a statement of its own: who signs in while their
/// rights are taken away must not write back what was read before.
pub async fn set_rights(tx: &mut Tx<'_>, id: OperatorId, role: Role, disabled: bool) -> Result<()> {
    let query = tx.query(SET_RIGHTS).bind(id).bind(role.as_str());
    query.bind(disabled).run().await.map(drop)
}

/// Sets a password, as its hash.
pub async fn set_password(tx: &mut Tx<'_>, id: OperatorId, hash: Option<String>) -> Result<()> {
    tx.query(SET_PASSWORD).bind(id).bind(hash).run().await.map(drop)
}

/// Sets the second step as it stands in `operator`.
pub async fn set_second_step(tx: &mut Tx<'_>, operator: &Operator) -> Result<()> {
    let query = tx.query(SET_SECOND_STEP).bind(operator.id).bind(operator.totp_secret.clone());
    query.bind(operator.totp_step).bind(Json(&operator.recovery_codes)).run().await.map(drop)
}

/// Writes down that a code was spent; `false` where another sign-in spent one meanwhile.
pub async fn spend_code(tx: &mut Tx<'_>, before: &Operator, after: &Operator) -> Result<bool> {
    let query = tx.query(SPEND_CODE).bind(before.id).bind(before.totp_step);
    let query = query.bind(Json(&before.recovery_codes)).bind(after.totp_step);
    Ok(query.bind(Json(&after.recovery_codes)).run().await? == 1)
}

/// Writes down a sign-in; `false` where the operator may not sign in any more.
pub async fn sign_in(tx: &mut Tx<'_>, id: OperatorId, now: UtcMs) -> Result<bool> {
    Ok(tx.query(SIGN_IN).bind(id).bind(now).run().await? == 1)
}

/// Sets which sites an operator may open; an owner may open all without rows.
pub async fn set_sites(tx: &mut Tx<'_>, operator: OperatorId, sites: &[SiteId]) -> Result<()> {
    tx.query(FORBID_SITES).bind(operator).run().await?;
    for site in sites {
        tx.query(ALLOW_SITE).bind(operator).bind(*site).run().await?;
    }
    Ok(())
}

/// The sites this operator may open, oldest first.
pub async fn sites_of(session: &mut Session<'_>, operator: &Operator) -> Result<Vec<Site>> {
    let mut sites = crate::sites::list(session).await?;
    if operator.role != Role::Owner {
        let allowed: Vec<SiteId> = session.query(SITE_IDS).bind(operator.id).all().await?;
        sites.retain(|site| allowed.contains(&site.id));
    }
    Ok(sites)
}
