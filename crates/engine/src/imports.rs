//! Imports of contacts: looked at first, then taken in batches, each committed with how far it
//! got. Who unsubscribed, here or there, stays unsubscribed.

mod changes;
mod columns;
mod mapping;
mod rows;
mod sweep;
pub mod undo;

use std::collections::BTreeMap;

use model::contacts::Status;
use model::exports::csv_row;
use model::ids::{FileId, ImportId};
use model::sites::Site;
use model::{EmailAddr, Refused, SiteId};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::events::NewEvent;
use store::imports::{Import, Note, Step};

pub use columns::{Preset, Role};
pub use mapping::{Column, columns, set_columns};
pub(crate) use sweep::sweep;

use crate::audits;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::files::{self, tables::Table};
use rows::{Person, Reader};

/// What the audit log calls the start of an import: the operator's word on consent holds from then.
const STARTED: &str = "import.started";
/// Rows committed together.
pub const BATCH_ROWS: usize = 1_000;
/// Notes handed out at once.
const NOTES_PAGE: i64 = 1_000;
/// Addresses looked up at once in a dry run.
const LOOKUPS: usize = 500;

/// How a file is to be taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What columns are, where their names do not say it: header to word.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// What the people on the list agreed to and where, in the operator's words. Without it nobody
    /// becomes confirmed.
    #[serde(default)]
    pub consent: String,
    /// Tags everyone gets.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// What a file holds and what taking it would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Which program it comes from.
    pub preset: String,
    /// How its bytes were read.
    pub encoding: String,
    /// What separates its cells.
    pub separator: String,
    /// Each column and what it is taken for.
    pub columns: Vec<(String, String)>,
    /// Columns that are never taken: IP addresses and places.
    pub dropped: Vec<String>,
    /// Rows.
    pub rows: i64,
    /// Rows with an address that can be written to.
    pub valid: i64,
    /// Rows that cannot be taken.
    pub invalid: i64,
    /// Rows whose address stood in the file before.
    pub duplicate: i64,
    /// Rows whose address is a contact.
    pub existing: i64,
    /// Rows of people who unsubscribed or must not be written to, and stay so.
    pub unsubscribed: i64,
    /// The first rows that cannot be taken.
    pub errors: Vec<String>,
    /// Whether a statement of consent is needed.
    pub needs_consent: bool,
}

/// Errors shown beside a preview.
const ERRORS_SHOWN: usize = 20;

/// Looks at a file and changes nothing: the dry run.
///
/// # Errors
/// It cannot be read, or its columns cannot be told.
pub async fn look(engine: &Engine, site: SiteId, bytes: &[u8], plan: &Plan) -> Result<Preview> {
    let table = Table::read(bytes)?;
    let mut reader = Reader::new(&table, plan)?;
    let mut preview = Preview {
        preset: reader.preset.word().to_owned(),
        encoding: table.encoding.to_owned(),
        separator: match table.separator {
            '\t' => "tab".to_owned(),
            other => other.to_string(),
        },
        columns: reader.columns(),
        dropped: reader.dropped(),
        ..Preview::default()
    };
    let mut waiting: Vec<Person> = Vec::new();
    while let Some((line, read)) = reader.next() {
        preview.rows += 1;
        match read {
            Ok(person) => {
                preview.valid += 1;
                // Only our own export carries the words that were agreed to; of another's column
                // an operator must say so.
                let own_words = reader.preset == Preset::Own && !person.consent_text.is_empty();
                preview.needs_consent |= person.status == Status::Confirmed && !own_words;
                waiting.push(person);
            }
            Err(why) if why.is_duplicate => preview.duplicate += 1,
            Err(why) => {
                preview.invalid += 1;
                if preview.errors.len() < ERRORS_SHOWN {
                    preview.errors.push(format!("line {line}: {}", why.message));
                }
            }
        }
        if waiting.len() >= LOOKUPS {
            count_known(engine, site, &mut preview, std::mem::take(&mut waiting)).await?;
        }
    }
    count_known(engine, site, &mut preview, waiting).await?;
    Ok(preview)
}

