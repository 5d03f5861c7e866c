//! Copies an installation while it runs, and puts a copy back.
//!
//! A backup is a folder: `tundish.db`, `views.db`, `files/…`, `audit-heads.txt`, `backup.json`. The
//! databases are copied first and the files after: files are only ever added, so every file a
//! copied row names is in the copy too. The master key stays out unless it is asked for.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use model::UtcMs;
use serde::{Deserialize, Serialize};
use store::{Db, Options};

use crate::audits::HEADS;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// The databases of a backup.
const DATABASES: [&str; 2] = ["tundish.db", "views.db"];
const MANIFEST: &str = "backup.json";
const KEY: &str = "secret.key";
const FILES: &str = "files";
/// What may lie in a folder that counts as empty: a key put there for the restore, and the lock.
const MAY_LIE_THERE: [&str; 2] = [KEY, "LOCK"];

/// Whether the master key goes into the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// It does: whoever has the copy can read every stored secret.
    Included,
    /// It is kept elsewhere.
    LeftOut,
}

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The program that made it.
    pub version: String,
    /// When, in RFC 3339.
    pub made_at: String,
    /// Whether the master key is in it.
    pub with_key: bool,
    /// Files copied besides the databases.
    pub files: u64,
    /// Bytes of everything.
    pub bytes: u64,
}

/// Copies the installation of `engine` into the folder `to`, which must not exist or be empty.
///
/// # Errors
/// The folder holds something, the disk is full, or the database is PostgreSQL.
pub async fn run(engine: &Engine, to: &Path, key: Key) -> Result<Manifest> {
    if to.exists() && !is_empty(to, &[])? {
        return Err(EngineError::Conflict(format!(
            "{} is not empty; name a new folder for each backup",
            to.display()
        )));
    }
    // Made beside its place and moved there whole: a backup that broke off is never taken for one.
    let partial = with_suffix(to, ".partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(|e| fault(&partial, &e))?;
    }
    make_private(&partial)?;
    // What was noted of the audit log, before the log itself: that may only reach further.
    let heads = engine.data_dir().join(HEADS);
    if heads.exists() {
        copy_file(&heads, &partial.join(HEADS), &mut Copied::default())?;
    }
    engine.db().copy_to(partial.join("tundish.db")).await?;
    let views = partial.join("views.db");
    engine.views().copy_to(views.clone()).await?;
    leave_salts_out(&views).await?;
    let data = engine.data_dir().to_owned();
    let made_at = engine.now();
    let to = to.to_owned();
    let blocking = move || complete(&data, &partial, &to, made_at, key);
    tokio::task::spawn_blocking(blocking)
        .await
        .unwrap_or_else(|_| Err(EngineError::Fault("the copy broke off".to_owned())))
}

/// A backup is kept for longer than a day's salt may be.
async fn leave_salts_out(views: &Path) -> Result<()> {
    let url = format!("sqlite:{}", views.display());
    let db = Db::connect_as_is(&url, &Options::views()).await?;
    db.write::<_, EngineError, _>(|tx| {
        Box::pin(
            async move { Ok(store::views::forget_salts(tx, UtcMs(i64::MAX)).await.map(drop)?) },
        )
    })
    .await?;
    db.close().await;
    Ok(())
}

fn complete(data: &Path, partial: &Path, to: &Path, made_at: UtcMs, key: Key) -> Result<Manifest> {
    let mut copied = Copied::default();
    if data.join(FILES).exists() {
        copy_tree(&data.join(FILES), &partial.join(FILES), &mut copied)?;
    }
    let files = copied.files;
    for name in DATABASES {
        let path = partial.join(name);
        copied.bytes += fs::metadata(&path).map_err(|e| fault(&path, &e))?.len();
        sync(&path)?;
    }
    let with_key = key == Key::Included && data.join(KEY).exists();
    if with_key {
        copy_file(&data.join(KEY), &partial.join(KEY), &mut copied)?;
    }
    let manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: made_at.rfc3339(),
        with_key,
        files,
        bytes: copied.bytes,
    };
    write_manifest(&partial.join(MANIFEST), &manifest)?;
    sync(partial)?;
    if to.exists() {
        fs::remove_dir(to).map_err(|e| fault(to, &e))?;
    }
    fs::rename(partial, to).map_err(|e| fault(to, &e))?;
    sync_parent(to)?;
    Ok(manifest)
}

/// What became of a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// What was restored.
    pub backup: Manifest,
    /// Where the folder's old content lies now.
    pub kept_at: Option<PathBuf>,
    /// Whether a master key is in place; without one the server will not start.
    pub has_key: bool,
}

/// Whether a folder's old content may be moved aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    /// It is moved to `….bak`.
    MovedAside,
    /// There must be none.
    Refused,
}

