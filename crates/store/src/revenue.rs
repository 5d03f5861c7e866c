//! Revenue: what mails, pages and offers brought, and the orders behind each figure.

use std::collections::BTreeMap;

use model::ids::{ContactId, MessageId, OfferId, OrderId, ProductId, SegmentId};
use model::spans::Span;
use model::{SiteId, UtcMs, Zone};

use crate::order_sums::{Only, What};
use crate::{FromRow, Result, Row, Session, Tx, order_sums, stages};

const SENT: &str = "select m.source_kind, case when m.source_kind in ('sequence', 'broadcast')
        then m.source_id else 0 end, coalesce(v.template_id, 0), count(*),
    cast(sum(case when m.relay = 'caught' then 1 else 0 end) as bigint)
    from messages m left join template_versions v
        on v.site_id = m.site_id and v.id = m.version_id
    where m.site_id = $1 and m.accepted_at >= $2 and m.accepted_at < $3
        and not exists (select 1 from contacts t where t.site_id = m.site_id
            and t.id = m.contact_id and t.is_test = true)
    group by m.source_kind, case when m.source_kind in ('sequence', 'broadcast')
        then m.source_id else 0 end, coalesce(v.template_id, 0)";
// `+ 0`: earlier clicks are looked for by their message, never by their time.
const CLICKED: &str = "select m.source_kind, case when m.source_kind in ('sequence', 'broadcast')
        then m.source_id else 0 end, coalesce(v.template_id, 0), count(*)
    from (select distinct k.message_id as id from clicks k
            where k.site_id = $1 and k.verdict = 'human' and k.at >= $2 and k.at < $3) f
        join messages m on m.site_id = $1 and m.id = f.id
        left join template_versions v on v.site_id = m.site_id and v.id = m.version_id
    where not exists (select 1 from clicks e where e.site_id = $1 and e.message_id = f.id
        and e.verdict = 'human' and e.at + 0 < $2)
        and not exists (select 1 from contacts t where t.site_id = m.site_id
            and t.id = m.contact_id and t.is_test = true)
    group by m.source_kind, case when m.source_kind in ('sequence', 'broadcast')
        then m.source_id else 0 end, coalesce(v.template_id, 0)";
const ROLLED: &str = "select kind, source_id, template_id, cast(sum(sent) as bigint),
    cast(sum(caught) as bigint), cast(sum(clicked) as bigint)
    from mail_days where site_id = $1 and day >= $2 and day <= $3
    group by kind, source_id, template_id";
const PUT: &str = "insert into mail_days (site_id, day, kind, source_id, template_id, sent, caught,
    clicked) values ($1, $2, $3, $4, $5, $6, $7, $8)";
