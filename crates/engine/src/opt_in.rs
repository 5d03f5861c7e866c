//! Opting in: someone sends a form. Whoever it is, and whatever we know of the address, the answer
//! is the same; what happens next happens by mail.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::consents::{Grant, NEWSLETTER, Source, held};
use model::contacts::{
    BOUNCE_HOLDS_MS, CONFIRM_LINK_DAYS, CONFIRMATION_EVERY_MS, CONFIRMATIONS_MAX, Contact, Status,
    SuppressionReason,
};
use model::forms::{CONTACT_COLUMNS, Delivery, Submission};
use model::ids::{ConfirmationId, ContactId, SubmissionId, made_at};
use model::sites::Site;
use model::sources::Touch;
use model::spans::day_of;
use model::times::DAY_MS;
use model::{EmailAddr, Refused, SiteId, UtcMs};
use serde_json::json;
use store::Tx;
use store::confirmations::Confirmation;
use store::events::NewEvent;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::forms::LiveForm;
use crate::magnets::{self, Handing};
use crate::rollups::zone_of;
use crate::touches::{self, Meeting};
use crate::{audits, ceiling, confirmations, contacts, forms};

/// "You are already in" goes out once in this long.
const AGAIN_EVERY_MS: i64 = DAY_MS;

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Names and values in order.
    pub pairs: Vec<(String, String)>,
    /// How the visitor came.
    pub touch: Touch,
    /// Why it looks as if no person sent it; it is kept apart, and can be released.
    pub suspicion: Option<Suspicion>,
}

/// Why an answer is kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspicion {
    /// The box that people do not see was filled in.
    Honeypot,
    /// Nobody fills in a form that fast.
    TooFast,
    /// Many came from one network.
    Flood,
}

impl Suspicion {
    fn state_and_reason(self) -> (&'static str, &'static str) {
        match self {
            Self::Honeypot => ("spam", "the box that people do not see was filled in"),
            Self::TooFast => ("spam", "sent within two seconds of being shown"),
            Self::Flood => ("held", "many answers came from one network"),
        }
    }
}

/// Takes an answer to a form. Says nothing about whether the address is known. Whose answer it
/// was, unless it is kept apart.
///
/// # Errors
/// The fields that must be mended; nothing is kept then.
pub async fn submit(
    engine: &Engine,
    site: Arc<Site>,
    form: Arc<LiveForm>,
    answer: Answer,
) -> Result<Option<ContactId>> {
    let read = match model::forms::read(&form.form.spec, &answer.pairs) {
        Ok(read) => read,
        // A program is told nothing about what to mend.
        Err(_) if answer.suspicion.is_some_and(|s| s != Suspicion::Flood) => return Ok(None),
        Err(refusals) => return Err(EngineError::RefusedAll(refusals)),
    };
    let apart = match answer.suspicion {
        Some(suspicion) => Some(suspicion.state_and_reason()),
        None if ceiling::within(engine, &site).await? => None,
        None => {
            tracing::warn!(site = %site.slug, "more answers in an hour than usual; they are held");
            Some(("held", "more answers in this hour than the ceiling lets through"))
        }
    };
    let of = engine.clone();
    let whose = engine
        .write(move |tx| {
            Box::pin(async move {
                let id = SubmissionId(of.next_id());
                let now = of.now();
                match apart {
                    Some(apart) => {
                        keep_apart(tx, &site, &form, id, answer, &read, apart, now).await?;
                        Ok(None)
                    }
                    None => {
                        let arrival = Arrival { id, form: &form, read: &read, now };
                        accept(&of, tx, &site, arrival, answer.touch).await.map(Some)
                    }
                }
            })
        })
        .await?;
    engine.wake();
    Ok(whose)
}

#[expect(clippy::too_many_arguments, reason = "one row is written from all of them")]
async fn keep_apart(
    tx: &mut Tx<'_>,
    site: &Site,
    form: &LiveForm,
    id: SubmissionId,
    answer: Answer,
    read: &Submission,
    (state, why): (&str, &str),
    now: UtcMs,
) -> Result<()> {
    let row = store::forms::Submission {
        form_id: form.form.id,
        id,
        version: form.form.version,
        contact_id: None,
        state: state.to_owned(),
        why: Some(why.to_owned()),
        email: read.email.to_string(),
        answers: json!(answer.pairs).to_string(),
        dropped: i64::try_from(read.dropped).unwrap_or(i64::MAX),
        touch: json!(answer.touch).to_string(),
        created_at: now,
    };
    Ok(store::forms::submit(tx, site.id, &row).await?)
}

