//! What customers cost and brought, by when they were won and the days since: sums of the figures
//! of orders, changed with the figure they sum.
//!
//! Margin of an order = paid without tax − given back − cost of goods, to which is added what was
//! taken off as the reward of a referral, and on a first order every discount: both stand in the
//! cost of winning a customer, and nothing is counted twice.

use std::collections::BTreeMap;

use model::ids::{OrderId, ProductId};
use model::spans::{Span, month_of};
use model::{SiteId, UtcMs};

use crate::order_figures::OrderFigure;
use crate::order_sums::pieces;
use crate::{FromRow, Result, Row, Session, Tx};

const ADD: &str = "insert into customer_sums (site_id, per, product_id, won, day, channel, source,
    currency, customers, seconds, orders, discount_minor, margin_minor)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict (site_id, per, product_id, won, day, channel, source, currency)
    do update set customers = customer_sums.customers + excluded.customers,
        seconds = customer_sums.seconds + excluded.seconds,
        orders = customer_sums.orders + excluded.orders,
        discount_minor = customer_sums.discount_minor + excluded.discount_minor,
        margin_minor = customer_sums.margin_minor + excluded.margin_minor";
const BY_ORIGIN: &str = "select channel, source, day, cast(sum(customers) as bigint),
    cast(sum(seconds) as bigint), cast(sum(orders) as bigint),
    cast(sum(discount_minor) as bigint), cast(sum(margin_minor) as bigint)
    from customer_sums where site_id = $1 and per = $2 and product_id = $3 and won >= $4
        and won <= $5 and currency = $6 and day <= $7
    group by channel, source, day";
const BY_MONTH: &str = "select won, '', day, cast(sum(customers) as bigint),
    cast(sum(seconds) as bigint), cast(sum(orders) as bigint),
    cast(sum(discount_minor) as bigint), cast(sum(margin_minor) as bigint)
    from customer_sums where site_id = $1 and per = 'total' and product_id = $2 and won >= $3
        and won <= $4 and currency = $5
    group by won, day";
const LAST_WON: &str = "select won from customer_sums
    where site_id = $1 and per = 'day' and product_id = $2 and won >= $3 and won <= $4 and day = 0
        and currency = $5 and customers > 0
    order by won desc limit 1";
// `cross join`: the few rewards first, then the customer of each.
const REWARDS: &str = "select f.channel, f.source, f.cohort, cast(sum(r.reward_minor) as bigint)
    from order_figures r cross join order_figures f
    where f.site_id = r.site_id and f.contact_id = r.reward_for and f.nth = 1
        and r.site_id = $1 and r.reward_for is not null and f.paid_at >= $2 and f.paid_at < $3
        and r.currency = $4 and (cast($5 as bigint) = 0 or f.first_product_id = $5)
    group by f.channel, f.source, f.cohort";
const REWARD_ROWS: &str =
    "select r.order_id, r.paid_at, c.email, f.channel, f.source, r.reward_minor
    from order_figures r cross join order_figures f
        join contacts c on c.site_id = r.site_id and c.id = r.contact_id
    where f.site_id = r.site_id and f.contact_id = r.reward_for and f.nth = 1
        and r.site_id = $1 and r.reward_for is not null and f.paid_at >= $2 and f.paid_at < $3
        and r.currency = $4 and (cast($5 as bigint) = 0 or f.first_product_id = $5)
    order by r.order_id desc";
const FIRST_PRODUCTS: &str = "select p.id, p.name from products p
    where p.site_id = $1 and exists (select 1 from customer_sums c
        where c.site_id = p.site_id and c.per = 'month' and c.product_id = p.id)
    order by p.name, p.id";
const FORGET: &str = "delete from customer_sums where site_id = $1 and per = $2
    and product_id in (select 0 union select id from products where site_id = $1)
    and won = $3";
