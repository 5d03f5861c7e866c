//! Figures of paid orders: one derived row an order, and the rows it is derived from.

use std::collections::HashMap;

use model::ids::{ContactId, CouponId, MessageId, OfferId, OrderId, ProductId, SegmentId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const CHANGED: &str = "select distinct site_id, contact_id from orders
    where updated_at > $1 and updated_at <= $2 and paid_at is not null
    order by site_id, contact_id";
const NTH_CHANGE: &str = "select max(updated_at) from (select updated_at from orders
    where updated_at > $1 order by updated_at limit $2) q";
const NEWEST_CHANGE: &str = "select max(updated_at) from orders";
const FIRST: &str = "select paid_at from order_figures where site_id = $1
    order by paid_at, order_id limit 1";
const LAST: &str = "select paid_at from order_figures where site_id = $1
    order by paid_at desc, order_id desc limit 1";
// Not `paid_at is not null`: SQLite would take all that is paid, and sort it, for some of it.
const CUSTOMERS: &str = "select distinct contact_id from orders
    where site_id = $1 and contact_id > $2 and coalesce(paid_at, 0) > 0
    order by contact_id limit $3";
const PAID: &str = "select o.id, o.paid_at, o.currency, o.tax_ppm, o.tax_included,
    o.captured_minor - o.tax_minor, o.discount_minor, o.coupon_id,
    (select coalesce(cast(sum(l.cost_minor) as bigint), 0) from order_lines l
        where l.site_id = o.site_id and l.order_id = o.id and l.state in ('paid', 'refunded')),
    (select coalesce(cast(sum(r.amount_minor - r.tax_minor) as bigint), 0) from refunds r
        where r.site_id = o.site_id and r.order_id = o.id and r.state = 'succeeded'),
    coalesce((select l.product_id from order_lines l
        where l.site_id = o.site_id and l.order_id = o.id order by l.position, l.id limit 1), 0)
    from orders o where o.site_id = $1 and o.contact_id = $2
    and o.paid_at is not null order by o.paid_at, o.id";
const IS_TEST: &str = "select is_test from contacts where site_id = $1 and id = $2";
const FIRST_TOUCH: &str = "select channel, coalesce(source, '') from touches
    where site_id = $1 and contact_id = $2 and is_first = true order by id limit 1";
const LANDING: &str = "select landing from touches
    where site_id = $1 and contact_id = $2 and at <= $3
    order by at desc, id desc limit 1";
const CLICKED: &str =
    "select m.id, m.source_kind, case when m.source_kind in ('sequence', 'broadcast')
        then m.source_id else 0 end,
    coalesce((select v.template_id from template_versions v
        where v.site_id = m.site_id and v.id = m.version_id), 0), c.version_id, c.position
    from clicks c join messages m on m.site_id = c.site_id and m.id = c.message_id
    where c.site_id = $1 and c.contact_id = $2 and c.verdict = 'human'
        and c.at > $3 and c.at <= $4
    order by c.at desc, c.id desc limit 1";
const REWARDED: &str = "select referred_id from referrals
    where site_id = $1 and referrer_id = $2 and reward_coupon_id = $3
    order by id limit 1";
const OF_CONTACT: &str = "select order_id, contact_id, paid_at, paid_day, nth, first_at, cohort,
    day, first_product_id, channel, source, landing, currency, net_minor, refunded_minor,
    discount_minor, reward_minor, reward_for, cost_minor, message_id, mail_kind, mail_source_id,
    mail_template_id, mail_version_id, mail_position from order_figures where site_id = $1 and contact_id = $2 order by nth";
// The members who are customers first, some at once: a customer's orders are never parted.
const OF_SEGMENT: &str =
    "select f.order_id, f.contact_id, f.paid_at, f.paid_day, f.nth, f.first_at,
    f.cohort, f.day, f.first_product_id, f.channel, f.source, f.landing, f.currency, f.net_minor,
    f.refunded_minor, f.discount_minor, f.reward_minor, f.reward_for, f.cost_minor, f.message_id,
    f.mail_kind, f.mail_source_id, f.mail_template_id, f.mail_version_id, f.mail_position
    from (select s.contact_id from segment_members s where s.site_id = $1 and s.segment_id = $2
            and s.contact_id > $3 and exists (select 1 from order_figures o
                where o.site_id = s.site_id and o.contact_id = s.contact_id)
            order by s.contact_id limit $4) m
        cross join order_figures f
    where f.site_id = $1 and f.contact_id = m.contact_id
    order by f.contact_id, f.nth";