/// An answer on its way in.
#[derive(Clone, Copy)]
struct Arrival<'a> {
    id: SubmissionId,
    form: &'a LiveForm,
    read: &'a Submission,
    now: UtcMs,
}

async fn accept(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    arrival: Arrival<'_>,
    touch: Touch,
) -> Result<ContactId> {
    let Arrival { id, form, read, now } = arrival;
    let (contact, is_new) = meet(engine, tx, site, arrival).await?;
    let row = store::forms::Submission {
        form_id: form.form.id,
        id,
        version: form.form.version,
        contact_id: Some(contact.id),
        state: "accepted".to_owned(),
        why: None,
        email: read.email.to_string(),
        answers: json!(read.values).to_string(),
        dropped: i64::try_from(read.dropped).unwrap_or(i64::MAX),
        touch: json!(touch).to_string(),
        created_at: now,
    };
    store::forms::submit(tx, site.id, &row).await?;
    let data = json!({ "form": form.form.slug, "submission": id, "new": is_new });
    let event = NewEvent {
        kind: "form.submitted",
        contact_id: Some(contact.id),
        subject_id: Some(form.form.id.0),
        data: &data,
    };
    engine.record(tx, site.id, event).await?;
    let meeting = if is_new { Meeting::First } else { Meeting::Later };
    touches::record(engine, tx, site, contact.id, touch, meeting).await?;
    follow(engine, tx, site, arrival, &contact).await?;
    Ok(contact.id)
}

/// The contact of an answer: new, or known and its fields brought up to date.
async fn meet(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    arrival: Arrival<'_>,
) -> Result<(Contact, bool)> {
    let Arrival { form, read, now, .. } = arrival;
    let (mut columns, mut fields) = (BTreeMap::new(), BTreeMap::new());
    for field in &form.form.spec.fields {
        let (Some(name), Some(values)) = (&field.writes, read.values.get(&field.key)) else {
            continue;
        };
        let to = if CONTACT_COLUMNS.contains(&name.as_str()) { &mut columns } else { &mut fields };
        to.insert(name.clone(), values.join(", "));
    }
    let mut fresh = contacts::fresh(engine, &read.email, now);
    contacts::fill(&mut fresh, &columns, &fields);
    let (mut contact, is_new) = contacts::ensure(engine, tx, site, fresh).await?;
    if !is_new && contacts::fill(&mut contact, &columns, &fields) {
        contact.updated_at = now;
        store::contacts::update(tx, site.id, &contact).await?;
    }
    Ok((contact, is_new))
}

/// What an answer causes: a question whether the address is willing, the free thing once more, or
/// nothing.
async fn follow(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    arrival: Arrival<'_>,
    contact: &Contact,
) -> Result<()> {
    let Arrival { id, form, read, now } = arrival;
    let grants = grants_of(form, read);
    if contact.status == Status::Confirmed && holds_all(tx, site.id, contact, &grants).await? {
        return already_in(engine, tx, site, form, contact).await;
    }
    if grants.is_empty() && form.magnet.is_none() {
        return confirmations::dress(engine, tx, site, contact.id, &form.form.spec, &[]).await;
    }
    let at_once =
        !form.form.spec.double_opt_in && may_enter_at_once(tx, site, contact, now).await?;
    // The free thing alone, to whoever's address this is: no more often than to who is in.
    let unasked = at_once && !grants.iter().any(|grant| grant.purpose == NEWSLETTER);
    if unasked && form.magnet.is_some() && !may_send_again(engine, tx, contact).await? {
        return confirmations::dress(engine, tx, site, contact.id, &form.form.spec, &[]).await;
    }
    let asking = Confirmation {
        id: ConfirmationId(engine.next_id()),
        contact_id: contact.id,
        form_id: Some(form.form.id),
        submission_id: Some(id),
        source: Source::Form,
        source_id: Some(form.form.id.0),
        grants,
        state: "open".to_owned(),
        created_at: now,
        expires_at: now.plus_days(CONFIRM_LINK_DAYS),
    };
    store::confirmations::insert(tx, site.id, &asking).await?;
    let by_link = form.form.spec.delivery == Delivery::Confirmation;
    let claim = match &form.magnet {
        Some(magnet) if by_link || at_once => {
            let handing = Handing { magnet, contact: contact.id, confirmation: Some(asking.id) };
            Some(magnets::hand(engine, tx, site, handing).await?)
        }
        _ => None,
    };
    if at_once {
        return confirmations::complete(engine, tx, site, &asking).await.map(drop);
    }
    ask(engine, tx, site, contact, &asking, claim.as_ref().zip(form.magnet.as_ref())).await
}

