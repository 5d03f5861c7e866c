//! The learned score: how likely a contact is to buy, from what the site had seen of those before
//! them.
//!
//! A case is a contact as it stood [`SEEN_DAYS`] days after it came; the question is whether its
//! first paid order came within [`HORIZON_DAYS`] days of that. Whatever happened later is in no
//! case, and a contact is a case only once its days are over, so nothing of the answer can leak
//! into the question. Nothing is ever sent because of a chance.

use std::collections::BTreeSet;

use model::audits::Actor;
use model::ids::{ContactId, first_id_at};
use model::jobs::{Outcome, Work};
use model::sites::Site;
use model::{SiteId, UtcMs};
use numbers::scores::Explanation;
use numbers::scores::table::Cell;
use serde_json::json;
use store::Session;
use store::learned_scores::Learned;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{audits, jobs};

mod facts;
mod lesson;
mod protected;
mod written;

pub use protected::is_protected;
pub use written::{BinTold, Told, Weight};

use facts::Fact;
use written::Taught;

/// Days after it came at which a contact is looked at.
pub const SEEN_DAYS: i64 = 7;
/// Days from then within which it may buy.
pub const HORIZON_DAYS: i64 = 90;
/// Below so many buyers, or so many others, nothing is learned.
pub const LEAST: usize = 50;
/// Buyers (or others, if they are fewer) for each thing that is learned.
pub const PER_COLUMN: usize = 10;
/// Contacts that are learned from at most: the newest.
const CASES_MAX: usize = 50_000;
/// Contacts read at once.
const BATCH: i64 = 500;
/// How often it is learned anew by itself.
const EVERY_DAYS: i64 = 7;
/// Between the id of a contact and when it came, where it came by itself: an import knows of
/// earlier days, of which the site has seen nothing.
const IMPORTED_MS: i64 = model::times::DAY_MS;

/// Asks for a lesson: a job does it.
///
/// # Errors
/// The database fails.
pub async fn ask(engine: &Engine, site: &Site) -> Result<()> {
    let (of, site) = (engine.clone(), site.id);
    engine
        .write(move |tx| {
            Box::pin(async move {
                let now = of.now();
                store::learned_scores::ask(tx, site, now).await?;
                let work = Work::LearnScores { asked: now.0 };
                jobs::enqueue(&of, tx, site, &work, &format!("learn:{}", now.0), now).await?;
                audits::note(&of, tx, site, "learned_score.asked", "", &()).await
            })
        })
        .await?;
    engine.wake();
    Ok(())
}

/// Names protected fields that may be learned from all the same.
///
/// # Errors
/// The database fails.
pub async fn allow(engine: &Engine, site: &Site, fields: &str) -> Result<()> {
    let names: BTreeSet<String> =
        fields.split(',').map(|name| model::contacts::clean(name, 100).to_lowercase()).collect();
    let names: Vec<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
    let (of, site, text) = (engine.clone(), site.id, names.join(", "));
    engine
        .write(move |tx| {
            Box::pin(async move {
                store::learned_scores::allow(tx, site, &text).await?;
                let data = json!({ "fields": text });
                audits::note(&of, tx, site, "learned_score.allowed", "", &data).await
            })
        })
        .await
}

/// What the job does.
pub(crate) async fn work(engine: &Engine, site: SiteId) -> Result<Outcome> {
    let learned = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::learned_scores::find(session, site).await?) })
        })
        .await?;
    let allowed = learned.map(|learned| learned.allowed).unwrap_or_default();
    let lesson = lesson::learn(engine, site, &allowed).await?;
    let now = engine.now();
    let (told, kept) = (written::text(&lesson.told)?, lesson.kept);
    let why = lesson.why;
    engine
        .write(move |tx| {
            Box::pin(async move {
                let row = (why.as_deref(), told.as_str(), kept.as_deref());
                Ok(store::learned_scores::put(tx, site, row, now).await?)
            })
        })
        .await?;
    give(engine, site).await?;
    Ok(Outcome::Done)
}

/// The instants between which contacts came that have a chance now: their first days are over, and
/// the days in which they may buy are not.
fn open(now: UtcMs) -> (UtcMs, UtcMs) {
    (now.plus_days(-SEEN_DAYS - HORIZON_DAYS), now.plus_days(-SEEN_DAYS))
}

