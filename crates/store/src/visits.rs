//! Whose visit it was: a visitor of a day, and the contact that said so by an act of its own.

use model::ids::ContactId;
use model::spans::{day_number, day_numbered};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

// A click shows more than an order, an order more than a form: what shows less does not take the
// place of what shows more. The first act says since when a confirmation is waited for.
const PUT: &str = "insert into visits
    (site_id, contact_id, day, visitor, act, subject_id, at, next_at, joined)
    values ($1, $2, $3, $4, $5, $6, $7, $8, false)
    on conflict (site_id, day, visitor, contact_id) do update
    set act = excluded.act, subject_id = excluded.subject_id, next_at = excluded.next_at
    where visits.joined = false and (visits.act = 'form' or visits.act = excluded.act
        or excluded.act = 'click')";
const DUE: &str = "select site_id, contact_id, day, visitor, act, subject_id, at from visits
    where joined = false and next_at <= $1 order by next_at limit $2";
const JOIN: &str = "update visits set joined = true where site_id = $1 and contact_id = $2
    and day = $3 and visitor = $4";
const WAIT: &str = "update visits set next_at = $5 where site_id = $1 and contact_id = $2
    and day = $3 and visitor = $4";
const DELETE: &str = "delete from visits where site_id = $1 and contact_id = $2
    and day = $3 and visitor = $4";
const FORGET: &str = "delete from visits where site_id = $1 and contact_id = $2";
const CONTACTS: &str = "select distinct contact_id from visits
    where site_id = $1 and contact_id > $2 order by contact_id limit $3";
const FORGET_BEFORE: &str = "delete from visits where day < $1";
const OF_DAY: &str = "select visitor, contact_id from visits
    where site_id = $1 and day = $2 and joined = true";
// What two contacts share is neither's.
const OF_CONTACT: &str = "select v.day, v.visitor from visits v
    where v.site_id = $1 and v.contact_id = $2 and v.joined = true
        and not exists (select 1 from visits o where o.site_id = v.site_id and o.day = v.day
            and o.visitor = v.visitor and o.contact_id <> v.contact_id and o.joined = true)
    order by v.day + 0 desc limit $3";
const PAGES_OF: &str = "select v.at, p.path from page_views v
    join view_pages p on p.site_id = v.site_id and p.id = v.page
    where v.id >= $1 and v.id <= $2 and v.site_id = $3 and v.day = $4 and v.visitor = $5
    order by v.id desc limit $6";
const STRETCH: &str = "select first_id, last_id from view_days
    where site_id = $1 and day = $2 and last_id > 0";

/// A visit that a contact may have been on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The site.
    pub site_id: SiteId,
    /// Whose act it was.
    pub contact_id: ContactId,
    /// The number of the day.
    pub day: i64,
    /// The visitor of that day.
    pub visitor: i64,
    /// What they did: `form`, `order` or `click`.
    pub act: String,
    /// The raw id of the order or the click.
    pub subject_id: Option<i64>,
    /// When the first of their acts was.
    pub at: UtcMs,
}

impl FromRow for Visit {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            site_id: row.take()?,
            contact_id: row.take()?,
            day: row.take()?,
            visitor: row.take()?,
            act: row.take()?,
            subject_id: row.take()?,
            at: row.take()?,
        })
    }
}

/// Notes an act; whether it joins the visit to the contact is looked at from `next_at` on.
pub async fn put(tx: &mut Tx<'_>, visit: &Visit, next_at: UtcMs) -> Result<()> {
    let query = tx.query(PUT).bind(visit.site_id).bind(visit.contact_id).bind(visit.day);
    let query = query.bind(visit.visitor).bind(&visit.act).bind(visit.subject_id);
    query.bind(visit.at).bind(next_at).run().await.map(drop)
}

/// The visits to look at.
pub async fn due(session: &mut Session<'_>, now: UtcMs, limit: i64) -> Result<Vec<Visit>> {
    session.query(DUE).bind(now).bind(limit).all().await
}

/// What becomes of a visit that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was the contact's.
    Joined,
    /// Not known yet: looked at again then.
    Wait(UtcMs),
    /// It was not, or the contact does not want it known.
    Dropped,
}

/// Writes it down.
pub async fn settle(tx: &mut Tx<'_>, visit: &Visit, verdict: Verdict) -> Result<()> {
    let sql = match verdict {
        Verdict::Joined => JOIN,
        Verdict::Wait(_) => WAIT,
        Verdict::Dropped => DELETE,
    };
    let query = tx.query(sql).bind(visit.site_id).bind(visit.contact_id);
    let query = query.bind(visit.day).bind(visit.visitor);
    let query = if let Verdict::Wait(until) = verdict { query.bind(until) } else { query };
    query.run().await.map(drop)
}

/// Forgets a contact's visits: the views stay, as nobody's.
pub async fn forget(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(FORGET).bind(site).bind(contact).run().await.map(drop)
}

/// Contacts after `after` that have visits, by id.
pub async fn contacts(
    session: &mut Session<'_>,
    site: SiteId,
    after: ContactId,
    limit: i64,
) -> Result<Vec<ContactId>> {
    session.query(CONTACTS).bind(site).bind(after).bind(limit).all().await
}

/// Forgets the visits of all sites before a day (ISO): their views are deleted with them.
pub async fn forget_before(tx: &mut Tx<'_>, day: &str) -> Result<u64> {
    tx.query(FORGET_BEFORE).bind(day.parse().map_or(i64::MIN, day_number)).run().await
}

/// Gives the visitors of a day (ISO) and the contacts they were to `take`.
pub async fn each_of_day(
    session: &mut Session<'_>,
    site: SiteId,
    day: &str,
    mut take: impl FnMut(i64, ContactId) + Send,
) -> Result<u64> {
    let query = session.query(OF_DAY).bind(site).bind(day.parse().map_or(0, day_number));
    query.each_ints(|[visitor, contact]: [i64; 2]| take(visitor, ContactId(contact))).await
}

/// The pages a contact viewed on the visits that are its own, newest first: at most so many visits,
/// and so many pages of each.
pub async fn pages_of(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    (visits, pages): (i64, i64),
) -> Result<Vec<(UtcMs, String)>> {
    let query = session.query(OF_CONTACT).bind(site).bind(contact).bind(visits);
    let mut all = Vec::new();
    for (day, visitor) in query.all::<(i64, i64)>().await? {
        let name = day_numbered(day).to_string();
        let stretch = session.query(STRETCH).bind(site).bind(name).maybe::<(i64, i64)>().await?;
        let Some((first, last)) = stretch else { continue };
        let query = session.query(PAGES_OF).bind(first).bind(last).bind(site).bind(day);
        all.extend(query.bind(visitor).bind(pages).all::<(UtcMs, String)>().await?);
    }
    Ok(all)
}
