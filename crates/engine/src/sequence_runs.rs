//! Many people put into a sequence at once: asked for once however often it is pressed, worked off
//! in portions, and stopped when somebody thinks better of it. Nobody enters twice: an enrolment is
//! one for a contact and a sequence, whoever asks.

use model::ids::{ContactId, SequenceId, SequenceRunId};
use model::sequence_runs::{Audience, BEGINS_AFTER_MS, Outcome, TYPED_ABOVE};
use model::sites::Site;
use model::{Refused, SiteId};
use serde_json::json;
use store::Tx;
use store::sequence_runs::{Portion, SequenceRun};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::sweeps::Round;
use crate::{audits, enrolments, guard, sequences};

/// Runs that have their turn in one sweep.
const RUNS_MAX: i64 = 5;
/// People of one run in one sweep: other work gets its turn in between.
const PEOPLE_A_SWEEP: i64 = 500;
/// People committed together: an enrolment, an event and a line each.
const PORTION: usize = 100;
/// Under which word a run rests that could not be dealt with.
const KIND: &str = "sequence run";

/// Who would be put in, as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// How many may be written to now.
    pub people: i64,
    /// Which run of them it would be.
    pub turn: i64,
    /// Those made from here on are not meant.
    pub before: ContactId,
    /// The run of the same people that is at work now.
    pub running: Option<SequenceRunId>,
}

/// Counts an audience.
///
/// # Errors
/// There is no such sequence, or it takes nobody.
pub async fn look(
    engine: &Engine,
    site: SiteId,
    sequence: SequenceId,
    audience: &Audience,
) -> Result<Look> {
    look_below(engine, site, sequence, audience, ContactId(engine.next_id())).await
}

/// The same, of those made before `before`.
async fn look_below(
    engine: &Engine,
    site: SiteId,
    sequence: SequenceId,
    audience: &Audience,
    before: ContactId,
) -> Result<Look> {
    let audience = audience.clone();
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                let known = sequences::get(session, site, sequence).await?;
                sequences::must_be_live(&known)?;
                let people =
                    store::contact_lists::count_of(session, site, &audience, before).await?;
                let newest =
                    store::sequence_runs::newest_of(session, site, sequence, &audience).await?;
                Ok(Look {
                    people,
                    turn: newest.as_ref().map_or(1, |run| run.turn + 1),
                    before,
                    running: newest.filter(|run| run.state == "running").map(|run| run.id),
                })
            })
        })
        .await
}

/// What an operator presses, as the page before said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Into which sequence.
    pub sequence: SequenceId,
    /// Who.
    pub audience: Audience,
    /// [`Look::turn`].
    pub turn: i64,
    /// [`Look::before`].
    pub before: ContactId,
    /// [`Look::people`].
    pub people: i64,
    /// The number as it was typed.
    pub typed: Option<i64>,
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It begins in a minute.
    Begun(SequenceRunId),
    /// The same button was pressed before: there is one run.
    Before(SequenceRunId),
}

