//! Stages: how many contacts reached one for the first time, by day from the rollup or counted
//! from the rows, and the rows themselves.

use std::collections::BTreeMap;

use model::ids::{ContactId, OrderId, ProductId, SegmentId};
use model::spans::{Span, month_named, month_of, month_start, moved, start_of};
use model::{SiteId, UtcMs, Zone};

use crate::order_sums::pieces;
use crate::{FromRow, Result, Row, Session, Tx, order_sums};

const LEADS: &str = "select coalesce(t.channel, 'unknown'), coalesce(t.source, ''),
    coalesce(t.landing, ''), count(*)
    from contacts c left join touches t
        on t.site_id = c.site_id and t.contact_id = c.id and t.is_first = true
    where c.site_id = $1 and c.id >= $2 and c.id < $3 and c.is_test = false
    group by coalesce(t.channel, 'unknown'), coalesce(t.source, ''), coalesce(t.landing, '')";
const CONFIRMED: &str = "select coalesce(t.channel, 'unknown'), coalesce(t.source, ''),
    coalesce(t.landing, ''), count(*)
    from contacts c left join touches t
        on t.site_id = c.site_id and t.contact_id = c.id and t.is_first = true
    where c.site_id = $1 and c.confirmed_at >= $2 and c.confirmed_at < $3 and c.is_test = false
    group by coalesce(t.channel, 'unknown'), coalesce(t.source, ''), coalesce(t.landing, '')";
const QUALIFIED: &str = "select coalesce(t.channel, 'unknown'), coalesce(t.source, ''),
    coalesce(t.landing, ''), count(*)
    from (select distinct k.contact_id as id from clicks k
            where k.site_id = $1 and k.verdict = 'human' and k.at >= $2 and k.at < $3) f
        join contacts c on c.site_id = $1 and c.id = f.id
        left join touches t
            on t.site_id = c.site_id and t.contact_id = c.id and t.is_first = true
    where c.is_test = false and not exists (select 1 from clicks e where e.site_id = $1
        and e.contact_id = f.id and e.verdict = 'human' and e.at + 0 < $2)
    group by coalesce(t.channel, 'unknown'), coalesce(t.source, ''), coalesce(t.landing, '')";
const REFERRALS: &str = "select coalesce(t.channel, 'unknown'), coalesce(t.source, ''),
    coalesce(t.landing, ''), count(*)
    from (select distinct r.referrer_id as id from referrals r where r.site_id = $1
            and r.created_at >= $2 and r.created_at < $3 and r.state in ('held', 'credited')) f
        join contacts c on c.site_id = $1 and c.id = f.id
        left join touches t
            on t.site_id = c.site_id and t.contact_id = c.id and t.is_first = true
    where c.is_test = false and not exists (select 1 from referrals e where e.site_id = $1
        and e.referrer_id = f.id and e.state in ('held', 'credited') and e.created_at < $2)
    group by coalesce(t.channel, 'unknown'), coalesce(t.source, ''), coalesce(t.landing, '')";
const ROLLED: &str = "select stage, channel, source, landing, cast(sum(contacts) as bigint)
    from stage_days where site_id = $1 and day >= $2 and day <= $3 and stage = $4
    group by stage, channel, source, landing";
const ROLLED_MONTHS: &str = "select stage, channel, source, landing, cast(sum(contacts) as bigint)
    from stage_months where site_id = $1 and month >= $2 and month <= $3 and stage = $4
    group by stage, channel, source, landing";
const PUT: &str = "insert into stage_days (site_id, day, stage, channel, source, landing, contacts)
    values ($1, $2, $3, $4, $5, $6, $7)";
const FORGET: &str = "delete from stage_days where site_id = $1 and day = $2";
const DAYS: &str = "select day from rolled_days where site_id = $1 and day >= $2 and day <= $3
    order by day";
const COUNT_DAYS: &str = "select count(*) from rolled_days
    where site_id = $1 and day >= $2 and day <= $3";
const SET_DAY: &str = "insert into rolled_days (site_id, day, rolled_at) values ($1, $2, $3)
    on conflict (site_id, day) do update set rolled_at = excluded.rolled_at";