/// Reads what a backup says of itself.
///
/// # Errors
/// It is no backup.
pub fn manifest(from: &Path) -> Result<Manifest> {
    let path = from.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(|_| {
        EngineError::Conflict(format!("{} is not a backup: it has no {MANIFEST}", from.display()))
    })?;
    serde_json::from_str(&text)
        .map_err(|e| EngineError::Conflict(format!("{} cannot be read: {e}", path.display())))
}

/// Puts the backup `from` in place as the data folder `data`. The next start finds it older than
/// what was (or from another machine) and holds all sending until the operator has decided.
///
/// # Errors
/// `from` is no backup, or `data` holds something and `old` refuses that.
pub fn restore(from: &Path, data: &Path, old: Old) -> Result<Restored> {
    let backup = manifest(from)?;
    for name in DATABASES {
        if !from.join(name).exists() {
            let sentence = format!("{} is not whole: {name} is missing", from.display());
            return Err(EngineError::Conflict(sentence));
        }
    }
    let partial = with_suffix(data, ".restoring");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(|e| fault(&partial, &e))?;
    }
    make_private(&partial)?;
    let mut copied = Copied::default();
    for name in DATABASES {
        copy_file(&from.join(name), &partial.join(name), &mut copied)?;
    }
    if from.join(FILES).exists() {
        copy_tree(&from.join(FILES), &partial.join(FILES), &mut copied)?;
    }
    if from.join(HEADS).exists() {
        copy_file(&from.join(HEADS), &partial.join(HEADS), &mut copied)?;
    }
    // The key of the backup, else the one that lies in the folder already.
    let key = [from.join(KEY), data.join(KEY)].into_iter().find(|path| path.exists());
    if let Some(key) = &key {
        copy_file(key, &partial.join(KEY), &mut copied)?;
    }
    let kept_at = clear_the_way(data, old)?;
    fs::rename(&partial, data).map_err(|e| fault(data, &e))?;
    sync_parent(data)?;
    Ok(Restored { backup, kept_at, has_key: key.is_some() })
}

/// Whether a folder may be restored into without moving anything aside.
///
/// # Errors
/// It cannot be looked into.
pub fn may_restore_into(data: &Path) -> Result<bool> {
    Ok(!data.exists() || is_empty(data, &MAY_LIE_THERE)?)
}

fn clear_the_way(data: &Path, old: Old) -> Result<Option<PathBuf>> {
    if !data.exists() {
        return Ok(None);
    }
    if may_restore_into(data)? {
        fs::remove_dir_all(data).map_err(|e| fault(data, &e))?;
        return Ok(None);
    }
    if old == Old::Refused {
        return Err(EngineError::Conflict(format!(
            "{} is not empty; --force moves what is there to {}",
            data.display(),
            free_name(data).display()
        )));
    }
    let aside = free_name(data);
    fs::rename(data, &aside).map_err(|e| fault(&aside, &e))?;
    Ok(Some(aside))
}

fn free_name(data: &Path) -> PathBuf {
    let mut aside = with_suffix(data, ".bak");
    let mut number = 2;
    while aside.exists() {
        aside = with_suffix(data, &format!(".bak{number}"));
        number += 1;
    }
    aside
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

fn is_empty(dir: &Path, but: &[&str]) -> Result<bool> {
    for entry in fs::read_dir(dir).map_err(|e| fault(dir, &e))? {
        let name = entry.map_err(|e| fault(dir, &e))?.file_name();
        if !but.iter().any(|known| name == *known) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[derive(Debug, Default)]
struct Copied {
    files: u64,
    bytes: u64,
}

fn copy_tree(from: &Path, to: &Path, copied: &mut Copied) -> Result<()> {
    make_private(to)?;
    for entry in fs::read_dir(from).map_err(|e| fault(from, &e))? {
        let entry = entry.map_err(|e| fault(from, &e))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_tree(&path, &target, copied)?;
        } else if !is_being_written(&path) {
            copy_file(&path, &target, copied)?;
        }
    }
    sync(to)
}

/// A file on its way to its place: no row names it yet.
fn is_being_written(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == crate::files::BEING_WRITTEN)
}

fn copy_file(from: &Path, to: &Path, copied: &mut Copied) -> Result<()> {
    copied.bytes += fs::copy(from, to).map_err(|e| fault(from, &e))?;
    copied.files += 1;
    sync(to)
}

fn write_manifest(path: &Path, manifest: &Manifest) -> Result<()> {
    let text = serde_json::to_string_pretty(manifest)
        .map_err(|e| EngineError::Fault(format!("the backup could not be described: {e}")))?;
    let mut file = File::create(path).map_err(|e| fault(path, &e))?;
    writeln!(file, "{text}").map_err(|e| fault(path, &e))?;
    file.sync_all().map_err(|e| fault(path, &e))
}

fn make_private(dir: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(dir).map_err(|e| fault(dir, &e))
}

fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|e| fault(path, &e))
}

fn sync_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync(parent),
        _ => sync(Path::new(".")),
    }
}

fn fault(path: &Path, error: &std::io::Error) -> EngineError {
    EngineError::Fault(format!("{}: {error}", path.display()))
}
