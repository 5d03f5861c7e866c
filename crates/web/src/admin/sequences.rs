//! `/admin/sequences`: queued follow-up: its steps with the dates of someone joining now, who is
//! in it, and what each step brought.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum_extra::extract::Form;
use engine::EngineError;
use engine::sequences::{self, Draft, Follow, Reach};
use model::ids::{EnrolmentId, SequenceId, StepId, TemplateId};
use model::messages::{Class, SourceKind};
use model::sequences::{Step, StepKind, Version, ZoneOf};
use model::triggers::Trigger;
use model::{Refused, SiteId, UtcMs};
use serde::{Deserialize, Serialize};
use store::Session;
use store::enrolments::Enrolment;
use store::sequences::Sequence;

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{FieldError, to_mend};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

mod edit;
pub mod people;
pub mod runs;
mod words;

pub use edit::{EditPage, edit, update};
use words::{exit_words, shown_at, step_icon, step_title, trigger_words};

/// Enrolments shown with a sequence.
const SHOWN: i64 = 25;

/// The sequences of the site.
#[derive(Debug, Serialize)]
pub struct SequencesPage {
    frame: Frame,
    rows: Vec<SequenceRow>,
    form: NewForm,
    errors: Vec<FieldError>,
}

/// One sequence.
#[derive(Debug, Serialize)]
pub struct SequenceRow {
    id: String,
    name: String,
    slug: String,
    state: String,
    steps: usize,
    starts_on: String,
    active: i64,
    finished: i64,
}

/// A new one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NewForm {
    name: String,
    slug: String,
}

impl SequencesPage {
    pub(crate) fn sample() -> Self {
        let row = SequenceRow {
            id: "seq_0000000000001".to_owned(),
            name: "Welcome in five mails".to_owned(),
            slug: "welcome".to_owned(),
            state: "live".to_owned(),
            steps: 5,
            starts_on: "the form First loaf".to_owned(),
            active: 40,
            finished: 12,
        };
        let frame = Frame::sample("sequences");
        Self { frame, rows: vec![row], form: NewForm::default(), errors: Vec::new() }
    }
}

/// The list.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let page = listed(&state, &who, NewForm::default()).await?;
    reply::page("admin/sequences/index.html", page)
}

async fn listed(
    state: &AppState,
    who: &CurrentOperator,
    form: NewForm,
) -> Result<SequencesPage, WebError> {
    let site = who.site.id;
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut rows = Vec::new();
                for sequence in store::sequences::list(session, site).await? {
                    rows.push(row(session, site, sequence).await?);
                }
                Ok(rows)
            })
        })
        .await?;
    Ok(SequencesPage { frame: who.frame("sequences"), rows, form, errors: Vec::new() })
}

async fn row(
    session: &mut Session<'_>,
    site: SiteId,
    sequence: Sequence,
) -> Result<SequenceRow, EngineError> {
    let counts = store::enrolments::counts(session, site, sequence.id).await?;
    let of = |word: &str| counts.iter().find(|(state, _)| state == word).map_or(0, |(_, n)| *n);
    let trigger = sequences::read_trigger(&sequence)?;
    Ok(SequenceRow {
        starts_on: trigger_words(session, site, &trigger).await?,
        steps: sequences::read(&sequence)?.steps.len(),
        active: of("active"),
        finished: of("finished"),
        id: sequence.id.to_string(),
        name: sequence.name,
        slug: sequence.slug,
        state: sequence.state,
    })
}

/// Makes a draft.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<NewForm>,
) -> Reply {
    let (slug, name) = (form.slug.trim().to_owned(), form.name.trim().to_owned());
    match sequences::create(&who.engine(&state), &who.site, slug, name).await {
        Ok(id) => Ok(reply::to(&format!("/admin/sequences/{id}/edit"))),
        Err(error) => {
            let errors = to_mend(error)?;
            let page = SequencesPage { errors, ..listed(&state, &who, form).await? };
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            reply::page_with(status, "admin/sequences/index.html", page)
        }
    }
}

/// One sequence.
#[derive(Debug, Serialize)]
pub struct SequencePage {
    frame: Frame,
    id: String,
    name: String,
    state: String,
    starts_on: String,
    exits: Vec<String>,
    zone_of: String,
    steps: Vec<StepRow>,
    is_published: bool,
    has_changes: bool,
    reach: ReachView,
    people: Vec<PersonRow>,
    runs: Vec<runs::RunRow>,
}

