//! Journeys: the touches that came before each order, and those that led to none yet. Derived, one
//! row each; `road_sums` holds them added up.

use model::ids::{ContactId, OrderId, ProductId, SegmentId};
use model::roads::Sought;
use model::spans::Span;
use model::{SiteId, UtcMs};

use crate::road_sums::Level;
use crate::{FromRow, Query, Result, Row, Session, Tx};

const MARK: &str = "insert into journey_marks (site_id, contact_id) values ($1, $2)
    on conflict (site_id, contact_id) do update set contact_id = excluded.contact_id";
const MARKED: &str = "select site_id, contact_id from journey_marks
    order by site_id, contact_id limit $1";
const UNMARK: &str = "delete from journey_marks where site_id = $1 and contact_id = $2";
const TOUCHES: &str = "select at, channel, coalesce(source, referrer, '') from touches
    where site_id = $1 and contact_id = $2 order by at, id";
const ORDERS: &str = "select f.order_id, f.paid_at, f.paid_day, f.currency,
    f.net_minor - f.refunded_minor, f.net_minor - f.refunded_minor - f.cost_minor,
    coalesce((select l.product_id from order_lines l where l.site_id = f.site_id
        and l.order_id = f.order_id order by l.position, l.id limit 1), 0)
    from order_figures f where f.site_id = $1 and f.contact_id = $2 order by f.nth";
const OF_CONTACT: &str = "select contact_id, order_id, ended_at, day, began_at, product_id,
    currency, revenue_minor, margin_minor, channels, path, ages
    from journeys where site_id = $1 and contact_id = $2 order by order_id";
const ENDED: &str = "select contact_id, order_id, ended_at, day, began_at, product_id,
    currency, revenue_minor, margin_minor, channels, path, ages
    from journeys where site_id = $1 and ended_at >= $2 and ended_at < $3";
// The members first, so that it takes as long as the segment is large; `limit`, for a range of
// members would be taken for one of journeys.
const OF_SEGMENT: &str = "select j.contact_id, j.order_id, j.ended_at, j.day, j.began_at,
    j.product_id, j.currency, j.revenue_minor, j.margin_minor, j.channels, j.path, j.ages
    from (select s.contact_id from segment_members s where s.site_id = $1 and s.segment_id = $2
            and s.contact_id > $3 order by s.contact_id limit $4) m
        cross join journeys j
    where j.site_id = $1 and j.contact_id = m.contact_id and j.day >= $5 and j.day <= $6
        and (cast($7 as bigint) = 0 or j.product_id = $7)";
const PUT: &str = "insert into journeys (site_id, contact_id, order_id, ended_at, day, began_at,
    product_id, currency, revenue_minor, margin_minor, channels, path, ages)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict (site_id, contact_id, order_id) do update set ended_at = excluded.ended_at,
        day = excluded.day, began_at = excluded.began_at, product_id = excluded.product_id,
        currency = excluded.currency, revenue_minor = excluded.revenue_minor,
        margin_minor = excluded.margin_minor, channels = excluded.channels,
        path = excluded.path, ages = excluded.ages";
const DELETE: &str = "delete from journeys
    where site_id = $1 and contact_id = $2 and order_id = $3";
const FIRST_END: &str = "select ended_at from journeys where site_id = $1
    order by ended_at limit 1";
const TOUCHED: &str = "select distinct contact_id from touches
    where site_id = $1 and contact_id > $2 order by contact_id limit $3";
const ORDERED_ALONE: &str = "select distinct f.contact_id from order_figures f
    where f.site_id = $1 and f.contact_id > $2 and not exists (select 1 from touches t
        where t.site_id = f.site_id and t.contact_id = f.contact_id)
    order by f.contact_id limit $3";
const LEFT_OVER: &str = "select distinct j.contact_id from journeys j
    where j.site_id = $1 and j.contact_id > $2
        and not exists (select 1 from touches t
            where t.site_id = j.site_id and t.contact_id = j.contact_id)
        and not exists (select 1 from order_figures f
            where f.site_id = j.site_id and f.contact_id = j.contact_id)
    order by j.contact_id limit $3";
