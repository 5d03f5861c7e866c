//! Sequences: drafted, published as versions, paused, retired; and what becomes of those who are
//! on their way when a version changes.

use model::ids::{EnrolmentId, SequenceId, SequenceVersionId, StepId};
use model::sequences::{StepKind, Version, ZoneOf};
use model::sites::Site;
use model::triggers::Trigger;
use model::{Refused, SiteId, UtcMs};
use store::enrolments::Enrolment;
use store::sequences::Sequence;
use store::{Session, Tx};

use crate::audits;
use crate::engine::Engine;
use crate::enrolments::{version_of, zone_for};
use crate::fault::{EngineError, Result};

/// Enrolments moved to a new version in one transaction.
const MOVED_MAX: i64 = 500;

/// Who follows a newly published version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// New entrants only.
    NewOnly,
    /// And everyone on their way, from where they stand.
    Active,
    /// And those who had finished, where there are steps after their last one.
    Finished,
}

/// What an operator writes of a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What lets a contact enter.
    pub starts_on: Trigger,
    /// The steps.
    pub steps: Version,
}

/// Whom a published version would move.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// On their way.
    pub active: i64,
    /// Finished.
    pub finished: i64,
    /// Left before the end.
    pub exited: i64,
}

/// Makes a draft without steps.
///
/// # Errors
/// The short name is taken or cannot be one.
pub async fn create(
    engine: &Engine,
    site: &Site,
    slug: String,
    name: String,
) -> Result<SequenceId> {
    check_names(&slug, &name)?;
    let empty = Version { zone_of: ZoneOf::Contact, steps: Vec::new(), exits: Vec::new() };
    let now = engine.now();
    let id = SequenceId(engine.next_id());
    let new = Sequence {
        site_id: site.id,
        id,
        slug,
        name,
        state: "draft".to_owned(),
        starts_on: text(&Trigger::Manual)?,
        draft: text(&empty)?,
        version_id: None,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                if store::sequences::find_by_slug(tx, new.site_id, &new.slug).await?.is_some() {
                    let message = "another sequence has this short name: choose a different one";
                    return Err(Refused::new("slug_taken", message).at("slug").into());
                }
                store::sequences::insert(tx, &new, now).await?;
                audits::note(&of, tx, new.site_id, "sequence.made", id, &()).await
            })
        })
        .await?;
    Ok(id)
}

/// Keeps what was edited; nobody follows it before it is published.
///
/// # Errors
/// A step cannot be right, or somebody else changed the sequence meanwhile (A12).
pub async fn save(
    engine: &Engine,
    site: SiteId,
    id: SequenceId,
    revision: i64,
    draft: Draft,
) -> Result<()> {
    check_names(&draft.slug, &draft.name)?;
    if !draft.steps.steps.is_empty() {
        draft.steps.check()?;
    }
    let now = engine.now();
    let (starts_on, steps) = (text(&draft.starts_on)?, text(&draft.steps)?);
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                check_templates(tx, site, &draft.steps).await?;
                let mut known = get(tx, site, id).await?;
                known.revision = revision;
                (known.slug, known.name) = (draft.slug, draft.name);
                (known.starts_on, known.draft) = (starts_on, steps);
                write(tx, &known, now).await?;
                audits::note(&of, tx, site, "sequence.saved", id, &()).await
            })
        })
        .await
}

/// Freezes the draft as the next version and lets `follow` follow it; how many were moved.
///
/// # Errors
/// There are no steps, or one cannot be right.
pub async fn publish(engine: &Engine, site: Site, id: SequenceId, follow: Follow) -> Result<usize> {
    let version_id = SequenceVersionId(engine.next_id());
    let now = engine.now();
    let (site_id, of) = (site.id, engine.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let mut known = get(tx, site_id, id).await?;
                let version = read(&known)?;
                version.check()?;
                check_templates(tx, site_id, &version).await?;
                let draft = known.draft.clone();
                store::sequences::insert_version(tx, site_id, version_id, id, &draft, now).await?;
                known.version_id = Some(version_id);
                if known.state == "draft" {
                    "live".clone_into(&mut known.state);
                }
                write(tx, &known, now).await?;
                audits::note(&of, tx, site_id, "sequence.published", id, &()).await
            })
        })
        .await?;
    if follow == Follow::NewOnly {
        return Ok(0);
    }
    let mut moved = 0;
    let mut before = EnrolmentId(i64::MAX);
    loop {
        let (site, inside) = (site.clone(), engine.clone());
        let (count, last) = engine
            .write(move |tx| {
                Box::pin(async move {
                    move_some(&inside, tx, &site, id, version_id, follow, before).await
                })
            })
            .await?;
        moved += count;
        match last {
            Some(last) => before = last,
            None => break,
        }
    }
    engine.wake();
    Ok(moved)
}

/// Moves a batch of enrolments to a version; how many, and where to go on.
async fn move_some(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    sequence: SequenceId,
    version_id: SequenceVersionId,
    follow: Follow,
    before: EnrolmentId,
) -> Result<(usize, Option<EnrolmentId>)> {
    let version = version_of(tx, site.id, version_id).await?;
    let batch =
        store::enrolments::list_of_sequence(tx, site.id, sequence, before, MOVED_MAX).await?;
    let full = i64::try_from(batch.len()).is_ok_and(|count| count == MOVED_MAX);
    let last = batch.last().map(|enrolment| enrolment.id).filter(|_| full);
    let mut moved = 0;
    for enrolment in batch {
        let wanted = match enrolment.state.as_str() {
            "active" => true,
            "finished" => follow == Follow::Finished,
            _ => false,
        };
        if wanted && move_one(engine, tx, site, &enrolment, &version, version_id).await? {
            moved += 1;
        }
    }
    Ok((moved, last))
}

