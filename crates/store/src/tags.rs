//! Tags of contacts.

use model::ids::ContactId;
use model::{SiteId, UtcMs};

use crate::{Result, Session, Tx};

const ADD: &str = "insert into contact_tags (site_id, contact_id, tag, since)
    values ($1, $2, $3, $4) on conflict (site_id, contact_id, tag) do nothing";
const REMOVE: &str = "delete from contact_tags
    where site_id = $1 and contact_id = $2 and tag = $3";
const REMOVE_ALL: &str = "delete from contact_tags where site_id = $1 and contact_id = $2";
const OF_CONTACT: &str = "select tag from contact_tags
    where site_id = $1 and contact_id = $2 order by tag";
// From one tag to the next by the index: to count their contacts would read every one of them.
const NAMES: &str = "with recursive names (tag) as (
        select (select min(tag) from contact_tags where site_id = $1)
        union all
        select (select min(t.tag) from contact_tags t where t.site_id = $1 and t.tag > names.tag)
        from names where names.tag is not null)
    select tag from names where tag is not null limit $2";

/// Adds a tag; `false` where the contact has it.
pub async fn add(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    tag: &str,
    now: UtcMs,
) -> Result<bool> {
    Ok(tx.query(ADD).bind(site).bind(contact).bind(tag).bind(now).run().await? == 1)
}

/// Removes a tag; `false` where the contact does not have it.
pub async fn remove(tx: &mut Tx<'_>, site: SiteId, contact: ContactId, tag: &str) -> Result<bool> {
    Ok(tx.query(REMOVE).bind(site).bind(contact).bind(tag).run().await? == 1)
}

/// Removes all tags of a contact.
pub async fn remove_all(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(REMOVE_ALL).bind(site).bind(contact).run().await.map(drop)
}

/// A contact's tags.
pub async fn of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<String>> {
    session.query(OF_CONTACT).bind(site).bind(contact).all().await
}

/// The tags that contacts of the site have, by name.
pub async fn names(session: &mut Session<'_>, site: SiteId, limit: i64) -> Result<Vec<String>> {
    session.query(NAMES).bind(site).bind(limit).all().await
}