const FORGET_MONTHS: [&str; 2] = [
    "delete from rolled_months where site_id = $1 and month >= substr(cast($2 as text), 1, 7)
        and month <= substr(cast($3 as text), 1, 7)",
    "delete from stage_months where site_id = $1 and month >= substr(cast($2 as text), 1, 7)
        and month <= substr(cast($3 as text), 1, 7)",
];
const FORGET_DAYS: [&str; 5] = [
    "delete from rolled_days where site_id = $1 and day >= $2 and day <= $3",
    "delete from stage_days where site_id = $1 and day >= $2 and day <= $3",
    "delete from mail_days where site_id = $1 and day >= $2 and day <= $3",
    "delete from form_days where site_id = $1 and day >= $2 and day <= $3",
    "delete from link_days where site_id = $1 and day >= $2 and day <= $3",
];
const MONTHS: &str = "select month from rolled_months
    where site_id = $1 and month >= $2 and month <= $3 order by month";
const ADD_UP_MONTH: &str = "insert into stage_months
        (site_id, month, stage, channel, source, landing, contacts)
    select site_id, cast($2 as text), stage, channel, source, landing,
        cast(sum(contacts) as bigint)
    from stage_days where site_id = $1 and day >= $3 and day <= $4
    group by site_id, stage, channel, source, landing";
const SET_MONTH: &str = "insert into rolled_months (site_id, month) values ($1, $2)";
/// No day comes after it.
const LAST: &str = "9999-12-31";

/// How many contacts of one origin reached a stage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StageCount {
    /// The stage: a word of [`STAGES`].
    pub stage: String,
    /// The channel of the first touch; `unknown` where there is none.
    pub channel: String,
    /// Its source tag, or empty.
    pub source: String,
    /// The page it landed on, or empty.
    pub landing: String,
    /// Contacts.
    pub contacts: i64,
}

/// The stages that are rolled up by day, as stored.
pub const STAGES: [&str; 4] = ["lead", "confirmed", "qualified", "referral"];

impl FromRow for StageCount {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            stage: row.take()?,
            channel: row.take()?,
            source: row.take()?,
            landing: row.take()?,
            contacts: row.take()?,
        })
    }
}

/// Counts the rolled stages from the rows, `from .. until`.
pub async fn count(
    session: &mut Session<'_>,
    site: SiteId,
    from: UtcMs,
    until: UtcMs,
) -> Result<Vec<StageCount>> {
    let mut counts = Vec::new();
    for stage in STAGES {
        counts.extend(count_stage(session, site, (from, until), stage).await?);
    }
    Ok(counts)
}

async fn count_stage(
    session: &mut Session<'_>,
    site: SiteId,
    (from, until): (UtcMs, UtcMs),
    stage: &'static str,
) -> Result<Vec<StageCount>> {
    let id = |at| ContactId(model::ids::first_id_at(at));
    let query = match stage {
        "lead" => session.query(LEADS).bind(site).bind(id(from)).bind(id(until)),
        "confirmed" => session.query(CONFIRMED).bind(site).bind(from).bind(until),
        "qualified" => session.query(QUALIFIED).bind(site).bind(from).bind(until),
        _ => session.query(REFERRALS).bind(site).bind(from).bind(until),
    };
    let rows: Vec<(String, String, String, i64)> = query.all().await?;
    let count = |(channel, source, landing, contacts)| StageCount {
        stage: stage.to_owned(),
        channel,
        source,
        landing,
        contacts,
    };
    Ok(rows.into_iter().map(count).collect())
}

/// First and second orders of a span, of customers who bought `product` first (0: anything):
/// stages `order` and `second`, with no page.
pub async fn orders(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
    product: ProductId,
) -> Result<Vec<StageCount>> {
    let rows = order_sums::by_origin(session, site, span, product).await?;
    let stage = |nth| if nth == 1 { "order" } else { "second" };
    Ok(rows
        .into_iter()
        .filter(|(_, _, nth, _)| *nth <= 2)
        .map(|(channel, source, nth, contacts)| StageCount {
            stage: stage(nth).to_owned(),
            channel,
            source,
            landing: String::new(),
            contacts,
        })
        .collect())
}

/// Every stage but the visit.
pub const ALL: [&str; 6] = ["lead", "confirmed", "qualified", "referral", "order", "second"];

