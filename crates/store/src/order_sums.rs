//! Sums of the figures of orders by the day and the month in which they were paid. Each changes
//! with the figure it sums, in one transaction.

use std::collections::BTreeMap;

use model::ids::{ProductId, SegmentId};
use model::spans::{Span, month_of, month_start, moved};
use model::{SiteId, UtcMs};

use crate::order_figures::OrderFigure;
use crate::{FromRow, Result, Row, Session, Tx, segment_sums};

const ADD: &str = "insert into order_sums (site_id, per, what, day, currency, key, channel, source,
    product_id, nth, orders, pieces, net_minor, refunded_minor, cost_minor, shown, taken)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    on conflict (site_id, per, what, day, currency, key, channel, source, product_id, nth)
    do update set orders = order_sums.orders + excluded.orders,
        pieces = order_sums.pieces + excluded.pieces,
        net_minor = order_sums.net_minor + excluded.net_minor,
        refunded_minor = order_sums.refunded_minor + excluded.refunded_minor,
        cost_minor = order_sums.cost_minor + excluded.cost_minor,
        shown = order_sums.shown + excluded.shown, taken = order_sums.taken + excluded.taken";
const BY_KEY: &str = "select key, cast(sum(orders) as bigint), cast(sum(pieces) as bigint),
    cast(sum(net_minor) as bigint), cast(sum(refunded_minor) as bigint),
    cast(sum(cost_minor) as bigint), cast(sum(shown) as bigint), cast(sum(taken) as bigint)
    from order_sums where site_id = $1 and per = $2 and what = $3 and day >= $4 and day <= $5
        and currency = $6 and (cast($7 as text) = '' or channel = $7)
        and (cast($8 as bigint) = 0 or product_id = $8)
    group by key";
const BY_TIME: &str = "select day, cast(sum(orders) as bigint),
    cast(sum(net_minor - refunded_minor) as bigint)
    from order_sums where site_id = $1 and per = $2 and what = 'all' and day >= $3 and day <= $4
        and currency = $5 and (cast($6 as text) = '' or channel = $6)
        and (cast($7 as bigint) = 0 or product_id = $7)
    group by day order by day";
const BY_ORIGIN: &str = "select channel, source, nth, cast(sum(orders) as bigint)
    from order_sums where site_id = $1 and per = $2 and what = 'all' and day >= $3 and day <= $4
        and (cast($5 as bigint) = 0 or product_id = $5)
    group by channel, source, nth";
const FOREIGN: &str = "select coalesce(cast(sum(orders) as bigint), 0) from order_sums
    where site_id = $1 and per = $2 and what = 'all' and day >= $3 and day <= $4
        and currency <> $5 and (cast($6 as text) = '' or channel = $6)
        and (cast($7 as bigint) = 0 or product_id = $7)";
const FIRSTS: &str = "select coalesce(cast(sum(orders) as bigint), 0) from order_sums
    where site_id = $1 and per = $2 and what = 'all' and day >= $3 and day <= $4
        and currency = $5 and nth = 1";
const FORGET: &str = "delete from order_sums
    where site_id = $1 and per = $2 and what = $3 and day = $4";
const COUNT_DAY: &str = "insert into order_sums (site_id, per, what, day, currency, key, channel,
        source, product_id, nth, orders, pieces, net_minor, refunded_minor, cost_minor, shown, taken)
    select f.site_id, 'day', 'all', f.paid_day, f.currency, '', f.channel, f.source,
        f.first_product_id, case when f.nth > 3 then 3 else f.nth end, count(*), 0,
        cast(sum(f.net_minor) as bigint), cast(sum(f.refunded_minor) as bigint),
        cast(sum(f.cost_minor) as bigint), 0, 0
    from order_figures f where f.site_id = $1 and f.paid_at >= $3 and f.paid_at < $4
        and f.paid_day = $2
    group by f.site_id, f.paid_day, f.currency, f.channel, f.source, f.first_product_id,
        case when f.nth > 3 then 3 else f.nth end";
