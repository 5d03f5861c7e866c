//! What operators do for one contact by hand. Each leaves a line in the audit log, with ids only.

use model::audits::Actor;
use model::consents::Source;
use model::contacts::Contact;
use model::ids::{ContactId, EnrolmentId, SequenceId};
use model::sequence_runs::Outcome;
use model::sites::Site;
use model::{EmailAddr, Refused, SiteId, UtcMs};
use serde_json::json;
use store::Tx;
use store::events::NewEvent;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{audits, consents, contacts, enrolments, rollups, sequences, views};

/// Makes a contact by hand: pending, without consent. One that is here already is found.
///
/// # Errors
/// The database fails.
pub async fn add(
    engine: &Engine,
    actor: Actor,
    site: &Site,
    address: &EmailAddr,
) -> Result<Contact> {
    let (engine_in, site, address) = (engine.clone(), site.clone(), address.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let now = engine_in.now();
                let contact =
                    contacts::find_or_create(&engine_in, tx, &site, &address, now).await?;
                note(&engine_in, tx, actor, site.id, "contact.added", contact.id).await?;
                Ok(contact)
            })
        })
        .await
}

/// What an operator or a program says of a contact. Absent: stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// Names, language, zone, fields.
    pub change: contacts::Change,
    /// Its id in another program; empty: none.
    pub external_id: Option<String>,
    /// Tags to put on.
    pub tags: Vec<String>,
    /// Only where the contact was last changed then.
    pub if_unchanged_since: Option<UtcMs>,
}

/// Whether a contact that is not here may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upsert {
    /// It must not be here yet.
    MakeOnly,
    /// It is made or changed.
    MakeOrChange,
}

/// Makes or changes a contact as a program says; whether it was made. It is pending and without
/// consent: only the person themselves can give that.
///
/// # Errors
/// `contact_exists`; what is said cannot be used.
pub async fn upsert(
    engine: &Engine,
    actor: Actor,
    site: &Site,
    address: &EmailAddr,
    said: Said,
    how: Upsert,
) -> Result<(Contact, bool)> {
    let (of, site, address) = (engine.clone(), site.clone(), address.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let known = store::contacts::find_by_key(tx, site.id, &address.key()).await?;
                let made = known.is_none();
                if !made && how == Upsert::MakeOnly {
                    let say = "a contact with this address exists: change it instead";
                    return Err(Refused::new("contact_exists", say).at("email").into());
                }
                let now = of.now();
                let contact = contacts::find_or_create(&of, tx, &site, &address, now).await?;
                let contact = put(&of, tx, actor, &site, contact, said).await?;
                note(&of, tx, actor, site.id, "contact.put", contact.id).await?;
                Ok((contact, made))
            })
        })
        .await
}

/// Changes a contact as an operator or a program says.
///
/// # Errors
/// There is none; it was changed meanwhile; what is said cannot be used.
pub async fn change(
    engine: &Engine,
    actor: Actor,
    site: &Site,
    id: ContactId,
    said: Said,
) -> Result<Contact> {
    let (of, site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let contact = contacts::get_to_change(tx, site.id, id).await?;
                let contact = put(&of, tx, actor, &site, contact, said).await?;
                note(&of, tx, actor, site.id, "contact.put", id).await?;
                Ok(contact)
            })
        })
        .await
}

async fn put(
    engine: &Engine,
    tx: &mut Tx<'_>,
    actor: Actor,
    site: &Site,
    mut contact: Contact,
    said: Said,
) -> Result<Contact> {
    if said.if_unchanged_since.is_some_and(|since| since != contact.updated_at) {
        return Err(EngineError::Conflict("the contact was changed meanwhile".to_owned()));
    }
    let zone = said.change.timezone.as_deref().filter(|zone| !zone.is_empty());
    if zone.is_some_and(|zone| jiff::tz::TimeZone::get(zone).is_err()) {
        let say = "use a name of the time zone list, such as Europe/Berlin";
        return Err(Refused::new("timezone_unknown", say).at("timezone").into());
    }
    let was_test = contact.is_test;
    contacts::apply(&mut contact, said.change);
    if let Some(external) = said.external_id {
        contact.external_id = Some(external).filter(|id| !id.is_empty());
    }
    contact.updated_at = engine.now();
    store::contacts::update(tx, site.id, &contact).await?;
    if contact.is_test != was_test {
        rollups::left_out(tx, site.id, &contact).await?;
    }
    let event = NewEvent {
        kind: "contact.updated",
        contact_id: Some(contact.id),
        subject_id: Some(contact.id.0),
        data: &json!({ "source": if matches!(actor, Actor::Key(_)) { "api" } else { "operator" } }),
    };
    engine.record(tx, site.id, event).await?;
    for tag in said.tags {
        crate::tags::add(engine, tx, site, contact.id, &tag).await?;
    }
    Ok(contact)
}

/// What may be switched on and off by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// Left out of figures; may be fast-forwarded.
    Test(bool),
    /// No mail but transactional until then; nothing: the pause ends.
    PausedUntil(Option<UtcMs>),
    /// News, but nothing that sells.
    NoSales(bool),
}