/// Some of the stages of [`ALL`] in a span: what is rolled up from the rollup, the other days from
/// their rows. One line an origin.
pub async fn within(
    session: &mut Session<'_>,
    site: SiteId,
    (span, zone): (Span, &Zone),
    stages: &[&'static str],
) -> Result<Vec<StageCount>> {
    let open = unrolled(session, site, span, zone).await?;
    let months = rolled_months(session, site, span).await?;
    let mut counts = Vec::new();
    for stage in STAGES.into_iter().filter(|stage| stages.contains(stage)) {
        for (first, last) in beside(span, &months) {
            counts.extend(rolled(session, site, (&first, &last), stage).await?);
        }
        if let (Some(first), Some(last)) = (months.first(), months.last()) {
            let query = session.query(ROLLED_MONTHS).bind(site).bind(first).bind(last);
            counts.extend(query.bind(stage).all::<StageCount>().await?);
        }
        for (from, until) in &open {
            counts.extend(count_stage(session, site, (*from, *until), stage).await?);
        }
    }
    if stages.contains(&"order") || stages.contains(&"second") {
        let mut orders = orders(session, site, span, ProductId(0)).await?;
        orders.retain(|count| stages.contains(&count.stage.as_str()));
        counts.extend(orders);
    }
    Ok(one_an_origin(counts))
}

/// The days of a span before and after its months that are rolled up, as ISO days.
fn beside(span: Span, months: &[String]) -> Vec<(String, String)> {
    let day = |month: Option<&String>| month.and_then(|month| month_named(month));
    let (Some(first), Some(last)) = (day(months.first()), day(months.last())) else {
        return vec![(span.from.to_string(), span.to.to_string())];
    };
    let after = month_start(last, 1);
    let sides = [Span { from: span.from, to: moved(first, -1) }, Span { from: after, to: span.to }];
    let some = sides.into_iter().filter(|side| side.from <= side.to);
    some.map(|side| (side.from.to_string(), side.to.to_string())).collect()
}

fn one_an_origin(counts: Vec<StageCount>) -> Vec<StageCount> {
    let mut sums: BTreeMap<(String, String, String, String), i64> = BTreeMap::new();
    for count in counts {
        let key = (count.stage, count.channel, count.source, count.landing);
        *sums.entry(key).or_default() += count.contacts;
    }
    let line = |((stage, channel, source, landing), contacts)| StageCount {
        stage,
        channel,
        source,
        landing,
        contacts,
    };
    sums.into_iter().map(line).collect()
}

/// The last unbroken run of whole months of a span that are rolled up.
async fn rolled_months(session: &mut Session<'_>, site: SiteId, span: Span) -> Result<Vec<String>> {
    let whole = pieces(span).into_iter().find(|(per, ..)| *per == "month");
    let Some((_, from, to)) = whole else { return Ok(Vec::new()) };
    let rolled: Vec<String> = session.query(MONTHS).bind(site).bind(&from).bind(&to).all().await?;
    let mut run: Vec<String> = Vec::new();
    for month in rolled {
        let last = run.last().and_then(|last| month_named(last));
        if last.is_some_and(|last| month_of(month_start(last, 1)) != month) {
            run.clear();
        }
        run.push(month);
    }
    Ok(run)
}

/// The stretches of a span whose days are not rolled up.
pub async fn unrolled(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
    zone: &Zone,
) -> Result<Vec<(UtcMs, UtcMs)>> {
    let (from, to) = (span.from.to_string(), span.to.to_string());
    let rolled = rolled_days(session, site, &from, &to).await?;
    let mut stretches: Vec<(UtcMs, UtcMs)> = Vec::new();
    for day in span.each().filter(|day| rolled.binary_search(&day.to_string()).is_err()) {
        let (start, end) = (start_of(day, zone), Span { from: day, to: day }.bounds(zone).1);
        match stretches.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => stretches.push((start, end)),
        }
    }
    Ok(stretches)
}

/// What the rollup holds of a stage on the days `from ..= to` (ISO).
pub async fn rolled(
    session: &mut Session<'_>,
    site: SiteId,
    (from, to): (&str, &str),
    stage: &str,
) -> Result<Vec<StageCount>> {
    session.query(ROLLED).bind(site).bind(from).bind(to).bind(stage).all().await
}

