//! What moves messages without a sender: crashes taken up again, waits that are over, caps.

use std::collections::BTreeSet;

use model::UtcMs;
use model::ids::ContactId;
use model::messages::{Class, State};
use model::sites::Site;
use model::times::MINUTE_MS;
use store::Tx;
use store::messages::PlannedDue;

use crate::caps;
use crate::engine::Engine;
use crate::enrolments;
use crate::fault::{EngineError, Result};
use crate::sweeps::Round;

/// Planned messages looked at in one transaction.
const PLANNED_MAX: i64 = 200;
/// How long a message rests that could not be looked at.
const AFTER_FAULT_MS: i64 = MINUTE_MS;
const COULD_NOT: &str = "it could not be looked at: the log says why; it is tried again";
const BROKE_OFF: &str = "the sender stopped between the last dot and the answer";

/// At the start of a sender: what an earlier life of this node left is queued again, or unknown.
/// How many were claimed, how many are unknown.
///
/// # Errors
/// The database fails.
pub async fn take_up(engine: &Engine) -> Result<(u64, u64)> {
    let ((node, _), now, wait) = (engine.node(), engine.now(), engine.sending().unknown_wait);
    let taken = engine
        .write(move |tx| {
            Box::pin(
                async move { Ok(store::messages::take_up(tx, node, now, wait, BROKE_OFF).await?) },
            )
        })
        .await?;
    if taken != (0, 0) {
        tracing::info!(queued = taken.0, unknown = taken.1, "mail of an earlier life taken up");
    }
    Ok(taken)
}

/// One round over every site; how many messages were moved.
///
/// # Errors
/// The database fails.
pub async fn sweep(engine: &Engine) -> Result<usize> {
    if engine.is_quiet() {
        return Ok(0);
    }
    let (now, steady) = (engine.now(), engine.lease_now());
    let sites = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut due = Vec::new();
                let lease_now = store::nodes::db_now(session, steady).await?;
                let reap = store::messages::has_over(session, lease_now).await?;
                for site in store::sites::list(session).await? {
                    if store::messages::has_waited(session, site.id, now).await? {
                        due.push(site);
                    }
                }
                Ok((reap, due))
            })
        })
        .await?;
    let (reap, due) = sites;
    let mut round = Round::default();
    if reap {
        round.took("claims that are over", reap_over(engine).await);
    }
    for site in due {
        let (moved, promoted) = (waited(engine, &site).await, planned(engine, &site).await);
        round.took(format_args!("what site {} waited for", site.slug), moved);
        round.took(format_args!("what site {} planned", site.slug), promoted);
    }
    round.end()
}

async fn reap_over(engine: &Engine) -> Result<usize> {
    let (now, wait) = (engine.now(), engine.sending().unknown_wait);
    let steady = engine.lease_now();
    let (leased, unknown) = engine
        .write(move |tx| {
            Box::pin(async move {
                let lease_now = store::nodes::db_now(tx, steady).await?;
                Ok(store::messages::reap(tx, lease_now, now, wait, BROKE_OFF).await?)
            })
        })
        .await?;
    Ok(usize::try_from(leased + unknown).unwrap_or(0))
}

/// Deferred and unknown messages whose wait is over.
async fn waited(engine: &Engine, site: &Site) -> Result<usize> {
    let (site, now) = (site.clone(), engine.now());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let queued = store::messages::queue_deferred(tx, site.id, now).await?;
                let settled = settle_unknown(tx, &site, now).await?;
                Ok(usize::try_from(queued + settled).unwrap_or(0))
            })
        })
        .await
}

/// Planned messages that are due: all in one transaction, or, where that breaks off, each in its
/// own, so that one of them keeps no other waiting.
async fn planned(engine: &Engine, site: &Site) -> Result<usize> {
    let (id, now) = (site.id, engine.now());
    let due = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok(store::messages::planned_due(session, id, now, PLANNED_MAX).await?)
            })
        })
        .await?;
    if due.is_empty() {
        return Ok(0);
    }
    let count = due.len();
    let Err(error) = promote_all(engine, site, due.clone(), now).await else { return Ok(count) };
    tracing::debug!(site = %site.slug, %error, "planned messages are looked at one by one");
    let mut round = Round::default();
    for message in due {
        let id = message.id;
        let promoted = match promote_all(engine, site, vec![message.clone()], now).await {
            Ok(()) => Ok(1),
            // It moves on, so that those who fault never stand before all others.
            Err(error) => put_off(engine, site, message, now).await.and(Err(error)),
        };
        round.took(format_args!("message {id}"), promoted);
    }
    round.end()
}

async fn promote_all(engine: &Engine, site: &Site, due: Vec<PlannedDue>, now: UtcMs) -> Result<()> {
    let (of, site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                lock_contacts(tx, &site, &due).await?;
                for message in due {
                    promote(&of, tx, &site, message, now).await?;
                }
                Ok(())
            })
        })
        .await
}

async fn put_off(engine: &Engine, site: &Site, message: PlannedDue, now: UtcMs) -> Result<()> {
    let (site, next) = (site.id, now.plus_ms(AFTER_FAULT_MS));
    engine
        .write(move |tx| {
            Box::pin(async move {
                let planned = State::Planned;
                let why = Some(COULD_NOT);
                store::messages::shift(tx, site, message.id, planned, planned, why, next).await?;
                Ok(())
            })
        })
        .await
}

/// Takes the locks that counting needs in one order, so that two nodes never wait for each other.
async fn lock_contacts(tx: &mut Tx<'_>, site: &Site, planned: &[PlannedDue]) -> Result<()> {
    let capped = planned.iter().filter(|message| message.class.is_capped());
    let contacts: BTreeSet<i64> =
        capped.filter_map(|message| message.contact_id).map(|id| id.0).collect();
    for id in contacts {
        store::contacts::lock(tx, site.id, ContactId(id)).await?;
    }
    Ok(())
}

/// Unknown messages are sent again, or held for a person where the site says so for their class.
async fn settle_unknown(tx: &mut Tx<'_>, site: &Site, now: UtcMs) -> Result<u64> {
    let mut moved = 0;
    for class in Class::ALL {
        let hold = site.settings.sending.unknown_hold.contains(&class);
        let (to, why) = if hold {
            (State::Held, Some("perhaps sent: the answer to the last dot was lost"))
        } else {
            (State::Queued, None)
        };
        moved += store::messages::settle_unknown(tx, site.id, class, to, why, now).await?;
    }
    Ok(moved)
}

/// A planned message is due: too late, put off by a cap, no longer wanted, or to be sent.
async fn promote(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    message: PlannedDue,
    now: UtcMs,
) -> Result<()> {
    let mut shift = (State::Queued, None, message.next_at);
    if message.expires_at.is_some_and(|at| at < now) {
        shift = (State::Expired, Some("too late to be of use".to_owned()), now);
    } else if let Some(enrolment) = message.enrolment_id
        && let Some(why) = enrolments::exit_of(engine, tx, site, enrolment).await?
    {
        shift = (State::Cancelled, Some(why), now);
    } else if let Some(contact) = message.contact_id
        && let Some(put_off) =
            caps::put_off(engine, tx, site, contact, message.id, message.class).await?
    {
        shift = (State::Planned, Some(put_off.why), put_off.until);
    }
    let (to, why, at) = shift;
    store::messages::shift(tx, site.id, message.id, State::Planned, to, why.as_deref(), at).await?;
    Ok(())
}
