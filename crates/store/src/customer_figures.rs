//! Figures of customers: one derived row a customer and currency, and the orders they come from.

use model::SiteId;
use model::UtcMs;
use model::ids::{ContactId, OrderId, ProductId, SegmentId};

use crate::{FromRow, Result, Row, Session, Tx};

const PUT: &str = "insert into customer_figures (site_id, contact_id, currency, first_day,
    last_day, last_at, orders, repeat_days, repeat_minor, repeat_margin_minor, net_minor,
    margin_minor, first_product_id, channel, source)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    on conflict (site_id, contact_id, currency) do update set first_day = excluded.first_day,
        last_day = excluded.last_day, last_at = excluded.last_at, orders = excluded.orders,
        repeat_days = excluded.repeat_days, repeat_minor = excluded.repeat_minor,
        repeat_margin_minor = excluded.repeat_margin_minor, net_minor = excluded.net_minor,
        margin_minor = excluded.margin_minor, first_product_id = excluded.first_product_id,
        channel = excluded.channel, source = excluded.source";
const DELETE: &str = "delete from customer_figures
    where site_id = $1 and contact_id = $2 and currency = $3";
/// The figures of customers `f`, as `CustomerFigure` reads them, of what `$rest` says.
macro_rules! figures {
    ($rest:literal) => {
        concat!(
            "select f.contact_id, f.currency, f.first_day, f.last_day, f.last_at,
    f.orders, f.repeat_days, f.repeat_minor, f.repeat_margin_minor, f.net_minor, f.margin_minor,
    f.first_product_id, f.channel, f.source",
            $rest
        )
    };
}
const OF_CONTACT: &str = figures!(
    " from customer_figures f where f.site_id = $1 and f.contact_id = $2 order by f.currency"
);
const SOME: &str = figures!(
    " from customer_figures f where f.site_id = $1 and f.contact_id > $2
    order by f.contact_id, f.currency limit $3"
);
const BY_FIRST: &str = figures!(
    ",
    coalesce((select c.email from contacts c
        where c.site_id = f.site_id and c.id = f.contact_id and c.erased_at is null), '')
    from customer_figures f where f.site_id = $1 and f.currency = $2
    and f.first_day >= $3 and f.first_day <= $4
    and f.first_day <= $5 and (f.first_day < $5 or f.contact_id < $6)
    and (cast($7 as text) = '' or $7 = case when exists (select 1 from spends s
        where s.site_id = f.site_id and s.channel = f.source) then f.source else f.channel end)
    and (cast($8 as bigint) = 0 or f.first_product_id = $8)
    and (cast($9 as bigint) = 0 or exists (select 1 from order_figures o
        where o.site_id = f.site_id and o.contact_id = f.contact_id and o.currency = f.currency
        and o.paid_day >= $10 and o.paid_day <= $11))
    and (cast($13 as bigint) = 0 or exists (select 1 from segment_members g
        where g.site_id = f.site_id and g.segment_id = $13 and g.contact_id = f.contact_id))
    order by f.first_day desc, f.contact_id desc limit $12"
);
const BY_LAST: &str = figures!(
    ",
    coalesce((select c.email from contacts c
        where c.site_id = f.site_id and c.id = f.contact_id and c.erased_at is null), '')
    from customer_figures f where f.site_id = $1 and f.currency = $2
    and f.last_day >= $3 and f.last_day <= $4
    and f.last_day <= $5 and (f.last_day < $5 or f.contact_id < $6)
    and f.orders >= $7 and f.orders <= $8 and f.net_minor >= $9 and f.net_minor <= $10
    and (cast($12 as bigint) = 0 or exists (select 1 from segment_members g
        where g.site_id = f.site_id and g.segment_id = $12 and g.contact_id = f.contact_id))
    order by f.last_day desc, f.contact_id desc limit $11"
);
const OF_SEGMENT: &str = figures!(
    " from segment_members m cross join customer_figures f
    where m.site_id = $1 and m.segment_id = $2 and f.site_id = m.site_id
        and f.contact_id = m.contact_id and f.currency = $3
    order by f.contact_id"
);
const ORDERS: &str = "select contact_id, nth, paid_day, currency, net_minor - refunded_minor
    from order_figures where site_id = $1 and contact_id >= $2
    and (contact_id > $2 or nth > $3) order by contact_id, nth limit $4";
