//! What came of a try, as the ledger keeps it: the row's next state, the try itself, and what it
//! says of the address.

use mail::{Blame, Class as Answer, Failure, Outcome};
use model::contacts::{Status, SuppressionReason};
use model::ids::ContactId;
use model::messages::{JITTER_PERMILLE, State, next_try};
use model::{SiteId, UtcMs};
use serde_json::json;
use store::Tx;
use store::events::NewEvent;
use store::messages::{Attempt, Claimed, End, Reply};

use crate::engine::Engine;
use crate::fault::Result;

/// Characters of a server's answer that are kept.
const REPLY_MAX: usize = 500;

/// Why a message that was unknown is accepted.
const LATE_ANSWER: &str = "the answer came late";

/// A try that ended and is not yet written down (W3).
#[derive(Debug)]
pub(super) struct Tried {
    pub message: Claimed,
    pub end: End,
    pub attempt: Attempt,
    /// Whether the address is dead.
    pub bounced: Option<String>,
}

/// Where and when a try was made.
#[derive(Debug, Clone)]
pub(super) struct Circumstances {
    pub relay: String,
    pub tls: bool,
    pub started_at: UtcMs,
    pub commit_at: Option<UtcMs>,
    pub ended_at: UtcMs,
}

/// What `outcome` means for `message`.
pub(super) fn tried(
    engine: &Engine,
    message: Claimed,
    outcome: &Outcome,
    at: &Circumstances,
) -> Tried {
    let (node, _) = engine.node();
    let (end, word) = end_of(engine, &message, outcome, at.ended_at);
    let failure = outcome.failure();
    let attempt = Attempt {
        site_id: message.site_id,
        message_id: message.id,
        epoch: message.epoch,
        owner: node,
        started_at: at.started_at,
        commit_at: at.commit_at,
        ended_at: at.ended_at,
        relay: at.relay.clone(),
        tls: at.tls,
        outcome: word.to_owned(),
        stage: failure.map(|failure| failure.stage.as_str().to_owned()),
        class: failure.map(|failure| failure.class.as_str().to_owned()),
        code: end.reply.as_ref().map(|reply| reply.code),
        enhanced: end.reply.as_ref().and_then(|reply| reply.enhanced.clone()),
        reply: match (&end.reply, failure) {
            (Some(reply), _) => reply.text.clone(),
            (None, Some(failure)) => cut(&failure.why),
            (None, None) => String::new(),
        },
    };
    let bounced = match outcome {
        Outcome::Never(failure) if failure.class.suppresses_at_once() => Some(cut(&failure.why)),
        _ => None,
    };
    Tried { message, end, attempt, bounced }
}

fn end_of(
    engine: &Engine,
    message: &Claimed,
    outcome: &Outcome,
    now: UtcMs,
) -> (End, &'static str) {
    let reply = outcome.reply().map(|reply| Reply {
        code: i64::from(reply.code),
        enhanced: reply.enhanced.map(|code| code.to_string()),
        text: cut(&reply.text),
    });
    let end = |state, reason: Option<String>, next_at, counts| End {
        state,
        reason,
        next_at,
        counts,
        reply: reply.clone(),
        accepted_at: (state == State::Accepted).then_some(now),
    };
    match outcome {
        Outcome::Sent(_) => (end(State::Accepted, None, now, true), "accepted"),
        Outcome::Unknown(failure) => {
            let wait = engine.sending().unknown_wait.of(message.class);
            let why = Some(cut(&failure.why));
            (end(State::Unknown, why, now.plus_ms(wait), true), "unknown")
        }
        Outcome::Later(failure) | Outcome::Never(failure) if failure.blame() != Blame::Letter => {
            (end(State::Queued, Some(cut(&failure.why)), now, false), "back")
        }
        Outcome::Later(failure) => later(engine, message, failure, now, &end),
        Outcome::Never(failure) => {
            let why = Some(cut(&failure.why));
            match failure.class {
                // Our own fault: the author can mend it.
                Answer::TooBig | Answer::Protocol => (end(State::Held, why, now, true), "failed"),
                _ => (end(State::Failed, why, now, true), "failed"),
            }
        }
    }
}