const COUNT_DAY: &str = "insert into customer_sums (site_id, per, product_id, won, day, channel,
        source, currency, customers, seconds, orders, discount_minor, margin_minor)
    select f.site_id, cast($2 as text), f.first_product_id * cast($6 as bigint), cast($3 as text), f.day,
        f.channel,
        f.source, f.currency, cast(sum(case when f.nth = 1 then 1 else 0 end) as bigint),
        cast(sum(case when f.nth = 2 then 1 else 0 end) as bigint), count(*),
        cast(sum(case when f.nth = 1 then f.discount_minor else 0 end) as bigint),
        cast(sum(f.net_minor - f.refunded_minor - f.cost_minor + f.reward_minor
            + case when f.nth = 1 then f.discount_minor else 0 end) as bigint)
    from order_figures f where f.site_id = $1 and f.first_at >= $4 and f.first_at < $5
    group by f.site_id, f.first_product_id * cast($6 as bigint), f.day, f.channel, f.source,
        f.currency";

const COUNT_TOTAL: &str = "insert into customer_sums (site_id, per, product_id, won, day, channel,
        source, currency, customers, seconds, orders, discount_minor, margin_minor)
    select m.site_id, 'total', m.product_id, m.won, m.day, '', '', m.currency,
        cast(sum(m.customers) as bigint), cast(sum(m.seconds) as bigint),
        cast(sum(m.orders) as bigint), cast(sum(m.discount_minor) as bigint),
        cast(sum(m.margin_minor) as bigint)
    from customer_sums m where m.site_id = $1 and m.per = 'month'
        and m.product_id in (select 0 union select id from products where site_id = $1)
        and m.won = $2
    group by m.site_id, m.product_id, m.won, m.day, m.currency";
const WRITTEN: &str = "select per, product_id, won, day, channel, source, currency, customers,
    seconds, orders, discount_minor, margin_minor from customer_sums
    where site_id = $1 and per = $2
        and product_id in (select 0 union select id from products where site_id = $1)
        and won >= $3 and won <= $4";
const ENDS: &str = "select min(won), max(won) from customer_sums where site_id = $1 and per = $2";
const OF_NOTHING: &str = "select count(*) from customer_sums s where s.site_id = $1
    and s.product_id > 0 and not exists (select 1 from products p
        where p.site_id = s.site_id and p.id = s.product_id)";
const DELETE_OF_NOTHING: &str = "delete from customer_sums where site_id = $1
    and product_id > 0 and product_id not in (select id from products where site_id = $1)";

/// Customers of one origin, or of one month, on one of the days since they were won.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brought {
    /// The channel of the first touch; the month, where it is asked by months.
    pub channel: String,
    /// Its source tag, or empty.
    pub source: String,
    /// Whole days since the first order.
    pub day: i64,
    /// Customers won: on day 0 alone.
    pub customers: i64,
    /// Second orders.
    pub seconds: i64,
    /// Orders.
    pub orders: i64,
    /// Taken off first orders.
    pub discount_minor: i64,
    /// What the orders brought.
    pub margin_minor: i64,
}

impl FromRow for Brought {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            channel: row.take()?,
            source: row.take()?,
            day: row.take()?,
            customers: row.take()?,
            seconds: row.take()?,
            orders: row.take()?,
            discount_minor: row.take()?,
            margin_minor: row.take()?,
        })
    }
}

/// Whose sums are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Won<'a> {
    /// Customers whose first order was paid on these days.
    pub span: Span,
    /// Amounts in this currency alone.
    pub currency: &'a str,
    /// Who bought this first; 0: anything.
    pub product: ProductId,
}

