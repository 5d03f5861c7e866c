//! Margins of recent orders, one by one: how much they differ says how far an average can be
//! trusted. A limit keeps them few: the newest tell what holds now.

use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session};

// Orders first, the newest; then the lines and offers of each.
const FIRSTS: &str =
    "select f.net_minor, f.refunded_minor, f.net_minor - f.refunded_minor - f.cost_minor,
    coalesce(cast(sum(l.net_minor) as bigint), 0),
    coalesce(cast(sum(case when l.state = 'paid' then l.net_minor else 0 end - l.cost_minor)
        as bigint), 0),
    exists (select 1 from order_offers w where w.site_id = $1 and w.order_id = f.order_id
        and w.state in ('accepted', 'paid'))
    from (select order_id, paid_at, net_minor, refunded_minor, cost_minor from order_figures
        where site_id = $1 and paid_at >= $2 and paid_at < $3 and nth = 1 and currency = $4
        order by paid_at desc, order_id desc limit $5) f
        left join order_lines l on l.site_id = $1 and l.order_id = f.order_id
            and l.kind in ('upsell', 'downsell') and l.state in ('paid', 'refunded')
    group by f.paid_at, f.order_id, f.net_minor, f.refunded_minor, f.cost_minor
    order by f.paid_at desc, f.order_id desc";
const LATER: &str = "select count(o.order_id),
    coalesce(cast(sum(o.net_minor - o.refunded_minor - o.cost_minor) as bigint), 0),
    coalesce(min(o.day), 0)
    from (select contact_id from order_figures where site_id = $1 and paid_at >= $2
            and paid_at < $3 and nth = 1 and currency = $4
        order by paid_at desc, order_id desc limit $6) f
        left join order_figures o on o.site_id = $1 and o.contact_id = f.contact_id
            and o.nth >= 2 and o.day <= $5 and o.currency = $4
    group by f.contact_id";

/// Whose margins are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Recent<'a> {
    /// Whose first order was paid from this instant,
    pub from: UtcMs,
    /// to before this one.
    pub until: UtcMs,
    /// Amounts in this currency alone.
    pub currency: &'a str,
    /// At most so many, the newest.
    pub limit: i64,
}

/// A customer's first order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstOrder {
    /// Paid without tax, everything together.
    pub net_minor: i64,
    /// Given back of that.
    pub refunded_minor: i64,
    /// What is left of that: less refunds and goods.
    pub margin_minor: i64,
    /// Of `net_minor` what offers after the order brought.
    pub upsell_net_minor: i64,
    /// Of `margin_minor` the same.
    pub upsell_margin_minor: i64,
    /// Whether anything that was offered after it was taken.
    pub took_offer: bool,
}

impl FromRow for FirstOrder {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            net_minor: row.take()?,
            refunded_minor: row.take()?,
            margin_minor: row.take()?,
            upsell_net_minor: row.take()?,
            upsell_margin_minor: row.take()?,
            took_offer: row.take()?,
        })
    }
}

/// What a customer bought after the first order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Later {
    /// How many orders.
    pub orders: i64,
    /// Their margin.
    pub margin_minor: i64,
    /// Days from the first order to the second; 0 where there is none.
    pub day: i64,
}

impl FromRow for Later {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { orders: row.take()?, margin_minor: row.take()?, day: row.take()? })
    }
}

/// First orders, the newest of them.
pub async fn firsts(
    session: &mut Session<'_>,
    site: SiteId,
    of: Recent<'_>,
) -> Result<Vec<FirstOrder>> {
    let query = session.query(FIRSTS).bind(site).bind(of.from).bind(of.until);
    query.bind(of.currency).bind(of.limit).all().await
}

/// What each of those customers bought up to so many days after, one a customer.
pub async fn later(
    session: &mut Session<'_>,
    site: SiteId,
    of: Recent<'_>,
    day_max: i64,
) -> Result<Vec<Later>> {
    let query = session.query(LATER).bind(site).bind(of.from).bind(of.until);
    query.bind(of.currency).bind(day_max).bind(of.limit).all().await
}