/// Throws a switch.
///
/// # Errors
/// There is no such contact.
pub async fn switch(
    engine: &Engine,
    actor: Actor,
    site: SiteId,
    id: ContactId,
    switch: Switch,
) -> Result<()> {
    let engine_in = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let mut contact = contacts::get_to_change(tx, site, id).await?;
                let (action, data) = match switch {
                    Switch::Test(on) => {
                        contact.is_test = on;
                        ("contact.test_set", json!({ "on": on }))
                    }
                    Switch::PausedUntil(until) => {
                        contact.paused_until = until;
                        ("contact.paused", json!({ "until": until.map(UtcMs::rfc3339) }))
                    }
                    Switch::NoSales(on) => {
                        contact.no_sales = on;
                        ("contact.no_sales_set", json!({ "on": on }))
                    }
                };
                contact.updated_at = engine_in.now();
                match switch {
                    Switch::Test(_) => {
                        store::contacts::update(tx, site, &contact).await?;
                        rollups::left_out(tx, site, &contact).await?;
                    }
                    _ => store::contacts::update_standing(tx, site, &contact).await?,
                }
                let event = NewEvent {
                    kind: "contact.updated",
                    contact_id: Some(id),
                    subject_id: Some(id.0),
                    data: &data,
                };
                engine_in.record(tx, site, event).await?;
                audits::record(&engine_in, tx, site, actor, action, id, &data).await
            })
        })
        .await
}

/// Withdraws every consent in the contact's stead, because they asked for it.
///
/// # Errors
/// There is no such contact.
pub async fn unsubscribe(engine: &Engine, actor: Actor, site: &Site, id: ContactId) -> Result<()> {
    let (engine_in, site, own) = (engine.clone(), site.clone(), site.id);
    engine
        .write(move |tx| {
            Box::pin(async move {
                consents::withdraw_all(&engine_in, tx, &site, id, Source::Operator, None).await?;
                enrolments::exit_on_unsubscribe(&engine_in, tx, &site, id).await?;
                note(&engine_in, tx, actor, site.id, "contact.unsubscribed", id).await
            })
        })
        .await?;
    views::forget(engine, own, id).await
}

/// Puts a contact into a live sequence, whatever it starts on.
///
/// # Errors
/// There is no such contact or sequence; the sequence takes nobody; the contact may not be written
/// to, or is in it already.
pub async fn enrol(
    engine: &Engine,
    actor: Actor,
    site: &Site,
    id: ContactId,
    sequence: SequenceId,
) -> Result<()> {
    let (of, site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                contacts::get_to_change(tx, site.id, id).await?;
                let known = sequences::get(tx, site.id, sequence).await?;
                sequences::must_be_live(&known)?;
                let outcome = enrolments::enter_by_hand(&of, tx, &site, id, &known).await?;
                if outcome != Outcome::Entered {
                    let say = format!("they {}", outcome.why());
                    return Err(Refused::new("contact_not_enrolled", say).at("sequence").into());
                }
                let data = json!({ "sequence": sequence });
                audits::record(&of, tx, site.id, actor, "contact.enrolled", id, &data).await
            })
        })
        .await?;
    engine.wake();
    Ok(())
}

/// Takes a contact out of a sequence: what it still had to send is cancelled.
///
/// # Errors
/// The enrolment is not the contact's, or is over.
pub async fn take_out(
    engine: &Engine,
    actor: Actor,
    site: &Site,
    id: ContactId,
    enrolment: EnrolmentId,
) -> Result<()> {
    let (of, site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                contacts::get_to_change(tx, site.id, id).await?;
                let known = store::enrolments::find(tx, site.id, enrolment).await?;
                let known = known.filter(|one| one.contact_id == id && one.state == "active");
                let known = known.ok_or_else(|| EngineError::missing("enrolment", enrolment))?;
                enrolments::leave(&of, tx, &site, &known, "taken out by hand").await?;
                let data = json!({ "sequence": known.sequence_id });
                audits::record(&of, tx, site.id, actor, "contact.taken_out", id, &data).await
            })
        })
        .await
}

/// Which sequences of a contact are fast-forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// This one.
    One(EnrolmentId),
    /// Every one that runs, and the mail that is planned.
    All,
}

/// Makes the next steps of a test contact's sequences due now; how many. Only of a test contact:
/// what others were promised keeps its time.
///
/// # Errors
/// `contact_not_test`; the enrolment is not the contact's, or is over.
pub async fn forward(
    engine: &Engine,
    actor: Actor,
    site: SiteId,
    id: ContactId,
    which: Forward,
) -> Result<usize> {
    let engine_in = engine.clone();
    let moved = engine
        .write(move |tx| {
            Box::pin(async move {
                let contact = contacts::get(tx, site, id).await?;
                if !contact.is_test {
                    let say = "mark the contact as a test first: only those are fast-forwarded";
                    return Err(Refused::new("contact_not_test", say).into());
                }
                let now = engine_in.now();
                let mut running = store::enrolments::list_of_contact(tx, site, id).await?;
                running.retain(|enrolment| enrolment.state == "active");
                if let Forward::One(wanted) = which {
                    running.retain(|enrolment| enrolment.id == wanted);
                    if running.is_empty() {
                        return Err(EngineError::missing("enrolment", wanted));
                    }
                }
                for enrolment in &running {
                    store::enrolments::set_due(tx, site, enrolment.id, now).await?;
                }
                if which == Forward::All {
                    store::messages::due_now(tx, site, id, now).await?;
                }
                note(&engine_in, tx, actor, site, "contact.forwarded", id).await?;
                Ok(running.len())
            })
        })
        .await?;
    engine.wake();
    Ok(moved)
}

/// Writes down that data of contacts left: one, or a list.
pub async fn exported(engine: &Engine, actor: Actor, site: SiteId, object: String) -> Result<()> {
    let engine_in = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                audits::record(&engine_in, tx, site, actor, "contact.exported", object, &()).await
            })
        })
        .await
}

async fn note(
    engine: &Engine,
    tx: &mut Tx<'_>,
    actor: Actor,
    site: SiteId,
    action: &str,
    id: ContactId,
) -> Result<()> {
    audits::record(engine, tx, site, actor, action, id, &()).await
}
