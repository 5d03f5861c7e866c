//! Whose visit it was. A visitor becomes a contact by an act of its own on that day, and an address
//! that was typed is nobody's act: a form joins once the contact confirmed after it, an order once
//! it is paid, a click in a mail once it was judged a person's. And only where the contact agreed to
//! mail, or bought. Until then the act waits; if nothing comes of it, it is forgotten. So are all
//! visits of who said no.

use jiff::civil::Date;
use model::consents::{Action, NEWSLETTER, Source};
use model::contacts::Status;
use model::ids::{ClickId, ContactId, OrderId};
use model::sites::Site;
use model::spans::day_number;
use model::times::{DAY_MS, MINUTE_MS};
use model::{SiteId, UtcMs};
use store::Session;
use store::visits::{Verdict, Visit};

use std::sync::{Arc, PoisonError};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

use super::{Known, WAITING_MAX};

/// An act waits so long for its confirmation: the link in a mail holds for seven days.
const WAITS_MS: i64 = 8 * DAY_MS;
/// Looked at again no sooner; later and later, as what waits for long waits for ever.
const AGAIN_MS: i64 = MINUTE_MS;
/// Looked at in one round.
const BATCH: i64 = 200;
/// Contacts whose standing is read at once.
const CONTACTS: i64 = 500;

/// By what a visitor says who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// An answer to a form.
    Form,
    /// An order.
    Order(OrderId),
    /// A click in a mail.
    Click(ClickId),
}

/// A visitor's act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAct {
    /// When.
    pub at: UtcMs,
    /// That day in the site's zone.
    pub day: Date,
    /// What tells one browser from another today, as in [`model::views::View`].
    pub visitor: String,
    /// Who did it.
    pub contact: ContactId,
    /// What they did.
    pub by: By,
}

/// A visitor did something as a contact. Keeps it in memory and returns at once.
pub fn acted(engine: &Engine, site: SiteId, act: OwnAct) {
    let mut acts = engine.tally().acts.lock().unwrap_or_else(PoisonError::into_inner);
    if acts.len() < WAITING_MAX {
        acts.push((site, act));
    }
}

/// Writes the acts that wait; where that fails they go on waiting.
pub(super) async fn flush(engine: &Engine, known: &mut Known) -> Result<()> {
    let acts = {
        let mut acts = engine.tally().acts.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *acts)
    };
    if acts.is_empty() {
        return Ok(());
    }
    let acts = Arc::new(acts);
    let (of, mut own, inside) = (engine.clone(), std::mem::take(known), Arc::clone(&acts));
    let outcome = engine
        .write_views(move |tx| {
            Box::pin(async move {
                for (site, act) in inside.iter() {
                    let site = *site;
                    let today = own.today(&of, tx, site, act.day).await?;
                    let (word, subject_id) = match act.by {
                        By::Form => ("form", None),
                        By::Order(order) => ("order", Some(order.0)),
                        By::Click(click) => ("click", Some(click.0)),
                    };
                    let visit = Visit {
                        site_id: site,
                        contact_id: act.contact,
                        day: day_number(act.day),
                        visitor: today.hash(&act.visitor),
                        act: word.to_owned(),
                        subject_id,
                        at: act.at,
                    };
                    store::visits::put(tx, &visit, act.at).await?;
                }
                Ok(own)
            })
        })
        .await;
    match outcome {
        Ok(own) => {
            *known = own;
            Ok(())
        }
        Err(fault) => {
            let mut waiting = engine.tally().acts.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.extend(Arc::unwrap_or_clone(acts));
            waiting.truncate(WAITING_MAX);
            Err(fault)
        }
    }
}

/// Looks at the visits whose contact is not certain; how many were decided.
///
/// # Errors
/// The database fails.
pub async fn sweep(engine: &Engine) -> Result<usize> {
    let now = engine.now();
    let due = engine
        .views_reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::visits::due(session, now, BATCH).await?) })
        })
        .await?;
    if due.is_empty() {
        return Ok(0);
    }
    let judged = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut judged = Vec::new();
                for visit in due {
                    let verdict = judge(session, &visit, now).await?;
                    judged.push((visit, verdict));
                }
                Ok(judged)
            })
        })
        .await?;
    let decided = judged.iter().filter(|(_, v)| !matches!(v, Verdict::Wait(_))).count();
    engine
        .write_views(move |tx| {
            Box::pin(async move {
                for (visit, verdict) in judged {
                    store::visits::settle(tx, &visit, verdict).await?;
                }
                Ok(())
            })
        })
        .await?;
    Ok(decided)
}