/// Whether a form without double opt-in may take an address at its word. Not one that said no, or
/// that its server or its owner barred: there only a click in a mail shows who is asking.
async fn may_enter_at_once(
    tx: &mut Tx<'_>,
    site: &Site,
    contact: &Contact,
    now: UtcMs,
) -> Result<bool> {
    let stands = matches!(contact.status, Status::Pending | Status::Confirmed);
    if !stands || contact.is_paused(now) {
        return Ok(false);
    }
    Ok(store::suppressions::find(tx, site.id, &contact.address_hmac).await?.is_none())
}

/// Counts a free thing that goes out once more; `false` where one went lately.
async fn may_send_again(engine: &Engine, tx: &mut Tx<'_>, contact: &Contact) -> Result<bool> {
    let now = engine.now();
    let hmac = contacts::rate_hmac(engine, &EmailAddr::parse(&contact.email)?);
    let not_since = now.plus_ms(-AGAIN_EVERY_MS);
    let (kind, max) = ("again", i64::MAX);
    Ok(store::suppressions::count_against_limit(tx, &hmac, kind, now, not_since, max).await?)
}

fn grants_of(form: &LiveForm, read: &Submission) -> Vec<Grant> {
    let agreed = form.form.spec.agreed(read).into_iter();
    // The wordings were kept with the version, in the order of the form's own list.
    let texts = form.form.spec.wordings();
    agreed
        .filter_map(|(purpose, text, topic)| {
            let at = texts.iter().position(|(p, t)| *p == purpose && *t == text)?;
            let kept = form.form.grants.get(at)?;
            Some(Grant { purpose, wording: kept.wording, topic })
        })
        .collect()
}

async fn holds_all(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: &Contact,
    grants: &[Grant],
) -> Result<bool> {
    let lines = store::consents::list(tx, site, contact.id).await?;
    let held = held(&lines);
    let topics = store::topics::of_contact(tx, site, contact.id).await?;
    Ok(grants.iter().all(|grant| {
        held.iter().any(|(purpose, _)| *purpose == grant.purpose)
            && grant.topic.as_ref().is_none_or(|slug| topics.iter().any(|t| t.slug == *slug))
    }))
}

/// Someone who is in sends the form again: the free thing once more, and nothing else.
async fn already_in(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    form: &LiveForm,
    contact: &Contact,
) -> Result<()> {
    let Some(magnet) = &form.magnet else { return Ok(()) };
    if !may_send_again(engine, tx, contact).await? {
        return Ok(());
    }
    let handing = Handing { magnet, contact: contact.id, confirmation: None };
    let claim = magnets::hand(engine, tx, site, handing).await?;
    magnets::mail(engine, tx, site, contact, magnet, &claim).await
}

/// Sends the question whether the address is willing, within the limits of the address.
pub(crate) async fn ask(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: &Contact,
    asking: &Confirmation,
    claim: Option<(&model::magnets::Claim, &model::magnets::Magnet)>,
) -> Result<()> {
    let now = engine.now();
    let Some(every_ms) = asked_every_ms(tx, site.id, contact, now).await? else { return Ok(()) };
    let email = EmailAddr::parse(&contact.email)?;
    let hmac = contacts::rate_hmac(engine, &email);
    let not_since = now.plus_ms(-every_ms);
    let max = i64::try_from(CONFIRMATIONS_MAX).unwrap_or(0);
    let kind = "confirmation";
    if !store::suppressions::count_against_limit(tx, &hmac, kind, now, not_since, max).await? {
        return Ok(());
    }
    confirmations::mail(engine, tx, site, contact, asking, claim).await
}

