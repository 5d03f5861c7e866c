//! The data folder: who may use it, the lock of the one server on it, the master key, and
//! whether its disk is fit for a database.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use engine::Rng;

use crate::config::{Config, readable_by_others};
use crate::output::{refused, running};

/// Makes the folder where it is missing (only its owner may look in) and refuses to work as root
/// in somebody else's: what root writes there, its owner could not change any more.
///
/// # Errors
/// It belongs to somebody else, or it cannot be made.
pub fn prepare(dir: &Path) -> anyhow::Result<()> {
    if !dir.exists() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .with_context(|| format!("the folder {} cannot be made", dir.display()))?;
    }
    let found = fs::metadata(dir)
        .with_context(|| format!("the folder {} cannot be looked into", dir.display()))?;
    if !found.is_dir() {
        return Err(refused(format!("{} is not a folder", dir.display())));
    }
    let owner = found.uid();
    if rustix::process::geteuid().is_root() && owner != 0 {
        let name = user_name(owner).unwrap_or_else(|| format!("'#{owner}'"));
        return Err(refused(format!(
            "{} belongs to {name}: run `sudo -u {name} tundish …` instead of root",
            dir.display()
        )));
    }
    Ok(())
}

fn user_name(uid: u32) -> Option<String> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// The lock of the one server on a data folder; given back when dropped, also by a crash.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock.
    ///
    /// # Errors
    /// Another process holds it: exit code 75 and its number.
    pub fn take(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join("LOCK");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("{} cannot be opened", path.display()))?;
        if file.try_lock().is_err() {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            return Err(running(format!(
                "a server is already running on {}, pid {}; stop it first",
                dir.display(),
                pid.trim()
            )));
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { _file: file })
    }

    /// The process that holds the lock, if one does.
    pub fn holder(dir: &Path) -> Option<String> {
        let mut file = File::options().read(true).open(dir.join("LOCK")).ok()?;
        if file.try_lock_shared().is_ok() {
            return None;
        }
        let mut pid = String::new();
        file.read_to_string(&mut pid).ok()?;
        Some(pid.trim().to_owned())
    }
}

/// The master key.
pub type MasterKey = [u8; 32];

/// Where the key of a data folder lies.
pub fn key_path(dir: &Path) -> PathBuf {
    dir.join("secret.key")
}

/// The master key from the settings or the folder; `None` where there is none yet.
///
/// # Errors
/// What stands there is no key, or strangers may read it on a public server.
pub fn find_key(config: &Config) -> anyhow::Result<Option<MasterKey>> {
    let given = config.text("secret.key");
    if !given.is_empty() {
        return read_key(given).map(Some);
    }
    let named = config.text("secret.key_file");
    let path = if named.is_empty() { key_path(&config.data()) } else { PathBuf::from(named) };
    if named.is_empty() && !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path)
        .with_context(|| format!("the master key in {} cannot be read", path.display()))?;
    guard_file(config, &path)?;
    read_key(text.trim()).with_context(|| path.display().to_string()).map(Some)
}

/// The keys that were the master key before: from the settings, and one a line from a file.
///
/// # Errors
/// One of them is no key, or the file cannot be read.
pub fn find_previous_keys(config: &Config) -> anyhow::Result<Vec<MasterKey>> {
    let mut text = config.text("secret.previous_keys").replace(',', " ");
    let file = config.text("secret.previous_keys_file");
    if !file.is_empty() {
        let kept = fs::read_to_string(file)
            .with_context(|| format!("secret.previous_keys_file {file} cannot be read"))?;
        guard_file(config, Path::new(file))?;
        text = format!("{text} {kept}");
    }
    text.split_whitespace().map(|key| read_key(key).context("secret.previous_keys")).collect()
}

/// Refuses (public servers) or warns of a secret that others on this machine may read.
///
/// # Errors
/// It is so, and the server is public.
pub fn guard_file(config: &Config, path: &Path) -> anyhow::Result<()> {
    let open = readable_by_others(path)
        .with_context(|| format!("{} cannot be looked at", path.display()))?;
    if !open {
        return Ok(());
    }
    let sentence = format!("{0} can be read by others: run `chmod 600 {0}`", path.display());
    if config.is_public() {
        return Err(refused(sentence));
    }
    tracing::warn!("{sentence}");
    Ok(())
}

fn read_key(text: &str) -> anyhow::Result<MasterKey> {
    let wrong = || refused("the master key is 64 hexadecimal digits");
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return Err(wrong());
    }
    let mut key = [0; 32];
    for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(key)
}

