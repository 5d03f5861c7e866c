//! Tags: put on contacts and taken off.

use model::Refused;
use model::ids::ContactId;
use model::sites::Site;
use serde_json::json;
use store::Tx;
use store::events::NewEvent;

use crate::audits;
use crate::engine::Engine;
use crate::enrolments::{self, Trigger};
use crate::fault::Result;

/// Tags a contact within a transaction; `false` where it has the tag.
pub async fn add(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    tag: &str,
) -> Result<bool> {
    let tag = read(tag)?;
    if !store::tags::add(tx, site.id, contact, &tag, engine.now()).await? {
        return Ok(false);
    }
    record(engine, tx, site, contact, "tag.added", &tag).await?;
    enrolments::trigger(engine, tx, site, contact, &Trigger::TagAdded(tag)).await?;
    Ok(true)
}

/// Takes a tag off a contact within a transaction; `false` where it does not have it.
pub async fn remove(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    tag: &str,
) -> Result<bool> {
    let tag = read(tag)?;
    if !store::tags::remove(tx, site.id, contact, &tag).await? {
        return Ok(false);
    }
    record(engine, tx, site, contact, "tag.removed", &tag).await?;
    Ok(true)
}

/// Tags a contact.
pub async fn put_on(engine: &Engine, site: Site, contact: ContactId, tag: String) -> Result<bool> {
    let of = engine.clone();
    let added = engine
        .write(move |tx| {
            Box::pin(async move {
                crate::contacts::get(tx, site.id, contact).await?;
                let added = add(&of, tx, &site, contact, &tag).await?;
                if added {
                    let data = json!({ "tag": tag });
                    audits::note(&of, tx, site.id, "contact.tagged", contact, &data).await?;
                }
                Ok(added)
            })
        })
        .await?;
    engine.wake();
    Ok(added)
}

/// Takes a tag off a contact.
pub async fn take_off(
    engine: &Engine,
    site: Site,
    contact: ContactId,
    tag: String,
) -> Result<bool> {
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let removed = remove(&of, tx, &site, contact, &tag).await?;
                if removed {
                    let data = json!({ "tag": tag });
                    audits::note(&of, tx, site.id, "contact.untagged", contact, &data).await?;
                }
                Ok(removed)
            })
        })
        .await
}

fn read(tag: &str) -> std::result::Result<String, Refused> {
    model::contacts::tag(tag)
        .ok_or_else(|| Refused::new("tag_missing", "write a tag of 1 to 80 characters").at("tag"))
}

async fn record(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    kind: &str,
    tag: &str,
) -> Result<()> {
    let data = json!({ "tag": tag });
    let event =
        NewEvent { kind, contact_id: Some(contact), subject_id: Some(contact.0), data: &data };
    engine.record(tx, site.id, event).await
}