/// How often a question may go to an address, if at all. Never to one that complained: only its
/// own click in a mail it has lifts that. To a mailbox that was not there, not within thirty days
/// of that, and then one try in thirty days.
async fn asked_every_ms(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: &Contact,
    now: UtcMs,
) -> Result<Option<i64>> {
    let found = store::suppressions::find(tx, site, &contact.address_hmac).await?;
    Ok(match found.map(|found| (found.reason, found.since)) {
        Some((SuppressionReason::Complaint, _)) => None,
        Some((SuppressionReason::HardBounce, since)) => {
            (now.since_ms(since) >= BOUNCE_HOLDS_MS).then_some(BOUNCE_HOLDS_MS)
        }
        _ => Some(CONFIRMATION_EVERY_MS),
    })
}

/// The unticked box in the checkout was ticked: the consent waits for the receipt's button
/// (`links::confirm_url`). No mail of its own.
pub async fn ask_at_checkout(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    order: i64,
    wording: &str,
) -> Result<Confirmation> {
    let now = engine.now();
    let kept = crate::consents::wording(engine, tx, site.id, NEWSLETTER, wording).await?;
    let asking = Confirmation {
        id: ConfirmationId(engine.next_id()),
        contact_id: contact,
        form_id: None,
        submission_id: None,
        source: Source::Checkout,
        source_id: Some(order),
        grants: vec![Grant { purpose: NEWSLETTER.to_owned(), wording: kept.id, topic: None }],
        state: "open".to_owned(),
        created_at: now,
        expires_at: now.plus_days(CONFIRM_LINK_DAYS),
    };
    store::confirmations::insert(tx, site.id, &asking).await?;
    Ok(asking)
}

/// What an operator decides about an answer that was kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It goes on as if it had just come.
    Release,
    /// It is forgotten within 30 days.
    Discard,
}

/// Releases or discards an answer that was kept apart.
///
/// # Errors
/// There is none, it was decided before, or its form is retired.
pub async fn decide(
    engine: &Engine,
    site: Site,
    form: Arc<LiveForm>,
    id: SubmissionId,
    decision: Decision,
) -> Result<()> {
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let kept = store::forms::submission(tx, site.id, form.form.id, id).await?;
                let kept = kept.ok_or_else(|| EngineError::missing("answer", id))?;
                if !matches!(kept.state.as_str(), "spam" | "held") {
                    let message = "this answer was released or discarded before".to_owned();
                    return Err(EngineError::Conflict(message));
                }
                if decision == Decision::Discard {
                    let answers = kept.answers.clone();
                    store::forms::set_submission(tx, site.id, &kept, "discarded", None, &answers)
                        .await?;
                    return audits::note(&of, tx, site.id, "answer.discarded", id, &()).await;
                }
                // They agreed to what they were shown, not to what stands there by now.
                let shown = forms::as_of_version(tx, site.id, &form, kept.version).await?;
                release(&of, tx, &site, &shown, &kept).await?;
                audits::note(&of, tx, site.id, "answer.released", id, &()).await
            })
        })
        .await?;
    engine.wake();
    Ok(())
}

async fn release(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    form: &LiveForm,
    kept: &store::forms::Submission,
) -> Result<()> {
    let pairs: Vec<(String, String)> = serde_json::from_str(&kept.answers)
        .map_err(|e| EngineError::Fault(format!("a kept answer cannot be read: {e}")))?;
    let touch: Touch = serde_json::from_str(&kept.touch).unwrap_or_default();
    let read = model::forms::read(&form.form.spec, &pairs).map_err(EngineError::RefusedAll)?;
    let arrival = Arrival { id: kept.id, form, read: &read, now: engine.now() };
    let (contact, is_new) = meet(engine, tx, site, arrival).await?;
    let answers = json!(read.values).to_string();
    let to = Some(contact.id);
    if !store::forms::set_submission(tx, site.id, kept, "accepted", to, &answers).await? {
        let refused = Refused::new("answer_decided", "this answer was decided before");
        return Err(refused.into());
    }
    // It counts on the day it came.
    let day = day_of(made_at(kept.id.0), &zone_of(site)).to_string();
    store::stages::forget_day(tx, site.id, &day).await?;
    let data = json!({ "form": form.form.slug, "submission": kept.id, "new": is_new });
    let event = NewEvent {
        kind: "form.submitted",
        contact_id: Some(contact.id),
        subject_id: Some(form.form.id.0),
        data: &data,
    };
    engine.record(tx, site.id, event).await?;
    let meeting = if is_new { Meeting::First } else { Meeting::Later };
    touches::record(engine, tx, site, contact.id, touch, meeting).await?;
    follow(engine, tx, site, arrival, &contact).await
}