async fn judge(session: &mut Session<'_>, visit: &Visit, now: UtcMs) -> Result<Verdict> {
    let site = visit.site_id;
    let age = now.since_ms(visit.at).max(0);
    let wait = if age > WAITS_MS {
        Verdict::Dropped
    } else {
        Verdict::Wait(now.plus_ms(age.max(AGAIN_MS)).min(visit.at.plus_ms(WAITS_MS + 1)))
    };
    let found = store::contacts::find(session, site, visit.contact_id).await?;
    let Some(contact) = found.filter(|contact| may_be_followed(contact.status, contact.erased_at))
    else {
        return Ok(Verdict::Dropped);
    };
    let is_shown = match (visit.act.as_str(), visit.subject_id) {
        ("click", Some(click)) => {
            match store::clicks::verdict(session, site, ClickId(click)).await?.as_deref() {
                Some("human") => true,
                Some(_) => return Ok(Verdict::Dropped),
                None => false,
            }
        }
        ("order", Some(order)) => {
            let order = store::orders::find(session, site, OrderId(order)).await?;
            order.is_some_and(|order| order.contact_id == contact.id && order.paid_at.is_some())
        }
        _ => false,
    };
    let is_theirs = is_shown || confirmed_since(session, visit).await?;
    let agreed = contact.status == Status::Confirmed
        || is_theirs && store::orders::has_paid(session, site, contact.id).await?;
    Ok(if is_theirs && agreed { Verdict::Joined } else { wait })
}

/// Who said no is not followed.
fn may_be_followed(status: Status, erased_at: Option<UtcMs>) -> bool {
    erased_at.is_none() && !matches!(status, Status::Unsubscribed | Status::Suppressed)
}

/// Whether the contact pressed the button of a mail after the act. Before it shows nothing: anyone
/// can type the address of someone who is in. Nor does a list that was taken in meanwhile.
async fn confirmed_since(session: &mut Session<'_>, visit: &Visit) -> Result<bool> {
    let lines = store::consents::list(session, visit.site_id, visit.contact_id).await?;
    Ok(lines.iter().any(|line| {
        line.action == Action::Granted
            && line.purpose == NEWSLETTER
            && matches!(line.source, Source::Form | Source::Checkout)
            && line.at > visit.at
    }))
}

/// Forgets the visits of everyone who has left, by whichever way, or is there no more; of how many.
/// Those who press a button are forgotten at once; this finds the others, and what a crash between
/// the two databases left.
///
/// # Errors
/// The database fails.
pub(crate) async fn forget_left(engine: &Engine, site: &Site) -> Result<usize> {
    let (id, mut after, mut gone) = (site.id, ContactId(0), 0);
    loop {
        let from = after;
        let some = engine
            .views_reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(
                    async move { Ok(store::visits::contacts(session, id, from, CONTACTS).await?) },
                )
            })
            .await?;
        let Some(last) = some.last() else { return Ok(gone) };
        after = *last;
        let left = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let mut left = Vec::new();
                    for contact in some {
                        let found = store::contacts::reach(session, id, contact).await?;
                        let stays =
                            found.is_some_and(|of| may_be_followed(of.status, of.erased_at));
                        left.extend((!stays).then_some(contact));
                    }
                    Ok(left)
                })
            })
            .await?;
        for contact in left {
            forget(engine, id, contact).await?;
            gone += 1;
        }
    }
}

/// Forgets whose visits they were. Acts that wait in memory are of the last second or two: those of
/// an erased contact are dropped when they are looked at.
///
/// # Errors
/// The database fails.
pub(crate) async fn forget(engine: &Engine, site: SiteId, contact: ContactId) -> Result<()> {
    {
        let mut acts = engine.tally().acts.lock().unwrap_or_else(PoisonError::into_inner);
        acts.retain(|(of, act)| *of != site || act.contact != contact);
    }
    engine
        .write_views(move |tx| {
            Box::pin(async move { Ok(store::visits::forget(tx, site, contact).await?) })
        })
        .await
}
