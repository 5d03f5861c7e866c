//! The restore guard's memory: `data/generation` beside the database, counted up with it at each
//! start. A database that is older than the file, a file that is missing, or another machine
//! means that mails due now may have been sent already, elsewhere or before.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use engine::{Engine, guard, installation};

use crate::folder::sync_dir;

const FILE: &str = "generation";

/// What stood in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    generation: i64,
    machine: String,
}

/// Compares file and database, closes the guard where they disagree, and counts both up.
///
/// # Errors
/// The file cannot be written, or the database fails.
pub async fn pass(engine: &Engine) -> anyhow::Result<()> {
    let path = engine.data_dir().join(FILE);
    let machine = machine_id();
    let kept = read(&path);
    let known = installation::generation(engine).await?;
    if let Some(why) = suspicion(known, kept.as_ref(), &machine)
        && guard::held(engine).await?.is_none()
    {
        tracing::warn!("{why}; nothing is sent until an operator has decided");
        guard::close(engine, &why).await?;
    }
    let next = known.max(kept.map_or(0, |kept| kept.generation)) + 1;
    // The database first: should we die in between, it is the newer one, and all is well.
    installation::set_generation(engine, next).await?;
    write(&path, &Kept { generation: next, machine })
}

/// Why this may not be the newest state of this installation, if it may not.
fn suspicion(known: i64, kept: Option<&Kept>, machine: &str) -> Option<String> {
    if known == 0 {
        return None;
    }
    let Some(kept) = kept else {
        return Some("the data folder was restored or copied".to_owned());
    };
    if known < kept.generation {
        let behind = kept.generation - known;
        return Some(format!("the database is {behind} starts older than its data folder"));
    }
    let moved = !kept.machine.is_empty() && !machine.is_empty() && kept.machine != machine;
    moved.then(|| "the data folder was moved to another machine".to_owned())
}

fn read(path: &Path) -> Option<Kept> {
    let text = fs::read_to_string(path).ok()?;
    let (generation, machine) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    Some(Kept { generation: generation.parse().ok()?, machine: machine.to_owned() })
}

fn write(path: &Path, kept: &Kept) -> anyhow::Result<()> {
    let partial = path.with_extension("tmp");
    let mut file = File::create(&partial)
        .with_context(|| format!("{} cannot be written", partial.display()))?;
    writeln!(file, "{} {}", kept.generation, kept.machine)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))?;
    Ok(())
}

/// The machine's own id; empty where it has none (then machines are not told apart).
fn machine_id() -> String {
    fs::read_to_string("/etc/machine-id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_copied_or_moved_database_is_suspected_and_a_crash_is_not() {
        let kept = |generation| Kept { generation, machine: "a".to_owned() };
        assert_eq!(suspicion(0, None, "a"), None, "new");
        assert_eq!(suspicion(3, Some(&kept(3)), "a"), None, "the usual start");
        assert_eq!(suspicion(4, Some(&kept(3)), "a"), None, "died between database and file");
        assert!(suspicion(2, Some(&kept(3)), "a").unwrap().contains("1 starts older"));
        assert!(suspicion(3, None, "a").unwrap().contains("restored"));
        assert!(suspicion(3, Some(&kept(3)), "b").unwrap().contains("another machine"));
        assert_eq!(suspicion(3, Some(&kept(3)), ""), None, "a host without an id");
    }
}
