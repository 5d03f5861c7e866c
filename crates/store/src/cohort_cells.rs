//! Who of a cohort bought in the nth month or week after the first order: sums kept as orders are
//! figured.

use model::SiteId;
use model::ids::ProductId;

use crate::{FromRow, Result, Row, Session, Tx};

const ADD: &str = "insert into cohort_cells (site_id, currency, unit, product_id, cohort, nth,
    customers, revenue_minor, margin_minor) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (site_id, currency, unit, product_id, cohort, nth) do update set
        customers = cohort_cells.customers + excluded.customers,
        revenue_minor = cohort_cells.revenue_minor + excluded.revenue_minor,
        margin_minor = cohort_cells.margin_minor + excluded.margin_minor";
const DROP_EMPTY: &str = "delete from cohort_cells where site_id = $1 and currency = $2
    and unit = $3 and product_id = $4 and cohort = $5 and nth = $6
    and customers = 0 and revenue_minor = 0 and margin_minor = 0";
const WITHIN: &str = "select currency, unit, product_id, cohort, nth, customers, revenue_minor,
    margin_minor from cohort_cells where site_id = $1 and currency = $2 and unit = $3
    and product_id = $4 and cohort >= $5 and cohort <= $6 order by cohort, nth";
const ALL: &str = "select currency, unit, product_id, cohort, nth, customers, revenue_minor,
    margin_minor from cohort_cells where site_id = $1";
const FOREIGN: &str = "select coalesce(cast(sum(customers) as bigint), 0) from cohort_cells
    where site_id = $1 and currency <> $2 and unit = $3 and product_id = $4 and cohort >= $5
    and cohort <= $6 and nth = 0";
const CUSTOMERS: &str = "select currency, cast(sum(customers) as bigint) from cohort_cells
    where site_id = $1 and unit = 'month' and product_id = 0 and nth = 0
    group by currency order by currency";

/// Which cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Of the amounts.
    pub currency: String,
    /// `month` or `week`.
    pub unit: String,
    /// What was bought first; 0: anything.
    pub product_id: ProductId,
    /// The month or week of the first order, as a number.
    pub cohort: i64,
    /// So many after it.
    pub nth: i64,
}

/// What stands in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Customers who bought.
    pub customers: i64,
    /// What they paid, without tax and less what was given back.
    pub revenue_minor: i64,
    /// What was left of it.
    pub margin_minor: i64,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Which.
    pub key: Key,
    /// What stands in it.
    pub sums: Sums,
}

impl FromRow for Cell {
    fn from_row(row: &mut Row) -> Result<Self> {
        let key = Key {
            currency: row.take()?,
            unit: row.take()?,
            product_id: row.take()?,
            cohort: row.take()?,
            nth: row.take()?,
        };
        let sums =
            Sums { customers: row.take()?, revenue_minor: row.take()?, margin_minor: row.take()? };
        Ok(Self { key, sums })
    }
}

/// Adds to a cell.
pub async fn add(tx: &mut Tx<'_>, site: SiteId, key: &Key, more: Sums) -> Result<()> {
    tx.query(ADD)
        .bind(site)
        .bind(&key.currency)
        .bind(&key.unit)
        .bind(key.product_id)
        .bind(key.cohort)
        .bind(key.nth)
        .bind(more.customers)
        .bind(more.revenue_minor)
        .bind(more.margin_minor)
        .run()
        .await?;
    if more.customers < 0 || more.revenue_minor < 0 || more.margin_minor < 0 {
        let query = tx.query(DROP_EMPTY).bind(site).bind(&key.currency).bind(&key.unit);
        query.bind(key.product_id).bind(key.cohort).bind(key.nth).run().await?;
    }
    Ok(())
}

/// The cells of the cohorts `from ..= to` in months or weeks, by cohort.
pub async fn within(
    session: &mut Session<'_>,
    site: SiteId,
    (currency, unit, product): (&str, &str, ProductId),
    (from, to): (i64, i64),
) -> Result<Vec<Cell>> {
    let query = session.query(WITHIN).bind(site).bind(currency).bind(unit).bind(product);
    query.bind(from).bind(to).all().await
}

/// How many are in cohorts of other currencies.
pub async fn foreign(
    session: &mut Session<'_>,
    site: SiteId,
    (currency, unit, product): (&str, &str, ProductId),
    (from, to): (i64, i64),
) -> Result<i64> {
    let query = session.query(FOREIGN).bind(site).bind(currency).bind(unit).bind(product);
    query.bind(from).bind(to).one().await
}

/// Every cell of a site.
pub async fn all(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Cell>> {
    session.query(ALL).bind(site).all().await
}

/// Customers by currency.
pub async fn customers(session: &mut Session<'_>, site: SiteId) -> Result<Vec<(String, i64)>> {
    session.query(CUSTOMERS).bind(site).all().await
}