const FORGET: &str = "delete from mail_days where site_id = $1 and day = $2";
/// The orders behind a figure, by one of their two instants.
macro_rules! order_rows_by {
    ($at:literal) => {
        concat!(
            "select f.order_id, c.email, f.paid_at, f.first_at, f.nth, f.channel, f.source,
    f.landing, f.currency, f.net_minor, f.refunded_minor, f.discount_minor, f.reward_minor,
    f.cost_minor, f.mail_kind
    from order_figures f join contacts c on c.site_id = f.site_id and c.id = f.contact_id
    where f.site_id = $1 and ",
            $at,
            " >= $2 and ",
            $at,
            " < $3 and (",
            $at,
            " < $4 or (",
            $at,
            " = $4 and f.order_id < $5))
        and (cast($6 as text) = '' or f.channel = $6)
        and (cast($7 as text) = '*' or f.source = $7)
        and (cast($8 as text) = '*' or f.landing = $8)
        and (cast($9 as text) = '' or (f.message_id is not null and f.mail_kind = $9
            and f.mail_source_id = $10 and f.mail_template_id = $11))
        and (cast($12 as bigint) = 0 or (f.message_id is not null and f.mail_version_id = $12
            and f.mail_position = $13))
        and (cast($14 as bigint) = 0 or f.first_product_id = $14)
        and (cast($15 as text) = '' or f.cohort = $15)
        and (cast($16 as bigint) = 0 or f.nth = $16)
        and (cast($17 as text) = '' or f.currency = $17)
        and (cast($18 as text) = '' or $18 = case when exists (select 1 from spends s
            where s.site_id = f.site_id and s.channel = f.source) then f.source
            else f.channel end)
        and f.day <= $19
        and (cast($21 as bigint) = 0 or exists (select 1 from segment_members g
            where g.site_id = f.site_id and g.segment_id = $21 and g.contact_id = f.contact_id))
    order by ",
            $at,
            " desc, f.order_id desc limit $20"
        )
    };
}
const ORDER_ROWS: &str = order_rows_by!("f.paid_at");
const ORDER_ROWS_WON: &str = order_rows_by!("f.first_at");
const OFFER_TITLES: &str = "select id, title from offers where site_id = $1";
// By the time they were paid, as they are counted: an order that was taken in from a file has an id
// of later. `cross join`: the orders of the days first, what they hold of the offer after.
const OFFER_ROWS: &str = "select f.order_id, c.email, f.paid_at, f.currency, p.quantity,
    p.net_minor, p.refunded_minor, p.cost_minor, p.shown, p.taken
    from order_figures f cross join figure_offers p cross join contacts c
    where p.site_id = f.site_id and p.order_id = f.order_id
        and c.site_id = f.site_id and c.id = f.contact_id
        and f.site_id = $1 and p.offer_id = $2 and p.kind = $3
        and f.paid_at >= $4 and f.paid_at < $5
        and (f.paid_at < $6 or (f.paid_at = $6 and f.order_id < $7))
        and (cast($8 as text) = '' or f.channel = $8)
        and (cast($9 as bigint) = 0 or f.first_product_id = $9)
        and (cast($10 as text) = '' or f.currency = $10)
        and (cast($12 as bigint) = 0 or exists (select 1 from segment_members g
            where g.site_id = f.site_id and g.segment_id = $12 and g.contact_id = f.contact_id))
    order by f.paid_at desc, f.order_id desc limit $11";
// From the newest id down, not by the time it was accepted: that would read and sort a whole period
// for a page. `mail_rows` begins where the period ends.
const MAIL_ROWS: &str = "select m.id, m.to_address, m.contact_id, m.state, m.accepted_at,
    coalesce(m.relay, ''), (select count(*) from clicks k where k.site_id = m.site_id
        and k.message_id = m.id and k.verdict = 'human')
    from messages m left join template_versions v
        on v.site_id = m.site_id and v.id = m.version_id
    where m.site_id = $1 and m.source_kind = $2 and (cast($3 as bigint) = 0 or m.source_id = $3)
        and coalesce(v.template_id, 0) = $4 and +m.accepted_at >= $5 and +m.accepted_at < $6
        and m.id < $7
        and not exists (select 1 from contacts t where t.site_id = m.site_id
            and t.id = m.contact_id and t.is_test = true)
    order by m.id desc limit $8";

const MAIL_ROWS_CLICKED: &str = "select m.id, m.to_address, m.contact_id, m.state,
    coalesce(m.accepted_at, m.created_at), coalesce(m.relay, ''), (select count(*) from clicks k
        where k.site_id = m.site_id and k.message_id = m.id and k.verdict = 'human')
    from (select distinct k.message_id as id from clicks k where k.site_id = $1
            and k.verdict = 'human' and k.at >= $5 and k.at < $6) f
        join messages m on m.site_id = $1 and m.id = f.id
        left join template_versions v on v.site_id = m.site_id and v.id = m.version_id
    where m.source_kind = $2 and (cast($3 as bigint) = 0 or m.source_id = $3)
        and coalesce(v.template_id, 0) = $4 and m.id < $7
        and not exists (select 1 from clicks e where e.site_id = $1 and e.message_id = f.id
            and e.verdict = 'human' and e.at + 0 < $5)
        and not exists (select 1 from contacts t where t.site_id = m.site_id
            and t.id = m.contact_id and t.is_test = true)
    order by m.id desc limit $8";

