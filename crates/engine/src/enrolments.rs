//! Enrolments: contacts enter sequences, go through them step by step, and leave them.
//!
//! A sweep does what is due by the enrolment's own row. A step's mail has the dedupe key
//! `seq:{sequence}:step:{step}:con:{contact}`, so it is planned once whatever happens.

use model::UtcMs;
use model::contacts::{Status, SuppressionReason};
use model::ids::{ContactId, EnrolmentId, OfferId, ProductId, StepId, TemplateId};
use model::messages::{CATCH_UP_MS, Class, SourceKind};
use model::offers::Deadline;
use model::sequence_runs::Outcome;
use model::sequences::{Exit, Facts, Step, StepKind, Version, ZoneOf, plan_dates};
use model::sites::Site;
pub use model::triggers::Trigger;
use model::zones::Zone;
use model::{EmailAddr, SiteId};
use serde_json::json;
use store::enrolments::Enrolment;
use store::events::NewEvent;
use store::sequences::Sequence;
use store::{Session, Tx};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::messages::{Content, NewMessage, plan};

/// Enrolments looked at in one transaction.
const DUE_MAX: i64 = 100;
/// A step this late is caught up with: then at most one step a contact in 20 hours.
const LATE_MS: i64 = 6 * model::times::HOUR_MS;

/// Lets a contact enter every live sequence that starts on `trigger`. One it entered before is
/// not entered again. Call [`Engine::wake`] after the commit.
pub async fn trigger(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    trigger: &Trigger,
) -> Result<()> {
    for sequence in store::sequences::live(tx, site.id).await? {
        let starts_on: Trigger = serde_json::from_str(&sequence.starts_on)
            .map_err(|e| EngineError::Fault(format!("sequence {}: {e}", sequence.slug)))?;
        if starts_on == *trigger {
            enter(engine, tx, site, contact, &sequence, Entry::Trigger).await?;
        }
    }
    Ok(())
}

/// What let a contact enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// What the sequence starts on.
    Trigger,
    /// An operator.
    ByHand,
}

/// Lets a contact enter one sequence; `None` where it did so before, or there is no version yet.
pub(crate) async fn enter(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    sequence: &Sequence,
    entry: Entry,
) -> Result<Option<EnrolmentId>> {
    let Some(version_id) = sequence.version_id else { return Ok(None) };
    let now = engine.now();
    let version = version_of(tx, site.id, version_id).await?;
    let zone = zone_for(tx, site, &version, contact).await?;
    let due_at = version.steps.first().map_or(now, |step| step.due_at(now, &zone));
    let id = EnrolmentId(engine.next_id());
    let sequence_and_version = (sequence.id, version_id);
    let entered =
        store::enrolments::insert(tx, site.id, id, sequence_and_version, contact, due_at, now)
            .await?;
    if !entered {
        return Ok(None);
    }
    let data = match entry {
        Entry::Trigger => json!({ "sequence": sequence.slug }),
        Entry::ByHand => json!({ "sequence": sequence.slug, "source": "by hand" }),
    };
    let event = NewEvent {
        kind: "sequence.entered",
        contact_id: Some(contact),
        subject_id: Some(sequence.id.0),
        data: &data,
    };
    engine.record(tx, site.id, event).await?;
    Ok(Some(id))
}

/// Lets a contact enter a live sequence by hand, by the rules of mail: whoever may not be written
/// to does not enter. The contact is held meanwhile, so that an unsubscribe comes before this and
/// is seen, or after it and ends what was entered.
pub(crate) async fn enter_by_hand(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    sequence: &Sequence,
) -> Result<Outcome> {
    if store::contacts::find_to_change(tx, site.id, contact).await?.is_none() {
        return Ok(Outcome::Erased);
    }
    if let Some(outcome) = refusal(tx, site.id, contact).await? {
        return Ok(outcome);
    }
    let entered = enter(engine, tx, site, contact, sequence, Entry::ByHand).await?;
    Ok(entered.map_or(Outcome::Already, |_| Outcome::Entered))
}

