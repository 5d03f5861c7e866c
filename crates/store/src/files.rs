//! Files: their rows, and their bytes where no folder is shared.

use model::ids::FileId;
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const INSERT: &str = "insert into files
    (site_id, id, name, content_type, bytes, sha256, is_public, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const FIND: &str = "select id, name, content_type, bytes, sha256, is_public, created_at
    from files where site_id = $1 and id = $2";
const FIND_BY_NAME: &str = "select id, name, content_type, bytes, sha256, is_public, created_at
    from files where site_id = $1 and name = $2 order by id desc limit 1";
const FIND_SHOWN: &str = "select id, name, content_type, bytes, sha256, is_public, created_at
    from files where site_id = $1 and name = $2 and is_public = true order by id desc limit 1";
const SHOW: &str = "update files set is_public = true where site_id = $1 and id = $2";
const LIST: &str = "select id, name, content_type, bytes, sha256, is_public, created_at
    from files where site_id = $1 and id < $2 order by id desc limit $3";
const PUT_PART: &str = "insert into file_parts (sha256, part, data) values ($1, $2, $3)
    on conflict (sha256, part) do nothing";
const PART: &str = "select data from file_parts where sha256 = $1 and part = $2";

/// A stored file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its id.
    pub id: FileId,
    /// Its name as it is downloaded.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// Its size.
    pub bytes: i64,
    /// What it holds, as a hash in hex.
    pub sha256: String,
    /// Whether anybody may fetch it: a picture or a film of a page or a product.
    pub is_public: bool,
    /// When it was stored.
    pub created_at: UtcMs,
}

impl FromRow for File {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            name: row.take()?,
            content_type: row.take()?,
            bytes: row.take()?,
            sha256: row.take()?,
            is_public: row.take()?,
            created_at: row.take()?,
        })
    }
}

/// Stores a file's row.
pub async fn insert(tx: &mut Tx<'_>, site: SiteId, file: &File) -> Result<()> {
    tx.query(INSERT)
        .bind(site)
        .bind(file.id)
        .bind(&file.name)
        .bind(&file.content_type)
        .bind(file.bytes)
        .bind(&file.sha256)
        .bind(file.is_public)
        .bind(file.created_at)
        .run()
        .await
        .map(drop)
}

/// The file with this id.
pub async fn find(session: &mut Session<'_>, site: SiteId, id: FileId) -> Result<Option<File>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// The newest file of this name.
pub async fn find_by_name(
    session: &mut Session<'_>,
    site: SiteId,
    name: &str,
) -> Result<Option<File>> {
    session.query(FIND_BY_NAME).bind(site).bind(name).maybe().await
}

/// The newest file of this name that anybody may fetch.
pub async fn find_shown(
    session: &mut Session<'_>,
    site: SiteId,
    name: &str,
) -> Result<Option<File>> {
    session.query(FIND_SHOWN).bind(site).bind(name).maybe().await
}

/// Lets anybody fetch a file.
pub async fn show(tx: &mut Tx<'_>, site: SiteId, id: FileId) -> Result<()> {
    tx.query(SHOW).bind(site).bind(id).run().await.map(drop)
}

/// Files, newest first, from before `before`.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    before: FileId,
    limit: i64,
) -> Result<Vec<File>> {
    session.query(LIST).bind(site).bind(before).bind(limit).all().await
}

/// Keeps one part of a file's bytes, as base64.
pub async fn put_part(tx: &mut Tx<'_>, sha256: &str, part: i64, data: &str) -> Result<()> {
    tx.query(PUT_PART).bind(sha256).bind(part).bind(data).run().await.map(drop)
}

/// One part of a file's bytes, as base64.
pub async fn part(session: &mut Session<'_>, sha256: &str, part: i64) -> Result<Option<String>> {
    session.query(PART).bind(sha256).bind(part).maybe().await
}