/// Which of the days `from ..= to` are rolled up.
pub async fn rolled_days(
    session: &mut Session<'_>,
    site: SiteId,
    from: &str,
    to: &str,
) -> Result<Vec<String>> {
    session.query(DAYS).bind(site).bind(from).bind(to).all().await
}

/// How many of the days `from ..= to` are rolled up.
pub async fn count_rolled(
    session: &mut Session<'_>,
    site: SiteId,
    from: &str,
    to: &str,
) -> Result<i64> {
    session.query(COUNT_DAYS).bind(site).bind(from).bind(to).one().await
}

/// Writes the stages of a day, in place of what stood there, and marks the day as rolled up.
pub async fn put_day(
    tx: &mut Tx<'_>,
    site: SiteId,
    day: &str,
    counts: &[StageCount],
    now: UtcMs,
) -> Result<()> {
    tx.query(FORGET).bind(site).bind(day).run().await?;
    forget_months(tx, site, (day, day)).await?;
    for count in counts {
        tx.query(PUT)
            .bind(site)
            .bind(day)
            .bind(&count.stage)
            .bind(&count.channel)
            .bind(&count.source)
            .bind(&count.landing)
            .bind(count.contacts)
            .run()
            .await?;
    }
    tx.query(SET_DAY).bind(site).bind(day).bind(now).run().await.map(drop)
}

/// Unmarks one day: it is counted from its rows until it is rolled up again.
pub async fn forget_day(tx: &mut Tx<'_>, site: SiteId, day: &str) -> Result<()> {
    forget_span(tx, site, day, day).await
}

/// Unmarks the days from `from` on: they are counted from their rows until rolled up again.
pub async fn forget_days(tx: &mut Tx<'_>, site: SiteId, from: &str) -> Result<()> {
    forget_span(tx, site, from, LAST).await
}

/// The mark goes with all that the rollup holds of the day, its mails too: what is left of a day
/// without a mark would be added to what is counted of it.
async fn forget_span(tx: &mut Tx<'_>, site: SiteId, from: &str, to: &str) -> Result<()> {
    for sql in FORGET_DAYS {
        tx.query(sql).bind(site).bind(from).bind(to).run().await?;
    }
    forget_months(tx, site, (from, to)).await
}

async fn forget_months(tx: &mut Tx<'_>, site: SiteId, (from, to): (&str, &str)) -> Result<()> {
    for sql in FORGET_MONTHS {
        tx.query(sql).bind(site).bind(from).bind(to).run().await?;
    }
    Ok(())
}

/// Which of the months `from ..= to` are added up.
pub async fn months(
    session: &mut Session<'_>,
    site: SiteId,
    from: &str,
    to: &str,
) -> Result<Vec<String>> {
    session.query(MONTHS).bind(site).bind(from).bind(to).all().await
}

/// Adds up a month from its days, where all of them are rolled up; whether they were.
pub async fn put_month(tx: &mut Tx<'_>, site: SiteId, month: Span) -> Result<bool> {
    let (from, to) = (month.from.to_string(), month.to.to_string());
    if count_rolled(tx, site, &from, &to).await? < month.days() {
        return Ok(false);
    }
    forget_months(tx, site, (&from, &to)).await?;
    let name = month_of(month.from);
    tx.query(ADD_UP_MONTH).bind(site).bind(&name).bind(&from).bind(&to).run().await?;
    tx.query(SET_MONTH).bind(site).bind(&name).run().await?;
    Ok(true)
}

/// What is kept of a month, by stage.
pub async fn of_month(
    session: &mut Session<'_>,
    site: SiteId,
    month: &str,
) -> Result<Vec<StageCount>> {
    let mut counts = Vec::new();
    for stage in STAGES {
        let query = session.query(ROLLED_MONTHS).bind(site).bind(month).bind(month).bind(stage);
        counts.extend(query.all::<StageCount>().await?);
    }
    Ok(counts)
}

