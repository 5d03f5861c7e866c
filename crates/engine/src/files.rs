//! Files: stored once by what they hold, in a folder, or in the database where no folder is
//! shared.

pub mod columns;
pub(crate) mod pictures;
pub mod preambles;
pub mod tables;

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::ids::FileId;
use model::{Refused, SiteId};
use sha2::{Digest, Sha256};
use store::files::File;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// The largest file that is taken: an e-book, an audio lesson; video belongs elsewhere.
pub const BYTES_MAX: usize = 100 * 1024 * 1024;
/// Bytes of one row where the database holds the file.
const PART_BYTES: usize = 3 * 1024 * 1024;
/// How a file ends that is on its way to its place: no row names it yet, no backup takes it along.
pub(crate) const BEING_WRITTEN: &str = "part";
/// Characters of a file's name.
const NAME_MAX: usize = 120;

/// Stores a picture that is to be shown, without what it tells of its maker; its id.
///
/// # Errors
/// No page could show it, or as [`put`].
pub async fn put_picture(
    engine: &Engine,
    site: SiteId,
    name: &str,
    content_type: &str,
    bytes: Vec<u8>,
) -> Result<FileId> {
    check_size(&bytes)?;
    let bytes = pictures::clean(content_type, bytes)?;
    put(engine, site, name, content_type, bytes).await
}

/// Stores a file; its id. The same bytes are kept once, whatever they are called, and as they are:
/// what is sold reaches its buyer as it was brought.
///
/// # Errors
/// It is empty or too large, or the folder cannot be written.
pub async fn put(
    engine: &Engine,
    site: SiteId,
    name: &str,
    content_type: &str,
    bytes: Vec<u8>,
) -> Result<FileId> {
    check_size(&bytes)?;
    let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes));
    let file = File {
        id: FileId(engine.next_id()),
        name: safe_name(name),
        content_type: content_type.to_owned(),
        bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        sha256: sha256.clone(),
        is_public: false,
        created_at: engine.now(),
    };
    let id = file.id;
    // The bytes first: a row never speaks of bytes that are not there.
    let parts = if engine.db().is_sqlite() {
        write_to_folder(engine, &sha256, bytes).await?;
        Vec::new()
    } else {
        bytes.chunks(PART_BYTES).map(|part| STANDARD.encode(part)).collect()
    };
    engine
        .write(move |tx| {
            Box::pin(async move {
                for (n, data) in (0_i64..).zip(&parts) {
                    store::files::put_part(tx, &file.sha256, n, data).await?;
                }
                Ok(store::files::insert(tx, site, &file).await?)
            })
        })
        .await?;
    Ok(id)
}

fn check_size(bytes: &[u8]) -> std::result::Result<(), Refused> {
    if bytes.is_empty() || bytes.len() > BYTES_MAX {
        let message = format!("give a file of 1 byte to {} MB", BYTES_MAX / 1024 / 1024);
        return Err(Refused::new("file_size", message).at("file"));
    }
    Ok(())
}

/// The bytes of a file as anybody may see it: a picture without what it tells of its maker. A page
/// may show what is also sold, or came with a funnel, and those are kept as they were brought.
///
/// # Errors
/// No page could show it, or as [`read`].
pub async fn shown(engine: &Engine, file: &File) -> Result<Vec<u8>> {
    Ok(pictures::clean(&file.content_type, bytes_of(engine, file).await?)?)
}

/// A file with its bytes, as it was brought.
///
/// # Errors
/// There is none, or its bytes are gone.
pub async fn read(engine: &Engine, site: SiteId, id: FileId) -> Result<(File, Vec<u8>)> {
    let file = find(engine, site, id).await?;
    let bytes = bytes_of(engine, &file).await?;
    Ok((file, bytes))
}

/// The bytes of a file whose row was found.
async fn bytes_of(engine: &Engine, file: &File) -> Result<Vec<u8>> {
    if !engine.db().is_sqlite() {
        return read_parts(engine, file).await;
    }
    let read = tokio::fs::read(path_of(engine, &file.sha256)).await;
    read.map_err(|e| EngineError::Fault(format!("the file {} cannot be read: {e}", file.name)))
}

/// A file's row.
///
/// # Errors
/// There is none.
pub async fn find(engine: &Engine, site: SiteId, id: FileId) -> Result<File> {
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                store::files::find(session, site, id)
                    .await?
                    .ok_or_else(|| EngineError::missing("file", id))
            })
        })
        .await
}

async fn read_parts(engine: &Engine, file: &File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for part in 0.. {
        let sha256 = file.sha256.clone();
        let data = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move { Ok(store::files::part(session, &sha256, part).await?) })
            })
            .await?;
        let Some(data) = data else { break };
        bytes.extend(
            STANDARD.decode(data).map_err(|e| {
                EngineError::Fault(format!("the file {} is damaged: {e}", file.name))
            })?,
        );
    }
    Ok(bytes)
}

fn path_of(engine: &Engine, sha256: &str) -> PathBuf {
    let head: String = sha256.chars().take(2).collect();
    engine.data_dir().join("files").join(head).join(sha256)
}

async fn write_to_folder(engine: &Engine, sha256: &str, bytes: Vec<u8>) -> Result<()> {
    let path = path_of(engine, sha256);
    let number = engine.next_id();
    let done = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
        use std::io::Write;
        if path.exists() {
            return Ok(());
        }
        let folder = path.parent().map(PathBuf::from).unwrap_or_default();
        std::fs::create_dir_all(&folder)?;
        // Whole or not at all: written beside, synced, then renamed.
        let beside = folder.join(format!("{number}.{BEING_WRITTEN}"));
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)?;
        std::fs::File::open(&folder)?.sync_all()
    })
    .await;
    match done {
        Ok(Ok(())) => Ok(()),
        Ok(Err(e)) => Err(EngineError::Fault(format!("the file cannot be stored: {e}"))),
        Err(e) => Err(EngineError::Fault(format!("the file cannot be stored: {e}"))),
    }
}

/// The last part of a path, without what a header or a file system could misread.
fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let fine = |c: char| !c.is_control() && !r#""<>:|?*;"#.contains(c);
    let name: String = last.chars().filter(|c| fine(*c)).take(NAME_MAX).collect();
    let name = name.trim_matches(['.', ' ']).to_owned();
    if name.is_empty() { "file".to_owned() } else { name }
}
