//! `/admin/forms`: what asks for addresses, what came in, what was kept apart.

use axum::extract::{Path, Query, State};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::forms::LiveForm;
use engine::opt_in::{self, Decision};
use model::UtcMs;
use model::ids::{FormId, SubmissionId};
use model::spans::{Span, day_of};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

mod edit;

pub use edit::{EditPage, FormDraft};

use super::numbers::{Period, link};
use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::to_mend;
use crate::frame::{Frame, Pager};
use crate::public::embeds;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Answers on one page.
const PAGE: i64 = 50;

/// Every form with its figures.
#[derive(Debug, Serialize)]
pub struct FormsPage {
    frame: Frame,
    rows: Vec<FormRow>,
}

/// One form.
#[derive(Debug, Serialize)]
pub struct FormRow {
    id: String,
    slug: String,
    name: String,
    state: &'static str,
    version: i64,
    answers: i64,
    confirmed: i64,
    waiting: i64,
}

impl FormsPage {
    pub(crate) fn sample() -> Self {
        Self { frame: Frame::sample("forms"), rows: vec![sample_row()] }
    }
}

fn sample_row() -> FormRow {
    FormRow {
        id: "frm_0000000000001".to_owned(),
        slug: "chapter".to_owned(),
        name: "The free chapter".to_owned(),
        state: "active",
        version: 2,
        answers: 120,
        confirmed: 84,
        waiting: 3,
    }
}

async fn rows(state: &AppState, who: &CurrentOperator) -> Result<Vec<FormRow>, WebError> {
    let site = who.site.id;
    let zone = engine::rollups::zone_of(&who.site);
    let span =
        Span { from: day_of(who.site.created_at, &zone), to: day_of(state.engine.now(), &zone) };
    let (forms, counts, waiting) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let forms = store::forms::list(session, site).await?;
                let counts = store::form_days::within(session, site, span, &zone).await?;
                Ok((forms, counts, store::form_days::waiting(session, site).await?))
            })
        })
        .await?;
    let row = |form: store::forms::Form| {
        let count = counts.iter().find(|count| count.form_id == form.id);
        let waits = waiting.iter().find(|(id, _)| *id == form.id);
        FormRow {
            id: form.id.to_string(),
            state: if form.is_live { "active" } else { "retired" },
            version: form.version,
            answers: count.map_or(0, |count| count.answers),
            confirmed: count.map_or(0, |count| count.confirmed),
            waiting: waits.map_or(0, |(_, count)| *count),
            slug: form.slug,
            name: form.name,
        }
    };
    Ok(forms.into_iter().map(row).collect())
}

/// The list.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let rows = rows(&state, &who).await?;
    reply::page("admin/forms/index.html", FormsPage { frame: who.frame("forms"), rows })
}

/// One form: figures, code for other sites, answers.
#[derive(Debug, Serialize)]
pub struct FormPage {
    frame: Frame,
    row: FormRow,
    url: String,
    html: String,
    script: String,
    origins: Vec<String>,
    tab: String,
    answers: Vec<AnswerRow>,
    pager: Pager,
}

/// One answer.
#[derive(Debug, Serialize)]
pub struct AnswerRow {
    id: String,
    email: String,
    contact: Option<String>,
    state: String,
    why: Option<String>,
    values: String,
    dropped: i64,
    at: UtcMs,
}

impl FormPage {
    pub(crate) fn sample() -> Self {
        let answer = AnswerRow {
            id: "sub_0000000000001".to_owned(),
            email: "ada@example.com".to_owned(),
            contact: None,
            state: "held".to_owned(),
            why: Some("many answers came from one network".to_owned()),
            values: "first_name: Ada".to_owned(),
            dropped: 1,
            at: UtcMs(1_795_200_000_000),
        };
        Self {
            frame: Frame::sample("forms"),
            row: sample_row(),
            url: "https://shop.example/f/chapter".to_owned(),
            html: "<form>…</form>".to_owned(),
            script: "<script src=\"…\"></script>".to_owned(),
            origins: vec!["https://blog.example".to_owned()],
            tab: "all".to_owned(),
            answers: vec![answer],
            pager: Pager::default(),
        }
    }
}

/// Which answers are looked at, and from where.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Looking {
    state: String,
    before: Option<SubmissionId>,
    /// Over all forms: from this day (ISO)
    from: String,
    /// to this one.
    to: String,
}