/// A key of the table, without its site.
type Key = (&'static str, i64, String, i64, String, String, String);

/// Changes gathered before they are written.
#[derive(Debug, Default)]
pub struct Changes(BTreeMap<Key, [i64; 5]>);

/// The sums that there are of each customer.
const PER: [&str; 3] = ["day", "month", "total"];

/// A sum as it is written.
struct Written(Key, [i64; 5]);

impl FromRow for Written {
    fn from_row(row: &mut Row) -> Result<Self> {
        let per: String = row.take()?;
        let per = PER.into_iter().find(|one| *one == per).unwrap_or("day");
        let key =
            (per, row.take()?, row.take()?, row.take()?, row.take()?, row.take()?, row.take()?);
        let amounts = [row.take()?, row.take()?, row.take()?, row.take()?, row.take()?];
        Ok(Self(key, amounts))
    }
}

impl Changes {
    /// A figure came (`times` = 1) or went (−1), of a customer won on the day `won`.
    pub fn note(&mut self, figure: &OrderFigure, won: &str, times: i64) {
        let first = figure.nth == 1;
        let discount = if first { figure.discount_minor } else { 0 };
        let margin = figure.margin_minor();
        let amounts =
            [i64::from(first), i64::from(figure.nth == 2), 1, discount, margin].map(|n| n * times);
        for (per, won) in [("day", won), ("month", &figure.cohort), ("total", &figure.cohort)] {
            for product in [0, figure.first_product_id.0] {
                let (channel, source) = match per {
                    "total" => Default::default(),
                    _ => (figure.channel.clone(), figure.source.clone()),
                };
                let currency = figure.currency.clone();
                let key = (per, product, won.to_owned(), figure.day, channel, source, currency);
                for (sum, amount) in self.0.entry(key).or_default().iter_mut().zip(amounts) {
                    *sum += amount;
                }
            }
        }
    }

    /// Takes off what is written of customers won on the days of a month, and of the month itself:
    /// what is left is what that lacks.
    pub async fn less_written(
        &mut self,
        session: &mut Session<'_>,
        site: SiteId,
        month: Span,
    ) -> Result<()> {
        let name = month_of(month.from);
        let (from, to) = (month.from.to_string(), month.to.to_string());
        for per in PER {
            let (from, to) = if per == "day" { (&from, &to) } else { (&name, &name) };
            let query = session.query(WRITTEN).bind(site).bind(per).bind(from).bind(to);
            for Written(key, amounts) in query.all::<Written>().await? {
                for (sum, amount) in self.0.entry(key).or_default().iter_mut().zip(amounts) {
                    *sum -= amount;
                }
            }
        }
        self.0.retain(|_, amounts| *amounts != [0; 5]);
        Ok(())
    }

    /// Keeps what `other` holds too, to the unit.
    #[must_use]
    pub fn agreed(mut self, other: &Self) -> Self {
        self.0.retain(|key, amounts| other.0.get(key) == Some(amounts));
        self
    }

    /// How many sums change.
    pub fn lines(&self) -> usize {
        self.0.len()
    }

    /// Writes them.
    pub async fn write(self, tx: &mut Tx<'_>, site: SiteId) -> Result<()> {
        let changed = self.0.into_iter().filter(|(_, amounts)| *amounts != [0; 5]);
        for ((per, product, won, day, channel, source, currency), amounts) in changed {
            let query = tx.query(ADD).bind(site).bind(per).bind(product).bind(&won).bind(day);
            let mut query = query.bind(&channel).bind(&source).bind(&currency);
            for amount in amounts {
                query = query.bind(amount);
            }
            query.run().await?;
        }
        Ok(())
    }
}

/// The first and the last month that sums are written of: `2026-03`.
pub async fn ends(session: &mut Session<'_>, site: SiteId) -> Result<Option<(String, String)>> {
    let mut ends: Vec<String> = Vec::new();
    for per in PER {
        let query = session.query(ENDS).bind(site).bind(per);
        let (first, last): (Option<String>, Option<String>) = query.one().await?;
        ends.extend(first.into_iter().chain(last).map(|won| won.chars().take(7).collect()));
    }
    let first = ends.iter().min().cloned();
    Ok(first.zip(ends.into_iter().max()))
}

/// How many sums there are of products that are not there.
pub async fn of_nothing(session: &mut Session<'_>, site: SiteId) -> Result<i64> {
    session.query(OF_NOTHING).bind(site).one().await
}

/// Takes those away.
pub async fn delete_of_nothing(tx: &mut Tx<'_>, site: SiteId) -> Result<u64> {
    tx.query(DELETE_OF_NOTHING).bind(site).run().await
}

/// Customers and what they brought up to `day_max` days after, by first touch and day since.
pub async fn by_origin(
    session: &mut Session<'_>,
    site: SiteId,
    of: Won<'_>,
    day_max: i64,
) -> Result<Vec<Brought>> {
    let mut rows = Vec::new();
    for (per, from, to) in pieces(of.span) {
        let query = session.query(BY_ORIGIN).bind(site).bind(per).bind(of.product);
        let query = query.bind(&from).bind(&to).bind(of.currency).bind(day_max);
        rows.extend(query.all::<Brought>().await?);
    }
    Ok(rows)
}

/// The same by the month in which they were won, up to now; the months that the span touches.
pub async fn by_month(
    session: &mut Session<'_>,
    site: SiteId,
    of: Won<'_>,
) -> Result<Vec<Brought>> {
    let (from, to) = (month_of(of.span.from), month_of(of.span.to));
    let query = session.query(BY_MONTH).bind(site).bind(of.product).bind(&from).bind(&to);
    query.bind(of.currency).all().await
}

/// The last day of a span on which a customer was won, ISO.
pub async fn last_won(
    session: &mut Session<'_>,
    site: SiteId,
    of: Won<'_>,
) -> Result<Option<String>> {
    let (from, to) = (of.span.from.to_string(), of.span.to.to_string());
    let query = session.query(LAST_WON).bind(site).bind(of.product).bind(&from).bind(&to);
    query.bind(of.currency).maybe().await
}

/// Rewards of referrals that were redeemed, by origin and month of the customer they were given
/// for, who was won in `bounds`: channel, source, cohort, minor units.
pub async fn rewards(
    session: &mut Session<'_>,
    site: SiteId,
    of: Won<'_>,
    (from, until): (UtcMs, UtcMs),
) -> Result<Vec<(String, String, String, i64)>> {
    let query = session.query(REWARDS).bind(site).bind(from).bind(until);
    query.bind(of.currency).bind(of.product).all().await
}

/// An order that redeemed the reward of a referral.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewardRow {
    /// The order.
    pub order_id: OrderId,
    /// When it was paid.
    pub paid_at: UtcMs,
    /// Whose it is.
    pub email: String,
    /// The channel of the customer whom the reward was for.
    pub channel: String,
    /// Their source tag, or empty.
    pub source: String,
    /// What it took off.
    pub reward_minor: i64,
}

