//! What takes seconds to work out of a million customers, kept with the day it is of.

use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const PUT: &str = "insert into fits (site_id, currency, kind, day, customers, made_at, body)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (site_id, currency, kind) do update set day = excluded.day,
        customers = excluded.customers, made_at = excluded.made_at, body = excluded.body";
const FIND: &str = "select currency, kind, day, customers, made_at, body from fits
    where site_id = $1 and currency = $2 and kind = $3";
const MADE: &str = "select currency, kind, day, customers, made_at, '' from fits
    where site_id = $1 order by currency, kind";
const FORGET: &str = "delete from fits where site_id = $1";

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// Of its amounts.
    pub currency: String,
    /// `rfm` or `value`.
    pub kind: String,
    /// The day it is of, ISO, in the site's zone.
    pub day: String,
    /// How many customers there were.
    pub customers: i64,
    /// When it was made.
    pub made_at: UtcMs,
    /// What it says: JSON.
    pub body: String,
}

impl FromRow for Fit {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            currency: row.take()?,
            kind: row.take()?,
            day: row.take()?,
            customers: row.take()?,
            made_at: row.take()?,
            body: row.take()?,
        })
    }
}

/// Keeps one, in place of an earlier one.
pub async fn put(tx: &mut Tx<'_>, site: SiteId, fit: &Fit) -> Result<()> {
    let query = tx.query(PUT).bind(site).bind(&fit.currency).bind(&fit.kind).bind(&fit.day);
    query.bind(fit.customers).bind(fit.made_at).bind(&fit.body).run().await.map(drop)
}

/// The one that is kept.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    currency: &str,
    kind: &str,
) -> Result<Option<Fit>> {
    session.query(FIND).bind(site).bind(currency).bind(kind).maybe().await
}

/// What is kept of a site, without what it says.
pub async fn made(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Fit>> {
    session.query(MADE).bind(site).all().await
}

/// Takes all of a site away, so that they are made anew.
pub async fn forget(tx: &mut Tx<'_>, site: SiteId) -> Result<()> {
    tx.query(FORGET).bind(site).run().await.map(drop)
}
