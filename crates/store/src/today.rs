//! What stands on the first page: each a count along an index, or one that stops at a limit, so
//! that the page costs the same at a million.

use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session};

const QUEUED_SOON: &str = "select count(*) from (select id from messages
    where site_id = $1 and state = 'queued' and next_at <= $2 limit $3) q";
const KEPT_SOON: &str = "select count(*) from (select id from messages
    where site_id = $1 and (state = 'planned' or state = 'deferred') and next_at <= $2 limit $3) q";
const STEPS_SOON: &str = "select count(*) from (select id from enrolments
    where state = 'active' and due_at <= $2 and +site_id = $1 limit $3) q";
const TROUBLE: &str = "select state, reason, count(*) from messages
    where site_id = $1 and (state = 'deferred' or state = 'failed'
        or state = 'unknown' or state = 'held')
    and (state <> 'failed' or next_at >= $2)
    and (state = 'planned' or state = 'deferred' or state = 'unknown' or state = 'held'
        or state = 'failed' or state = 'suppressed' or state = 'cancelled' or state = 'expired')
    group by state, reason order by 3 desc limit 12";
const CAUGHT: &str = "select count(*) from (select id from messages
    where site_id = $1 and id >= $2 and relay = 'caught' limit $3) q";
// By the quarter of an hour, in which every day of every zone begins.
const SALES: &str = "select currency, paid_at / 900000, count(*),
    coalesce(cast(sum(captured_minor - refunded_minor) as bigint), 0) from orders
    where site_id = $1 and paid_at >= $2 and paid_at < $3
    group by currency, paid_at / 900000 order by currency, 2";
const ARRIVALS: &str = "select created_at / 900000, count(*) from contacts
    where site_id = $1 and id >= $4 and created_at >= $2 and created_at < $3
    and is_test = false group by created_at / 900000 order by 1";
const IN_REVIEW: &str = "select count(*) from (select id from orders
    where site_id = $1 and review is not null limit $2) q";
const UNSETTLED: &str = "select count(*) from (select id from payments
    where state in ('creating', 'created', 'processing', 'requires_action')
    and site_id = $1 and check_at < $2 limit $3) q";
const SUBMISSIONS: &str = "select state, count(*) from submissions
    where site_id = $1 and state in ('spam', 'held') group by state";
const DEAD_JOBS: &str = "select count(*) from jobs where site_id = $1 and state = 'dead'";
const HAS: &str = "select
    exists (select 1 from forms where site_id = $1),
    exists (select 1 from magnets where site_id = $1),
    exists (select 1 from sequences where site_id = $1 and state = 'live'),
    exists (select 1 from pages where site_id = $1 and published_version is not null),
    exists (select 1 from products where site_id = $1),
    exists (select 1 from offers where site_id = $1),
    exists (select 1 from contacts where site_id = $1),
    exists (select 1 from orders where site_id = $1)";

const QUARTER_MS: i64 = 15 * model::times::MINUTE_MS;

/// Where a count stops: beyond it the page says "more than".
pub const MOST: i64 = 10_000;

/// Messages that stand in one state for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The state.
    pub state: String,
    /// The reason; empty where none is known.
    pub reason: String,
    /// How many.
    pub count: i64,
}

impl FromRow for Trouble {
    fn from_row(row: &mut Row) -> Result<Self> {
        let (state, reason): (_, Option<String>) = (row.take()?, row.take()?);
        Ok(Self { state, reason: reason.unwrap_or_default(), count: row.take()? })
    }
}

/// The orders of one day in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaySales {
    /// ISO 4217.
    pub currency: String,
    /// Its place among the days asked for.
    pub day: i64,
    /// How many were paid.
    pub count: i64,
    /// What they brought in, less what went back.
    pub minor: i64,
}

impl FromRow for DaySales {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { currency: row.take()?, day: row.take()?, count: row.take()?, minor: row.take()? })
    }
}

/// Which of the things one needs are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Has {
    /// A form.
    pub forms: bool,
    /// A free thing.
    pub magnets: bool,
    /// A live sequence.
    pub sequences: bool,
    /// A published page.
    pub pages: bool,
    /// A product.
    pub products: bool,
    /// An offer.
    pub offers: bool,
    /// A contact.
    pub contacts: bool,
    /// An order.
    pub orders: bool,
}

impl FromRow for Has {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            forms: row.take()?,
            magnets: row.take()?,
            sequences: row.take()?,
            pages: row.take()?,
            products: row.take()?,
            offers: row.take()?,
            contacts: row.take()?,
            orders: row.take()?,
        })
    }
}

