//! `/admin/imports`: lists that are brought along. First a look, then the statement of consent,
//! then the run; what was left out comes back as a file.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use axum_extra::extract::Form;
use engine::EngineError;
use engine::imports::{self, Plan, Preview};
use model::UtcMs;
use model::ids::ImportId;
use model::operators::Role;
use serde::{Deserialize, Serialize};
use store::imports::Import;

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::extract::upload::Upload;
use crate::forms::{FieldError, to_mend};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Imports shown.
const PAGE: i64 = 50;

/// The imports there were, and the form for one more.
#[derive(Debug, Serialize)]
pub struct ImportsPage {
    frame: Frame,
    rows: Vec<ImportRow>,
    errors: Vec<FieldError>,
}

/// One import.
#[derive(Debug, Serialize)]
pub struct ImportRow {
    id: String,
    name: String,
    preset: String,
    state: String,
    why: Option<String>,
    rows: i64,
    created: i64,
    updated: i64,
    unchanged: i64,
    skipped: i64,
    rejected: i64,
    at: UtcMs,
}

impl From<Import> for ImportRow {
    fn from(import: Import) -> Self {
        Self {
            id: import.id.to_string(),
            name: import.name,
            preset: import.preset,
            state: import.state,
            why: import.why,
            rows: import.rows,
            created: import.created,
            updated: import.updated,
            unchanged: import.unchanged,
            skipped: import.skipped,
            rejected: import.rejected,
            at: import.created_at,
        }
    }
}

fn sample_row() -> ImportRow {
    ImportRow {
        id: "imp_0000000000001".to_owned(),
        name: "subscribed_members.csv".to_owned(),
        preset: "mailchimp".to_owned(),
        state: "paused".to_owned(),
        why: Some("paused by an operator".to_owned()),
        rows: 1_200,
        created: 1_100,
        updated: 40,
        unchanged: 20,
        skipped: 30,
        rejected: 10,
        at: UtcMs(1_795_200_000_000),
    }
}

impl ImportsPage {
    pub(crate) fn sample() -> Self {
        let errors = vec![FieldError::new("file", "choose a file")];
        Self { frame: Frame::sample("imports"), rows: vec![sample_row()], errors }
    }
}

async fn list(
    state: &AppState,
    who: &CurrentOperator,
    errors: Vec<FieldError>,
) -> Result<ImportsPage, WebError> {
    let site = who.site.id;
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok(store::imports::list(session, site, ImportId(i64::MAX), PAGE).await?)
            })
        })
        .await?;
    let rows = rows.into_iter().map(ImportRow::from).collect();
    Ok(ImportsPage { frame: who.frame("imports"), rows, errors })
}

/// The list.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    reply::page("admin/imports/index.html", list(&state, &who, Vec::new()).await?)
}

/// Takes a file, and shows what it holds. Nothing is changed yet.
pub async fn create(State(state): State<AppState>, who: CurrentOperator, upload: Upload) -> Reply {
    who.require(Role::Admin)?;
    let index = "admin/imports/index.html";
    let Some(file) = upload.file else {
        let errors = vec![FieldError::new("file", "choose a file")];
        let page = list(&state, &who, errors).await?;
        return reply::again(index, page);
    };
    let plan = Plan::default();
    match imports::prepare(&who.engine(&state), who.site.id, &file.name, file.bytes, &plan).await {
        Ok(id) => Ok(reply::to(&format!("/admin/imports/{id}"))),
        Err(error) => {
            let mut errors = to_mend(error)?;
            errors.iter_mut().for_each(|error| "file".clone_into(&mut error.field));
            let page = list(&state, &who, errors).await?;
            reply::again(index, page)
        }
    }
}

/// One import: what it would do, or what it did.
#[derive(Debug, Serialize)]
pub struct ImportPage {
    frame: Frame,
    row: ImportRow,
    preview: Option<Preview>,
    consent: String,
    tags: String,
    errors: Vec<FieldError>,
}

impl ImportPage {
    pub(crate) fn sample() -> Self {
        let preview = Preview {
            preset: "mailchimp".to_owned(),
            encoding: "UTF-8".to_owned(),
            separator: ",".to_owned(),
            columns: vec![("Email Address".to_owned(), "email".to_owned())],
            dropped: vec!["OPTIN_IP".to_owned()],
            rows: 40,
            valid: 39,
            invalid: 1,
            needs_consent: true,
            errors: vec!["line 3: an address needs an @".to_owned()],
            ..Preview::default()
        };
        Self {
            frame: Frame::sample("imports"),
            row: ImportRow { state: "ready".to_owned(), ..sample_row() },
            preview: Some(preview),
            consent: String::new(),
            tags: String::new(),
            errors: vec![FieldError::new("consent", "write what they agreed to")],
        }
    }
}

async fn page_of(
    state: &AppState,
    who: &CurrentOperator,
    id: ImportId,
    plan: Option<Plan>,
) -> Result<ImportPage, WebError> {
    let import = imports::get(&state.engine, who.site.id, id).await?;
    let plan = match plan {
        Some(plan) => plan,
        None => imports::read_plan(&import)?,
    };
    let preview = match import.state.as_str() {
        "ready" => {
            let (_, bytes) =
                engine::files::read(&state.engine, who.site.id, import.file_id).await?;
            Some(imports::look(&state.engine, who.site.id, &bytes, &plan).await?)
        }
        _ => None,
    };
    Ok(ImportPage {
        frame: who.frame("imports"),
        row: import.into(),
        preview,
        consent: plan.consent,
        tags: plan.tags.join(", "),
        errors: Vec::new(),
    })
}

/// The import.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ImportId>,
) -> Reply {
    who.require(Role::Admin)?;
    reply::page("admin/imports/show.html", page_of(&state, &who, id, None).await?)
}

/// What the operator says about the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Starting {
    consent: String,
    tags: String,
}

/// Starts it, or lets it go on.
pub async fn start(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ImportId>,
    Form(starting): Form<Starting>,
) -> Reply {
    who.require(Role::Admin)?;
    let site = who.site.id;
    let tags = starting.tags.split(',').map(|tag| tag.trim().to_owned());
    let plan = Plan {
        consent: starting.consent,
        tags: tags.filter(|tag| !tag.is_empty()).collect(),
        ..Plan::default()
    };
    match imports::start_with(&who.engine(&state), site, id, &plan).await {
        Ok(()) => Ok(reply::done(&format!("/admin/imports/{id}"), "It runs.")),
        Err(error) => {
            let errors = to_mend(error)?;
            let page = page_of(&state, &who, id, Some(plan)).await?;
            let page = ImportPage { errors, ..page };
            reply::again("admin/imports/show.html", page)
        }
    }
}

/// Stops it between two batches.
pub async fn pause(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ImportId>,
) -> Reply {
    who.require(Role::Admin)?;
    imports::pause(&who.engine(&state), who.site.id, id).await?;
    Ok(reply::done(&format!("/admin/imports/{id}"), "Paused: it can go on from there."))
}

/// `errors.csv`.
pub async fn errors(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ImportId>,
) -> Reply {
    who.require(Role::Admin)?;
    let text = imports::errors_csv(&state.engine, who.site.id, id).await?;
    let named = HeaderValue::from_static("attachment; filename=\"errors.csv\"");
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, named)];
    Ok((headers, text).into_response())
}