/// Which mails a figure is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MailKey {
    /// What kind of thing sent them.
    pub kind: String,
    /// Which of those, for sequences and broadcasts; 0 for mails that have one cause each.
    pub source_id: i64,
    /// Their template; 0 for mails of the program's own.
    pub template_id: i64,
}

impl MailKey {
    /// As the sums of orders have it: `sequence/7/70`.
    fn read(key: &str) -> Option<Self> {
        let mut parts = key.split('/');
        let (kind, source, template) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            kind: kind.to_owned(),
            source_id: source.parse().ok()?,
            template_id: template.parse().ok()?,
        })
    }
}

/// What mails of one kind did in a span.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailFigure {
    /// Taken by a mail server, or caught.
    pub sent: i64,
    /// Of these caught on this machine.
    pub caught: i64,
    /// Mails that got their first human click.
    pub clicked: i64,
    /// Orders whose last human click within seven days was in one.
    pub orders: i64,
    /// What those brought: without tax, less what went back.
    pub revenue_minor: i64,
}

/// Sent and clicked mails, counted from the rows; those to test contacts are left out.
pub async fn count_mails(
    session: &mut Session<'_>,
    site: SiteId,
    from: UtcMs,
    until: UtcMs,
) -> Result<BTreeMap<MailKey, MailFigure>> {
    let mut figures: BTreeMap<MailKey, MailFigure> = BTreeMap::new();
    let sent: Vec<(String, i64, i64, i64, i64)> =
        session.query(SENT).bind(site).bind(from).bind(until).all().await?;
    for (kind, source_id, template_id, sent, caught) in sent {
        let figure = figures.entry(MailKey { kind, source_id, template_id }).or_default();
        (figure.sent, figure.caught) = (sent, caught);
    }
    let clicked: Vec<(String, i64, i64, i64)> =
        session.query(CLICKED).bind(site).bind(from).bind(until).all().await?;
    for (kind, source_id, template_id, clicked) in clicked {
        figures.entry(MailKey { kind, source_id, template_id }).or_default().clicked = clicked;
    }
    Ok(figures)
}

/// Writes a day's mails, in place of what stood there. Its mark is that of the stages.
pub async fn put_day(
    tx: &mut Tx<'_>,
    site: SiteId,
    day: &str,
    figures: &BTreeMap<MailKey, MailFigure>,
) -> Result<()> {
    tx.query(FORGET).bind(site).bind(day).run().await?;
    for (key, figure) in figures {
        tx.query(PUT)
            .bind(site)
            .bind(day)
            .bind(&key.kind)
            .bind(key.source_id)
            .bind(key.template_id)
            .bind(figure.sent)
            .bind(figure.caught)
            .bind(figure.clicked)
            .run()
            .await?;
    }
    Ok(())
}

/// What the rollup holds of the days `from ..= to` (ISO).
pub async fn rolled_mails(
    session: &mut Session<'_>,
    site: SiteId,
    from: &str,
    to: &str,
) -> Result<BTreeMap<MailKey, MailFigure>> {
    let rows: Vec<(String, i64, i64, i64, i64, i64)> =
        session.query(ROLLED).bind(site).bind(from).bind(to).all().await?;
    let figure = |(kind, source_id, template_id, sent, caught, clicked)| {
        let figure = MailFigure { sent, caught, clicked, ..MailFigure::default() };
        (MailKey { kind, source_id, template_id }, figure)
    };
    Ok(rows.into_iter().map(figure).collect())
}

/// What mails did in a span, with the orders they brought. What left and was clicked is of all
/// contacts but tests; the orders are those of `only`.
pub async fn by_mail(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
    zone: &Zone,
    only: Only<'_>,
) -> Result<BTreeMap<MailKey, MailFigure>> {
    let (from, to) = (span.from.to_string(), span.to.to_string());
    let mut figures = rolled_mails(session, site, &from, &to).await?;
    for (from, until) in stages::unrolled(session, site, span, zone).await? {
        for (key, live) in count_mails(session, site, from, until).await? {
            let figure = figures.entry(key).or_default();
            figure.sent += live.sent;
            figure.caught += live.caught;
            figure.clicked += live.clicked;
        }
    }
    for (key, sums) in order_sums::by_key(session, site, What::Mail, span, only).await? {
        let Some(key) = MailKey::read(&key) else { continue };
        let figure = figures.entry(key).or_default();
        (figure.orders, figure.revenue_minor) = (sums.orders, sums.revenue());
    }
    Ok(figures)
}

