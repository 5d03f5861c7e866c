//! `/admin/imports`: lists that are brought along. First a look, then the statement of consent,
//! then the run; what was left out comes back as a file.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use axum_extra::extract::Form;
use engine::EngineError;
use engine::imports::undo::{self, Reason, Undone};
use engine::imports::{self, Column, Plan, Preview};
use model::UtcMs;
use model::ids::{ContactId, ImportId};
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

/// One import: what its columns are and what it would do, or what it did.
#[derive(Debug, Serialize)]
pub struct ImportPage {
    frame: Frame,
    row: ImportRow,
    /// Whether it has not begun, and its columns may still be said.
    is_ready: bool,
    columns: Vec<Column>,
    /// Absent where no column holds the address yet.
    preview: Option<Preview>,
    consent: String,
    tags: String,
    /// Why it cannot be taken back; absent where it can.
    undo_refused: Option<String>,
    undone: Option<Undone>,
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
            is_ready: true,
            columns: vec![sample_column("Email Address", "email", "ada@example.com")],
            preview: Some(preview),
            consent: String::new(),
            tags: String::new(),
            undo_refused: Some("it has changed nothing yet".to_owned()),
            undone: None,
            errors: vec![FieldError::new("consent", "write what they agreed to")],
        }
    }
}

/// A file whose columns nothing is known of.
impl ImportPage {
    pub(crate) fn sample_unknown() -> Self {
        let columns = vec![
            sample_column("Kontakt", "field.kontakt", "ada@example.com"),
            Column { is_dropped: true, ..sample_column("IP", "dropped", "192.0.2.1") },
        ];
        let errors = vec![FieldError::new("column-0", "no column holds the address")];
        Self { columns, preview: None, errors, ..Self::sample() }
    }

    pub(crate) fn sample_undone() -> Self {
        let why = "has ordered since".to_owned();
        let reason = Reason { contact: ContactId(1), email: "ada@example.com".to_owned(), why };
        let undone = Undone { taken_back: 39, kept: 1, is_done: true, reasons: vec![reason] };
        let row = ImportRow { state: "done".to_owned(), ..sample_row() };
        let undone = Some(undone);
        Self { row, is_ready: false, preview: None, undone, errors: Vec::new(), ..Self::sample() }
    }
}

fn sample_column(name: &str, word: &str, sample: &str) -> Column {
    Column {
        name: name.to_owned(),
        word: word.to_owned(),
        own_field: "field.own".to_owned(),
        is_dropped: false,
        samples: vec![sample.to_owned()],
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
    let (engine, site) = (&state.engine, who.site.id);
    let is_ready = import.state == "ready";
    let (mut columns, mut preview) = (Vec::new(), None);
    if is_ready {
        let (_, bytes) = engine::files::read(engine, site, import.file_id).await?;
        columns = imports::columns(&import, &bytes)?;
        preview = match imports::look(engine, site, &bytes, &plan).await {
            Ok(preview) => Some(preview),
            // No column holds the address yet: that is asked for first.
            Err(error) => to_mend(error).map(|_| None)?,
        };
    }
    let undo_refused = undo::refusal(&import, engine.now()).map(|refused| refused.message);
    Ok(ImportPage {
        frame: who.frame("imports"),
        row: import.into(),
        is_ready,
        columns,
        preview,
        consent: plan.consent,
        tags: plan.tags.join(", "),
        undo_refused,
        undone: undo::found(engine, site, id).await?,
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

/// What the columns are: `column-0=email`, `column-1=field.town`, …
pub async fn columns(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ImportId>,
    Form(given): Form<BTreeMap<String, String>>,
) -> Reply {
    who.require(Role::Admin)?;
    let place = |name: &str| name.strip_prefix("column-")?.parse::<usize>().ok();
    let words = given.iter().filter_map(|(name, word)| Some((place(name)?, word.clone())));
    let words: BTreeMap<usize, String> = words.collect();
    match imports::set_columns(&state.engine, who.site.id, id, &words).await {
        Ok(()) => Ok(reply::to(&format!("/admin/imports/{id}"))),
        Err(error) => {
            let errors = to_mend(error)?;
            let mut page = page_of(&state, &who, id, None).await?;
            for (at, word) in words {
                if let Some(column) = page.columns.get_mut(at).filter(|one| !one.is_dropped) {
                    column.word = word;
                }
            }
            reply::again("admin/imports/show.html", ImportPage { errors, ..page })
        }
    }
}

/// What taking it back would do.
#[derive(Debug, Serialize)]
pub struct UndoPage {
    frame: Frame,
    row: ImportRow,
    undone: Undone,
}

impl UndoPage {
    pub(crate) fn sample() -> Self {
        let ImportPage { frame, row, undone, .. } = ImportPage::sample_undone();
        Self { frame, row, undone: undone.unwrap_or_default() }
    }
}

/// What taking it back would do: the page before.
pub async fn show_undo(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ImportId>,
) -> Reply {
    who.require(Role::Admin)?;
    let import = imports::get(&state.engine, who.site.id, id).await?;
    let undone = undo::look(&state.engine, who.site.id, id).await?;
    let page = UndoPage { frame: who.frame("imports"), row: import.into(), undone };
    reply::page("admin/imports/undo.html", page)
}

/// Takes it back.
pub async fn undo(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ImportId>,
) -> Reply {
    who.require(Role::Admin)?;
    let here = format!("/admin/imports/{id}");
    match undo::begin(&state.engine, who.actor(), who.site.id, id).await {
        Ok(()) => Ok(reply::done(&here, "It is being taken back.")),
        Err(error) => {
            let why = to_mend(error)?.into_iter().map(|error| error.message).collect::<String>();
            Ok(reply::sorry(&here, &why))
        }
    }
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
