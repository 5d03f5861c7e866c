//! Imports: how far each got, and what it left out.

use model::ids::{FileId, ImportId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const INSERT: &str = "insert into imports (site_id, id, name, file_id, file_hash, preset, plan,
    state, why, next_line, rows_read, created, updated, unchanged, skipped, rejected, created_at,
    updated_at, ended_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, null, 0, 0, 0, 0, 0, 0, 0, $9, $9, null)";
const FIND: &str = "select id, name, file_id, file_hash, preset, plan, state, why, next_line,
    rows_read, created, updated, unchanged, skipped, rejected, created_at, updated_at, ended_at
    from imports where site_id = $1 and id = $2";
const LIST: &str = "select id, name, file_id, file_hash, preset, plan, state, why, next_line,
    rows_read, created, updated, unchanged, skipped, rejected, created_at, updated_at, ended_at
    from imports where site_id = $1 and id < $2 order by id desc limit $3";
const UNFINISHED_OF_FILE: &str = "select id, name, file_id, file_hash, preset, plan, state, why,
    next_line, rows_read, created, updated, unchanged, skipped, rejected, created_at, updated_at,
    ended_at from imports where site_id = $1 and file_hash = $2 and plan = $3
    and state in ('running', 'paused') order by id desc limit 1";
const RUNNING: &str = "select site_id, id from imports where state = 'running' order by id limit 1";
const SET_PLAN: &str = "update imports set plan = $3 where site_id = $1 and id = $2
    and state = 'ready'";
const SET_STATE: &str = "update imports set state = $3, why = $4, updated_at = $5,
    ended_at = case when cast($3 as text) = 'done' then $5 else ended_at end
    where site_id = $1 and id = $2";
const ADVANCE: &str = "update imports set next_line = $4, rows_read = rows_read + $5,
    created = created + $6, updated = updated + $7, unchanged = unchanged + $8,
    skipped = skipped + $9, rejected = rejected + $10, updated_at = $11, why = null
    where site_id = $1 and id = $2 and next_line = $3 and state = 'running'";
const NOTE: &str = "insert into import_errors (site_id, import_id, line, email, level, message)
    values ($1, $2, $3, $4, $5, $6) on conflict (site_id, import_id, line, message) do nothing";
const NOTES: &str = "select line, email, level, message from import_errors
    where site_id = $1 and import_id = $2 and line > $3 order by line limit $4";

/// One import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// The file's name.
    pub name: String,
    /// The stored file.
    pub file_id: FileId,
    /// What it holds, as a hash in hex.
    pub file_hash: String,
    /// Which program it comes from.
    pub preset: String,
    /// JSON: mapping, consent statement, tags.
    pub plan: String,
    /// `ready`, `running`, `paused` or `done`.
    pub state: String,
    /// Why it paused.
    pub why: Option<String>,
    /// The line after the last that is committed.
    pub next_line: i64,
    /// Rows read; the sum of the next five.
    pub rows: i64,
    /// New contacts.
    pub created: i64,
    /// Contacts that changed.
    pub updated: i64,
    /// Contacts that were as the file says.
    pub unchanged: i64,
    /// Rows of those who must be left alone, and repeated rows.
    pub skipped: i64,
    /// Rows that cannot be taken.
    pub rejected: i64,
    /// When it was made.
    pub created_at: UtcMs,
    /// When it last moved.
    pub updated_at: UtcMs,
    /// When it was done.
    pub ended_at: Option<UtcMs>,
}

impl FromRow for Import {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            name: row.take()?,
            file_id: row.take()?,
            file_hash: row.take()?,
            preset: row.take()?,
            plan: row.take()?,
            state: row.take()?,
            why: row.take()?,
            next_line: row.take()?,
            rows: row.take()?,
            created: row.take()?,
            updated: row.take()?,
            unchanged: row.take()?,
            skipped: row.take()?,
            rejected: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
            ended_at: row.take()?,
        })
    }
}

