//! Contacts: found or made, changed, tagged.

use std::collections::BTreeMap;

use model::contacts::{Contact, FIELD_MAX, NAME_MAX, Status, SuppressionReason, clean};
use model::ids::ContactId;
use model::sites::Site;
use model::tokens::{Purpose, address_hmac};
use model::{EmailAddr, SiteId, UtcMs};
use serde_json::json;
use store::events::NewEvent;
use store::{Session, Tx};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// The contact with this address; a new, pending one where there is none. No mail by itself.
pub async fn find_or_create(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    addr: &EmailAddr,
    now: UtcMs,
) -> Result<Contact> {
    let contact = fresh(engine, addr, now);
    Ok(ensure(engine, tx, site, contact).await?.0)
}

/// A contact as it begins: pending, nothing known but the address.
pub(crate) fn fresh(engine: &Engine, addr: &EmailAddr, now: UtcMs) -> Contact {
    Contact {
        id: ContactId(engine.next_id()),
        email: addr.as_str().to_owned(),
        email_key: addr.key(),
        address_hmac: hmac_of(engine, addr),
        status: Status::Pending,
        first_name: String::new(),
        last_name: String::new(),
        external_id: None,
        language: None,
        timezone: None,
        fields: BTreeMap::new(),
        is_test: false,
        no_sales: false,
        less_often: false,
        paused_until: None,
        created_at: now,
        updated_at: now,
        confirmed_at: None,
        unsubscribed_at: None,
        erased_at: None,
    }
}

/// Stores `fresh` unless its address is known; the contact, and whether it is new.
pub(crate) async fn ensure(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    fresh: Contact,
) -> Result<(Contact, bool)> {
    if store::contacts::insert(tx, site.id, &fresh).await? {
        let event = NewEvent {
            kind: "contact.created",
            contact_id: Some(fresh.id),
            subject_id: Some(fresh.id.0),
            data: &json!({}),
        };
        engine.record(tx, site.id, event).await?;
        return Ok((fresh, true));
    }
    let known = store::contacts::find_by_key_to_change(tx, site.id, &fresh.email_key).await?;
    known.map(|contact| (contact, false)).ok_or_else(|| {
        EngineError::Fault("a contact was neither made nor found; please try again".to_owned())
    })
}

/// The address as a keyed hash.
pub fn hmac_of(engine: &Engine, addr: &EmailAddr) -> String {
    address_hmac(&engine.keys().derive(Purpose::Address), addr)
}

/// What limits count an address by: plus tags and Gmail's dots folded away.
pub(crate) fn rate_hmac(engine: &Engine, addr: &EmailAddr) -> String {
    engine.keys().tag(Purpose::Address, &[b"rate", addr.rate_key().as_bytes()])
}

/// The contact with this id.
///
/// # Errors
/// There is none, or it was erased.
pub(crate) async fn get(session: &mut Session<'_>, site: SiteId, id: ContactId) -> Result<Contact> {
    store::contacts::find(session, site, id)
        .await?
        .filter(|contact| !contact.is_erased())
        .ok_or_else(|| EngineError::missing("contact", id))
}

/// The contact with this id, to be changed: nobody else changes it until the transaction ends.
///
/// # Errors
/// There is none, or it was erased.
pub(crate) async fn get_to_change(tx: &mut Tx<'_>, site: SiteId, id: ContactId) -> Result<Contact> {
    store::contacts::find_to_change(tx, site, id)
        .await?
        .filter(|contact| !contact.is_erased())
        .ok_or_else(|| EngineError::missing("contact", id))
}

/// Fills in what `columns` and `fields` give; what is blank changes nothing. Whether anything did.
pub(crate) fn fill(
    contact: &mut Contact,
    columns: &BTreeMap<String, String>,
    fields: &BTreeMap<String, String>,
) -> bool {
    let before = contact.clone();
    for (name, value) in columns.iter().filter(|(_, value)| !value.trim().is_empty()) {
        let value = clean(value, NAME_MAX);
        match name.as_str() {
            "first_name" => contact.first_name = value,
            "last_name" => contact.last_name = value,
            "language" => contact.language = Some(value),
            "timezone" if jiff::tz::TimeZone::get(&value).is_ok() => {
                contact.timezone = Some(value);
            }
            _ => {}
        }
    }
    for (name, value) in fields.iter().filter(|(_, value)| !value.trim().is_empty()) {
        contact.fields.insert(name.clone(), value.chars().take(FIELD_MAX).collect());
    }
    *contact != before
}

/// What an operator or a program may change of a contact. Absent: stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// BCP 47 tag; empty: none.
    pub language: Option<String>,
    /// IANA name; empty: the site's.
    pub timezone: Option<String>,
    /// Further fields; an empty value removes the field.
    pub fields: BTreeMap<String, String>,
    /// Whether it is left out of figures and may be fast-forwarded.
    pub is_test: Option<bool>,
}

/// Writes a change into a contact.
pub(crate) fn apply(contact: &mut Contact, change: Change) {
    let or_none = |text: String| (!text.is_empty()).then(|| clean(&text, NAME_MAX));
    if let Some(name) = change.first_name {
        contact.first_name = clean(&name, NAME_MAX);
    }
    if let Some(name) = change.last_name {
        contact.last_name = clean(&name, NAME_MAX);
    }
    if let Some(language) = change.language {
        contact.language = or_none(language);
    }
    if let Some(zone) = change.timezone {
        contact.timezone = or_none(zone);
    }
    for (name, value) in change.fields {
        if value.is_empty() {
            contact.fields.remove(&name);
        } else {
            contact.fields.insert(name, value.chars().take(FIELD_MAX).collect());
        }
    }
    if let Some(is_test) = change.is_test {
        contact.is_test = is_test;
    }
}

/// Stops all mail to a contact: its address does not take mail, or it complained. A complaint
/// takes back every consent as well; only the person's own click lifts it.
///
/// # Errors
/// There is no such contact.
pub async fn suppress(
    engine: &Engine,
    site: &Site,
    id: ContactId,
    reason: SuppressionReason,
    note: &str,
) -> Result<()> {
    let (of, site, note) = (engine.clone(), site.clone(), note.to_owned());
    engine
        .write(move |tx| {
            Box::pin(async move { suppress_in(&of, tx, &site, id, reason, &note).await })
        })
        .await
}

/// The same within a transaction.
pub(crate) async fn suppress_in(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    id: ContactId,
    reason: SuppressionReason,
    note: &str,
) -> Result<()> {
    if reason == SuppressionReason::Complaint {
        let source = model::consents::Source::Complaint;
        crate::consents::withdraw_all(engine, tx, site, id, source, None).await?;
    }
    let now = engine.now();
    let mut contact = get_to_change(tx, site.id, id).await?;
    store::suppressions::put(tx, site.id, &contact.address_hmac, reason, note, now).await?;
    contact.status = Status::Suppressed;
    contact.updated_at = now;
    store::contacts::update_standing(tx, site.id, &contact).await?;
    let data = json!({ "suppressed": reason });
    let event = NewEvent {
        kind: "contact.updated",
        contact_id: Some(id),
        subject_id: Some(id.0),
        data: &data,
    };
    engine.record(tx, site.id, event).await
}