const COUNT_PAGES: &str = "insert into order_sums (site_id, per, what, day, currency, key, channel,
        source, product_id, nth, orders, pieces, net_minor, refunded_minor, cost_minor, shown, taken)
    select f.site_id, 'day', 'page', f.paid_day, f.currency, f.landing, f.channel, '',
        f.first_product_id, 0, count(*), 0, cast(sum(f.net_minor) as bigint),
        cast(sum(f.refunded_minor) as bigint), cast(sum(f.cost_minor) as bigint), 0, 0
    from order_figures f where f.site_id = $1 and f.paid_at >= $3 and f.paid_at < $4
        and f.paid_day = $2
    group by f.site_id, f.paid_day, f.currency, f.landing, f.channel, f.first_product_id";
const COUNT_MAILS: &str = "insert into order_sums (site_id, per, what, day, currency, key, channel,
        source, product_id, nth, orders, pieces, net_minor, refunded_minor, cost_minor, shown, taken)
    select f.site_id, 'day', 'mail', f.paid_day, f.currency, f.mail_kind || '/'
        || cast(f.mail_source_id as text) || '/' || cast(f.mail_template_id as text), f.channel, '',
        f.first_product_id, 0, count(*), 0, cast(sum(f.net_minor) as bigint),
        cast(sum(f.refunded_minor) as bigint), cast(sum(f.cost_minor) as bigint), 0, 0
    from order_figures f where f.site_id = $1 and f.paid_at >= $3 and f.paid_at < $4
        and f.paid_day = $2 and f.message_id is not null
    group by f.site_id, f.paid_day, f.currency, f.mail_kind, f.mail_source_id, f.mail_template_id,
        f.channel, f.first_product_id";
const COUNT_LINKS: &str = "insert into order_sums (site_id, per, what, day, currency, key, channel,
        source, product_id, nth, orders, pieces, net_minor, refunded_minor, cost_minor, shown, taken)
    select f.site_id, 'day', 'link', f.paid_day, f.currency, cast(f.mail_version_id as text) || '/'
        || cast(f.mail_position as text), f.channel, '', f.first_product_id, 0, count(*), 0,
        cast(sum(f.net_minor) as bigint), cast(sum(f.refunded_minor) as bigint),
        cast(sum(f.cost_minor) as bigint), 0, 0
    from order_figures f where f.site_id = $1 and f.paid_at >= $3 and f.paid_at < $4
        and f.paid_day = $2 and f.message_id is not null
    group by f.site_id, f.paid_day, f.currency, f.mail_version_id, f.mail_position, f.channel,
        f.first_product_id";
const COUNT_OFFERS: &str = "insert into order_sums (site_id, per, what, day, currency, key, channel,
        source, product_id, nth, orders, pieces, net_minor, refunded_minor, cost_minor, shown, taken)
    select f.site_id, 'day', 'offer', f.paid_day, f.currency, cast(p.offer_id as text) || '/'
        || p.kind, f.channel, '', f.first_product_id, 0,
        cast(sum(case when p.quantity > 0 then 1 else 0 end) as bigint),
        cast(sum(p.quantity) as bigint), cast(sum(p.net_minor) as bigint),
        cast(sum(p.refunded_minor) as bigint), cast(sum(p.cost_minor) as bigint),
        cast(sum(p.shown) as bigint), cast(sum(p.taken) as bigint)
    from order_figures f join figure_offers p on p.site_id = f.site_id and p.order_id = f.order_id
    where f.site_id = $1 and f.paid_at >= $3 and f.paid_at < $4 and f.paid_day = $2
    group by f.site_id, f.paid_day, f.currency, p.offer_id, p.kind, f.channel, f.first_product_id";
const COUNT_MONTH: &str = "insert into order_sums (site_id, per, what, day, currency, key, channel,
        source, product_id, nth, orders, pieces, net_minor, refunded_minor, cost_minor, shown, taken)
    select site_id, 'month', what, cast($2 as text), currency, key, channel, source, product_id, nth,
        cast(sum(orders) as bigint), cast(sum(pieces) as bigint), cast(sum(net_minor) as bigint),
        cast(sum(refunded_minor) as bigint), cast(sum(cost_minor) as bigint),
        cast(sum(shown) as bigint), cast(sum(taken) as bigint)
    from order_sums where site_id = $1 and per = 'day' and what = $5 and day >= $3 and day <= $4
    group by site_id, what, currency, key, channel, source, product_id, nth";