/// One step as the outline shows it.
#[derive(Debug, Serialize)]
pub struct StepRow {
    title: String,
    wait: String,
    note: String,
    icon: &'static str,
    href: Option<String>,
    figures: Vec<(String, String, Option<String>)>,
}

/// How many stand where.
#[derive(Debug, Serialize)]
pub struct ReachView {
    active: i64,
    finished: i64,
    exited: i64,
}

/// One contact in the sequence.
#[derive(Debug, Serialize)]
pub struct PersonRow {
    contact_id: String,
    enrolment_id: String,
    email: String,
    is_test: bool,
    state: String,
    why: Option<String>,
    due_at: Option<UtcMs>,
    entered_at: UtcMs,
}

impl SequencePage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("sequences"),
            id: "seq_0000000000001".to_owned(),
            name: "Welcome".to_owned(),
            state: "live".to_owned(),
            starts_on: "the form First loaf".to_owned(),
            exits: vec!["buys Weekday bread".to_owned()],
            zone_of: "contact".to_owned(),
            steps: vec![StepRow {
                title: "Your first loaf".to_owned(),
                wait: "2 days later, mon-fri 09:00-17:00".to_owned(),
                note: "Someone joining now: Tue 24 Nov 2026, 09:00".to_owned(),
                icon: "mail",
                href: Some("/admin/templates/tpl_0000000000001".to_owned()),
                figures: vec![("sent".to_owned(), "40".to_owned(), None)],
            }],
            is_published: true,
            has_changes: true,
            reach: ReachView { active: 40, finished: 12, exited: 3 },
            people: vec![PersonRow {
                contact_id: "con_0000000000001".to_owned(),
                enrolment_id: "enr_0000000000001".to_owned(),
                email: "iris@example.com".to_owned(),
                is_test: true,
                state: "active".to_owned(),
                why: None,
                due_at: Some(UtcMs(1_795_293_000_000)),
                entered_at: UtcMs(1_795_293_000_000),
            }],
            runs: vec![runs::RunRow::sample()],
        }
    }
}

/// The steps with dates and figures, and who is in it.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
) -> Reply {
    let id = read_id(&id)?;
    let reach = sequences::reach(&state.engine, who.site.id, id).await?;
    let page = shown(&state, &who, id, reach).await?;
    reply::page("admin/sequences/show.html", page)
}

async fn shown(
    state: &AppState,
    who: &CurrentOperator,
    id: SequenceId,
    reach: Reach,
) -> Result<SequencePage, WebError> {
    let (site, engine) = (who.site.clone(), state.engine.clone());
    let frame = who.frame("sequences");
    let page = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let sequence = find(session, site.id, id).await?;
                let version = sequences::read(&sequence)?;
                let dates = engine::enrolments::joining_now(&engine, &version, &site, None);
                let mut steps = Vec::new();
                for (step, (_, at)) in version.steps.iter().zip(dates) {
                    let shown = shown_at(at, &site.timezone);
                    steps.push(step_row(session, site.id, step, shown).await?);
                }
                let mut exits = Vec::new();
                for exit in &version.exits {
                    exits.push(exit_words(session, site.id, exit).await?);
                }
                let published = match sequence.version_id {
                    None => None,
                    Some(id) => store::sequences::find_version(session, site.id, id).await?,
                };
                let trigger = sequences::read_trigger(&sequence)?;
                let last = EnrolmentId(i64::MAX);
                let rows = store::enrolments::list_of_sequence(session, site.id, id, last, SHOWN);
                let mut people = Vec::new();
                for enrolment in rows.await? {
                    people.push(person(session, site.id, enrolment).await?);
                }
                Ok(SequencePage {
                    frame,
                    starts_on: trigger_words(session, site.id, &trigger).await?,
                    exits,
                    zone_of: version.zone_of.to_string(),
                    steps,
                    is_published: published.is_some(),
                    has_changes: published.is_none_or(|one| one.definition != sequence.draft),
                    reach: ReachView {
                        active: reach.active,
                        finished: reach.finished,
                        exited: reach.exited,
                    },
                    people,
                    runs: runs::of_sequence(session, site.id, id).await?,
                    id: id.to_string(),
                    name: sequence.name,
                    state: sequence.state,
                })
            })
        })
        .await?;
    Ok(page)
}

