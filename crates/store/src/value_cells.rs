//! What customers brought by 30, 90, 180 and 365 days after their first order, by when and how they
//! were won: sums kept as orders are figured.

use model::SiteId;
use model::ids::ProductId;

use crate::{FromRow, Result, Row, Session, Tx};

const ADD: &str = "insert into value_cells (site_id, currency, cohort, channel, source,
    product_id, customers, returned, discount_minor, margin_30_minor, margin_90_minor,
    margin_180_minor, margin_365_minor, margin_minor, net_minor)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    on conflict (site_id, currency, cohort, channel, source, product_id) do update set
        customers = value_cells.customers + excluded.customers,
        returned = value_cells.returned + excluded.returned,
        discount_minor = value_cells.discount_minor + excluded.discount_minor,
        margin_30_minor = value_cells.margin_30_minor + excluded.margin_30_minor,
        margin_90_minor = value_cells.margin_90_minor + excluded.margin_90_minor,
        margin_180_minor = value_cells.margin_180_minor + excluded.margin_180_minor,
        margin_365_minor = value_cells.margin_365_minor + excluded.margin_365_minor,
        margin_minor = value_cells.margin_minor + excluded.margin_minor,
        net_minor = value_cells.net_minor + excluded.net_minor";
const DROP_EMPTY: &str = "delete from value_cells where site_id = $1 and currency = $2
    and cohort = $3 and channel = $4 and source = $5 and product_id = $6 and customers = 0";
const WITHIN: &str = "select currency, cohort, channel, source, product_id, customers, returned,
    discount_minor, margin_30_minor, margin_90_minor, margin_180_minor, margin_365_minor,
    margin_minor, net_minor from value_cells where site_id = $1 and currency = $2
    and cohort >= $3 and cohort <= $4 order by cohort, channel, source, product_id";
const ALL: &str = "select currency, cohort, channel, source, product_id, customers, returned,
    discount_minor, margin_30_minor, margin_90_minor, margin_180_minor, margin_365_minor,
    margin_minor, net_minor from value_cells where site_id = $1";

/// After how many days it is looked at what customers brought.
pub const DAYS: [i64; 4] = [30, 90, 180, 365];

/// Which customers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Of the amounts.
    pub currency: String,
    /// The month of the first order, as a number.
    pub cohort: i64,
    /// The channel of the first touch.
    pub channel: String,
    /// Its source tag, or empty.
    pub source: String,
    /// What was bought first.
    pub product_id: ProductId,
}

/// What they brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many they are.
    pub customers: i64,
    /// How many of them came back on a later day.
    pub returned: i64,
    /// What was taken off their first orders.
    pub discount_minor: i64,
    /// Margin up to each of [`DAYS`].
    pub margin_by: [i64; 4],
    /// Margin so far.
    pub margin_minor: i64,
    /// What they paid so far, without tax and less what was given back.
    pub net_minor: i64,
}

impl Sums {
    /// The same, with `other` added `times` times: −1 takes it off.
    #[must_use]
    pub fn plus(mut self, other: &Self, times: i64) -> Self {
        self.customers += other.customers * times;
        self.returned += other.returned * times;
        self.discount_minor += other.discount_minor * times;
        for (sum, more) in self.margin_by.iter_mut().zip(other.margin_by) {
            *sum += more * times;
        }
        self.margin_minor += other.margin_minor * times;
        self.net_minor += other.net_minor * times;
        self
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Which customers.
    pub key: Key,
    /// What they brought.
    pub sums: Sums,
}

impl FromRow for Cell {
    fn from_row(row: &mut Row) -> Result<Self> {
        let key = Key {
            currency: row.take()?,
            cohort: row.take()?,
            channel: row.take()?,
            source: row.take()?,
            product_id: row.take()?,
        };
        let sums = Sums {
            customers: row.take()?,
            returned: row.take()?,
            discount_minor: row.take()?,
            margin_by: [row.take()?, row.take()?, row.take()?, row.take()?],
            margin_minor: row.take()?,
            net_minor: row.take()?,
        };
        Ok(Self { key, sums })
    }
}

/// Adds to a line.
pub async fn add(tx: &mut Tx<'_>, site: SiteId, key: &Key, more: &Sums) -> Result<()> {
    let [by_30, by_90, by_180, by_365] = more.margin_by;
    tx.query(ADD)
        .bind(site)
        .bind(&key.currency)
        .bind(key.cohort)
        .bind(&key.channel)
        .bind(&key.source)
        .bind(key.product_id)
        .bind(more.customers)
        .bind(more.returned)
        .bind(more.discount_minor)
        .bind(by_30)
        .bind(by_90)
        .bind(by_180)
        .bind(by_365)
        .bind(more.margin_minor)
        .bind(more.net_minor)
        .run()
        .await?;
    if more.customers < 0 {
        let query = tx.query(DROP_EMPTY).bind(site).bind(&key.currency).bind(key.cohort);
        query.bind(&key.channel).bind(&key.source).bind(key.product_id).run().await?;
    }
    Ok(())
}

/// The customers won in the months `from ..= to`.
pub async fn within(
    session: &mut Session<'_>,
    site: SiteId,
    currency: &str,
    (from, to): (i64, i64),
) -> Result<Vec<Cell>> {
    session.query(WITHIN).bind(site).bind(currency).bind(from).bind(to).all().await
}

/// Every line of a site.
pub async fn all(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Cell>> {
    session.query(ALL).bind(site).all().await
}