const WRITTEN: &str = "select per, what, day, currency, key, channel, source, product_id, nth,
    orders, pieces, net_minor, refunded_minor, cost_minor, shown, taken from order_sums
    where site_id = $1 and per = $2 and what = $3 and day >= $4 and day <= $5";
const ENDS: &str = "select min(day), max(day) from order_sums
    where site_id = $1 and per = $2 and what = $3";

/// Of which kind the key of a sum is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Orders as a whole: no key.
    All,
    /// The page on which the last touch landed.
    Page,
    /// The mail clicked last: `kind/source/template`.
    Mail,
    /// The link clicked last: `version/position`.
    Link,
    /// An offer in its place: `offer/kind`.
    Offer,
}

impl What {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::All, Self::Page, Self::Mail, Self::Link, Self::Offer];

    fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Page => "page",
            Self::Mail => "mail",
            Self::Link => "link",
            Self::Offer => "offer",
        }
    }
}

/// Which orders are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Only<'a> {
    /// Amounts in this currency.
    pub currency: &'a str,
    /// Of customers who first came by this channel; empty: any.
    pub channel: &'a str,
    /// Of customers who bought this first; 0: anything.
    pub product: ProductId,
    /// Of the contacts of this segment; 0: anyone. Counted from the orders themselves.
    pub segment: SegmentId,
}

/// What orders come to together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Orders.
    pub orders: i64,
    /// Pieces; of offers alone.
    pub pieces: i64,
    /// Paid, without tax.
    pub net_minor: i64,
    /// Of it given back.
    pub refunded_minor: i64,
    /// What the goods cost.
    pub cost_minor: i64,
    /// How often a one-click offer was shown.
    pub shown: i64,
    /// How often it was taken.
    pub taken: i64,
}

impl Sums {
    /// Paid without tax, less what went back.
    pub fn revenue(&self) -> i64 {
        self.net_minor.saturating_sub(self.refunded_minor)
    }

    /// Adds `other` `times` times: −1 takes it off.
    pub fn add(&mut self, other: &Self, times: i64) {
        self.orders += other.orders * times;
        self.pieces += other.pieces * times;
        self.net_minor += other.net_minor * times;
        self.refunded_minor += other.refunded_minor * times;
        self.cost_minor += other.cost_minor * times;
        self.shown += other.shown * times;
        self.taken += other.taken * times;
    }
}

/// A sum with its key.
pub(crate) struct Keyed(pub String, pub Sums);

impl FromRow for Keyed {
    fn from_row(row: &mut Row) -> Result<Self> {
        let key = row.take()?;
        let sums = Sums {
            orders: row.take()?,
            pieces: row.take()?,
            net_minor: row.take()?,
            refunded_minor: row.take()?,
            cost_minor: row.take()?,
            shown: row.take()?,
            taken: row.take()?,
        };
        Ok(Self(key, sums))
    }
}

/// What a figure adds to one sum: what, key, source, nth, amounts.
type Part = (What, String, String, i64, Sums);

/// What a figure adds to each sum it is in.
fn parts(figure: &OrderFigure) -> Vec<Part> {
    let whole = Sums {
        orders: 1,
        net_minor: figure.net_minor,
        refunded_minor: figure.refunded_minor,
        cost_minor: figure.cost_minor,
        ..Sums::default()
    };
    let mut parts = vec![
        (What::All, String::new(), figure.source.clone(), figure.nth.min(3), whole),
        (What::Page, figure.landing.clone(), String::new(), 0, whole),
    ];
    if let Some(mail) = &figure.mail {
        let key = format!("{}/{}/{}", mail.kind, mail.source_id, mail.template_id);
        parts.push((What::Mail, key, String::new(), 0, whole));
        let key = format!("{}/{}", mail.version_id, mail.position);
        parts.push((What::Link, key, String::new(), 0, whole));
    }
    for offer in &figure.offers {
        let sums = Sums {
            orders: i64::from(offer.quantity > 0),
            pieces: offer.quantity,
            net_minor: offer.net_minor,
            refunded_minor: offer.refunded_minor,
            cost_minor: offer.cost_minor,
            shown: offer.shown,
            taken: offer.taken,
        };
        let key = format!("{}/{}", offer.offer_id.0, offer.kind);
        parts.push((What::Offer, key, String::new(), 0, sums));
    }
    parts
}

