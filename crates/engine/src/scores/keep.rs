//! Keeps the score of every contact: of those with new events within a second or two, of all where
//! a rule changed, and of those that fade once a day.

use model::ids::{ContactId, first_id_at, made_at};
use model::scores::Rule;
use model::sites::Site;
use model::times::MINUTE_MS;
use model::{SiteId, UtcMs};
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

/// Events of one round: what a backlog costs grows with it, and mail waits no longer behind it.
const EVENTS_AT_ONCE: i64 = 1_000;

/// Whether there is anything to bring up to date.
pub(crate) async fn is_due(session: &mut Session<'_>, now: UtcMs) -> Result<bool> {
    for site in store::sites::list(session).await? {
        let Some(state) = store::scores::state(session, site.id).await? else { continue };
        if state.walk.is_some() {
            return Ok(true);
        }
        if store::scores::rules(session, site.id).await?.is_empty() {
            continue;
        }
        let newest = store::scores::newest_event(session, site.id).await?;
        if has_come(&state, newest, now) || state.as_of < midnight(&site, now) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether events came that are in no score, or may have.
fn has_come(state: &State, newest: i64, now: UtcMs) -> bool {
    newest > state.seen_event || now.since_ms(made_at(newest)) <= OVERLAP_MS
}

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
    /// Contacts with new events: those of the next so many events.
    async fn events(&self, newest: i64) -> Result<usize> {
        let (site, seen) = (self.site.id, self.state.seen_event);
        if !has_come(&self.state, newest, self.engine.now()) {
            return Ok(0);
        }
        let after = first_id_at(made_at(seen).plus_ms(-OVERLAP_MS)).min(seen);
        let until = self
            .engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let nth = store::scores::nth_event(session, site, seen, EVENTS_AT_ONCE);
                    Ok(nth.await?.unwrap_or(seen))
                })
            })
            .await?;
        let (mut contact, mut done) = (ContactId(0), 0);
        loop {
            let stale = self
                .engine
                .reader()
                .read::<_, EngineError, _>(move |session| {
                    Box::pin(async move {
                        let events = (after, until);
                        Ok(store::scores::stale(session, site, events, contact, BATCH).await?)
                    })
                })
                .await?;
            let Some(last) = stale.last().copied() else { break };
            contact = last;
            done += self.put(self.work_out(stale, Found::ByEvent).await?).await?;
        }
        if until > seen {
            self.saw(until).await?;
        }
        Ok(done + usize::from(until > seen))
    }

    async fn put(&self, outcome: Outcome) -> Result<usize> {
        let (site, done) = (self.site.id, outcome.scores.len());
        if done == 0 {
            return Ok(0);
        }
        self.engine
            .write(move |tx| {
                Box::pin(async move {
                    for score in &outcome.scores {
                        store::scores::put(tx, site, score).await?;
                    }
                    Ok(done)
                })
            })
            .await
    }

    /// Every event up to `until` is in the scores. People whom an import brought have no event
    /// each: a walk finds them.
    async fn saw(&self, until: i64) -> Result<()> {
        let (site, seen, as_of) = (self.site.id, self.state.seen_event, self.state.as_of);
        let now = self.engine.now();
        self.engine
            .write(move |tx| {
                Box::pin(async move {
                    if store::scores::imports_within(tx, site, (seen, until)).await? > 0 {
                        store::scores::walk(tx, site, as_of, now).await?;
                    }
                    Ok(store::scores::seen(tx, site, until).await?)
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
                Box::pin(async move {
                    Ok(usize::from(store::scores::walk_day(tx, site, as_of, now).await?))
                })
            })
            .await
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
