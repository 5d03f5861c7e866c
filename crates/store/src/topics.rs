//! Topics: what one may subscribe to, and who does.

use model::ids::{ContactId, TopicId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const PUT: &str = "insert into topics (site_id, id, slug, name, description, created_at)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (site_id, slug) do update
    set name = excluded.name, description = excluded.description
    returning id";
const LIST: &str = "select id, slug, name, description from topics
    where site_id = $1 order by name";
const FIND_BY_SLUG: &str = "select id, slug, name, description from topics
    where site_id = $1 and slug = $2";
const DELETE: &str = "delete from topics where site_id = $1 and id = $2";
const JOIN: &str = "insert into contact_topics (site_id, contact_id, topic_id, since)
    values ($1, $2, $3, $4) on conflict (site_id, contact_id, topic_id) do nothing";
const LEAVE: &str = "delete from contact_topics
    where site_id = $1 and contact_id = $2 and topic_id = $3";
const LEAVE_ALL: &str = "delete from contact_topics where site_id = $1 and contact_id = $2";
const EMPTY: &str = "delete from contact_topics where site_id = $1 and topic_id = $2";
const OF_CONTACT: &str = "select t.id, t.slug, t.name, t.description
    from contact_topics c join topics t on t.site_id = c.site_id and t.id = c.topic_id
    where c.site_id = $1 and c.contact_id = $2 order by t.name";
const COUNTS: &str = "select topic_id, count(*) from contact_topics where site_id = $1
    group by topic_id";

/// What one may subscribe to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its id.
    pub id: TopicId,
    /// Its name in files.
    pub slug: String,
    /// Its name as people read it.
    pub name: String,
    /// What they get.
    pub description: String,
}

impl FromRow for Topic {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { id: row.take()?, slug: row.take()?, name: row.take()?, description: row.take()? })
    }
}

/// Writes a topic, new or changed; its id.
pub async fn put(tx: &mut Tx<'_>, site: SiteId, topic: &Topic, now: UtcMs) -> Result<TopicId> {
    tx.query(PUT)
        .bind(site)
        .bind(topic.id)
        .bind(&topic.slug)
        .bind(&topic.name)
        .bind(&topic.description)
        .bind(now)
        .one()
        .await
}

/// The site's topics by name.
pub async fn list(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Topic>> {
    session.query(LIST).bind(site).all().await
}

/// The topic with this slug.
pub async fn find_by_slug(
    session: &mut Session<'_>,
    site: SiteId,
    slug: &str,
) -> Result<Option<Topic>> {
    session.query(FIND_BY_SLUG).bind(site).bind(slug).maybe().await
}

/// Removes a topic and its subscriptions.
pub async fn delete(tx: &mut Tx<'_>, site: SiteId, id: TopicId) -> Result<()> {
    tx.query(EMPTY).bind(site).bind(id).run().await?;
    tx.query(DELETE).bind(site).bind(id).run().await.map(drop)
}

/// Subscribes a contact; `false` where it is subscribed.
pub async fn join(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    topic: TopicId,
    now: UtcMs,
) -> Result<bool> {
    Ok(tx.query(JOIN).bind(site).bind(contact).bind(topic).bind(now).run().await? == 1)
}

/// Ends a subscription; `false` where there is none.
pub async fn leave(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    topic: TopicId,
) -> Result<bool> {
    Ok(tx.query(LEAVE).bind(site).bind(contact).bind(topic).run().await? == 1)
}

/// Ends all subscriptions of a contact.
pub async fn leave_all(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(LEAVE_ALL).bind(site).bind(contact).run().await.map(drop)
}

/// What a contact subscribes to.
pub async fn of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<Topic>> {
    session.query(OF_CONTACT).bind(site).bind(contact).all().await
}

/// How many contacts each topic has.
pub async fn counts(session: &mut Session<'_>, site: SiteId) -> Result<Vec<(TopicId, i64)>> {
    session.query(COUNTS).bind(site).all().await
}
