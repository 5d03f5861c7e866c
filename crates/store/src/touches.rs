//! Touches: how contacts came, and came back.

use model::channels::Channel;
use model::ids::{ContactId, TouchId};
use model::sources::{StoredTouch, Touch, Utm};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx, journeys};

const INSERT: &str = "insert into touches (site_id, contact_id, id, at, is_first, channel,
    source, medium, campaign, term, content, click_id, referrer, landing, code)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
const OF_CONTACT: &str = "select contact_id, id, at, is_first, channel, source, medium, campaign,
    term, content, click_id, referrer, landing, code
    from touches where site_id = $1 and contact_id = $2 order by id limit $3";
const FIRST_BY_SOURCE: &str = "select t.channel, coalesce(t.source, t.referrer), t.medium,
    t.campaign, count(*),
    cast(sum(case when c.confirmed_at is null then 0 else 1 end) as bigint)
    from touches t join contacts c on c.site_id = t.site_id and c.id = t.contact_id
    where t.site_id = $1 and t.is_first = true and t.at >= $2 and t.at < $3
        and c.is_test = false
    group by t.channel, coalesce(t.source, t.referrer), t.medium, t.campaign
    order by count(*) desc, t.channel, coalesce(t.source, t.referrer), t.medium, t.campaign
    limit $4";
const LATEST: &str = "select contact_id, id, at, is_first, channel, source, medium, campaign,
    term, content, click_id, referrer, landing, code
    from touches where site_id = $1 and at <= $2 order by at desc limit $3";
const AFTER: &str = "select contact_id, id, at, is_first, channel, source, medium, campaign,
    term, content, click_id, referrer, landing, code
    from touches where site_id = $1 and (contact_id, id) > ($2, $3)
    order by contact_id, id limit $4";
const SET_CHANNEL: &str = "update touches set channel = $4
    where site_id = $1 and contact_id = $2 and id = $3";
const DELETE_OF_CONTACT: &str = "delete from touches where site_id = $1 and contact_id = $2";

impl FromRow for StoredTouch {
    fn from_row(row: &mut Row) -> Result<Self> {
        let (contact_id, id, at) = (row.take()?, row.take()?, row.take()?);
        Ok(Self {
            contact_id,
            id,
            is_first: row.take()?,
            channel: row.word()?,
            touch: Touch {
                at,
                utm: Utm {
                    source: row.take()?,
                    medium: row.take()?,
                    campaign: row.take()?,
                    term: row.take()?,
                    content: row.take()?,
                    click_id: row.take()?,
                },
                referrer: row.take()?,
                landing: row.take()?,
                code: row.take()?,
            },
        })
    }
}

/// Stores a touch; the contact's journeys are to be made anew.
pub async fn insert(tx: &mut Tx<'_>, site: SiteId, stored: &StoredTouch) -> Result<()> {
    let Touch { at, utm, referrer, landing, code } = &stored.touch;
    tx.query(INSERT)
        .bind(site)
        .bind(stored.contact_id)
        .bind(stored.id)
        .bind(*at)
        .bind(stored.is_first)
        .bind(stored.channel.as_str())
        .bind(utm.source.as_deref())
        .bind(utm.medium.as_deref())
        .bind(utm.campaign.as_deref())
        .bind(utm.term.as_deref())
        .bind(utm.content.as_deref())
        .bind(utm.click_id.as_deref())
        .bind(referrer.as_deref())
        .bind(landing)
        .bind(code.as_deref())
        .run()
        .await?;
    journeys::mark(tx, site, stored.contact_id).await
}

/// A contact's touches, oldest first.
pub async fn of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    limit: i64,
) -> Result<Vec<StoredTouch>> {
    session.query(OF_CONTACT).bind(site).bind(contact).bind(limit).all().await
}

/// A site's latest touches, newest first.
pub async fn latest(
    session: &mut Session<'_>,
    site: SiteId,
    limit: i64,
) -> Result<Vec<StoredTouch>> {
    session.query(LATEST).bind(site).bind(UtcMs(i64::MAX)).bind(limit).all().await
}

/// The touches of a site after one of them, by contact.
pub async fn after(
    session: &mut Session<'_>,
    site: SiteId,
    after: (ContactId, TouchId),
    limit: i64,
) -> Result<Vec<StoredTouch>> {
    session.query(AFTER).bind(site).bind(after.0).bind(after.1).bind(limit).all().await
}

/// Gives a touch another channel.
pub async fn set_channel(
    tx: &mut Tx<'_>,
    site: SiteId,
    stored: &StoredTouch,
    channel: Channel,
) -> Result<()> {
    let q = tx.query(SET_CHANNEL).bind(site).bind(stored.contact_id).bind(stored.id);
    q.bind(channel.as_str()).run().await.map(drop)
}

/// How many contacts came by a source, and how many of them confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCount {
    /// The channel.
    pub channel: String,
    /// `utm_source`, or the host that referred.
    pub source: Option<String>,
    /// `utm_medium`.
    pub medium: Option<String>,
    /// `utm_campaign`.
    pub campaign: Option<String>,
    /// Contacts whose first touch it was.
    pub contacts: i64,
    /// Those of them who confirmed.
    pub confirmed: i64,
}

impl FromRow for SourceCount {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            channel: row.take()?,
            source: row.take()?,
            medium: row.take()?,
            campaign: row.take()?,
            contacts: row.take()?,
            confirmed: row.take()?,
        })
    }
}

/// First touches of a span of time by source, the most first.
pub async fn first_by_source(
    session: &mut Session<'_>,
    site: SiteId,
    from: UtcMs,
    until: UtcMs,
    limit: i64,
) -> Result<Vec<SourceCount>> {
    session.query(FIRST_BY_SOURCE).bind(site).bind(from).bind(until).bind(limit).all().await
}

/// Removes a contact's touches, and so its journeys.
pub async fn delete_of_contact(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(DELETE_OF_CONTACT).bind(site).bind(contact).run().await?;
    journeys::mark(tx, site, contact).await
}