/// The form with its answers.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<FormId>,
    Query(looking): Query<Looking>,
) -> Reply {
    let form = find(&state, &who, id).await?;
    let row = rows(&state, &who).await?.into_iter().find(|row| row.id == id.to_string());
    let row = row.ok_or(WebError::NotFound)?;
    let (answers, pager) = answers(&state, &who, id, &looking).await?;
    let url = who.site.url(&format!("/f/{}", form.slug));
    let origins = form.spec.embed_origins.clone();
    let html = embeds::snippet(&state.engine, &who.site, &LiveForm { form, magnet: None })?;
    let page = FormPage {
        frame: who.frame("forms"),
        row,
        html,
        script: format!("<script src=\"{url}/embed.js\"></script>"),
        url,
        origins,
        tab: if looking.state.is_empty() { "all".to_owned() } else { looking.state },
        answers,
        pager,
    };
    reply::page("admin/forms/show.html", page)
}

async fn find(
    state: &AppState,
    who: &CurrentOperator,
    id: FormId,
) -> Result<store::forms::Form, WebError> {
    let site = who.site.id;
    let form = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::forms::find(session, site, id).await?) })
        })
        .await?;
    form.ok_or(WebError::NotFound)
}

async fn answers(
    state: &AppState,
    who: &CurrentOperator,
    form: FormId,
    looking: &Looking,
) -> Result<(Vec<AnswerRow>, Pager), WebError> {
    let (site, before) = (who.site.id, looking.before.unwrap_or(SubmissionId(i64::MAX)));
    let word = looking.state.clone();
    let wanted = word.clone();
    let mut found = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                use store::forms as rows;
                let most = PAGE + 1;
                let states = match wanted.as_str() {
                    "waiting" => ["held", "spam"],
                    "held" => ["held", "held"],
                    "spam" => ["spam", "spam"],
                    _ => return Ok(rows::submissions(session, site, form, before, most).await?),
                };
                Ok(rows::submissions_in(session, site, form, states, before, most).await?)
            })
        })
        .await?;
    let more = found.len() > usize::try_from(PAGE).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| format!("/admin/forms/{form}?state={word}&before={}", last.id));
    let rows = found.into_iter().map(answer_row).collect();
    Ok((rows, Pager { previous: None, next, shown: None }))
}

/// Answers to all forms: the rows behind a figure that counts them.
#[derive(Debug, Serialize)]
pub struct AnswersPage {
    frame: Frame,
    tab: String,
    answers: Vec<(AnswerRow, String)>,
    pager: Pager,
}

impl AnswersPage {
    pub(crate) fn sample() -> Self {
        let FormPage { mut answers, frame, pager, .. } = FormPage::sample();
        let of = |answer| (answer, "frm_0000000000001".to_owned());
        Self { frame, tab: "held".to_owned(), answers: answers.drain(..).map(of).collect(), pager }
    }
}

/// The answers to all forms, in a state and in some days where that is asked for.
pub async fn all_answers(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(looking): Query<Looking>,
) -> Reply {
    let first = |at: UtcMs| SubmissionId(model::ids::first_id_at(at));
    let days = Period::opened(&who, &looking.from, &looking.to).map(|days| days.bounds());
    let (from, until) = days.map_or((SubmissionId(0), SubmissionId(i64::MAX)), |(from, until)| {
        (first(from), first(until))
    });
    let (site, word) = (who.site.id, looking.state.clone());
    let ids = (from, looking.before.map_or(until, |before| before.min(until)));
    let mut found = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok(store::forms::submissions_between(session, site, &word, ids, PAGE + 1).await?)
            })
        })
        .await?;
    let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = found.len() > page;
    found.truncate(page);
    let mut query = vec![("state", looking.state.clone()), ("from", looking.from)];
    query.push(("to", looking.to));
    query.retain(|(_, value)| !value.is_empty());
    let next = found.last().filter(|_| more).map(|last| {
        query.push(("before", last.id.to_string()));
        link("/admin/answers", &query)
    });
    let answers = found.into_iter().map(|one| {
        let form = one.form_id.to_string();
        (answer_row(one), form)
    });
    let page = AnswersPage {
        frame: who.frame("forms"),
        tab: if looking.state.is_empty() { "all".to_owned() } else { looking.state },
        answers: answers.collect(),
        pager: Pager { next, ..Pager::default() },
    };
    reply::page("admin/forms/answers.html", page)
}

