//! What imports changed, contact by contact, and how far taking one back has come.

use model::ids::{ContactId, ImportId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const PUT: &str = "insert into import_changes
    (site_id, import_id, contact_id, id, change, kept, undone_at)
    values ($1, $2, $3, $4, $5, null, null)
    on conflict (site_id, import_id, contact_id) do nothing";
const OPEN: &str = "select contact_id, id, change from import_changes
    where site_id = $1 and import_id = $2 and contact_id > $3 and undone_at is null
    order by contact_id limit $4";
const CLOSE: &str = "update import_changes set change = '{}', kept = $4, undone_at = $5
    where site_id = $1 and import_id = $2 and contact_id = $3";
const KEPT: &str = "select k.contact_id, c.email, k.kept from import_changes k
    join contacts c on c.site_id = k.site_id and c.id = k.contact_id
    where k.site_id = $1 and k.import_id = $2 and k.kept is not null
    order by k.contact_id limit $3";
const FORGET_OF_CONTACT: &str = "delete from import_changes
    where site_id = $1 and contact_id = $2";
const FORGET_BEFORE: &str = "delete from import_changes where id < $1 and kept is null";
// The first thing that happened to a contact, or that it did, since a change of an import.
const SINCE: &str = "select why from (
    select 1 as nth, 'has ordered since' as why from orders
        where site_id = $1 and contact_id = $2 and id > $3
    union all select 2, 'has filled in a form since' from submissions
        where site_id = $1 and contact_id = $2 and id > $3
    union all select 3, 'has followed a link of a mail since' from clicks
        where site_id = $1 and contact_id = $2 and id > $3
    union all select 4, 'has said yes or no to mail since' from consents
        where site_id = $1 and contact_id = $2 and id > $3
            and (source <> 'import' or source_id is null or source_id <> $4)
    union all select 5, 'has begun to order since' from carts
        where site_id = $1 and contact_id = $2 and id > $3
    union all select 6, 'was written to since' from messages
        where site_id = $1 and contact_id = $2 and id > $3
    union all select 7, 'has entered a sequence since' from enrolments
        where site_id = $1 and contact_id = $2 and id > $3
    union all select 8, 'stands in a list that was taken since' from import_changes
        where site_id = $1 and contact_id = $2 and id > $3 and import_id <> $4
            and undone_at is null
    union all select 9, 'was changed by an operator or a program since' from events
        where site_id = $1 and contact_id = $2 and id > $3
            and kind not in ('contact.created', 'consent.granted', 'consent.withdrawn')
    ) happened order by nth limit 1";
const UNDO_BEGIN: &str = "insert into import_undos
    (site_id, import_id, actor, taken_back, kept, begun_at, ended_at)
    values ($1, $2, $3, 0, 0, $4, null)
    on conflict (site_id, import_id) do nothing";
const UNDO_FIND: &str = "select import_id, actor, taken_back, kept, begun_at, ended_at
    from import_undos where site_id = $1 and import_id = $2";
const UNDO_RUNNING: &str = "select site_id, import_id from import_undos
    where ended_at is null order by import_id limit 1";
// Said first in each batch: on PostgreSQL it keeps two processes from one another.
const UNDO_CLAIM: &str = "update import_undos set kept = kept
    where site_id = $1 and import_id = $2 and ended_at is null";
const UNDO_ADVANCE: &str = "update import_undos
    set taken_back = taken_back + $3, kept = kept + $4, ended_at = $5
    where site_id = $1 and import_id = $2 and ended_at is null";

/// What an import did to one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The contact.
    pub contact: ContactId,
    /// When, among all ids.
    pub id: i64,
    /// JSON: what it did, and what stood there before.
    pub change: String,
}

impl FromRow for Line {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { contact: row.take()?, id: row.take()?, change: row.take()? })
    }
}

/// A contact that stayed when its import was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The contact.
    pub contact: ContactId,
    /// Its address.
    pub email: String,
    /// Why.
    pub why: String,
}

impl FromRow for Kept {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { contact: row.take()?, email: row.take()?, why: row.take()? })
    }
}

