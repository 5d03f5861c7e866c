//! Lists of contacts, narrowed: by the beginning of an address, a status, a tag, a product they
//! bought or did not, a segment. Each is a walk along one index from where the page before ended, so that a
//! page costs the same at a million. And the same people by id alone, where many of them are put
//! into a sequence.

use model::contacts::{Contact, Status};
use model::ids::{ContactId, ProductId, SegmentId};
use model::sequence_runs::Audience;
use model::{SiteId, UtcMs};

use crate::{Result, Session};

const BY_PREFIX: &str = "select id, email, email_key, address_hmac, status, first_name,
    last_name, external_id, language, timezone, fields, is_test, no_sales, less_often,
    paused_until, created_at, updated_at, confirmed_at, unsubscribed_at, erased_at
    from contacts where site_id = $1 and email_key >= $2 and email_key < $3 and email_key > $4
    and (cast($5 as text) = '' or status = $5)
    and (cast($6 as text) = '' or exists (select 1 from contact_tags t
        where t.site_id = contacts.site_id and t.contact_id = contacts.id and t.tag = $6))
    and (cast($8 as bigint) = 0 or exists (select 1 from entitlements e
        where e.site_id = contacts.site_id and e.contact_id = contacts.id and e.product_id = $8
        and e.revoked_at is null))
    and (cast($9 as bigint) = 0 or not exists (select 1 from entitlements e
        where e.site_id = contacts.site_id and e.contact_id = contacts.id and e.product_id = $9
        and e.revoked_at is null))
    and (cast($10 as bigint) = 0 or exists (select 1 from segment_members m
        where m.site_id = contacts.site_id and m.segment_id = $10 and m.contact_id = contacts.id))
    and erased_at is null order by email_key limit $7";
const BY_SEGMENT: &str = "select c.id, c.email, c.email_key, c.address_hmac, c.status,
    c.first_name, c.last_name, c.external_id, c.language, c.timezone, c.fields, c.is_test,
    c.no_sales, c.less_often, c.paused_until, c.created_at, c.updated_at, c.confirmed_at,
    c.unsubscribed_at, c.erased_at
    from segment_members m join contacts c on c.site_id = m.site_id and c.id = m.contact_id
    where m.site_id = $1 and m.segment_id = $2 and m.contact_id < $3
    and (cast($4 as text) = '' or c.status = $4)
    and (cast($5 as text) = '' or exists (select 1 from contact_tags t
        where t.site_id = c.site_id and t.contact_id = c.id and t.tag = $5))
    and (cast($7 as bigint) = 0 or exists (select 1 from entitlements e
        where e.site_id = c.site_id and e.contact_id = c.id and e.product_id = $7
        and e.revoked_at is null))
    and (cast($8 as bigint) = 0 or not exists (select 1 from entitlements e
        where e.site_id = c.site_id and e.contact_id = c.id and e.product_id = $8
        and e.revoked_at is null))
    and c.erased_at is null order by m.contact_id desc limit $6";
const BY_TAG: &str = "select c.id, c.email, c.email_key, c.address_hmac, c.status, c.first_name,
    c.last_name, c.external_id, c.language, c.timezone, c.fields, c.is_test, c.no_sales,
    c.less_often, c.paused_until, c.created_at, c.updated_at, c.confirmed_at,
    c.unsubscribed_at, c.erased_at
    from contact_tags t join contacts c on c.site_id = t.site_id and c.id = t.contact_id
    where t.site_id = $1 and t.tag = $2 and t.contact_id < $3
    and (cast($4 as text) = '' or c.status = $4) and c.erased_at is null
    order by t.contact_id desc limit $5";

const BY_PRODUCT: &str = "select c.id, c.email, c.email_key, c.address_hmac, c.status,
    c.first_name, c.last_name, c.external_id, c.language, c.timezone, c.fields, c.is_test,
    c.no_sales, c.less_often, c.paused_until, c.created_at, c.updated_at, c.confirmed_at,
    c.unsubscribed_at, c.erased_at
    from contacts c where c.site_id = $1 and c.id < $3
    and c.id in (select e.contact_id from entitlements e
        where e.site_id = $1 and e.product_id = $2 and e.revoked_at is null)
    and (cast($7 as bigint) = 0 or not exists (select 1 from entitlements n
        where n.site_id = c.site_id and n.contact_id = c.id and n.product_id = $7
        and n.revoked_at is null))
    and (cast($4 as text) = '' or c.status = $4)
    and (cast($5 as text) = '' or exists (select 1 from contact_tags t
        where t.site_id = c.site_id and t.contact_id = c.id and t.tag = $5))
    and c.erased_at is null order by c.id desc limit $6";