/// Which orders are asked for; empty, zero and none mean any.
#[derive(Debug, Clone)]
pub struct OrderRows {
    /// From this instant,
    pub from: UtcMs,
    /// to before this one,
    pub until: UtcMs,
    /// of which of its instants.
    pub by: Instant,
    /// Only what comes before this one in that order.
    pub before: (UtcMs, OrderId),
    /// Channel of the first touch.
    pub channel: String,
    /// Its source tag.
    pub source: Option<String>,
    /// The word under which customers meet what was spent: the source tag where money was ever
    /// spent on it, else the channel.
    pub origin: String,
    /// Where the last touch landed.
    pub landing: Option<String>,
    /// The mail clicked last.
    pub mail: Option<MailKey>,
    /// The link clicked last: version and position.
    pub link: (i64, i64),
    /// What the contact bought first.
    pub product: ProductId,
    /// The month of the contact's first order.
    pub cohort: String,
    /// The contact's how-many-eth.
    pub nth: i64,
    /// Of the contacts of this segment; 0: anyone.
    pub segment: SegmentId,
    /// Amounts in this currency.
    pub currency: String,
    /// At most so many whole days after the contact's first order.
    pub day_max: i64,
    /// At most so many.
    pub limit: i64,
}

/// An instant of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instant {
    /// When it was paid.
    Paid,
    /// When the first order of its contact was paid.
    Won,
}

/// An order as figures count it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    /// The order.
    pub order_id: OrderId,
    /// Who.
    pub email: String,
    /// When it was paid.
    pub paid_at: UtcMs,
    /// When the contact's first was.
    pub first_at: UtcMs,
    /// The contact's how-many-eth.
    pub nth: i64,
    /// The channel of the first touch.
    pub channel: String,
    /// Its source tag.
    pub source: String,
    /// Where the last touch landed.
    pub landing: String,
    /// Of the amounts.
    pub currency: String,
    /// Paid, without tax.
    pub net_minor: i64,
    /// Given back.
    pub refunded_minor: i64,
    /// Taken off.
    pub discount_minor: i64,
    /// Taken off as the reward of a referral.
    pub reward_minor: i64,
    /// Cost of the goods.
    pub cost_minor: i64,
    /// What kind of mail was clicked before, or empty.
    pub mail_kind: String,
}

impl FromRow for OrderRow {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            order_id: row.take()?,
            email: row.take()?,
            paid_at: row.take()?,
            first_at: row.take()?,
            nth: row.take()?,
            channel: row.take()?,
            source: row.take()?,
            landing: row.take()?,
            currency: row.take()?,
            net_minor: row.take()?,
            refunded_minor: row.take()?,
            discount_minor: row.take()?,
            reward_minor: row.take()?,
            cost_minor: row.take()?,
            mail_kind: row.take()?,
        })
    }
}

/// The orders behind a figure, newest first.
pub async fn order_rows(
    session: &mut Session<'_>,
    site: SiteId,
    of: &OrderRows,
) -> Result<Vec<OrderRow>> {
    let mail = of.mail.as_ref();
    let (at, id) = of.before;
    // A later page of the list begins where it begins, not at the end of the days.
    let until = of.until.min(at.plus_ms(1));
    let sql = match of.by {
        Instant::Paid => ORDER_ROWS,
        Instant::Won => ORDER_ROWS_WON,
    };
    session
        .query(sql)
        .bind(site)
        .bind(of.from)
        .bind(until)
        .bind(at)
        .bind(id)
        .bind(&of.channel)
        .bind(of.source.as_deref().unwrap_or("*"))
        .bind(of.landing.as_deref().unwrap_or("*"))
        .bind(mail.map_or("", |mail| mail.kind.as_str()))
        .bind(mail.map_or(0, |mail| mail.source_id))
        .bind(mail.map_or(0, |mail| mail.template_id))
        .bind(of.link.0)
        .bind(of.link.1)
        .bind(of.product)
        .bind(&of.cohort)
        .bind(of.nth)
        .bind(&of.currency)
        .bind(&of.origin)
        .bind(of.day_max)
        .bind(of.limit)
        .bind(of.segment)
        .all()
        .await
}