fn later(
    engine: &Engine,
    message: &Claimed,
    failure: &Failure,
    now: UtcMs,
    end: &dyn Fn(State, Option<String>, UtcMs, bool) -> End,
) -> (End, &'static str) {
    let span = u64::try_from(2 * JITTER_PERMILLE).unwrap_or(0);
    let jitter = i64::try_from(engine.rng().below(span)).unwrap_or(0) - JITTER_PERMILLE;
    let tries = u32::try_from(message.attempts + 1).unwrap_or(u32::MAX);
    let why = Some(cut(&failure.why));
    let next = next_try(message.source_kind, message.date_at, now, tries, jitter)
        .filter(|at| message.expires_at.is_none_or(|expires| *at <= expires));
    match next {
        Some(at) => (end(State::Deferred, why, at, true), "deferred"),
        None => (end(State::Failed, why, now, true), "failed"),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(REPLY_MAX).collect()
}

/// W3: writes a try down.
pub(super) async fn write_down(engine: &Engine, tx: &mut Tx<'_>, tried: &Tried) -> Result<()> {
    let Tried { message, end, attempt, bounced } = tried;
    let site = message.site_id;
    let held = store::messages::end(tx, site, message.id, message.epoch, end).await?;
    store::messages::insert_attempt(tx, attempt).await?;
    if !held && end.state == State::Accepted {
        // The claim was taken for lost, and the answer came after all.
        let at = end.accepted_at.unwrap_or(attempt.ended_at);
        let (id, reply) = (message.id, end.reply.as_ref());
        store::messages::settle_by_evidence(tx, site, id, at, LATE_ANSWER, reply).await?;
    }
    if !held || matches!(end.state, State::Accepted | State::Queued | State::Unknown) {
        return Ok(());
    }
    let kind = match end.state {
        State::Deferred => "message.deferred",
        // It never left: its words or its size are ours to mend.
        State::Held => "message.held",
        _ => "message.bounced",
    };
    let data = json!({
        "state": end.state,
        "reason": end.reason,
        "class": attempt.class,
        "next_at": end.next_at,
    });
    let event = NewEvent {
        kind,
        contact_id: message.contact_id,
        subject_id: Some(message.id.0),
        data: &data,
    };
    engine.record(tx, site, event).await?;
    let Some(contact) = message.contact_id else { return Ok(()) };
    match bounced {
        Some(note) => suppress(engine, tx, site, contact, note).await,
        None if bounces_often(tx, contact, attempt).await? => {
            suppress(engine, tx, site, contact, &attempt.reply).await
        }
        None => Ok(()),
    }
}

/// Whether the mails to a contact were answered like this too often within the days that count.
async fn bounces_often(tx: &mut Tx<'_>, contact: ContactId, attempt: &Attempt) -> Result<bool> {
    let class = attempt.class.as_deref().unwrap_or_default();
    let limit = Answer::from_word(class).and_then(Answer::suppresses_after);
    let Some((most, days)) = limit else { return Ok(false) };
    let since = attempt.ended_at.plus_days(-days);
    let site = attempt.site_id;
    Ok(store::messages::answered_so(tx, site, contact, class, since).await? >= most)
}

/// The address is dead: nothing more goes there.
async fn suppress(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    note: &str,
) -> Result<()> {
    let Some(mut contact) = store::contacts::find_to_change(tx, site, contact).await? else {
        return Ok(());
    };
    let (now, why) = (engine.now(), SuppressionReason::HardBounce);
    store::suppressions::put(tx, site, &contact.address_hmac, why, note, now).await?;
    contact.status = Status::Suppressed;
    contact.updated_at = now;
    Ok(store::contacts::update_standing(tx, site, &contact).await?)
}