const BY_NO_PRODUCT: &str = "select c.id, c.email, c.email_key, c.address_hmac, c.status,
    c.first_name, c.last_name, c.external_id, c.language, c.timezone, c.fields, c.is_test,
    c.no_sales, c.less_often, c.paused_until, c.created_at, c.updated_at, c.confirmed_at,
    c.unsubscribed_at, c.erased_at
    from contacts c where c.site_id = $1 and c.id < $3
    and not exists (select 1 from entitlements e
        where e.site_id = c.site_id and e.contact_id = c.id and e.product_id = $2
        and e.revoked_at is null)
    and (cast($4 as text) = '' or c.status = $4)
    and (cast($5 as text) = '' or exists (select 1 from contact_tags t
        where t.site_id = c.site_id and t.contact_id = c.id and t.tag = $5))
    and c.erased_at is null order by c.id desc limit $6";

// Those who may be written to, oldest first, by id alone; who was erased is confirmed no more.
const COUNT_EVERYONE: &str = "select count(*) from contacts c
    where c.site_id = $1 and c.status = 'confirmed' and c.id < $2";
const COUNT_TAGGED: &str = "select count(*) from contact_tags t
    join contacts c on c.site_id = t.site_id and c.id = t.contact_id
    where t.site_id = $1 and t.tag = $3 and t.contact_id < $2 and c.status = 'confirmed'";
const COUNT_BOUGHT: &str = "select count(*) from contacts c
    where c.site_id = $1 and c.status = 'confirmed' and c.id < $2
    and c.id in (select e.contact_id from entitlements e
        where e.site_id = $1 and e.product_id = $3 and e.revoked_at is null)";
const COUNT_NOT_BOUGHT: &str = "select count(*) from contacts c
    where c.site_id = $1 and c.status = 'confirmed' and c.id < $2
    and not exists (select 1 from entitlements e
        where e.site_id = c.site_id and e.contact_id = c.id and e.product_id = $3
        and e.revoked_at is null)";
const EVERYONE: &str = "select c.id from contacts c
    where c.site_id = $1 and c.status = 'confirmed' and c.id < $2 and c.id > $3
    order by c.id limit $4";
const TAGGED: &str = "select t.contact_id from contact_tags t
    join contacts c on c.site_id = t.site_id and c.id = t.contact_id
    where t.site_id = $1 and t.tag = $5 and t.contact_id < $2 and t.contact_id > $3
    and c.status = 'confirmed' order by t.contact_id limit $4";
const BOUGHT: &str = "select distinct e.contact_id from entitlements e
    join contacts c on c.site_id = e.site_id and c.id = e.contact_id
    where e.site_id = $1 and e.product_id = $5 and e.contact_id < $2 and e.contact_id > $3
    and e.revoked_at is null and c.status = 'confirmed' order by e.contact_id limit $4";
const NOT_BOUGHT: &str = "select c.id from contacts c
    where c.site_id = $1 and c.status = 'confirmed' and c.id < $2 and c.id > $3
    and not exists (select 1 from entitlements e
        where e.site_id = c.site_id and e.contact_id = c.id and e.product_id = $5
        and e.revoked_at is null)
    order by c.id limit $4";

/// What a list is narrowed to; empty means anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrowed {
    /// The beginning of an address.
    pub prefix: String,
    /// The status.
    pub status: Option<Status>,
    /// A tag.
    pub tag: String,
    /// A product they bought, and have not given back.
    pub bought: Option<ProductId>,
    /// A product they have not bought.
    pub not_bought: Option<ProductId>,
    /// By their points.
    pub score: Option<Scored>,
    /// A segment they were in when it was last counted.
    pub segment: Option<SegmentId>,
}

/// What is asked of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scored {
    /// So many points or more, the most first.
    From(i64),
    /// Became hot from one instant until another, and still is; nothing else narrows it.
    BecameHot(UtcMs, UtcMs),
}

/// Where the page before ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct After {
    /// The last contact, in lists by age.
    pub id: Option<ContactId>,
    /// The key of the last address, in lists by address.
    pub key: String,
}

