//! Whose visit it was. A visitor becomes a contact by an act of its own on that day: an answer to a
//! form, an order, a click in a mail that was judged a person's; and only where the contact agreed
//! to mail, or bought. Until then the act waits; if nothing comes of it, it is forgotten.

use jiff::civil::Date;
use model::contacts::Status;
use model::ids::{ClickId, ContactId, OrderId};
use model::times::{DAY_MS, MINUTE_MS};
use model::views::day_number;
use model::{SiteId, UtcMs};
use store::Session;
use store::visits::{Verdict, Visit};

use std::sync::PoisonError;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

use super::{Known, WAITING_MAX};

/// An act waits so long for its confirmation: the link in a mail holds for seven days.
const WAITS_MS: i64 = 8 * DAY_MS;
/// Looked at again no sooner; later and later, as what waits for long waits for ever.
const AGAIN_MS: i64 = MINUTE_MS;
/// Looked at in one round.
const BATCH: i64 = 200;

/// By what a visitor says who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// An answer to a form.
    Form,
    /// An order.
    Order,
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

/// Writes the acts that wait.
pub(super) async fn flush(engine: &Engine, known: &mut Known) -> Result<()> {
    let acts = {
        let mut acts = engine.tally().acts.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *acts)
    };
    if acts.is_empty() {
        return Ok(());
    }
    let (of, mut own) = (engine.clone(), std::mem::take(known));
    *known = engine
        .write_views(move |tx| {
            Box::pin(async move {
                for (site, act) in acts {
                    let today = own.today(&of, tx, site, act.day).await?;
                    let (word, click_id) = match act.by {
                        By::Form => ("form", None),
                        By::Order => ("order", None),
                        By::Click(click) => ("click", Some(click)),
                    };
                    let visit = Visit {
                        site_id: site,
                        contact_id: act.contact,
                        day: day_number(act.day),
                        visitor: today.hash(&act.visitor),
                        act: word.to_owned(),
                        click_id,
                        at: act.at,
                    };
                    store::visits::put(tx, &visit, act.at).await?;
                }
                Ok(own)
            })
        })
        .await?;
    Ok(())
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
    let Some(contact) = found.filter(|contact| !contact.is_erased()) else {
        return Ok(Verdict::Dropped);
    };
    if let Some(click) = visit.click_id {
        match store::clicks::verdict(session, site, click).await?.as_deref() {
            Some("human") => {}
            Some(_) => return Ok(Verdict::Dropped),
            None => return Ok(wait),
        }
    }
    match contact.status {
        Status::Confirmed => return Ok(Verdict::Joined),
        // Who said no is not followed.
        Status::Unsubscribed | Status::Suppressed if visit.act != "order" => {
            return Ok(Verdict::Dropped);
        }
        _ => {}
    }
    let last = OrderId(i64::MAX);
    let orders = store::orders::list_of_contact(session, site, contact.id, last, 1).await?;
    Ok(if orders.is_empty() { wait } else { Verdict::Joined })
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