/// Why a contact may not be put into a sequence, if it may not.
async fn refusal(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Option<Outcome>> {
    let Some(reach) = store::contacts::reach(session, site, contact).await? else {
        return Ok(Some(Outcome::Erased));
    };
    if reach.erased_at.is_some() {
        return Ok(Some(Outcome::Erased));
    }
    // Erasure keeps imports away, not the person who comes back by their own click.
    let suppression = reach.suppression.filter(|(why, _)| *why != SuppressionReason::Erasure);
    Ok(match (reach.status, suppression) {
        (Status::Unsubscribed, _) => Some(Outcome::Unsubscribed),
        (Status::Suppressed, _) | (_, Some(_)) => Some(Outcome::Suppressed),
        (Status::Pending, None) => Some(Outcome::Unconfirmed),
        (Status::Confirmed, None) => None,
    })
}

/// When each step would be due for someone who joins now and meets no cap.
pub fn joining_now(
    engine: &Engine,
    version: &Version,
    site: &Site,
    contact_zone: Option<&str>,
) -> Vec<(StepId, UtcMs)> {
    let site_zone = Zone::parse(&site.timezone).unwrap_or_else(|_| Zone::utc());
    let zone = match version.zone_of {
        ZoneOf::Contact => Zone::of_contact(contact_zone, &site_zone),
        ZoneOf::Site => site_zone,
    };
    plan_dates(version, engine.now(), &zone)
}

/// Does every step that is due; how many enrolments were moved.
///
/// # Errors
/// The database fails.
pub async fn sweep(engine: &Engine) -> Result<usize> {
    if crate::guard::held(engine).await?.is_some() {
        return Ok(0);
    }
    let now = engine.now();
    let due = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::enrolments::due(session, now, DUE_MAX).await?) })
        })
        .await?;
    let mut moved = 0;
    for enrolment in due {
        let inside = engine.clone();
        let done = engine
            .write(move |tx| Box::pin(async move { advance(&inside, tx, enrolment).await }))
            .await;
        match done {
            Ok(true) => moved += 1,
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "a step could not be done"),
        }
    }
    Ok(moved)
}

/// Does the step an enrolment stands before; `false` where nothing changed.
async fn advance(engine: &Engine, tx: &mut Tx<'_>, seen: Enrolment) -> Result<bool> {
    let now = engine.now();
    let found = store::enrolments::find(tx, seen.site_id, seen.id).await?;
    let Some(enrolment) =
        found.filter(|found| found.state == "active" && found.due_at.is_some_and(|at| at <= now))
    else {
        return Ok(false);
    };
    let site = store::sites::find(tx, enrolment.site_id).await?;
    let site = site.ok_or_else(|| EngineError::missing("site", enrolment.site_id))?;
    let sequence = store::sequences::find(tx, site.id, enrolment.sequence_id).await?;
    let sequence =
        sequence.ok_or_else(|| EngineError::missing("sequence", enrolment.sequence_id))?;
    if sequence.state == "paused" {
        // Looked at again in an hour; publishing or resuming makes it due at once.
        let later = now.plus_ms(model::times::HOUR_MS);
        store::enrolments::set_due(tx, site.id, enrolment.id, later).await?;
        return Ok(false);
    }
    if sequence.state == "retired" {
        leave(engine, tx, &site, &enrolment, "the sequence was retired").await?;
        return Ok(true);
    }
    let version = version_of(tx, site.id, enrolment.version_id).await?;
    if let Some(why) = exit_why(tx, &site, &enrolment, &version, now).await? {
        leave(engine, tx, &site, &enrolment, &why).await?;
        return Ok(true);
    }
    let Some(step) = version.step_after(enrolment.last_step_id).cloned() else {
        finish(engine, tx, &site, &enrolment).await?;
        return Ok(true);
    };
    if let Some(until) = must_wait(&enrolment, &step, now) {
        store::enrolments::set_due(tx, site.id, enrolment.id, until).await?;
        return Ok(true);
    }
    do_step(engine, tx, &site, &sequence, &enrolment, &step).await?;
    let zone = zone_for(tx, &site, &version, enrolment.contact_id).await?;
    let next = version.step_after(Some(step.id));
    let due_at = next.map_or(now, |next| next.due_at(now, &zone));
    store::enrolments::step(tx, &enrolment, step.id, now, due_at).await?;
    if next.is_none() || step.kind == StepKind::End {
        finish(engine, tx, &site, &enrolment).await?;
    }
    Ok(true)
}

