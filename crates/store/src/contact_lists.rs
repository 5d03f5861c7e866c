//! Lists of contacts, narrowed: by the beginning of an address, a status, a tag. Each is a walk
//! along one index from where the page before ended, so that a page costs the same at a million.

use model::SiteId;
use model::contacts::{Contact, Status};
use model::ids::ContactId;

use crate::{Result, Session};

const BY_PREFIX: &str = "select id, email, email_key, address_hmac, status, first_name,
    last_name, external_id, language, timezone, fields, is_test, no_sales, less_often,
    paused_until, created_at, updated_at, confirmed_at, unsubscribed_at, erased_at
    from contacts where site_id = $1 and email_key >= $2 and email_key < $3 and email_key > $4
    and (cast($5 as text) = '' or status = $5)
    and (cast($6 as text) = '' or exists (select 1 from contact_tags t
        where t.site_id = contacts.site_id and t.contact_id = contacts.id and t.tag = $6))
    and erased_at is null order by email_key limit $7";
const BY_TAG: &str = "select c.id, c.email, c.email_key, c.address_hmac, c.status, c.first_name,
    c.last_name, c.external_id, c.language, c.timezone, c.fields, c.is_test, c.no_sales,
    c.less_often, c.paused_until, c.created_at, c.updated_at, c.confirmed_at,
    c.unsubscribed_at, c.erased_at
    from contact_tags t join contacts c on c.site_id = t.site_id and c.id = t.contact_id
    where t.site_id = $1 and t.tag = $2 and t.contact_id < $3
    and (cast($4 as text) = '' or c.status = $4) and c.erased_at is null
    order by t.contact_id desc limit $5";

/// What a list is narrowed to; empty means anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrowed {
    /// The beginning of an address.
    pub prefix: String,
    /// The status.
    pub status: Option<Status>,
    /// A tag.
    pub tag: String,
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
    if !narrowed.prefix.is_empty() {
        let prefix = narrowed.prefix.to_lowercase();
        let end = format!("{prefix}\u{10ffff}");
        let query = session.query(BY_PREFIX).bind(site).bind(&prefix).bind(&end);
        let query = query.bind(&after.key).bind(status).bind(&narrowed.tag);
        return query.bind(limit).all().await;
    }
    if !narrowed.tag.is_empty() {
        let query = session.query(BY_TAG).bind(site).bind(&narrowed.tag).bind(before);
        return query.bind(status).bind(limit).all().await;
    }
    crate::contacts::list(session, site, narrowed.status, before, limit).await
}
