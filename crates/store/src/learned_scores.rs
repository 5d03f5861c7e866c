//! What a site learned of who buys, and the chance that gives each contact.

use model::ids::ContactId;
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const ASK: &str = "insert into learned_scores (site_id, allowed, asked_at, learned_at, why, told,
    kept, scored_to) values ($1, '', $2, null, null, '{}', null, 0)
    on conflict (site_id) do update set asked_at = excluded.asked_at";
const ALLOW: &str = "insert into learned_scores (site_id, allowed, asked_at, learned_at, why, told,
    kept, scored_to) values ($1, $2, null, null, null, '{}', null, 0)
    on conflict (site_id) do update set allowed = excluded.allowed";
const PUT: &str = "update learned_scores set learned_at = $2, why = $3, told = $4, kept = $5,
    scored_to = 0 where site_id = $1";
const FIND: &str = "select allowed, asked_at, learned_at, why, told, kept, scored_to
    from learned_scores where site_id = $1";
const SCORED_TO: &str = "update learned_scores set scored_to = $2
    where site_id = $1 and scored_to < $2";
const CAME_BEFORE: &str = "select id from contacts where site_id = $1 and id < $2
    order by id desc limit $3";
const CAME_BETWEEN: &str = "select id from contacts
    where site_id = $1 and id > $2 and id < $3 order by id limit $4";
const FIRST_PAID: &str = "select min(paid_at) from orders
    where site_id = $1 and contact_id = $2 and paid_at is not null";
const PUT_CHANCE: &str = "insert into contact_chances (site_id, contact_id, chance)
    values ($1, $2, $3) on conflict (site_id, contact_id)
    do update set chance = excluded.chance";
const FORGET_BEFORE: &str = "delete from contact_chances where site_id = $1 and contact_id < $2";
const FORGET_ALL: &str = "delete from contact_chances where site_id = $1";
const FORGET: &str = "delete from contact_chances where site_id = $1 and contact_id = $2";
const LIKELIEST: &str = "select k.contact_id, k.chance from contact_chances k
    cross join contacts c where c.site_id = k.site_id and c.id = k.contact_id
    and k.site_id = $1 and c.erased_at is null and c.is_test = false
    and not exists (select 1 from orders o where o.site_id = k.site_id
        and o.contact_id = k.contact_id and o.paid_at is not null)
    order by k.chance desc, k.contact_id desc limit $2";

/// What a site learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned {
    /// Protected fields that may be learned from, by name, between commas.
    pub allowed: String,
    /// When it was last asked for.
    pub asked_at: Option<UtcMs>,
    /// When it was last learned, or refused.
    pub learned_at: Option<UtcMs>,
    /// Why it was refused.
    pub why: Option<String>,
    /// JSON: how it was judged.
    pub told: String,
    /// JSON: the model.
    pub kept: Option<String>,
    /// The last contact that was given a chance by it.
    pub scored_to: ContactId,
}

impl FromRow for Learned {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            allowed: row.take()?,
            asked_at: row.take()?,
            learned_at: row.take()?,
            why: row.take()?,
            told: row.take()?,
            kept: row.take()?,
            scored_to: row.take()?,
        })
    }
}

/// Notes that a lesson was asked for.
pub async fn ask(tx: &mut Tx<'_>, site: SiteId, now: UtcMs) -> Result<()> {
    tx.query(ASK).bind(site).bind(now).run().await.map(drop)
}

/// Sets which protected fields may be learned from.
pub async fn allow(tx: &mut Tx<'_>, site: SiteId, fields: &str) -> Result<()> {
    tx.query(ALLOW).bind(site).bind(fields).run().await.map(drop)
}

/// Keeps what came of a lesson, `(why not, told, model)`; chances of the one before are gone.
pub async fn put(
    tx: &mut Tx<'_>,
    site: SiteId,
    (why, told, kept): (Option<&str>, &str, Option<&str>),
    now: UtcMs,
) -> Result<()> {
    tx.query(FORGET_ALL).bind(site).run().await?;
    let query = tx.query(PUT).bind(site).bind(now).bind(why).bind(told).bind(kept);
    query.run().await.map(drop)
}

/// What a site learned; nothing where it was never asked to.
pub async fn find(session: &mut Session<'_>, site: SiteId) -> Result<Option<Learned>> {
    session.query(FIND).bind(site).maybe().await
}

/// Notes up to which contact chances were given.
pub async fn scored_to(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(SCORED_TO).bind(site).bind(contact).run().await.map(drop)
}

/// Contacts from before an id, newest first.
pub async fn came_before(
    session: &mut Session<'_>,
    site: SiteId,
    before: ContactId,
    limit: i64,
) -> Result<Vec<ContactId>> {
    session.query(CAME_BEFORE).bind(site).bind(before).bind(limit).all().await
}

/// Contacts after one id and before another, oldest first.
pub async fn came_between(
    session: &mut Session<'_>,
    site: SiteId,
    (after, before): (ContactId, ContactId),
    limit: i64,
) -> Result<Vec<ContactId>> {
    session.query(CAME_BETWEEN).bind(site).bind(after).bind(before).bind(limit).all().await
}

/// When the first order of a contact was paid.
pub async fn first_paid(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Option<UtcMs>> {
    session.query(FIRST_PAID).bind(site).bind(contact).one().await
}

/// Keeps the chance of a contact.
pub async fn put_chance(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    chance: f64,
) -> Result<()> {
    tx.query(PUT_CHANCE).bind(site).bind(contact).bind(chance).run().await.map(drop)
}

/// Removes the chances of contacts from before an id.
pub async fn forget_before(tx: &mut Tx<'_>, site: SiteId, before: ContactId) -> Result<()> {
    tx.query(FORGET_BEFORE).bind(site).bind(before).run().await.map(drop)
}

/// Removes the chance of a contact.
pub async fn forget(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(FORGET).bind(site).bind(contact).run().await.map(drop)
}

/// The contacts with the best chances who have not bought, with these.
pub async fn likeliest(
    session: &mut Session<'_>,
    site: SiteId,
    limit: i64,
) -> Result<Vec<(ContactId, f64)>> {
    session.query(LIKELIEST).bind(site).bind(limit).all().await
}