async fn step_row(
    session: &mut Session<'_>,
    site: SiteId,
    step: &Step,
    joining: String,
) -> Result<StepRow, EngineError> {
    let mut figures = Vec::new();
    let mut href = None;
    if let StepKind::Mail { template, .. } = &step.kind {
        href = Some(format!("/admin/templates/{template}"));
        figures = step_figures(session, site, step.id).await?;
    }
    let when = step.weekly.map(|weekly| format!(", then {weekly}"));
    let when = when.or(step.window.map(|window| format!(", {window}"))).unwrap_or_default();
    Ok(StepRow {
        title: step_title(session, site, &step.kind).await?,
        wait: format!("{} later{when}", step.wait),
        note: format!("Someone joining now: {joining}"),
        icon: step_icon(&step.kind),
        href,
        figures,
    })
}

/// Sent, waiting with a reason, clicked by people.
async fn step_figures(
    session: &mut Session<'_>,
    site: SiteId,
    step: StepId,
) -> Result<Vec<(String, String, Option<String>)>, EngineError> {
    let kind = SourceKind::Sequence;
    let counts = store::messages::counts_of_source(session, site, kind, step.0).await?;
    let clicked = store::clicks::humans_of_source(session, site, kind.as_str(), step.0).await?;
    let mut by_state: Vec<(String, i64)> = Vec::new();
    for one in counts {
        match by_state.iter_mut().find(|(word, _)| *word == one.state.as_str()) {
            Some((_, count)) => *count += one.count,
            None => by_state.push((one.state.to_string(), one.count)),
        }
    }
    let mut figures: Vec<(String, String, Option<String>)> = by_state
        .into_iter()
        .map(|(word, count)| {
            let label = if word == "accepted" { "sent".to_owned() } else { word.clone() };
            let href = format!("/admin/messages?step={step}&state={word}");
            (label, count.to_string(), Some(href))
        })
        .collect();
    if clicked > 0 {
        let href = format!("/admin/messages?step={step}&clicked=1");
        figures.push(("clicked".to_owned(), clicked.to_string(), Some(href)));
    }
    Ok(figures)
}

async fn person(
    session: &mut Session<'_>,
    site: SiteId,
    enrolment: Enrolment,
) -> Result<PersonRow, EngineError> {
    let contact = store::contacts::find(session, site, enrolment.contact_id).await?;
    Ok(PersonRow {
        contact_id: enrolment.contact_id.to_string(),
        enrolment_id: enrolment.id.to_string(),
        email: contact.as_ref().map(|contact| contact.email.clone()).unwrap_or_default(),
        is_test: contact.is_some_and(|contact| contact.is_test),
        state: enrolment.state,
        why: enrolment.ended_why,
        due_at: enrolment.due_at,
        entered_at: enrolment.entered_at,
    })
}

/// What can be done with a sequence: one word, and who follows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ActForm {
    act: String,
    follow: String,
}

/// Publishes, pauses, goes on, retires.
pub async fn act(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
    Form(form): Form<ActForm>,
) -> Reply {
    let (engine, site, id) = (&who.engine(&state), who.site.clone(), read_id(&id)?);
    let path = format!("/admin/sequences/{id}");
    let done = match form.act.as_str() {
        "publish" => {
            let follow = match form.follow.as_str() {
                "active" => Follow::Active,
                "finished" => Follow::Finished,
                _ => Follow::NewOnly,
            };
            let moved = sequences::publish(engine, site, id, follow).await;
            moved.map(|moved| format!("Published. {moved} who were in it follow the new version."))
        }
        "pause" => sequences::set_state(engine, site.id, id, "paused")
            .await
            .map(|()| "Paused: nothing more of it is planned.".to_owned()),
        "live" => {
            sequences::set_state(engine, site.id, id, "live").await.map(|()| "It runs.".to_owned())
        }
        "retire" => sequences::set_state(engine, site.id, id, "retired")
            .await
            .map(|()| "Retired: everybody in it leaves it.".to_owned()),
        _ => return Err(WebError::NotFound),
    };
    match done {
        Ok(said) => Ok(reply::done(&path, &said)),
        Err(error) if !error.is_fault() => Ok(reply::sorry(&path, &error.to_string())),
        Err(error) => Err(error.into()),
    }
}

async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    id: SequenceId,
) -> Result<Sequence, EngineError> {
    let found = store::sequences::find(session, site, id).await?;
    found.ok_or_else(|| EngineError::missing("sequence", id))
}

fn read_id(text: &str) -> Result<SequenceId, WebError> {
    text.parse().map_err(|_| WebError::NotFound)
}