async fn count_known(
    engine: &Engine,
    site: SiteId,
    preview: &mut Preview,
    people: Vec<Person>,
) -> Result<()> {
    let of = engine.clone();
    let (existing, unsubscribed) = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let (mut existing, mut unsubscribed) = (0, 0);
                for person in people {
                    let known =
                        store::contacts::find_by_key(session, site, &person.email.key()).await?;
                    existing += i64::from(known.is_some());
                    let left = match known {
                        Some(known) => {
                            matches!(known.status, Status::Unsubscribed | Status::Suppressed)
                        }
                        None => {
                            let hmac = crate::contacts::hmac_of(&of, &person.email);
                            store::suppressions::find(session, site, &hmac).await?.is_some()
                        }
                    };
                    unsubscribed += i64::from(left);
                }
                Ok((existing, unsubscribed))
            })
        })
        .await?;
    preview.existing += existing;
    preview.unsubscribed += unsubscribed;
    Ok(())
}

/// Stores a file for an import that starts when it is told to.
///
/// # Errors
/// It cannot be read.
pub async fn prepare(
    engine: &Engine,
    site: SiteId,
    name: &str,
    bytes: Vec<u8>,
    plan: &Plan,
) -> Result<ImportId> {
    let table = Table::read(&bytes)?;
    // Which column holds the address may still be said.
    let preset = match Reader::new(&table, plan) {
        Ok(reader) => reader.preset.word(),
        Err(refused) if refused.code == columns::NO_ADDRESS => Preset::Other.word(),
        Err(refused) => return Err(refused.into()),
    };
    let preset = preset.to_owned();
    let file_hash = model::tokens::hash_secret(&bytes);
    let file_id = files::put(engine, site, name, "text/csv", bytes).await?;
    insert(engine, site, name, preset, (file_id, file_hash), plan, "ready").await
}

async fn insert(
    engine: &Engine,
    site: SiteId,
    name: &str,
    preset: String,
    (file_id, file_hash): (FileId, String),
    plan: &Plan,
    state: &str,
) -> Result<ImportId> {
    let now = engine.now();
    let import = Import {
        id: ImportId(engine.next_id()),
        name: name.to_owned(),
        file_id,
        file_hash,
        preset,
        plan: plan_text(plan)?,
        state: state.to_owned(),
        why: None,
        next_line: 0,
        rows: 0,
        created: 0,
        updated: 0,
        unchanged: 0,
        skipped: 0,
        rejected: 0,
        created_at: now,
        updated_at: now,
        ended_at: None,
    };
    let (id, of) = (import.id, engine.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                store::imports::insert(tx, site, &import).await?;
                let action = if import.state == "ready" { "import.made" } else { STARTED };
                audits::note(&of, tx, site, action, id, &attested(&import.plan)).await
            })
        })
        .await?;
    Ok(id)
}

/// What the audit log keeps of a plan: the operator's own word on what people agreed to.
fn attested(plan: &str) -> serde_json::Value {
    let plan: Option<Plan> = serde_json::from_str(plan).ok();
    serde_json::json!({ "consent": plan.map(|plan| plan.consent).unwrap_or_default() })
}

fn plan_text(plan: &Plan) -> Result<String> {
    serde_json::to_string(plan).map_err(|e| EngineError::Fault(e.to_string()))
}

/// Lets an import run as `plan` says: its columns stay as they were looked at.
///
/// # Errors
/// There is none, or nothing says what the people on the list agreed to.
pub async fn start_with(engine: &Engine, site: SiteId, id: ImportId, plan: &Plan) -> Result<()> {
    let import = get(engine, site, id).await?;
    if import.state == "ready" {
        let plan = Plan { map: read_plan(&import)?.map, ..plan.clone() };
        let text = plan_text(&plan)?;
        engine
            .write(move |tx| {
                Box::pin(async move { Ok(store::imports::set_plan(tx, site, id, &text).await?) })
            })
            .await?;
    }
    start(engine, site, id).await
}

/// Lets an import run; the sweep does the work.
///
/// # Errors
/// There is none, or nothing says what the people on the list agreed to.
pub async fn start(engine: &Engine, site: SiteId, id: ImportId) -> Result<()> {
    let import = get(engine, site, id).await?;
    if !matches!(import.state.as_str(), "ready" | "paused") {
        let message = "this import has run: bring the file again to take it once more";
        return Err(Refused::new("import_over", message).into());
    }
    let plan: Plan = read_plan(&import)?;
    let (_, bytes) = files::read(engine, site, import.file_id).await?;
    let preview = look(engine, site, &bytes, &plan).await?;
    refuse_without_consent(&preview, &plan)?;
    set_state(engine, site, id, "running", None).await?;
    engine.wake();
    Ok(())
}

