//! Segments: saved rules, who fits them, and the statements that a rule is made of.
//!
//! A statement gives the contacts of whom it is true, of those whose id lies in a window, by id:
//! so a rule goes through a million contacts some thousands at a time, and asks for one alone in
//! the same words. `segment_members` holds who fitted when it was last counted; other pages of
//! figures may join it by `(site_id, segment_id, contact_id)`.

use model::ids::{ContactId, ProductId, SegmentId, TopicId};
use model::{SiteId, UtcMs};

use crate::customer_figures::Range;
use crate::{FromRow, Result, Row, Session, Tx};

const INSERT: &str = "insert into segments (site_id, id, name, rule, members, created_at,
    updated_at) values ($1, $2, $3, $4, 0, $5, $5) on conflict (site_id, name) do nothing";
const UPDATE: &str = "update segments set name = $3, rule = $4, counted_at = null,
    updated_at = $5 where site_id = $1 and id = $2 and not exists (select 1 from segments s
        where s.site_id = $1 and s.name = $3 and s.id <> $2)";
const FIND: &str = "select site_id, id, name, rule, members, counted_at, created_at, updated_at
    from segments where site_id = $1 and id = $2";
const LIST: &str = "select site_id, id, name, rule, members, counted_at, created_at, updated_at
    from segments where site_id = $1 order by name";
const DUE: &str = "select site_id, id, name, rule, members, counted_at, created_at, updated_at
    from segments where site_id = $1 and (counted_at is null or counted_at < $2) order by id";
const COUNTED: &str = "update segments set counted_at = $4,
    members = (select count(*) from segment_members
        where site_id = $1 and segment_id = $2)
    where site_id = $1 and id = $2 and updated_at = $3 and rule = $5";
const FORGET: &str = "update segments set counted_at = null where site_id = $1 and id = $2";
const DELETE: &str = "delete from segments where site_id = $1 and id = $2";
const DELETE_MEMBERS: &str = "delete from segment_members where site_id = $1 and segment_id = $2";
const ENTER: &str = "insert into segment_members (site_id, segment_id, contact_id)
    values ($1, $2, $3) on conflict (site_id, segment_id, contact_id) do nothing";
const LEAVE: &str = "delete from segment_members
    where site_id = $1 and segment_id = $2 and contact_id = $3";
const LEAVE_ALL: &str = "delete from segment_members where site_id = $1 and contact_id = $2";
const MEMBERS: &str = "select contact_id from segment_members where site_id = $1
    and segment_id = $2 and contact_id > $3 and contact_id <= $4 order by contact_id";
const SOME: &str = "select contact_id from segment_members where site_id = $1
    and segment_id = $2 and contact_id < $3 order by contact_id desc limit $4";
const EVERYONE: &str = "select id from contacts where site_id = $1 and id > $2
    and erased_at is null order by id limit $3";
const FIGURED: &str = "select contact_id from customer_figures where site_id = $1
    and contact_id > $2 and contact_id <= $3 and currency = $4
    and last_day >= $5 and last_day <= $6 and orders >= $7 and orders <= $8
    and net_minor >= $9 and net_minor <= $10 and margin_minor >= $11 order by contact_id";
const CUSTOMERS: &str = "select distinct contact_id from customer_figures where site_id = $1
    and contact_id > $2 and contact_id <= $3 order by contact_id";
const BOUGHT: &str = "select distinct contact_id from entitlements where site_id = $1
    and contact_id > $2 and contact_id <= $3 and product_id = $4 and revoked_at is null
    order by contact_id";
const TAGGED: &str = "select contact_id from contact_tags where site_id = $1
    and contact_id > $2 and contact_id <= $3 and tag = $4 order by contact_id";
const READS: &str = "select contact_id from contact_topics where site_id = $1
    and contact_id > $2 and contact_id <= $3 and topic_id = $4 order by contact_id";
const CAME_BY: &str = "select distinct contact_id from touches where site_id = $1
    and contact_id > $2 and contact_id <= $3 and is_first = true and channel = $4
    order by contact_id";
const STANDS: &str = "select id from contacts where site_id = $1
    and id > $2 and id <= $3 and status = $4 order by id";

/// A saved rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its site.
    pub site_id: SiteId,
    /// Its id.
    pub id: SegmentId,
    /// What people call it.
    pub name: String,
    /// The rule: `model::segments::Rule` as JSON.
    pub rule: String,
    /// How many fitted when they were counted.
    pub members: i64,
    /// When that was; nothing where the rule has changed since.
    pub counted_at: Option<UtcMs>,
    /// When it was made.
    pub created_at: UtcMs,
    /// When it was changed.
    pub updated_at: UtcMs,
}

impl FromRow for Segment {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            site_id: row.take()?,
            id: row.take()?,
            name: row.take()?,
            rule: row.take()?,
            members: row.take()?,
            counted_at: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }
}

/// What customers' figures are to be; both ends of a range with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figured {
    /// In this currency.
    pub currency: String,
    /// The day of the last order.
    pub last_day: Range,
    /// Orders.
    pub orders: Range,
    /// Paid in all.
    pub net: Range,
    /// Margin in all, or more.
    pub margin_min: i64,
}