// The keys first, from the index alone, then the rows of one page.
const ORDER_ROWS: &str = "select j.contact_id, j.order_id, c.email, j.ended_at, j.began_at,
    j.currency, j.revenue_minor, j.margin_minor, j.path, j.ages
    from (select k.contact_id, k.order_id, k.ended_at from journeys k
        where k.site_id = $1 and k.ended_at >= $2 and k.ended_at < $3 and k.order_id > 0
            and (k.ended_at < $4 or (k.ended_at = $4 and k.order_id < $5))
            and (cast($6 as text) = '' or
                replace('<' || k.channels || '<', $6, '') <> '<' || k.channels || '<')
            and (cast($7 as text) = '' or
                replace('<' || k.channels || '<', $7, '') <> '<' || k.channels || '<')
            and (cast($8 as text) = '' or
                replace('<' || k.path || '<', $8, '') <> '<' || k.path || '<')
            and (cast($9 as bigint) = 0 or k.product_id = $9)
            and (cast($10 as text) = '' or k.currency = $10)
            and (cast($12 as bigint) = 0 or exists (select 1 from segment_members g
                where g.site_id = k.site_id and g.segment_id = $12
                    and g.contact_id = k.contact_id))
        order by k.ended_at desc, k.order_id desc limit $11) i
    join journeys j on j.site_id = $1 and j.contact_id = i.contact_id and j.order_id = i.order_id
    join contacts c on c.site_id = j.site_id and c.id = j.contact_id
    order by j.ended_at desc, j.order_id desc";
const OPEN_ROWS: &str = "select j.contact_id, j.order_id, c.email, j.ended_at, j.began_at,
    j.currency, j.revenue_minor, j.margin_minor, j.path, j.ages
    from (select k.contact_id, k.order_id, k.ended_at from journeys k
        where k.site_id = $1 and k.ended_at >= $2 and k.ended_at < $3 and k.order_id = 0
            and (k.ended_at < $4 or (k.ended_at = $4 and k.contact_id < $5))
            and (cast($6 as text) = '' or
                replace('<' || k.channels || '<', $6, '') <> '<' || k.channels || '<')
            and (cast($7 as text) = '' or
                replace('<' || k.channels || '<', $7, '') <> '<' || k.channels || '<')
            and (cast($8 as text) = '' or
                replace('<' || k.path || '<', $8, '') <> '<' || k.path || '<')
            and (cast($10 as bigint) = 0 or exists (select 1 from segment_members g
                where g.site_id = k.site_id and g.segment_id = $10
                    and g.contact_id = k.contact_id))
        order by k.ended_at desc, k.contact_id desc limit $9) i
    join journeys j on j.site_id = $1 and j.contact_id = i.contact_id and j.order_id = i.order_id
    join contacts c on c.site_id = j.site_id and c.id = j.contact_id
    order by j.ended_at desc, j.contact_id desc";

/// One journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    /// Whose.
    pub contact_id: ContactId,
    /// The order it led to; 0 for none yet.
    pub order_id: OrderId,
    /// When that was paid, or when the last touch was.
    pub ended_at: UtcMs,
    /// The day of that in the site's zone, ISO.
    pub day: String,
    /// When the first touch was; the end itself where there is none.
    pub began_at: UtcMs,
    /// What was ordered first of all, or 0.
    pub product_id: ProductId,
    /// Of the amounts; empty without an order.
    pub currency: String,
    /// Paid without tax, less what went back.
    pub revenue_minor: i64,
    /// The same, less what the goods cost.
    pub margin_minor: i64,
    /// The channels in order, as `model::roads` writes them.
    pub channels: String,
    /// The same with sources.
    pub path: String,
    /// Milliseconds between each touch and the last, apart by spaces.
    pub ages: String,
}

impl Journey {
    /// Milliseconds between each touch and the last.
    pub fn ages_ms(&self) -> Vec<i64> {
        self.ages.split(' ').filter_map(|age| age.parse().ok()).collect()
    }
}

impl FromRow for Journey {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            contact_id: row.take()?,
            order_id: row.take()?,
            ended_at: row.take()?,
            day: row.take()?,
            began_at: row.take()?,
            product_id: row.take()?,
            currency: row.take()?,
            revenue_minor: row.take()?,
            margin_minor: row.take()?,
            channels: row.take()?,
            path: row.take()?,
            ages: row.take()?,
        })
    }
}