/// Messages and steps of sequences due until `until`; counts no further than [`MOST`] each.
pub async fn due_until(
    session: &mut Session<'_>,
    site: SiteId,
    until: UtcMs,
) -> Result<(i64, i64)> {
    let queued: i64 = session.query(QUEUED_SOON).bind(site).bind(until).bind(MOST).one().await?;
    let kept: i64 = session.query(KEPT_SOON).bind(site).bind(until).bind(MOST).one().await?;
    let steps: i64 = session.query(STEPS_SOON).bind(site).bind(until).bind(MOST).one().await?;
    Ok((queued.saturating_add(kept), steps))
}

/// What did not simply go: all that still waits, and what failed since `since`.
pub async fn trouble(
    session: &mut Session<'_>,
    site: SiteId,
    since: UtcMs,
) -> Result<Vec<Trouble>> {
    session.query(TROUBLE).bind(site).bind(since).all().await
}

/// Mails caught since `since`, up to [`MOST`].
pub async fn caught(session: &mut Session<'_>, site: SiteId, since: UtcMs) -> Result<i64> {
    let from = model::ids::first_id_at(since);
    session.query(CAUGHT).bind(site).bind(from).bind(MOST).one().await
}

/// Paid orders by day. Each day is given by its first instant and the first after it: one on which
/// the clocks change has 23 or 25 hours.
pub async fn sales(
    session: &mut Session<'_>,
    site: SiteId,
    days: &[(UtcMs, UtcMs)],
) -> Result<Vec<DaySales>> {
    let (from, until) = ends(days);
    let query = session.query(SALES).bind(site).bind(from).bind(until);
    let mut all: Vec<DaySales> = Vec::new();
    for one in query.all::<DaySales>().await? {
        let Some(day) = day_of(days, one.day) else { continue };
        match all.last_mut().filter(|last| last.day == day && last.currency == one.currency) {
            Some(last) => {
                last.count += one.count;
                last.minor += one.minor;
            }
            None => all.push(DaySales { day, ..one }),
        }
    }
    Ok(all)
}

/// New contacts by day: the day's place among `days`, and how many.
pub async fn arrivals(
    session: &mut Session<'_>,
    site: SiteId,
    days: &[(UtcMs, UtcMs)],
) -> Result<Vec<(i64, i64)>> {
    let (from, until) = ends(days);
    let first = model::ids::first_id_at(from);
    let query = session.query(ARRIVALS).bind(site).bind(from).bind(until).bind(first);
    let mut all: Vec<(i64, i64)> = Vec::new();
    for (quarter, count) in query.all::<(i64, i64)>().await? {
        let Some(day) = day_of(days, quarter) else { continue };
        match all.last_mut().filter(|last| last.0 == day) {
            Some(last) => last.1 += count,
            None => all.push((day, count)),
        }
    }
    Ok(all)
}

fn ends(days: &[(UtcMs, UtcMs)]) -> (UtcMs, UtcMs) {
    let nothing = (UtcMs(0), UtcMs(0));
    (days.first().unwrap_or(&nothing).0, days.last().unwrap_or(&nothing).1)
}

/// Into which of `days` a quarter of an hour falls.
fn day_of(days: &[(UtcMs, UtcMs)], quarter: i64) -> Option<i64> {
    let at = UtcMs(quarter.saturating_mul(QUARTER_MS));
    let place = days.iter().position(|(from, until)| *from <= at && at < *until)?;
    i64::try_from(place).ok()
}

/// Orders that a person must look at, and payments whose end is overdue since before `before`.
pub async fn open_money(
    session: &mut Session<'_>,
    site: SiteId,
    before: UtcMs,
) -> Result<(i64, i64)> {
    let review: i64 = session.query(IN_REVIEW).bind(site).bind(MOST).one().await?;
    let open: i64 = session.query(UNSETTLED).bind(site).bind(before).bind(MOST).one().await?;
    Ok((review, open))
}

/// Submissions of forms that wait for a person, by state.
pub async fn submissions(session: &mut Session<'_>, site: SiteId) -> Result<Vec<(String, i64)>> {
    session.query(SUBMISSIONS).bind(site).all().await
}

/// Work that could not be done.
pub async fn dead_jobs(session: &mut Session<'_>, site: SiteId) -> Result<i64> {
    session.query(DEAD_JOBS).bind(site).one().await
}

/// Which of the things one needs are there.
pub async fn has(session: &mut Session<'_>, site: SiteId) -> Result<Has> {
    session.query(HAS).bind(site).one().await
}