const OF_ORDER: &str = "select order_id, contact_id, paid_at, paid_day, nth, first_at, cohort,
    day, first_product_id, channel, source, landing, currency, net_minor, refunded_minor,
    discount_minor, reward_minor, reward_for, cost_minor, message_id, mail_kind, mail_source_id,
    mail_template_id, mail_version_id, mail_position from order_figures where site_id = $1 and order_id = $2";
const PAID_IN: &str = "select order_id, contact_id, paid_at, paid_day, nth, first_at, cohort,
    day, first_product_id, channel, source, landing, currency, net_minor, refunded_minor,
    discount_minor, reward_minor, reward_for, cost_minor, message_id, mail_kind, mail_source_id,
    mail_template_id, mail_version_id, mail_position from order_figures
    where site_id = $1 and paid_at >= $2 and paid_at < $3";
const WON_IN: &str = "select order_id, contact_id, paid_at, paid_day, nth, first_at, cohort,
    day, first_product_id, channel, source, landing, currency, net_minor, refunded_minor,
    discount_minor, reward_minor, reward_for, cost_minor, message_id, mail_kind, mail_source_id,
    mail_template_id, mail_version_id, mail_position from order_figures
    where site_id = $1 and first_at >= $2 and first_at < $3";
const OFFERS_IN: &str = "select p.order_id, p.offer_id, p.kind, p.quantity, p.net_minor,
    p.refunded_minor, p.cost_minor, p.shown, p.taken
    from order_figures f join figure_offers p on p.site_id = f.site_id and p.order_id = f.order_id
    where f.site_id = $1 and f.paid_at >= $2 and f.paid_at < $3";
const PUT: &str = "insert into order_figures (site_id, order_id, contact_id, paid_at, paid_day,
    nth, first_at, cohort, day, first_product_id, channel, source, landing, currency, net_minor,
    refunded_minor, discount_minor, reward_minor, reward_for, cost_minor, message_id, mail_kind,
    mail_source_id, mail_template_id, mail_version_id, mail_position)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
        $20, $21, $22, $23, $24, $25, $26)
    on conflict (site_id, order_id) do update set contact_id = excluded.contact_id,
        paid_at = excluded.paid_at, paid_day = excluded.paid_day, nth = excluded.nth,
        first_at = excluded.first_at, cohort = excluded.cohort, day = excluded.day,
        first_product_id = excluded.first_product_id, channel = excluded.channel,
        source = excluded.source, landing = excluded.landing, currency = excluded.currency,
        net_minor = excluded.net_minor, refunded_minor = excluded.refunded_minor,
        discount_minor = excluded.discount_minor, reward_minor = excluded.reward_minor,
        reward_for = excluded.reward_for, cost_minor = excluded.cost_minor,
        message_id = excluded.message_id, mail_kind = excluded.mail_kind,
        mail_source_id = excluded.mail_source_id, mail_template_id = excluded.mail_template_id,
        mail_version_id = excluded.mail_version_id, mail_position = excluded.mail_position";
const DELETE: &str = "delete from order_figures where site_id = $1 and order_id = $2";
const OFFERS_SOLD: &str = "select l.order_id, l.offer_id, l.kind, cast(sum(l.quantity) as bigint),
    cast(sum(l.net_minor) as bigint),
    cast(sum(case when l.state = 'refunded' then l.net_minor else 0 end) as bigint),
    cast(sum(l.cost_minor) as bigint), cast(0 as bigint), cast(0 as bigint)
    from orders o join order_lines l on l.site_id = o.site_id and l.order_id = o.id
    where o.site_id = $1 and o.contact_id = $2 and o.paid_at is not null
        and l.state in ('paid', 'refunded')
    group by l.order_id, l.offer_id, l.kind order by l.order_id, l.offer_id, l.kind";