/// Asks for a run. Pressed twice, or by two people who look at the same page, it is one run.
///
/// # Errors
/// The sequence takes nobody; there is nobody, or there are more people than the page said; they
/// are many and their number was not typed; a run of the same people is at work.
pub async fn ask(engine: &Engine, site: SiteId, asked: Asked) -> Result<Taken> {
    // Whoever came after the page was shown is not meant.
    let before = asked.before.min(ContactId(engine.next_id()));
    // Looked at before: a run of this very turn, begun meanwhile, is not one that stands in the way.
    let now = look_below(engine, site, asked.sequence, &asked.audience, before).await;
    if let Some(run) = find_turn(engine, site, &asked).await? {
        return Ok(Taken::Before(run.id));
    }
    let now = now?;
    check(&asked, &now)?;
    let at = engine.now();
    let new = SequenceRun {
        site_id: site,
        id: SequenceRunId(engine.next_id()),
        sequence_id: asked.sequence,
        audience: asked.audience.clone(),
        turn: asked.turn,
        state: "running".to_owned(),
        why: None,
        actor: engine.actor().to_string(),
        asked: now.people,
        entered: 0,
        left_out: 0,
        reached: ContactId(0),
        before_id: before,
        begin_at: at.plus_ms(BEGINS_AFTER_MS),
        created_at: at,
        ended_at: None,
    };
    let (of, id) = (engine.clone(), new.id);
    let made = engine
        .write(move |tx| {
            Box::pin(async move {
                let known = sequences::get(tx, site, new.sequence_id).await?;
                sequences::must_be_live(&known)?;
                if !store::sequence_runs::insert(tx, &new).await? {
                    return Ok(false);
                }
                let data = json!({
                    "sequence": new.sequence_id, "who": new.audience.to_string(),
                    "people": new.asked,
                });
                audits::note(&of, tx, site, "sequence.run_asked", id, &data).await?;
                Ok(true)
            })
        })
        .await?;
    if made {
        return Ok(Taken::Begun(id));
    }
    let first = find_turn(engine, site, &asked).await?;
    let first = first.ok_or_else(|| EngineError::missing("run", asked.turn))?;
    Ok(Taken::Before(first.id))
}

async fn find_turn(engine: &Engine, site: SiteId, asked: &Asked) -> Result<Option<SequenceRun>> {
    let (sequence, audience, turn) = (asked.sequence, asked.audience.clone(), asked.turn);
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                let found =
                    store::sequence_runs::find_turn(session, site, sequence, &audience, turn);
                Ok(found.await?)
            })
        })
        .await
}

fn check(asked: &Asked, now: &Look) -> std::result::Result<(), Refused> {
    let people = now.people;
    if now.running.is_some() {
        let say = "the same people are being put in right now: wait until that is done, or stop it";
        return Err(Refused::new("run_at_work", say).at("who"));
    }
    if asked.turn != now.turn {
        let say = "these people were put in meanwhile: look at how many there are now";
        return Err(Refused::new("run_stale", say).at("who"));
    }
    if people == 0 {
        let say = "there is nobody to put in: choose other people";
        return Err(Refused::new("run_empty", say).at("who"));
    }
    if people > asked.people {
        let say = format!(
            "there are {people} people now, and not {}: press again if that is right",
            asked.people
        );
        return Err(Refused::new("run_grew", say).at("typed"));
    }
    if people > TYPED_ABOVE && asked.typed != Some(asked.people) {
        let say = format!(
            "this would write to {} people: type {} to show that you mean it",
            asked.people, asked.people
        );
        return Err(Refused::new("run_number", say).at("typed"));
    }
    Ok(())
}

/// Stops a run between two portions; `false` where it had ended. Who is in stays in.
///
/// # Errors
/// There is no such run into this sequence.
pub async fn stop(
    engine: &Engine,
    site: SiteId,
    sequence: SequenceId,
    id: SequenceRunId,
) -> Result<bool> {
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let run = store::sequence_runs::find_to_change(tx, site, id).await?;
                run.filter(|run| run.sequence_id == sequence)
                    .ok_or_else(|| EngineError::missing("run", id))?;
                let (why, now) = (Some("stopped by an operator"), of.now());
                if !store::sequence_runs::end(tx, site, id, "stopped", why, now).await? {
                    return Ok(false);
                }
                audits::note(&of, tx, site, "sequence.run_stopped", id, &()).await?;
                Ok(true)
            })
        })
        .await
}

/// Goes on with the runs there are, a few portions each; how many people were dealt with.
pub(crate) async fn sweep(engine: &Engine) -> Result<usize> {
    let now = engine.now();
    let limit = engine.resting().batch(KIND, RUNS_MAX, now);
    let due = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::sequence_runs::due(session, now, limit).await?) })
        })
        .await?;
    if due.is_empty() || guard::held(engine).await?.is_some() {
        return Ok(0);
    }
    let mut round = Round::default();
    for run in due {
        if engine.resting().holds(KIND, run.site_id, run.id.0) {
            continue;
        }
        let key = (KIND, run.site_id, run.id.0);
        let outcome = engine.resting().after(key, work_off(engine, &run).await, now);
        round.took(format_args!("people of {}", run.id), outcome);
    }
    round.end()
}