const LEAD_ROWS: &str = "select c.id, c.email, c.status, c.created_at,
    coalesce(t.channel, 'unknown'), coalesce(t.source, ''), cast(0 as bigint)
    from contacts c left join touches t
        on t.site_id = c.site_id and t.contact_id = c.id and t.is_first = true
    where c.site_id = $1 and c.id >= $2 and c.id < $3 and c.is_test = false
        and (cast($4 as text) = '' or coalesce(t.channel, 'unknown') = $4)
        and (cast($7 as text) = '*' or coalesce(t.source, '') = $7) and c.id < $5
        and (cast($8 as text) = '*' or coalesce(t.landing, '') = $8)
        and (cast($9 as text) = '' or $9 = case when exists (select 1 from spends s
            where s.site_id = c.site_id and s.channel = t.source) then t.source
            else coalesce(t.channel, 'unknown') end)
        and (cast($10 as bigint) = 0 or exists (select 1 from segment_members g
            where g.site_id = c.site_id and g.segment_id = $10 and g.contact_id = c.id))
    order by c.id desc limit $6";
const CONFIRMED_ROWS: &str = "select c.id, c.email, c.status, c.confirmed_at,
    coalesce(t.channel, 'unknown'), coalesce(t.source, ''), cast(0 as bigint)
    from contacts c left join touches t
        on t.site_id = c.site_id and t.contact_id = c.id and t.is_first = true
    where c.site_id = $1 and c.confirmed_at >= $2 and c.confirmed_at < $3 and c.is_test = false
        and (cast($4 as text) = '' or coalesce(t.channel, 'unknown') = $4)
        and (cast($8 as text) = '*' or coalesce(t.source, '') = $8)
        and (cast($9 as bigint) = 0 or exists (select 1 from segment_members g
            where g.site_id = c.site_id and g.segment_id = $9 and g.contact_id = c.id))
        and (c.confirmed_at < $5 or (c.confirmed_at = $5 and c.id < $6))
    order by c.confirmed_at desc, c.id desc limit $7";
const QUALIFIED_ROWS: &str = "select c.id, c.email, c.status, f.at,
    coalesce(t.channel, 'unknown'), coalesce(t.source, ''), cast(0 as bigint)
    from (select k.contact_id as id, min(k.at) as at from clicks k
            where k.site_id = $1 and k.verdict = 'human' and k.at >= $2 and k.at < $3
            group by k.contact_id) f
        join contacts c on c.site_id = $1 and c.id = f.id
        left join touches t
            on t.site_id = c.site_id and t.contact_id = c.id and t.is_first = true
    where c.is_test = false and not exists (select 1 from clicks e where e.site_id = $1
            and e.contact_id = f.id and e.verdict = 'human' and e.at + 0 < $2)
        and (cast($4 as text) = '' or coalesce(t.channel, 'unknown') = $4)
        and (cast($8 as text) = '*' or coalesce(t.source, '') = $8)
        and (cast($9 as bigint) = 0 or exists (select 1 from segment_members g
            where g.site_id = c.site_id and g.segment_id = $9 and g.contact_id = c.id))
        and (f.at < $5 or (f.at = $5 and c.id < $6))
    order by f.at desc, c.id desc limit $7";
const REFERRAL_ROWS: &str = "select c.id, c.email, c.status, f.at,
    coalesce(t.channel, 'unknown'), coalesce(t.source, ''), cast(0 as bigint)
    from (select r.referrer_id as id, min(r.created_at) as at from referrals r
            where r.site_id = $1 and r.created_at >= $2 and r.created_at < $3
                and r.state in ('held', 'credited') group by r.referrer_id) f
        join contacts c on c.site_id = $1 and c.id = f.id
        left join touches t
            on t.site_id = c.site_id and t.contact_id = c.id and t.is_first = true
    where c.is_test = false and not exists (select 1 from referrals e where e.site_id = $1
            and e.referrer_id = f.id and e.state in ('held', 'credited') and e.created_at < $2)
        and (cast($4 as text) = '' or coalesce(t.channel, 'unknown') = $4)
        and (cast($8 as text) = '*' or coalesce(t.source, '') = $8)
        and (cast($9 as bigint) = 0 or exists (select 1 from segment_members g
            where g.site_id = c.site_id and g.segment_id = $9 and g.contact_id = c.id))
        and (f.at < $5 or (f.at = $5 and c.id < $6))
    order by f.at desc, c.id desc limit $7";