const OWNER: &str = "select contact_id from order_figures where site_id = $1 and order_id = $2";
const LOST: &str = "select distinct contact_id from order_figures where site_id = $1
    and not exists (select 1 from orders o where o.site_id = order_figures.site_id
        and o.id = order_figures.order_id and o.contact_id = order_figures.contact_id
        and o.paid_at is not null) order by contact_id";
const STRAY: &str = "select distinct contact_id from customer_figures where site_id = $1
    and not exists (select 1 from order_figures o where o.site_id = customer_figures.site_id
        and o.contact_id = customer_figures.contact_id
        and o.currency = customer_figures.currency) order by contact_id";

/// What a customer brought in one currency. Money is without tax and less what was given back, in
/// minor units; days are counted from 1970-01-01 in the site's zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerFigure {
    /// The customer.
    pub contact_id: ContactId,
    /// Of every amount.
    pub currency: String,
    /// The day of the first order.
    pub first_day: i64,
    /// The day of the last one.
    pub last_day: i64,
    /// When that was.
    pub last_at: UtcMs,
    /// Orders.
    pub orders: i64,
    /// Days after the first with an order.
    pub repeat_days: i64,
    /// What was paid on those.
    pub repeat_minor: i64,
    /// What was left of that.
    pub repeat_margin_minor: i64,
    /// What was paid in all.
    pub net_minor: i64,
    /// What was left of that.
    pub margin_minor: i64,
    /// What was bought first.
    pub first_product_id: ProductId,
    /// The channel of the first touch.
    pub channel: String,
    /// Its source tag, or empty.
    pub source: String,
}

impl FromRow for CustomerFigure {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            contact_id: row.take()?,
            currency: row.take()?,
            first_day: row.take()?,
            last_day: row.take()?,
            last_at: row.take()?,
            orders: row.take()?,
            repeat_days: row.take()?,
            repeat_minor: row.take()?,
            repeat_margin_minor: row.take()?,
            net_minor: row.take()?,
            margin_minor: row.take()?,
            first_product_id: row.take()?,
            channel: row.take()?,
            source: row.take()?,
        })
    }
}

/// A customer in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The figures.
    pub figure: CustomerFigure,
    /// The address; empty where the contact was erased.
    pub email: String,
}

impl FromRow for Listed {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { figure: CustomerFigure::from_row(row)?, email: row.take()? })
    }
}

/// A whole range, both ends with it.
pub type Range = (i64, i64);

/// Everything there is.
pub const ANY: Range = (i64::MIN, i64::MAX);

/// Customers by the day of their first order.
#[derive(Debug, Clone)]
pub struct ByFirst {
    /// In this currency.
    pub currency: String,
    /// The first order was on one of these days.
    pub days: Range,
    /// How they came, in the word under which customers meet what was spent
    /// (`revenue::OrderRows`); empty: any.
    pub origin: String,
    /// What was bought first; 0: anything.
    pub product: ProductId,
    /// Of this segment; 0: anyone.
    pub segment: SegmentId,
    /// Who ordered on one of these days (ISO) too.
    pub bought: Option<(String, String)>,
    /// Where the page before ended: the first day, and who.
    pub before: (i64, ContactId),
    /// At most so many.
    pub limit: i64,
}

/// Customers by when they ordered last, how often, and for how much.
#[derive(Debug, Clone)]
pub struct ByLast {
    /// In this currency.
    pub currency: String,
    /// The last order was on one of these days.
    pub days: Range,
    /// So many orders.
    pub orders: Range,
    /// So much was paid.
    pub net: Range,
    /// Of this segment; 0: anyone.
    pub segment: SegmentId,
    /// Where the page before ended: the last day, and who.
    pub before: (i64, ContactId),
    /// At most so many.
    pub limit: i64,
}

/// An order, as the models of buying see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bought {
    /// Whose.
    pub contact_id: ContactId,
    /// The contact's how-many-eth.
    pub nth: i64,
    /// The day it was paid, ISO.
    pub paid_day: String,
    /// Of the amount.
    pub currency: String,
    /// Paid without tax, less what was given back.
    pub net_minor: i64,
}