fn answer_row(one: store::forms::Submission) -> AnswerRow {
    let values = match serde_json::from_str::<serde_json::Value>(&one.answers) {
        Ok(serde_json::Value::Object(all)) => {
            let text = |value: &serde_json::Value| match value {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Array(parts) => {
                    parts.iter().filter_map(|part| part.as_str()).collect::<Vec<_>>().join(", ")
                }
                other => other.to_string(),
            };
            all.iter()
                .filter(|(key, _)| *key != "email")
                .map(|(key, value)| format!("{key}: {}", text(value)))
                .collect::<Vec<_>>()
                .join(" · ")
        }
        _ => String::new(),
    };
    AnswerRow {
        id: one.id.to_string(),
        email: one.email,
        contact: one.contact_id.map(|id| id.to_string()),
        state: one.state,
        why: one.why,
        values,
        dropped: one.dropped,
        at: one.created_at,
    }
}

/// What is to be done with an answer that was kept apart.
#[derive(Debug, Deserialize)]
pub struct Decided {
    decision: String,
}

/// Releases or discards it.
pub async fn decide(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path((id, answer)): Path<(FormId, SubmissionId)>,
    Form(decided): Form<Decided>,
) -> Reply {
    let form = find(&state, &who, id).await?;
    let live = engine::forms::live(&state.engine, who.site.id, &form.slug).await?;
    let (decision, said) = match decided.decision.as_str() {
        "release" => (Decision::Release, "Released: it goes on as if it had just come."),
        _ => (Decision::Discard, "Discarded."),
    };
    let back = format!("/admin/forms/{id}");
    let site = who.site.clone();
    match opt_in::decide(&who.engine(&state), site, Arc::clone(&live), answer, decision).await {
        Ok(()) => Ok(reply::done(&back, said)),
        Err(EngineError::Conflict(why)) => Ok(reply::sorry(&back, &why)),
        Err(error) => Err(error.into()),
    }
}

/// Takes a form out of service, or back.
pub async fn retire(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<FormId>,
) -> Reply {
    let form = find(&state, &who, id).await?;
    engine::forms::set_live(&who.engine(&state), who.site.id, id, !form.is_live).await?;
    let said = if form.is_live { "Retired: its page is gone." } else { "In service again." };
    Ok(reply::done(&format!("/admin/forms/{id}"), said))
}

/// The empty editor.
pub async fn new(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let page = EditPage::new(&state, &who, None, FormDraft::begin()).await?;
    reply::page("admin/forms/edit.html", page)
}

/// The editor of a form.
pub async fn edit(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<FormId>,
) -> Reply {
    let form = find(&state, &who, id).await?;
    let draft = FormDraft::of(&form);
    reply::page("admin/forms/edit.html", EditPage::new(&state, &who, Some(id), draft).await?)
}

/// Makes a form.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(draft): Form<FormDraft>,
) -> Reply {
    save(&state, &who, None, draft).await
}

/// Changes a form: a new version; what is embedded elsewhere keeps working.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<FormId>,
    Form(draft): Form<FormDraft>,
) -> Reply {
    let form = find(&state, &who, id).await?;
    save(&state, &who, Some(id), draft.under(form.slug)).await
}

async fn save(
    state: &AppState,
    who: &CurrentOperator,
    id: Option<FormId>,
    draft: FormDraft,
) -> Reply {
    let stored = match draft.spec() {
        Ok(spec) => {
            let (engine, site) = (&who.engine(state), who.site.id);
            let (slug, name) = (&draft.slug, &draft.name);
            match id {
                Some(_) => engine::forms::put(engine, site, slug, name, spec).await,
                None => engine::forms::create(engine, site, slug, name, spec).await,
            }
        }
        Err(refused) => Err(refused.into()),
    };
    match stored {
        Ok(id) => Ok(reply::done(&format!("/admin/forms/{id}"), "Saved.")),
        Err(error) => {
            let errors = to_mend(error)?;
            let page = EditPage::new(state, who, id, draft).await?.with(errors);
            reply::again("admin/forms/edit.html", page)
        }
    }
}
