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
const UPDATE: &str = "update operators set name = $2, role = $3, password_hash = $4,
    totp_secret = $5, totp_step = $6, recovery_codes = $7, disabled = $8, signed_in_at = $9
    where id = $1";
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

/// Writes what may change of an operator: all but the address.
pub async fn update(tx: &mut Tx<'_>, operator: &Operator) -> Result<()> {
    tx.query(UPDATE)
        .bind(operator.id)
        .bind(&operator.name)
        .bind(operator.role.as_str())
        .bind(operator.password_hash.clone())
        .bind(operator.totp_secret.clone())
        .bind(operator.totp_step)
        .bind(Json(&operator.recovery_codes))
        .bind(operator.disabled)
        .bind(operator.signed_in_at)
        .run()
        .await
        .map(drop)
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