/// What is asked of contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Has ordered.
    Customers,
    /// Has figures like these.
    Figured(Figured),
    /// Has a product.
    Bought(ProductId),
    /// Has a tag.
    Tagged(String),
    /// Reads a topic.
    Reads(TopicId),
    /// Came first by a channel.
    CameBy(String),
    /// Stands so towards the newsletter.
    Stands(String),
}

/// Writes a new one; `false` where the name is taken.
pub async fn insert(tx: &mut Tx<'_>, new: &Segment) -> Result<bool> {
    let query = tx.query(INSERT).bind(new.site_id).bind(new.id).bind(&new.name).bind(&new.rule);
    Ok(query.bind(new.created_at).run().await? > 0)
}

/// Changes one; `false` where there is none, or another has the name.
pub async fn update(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: SegmentId,
    (name, rule): (&str, &str),
    now: UtcMs,
) -> Result<bool> {
    let query = tx.query(UPDATE).bind(site).bind(id).bind(name).bind(rule).bind(now);
    Ok(query.run().await? > 0)
}

/// One of them.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    id: SegmentId,
) -> Result<Option<Segment>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// Those of a site, by name.
pub async fn list(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Segment>> {
    session.query(LIST).bind(site).all().await
}

/// Those that were not counted since `before`, or never.
pub async fn due(session: &mut Session<'_>, site: SiteId, before: UtcMs) -> Result<Vec<Segment>> {
    session.query(DUE).bind(site).bind(before).all().await
}

/// Says that the members are those who fit the rule now; nothing happens where it has changed.
pub async fn counted(tx: &mut Tx<'_>, segment: &Segment, now: UtcMs) -> Result<()> {
    let query = tx.query(COUNTED).bind(segment.site_id).bind(segment.id);
    query.bind(segment.updated_at).bind(now).bind(&segment.rule).run().await.map(drop)
}

/// Has the members counted again.
pub async fn forget_count(tx: &mut Tx<'_>, site: SiteId, id: SegmentId) -> Result<()> {
    tx.query(FORGET).bind(site).bind(id).run().await.map(drop)
}

/// Removes one and its list of members; `false` where there is none.
pub async fn delete(tx: &mut Tx<'_>, site: SiteId, id: SegmentId) -> Result<bool> {
    tx.query(DELETE_MEMBERS).bind(site).bind(id).run().await?;
    Ok(tx.query(DELETE).bind(site).bind(id).run().await? > 0)
}

/// Puts a contact among the members.
pub async fn enter(tx: &mut Tx<'_>, site: SiteId, id: SegmentId, contact: ContactId) -> Result<()> {
    tx.query(ENTER).bind(site).bind(id).bind(contact).run().await.map(drop)
}

/// Takes a contact off the members.
pub async fn leave(tx: &mut Tx<'_>, site: SiteId, id: SegmentId, contact: ContactId) -> Result<()> {
    tx.query(LEAVE).bind(site).bind(id).bind(contact).run().await.map(drop)
}

/// Takes a contact off the members of all.
pub async fn leave_all(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(LEAVE_ALL).bind(site).bind(contact).run().await.map(drop)
}

/// The members whose id lies above `after` and up to `upto`, by id.
pub async fn members(
    session: &mut Session<'_>,
    site: SiteId,
    id: SegmentId,
    (after, upto): (ContactId, ContactId),
) -> Result<Vec<ContactId>> {
    session.query(MEMBERS).bind(site).bind(id).bind(after).bind(upto).all().await
}

/// Some members, newest first, below `before`.
pub async fn some(
    session: &mut Session<'_>,
    site: SiteId,
    id: SegmentId,
    before: ContactId,
    limit: i64,
) -> Result<Vec<ContactId>> {
    session.query(SOME).bind(site).bind(id).bind(before).bind(limit).all().await
}

/// Contacts after `after`, by id; who was erased is none.
pub async fn everyone(
    session: &mut Session<'_>,
    site: SiteId,
    after: ContactId,
    limit: i64,
) -> Result<Vec<ContactId>> {
    session.query(EVERYONE).bind(site).bind(after).bind(limit).all().await
}

/// Of the contacts whose id lies above `after` and up to `upto`, those of whom it is true, by id.
pub async fn fitting(
    session: &mut Session<'_>,
    site: SiteId,
    asked: &Asked,
    (after, upto): (ContactId, ContactId),
) -> Result<Vec<ContactId>> {
    let sql = match asked {
        Asked::Customers => CUSTOMERS,
        Asked::Figured(_) => FIGURED,
        Asked::Bought(_) => BOUGHT,
        Asked::Tagged(_) => TAGGED,
        Asked::Reads(_) => READS,
        Asked::CameBy(_) => CAME_BY,
        Asked::Stands(_) => STANDS,
    };
    let query = session.query(sql).bind(site).bind(after).bind(upto);
    let query = match asked {
        Asked::Customers => query,
        Asked::Figured(of) => query
            .bind(&of.currency)
            .bind(of.last_day.0)
            .bind(of.last_day.1)
            .bind(of.orders.0)
            .bind(of.orders.1)
            .bind(of.net.0)
            .bind(of.net.1)
            .bind(of.margin_min),
        Asked::Bought(product) => query.bind(*product),
        Asked::Reads(topic) => query.bind(*topic),
        Asked::Tagged(word) | Asked::CameBy(word) | Asked::Stands(word) => query.bind(word),
    };
    query.all().await
}