/// A key of the table, without its site.
type Key = (&'static str, What, String, String, String, String, String, i64, i64);

/// Changes gathered before they are written: many orders of a day meet in one row.
#[derive(Debug, Default)]
pub struct Changes(BTreeMap<Key, Sums>);

/// A sum as it is written.
struct Written(Key, Sums);

impl FromRow for Written {
    fn from_row(row: &mut Row) -> Result<Self> {
        let (per, what): (String, String) = (row.take()?, row.take()?);
        let per = if per == "month" { "month" } else { "day" };
        let what = What::ALL.into_iter().find(|one| one.word() == what).unwrap_or(What::All);
        let key = (
            per,
            what,
            row.take()?,
            row.take()?,
            row.take()?,
            row.take()?,
            row.take()?,
            row.take()?,
            row.take()?,
        );
        let sums = Sums {
            orders: row.take()?,
            pieces: row.take()?,
            net_minor: row.take()?,
            refunded_minor: row.take()?,
            cost_minor: row.take()?,
            shown: row.take()?,
            taken: row.take()?,
        };
        Ok(Self(key, sums))
    }
}

impl Changes {
    /// A figure came (`times` = 1) or went (−1).
    pub fn note(&mut self, figure: &OrderFigure, times: i64) {
        let month: String = figure.paid_day.chars().take(7).collect();
        for (what, key, source, nth, sums) in parts(figure) {
            for (per, day) in [("day", &figure.paid_day), ("month", &month)] {
                let row = (
                    per,
                    what,
                    day.clone(),
                    figure.currency.clone(),
                    key.clone(),
                    figure.channel.clone(),
                    source.clone(),
                    figure.first_product_id.0,
                    nth,
                );
                self.0.entry(row).or_default().add(&sums, times);
            }
        }
    }

    /// Takes off what is written of the days of a month, and of the month itself: what is left is
    /// what that lacks.
    pub async fn less_written(
        &mut self,
        session: &mut Session<'_>,
        site: SiteId,
        month: Span,
    ) -> Result<()> {
        let name = month_of(month.from);
        let (from, to) = (month.from.to_string(), month.to.to_string());
        for what in What::ALL {
            for (per, from, to) in [("day", &from, &to), ("month", &name, &name)] {
                let query = session.query(WRITTEN).bind(site).bind(per).bind(what.word());
                for Written(key, sums) in query.bind(from).bind(to).all::<Written>().await? {
                    self.0.entry(key).or_default().add(&sums, -1);
                }
            }
        }
        self.0.retain(|_, sums| *sums != Sums::default());
        Ok(())
    }

    /// Keeps what `other` holds too, to the unit.
    #[must_use]
    pub fn agreed(mut self, other: &Self) -> Self {
        self.0.retain(|key, sums| other.0.get(key) == Some(sums));
        self
    }

    /// How many sums change.
    pub fn lines(&self) -> usize {
        self.0.len()
    }

    /// Writes them.
    pub async fn write(self, tx: &mut Tx<'_>, site: SiteId) -> Result<()> {
        let changed = self.0.into_iter().filter(|(_, sums)| *sums != Sums::default());
        for ((per, what, day, currency, key, channel, source, product, nth), sums) in changed {
            tx.query(ADD)
                .bind(site)
                .bind(per)
                .bind(what.word())
                .bind(&day)
                .bind(&currency)
                .bind(&key)
                .bind(&channel)
                .bind(&source)
                .bind(product)
                .bind(nth)
                .bind(sums.orders)
                .bind(sums.pieces)
                .bind(sums.net_minor)
                .bind(sums.refunded_minor)
                .bind(sums.cost_minor)
                .bind(sums.shown)
                .bind(sums.taken)
                .run()
                .await?;
        }
        Ok(())
    }
}

/// A span as the sums hold it: whole months as such, the days at its ends one by one.
pub(crate) fn pieces(span: Span) -> Vec<(&'static str, String, String)> {
    let day = |from, to| ("day", Span { from, to });
    let first = match span.from == month_start(span.from, 0) {
        true => span.from,
        false => month_start(span.from, 1),
    };
    let after = month_start(moved(span.to, 1), 0);
    let mut pieces = Vec::new();
    if first >= after {
        pieces.push(day(span.from, span.to));
    } else {
        pieces.push(day(span.from, moved(first, -1)));
        pieces.push(("month", Span { from: first, to: moved(after, -1) }));
        pieces.push(day(after, span.to));
    }
    let text = |(per, span): (&'static str, Span)| match per {
        "month" => (per, month_of(span.from), month_of(span.to)),
        _ => (per, span.from.to_string(), span.to.to_string()),
    };
    pieces.into_iter().filter(|(_, span)| span.from <= span.to).map(text).collect()
}

/// The first and the last month that sums are written of: `2026-03`.
pub async fn ends(session: &mut Session<'_>, site: SiteId) -> Result<Option<(String, String)>> {
    let mut ends: Vec<String> = Vec::new();
    for what in What::ALL {
        for per in ["day", "month"] {
            let query = session.query(ENDS).bind(site).bind(per).bind(what.word());
            let (first, last): (Option<String>, Option<String>) = query.one().await?;
            ends.extend(first.into_iter().chain(last).map(|day| day.chars().take(7).collect()));
        }
    }
    let first = ends.iter().min().cloned();
    Ok(first.zip(ends.into_iter().max()))
}

/// Sums by key of the orders paid in a span.
pub async fn by_key(
    session: &mut Session<'_>,
    site: SiteId,
    what: What,
    span: Span,
    only: Only<'_>,
) -> Result<Vec<(String, Sums)>> {
    if only.segment.0 != 0 {
        return segment_sums::by_key(session, site, what, span, only).await;
    }
    let mut all: BTreeMap<String, Sums> = BTreeMap::new();
    for (per, from, to) in pieces(span) {
        let query = session.query(BY_KEY).bind(site).bind(per).bind(what.word());
        let query = query.bind(&from).bind(&to).bind(only.currency);
        let rows: Vec<Keyed> = query.bind(only.channel).bind(only.product).all().await?;
        for Keyed(key, sums) in rows {
            all.entry(key).or_default().add(&sums, 1);
        }
    }
    all.retain(|_, sums| *sums != Sums::default());
    Ok(all.into_iter().collect())
}

/// What all orders paid in a span come to.
pub async fn total(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
    only: Only<'_>,
) -> Result<Sums> {
    let all = by_key(session, site, What::All, span, only).await?;
    Ok(all.first().map(|(_, sums)| *sums).unwrap_or_default())
}

/// Orders in other currencies than that of `only`, else as it says.
pub async fn foreign(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
    only: Only<'_>,
) -> Result<i64> {
    if only.segment.0 != 0 {
        return segment_sums::foreign(session, site, span, only).await;
    }
    let mut orders = 0;
    for (per, from, to) in pieces(span) {
        let query = session.query(FOREIGN).bind(site).bind(per).bind(&from).bind(&to);
        let query = query.bind(only.currency).bind(only.channel).bind(only.product);
        orders += query.one::<i64>().await?;
    }
    Ok(orders)
}

/// First orders in one currency.
pub async fn firsts(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
    currency: &str,
) -> Result<i64> {
    let mut orders = 0;
    for (per, from, to) in pieces(span) {
        let query = session.query(FIRSTS).bind(site).bind(per).bind(&from).bind(&to);
        orders += query.bind(currency).one::<i64>().await?;
    }
    Ok(orders)
}

/// Orders of any currency by first touch and how-many-eth (3: later): channel, source, nth, orders.
pub async fn by_origin(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
    product: ProductId,
) -> Result<Vec<(String, String, i64, i64)>> {
    let mut rows = Vec::new();
    for (per, from, to) in pieces(span) {
        let query = session.query(BY_ORIGIN).bind(site).bind(per).bind(&from).bind(&to);
        rows.extend(query.bind(product).all::<(String, String, i64, i64)>().await?);
    }
    Ok(rows)
}

/// How finely a picture over time is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A point a day.
    Day,
    /// A point a calendar month; the first and the last as far as they lie in the span.
    Month,
}