/// What each offer is called.
pub async fn offer_titles(
    session: &mut Session<'_>,
    site: SiteId,
) -> Result<BTreeMap<OfferId, String>> {
    let titles: Vec<(OfferId, String)> = session.query(OFFER_TITLES).bind(site).all().await?;
    Ok(titles.into_iter().collect())
}

/// What an order holds of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferRow {
    /// The order.
    pub order_id: OrderId,
    /// Who.
    pub email: String,
    /// When it was paid.
    pub paid_at: UtcMs,
    /// Of the amounts.
    pub currency: String,
    /// Pieces.
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

impl FromRow for OfferRow {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            order_id: row.take()?,
            email: row.take()?,
            paid_at: row.take()?,
            currency: row.take()?,
            quantity: row.take()?,
            net_minor: row.take()?,
            refunded_minor: row.take()?,
            cost_minor: row.take()?,
            shown: row.take()?,
            taken: row.take()?,
        })
    }
}

/// The orders that hold an offer in one place, or showed it, paid in `from .. until`; the one paid
/// last first.
pub async fn offer_rows(
    session: &mut Session<'_>,
    site: SiteId,
    (offer, kind): (OfferId, &str),
    (from, until): (UtcMs, UtcMs),
    only: Only<'_>,
    ((at, before), limit): ((UtcMs, OrderId), i64),
) -> Result<Vec<OfferRow>> {
    // A later page of the list begins where it begins, not at the end of the days.
    let until = until.min(at.plus_ms(1));
    let query = session.query(OFFER_ROWS).bind(site).bind(offer).bind(kind).bind(from).bind(until);
    let query = query.bind(at).bind(before).bind(only.channel).bind(only.product);
    query.bind(only.currency).bind(limit).bind(only.segment).all().await
}

/// A mail behind a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRow {
    /// The message.
    pub id: MessageId,
    /// To whom.
    pub to_address: String,
    /// Whose address that is.
    pub contact_id: Option<ContactId>,
    /// Where it stands.
    pub state: String,
    /// When it was taken.
    pub accepted_at: UtcMs,
    /// By whom; `caught` where it was kept here.
    pub relay: String,
    /// Its human clicks.
    pub clicks: i64,
}

impl FromRow for MailRow {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            to_address: row.take()?,
            contact_id: row.take()?,
            state: row.take()?,
            accepted_at: row.take()?,
            relay: row.take()?,
            clicks: row.take()?,
        })
    }
}

/// Mails of one key that left in `from .. until`, newest first; `Clicked::Only` for those that a
/// person first clicked in it.
pub async fn mail_rows(
    session: &mut Session<'_>,
    site: SiteId,
    key: &MailKey,
    (from, until): (UtcMs, UtcMs),
    (clicked, before): (Clicked, MessageId),
    limit: i64,
) -> Result<Vec<MailRow>> {
    // Made after the period, it was not accepted or clicked in it.
    let before = before.min(MessageId(model::ids::first_id_at(until)));
    let sql = match clicked {
        Clicked::OrNot => MAIL_ROWS,
        Clicked::Only => MAIL_ROWS_CLICKED,
    };
    session
        .query(sql)
        .bind(site)
        .bind(&key.kind)
        .bind(key.source_id)
        .bind(key.template_id)
        .bind(from)
        .bind(until)
        .bind(before)
        .bind(limit)
        .all()
        .await
}

/// Whether mails without a click are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clicked {
    /// All mails.
    OrNot,
    /// Clicked ones alone.
    Only,
}