/// From where they stand: the last step they passed that the new version still has.
async fn move_one(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    enrolment: &Enrolment,
    version: &Version,
    version_id: SequenceVersionId,
) -> Result<bool> {
    let old = version_of(tx, site.id, enrolment.version_id).await?;
    let anchor = anchor(&old, version, enrolment.last_step_id);
    let next = version.step_after(anchor);
    let zone = zone_for(tx, site, version, enrolment.contact_id).await?;
    let since = enrolment.last_step_at.unwrap_or(enrolment.entered_at);
    let now = engine.now();
    let due_at = next.map_or(now, |next| next.due_at(since, &zone).max(now));
    if anchor != enrolment.last_step_id {
        store::enrolments::stand_after(tx, site.id, enrolment.id, anchor).await?;
    }
    if enrolment.state == "active" {
        return Ok(store::enrolments::follow_version(tx, enrolment, version_id, due_at).await?);
    }
    if next.is_none() {
        return Ok(false);
    }
    Ok(store::enrolments::reopen(tx, enrolment, version_id, due_at).await?)
}

fn anchor(old: &Version, new: &Version, last: Option<StepId>) -> Option<StepId> {
    let passed = last.and_then(|last| old.place_of(last))?;
    old.steps
        .iter()
        .take(passed + 1)
        .rev()
        .map(|step| step.id)
        .find(|id| new.place_of(*id).is_some())
}

/// `live`, `paused` or `retired`. What is paused plans nothing; what is retired is left by all.
///
/// # Errors
/// There is no such sequence, or it was never published.
pub async fn set_state(
    engine: &Engine,
    site: SiteId,
    id: SequenceId,
    state: &'static str,
) -> Result<()> {
    let (now, of) = (engine.now(), engine.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let mut known = get(tx, site, id).await?;
                if state == "live" && known.version_id.is_none() {
                    let message = "publish it first: then there is something to follow";
                    return Err(Refused::new("sequence_unpublished", message).into());
                }
                if state == "live" && known.state == "paused" {
                    store::enrolments::due_again(tx, site, id, now).await?;
                }
                state.clone_into(&mut known.state);
                write(tx, &known, now).await?;
                let data = serde_json::json!({ "state": state });
                audits::note(&of, tx, site, "sequence.state_set", id, &data).await
            })
        })
        .await?;
    engine.wake();
    Ok(())
}

/// Refuses what takes nobody in now.
///
/// # Errors
/// The sequence is a draft, paused or retired.
pub fn must_be_live(sequence: &Sequence) -> std::result::Result<(), Refused> {
    let say = match sequence.state.as_str() {
        "live" => return Ok(()),
        "draft" => "nobody can be put into a draft: publish the sequence first",
        "paused" => "the sequence is paused: let it go on first, then put people into it",
        _ => "the sequence was retired: nobody enters it any more",
    };
    Err(Refused::new("sequence_not_live", say).at("sequence"))
}

/// How many stand where.
///
/// # Errors
/// The database fails.
pub async fn reach(engine: &Engine, site: SiteId, id: SequenceId) -> Result<Reach> {
    let counts = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::enrolments::counts(session, site, id).await?) })
        })
        .await?;
    let of = |word: &str| counts.iter().find(|(state, _)| state == word).map_or(0, |(_, n)| *n);
    Ok(Reach { active: of("active"), finished: of("finished"), exited: of("exited") })
}

/// The steps of a sequence as last edited.
///
/// # Errors
/// They cannot be read.
pub fn read(sequence: &Sequence) -> Result<Version> {
    serde_json::from_str(&sequence.draft)
        .map_err(|e| EngineError::Fault(format!("sequence {}: {e}", sequence.slug)))
}

/// What lets a contact enter a sequence.
///
/// # Errors
/// It cannot be read.
pub fn read_trigger(sequence: &Sequence) -> Result<Trigger> {
    serde_json::from_str(&sequence.starts_on)
        .map_err(|e| EngineError::Fault(format!("sequence {}: {e}", sequence.slug)))
}

/// The sequence with this id.
pub(crate) async fn get(
    session: &mut Session<'_>,
    site: SiteId,
    id: SequenceId,
) -> Result<Sequence> {
    let found = store::sequences::find(session, site, id).await?;
    found.ok_or_else(|| EngineError::missing("sequence", id))
}

async fn write(tx: &mut Tx<'_>, known: &Sequence, now: UtcMs) -> Result<()> {
    if store::sequences::update(tx, known, now).await? {
        return Ok(());
    }
    Err(EngineError::Conflict(
        "somebody else changed this sequence meanwhile; look at theirs before you save yours"
            .to_owned(),
    ))
}

async fn check_templates(tx: &mut Tx<'_>, site: SiteId, version: &Version) -> Result<()> {
    for step in &version.steps {
        if let StepKind::Mail { template, .. } = &step.kind
            && store::templates::find(tx, site, *template).await?.is_none()
        {
            let message = "a step names a template that is not there: choose one";
            return Err(Refused::new("template_missing", message).at("steps").into());
        }
    }
    Ok(())
}

fn check_names(slug: &str, name: &str) -> std::result::Result<(), Refused> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if slug.is_empty() || slug.len() > 80 || !slug.chars().all(fits) {
        let message = "a short name is lower-case letters, digits and dashes, as in welcome";
        return Err(Refused::new("slug_invalid", message).at("slug"));
    }
    if name.trim().is_empty() {
        return Err(Refused::new("name_missing", "give the sequence a name").at("name"));
    }
    Ok(())
}

fn text<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|e| EngineError::Fault(format!("a sequence could not be kept: {e}")))
}