/// While catching up after a standstill a contact gets one mail in 20 hours.
fn must_wait(enrolment: &Enrolment, step: &Step, now: UtcMs) -> Option<UtcMs> {
    let is_mail = matches!(step.kind, StepKind::Mail { .. });
    let late = enrolment.due_at.is_some_and(|due| now.since_ms(due) > LATE_MS);
    let last = enrolment.last_step_at.filter(|_| is_mail && late)?;
    let free_at = last.plus_ms(CATCH_UP_MS);
    (free_at > now).then_some(free_at)
}

async fn do_step(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    sequence: &Sequence,
    enrolment: &Enrolment,
    step: &Step,
) -> Result<()> {
    match &step.kind {
        StepKind::Mail { template, class } => {
            plan_mail(engine, tx, site, sequence, enrolment, (step.id, *template, *class)).await
        }
        StepKind::Tag { tag } => {
            crate::tags::add(engine, tx, site, enrolment.contact_id, tag).await?;
            let event = Trigger::TagAdded(tag.clone());
            Box::pin(trigger(engine, tx, site, enrolment.contact_id, &event)).await
        }
        StepKind::End => Ok(()),
    }
}

async fn plan_mail(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    sequence: &Sequence,
    enrolment: &Enrolment,
    (step, template, class): (StepId, TemplateId, Class),
) -> Result<()> {
    let contact = store::contacts::find(tx, site.id, enrolment.contact_id).await?;
    let Some(to) = contact.and_then(|contact| EmailAddr::parse(&contact.email).ok()) else {
        return Ok(());
    };
    let template = store::templates::find(tx, site.id, template)
        .await?
        .ok_or_else(|| EngineError::missing("template", template))?;
    let new = NewMessage {
        contact_id: Some(enrolment.contact_id),
        to,
        class,
        source_kind: SourceKind::Sequence,
        source_id: step.0,
        enrolment_id: Some(enrolment.id),
        dedupe_key: format!("seq:{}:step:{}:con:{}", sequence.id.0, step.0, enrolment.contact_id.0),
        content: Content::Template { version: template.version_id, extra: json!({}) },
        not_before: None,
        expires_at: None,
    };
    plan(engine, tx, site, new).await.map(drop)
}

/// Why an enrolment's mail must not go any more, looked at when it is about to be sent. The
/// enrolment ends with it.
pub(crate) async fn exit_of(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    id: EnrolmentId,
) -> Result<Option<String>> {
    let Some(enrolment) = store::enrolments::find(tx, site.id, id).await? else { return Ok(None) };
    if enrolment.state == "exited" {
        return Ok(Some(enrolment.ended_why.unwrap_or_else(|| "left the sequence".to_owned())));
    }
    let version = version_of(tx, site.id, enrolment.version_id).await?;
    let why = exit_why(tx, site, &enrolment, &version, engine.now()).await?;
    if let Some(why) = &why {
        leave(engine, tx, site, &enrolment, why).await?;
    }
    Ok(why)
}

async fn exit_why(
    session: &mut Session<'_>,
    site: &Site,
    enrolment: &Enrolment,
    version: &Version,
    now: UtcMs,
) -> Result<Option<String>> {
    if version.exits.is_empty() {
        return Ok(None);
    }
    let facts = facts(session, site.id, enrolment, version, now).await?;
    Ok(version.exit_for(&facts).map(|exit| exit.as_str().to_owned()))
}

