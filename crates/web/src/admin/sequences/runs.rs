//! `/admin/sequences/{id}/runs/{run}`: one run of many people into a sequence: how far it is, who
//! entered, and who was left out and why.

use axum::extract::Query;
use model::audits::Actor;
use model::ids::{ContactId, SequenceRunId};
use model::sequence_runs::Outcome;
use store::sequence_runs::{Dealt, SequenceRun, Which};

use super::words::{audience_words, outcome_words};
use super::*;
use crate::frame::Pager;

/// Runs shown with their sequence.
const RUNS: i64 = 50;
/// People on a page.
const PAGE: i64 = 50;
/// The word for all who did not enter, in addresses.
const LEFT_OUT: &str = "left-out";

/// One run in a list.
#[derive(Debug, Serialize)]
pub struct RunRow {
    id: String,
    who: String,
    state: String,
    why: Option<String>,
    asked: i64,
    entered: i64,
    left_out: i64,
    begin_at: UtcMs,
    created_at: UtcMs,
}

impl RunRow {
    pub(super) fn sample() -> Self {
        Self {
            id: "run_0000000000001".to_owned(),
            who: "People with the tag customer".to_owned(),
            state: "running".to_owned(),
            why: Some("stopped by an operator".to_owned()),
            asked: 1_204,
            entered: 1_100,
            left_out: 4,
            begin_at: UtcMs(1_795_293_000_000),
            created_at: UtcMs(1_795_292_940_000),
        }
    }

    async fn of(session: &mut Session<'_>, run: SequenceRun) -> Result<Self, EngineError> {
        Ok(Self {
            who: audience_words(session, run.site_id, &run.audience).await?,
            id: run.id.to_string(),
            state: run.state,
            why: run.why,
            asked: run.asked,
            entered: run.entered,
            left_out: run.left_out,
            begin_at: run.begin_at,
            created_at: run.created_at,
        })
    }
}

/// The runs into a sequence.
pub(super) async fn of_sequence(
    session: &mut Session<'_>,
    site: SiteId,
    id: SequenceId,
) -> Result<Vec<RunRow>, EngineError> {
    let mut rows = Vec::new();
    for run in store::sequence_runs::list_of_sequence(session, site, id, RUNS).await? {
        rows.push(RunRow::of(session, run).await?);
    }
    Ok(rows)
}

/// One run.
#[derive(Debug, Serialize)]
pub struct RunPage {
    frame: Frame,
    id: String,
    name: String,
    run: RunRow,
    by: String,
    /// Whether its sequence is paused, so that it waits.
    waits: bool,
    /// Why people were left out, how many, and where they stand.
    reasons: Vec<(&'static str, i64, String)>,
    rows: Vec<DealtRow>,
    pager: Pager,
}

/// What became of one person.
#[derive(Debug, Serialize)]
pub struct DealtRow {
    contact_id: String,
    email: String,
    entered: bool,
    outcome: &'static str,
    at: UtcMs,
}

/// Whom the list shows, and from where.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    outcome: String,
    after: String,
}

impl Asked {
    fn which(&self) -> Which {
        match Outcome::parse(&self.outcome) {
            Ok(outcome) => Which::Of(outcome),
            Err(_) if self.outcome == LEFT_OUT => Which::LeftOut,
            Err(_) => Which::All,
        }
    }
}

impl RunPage {
    pub(crate) fn sample() -> Self {
        let row = DealtRow {
            contact_id: "con_0000000000001".to_owned(),
            email: "iris@example.com".to_owned(),
            entered: false,
            outcome: outcome_words(Outcome::Already),
            at: UtcMs(1_795_293_000_000),
        };
        Self {
            frame: Frame::sample("sequences"),
            id: "seq_0000000000001".to_owned(),
            name: "Spring letter".to_owned(),
            run: RunRow::sample(),
            by: "Maren Holt".to_owned(),
            waits: true,
            reasons: vec![(outcome_words(Outcome::Already), 4, "#".to_owned())],
            rows: vec![row],
            pager: Pager { next: Some("#".to_owned()), ..Pager::default() },
        }
    }
}