/// One page. A search by address comes in the order of addresses, everything else newest first.
pub async fn page(
    session: &mut Session<'_>,
    site: SiteId,
    narrowed: &Narrowed,
    after: &After,
    limit: i64,
) -> Result<Vec<Contact>> {
    let status = narrowed.status.map_or("", |status| status.as_str());
    let before = after.id.unwrap_or(ContactId(i64::MAX));
    let not_bought = narrowed.not_bought.unwrap_or(ProductId(0));
    match narrowed.score {
        Some(Scored::From(least)) => {
            let least = i32::try_from(least).map_or(f64::MAX, f64::from);
            let asked = (least, narrowed);
            return crate::scores::by_points(session, site, asked, after.id, limit).await;
        }
        Some(Scored::BecameHot(from, until)) => {
            return crate::scores::became_hot(session, site, (from, until), before, limit).await;
        }
        None => {}
    }
    if !narrowed.prefix.is_empty() {
        let prefix = narrowed.prefix.to_lowercase();
        let end = format!("{prefix}\u{10ffff}");
        let query = session.query(BY_PREFIX).bind(site).bind(&prefix).bind(&end);
        let query = query.bind(&after.key).bind(status).bind(&narrowed.tag).bind(limit);
        let bought = narrowed.bought.unwrap_or(ProductId(0));
        let segment = narrowed.segment.unwrap_or(SegmentId(0));
        return query.bind(bought).bind(not_bought).bind(segment).all().await;
    }
    if let Some(segment) = narrowed.segment {
        let query = session.query(BY_SEGMENT).bind(site).bind(segment).bind(before);
        let query = query.bind(status).bind(&narrowed.tag).bind(limit);
        let bought = narrowed.bought.unwrap_or(ProductId(0));
        return query.bind(bought).bind(not_bought).all().await;
    }
    if let Some(product) = narrowed.bought {
        let query = session.query(BY_PRODUCT).bind(site).bind(product).bind(before);
        let query = query.bind(status).bind(&narrowed.tag).bind(limit);
        return query.bind(not_bought).all().await;
    }
    if let Some(product) = narrowed.not_bought {
        let query = session.query(BY_NO_PRODUCT).bind(site).bind(product).bind(before);
        return query.bind(status).bind(&narrowed.tag).bind(limit).all().await;
    }
    if !narrowed.tag.is_empty() {
        let query = session.query(BY_TAG).bind(site).bind(&narrowed.tag).bind(before);
        return query.bind(status).bind(limit).all().await;
    }
    crate::contacts::list(session, site, narrowed.status, before, limit).await
}

/// How many of an audience may be written to, of those whose id is below `before`.
pub async fn count_of(
    session: &mut Session<'_>,
    site: SiteId,
    audience: &Audience,
    before: ContactId,
) -> Result<i64> {
    let sql = match audience {
        Audience::Everyone => COUNT_EVERYONE,
        Audience::Tagged(_) => COUNT_TAGGED,
        Audience::Bought(_) => COUNT_BOUGHT,
        Audience::NotBought(_) => COUNT_NOT_BOUGHT,
    };
    let query = session.query(sql).bind(site).bind(before);
    match audience {
        Audience::Everyone => query.one().await,
        Audience::Tagged(tag) => query.bind(tag).one().await,
        Audience::Bought(product) | Audience::NotBought(product) => {
            query.bind(*product).one().await
        }
    }
}

/// Some of an audience who may be written to, by id, between `after` and `before`.
pub async fn some_of(
    session: &mut Session<'_>,
    site: SiteId,
    audience: &Audience,
    (after, before): (ContactId, ContactId),
    limit: i64,
) -> Result<Vec<ContactId>> {
    let sql = match audience {
        Audience::Everyone => EVERYONE,
        Audience::Tagged(_) => TAGGED,
        Audience::Bought(_) => BOUGHT,
        Audience::NotBought(_) => NOT_BOUGHT,
    };
    let query = session.query(sql).bind(site).bind(before).bind(after).bind(limit);
    match audience {
        Audience::Everyone => query.all().await,
        Audience::Tagged(tag) => query.bind(tag).all().await,
        Audience::Bought(product) | Audience::NotBought(product) => {
            query.bind(*product).all().await
        }
    }
}