/// Orders and revenue over time: `2026-03-14` or `2026-03`, orders, revenue; times without any are
/// left out.
pub async fn over_time(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
    step: Step,
    only: Only<'_>,
) -> Result<BTreeMap<String, (i64, i64)>> {
    let mut rows: Vec<(String, i64, i64)> = Vec::new();
    if only.segment.0 != 0 {
        rows = segment_sums::by_day(session, site, span, only).await?;
    } else {
        let pieces = match step {
            Step::Day => vec![("day", span.from.to_string(), span.to.to_string())],
            Step::Month => pieces(span),
        };
        for (per, from, to) in pieces {
            let query = session.query(BY_TIME).bind(site).bind(per).bind(&from).bind(&to);
            let query = query.bind(only.currency).bind(only.channel).bind(only.product);
            rows.extend(query.all::<(String, i64, i64)>().await?);
        }
    }
    let mut times: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for (day, orders, revenue) in rows {
        let name = if step == Step::Month { day.chars().take(7).collect() } else { day };
        let (all, sum) = times.entry(name).or_default();
        *all += orders;
        *sum += revenue;
    }
    Ok(times)
}

/// Counts a day anew from the figures of its orders.
pub async fn count_day(
    tx: &mut Tx<'_>,
    site: SiteId,
    day: &str,
    (from, until): (UtcMs, UtcMs),
) -> Result<()> {
    for (what, sql) in
        What::ALL.into_iter().zip([COUNT_DAY, COUNT_PAGES, COUNT_MAILS, COUNT_LINKS, COUNT_OFFERS])
    {
        tx.query(FORGET).bind(site).bind("day").bind(what.word()).bind(day).run().await?;
        tx.query(sql).bind(site).bind(day).bind(from).bind(until).run().await?;
    }
    Ok(())
}