/// Stops an import between two batches; it can go on from there.
pub async fn pause(engine: &Engine, site: SiteId, id: ImportId) -> Result<()> {
    set_state(engine, site, id, "paused", Some("paused by an operator")).await
}

async fn set_state(
    engine: &Engine,
    site: SiteId,
    id: ImportId,
    state: &'static str,
    why: Option<&str>,
) -> Result<()> {
    let (of, why) = (engine.clone(), why.map(str::to_owned));
    engine
        .write(move |tx| {
            Box::pin(async move {
                let why = why.as_deref();
                store::imports::set_state(tx, site, id, state, why, of.now()).await?;
                let plan = store::imports::find(tx, site, id).await?.map(|import| import.plan);
                let action = if state == "running" { STARTED } else { "import.paused" };
                audits::note(&of, tx, site, action, id, &attested(&plan.unwrap_or_default())).await
            })
        })
        .await
}

fn refuse_without_consent(preview: &Preview, plan: &Plan) -> std::result::Result<(), Refused> {
    if preview.needs_consent && plan.consent.trim().is_empty() {
        let message = "write what the people on this list agreed to, where and when: without it \
                       nobody may be written to";
        return Err(Refused::new("consent_missing", message).at("consent"));
    }
    Ok(())
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The import, with its counts.
    pub import: Import,
    /// Columns that were not taken: IP addresses and places.
    pub dropped: Vec<String>,
}

/// Takes a file from its first line to its last, or from where an earlier try broke off. `tell` is
/// called after each batch with the rows done.
///
/// # Errors
/// The file cannot be read, or nothing says what the people on it agreed to.
pub async fn run(
    engine: &Engine,
    site: &Site,
    name: &str,
    bytes: Vec<u8>,
    plan: &Plan,
    mut tell: impl FnMut(i64) + Send,
) -> Result<Report> {
    let table = Table::read(&bytes)?;
    let preview = look(engine, site.id, &bytes, plan).await?;
    refuse_without_consent(&preview, plan)?;
    let hash = model::tokens::hash_secret(&bytes);
    let text = plan_text(plan)?;
    let (id, wanted) = (site.id, hash.clone());
    let broken = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok(store::imports::unfinished_of_file(session, id, &wanted, &text).await?)
            })
        })
        .await?;
    let import = match broken {
        Some(import) => {
            set_state(engine, site.id, import.id, "running", None).await?;
            import.id
        }
        None => {
            let file = files::put(engine, site.id, name, "text/csv", bytes).await?;
            let preset = preview.preset.clone();
            insert(engine, site.id, name, preset, (file, hash), plan, "running").await?
        }
    };
    loop {
        batches(engine, site, import, &table, plan, usize::MAX, &mut tell).await?;
        let import = get(engine, site.id, import).await?;
        if import.state != "running" {
            return Ok(Report { import, dropped: preview.dropped });
        }
    }
}

/// Up to `most` batches from where the import stands; how many were committed. Ends early where
/// another process took the next one: a command and the server may both be at work on it.
async fn batches(
    engine: &Engine,
    site: &Site,
    id: ImportId,
    table: &Table,
    plan: &Plan,
    most: usize,
    tell: &mut (impl FnMut(i64) + Send),
) -> Result<usize> {
    let mut import = get(engine, site.id, id).await?;
    let mut reader = Reader::new(table, plan)?;
    reader.skip_to(import.next_line);
    for done in 0..most {
        let mut batch = Vec::with_capacity(BATCH_ROWS);
        while batch.len() < BATCH_ROWS
            && let Some(row) = reader.next()
        {
            batch.push(row);
        }
        let last = batch.len() < BATCH_ROWS;
        let rows = i64::try_from(batch.len()).unwrap_or(i64::MAX);
        let next_line = reader.line();
        let (of, on, with) = (engine.clone(), site.clone(), plan.clone());
        let at = Batch { import: import.clone(), next_line, last };
        let committed = engine
            .write(move |tx| Box::pin(async move { commit(&of, tx, &on, at, &with, batch).await }))
            .await;
        match committed {
            Ok(()) if last => return Ok(done + 1),
            Ok(()) => {}
            Err(EngineError::Conflict(_)) => return Ok(done),
            Err(error) => return Err(error),
        }
        import.next_line = next_line;
        import.rows += rows;
        tell(import.rows);
    }
    Ok(most)
}