/// Makes a master key for a fresh folder; only its owner may read it.
///
/// # Errors
/// It cannot be written.
pub fn make_key(dir: &Path, rng: &Rng) -> anyhow::Result<MasterKey> {
    let key: MasterKey = rng.bytes();
    let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = key_path(dir);
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("the master key {} cannot be written", path.display()))?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    sync_dir(dir)?;
    Ok(key)
}

/// Makes the names in a folder durable.
///
/// # Errors
/// The folder cannot be opened.
pub fn sync_dir(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Network and user-space file systems, where locks and syncs are promises of others.
const REFUSED_SYSTEMS: &[(u64, &str)] = &[
    (0x6969, "NFS"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
];
const OVERLAY: u64 = 0x794C_7630;

/// Free bytes and whether a database file may stand here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// Bytes an ordinary process may still write.
    pub free: u64,
    /// All bytes.
    pub total: u64,
    /// The number of the file system's kind.
    pub kind: u64,
}

impl Disk {
    /// The disk under a folder.
    ///
    /// # Errors
    /// The folder cannot be asked.
    pub fn under(dir: &Path) -> anyhow::Result<Self> {
        let shape = rustix::fs::statvfs(dir)?;
        let kind = rustix::fs::statfs(dir)?;
        Ok(Self {
            free: shape.f_bavail.saturating_mul(shape.f_frsize),
            total: shape.f_blocks.saturating_mul(shape.f_frsize),
            kind: u64::try_from(i128::from(kind.f_type) & 0xFFFF_FFFF).unwrap_or(0),
        })
    }

    /// Refuses what cannot keep a promise; warns of what might not outlive a container.
    ///
    /// # Errors
    /// The file system is one where locks and syncs are not our own.
    pub fn fit_for_sqlite(self, dir: &Path) -> Result<Option<String>, String> {
        if let Some((_, name)) = REFUSED_SYSTEMS.iter().find(|(kind, _)| *kind == self.kind) {
            return Err(format!(
                "{} lies on {name}, where a database file can be damaged; use a local disk, \
                 or PostgreSQL by database.url",
                dir.display()
            ));
        }
        let warned = self.kind == OVERLAY;
        Ok(warned.then(|| {
            format!(
                "{} lies in a container's layer and goes with it; mount a volume",
                dir.display()
            )
        }))
    }

    /// Free space below which sending and imports pause: a tenth of the disk or `limit` bytes,
    /// whichever is less.
    pub fn is_short(self, limit: u64) -> bool {
        self.free < (self.total / 10).min(limit)
    }

    /// Free space below which forms and the checkout take nothing more either: a fifth of the
    /// space at which sending pauses, so a fiftieth of a small disk.
    pub fn is_full(self, limit: u64) -> bool {
        self.free < (self.total / 10).min(limit) / 5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_read_back_and_closed_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let made = make_key(dir.path(), &Rng::seeded(1)).unwrap();
        let text = fs::read_to_string(key_path(dir.path())).unwrap();
        assert_eq!(read_key(text.trim()).unwrap(), made);
        assert!(!readable_by_others(&key_path(dir.path())).unwrap());
        assert!(make_key(dir.path(), &Rng::seeded(2)).is_err());
        assert!(read_key("abc").is_err());
    }

    #[test]
    fn g07_a_network_disk_is_refused_and_a_container_layer_is_warned_about() {
        let on = |kind| Disk { free: 1, total: 2, kind }.fit_for_sqlite(Path::new("data"));
        for (kind, name) in REFUSED_SYSTEMS {
            assert!(on(*kind).unwrap_err().contains(name));
        }
        assert!(on(OVERLAY).unwrap().is_some());
        assert_eq!(on(0xEF53), Ok(None));
    }

    #[test]
    fn g08_a_disk_is_short_below_the_limit_or_a_tenth_whichever_is_less() {
        let gigabyte = 1_000_000_000;
        let disk = |free, total| Disk { free, total, kind: 0 };
        assert!(disk(gigabyte / 2, 100 * gigabyte).is_short(gigabyte));
        assert!(!disk(gigabyte, 100 * gigabyte).is_short(gigabyte));
        assert!(!disk(gigabyte / 2, 4 * gigabyte).is_short(gigabyte));
        // Forms and the checkout go on to a fiftieth.
        assert!(!disk(gigabyte / 5, 100 * gigabyte).is_full(gigabyte));
        assert!(disk(gigabyte / 6, 100 * gigabyte).is_full(gigabyte));
        assert!(!disk(gigabyte / 49, gigabyte).is_full(gigabyte));
        assert!(disk(gigabyte / 51, gigabyte).is_full(gigabyte));
    }
}