const ORDER_ROWS: &str =
    "select c.id, c.email, c.status, f.paid_at, f.channel, f.source, f.order_id
    from order_figures f join contacts c on c.site_id = f.site_id and c.id = f.contact_id
    where f.site_id = $1 and f.paid_at >= $2 and f.paid_at < $3 and f.nth = $9
        and (cast($4 as text) = '' or f.channel = $4)
        and (cast($8 as text) = '*' or f.source = $8)
        and (cast($10 as bigint) = 0 or f.first_product_id = $10)
        and (cast($11 as bigint) = 0 or exists (select 1 from segment_members g
            where g.site_id = f.site_id and g.segment_id = $11 and g.contact_id = f.contact_id))
        and (f.paid_at < $5 or (f.paid_at = $5 and c.id < $6))
    order by f.paid_at desc, c.id desc limit $7";

/// A contact who reached a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageRow {
    /// Who.
    pub contact_id: ContactId,
    /// Their address.
    pub email: String,
    /// How they stand now.
    pub status: String,
    /// When they reached it.
    pub at: UtcMs,
    /// The channel of their first touch.
    pub channel: String,
    /// Its source tag, or empty.
    pub source: String,
    /// The order, for stages that are one.
    pub order_id: Option<OrderId>,
}

impl FromRow for StageRow {
    fn from_row(row: &mut Row) -> Result<Self> {
        let mut found = Self {
            contact_id: row.take()?,
            email: row.take()?,
            status: row.take()?,
            at: row.take()?,
            channel: row.take()?,
            source: row.take()?,
            order_id: None,
        };
        found.order_id = Some(row.take()?).filter(|order: &OrderId| order.0 != 0);
        Ok(found)
    }
}

/// Which rows of a stage are asked for.
#[derive(Debug, Clone)]
pub struct StageRows<'a> {
    /// A word of [`STAGES`], or `order`, `second`.
    pub stage: &'a str,
    /// From this instant,
    pub from: UtcMs,
    /// to before this one.
    pub until: UtcMs,
    /// Only of this channel; empty: any.
    pub channel: &'a str,
    /// Only of this source tag; none: any.
    pub source: Option<&'a str>,
    /// Only leads whose first touch was on this page; none: any.
    pub landing: Option<&'a str>,
    /// Only leads whose customers meet what was spent under this word (`revenue::OrderRows`); empty:
    /// any.
    pub origin: &'a str,
    /// Only orders of customers who bought this first; 0: any.
    pub product: ProductId,
    /// Only the contacts of this segment; 0: anyone.
    pub segment: SegmentId,
    /// Only what comes before this row in time.
    pub before: (UtcMs, ContactId),
    /// At most so many.
    pub limit: i64,
}

/// The contacts who reached a stage, newest first.
pub async fn rows(
    session: &mut Session<'_>,
    site: SiteId,
    of: &StageRows<'_>,
) -> Result<Vec<StageRow>> {
    let id = |at| ContactId(model::ids::first_id_at(at));
    let (at, before) = of.before;
    let source = of.source.unwrap_or("*");
    if of.stage == "lead" {
        let query = session.query(LEAD_ROWS).bind(site).bind(id(of.from)).bind(id(of.until));
        let query = query.bind(of.channel).bind(before).bind(of.limit).bind(source);
        let query = query.bind(of.landing.unwrap_or("*")).bind(of.origin);
        return query.bind(of.segment).all().await;
    }
    let nth = match of.stage {
        "order" => Some(1_i64),
        "second" => Some(2),
        _ => None,
    };
    let query = match (of.stage, nth) {
        (_, Some(_)) => session.query(ORDER_ROWS),
        ("confirmed", _) => session.query(CONFIRMED_ROWS),
        ("qualified", _) => session.query(QUALIFIED_ROWS),
        _ => session.query(REFERRAL_ROWS),
    };
    let query = query.bind(site).bind(of.from).bind(of.until).bind(of.channel);
    let query = query.bind(at).bind(before).bind(of.limit).bind(source);
    match nth {
        Some(nth) => query.bind(nth).bind(of.product).bind(of.segment).all().await,
        None => query.bind(of.segment).all().await,
    }
}