/// Writes a new import.
pub async fn insert(tx: &mut Tx<'_>, site: SiteId, import: &Import) -> Result<()> {
    tx.query(INSERT)
        .bind(site)
        .bind(import.id)
        .bind(&import.name)
        .bind(import.file_id)
        .bind(&import.file_hash)
        .bind(&import.preset)
        .bind(&import.plan)
        .bind(&import.state)
        .bind(import.created_at)
        .run()
        .await
        .map(drop)
}

/// The import with this id.
pub async fn find(session: &mut Session<'_>, site: SiteId, id: ImportId) -> Result<Option<Import>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// Imports, newest first, from before `before`.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    before: ImportId,
    limit: i64,
) -> Result<Vec<Import>> {
    session.query(LIST).bind(site).bind(before).bind(limit).all().await
}

/// An import of the same file by the same plan that did not come to its end.
pub async fn unfinished_of_file(
    session: &mut Session<'_>,
    site: SiteId,
    file_hash: &str,
    plan: &str,
) -> Result<Option<Import>> {
    session.query(UNFINISHED_OF_FILE).bind(site).bind(file_hash).bind(plan).maybe().await
}

/// An import that has work left, of whichever site.
pub async fn running(session: &mut Session<'_>) -> Result<Option<(SiteId, ImportId)>> {
    session.query(RUNNING).maybe().await
}

/// Changes how an import that has not begun takes its file.
pub async fn set_plan(tx: &mut Tx<'_>, site: SiteId, id: ImportId, plan: &str) -> Result<()> {
    tx.query(SET_PLAN).bind(site).bind(id).bind(plan).run().await.map(drop)
}

/// Moves an import to another state.
pub async fn set_state(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: ImportId,
    state: &str,
    why: Option<&str>,
    now: UtcMs,
) -> Result<()> {
    let query = tx.query(SET_STATE).bind(site).bind(id).bind(state);
    query.bind(why).bind(now).run().await.map(drop)
}

/// How far one batch got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// The line after its last.
    pub next_line: i64,
    /// Rows read.
    pub rows: i64,
    /// New contacts.
    pub created: i64,
    /// Contacts that changed.
    pub updated: i64,
    /// Contacts that were as the file says.
    pub unchanged: i64,
    /// Rows left alone.
    pub skipped: i64,
    /// Rows that cannot be taken.
    pub rejected: i64,
}

/// Commits a batch that began at line `from`; `false` where another process was there first.
pub async fn advance(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: ImportId,
    from: i64,
    step: Step,
    now: UtcMs,
) -> Result<bool> {
    let query = tx.query(ADVANCE).bind(site).bind(id).bind(from).bind(step.next_line);
    let query = query.bind(step.rows).bind(step.created).bind(step.updated);
    let query = query.bind(step.unchanged).bind(step.skipped).bind(step.rejected);
    Ok(query.bind(now).run().await? == 1)
}

/// One line of `errors.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The line of the file.
    pub line: i64,
    /// The address, as far as it was one.
    pub email: String,
    /// `error` or `warning`.
    pub level: String,
    /// What is wrong, or was left alone.
    pub message: String,
}

impl FromRow for Note {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { line: row.take()?, email: row.take()?, level: row.take()?, message: row.take()? })
    }
}

/// Keeps what is to be said about a row.
pub async fn note(tx: &mut Tx<'_>, site: SiteId, id: ImportId, note: &Note) -> Result<()> {
    tx.query(NOTE)
        .bind(site)
        .bind(id)
        .bind(note.line)
        .bind(&note.email)
        .bind(&note.level)
        .bind(&note.message)
        .run()
        .await
        .map(drop)
}

/// What is to be said about rows after line `after`, in order.
pub async fn notes(
    session: &mut Session<'_>,
    site: SiteId,
    id: ImportId,
    after: i64,
    limit: i64,
) -> Result<Vec<Note>> {
    session.query(NOTES).bind(site).bind(id).bind(after).bind(limit).all().await
}