const OFFERS_SHOWN: &str = "select w.order_id, w.offer_id, w.kind, cast(0 as bigint),
    cast(0 as bigint), cast(0 as bigint), cast(0 as bigint), count(*),
    cast(sum(case when w.state in ('accepted', 'paid') then 1 else 0 end) as bigint)
    from orders o join order_offers w on w.site_id = o.site_id and w.order_id = o.id
    where o.site_id = $1 and o.contact_id = $2 and o.paid_at is not null
    group by w.order_id, w.offer_id, w.kind order by w.order_id, w.offer_id, w.kind";
const OFFERS_OF: &str = "select p.order_id, p.offer_id, p.kind, p.quantity, p.net_minor,
    p.refunded_minor, p.cost_minor, p.shown, p.taken
    from order_figures f join figure_offers p on p.site_id = f.site_id and p.order_id = f.order_id
    where f.site_id = $1 and f.contact_id = $2 order by p.order_id, p.offer_id, p.kind";
const OFFERS_OF_ORDER: &str = "select order_id, offer_id, kind, quantity, net_minor,
    refunded_minor, cost_minor, shown, taken from figure_offers
    where site_id = $1 and order_id = $2 order by order_id, offer_id, kind";
const PUT_OFFER: &str = "insert into figure_offers (site_id, order_id, offer_id, kind, quantity,
    net_minor, refunded_minor, cost_minor, shown, taken)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const DELETE_OFFERS: &str = "delete from figure_offers where site_id = $1 and order_id = $2";
const DELETE_LOST_OFFERS: &str = "delete from figure_offers where site_id = $1 and not exists
    (select 1 from order_figures f where f.site_id = figure_offers.site_id
        and f.order_id = figure_offers.order_id)";
const DELETE_LOST: &str = "delete from order_figures where site_id = $1 and not exists
    (select 1 from orders o where o.site_id = order_figures.site_id
        and o.id = order_figures.order_id and o.contact_id = order_figures.contact_id
        and o.paid_at is not null)";

/// One row an order that was paid. Money is without tax, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFigure {
    /// The order.
    pub order_id: OrderId,
    /// Whose.
    pub contact_id: ContactId,
    /// When it was paid.
    pub paid_at: UtcMs,
    /// The day of that in the site's zone, ISO.
    pub paid_day: String,
    /// 1 for the contact's first.
    pub nth: i64,
    /// When the contact's first was paid.
    pub first_at: UtcMs,
    /// The month of that in the site's zone: `2026-03`.
    pub cohort: String,
    /// Whole days since then.
    pub day: i64,
    /// What the contact bought first.
    pub first_product_id: ProductId,
    /// The channel of the contact's first touch; `unknown` where there is none.
    pub channel: String,
    /// Its source tag, or empty.
    pub source: String,
    /// Where the last touch before the order landed, or empty.
    pub landing: String,
    /// Of every amount.
    pub currency: String,
    /// What was paid.
    pub net_minor: i64,
    /// What went back.
    pub refunded_minor: i64,
    /// What a coupon took off.
    pub discount_minor: i64,
    /// The same, where the coupon was the reward of a referral.
    pub reward_minor: i64,
    /// Who had been brought for it.
    pub reward_for: Option<ContactId>,
    /// What the goods cost.
    pub cost_minor: i64,
    /// The mail clicked last within seven days before.
    pub mail: Option<ClickedMail>,
    /// What it holds of each offer, by offer and place.
    pub offers: Vec<OfferPart>,
}

/// What an order holds of an offer, or was shown of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferPart {
    /// The order.
    pub order_id: OrderId,
    /// The offer.
    pub offer_id: OfferId,
    /// Its place in the order: main, bump, upsell, downsell, back-end.
    pub kind: String,
    /// Pieces that were paid.
    pub quantity: i64,
    /// Paid for them, without tax.
    pub net_minor: i64,
    /// Of this for lines that were paid back.
    pub refunded_minor: i64,
    /// What they cost.
    pub cost_minor: i64,
    /// How often it was shown after the order.
    pub shown: i64,
    /// How often it was taken there.
    pub taken: i64,
}

