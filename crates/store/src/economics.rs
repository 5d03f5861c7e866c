//! Economics: customers by how and when they were won, and the margin they brought since.
//!
//! Margin of an order = paid without tax − given back − cost of goods, to which is added what was
//! taken off as the reward of a referral, and on a first order every discount: both stand in the
//! cost of winning a customer, and nothing is counted twice.

use model::ids::ProductId;
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session};

const WON: &str = "select channel, source, count(*), cast(sum(discount_minor) as bigint),
    cast(sum(net_minor - refunded_minor - cost_minor + discount_minor) as bigint), max(paid_at)
    from order_figures where site_id = $1 and nth = 1 and paid_at >= $2 and paid_at < $3
        and currency = $4 and (cast($5 as bigint) = 0 or first_product_id = $5)
    group by channel, source order by channel, source";
// `cross join`: the few rewards first, then the customer of each.
const REWARDS: &str = "select f.channel, f.source, f.cohort, cast(sum(r.reward_minor) as bigint)
    from order_figures r cross join order_figures f
    where f.site_id = r.site_id and f.contact_id = r.reward_for and f.nth = 1
        and r.site_id = $1 and r.reward_for is not null and f.paid_at >= $2 and f.paid_at < $3
        and r.currency = $4 and (cast($5 as bigint) = 0 or f.first_product_id = $5)
    group by f.channel, f.source, f.cohort";
const MARGINS: &str = "select channel, source, day, cast(sum(case when nth = 2 then 1 else 0 end)
    as bigint), cast(sum(net_minor - refunded_minor - cost_minor + reward_minor
        + case when nth = 1 then discount_minor else 0 end) as bigint)
    from order_figures where site_id = $1 and first_at >= $2 and first_at < $3 and currency = $4
        and day <= $5 and (cast($6 as bigint) = 0 or first_product_id = $6)
    group by channel, source, day";
const COHORTS: &str = "select cohort, count(*), cast(sum(discount_minor) as bigint), max(paid_at)
    from order_figures where site_id = $1 and nth = 1 and paid_at >= $2 and paid_at < $3
        and currency = $4 and (cast($5 as bigint) = 0 or first_product_id = $5)
    group by cohort order by cohort";
const COHORT_DAYS: &str = "select cohort, day, cast(sum(case when nth = 2 then 1 else 0 end) as
    bigint), cast(sum(net_minor - refunded_minor - cost_minor + reward_minor
        + case when nth = 1 then discount_minor else 0 end) as bigint)
    from order_figures where site_id = $1 and first_at >= $2 and first_at < $3 and currency = $4
        and (cast($5 as bigint) = 0 or first_product_id = $5)
    group by cohort, day";
const PURCHASES: &str = "select contact_id, substr(paid_day, 1, 7),
    cast(sum(net_minor - refunded_minor) as bigint),
    cast(sum(net_minor - refunded_minor - cost_minor + reward_minor
        + case when nth = 1 then discount_minor else 0 end) as bigint)
    from order_figures where site_id = $1 and first_at >= $2 and first_at < $3 and currency = $4
        and (cast($5 as bigint) = 0 or first_product_id = $5)
    group by contact_id, substr(paid_day, 1, 7)";
const FIRST_PRODUCTS: &str = "select p.id, p.name from products p
    where p.site_id = $1 and exists (select 1 from order_figures f
        where f.site_id = p.site_id and f.first_product_id = p.id)
    order by p.name, p.id";

/// Whose economics are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Won<'a> {
    /// Customers whose first order was paid from this instant,
    pub from: UtcMs,
    /// to before this one.
    pub until: UtcMs,
    /// Amounts in this currency alone.
    pub currency: &'a str,
    /// Who bought this first; 0: anything.
    pub product: ProductId,
}

/// Customers won by one origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WonBy {
    /// The channel of the first touch.
    pub channel: String,
    /// Its source tag, or empty.
    pub source: String,
    /// How many.
    pub customers: i64,
    /// Taken off their first orders.
    pub discount_minor: i64,
    /// Margin of those, before the discount.
    pub margin_minor: i64,
    /// When the last of them was won.
    pub last_at: UtcMs,
}

impl FromRow for WonBy {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            channel: row.take()?,
            source: row.take()?,
            customers: row.take()?,
            discount_minor: row.take()?,
            margin_minor: row.take()?,
            last_at: row.take()?,
        })
    }
}

/// Customers won, by how they first came.
pub async fn won(session: &mut Session<'_>, site: SiteId, of: Won<'_>) -> Result<Vec<WonBy>> {
    let query = session.query(WON).bind(site).bind(of.from).bind(of.until);
    query.bind(of.currency).bind(of.product).all().await
}

/// Rewards of referrals that were redeemed, by origin and month of the customer they were given
/// for: channel, source, cohort, minor units.
pub async fn rewards(
    session: &mut Session<'_>,
    site: SiteId,
    of: Won<'_>,
) -> Result<Vec<(String, String, String, i64)>> {
    let query = session.query(REWARDS).bind(site).bind(of.from).bind(of.until);
    query.bind(of.currency).bind(of.product).all().await
}

/// Margin by origin and whole days since the first order, up to day `day_max`: channel, source,
/// day, second orders, minor units.
pub async fn margins(
    session: &mut Session<'_>,
    site: SiteId,
    of: Won<'_>,
    day_max: i64,
) -> Result<Vec<(String, String, i64, i64, i64)>> {
    let query = session.query(MARGINS).bind(site).bind(of.from).bind(of.until);
    query.bind(of.currency).bind(day_max).bind(of.product).all().await
}

/// The months in which customers were won: month, customers, discounts, when the last was won.
pub async fn cohorts(
    session: &mut Session<'_>,
    site: SiteId,
    of: Won<'_>,
) -> Result<Vec<(String, i64, i64, UtcMs)>> {
    let query = session.query(COHORTS).bind(site).bind(of.from).bind(of.until);
    query.bind(of.currency).bind(of.product).all().await
}

/// Margin by month won and whole days since: month, day, second orders, minor units.
pub async fn cohort_days(
    session: &mut Session<'_>,
    site: SiteId,
    of: Won<'_>,
) -> Result<Vec<(String, i64, i64, i64)>> {
    let query = session.query(COHORT_DAYS).bind(site).bind(of.from).bind(of.until);
    query.bind(of.currency).bind(of.product).all().await
}

/// What each customer paid in each month: customer, month, revenue, margin.
pub async fn purchases(
    session: &mut Session<'_>,
    site: SiteId,
    of: Won<'_>,
) -> Result<Vec<(i64, String, i64, i64)>> {
    let query = session.query(PURCHASES).bind(site).bind(of.from).bind(of.until);
    query.bind(of.currency).bind(of.product).all().await
}

/// Products that someone bought first, by name.
pub async fn first_products(
    session: &mut Session<'_>,
    site: SiteId,
) -> Result<Vec<(ProductId, String)>> {
    session.query(FIRST_PRODUCTS).bind(site).all().await
}