impl FromRow for RewardRow {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            order_id: row.take()?,
            paid_at: row.take()?,
            email: row.take()?,
            channel: row.take()?,
            source: row.take()?,
            reward_minor: row.take()?,
        })
    }
}

/// The orders behind [`rewards`], newest first.
pub async fn reward_rows(
    session: &mut Session<'_>,
    site: SiteId,
    of: Won<'_>,
    (from, until): (UtcMs, UtcMs),
) -> Result<Vec<RewardRow>> {
    let query = session.query(REWARD_ROWS).bind(site).bind(from).bind(until);
    query.bind(of.currency).bind(of.product).all().await
}

/// Products that someone bought first, by name.
pub async fn first_products(
    session: &mut Session<'_>,
    site: SiteId,
) -> Result<Vec<(ProductId, String)>> {
    session.query(FIRST_PRODUCTS).bind(site).all().await
}

/// Counts the customers won in `from .. until` anew, under the name of that day or month.
pub async fn count(
    tx: &mut Tx<'_>,
    site: SiteId,
    (per, won): (&'static str, &str),
    (from, until): (UtcMs, UtcMs),
) -> Result<()> {
    tx.query(FORGET).bind(site).bind(per).bind(won).run().await?;
    for by_product in [0_i64, 1] {
        let query = tx.query(COUNT_DAY).bind(site).bind(per).bind(won).bind(from).bind(until);
        query.bind(by_product).run().await?;
    }
    if per == "month" {
        tx.query(FORGET).bind(site).bind("total").bind(won).run().await?;
        tx.query(COUNT_TOTAL).bind(site).bind(won).run().await?;
    }
    Ok(())
}