/// Gives a chance to everyone who may have one and has none by the newest lesson.
async fn give(engine: &Engine, site: SiteId) -> Result<usize> {
    let (from, until) = open(engine.now());
    let mut done = 0;
    loop {
        let part = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move { chances(session, site, (from, until)).await })
            })
            .await?;
        let Some((to, chances)) = part else { break };
        done += chances.len();
        engine
            .write(move |tx| {
                Box::pin(async move {
                    for (contact, chance) in &chances {
                        store::learned_scores::put_chance(tx, site, *contact, *chance).await?;
                    }
                    Ok(store::learned_scores::scored_to(tx, site, to).await?)
                })
            })
            .await?;
    }
    let gone = first_id_at(from);
    engine
        .write(move |tx| {
            Box::pin(async move {
                Ok(store::learned_scores::forget_before(tx, site, ContactId(gone)).await?)
            })
        })
        .await?;
    Ok(done)
}

/// The chances of the next contacts, and the last that was looked at; nothing where none is left.
async fn chances(
    session: &mut Session<'_>,
    site: SiteId,
    (from, until): (UtcMs, UtcMs),
) -> Result<Option<(ContactId, Vec<(ContactId, f64)>)>> {
    let Some(learned) = store::learned_scores::find(session, site).await? else { return Ok(None) };
    let Some(model) = learned.kept.as_deref().and_then(written::read) else { return Ok(None) };
    let after = learned.scored_to.max(ContactId(first_id_at(from)));
    let before = ContactId(first_id_at(until));
    let found = store::learned_scores::came_between(session, site, (after, before), BATCH).await?;
    let Some(last) = found.last().copied() else { return Ok(None) };
    let mut chances = Vec::new();
    for id in found {
        if let Some(explained) = explain_by(session, site, id, &model).await? {
            chances.push((id, explained.probability));
        }
    }
    Ok(Some((last, chances)))
}

async fn explain_by(
    session: &mut Session<'_>,
    site: SiteId,
    id: ContactId,
    taught: &Taught,
) -> Result<Option<Explanation>> {
    let Some(case) = facts::read(session, site, id).await? else { return Ok(None) };
    if case.bought.is_some() {
        return Ok(None);
    }
    let cells: Vec<Cell<'_>> = taught
        .model
        .fields()
        .map(|name| match case.facts.get(name) {
            Some(Fact::Number(number)) => Cell::Number(*number),
            Some(Fact::Word(word)) => Cell::Word(taught.word(name, word)),
            None => Cell::Missing,
        })
        .collect();
    Ok(Some(taught.model.explain(&cells)))
}

/// The chance of a contact taken apart; nothing where it has none: nothing was learned, its first
/// days are not over, its last ones are, or it has bought.
///
/// # Errors
/// The database fails.
pub async fn explain(
    session: &mut Session<'_>,
    site: SiteId,
    id: ContactId,
    now: UtcMs,
) -> Result<Option<Explanation>> {
    let Some(learned) = store::learned_scores::find(session, site).await? else { return Ok(None) };
    let Some(model) = learned.kept.as_deref().and_then(written::read) else { return Ok(None) };
    let (from, until) = open(now);
    if id.0 < first_id_at(from) || id.0 >= first_id_at(until) {
        return Ok(None);
    }
    explain_by(session, site, id, &model).await
}

/// What a lesson said, as it is kept.
pub fn told(learned: &Learned) -> Option<Told> {
    serde_json::from_str(&learned.told).ok()
}

/// Once an hour: whoever has had their first days gets a chance, and what is a week old is learned
/// anew.
pub(crate) async fn hourly(engine: &Engine, id: SiteId) -> Result<usize> {
    let found = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let learned = store::learned_scores::find(session, id).await?;
                Ok(store::sites::find(session, id).await?.zip(learned))
            })
        })
        .await?;
    let Some((site, learned)) = found else { return Ok(0) };
    let is_old = learned
        .learned_at
        .is_some_and(|at| engine.now().since_ms(at) >= EVERY_DAYS * model::times::DAY_MS);
    if is_old {
        ask(&engine.by(Actor::System), &site).await?;
        return Ok(0);
    }
    give(engine, id).await
}