impl FromRow for OfferPart {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            order_id: row.take()?,
            offer_id: row.take()?,
            kind: row.take()?,
            quantity: row.take()?,
            net_minor: row.take()?,
            refunded_minor: row.take()?,
            cost_minor: row.take()?,
            shown: row.take()?,
            taken: row.take()?,
        })
    }
}

impl OrderFigure {
    /// Paid less given back.
    pub fn revenue_minor(&self) -> i64 {
        self.net_minor - self.refunded_minor
    }

    /// What is left of it. A first order's discount and a referral's reward are put back: both
    /// stand in what it cost to win a customer.
    pub fn margin_minor(&self) -> i64 {
        let discount = if self.nth == 1 { self.discount_minor } else { 0 };
        self.revenue_minor() - self.cost_minor + self.reward_minor + discount
    }
}

/// A mail that was clicked before an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClickedMail {
    /// The message.
    pub message_id: MessageId,
    /// What kind of thing sent it.
    pub kind: String,
    /// Which of those, for sequences and broadcasts; else 0.
    pub source_id: i64,
    /// Its template; 0 for a mail of the program's own.
    pub template_id: i64,
    /// The text that was sent,
    pub version_id: i64,
    /// and which of its links was clicked.
    pub position: i64,
}

impl FromRow for ClickedMail {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            message_id: row.take()?,
            kind: row.take()?,
            source_id: row.take()?,
            template_id: row.take()?,
            version_id: row.take()?,
            position: row.take()?,
        })
    }
}

impl FromRow for OrderFigure {
    fn from_row(row: &mut Row) -> Result<Self> {
        let mut figure = Self {
            order_id: row.take()?,
            contact_id: row.take()?,
            paid_at: row.take()?,
            paid_day: row.take()?,
            nth: row.take()?,
            first_at: row.take()?,
            cohort: row.take()?,
            day: row.take()?,
            first_product_id: row.take()?,
            channel: row.take()?,
            source: row.take()?,
            landing: row.take()?,
            currency: row.take()?,
            net_minor: row.take()?,
            refunded_minor: row.take()?,
            discount_minor: row.take()?,
            reward_minor: row.take()?,
            reward_for: row.take()?,
            cost_minor: row.take()?,
            mail: None,
            offers: Vec::new(),
        };
        let message_id: Option<MessageId> = row.take()?;
        let (kind, source_id, template_id) = (row.take()?, row.take()?, row.take()?);
        let (version_id, position) = (row.take()?, row.take()?);
        figure.mail = message_id.map(|message_id| ClickedMail {
            message_id,
            kind,
            source_id,
            template_id,
            version_id,
            position,
        });
        Ok(figure)
    }
}

/// An order that was paid, as its figure is made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidOrder {
    /// Its id.
    pub id: OrderId,
    /// When it was paid.
    pub paid_at: UtcMs,
    /// Of its amounts.
    pub currency: String,
    /// The tax rate in millionths.
    pub tax_ppm: i64,
    /// Whether its discount holds tax.
    pub tax_included: bool,
    /// What came in, without tax.
    pub net_minor: i64,
    /// What a coupon took off, as printed on the order.
    pub discount_minor: i64,
    /// The coupon.
    pub coupon_id: Option<CouponId>,
    /// Cost of what was sold.
    pub cost_minor: i64,
    /// What went back, without tax.
    pub refunded_minor: i64,
    /// What it was first of all for.
    pub product_id: ProductId,
}

impl FromRow for PaidOrder {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            paid_at: row.take()?,
            currency: row.take()?,
            tax_ppm: row.take()?,
            tax_included: row.take()?,
            net_minor: row.take()?,
            discount_minor: row.take()?,
            coupon_id: row.take()?,
            cost_minor: row.take()?,
            refunded_minor: row.take()?,
            product_id: row.take()?,
        })
    }
}

/// Customers one of whose orders changed after `from` and up to `until`.
pub async fn changed(
    session: &mut Session<'_>,
    from: UtcMs,
    until: UtcMs,
) -> Result<Vec<(SiteId, ContactId)>> {
    session.query(CHANGED).bind(from).bind(until).all().await
}