/// Some portions of a run, from where it stands.
async fn work_off(engine: &Engine, run: &SequenceRun) -> Result<usize> {
    let (site, audience) = (run.site_id, run.audience.clone());
    let between = (run.reached, run.before_id);
    // Who got the tag, bought or confirmed since it was asked for was not among those counted.
    let left = (run.asked - run.entered - run.left_out).max(0);
    let limit = left.min(PEOPLE_A_SWEEP);
    let (site, mut people) = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let found = store::sites::find(session, site).await?;
                let found = found.ok_or_else(|| EngineError::missing("site", site))?;
                let people =
                    store::contact_lists::some_of(session, site, &audience, between, limit + 1);
                Ok((found, people.await?))
            })
        })
        .await?;
    let found = i64::try_from(people.len()).unwrap_or(i64::MAX);
    people.truncate(usize::try_from(limit).unwrap_or(0));
    let mut done = 0;
    let mut from = run.reached;
    for portion in people.chunks(PORTION) {
        let (of, on, id, portion) = (engine.clone(), site.clone(), run.id, portion.to_vec());
        let (len, last) = (portion.len(), portion.last().copied());
        let went = engine
            .write(move |tx| Box::pin(async move { commit(&of, tx, &on, id, from, portion).await }))
            .await?;
        if !went {
            return Ok(done);
        }
        done += len;
        from = last.unwrap_or(from);
    }
    let end = match found {
        found if found <= limit => ("done", None),
        _ if limit == left => ("stopped", Some("more people were among them than were asked for")),
        _ => return Ok(done),
    };
    let (of, on, id) = (engine.clone(), site, run.id);
    let ended = engine
        .write(move |tx| Box::pin(async move { finish(&of, tx, (on.id, id), from, end).await }))
        .await?;
    Ok(done + usize::from(ended))
}

/// One portion, committed with how far it got; `false` where the run was stopped, or moved on.
async fn commit(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    id: SequenceRunId,
    from: ContactId,
    people: Vec<ContactId>,
) -> Result<bool> {
    let run = store::sequence_runs::find_to_change(tx, site.id, id).await?;
    let Some(run) = run.filter(|run| run.state == "running" && run.reached == from) else {
        return Ok(false);
    };
    let now = engine.now();
    let sequence = sequences::get(tx, site.id, run.sequence_id).await?;
    if sequence.state == "paused" {
        // It goes on with the sequence.
        return Ok(false);
    }
    if sequence.state != "live" {
        let why = Some("the sequence was retired");
        store::sequence_runs::end(tx, site.id, id, "stopped", why, now).await?;
        return Ok(false);
    }
    let mut portion = Portion { reached: from, entered: 0, left_out: 0 };
    for contact in people {
        let outcome = enrolments::enter_by_hand(engine, tx, site, contact, &sequence).await?;
        store::sequence_runs::note(tx, site.id, id, contact, outcome, now).await?;
        portion.reached = contact;
        match outcome {
            Outcome::Entered => portion.entered += 1,
            _ => portion.left_out += 1,
        }
    }
    if store::sequence_runs::advance(tx, site.id, id, from, portion, now).await? {
        return Ok(true);
    }
    Err(EngineError::Conflict("the run moved on meanwhile, or was stopped".to_owned()))
}

async fn finish(
    engine: &Engine,
    tx: &mut Tx<'_>,
    (site, id): (SiteId, SequenceRunId),
    from: ContactId,
    (state, why): (&str, Option<&str>),
) -> Result<bool> {
    let run = store::sequence_runs::find_to_change(tx, site, id).await?;
    if !run.is_some_and(|run| run.state == "running" && run.reached == from) {
        return Ok(false);
    }
    Ok(store::sequence_runs::end(tx, site, id, state, why, engine.now()).await?)
}
