//! Keeps the score of every contact: of those with new events within a second or two, of all where
//! a rule changed, and of those that fade once a day.

use model::SiteId;
use model::ids::{ContactId, first_id_at, made_at};
use model::scores::Rule;
use model::sites::Site;
use model::times::MINUTE_MS;
use store::Session;
use store::scores::{Score, State, Step};

use super::{Known, SAME, fades, is_hot, midnight};
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::sweeps::Round;

/// Contacts worked out in one go.
const BATCH: i64 = 300;
/// How far back events are looked for again: on PostgreSQL a transaction may commit after one that
/// began later.
const OVERLAP_MS: i64 = MINUTE_MS;

/// Brings the scores of every site up to date; how many contacts were worked out.
pub(crate) async fn sweep(engine: &Engine) -> Result<usize> {
    let kept = engine
        .reader()
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move {
                let mut kept = Vec::new();
                for site in store::sites::list(session).await? {
                    if let Some(state) = store::scores::state(session, site.id).await? {
                        let rules = store::scores::rules(session, site.id).await?;
                        let newest = store::scores::newest_event(session, site.id).await?;
                        kept.push((site, state, rules, newest));
                    }
                }
                Ok(kept)
            })
        })
        .await?;
    let mut round = Round::default();
    for (site, state, rules, newest) in kept {
        let id = site.id;
        let of = Keeping { engine, site, state, rules };
        if of.rules.is_empty() && of.state.walk.is_none() {
            continue;
        }
        let (events, walk, day) = (of.events(newest).await, of.walk().await, of.day().await);
        round.took(format_args!("new events of site {id}"), events);
        round.took(format_args!("a walk through site {id}"), walk);
        round.took(format_args!("the day of site {id}"), day);
    }
    round.end()
}

/// One site whose scores are kept.
struct Keeping<'a> {
    engine: &'a Engine,
    site: Site,
    state: State,
    rules: Vec<Rule>,
}

/// What became of some contacts.
#[derive(Default)]
struct Outcome {
    scores: Vec<Score>,
    raised: i64,
    lowered: i64,
}

impl Keeping<'_> {
    /// Contacts with new events.
    async fn events(&self, newest: i64) -> Result<usize> {
        let (site, seen) = (self.site.id, self.state.seen_event);
        let rests = self.engine.now().since_ms(made_at(newest)) > OVERLAP_MS;
        if newest <= seen && rests {
            return Ok(0);
        }
        let after = first_id_at(made_at(seen).plus_ms(-OVERLAP_MS)).min(seen);
        let (stale, imported) = self
            .engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let stale = store::scores::stale(session, site, after, BATCH).await?;
                    // People whom an import brought have no event each.
                    Ok((stale, store::scores::imports_since(session, site, seen).await? > 0))
                })
            })
            .await?;
        let done = stale.len();
        let outcome = self.work_out(stale, Found::ByEvent).await?;
        let is_all = done < usize::try_from(BATCH).unwrap_or(0);
        let (now, as_of) = (self.engine.now(), self.state.as_of);
        if outcome.scores.is_empty() && newest <= seen {
            return Ok(done);
        }
        self.engine
            .write(move |tx| {
                Box::pin(async move {
                    for score in &outcome.scores {
                        store::scores::put(tx, site, score).await?;
                    }
                    if is_all {
                        store::scores::seen(tx, site, newest, now).await?;
                    }
                    if is_all && imported {
                        store::scores::walk(tx, site, "rules", as_of, now).await?;
                    }
                    Ok(done)
                })
            })
            .await
    }

    /// The next contacts of a walk.
    async fn walk(&self) -> Result<usize> {
        if self.state.walk.is_none() {
            return Ok(0);
        }
        let (site, state) = (self.site.id, self.state.clone());
        let found = self
            .engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(
                    async move { Ok(store::scores::to_walk(session, site, &state, BATCH).await?) },
                )
            })
            .await?;
        let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
        let to = found.last().copied().unwrap_or(self.state.walked_to);
        let outcome = self.work_out(found, Found::ByWalk).await?;
        let (raised, lowered) = (outcome.raised, outcome.lowered);
        let step = Step { to, is_last: count < BATCH, contacts: count, raised, lowered };
        let (state, now) = (self.state.clone(), self.engine.now());
        self.engine
            .write(move |tx| {
                Box::pin(async move {
                    // Where the walk was begun anew meanwhile, these were worked out by old rules.
                    if store::scores::step(tx, site, &state, &step, now).await? {
                        for score in &outcome.scores {
                            store::scores::put(tx, site, score).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(usize::try_from(count).unwrap_or(0).max(1))
    }

    /// A day is over: what fades has less.
    async fn day(&self) -> Result<usize> {
        let (now, site) = (self.engine.now(), self.site.id);
        let as_of = midnight(&self.site, now);
        if self.state.walk.is_some() || self.state.as_of >= as_of {
            return Ok(0);
        }
        self.engine
            .write(move |tx| {
                Box::pin(async move { Ok(store::scores::walk(tx, site, "day", as_of, now).await?) })
            })
            .await?;
        Ok(1)
    }

    async fn work_out(&self, contacts: Vec<ContactId>, found: Found) -> Result<Outcome> {
        if contacts.is_empty() {
            return Ok(Outcome::default());
        }
        let (site, state, rules) = (self.site.id, self.state.clone(), self.rules.clone());
        self.engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let mut outcome = Outcome::default();
                    for id in contacts {
                        let old = store::scores::find(session, site, id).await?;
                        let before = old.as_ref().map_or(0.0, |old| old.points);
                        let fresh = fresh(session, site, id, &rules, &state, old.as_ref()).await?;
                        let Some(fresh) = fresh else { continue };
                        let points = fresh.points;
                        outcome.raised += i64::from(points > before + SAME);
                        outcome.lowered += i64::from(points < before - SAME);
                        let is_worth_a_row =
                            found == Found::ByEvent || old.is_some() || points.abs() > SAME;
                        if is_worth_a_row && old.as_ref() != Some(&fresh) {
                            outcome.scores.push(fresh);
                        }
                    }
                    Ok(outcome)
                })
            })
            .await
    }
}

/// Why contacts are worked out. Whoever has an event gets a row, so that it is known to be in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    ByEvent,
    ByWalk,
}

/// The score of a contact as it is kept.
async fn fresh(
    session: &mut Session<'_>,
    site: SiteId,
    id: ContactId,
    rules: &[Rule],
    state: &State,
    old: Option<&Score>,
) -> Result<Option<Score>> {
    let Some(known) = Known::read(session, site, id).await? else { return Ok(None) };
    let explained = known.explain(rules, state.as_of);
    let points = explained.points;
    let newest_good = explained
        .parts
        .iter()
        .filter(|part| part.points > 0.0)
        .flat_map(|part| part.lines.iter().map(|line| line.at))
        .max();
    let hot_since = if is_hot(points, state.hot_points) {
        old.and_then(|old| old.hot_since).or(newest_good)
    } else {
        None
    };
    Ok(Some(Score {
        contact_id: id,
        points,
        as_of: state.as_of,
        seen_event: known.events.first().map_or(0, |event| event.id.0),
        fades: explained.parts.iter().any(fades),
        hot_since,
    }))
}