struct Batch {
    import: Import,
    next_line: i64,
    last: bool,
}

async fn commit(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    at: Batch,
    plan: &Plan,
    batch: Vec<rows::Read>,
) -> Result<()> {
    let Batch { import, next_line, last } = at;
    // Looked at before the rows are, so that two at work on one import do little twice.
    let stands = store::imports::find(tx, site.id, import.id).await?;
    if !stands.is_some_and(|now| now.state == "running" && now.next_line == import.next_line) {
        return Err(moved_on());
    }
    let mut step = Step { next_line, ..Step::default() };
    for (line, read) in batch {
        step.rows += 1;
        let noted = match read {
            Ok(person) => {
                rows::take(engine, tx, site, &import, plan, line, person, &mut step).await?
            }
            Err(why) => {
                let level = if why.is_duplicate { "warning" } else { "error" };
                if why.is_duplicate {
                    step.skipped += 1
                } else {
                    step.rejected += 1
                }
                let level = level.to_owned();
                Some(Note { line, email: why.email, level, message: why.message })
            }
        };
        if let Some(note) = noted {
            store::imports::note(tx, site.id, import.id, &note).await?;
        }
    }
    let now = engine.now();
    let from = import.next_line;
    if !store::imports::advance(tx, site.id, import.id, from, step, now).await? {
        // Another process was there first, or it was paused: what was done here is undone.
        return Err(moved_on());
    }
    if last {
        store::imports::set_state(tx, site.id, import.id, "done", None, now).await?;
        let data = serde_json::json!({ "import": import.id, "name": import.name });
        let event = NewEvent {
            kind: "import.finished",
            contact_id: None,
            subject_id: Some(import.id.0),
            data: &data,
        };
        engine.record(tx, site.id, event).await?;
    }
    Ok(())
}

fn moved_on() -> EngineError {
    EngineError::Conflict("the import moved on meanwhile, or was paused".to_owned())
}

/// The import with this id.
///
/// # Errors
/// There is none.
pub async fn get(engine: &Engine, site: SiteId, id: ImportId) -> Result<Import> {
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                store::imports::find(session, site, id)
                    .await?
                    .ok_or_else(|| EngineError::missing("import", id))
            })
        })
        .await
}

/// The newest import.
///
/// # Errors
/// The database fails.
pub async fn newest(engine: &Engine, site: SiteId) -> Result<Option<ImportId>> {
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                let last = ImportId(i64::MAX);
                let found = store::imports::list(session, site, last, 1).await?;
                Ok(found.first().map(|import| import.id))
            })
        })
        .await
}

/// How an import's file is taken.
pub fn read_plan(import: &Import) -> Result<Plan> {
    serde_json::from_str(&import.plan)
        .map_err(|e| EngineError::Fault(format!("an import's plan cannot be read: {e}")))
}

/// `errors.csv`: line, email, level, message. Safe for spreadsheets.
pub async fn errors_csv(engine: &Engine, site: SiteId, id: ImportId) -> Result<String> {
    get(engine, site, id).await?;
    let mut text = csv_row(&["line", "email", "level", "message"]);
    let mut after = -1;
    loop {
        let from = after;
        let notes = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    Ok(store::imports::notes(session, site, id, from, NOTES_PAGE).await?)
                })
            })
            .await?;
        let Some(last) = notes.last() else { return Ok(text) };
        after = last.line;
        for note in &notes {
            let line = note.line.to_string();
            text.push_str(&csv_row(&[&line, &note.email, &note.level, &note.message]));
        }
    }
}

/// Suppresses an address by hand or by a list of such addresses.
pub(crate) async fn suppress(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    address: &EmailAddr,
    note: &str,
) -> Result<()> {
    let hmac = crate::contacts::hmac_of(engine, address);
    let reason = model::contacts::SuppressionReason::Import;
    Ok(store::suppressions::put(tx, site, &hmac, reason, note, engine.now()).await?)
}