impl FromRow for Bought {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            contact_id: row.take()?,
            nth: row.take()?,
            paid_day: row.take()?,
            currency: row.take()?,
            net_minor: row.take()?,
        })
    }
}

/// Writes a figure, in place of an earlier one of the customer in that currency.
pub async fn put(tx: &mut Tx<'_>, site: SiteId, figure: &CustomerFigure) -> Result<()> {
    tx.query(PUT)
        .bind(site)
        .bind(figure.contact_id)
        .bind(&figure.currency)
        .bind(figure.first_day)
        .bind(figure.last_day)
        .bind(figure.last_at)
        .bind(figure.orders)
        .bind(figure.repeat_days)
        .bind(figure.repeat_minor)
        .bind(figure.repeat_margin_minor)
        .bind(figure.net_minor)
        .bind(figure.margin_minor)
        .bind(figure.first_product_id)
        .bind(&figure.channel)
        .bind(&figure.source)
        .run()
        .await
        .map(drop)
}

/// Takes a figure away.
pub async fn delete(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    currency: &str,
) -> Result<()> {
    tx.query(DELETE).bind(site).bind(contact).bind(currency).run().await.map(drop)
}

/// The figures of a contact, one a currency.
pub async fn of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<CustomerFigure>> {
    session.query(OF_CONTACT).bind(site).bind(contact).all().await
}

/// Figures of the customers after `after`, by id.
pub async fn some(
    session: &mut Session<'_>,
    site: SiteId,
    after: ContactId,
    limit: i64,
) -> Result<Vec<CustomerFigure>> {
    session.query(SOME).bind(site).bind(after).bind(limit).all().await
}

/// Customers by the day of their first order, newest first.
pub async fn by_first(
    session: &mut Session<'_>,
    site: SiteId,
    of: &ByFirst,
) -> Result<Vec<Listed>> {
    let (from, to) = of.bought.clone().unwrap_or_default();
    session
        .query(BY_FIRST)
        .bind(site)
        .bind(&of.currency)
        .bind(of.days.0)
        .bind(of.days.1)
        .bind(of.before.0)
        .bind(of.before.1)
        .bind(&of.origin)
        .bind(of.product)
        .bind(i64::from(of.bought.is_some()))
        .bind(from)
        .bind(to)
        .bind(of.limit)
        .bind(of.segment)
        .all()
        .await
}

/// Customers by the day of their last order, newest first.
pub async fn by_last(session: &mut Session<'_>, site: SiteId, of: &ByLast) -> Result<Vec<Listed>> {
    session
        .query(BY_LAST)
        .bind(site)
        .bind(&of.currency)
        .bind(of.days.0)
        .bind(of.days.1)
        .bind(of.before.0)
        .bind(of.before.1)
        .bind(of.orders.0)
        .bind(of.orders.1)
        .bind(of.net.0)
        .bind(of.net.1)
        .bind(of.limit)
        .bind(of.segment)
        .all()
        .await
}

/// The customers among the contacts of a segment.
pub async fn of_segment(
    session: &mut Session<'_>,
    site: SiteId,
    segment: SegmentId,
    currency: &str,
) -> Result<Vec<CustomerFigure>> {
    session.query(OF_SEGMENT).bind(site).bind(segment).bind(currency).all().await
}

/// Orders by customer and first to last, after the `nth` of `after`.
pub async fn orders(
    session: &mut Session<'_>,
    site: SiteId,
    (after, nth): (ContactId, i64),
    limit: i64,
) -> Result<Vec<Bought>> {
    session.query(ORDERS).bind(site).bind(after).bind(nth).bind(limit).all().await
}

/// Who has the figure of an order.
pub async fn owner(
    session: &mut Session<'_>,
    site: SiteId,
    order: OrderId,
) -> Result<Option<ContactId>> {
    session.query(OWNER).bind(site).bind(order).maybe().await
}

/// Contacts with figures of orders that are not there, or not paid, or of customers without them.
pub async fn lost(session: &mut Session<'_>, site: SiteId) -> Result<Vec<ContactId>> {
    let mut lost: Vec<ContactId> = session.query(LOST).bind(site).all().await?;
    lost.extend(session.query(STRAY).bind(site).all::<ContactId>().await?);
    Ok(lost)
}