/// An order as its journey is made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordered {
    /// Which.
    pub order_id: OrderId,
    /// When it was paid.
    pub paid_at: UtcMs,
    /// The day of that in the site's zone, ISO.
    pub paid_day: String,
    /// Of the amounts.
    pub currency: String,
    /// Paid without tax, less what went back.
    pub revenue_minor: i64,
    /// The same, less what the goods cost.
    pub margin_minor: i64,
    /// What it was first of all for.
    pub product_id: ProductId,
}

impl FromRow for Ordered {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            order_id: row.take()?,
            paid_at: row.take()?,
            paid_day: row.take()?,
            currency: row.take()?,
            revenue_minor: row.take()?,
            margin_minor: row.take()?,
            product_id: row.take()?,
        })
    }
}

/// Says that a contact's journeys are to be made anew. Two that change one contact at once wait
/// for each other here, so that none of it is missed.
pub async fn mark(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(MARK).bind(site).bind(contact).run().await.map(drop)
}

/// Contacts whose journeys are to be made anew.
pub async fn marked(session: &mut Session<'_>, limit: i64) -> Result<Vec<(SiteId, ContactId)>> {
    session.query(MARKED).bind(limit).all().await
}

/// Takes the mark off; `false` where it was off already, by another that makes them.
pub async fn unmark(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<bool> {
    Ok(tx.query(UNMARK).bind(site).bind(contact).run().await? > 0)
}

/// A contact's touches in order of time: when, channel, source or who referred.
pub async fn touches(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<(UtcMs, String, String)>> {
    session.query(TOUCHES).bind(site).bind(contact).all().await
}

/// A contact's orders, first to last, from their figures.
pub async fn orders(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<Ordered>> {
    session.query(ORDERS).bind(site).bind(contact).all().await
}

/// A contact's journeys as they are written.
pub async fn of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<Journey>> {
    session.query(OF_CONTACT).bind(site).bind(contact).all().await
}

/// Journeys that ended in `from .. until`.
pub async fn ended(
    session: &mut Session<'_>,
    site: SiteId,
    (from, until): (UtcMs, UtcMs),
) -> Result<Vec<Journey>> {
    session.query(ENDED).bind(site).bind(from).bind(until).all().await
}

/// Journeys that ended in `span`, to orders of `product` (0: to any, and to none), of `limit`
/// contacts of a segment whose ids lie above `after`.
pub async fn of_segment(
    session: &mut Session<'_>,
    site: SiteId,
    segment: SegmentId,
    (span, product): (Span, ProductId),
    (after, limit): (ContactId, i64),
) -> Result<Vec<Journey>> {
    let query = session.query(OF_SEGMENT).bind(site).bind(segment).bind(after).bind(limit);
    let query = query.bind(span.from.to_string()).bind(span.to.to_string());
    query.bind(product).all().await
}

/// Writes a journey, in place of an earlier one to the same end.
pub async fn put(tx: &mut Tx<'_>, site: SiteId, journey: &Journey) -> Result<()> {
    tx.query(PUT)
        .bind(site)
        .bind(journey.contact_id)
        .bind(journey.order_id)
        .bind(journey.ended_at)
        .bind(&journey.day)
        .bind(journey.began_at)
        .bind(journey.product_id)
        .bind(&journey.currency)
        .bind(journey.revenue_minor)
        .bind(journey.margin_minor)
        .bind(&journey.channels)
        .bind(&journey.path)
        .bind(&journey.ages)
        .run()
        .await
        .map(drop)
}

/// Takes a journey away.
pub async fn delete(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    order: OrderId,
) -> Result<()> {
    tx.query(DELETE).bind(site).bind(contact).bind(order).run().await.map(drop)
}

/// When the first journey of all ended.
pub async fn first_end(session: &mut Session<'_>, site: SiteId) -> Result<Option<UtcMs>> {
    session.query(FIRST_END).bind(site).maybe().await
}

/// Which contacts a rebuild looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those who have touches.
    Touched,
    /// Those who ordered and have none.
    OrderedAlone,
    /// Those who have journeys and nothing to make them from.
    LeftOver,
}

/// Contacts after `after`.
pub async fn contacts(
    session: &mut Session<'_>,
    site: SiteId,
    whose: Whose,
    after: ContactId,
    limit: i64,
) -> Result<Vec<ContactId>> {
    let sql = match whose {
        Whose::Touched => TOUCHED,
        Whose::OrderedAlone => ORDERED_ALONE,
        Whose::LeftOver => LEFT_OVER,
    };
    session.query(sql).bind(site).bind(after).bind(limit).all().await
}

/// Which journeys are asked for.
#[derive(Debug, Clone)]
pub struct JourneyRows {
    /// Ended from this instant,
    pub from: UtcMs,
    /// to before this one.
    pub until: UtcMs,
    /// Where the list goes on: an instant, and the order or contact of that.
    pub before: (UtcMs, i64),
    /// Through this channel; empty: any.
    pub channel: String,
    /// By these paths.
    pub sought: Sought,
    /// Of what those are made.
    pub level: Level,
    /// To an order of this; 0: anything.
    pub product: ProductId,
    /// In this currency; empty: any.
    pub currency: String,
    /// Of the contacts of this segment; 0: anyone.
    pub segment: SegmentId,
    /// At most so many.
    pub limit: i64,
}

/// One journey of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JourneyRow {
    /// Whose.
    pub contact_id: ContactId,
    /// The order, or 0.
    pub order_id: OrderId,
    /// Their address; empty where erased.
    pub email: String,
    /// When it ended.
    pub ended_at: UtcMs,
    /// When it began.
    pub began_at: UtcMs,
    /// Of the amounts.
    pub currency: String,
    /// Paid without tax, less what went back.
    pub revenue_minor: i64,
    /// The same, less what the goods cost.
    pub margin_minor: i64,
    /// The path with its sources.
    pub path: String,
    /// Milliseconds between each touch and the last.
    pub ages_ms: Vec<i64>,
}

impl FromRow for JourneyRow {
    fn from_row(row: &mut Row) -> Result<Self> {
        let made = Self {
            contact_id: row.take()?,
            order_id: row.take()?,
            email: row.take()?,
            ended_at: row.take()?,
            began_at: row.take()?,
            currency: row.take()?,
            revenue_minor: row.take()?,
            margin_minor: row.take()?,
            path: row.take()?,
            ages_ms: Vec::new(),
        };
        let ages: String = row.take()?;
        Ok(Self { ages_ms: ages.split(' ').filter_map(|age| age.parse().ok()).collect(), ..made })
    }
}

impl JourneyRows {
    /// The signs of the channel, and of the paths by channels or with sources.
    fn signs(&self) -> [String; 3] {
        let channel = match self.channel.as_str() {
            "" => String::new(),
            channel => Sought::Holding(channel.to_owned()).sign(),
        };
        let sought = self.sought.sign();
        match self.level {
            Level::Channel => [channel, sought, String::new()],
            Level::Source => [channel, String::new(), sought],
        }
    }
}

/// Journeys to an order, the newest first.
pub async fn order_rows(
    session: &mut Session<'_>,
    site: SiteId,
    of: &JourneyRows,
) -> Result<Vec<JourneyRow>> {
    let query = asked(session.query(ORDER_ROWS), site, of);
    query.bind(of.product).bind(&of.currency).bind(of.limit).bind(of.segment).all().await
}

/// Journeys to no order yet, the newest first.
pub async fn open_rows(
    session: &mut Session<'_>,
    site: SiteId,
    of: &JourneyRows,
) -> Result<Vec<JourneyRow>> {
    asked(session.query(OPEN_ROWS), site, of).bind(of.limit).bind(of.segment).all().await
}

/// What both lists are asked for.
fn asked<'s, 'c>(query: Query<'s, 'c>, site: SiteId, of: &JourneyRows) -> Query<'s, 'c> {
    let query = query.bind(site).bind(of.from).bind(of.until);
    let query = query.bind(of.before.0).bind(of.before.1);
    of.signs().into_iter().fold(query, |query, sign| query.bind(sign))
}