/// How far it is, and what became of whom.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path((id, run)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Reply {
    let (id, run) = (read_id(&id)?, read_run(&run)?);
    let (site, frame) = (who.site.id, who.frame("sequences"));
    let page = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { page(session, site, (id, run), &asked, frame).await })
        })
        .await?;
    reply::page("admin/sequences/run.html", page)
}

async fn page(
    session: &mut Session<'_>,
    site: SiteId,
    (id, run): (SequenceId, SequenceRunId),
    asked: &Asked,
    frame: Frame,
) -> Result<RunPage, EngineError> {
    let sequence = find(session, site, id).await?;
    let found = store::sequence_runs::find(session, site, run).await?;
    let found = found.filter(|found| found.sequence_id == id);
    let found = found.ok_or_else(|| EngineError::missing("run", run))?;
    let here = format!("/admin/sequences/{id}/runs/{run}");
    let tallies = store::sequence_runs::counts(session, site, run).await?;
    let left = tallies.into_iter().filter(|tally| tally.outcome != Outcome::Entered);
    let reasons = left.map(|tally| {
        let outcome = tally.outcome;
        (outcome_words(outcome), tally.people, format!("{here}?outcome={outcome}"))
    });
    let after = asked.after.parse().unwrap_or(ContactId(0));
    let mut dealt =
        store::sequence_runs::people(session, site, run, asked.which(), after, PAGE + 1).await?;
    let shown = usize::try_from(PAGE).unwrap_or(0);
    let has_more = dealt.len() > shown;
    dealt.truncate(shown);
    let last = dealt.last().filter(|_| has_more).map(|last| last.contact_id);
    let list = format!("{here}?outcome={}", model::urls::encode_component(&asked.outcome));
    let mut rows = Vec::new();
    for one in dealt {
        rows.push(dealt_row(session, site, one).await?);
    }
    Ok(RunPage {
        frame,
        id: id.to_string(),
        waits: sequence.state == "paused" && found.state == "running",
        name: sequence.name,
        by: name_of(session, &found.actor).await?,
        run: RunRow::of(session, found).await?,
        reasons: reasons.collect(),
        rows,
        pager: Pager {
            previous: (after.0 > 0).then(|| list.clone()),
            next: last.map(|last| format!("{list}&after={last}")),
            shown: None,
        },
    })
}

async fn dealt_row(
    session: &mut Session<'_>,
    site: SiteId,
    one: Dealt,
) -> Result<DealtRow, EngineError> {
    let contact = store::contacts::find(session, site, one.contact_id).await?;
    Ok(DealtRow {
        contact_id: one.contact_id.to_string(),
        email: contact.map(|contact| contact.email).unwrap_or_default(),
        entered: one.outcome == Outcome::Entered,
        outcome: outcome_words(one.outcome),
        at: one.at,
    })
}

async fn name_of(session: &mut Session<'_>, actor: &str) -> Result<String, EngineError> {
    let Ok(Actor::Operator(id)) = actor.parse() else { return Ok(actor.to_owned()) };
    let found = store::operators::find(session, id).await?;
    Ok(found.map_or_else(|| actor.to_owned(), |found| found.shown_name().to_owned()))
}

/// Stops it.
pub async fn stop(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path((id, run)): Path<(String, String)>,
) -> Reply {
    let (id, run) = (read_id(&id)?, read_run(&run)?);
    let here = format!("/admin/sequences/{id}/runs/{run}");
    if engine::sequence_runs::stop(&who.engine(&state), who.site.id, id, run).await? {
        return Ok(reply::done(&here, "Stopped. Nobody more enters; who is in stays in."));
    }
    Ok(reply::sorry(&here, "It had ended before."))
}

fn read_run(text: &str) -> Result<SequenceRunId, WebError> {
    text.parse().map_err(|_| WebError::NotFound)
}