/// When the `nth` order after `from` changed, or the last where there are fewer.
pub async fn nth_change(session: &mut Session<'_>, from: UtcMs, nth: i64) -> Result<Option<UtcMs>> {
    session.query(NTH_CHANGE).bind(from).bind(nth).one().await
}

/// When an order last changed.
pub async fn newest_change(session: &mut Session<'_>) -> Result<Option<UtcMs>> {
    session.query(NEWEST_CHANGE).one().await
}

/// When the first and the last of the figures were paid.
pub async fn bounds(
    session: &mut Session<'_>,
    site: SiteId,
) -> Result<(Option<UtcMs>, Option<UtcMs>)> {
    let first = session.query(FIRST).bind(site).maybe().await?;
    Ok((first, session.query(LAST).bind(site).maybe().await?))
}

/// Customers after `after`.
pub async fn customers(
    session: &mut Session<'_>,
    site: SiteId,
    after: ContactId,
    limit: i64,
) -> Result<Vec<ContactId>> {
    session.query(CUSTOMERS).bind(site).bind(after).bind(limit).all().await
}

/// A contact's paid orders, first to last.
pub async fn paid(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<PaidOrder>> {
    session.query(PAID).bind(site).bind(contact).all().await
}

/// Whether the contact is there to try things out, and left out of every figure.
pub async fn is_test(session: &mut Session<'_>, site: SiteId, contact: ContactId) -> Result<bool> {
    Ok(session.query(IS_TEST).bind(site).bind(contact).maybe().await?.unwrap_or(false))
}

/// Channel and source of a contact's first touch.
pub async fn first_touch(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Option<(String, String)>> {
    session.query(FIRST_TOUCH).bind(site).bind(contact).maybe().await
}

/// Where a contact's last touch up to `at` landed.
pub async fn landing(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    at: UtcMs,
) -> Result<Option<String>> {
    session.query(LANDING).bind(site).bind(contact).bind(at).maybe().await
}

/// The mail a contact clicked last, after `after` and up to `until`.
pub async fn clicked(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    (after, until): (UtcMs, UtcMs),
) -> Result<Option<ClickedMail>> {
    session.query(CLICKED).bind(site).bind(contact).bind(after).bind(until).maybe().await
}

/// Whom a contact had brought to be given this coupon.
pub async fn rewarded(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    coupon: CouponId,
) -> Result<Option<ContactId>> {
    session.query(REWARDED).bind(site).bind(contact).bind(coupon).maybe().await
}

/// The figures of a contact's orders, first to last.
pub async fn of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<OrderFigure>> {
    let mut figures: Vec<OrderFigure> =
        session.query(OF_CONTACT).bind(site).bind(contact).all().await?;
    let parts: Vec<OfferPart> = session.query(OFFERS_OF).bind(site).bind(contact).all().await?;
    for figure in &mut figures {
        let own = parts.iter().filter(|part| part.order_id == figure.order_id);
        figure.offers = own.cloned().collect();
    }
    Ok(figures)
}

/// The figures of the orders of `limit` customers of a segment whose ids lie above `after`, by
/// customer and first to last; without what the orders held of offers.
pub async fn of_segment(
    session: &mut Session<'_>,
    site: SiteId,
    segment: SegmentId,
    (after, limit): (ContactId, i64),
) -> Result<Vec<OrderFigure>> {
    session.query(OF_SEGMENT).bind(site).bind(segment).bind(after).bind(limit).all().await
}

/// The figures of orders paid in `from .. until`.
pub async fn paid_in(
    session: &mut Session<'_>,
    site: SiteId,
    (from, until): (UtcMs, UtcMs),
) -> Result<Vec<OrderFigure>> {
    let query = session.query(PAID_IN).bind(site).bind(from).bind(until);
    let mut figures: Vec<OrderFigure> = query.all().await?;
    let query = session.query(OFFERS_IN).bind(site).bind(from).bind(until);
    let mut parts: HashMap<OrderId, Vec<OfferPart>> = HashMap::new();
    for part in query.all::<OfferPart>().await? {
        parts.entry(part.order_id).or_default().push(part);
    }
    for figure in &mut figures {
        figure.offers = parts.remove(&figure.order_id).unwrap_or_default();
    }
    Ok(figures)
}

/// The figures of all orders of customers whose first was paid in `from .. until`, without what
/// they hold of offers.
pub async fn won_in(
    session: &mut Session<'_>,
    site: SiteId,
    (from, until): (UtcMs, UtcMs),
) -> Result<Vec<OrderFigure>> {
    session.query(WON_IN).bind(site).bind(from).bind(until).all().await
}

/// The figure of an order, whoever it is counted for.
pub async fn of_order(
    session: &mut Session<'_>,
    site: SiteId,
    order: OrderId,
) -> Result<Option<OrderFigure>> {
    let found: Option<OrderFigure> = session.query(OF_ORDER).bind(site).bind(order).maybe().await?;
    let Some(mut figure) = found else { return Ok(None) };
    figure.offers = session.query(OFFERS_OF_ORDER).bind(site).bind(order).all().await?;
    Ok(Some(figure))
}

/// What a contact's paid orders hold of each offer, and were shown of it: by order, offer, place.
pub async fn offers(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<OfferPart>> {
    let mut parts: Vec<OfferPart> =
        session.query(OFFERS_SOLD).bind(site).bind(contact).all().await?;
    let shown: Vec<OfferPart> = session.query(OFFERS_SHOWN).bind(site).bind(contact).all().await?;
    let name = |part: &OfferPart| (part.order_id, part.offer_id, part.kind.clone());
    for part in shown {
        match parts.iter_mut().find(|sold| name(sold) == name(&part)) {
            Some(sold) => (sold.shown, sold.taken) = (part.shown, part.taken),
            None => parts.push(part),
        }
    }
    parts.sort_by_key(name);
    Ok(parts)
}

/// Writes a figure, in place of an earlier one of its order.
pub async fn put(tx: &mut Tx<'_>, site: SiteId, figure: &OrderFigure) -> Result<()> {
    let mail = figure.mail.as_ref();
    tx.query(PUT)
        .bind(site)
        .bind(figure.order_id)
        .bind(figure.contact_id)
        .bind(figure.paid_at)
        .bind(&figure.paid_day)
        .bind(figure.nth)
        .bind(figure.first_at)
        .bind(&figure.cohort)
        .bind(figure.day)
        .bind(figure.first_product_id)
        .bind(&figure.channel)
        .bind(&figure.source)
        .bind(&figure.landing)
        .bind(&figure.currency)
        .bind(figure.net_minor)
        .bind(figure.refunded_minor)
        .bind(figure.discount_minor)
        .bind(figure.reward_minor)
        .bind(figure.reward_for)
        .bind(figure.cost_minor)
        .bind(mail.map(|mail| mail.message_id))
        .bind(mail.map_or("", |mail| mail.kind.as_str()))
        .bind(mail.map_or(0, |mail| mail.source_id))
        .bind(mail.map_or(0, |mail| mail.template_id))
        .bind(mail.map_or(0, |mail| mail.version_id))
        .bind(mail.map_or(0, |mail| mail.position))
        .run()
        .await?;
    tx.query(DELETE_OFFERS).bind(site).bind(figure.order_id).run().await?;
    for part in &figure.offers {
        tx.query(PUT_OFFER)
            .bind(site)
            .bind(figure.order_id)
            .bind(part.offer_id)
            .bind(&part.kind)
            .bind(part.quantity)
            .bind(part.net_minor)
            .bind(part.refunded_minor)
            .bind(part.cost_minor)
            .bind(part.shown)
            .bind(part.taken)
            .run()
            .await?;
    }
    Ok(())
}

/// Takes the figure of an order away.
pub async fn delete(tx: &mut Tx<'_>, site: SiteId, order: OrderId) -> Result<()> {
    tx.query(DELETE_OFFERS).bind(site).bind(order).run().await?;
    tx.query(DELETE).bind(site).bind(order).run().await.map(drop)
}

/// Takes figures away whose order is not there, or not paid; how many.
pub async fn delete_lost(tx: &mut Tx<'_>, site: SiteId) -> Result<u64> {
    let lost = tx.query(DELETE_LOST).bind(site).run().await?;
    tx.query(DELETE_LOST_OFFERS).bind(site).run().await?;
    Ok(lost)
}