/// What the exits of a version ask about, and no more.
async fn facts(
    session: &mut Session<'_>,
    site: SiteId,
    enrolment: &Enrolment,
    version: &Version,
    now: UtcMs,
) -> Result<Facts> {
    let mut facts = Facts::default();
    for exit in &version.exits {
        match exit {
            Exit::Bought { product: Some(product) } => {
                let contact = enrolment.contact_id;
                if store::orders::has_bought(session, site, contact, *product).await? {
                    facts.bought.push(*product);
                }
            }
            Exit::Bought { product: None } => {
                let (contact, since) = (enrolment.contact_id, enrolment.entered_at);
                if store::enrolments::bought_since(session, site, contact, since).await? {
                    facts.bought.push(ProductId(0));
                }
            }
            Exit::Tagged { .. } => {
                facts.tags = store::tags::of_contact(session, site, enrolment.contact_id).await?;
            }
            Exit::DeadlinePassed { offer } => {
                if offer_is_over(session, site, *offer, enrolment.contact_id, now).await? {
                    facts.offers_over.push(*offer);
                }
            }
        }
    }
    Ok(facts)
}

async fn offer_is_over(
    session: &mut Session<'_>,
    site: SiteId,
    offer: OfferId,
    contact: ContactId,
    now: UtcMs,
) -> Result<bool> {
    let Some(found) = store::offers::find(session, site, offer).await? else { return Ok(true) };
    Ok(match found.deadline {
        Deadline::None => false,
        Deadline::Fixed { at } => at <= now,
        Deadline::Evergreen { .. } => {
            let ends = store::offers::deadline_of(session, site, offer, contact).await?;
            ends.is_some_and(|at| at <= now)
        }
    })
}

/// Ends every enrolment of a contact who wants no more mail, and cancels what they still had to
/// send. Called with the withdrawal, so that they commit together.
pub async fn exit_on_unsubscribe(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
) -> Result<()> {
    for enrolment in store::enrolments::list_of_contact(tx, site.id, contact).await? {
        if enrolment.state == "active" {
            leave(engine, tx, site, &enrolment, "unsubscribed").await?;
        }
    }
    Ok(())
}

/// Ends an enrolment before its time, and cancels what it still had to send.
pub(crate) async fn leave(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    enrolment: &Enrolment,
    why: &str,
) -> Result<()> {
    let now = engine.now();
    store::enrolments::end(tx, site.id, enrolment.id, "exited", now, why).await?;
    let (contact, id) = (enrolment.contact_id, enrolment.id);
    store::messages::cancel_of_enrolment(tx, site.id, contact, id, why).await?;
    ended(engine, tx, site, enrolment, why).await
}

async fn finish(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    enrolment: &Enrolment,
) -> Result<()> {
    let now = engine.now();
    store::enrolments::end(tx, site.id, enrolment.id, "finished", now, "finished").await?;
    ended(engine, tx, site, enrolment, "finished").await
}

async fn ended(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    enrolment: &Enrolment,
    why: &str,
) -> Result<()> {
    let data = json!({ "why": why });
    let event = NewEvent {
        kind: "sequence.exited",
        contact_id: Some(enrolment.contact_id),
        subject_id: Some(enrolment.sequence_id.0),
        data: &data,
    };
    engine.record(tx, site.id, event).await
}

/// The steps of a version.
pub(crate) async fn version_of(
    session: &mut Session<'_>,
    site: SiteId,
    id: model::ids::SequenceVersionId,
) -> Result<Version> {
    let found = store::sequences::find_version(session, site, id).await?;
    let found = found.ok_or_else(|| EngineError::missing("sequence version", id))?;
    serde_json::from_str(&found.definition)
        .map_err(|e| EngineError::Fault(format!("sequence version {id} cannot be read: {e}")))
}

/// The clock a version goes by for one contact.
pub(crate) async fn zone_for(
    session: &mut Session<'_>,
    site: &Site,
    version: &Version,
    contact: ContactId,
) -> Result<Zone> {
    let site_zone = Zone::parse(&site.timezone).unwrap_or_else(|_| Zone::utc());
    if version.zone_of == ZoneOf::Site {
        return Ok(site_zone);
    }
    let contact = store::contacts::find(session, site.id, contact).await?;
    let name = contact.and_then(|contact| contact.timezone);
    Ok(Zone::of_contact(name.as_deref(), &site_zone))
}
