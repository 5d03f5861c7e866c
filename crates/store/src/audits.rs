//! The audit log: appended to, read, never changed.

use model::audits::Audit;
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const BEGIN: &str = "insert into audit_heads (site_id, number, hash) values ($1, 0, '')
    on conflict (site_id) do nothing";
const STEP: &str = "update audit_heads set number = number + 1 where site_id = $1
    returning number, hash";
const SET_HEAD: &str = "update audit_heads set hash = $2 where site_id = $1";
const INSERT: &str = "insert into audits
    (site_id, number, at, actor, action, object, data, previous, hash)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const LIST: &str = "select number, at, actor, action, object, data, previous, hash from audits
    where site_id = $1 and number < $2 order by number desc limit $3";
const FROM: &str = "select number, at, actor, action, object, data, previous, hash from audits
    where site_id = $1 and number > $2 order by number limit $3";
const HEAD: &str = "select number, hash from audit_heads where site_id = $1";
const SITES: &str = "select site_id from audit_heads order by site_id";

impl FromRow for Audit {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            number: row.take()?,
            at: row.take()?,
            actor: row.take()?,
            action: row.take()?,
            object: row.take()?,
            data: row.take()?,
            previous: row.take()?,
            hash: row.take()?,
        })
    }
}

/// What a new line says.
#[derive(Debug, Clone)]
pub struct NewAudit {
    /// When.
    pub at: UtcMs,
    /// Who, as text.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// Details as JSON text.
    pub data: String,
}

/// Appends a line to the chain of a site. The head's row is locked until the transaction ends, so
/// that two lines never follow the same one.
pub async fn append(tx: &mut Tx<'_>, site: SiteId, new: NewAudit) -> Result<Audit> {
    tx.query(BEGIN).bind(site).run().await?;
    let (number, previous): (i64, String) = tx.query(STEP).bind(site).one().await?;
    let mut line = Audit {
        number,
        at: new.at,
        actor: new.actor,
        action: new.action,
        object: new.object,
        data: new.data,
        previous,
        hash: String::new(),
    };
    line.hash = line.seal();
    tx.query(INSERT)
        .bind(site)
        .bind(line.number)
        .bind(line.at)
        .bind(&line.actor)
        .bind(&line.action)
        .bind(&line.object)
        .bind(&line.data)
        .bind(&line.previous)
        .bind(&line.hash)
        .run()
        .await?;
    tx.query(SET_HEAD).bind(site).bind(&line.hash).run().await?;
    Ok(line)
}

/// Lines of a site, newest first, from before number `before`.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    before: i64,
    limit: i64,
) -> Result<Vec<Audit>> {
    session.query(LIST).bind(site).bind(before).bind(limit).all().await
}

/// Lines of a site in their order, after number `after`.
pub async fn from(
    session: &mut Session<'_>,
    site: SiteId,
    after: i64,
    limit: i64,
) -> Result<Vec<Audit>> {
    session.query(FROM).bind(site).bind(after).bind(limit).all().await
}

/// The number and seal of the last line of a site.
pub async fn head(session: &mut Session<'_>, site: SiteId) -> Result<Option<(i64, String)>> {
    session.query(HEAD).bind(site).maybe().await
}

/// Every site with a chain; 0 is the installation.
pub async fn sites(session: &mut Session<'_>) -> Result<Vec<SiteId>> {
    session.query(SITES).all().await
}