/// Adds a month up anew from its days.
pub async fn count_month(tx: &mut Tx<'_>, site: SiteId, month: Span) -> Result<()> {
    let (name, from, to) = (month_of(month.from), month.from.to_string(), month.to.to_string());
    for what in What::ALL.map(What::word) {
        tx.query(FORGET).bind(site).bind("month").bind(what).bind(&name).run().await?;
        let query = tx.query(COUNT_MONTH).bind(site).bind(&name).bind(&from).bind(&to);
        query.bind(what).run().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_parted_into_its_months_and_the_days_at_its_ends() {
        let date = |year: i32, month: u8, day: u8| format!("{year}-{month:02}-{day:02}");
        let told = |from: String, to: String| -> Vec<String> {
            let span = Span { from: from.parse().unwrap(), to: to.parse().unwrap() };
            let pieces = pieces(span);
            pieces.into_iter().map(|(per, from, to)| format!("{per} {from} {to}")).collect()
        };
        let year = told(date(2025, 11, 23), date(2026, 11, 22));
        assert_eq!(
            year,
            ["day 2025-11-23 2025-11-30", "month 2025-12 2026-10", "day 2026-11-01 2026-11-22"]
        );
        assert_eq!(told(date(2026, 2, 1), date(2026, 2, 28)), ["month 2026-02 2026-02"]);
        assert_eq!(told(date(2026, 2, 2), date(2026, 3, 30)), ["day 2026-02-02 2026-03-30"]);
        assert_eq!(told(date(2026, 1, 31), date(2026, 2, 1)), ["day 2026-01-31 2026-02-01"]);
        assert_eq!(told(date(2025, 1, 1), date(2025, 12, 31)), ["month 2025-01 2025-12"]);
        assert_eq!(told(date(2026, 2, 2), date(2026, 2, 2)), ["day 2026-02-02 2026-02-02"]);
        assert_eq!(
            told(date(2026, 1, 31), date(2026, 3, 1)),
            ["day 2026-01-31 2026-01-31", "month 2026-02 2026-02", "day 2026-03-01 2026-03-01"]
        );
    }
}