/// How far taking an import back has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// The import.
    pub import: ImportId,
    /// Who asked for it.
    pub actor: String,
    /// Contacts taken back.
    pub taken_back: i64,
    /// Contacts that stayed.
    pub kept: i64,
    /// Since when.
    pub begun_at: UtcMs,
    /// When it was done.
    pub ended_at: Option<UtcMs>,
}

impl FromRow for Undo {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            import: row.take()?,
            actor: row.take()?,
            taken_back: row.take()?,
            kept: row.take()?,
            begun_at: row.take()?,
            ended_at: row.take()?,
        })
    }
}

/// Keeps what an import did to a contact.
pub async fn put(tx: &mut Tx<'_>, site: SiteId, import: ImportId, line: &Line) -> Result<()> {
    let query = tx.query(PUT).bind(site).bind(import).bind(line.contact);
    query.bind(line.id).bind(&line.change).run().await.map(drop)
}

/// What is not dealt with yet, by contact, after `after`.
pub async fn open(
    session: &mut Session<'_>,
    site: SiteId,
    import: ImportId,
    after: ContactId,
    limit: i64,
) -> Result<Vec<Line>> {
    session.query(OPEN).bind(site).bind(import).bind(after).bind(limit).all().await
}

/// Marks a line as dealt with; `kept` says why its contact stays as it is.
pub async fn close(
    tx: &mut Tx<'_>,
    site: SiteId,
    import: ImportId,
    contact: ContactId,
    kept: Option<&str>,
    now: UtcMs,
) -> Result<()> {
    let query = tx.query(CLOSE).bind(site).bind(import).bind(contact);
    query.bind(kept).bind(now).run().await.map(drop)
}

/// Who stayed, and why.
pub async fn kept(
    session: &mut Session<'_>,
    site: SiteId,
    import: ImportId,
    limit: i64,
) -> Result<Vec<Kept>> {
    session.query(KEPT).bind(site).bind(import).bind(limit).all().await
}

/// What happened to a contact, or what it did, since an import's change; nothing where nothing did.
pub async fn since(
    session: &mut Session<'_>,
    site: SiteId,
    import: ImportId,
    contact: ContactId,
    id: i64,
) -> Result<Option<String>> {
    session.query(SINCE).bind(site).bind(contact).bind(id).bind(import).maybe().await
}

/// Forgets what imports did to a contact that is forgotten itself.
pub async fn forget_of_contact(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(FORGET_OF_CONTACT).bind(site).bind(contact).run().await.map(drop)
}

/// Forgets changes made before `before`: too old to be taken back.
pub async fn forget_before(tx: &mut Tx<'_>, before: UtcMs) -> Result<()> {
    tx.query(FORGET_BEFORE).bind(model::ids::first_id_at(before)).run().await.map(drop)
}

/// Notes that an import is to be taken back; nothing where that was noted before.
pub async fn begin_undo(
    tx: &mut Tx<'_>,
    site: SiteId,
    import: ImportId,
    actor: &str,
    now: UtcMs,
) -> Result<()> {
    let query = tx.query(UNDO_BEGIN).bind(site).bind(import).bind(actor);
    query.bind(now).run().await.map(drop)
}

/// How far taking an import back has come.
pub async fn find_undo(
    session: &mut Session<'_>,
    site: SiteId,
    import: ImportId,
) -> Result<Option<Undo>> {
    session.query(UNDO_FIND).bind(site).bind(import).maybe().await
}

/// An import that is being taken back, of whichever site.
pub async fn running_undo(session: &mut Session<'_>) -> Result<Option<(SiteId, ImportId)>> {
    session.query(UNDO_RUNNING).maybe().await
}

/// Makes a batch of an undo this transaction's own; `false` where it is done already.
pub async fn claim_undo(tx: &mut Tx<'_>, site: SiteId, import: ImportId) -> Result<bool> {
    Ok(tx.query(UNDO_CLAIM).bind(site).bind(import).run().await? == 1)
}

/// Counts a batch of an undo; with `ended` it was the last.
pub async fn advance_undo(
    tx: &mut Tx<'_>,
    site: SiteId,
    import: ImportId,
    (taken_back, kept): (i64, i64),
    ended: Option<UtcMs>,
) -> Result<()> {
    let query = tx.query(UNDO_ADVANCE).bind(site).bind(import).bind(taken_back);
    query.bind(kept).bind(ended).run().await.map(drop)
}
