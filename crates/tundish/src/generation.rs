//! The restore guard's memory: `data/generation` beside the database, counted up with it at each
//! start. A database that is older than the file, a file that is missing, or another machine
//! means that mails due now may have been sent already, elsewhere or before. A PostgreSQL says
//! itself which cluster it is and how far it has written; there a missing file means a new node.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use engine::{Engine, guard, installation};
use store::meta::Cluster;

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
    let kept = read(&path);
    let known = installation::generation(engine).await?;
    let (why, machine) = if engine.db().is_sqlite() {
        let machine = machine_id();
        (suspicion(known, kept.as_ref(), &machine), machine)
    } else {
        let here = installation::cluster(engine).await?;
        let remembered = installation::cluster_kept(engine).await?;
        let why = suspicion_of_cluster(known, kept.as_ref(), remembered.as_ref(), here.as_ref());
        if let Some(here) = &here {
            installation::keep_cluster(engine, here).await?;
        }
        (why, here.map_or_else(String::new, |here| here.text()))
    };
    if let Some(why) = why
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

/// Notes how far a PostgreSQL has written by now: from time to time, and at a clean stop.
///
/// # Errors
/// The file cannot be written, or the database fails.
pub async fn keep_up(engine: &Engine) -> anyhow::Result<()> {
    if engine.db().is_sqlite() {
        return Ok(());
    }
    let path = engine.data_dir().join(FILE);
    if let (Some(kept), Some(here)) = (read(&path), installation::cluster(engine).await?) {
        write(&path, &Kept { machine: here.text(), ..kept })?;
    }
    Ok(())
}

/// Why a PostgreSQL may not be the newest state of this installation, if it may not. A timeline
/// counted up alone is the usual failover.
fn suspicion_of_cluster(
    known: i64,
    kept: Option<&Kept>,
    remembered: Option<&Cluster>,
    here: Option<&Cluster>,
) -> Option<String> {
    if let (Some(remembered), Some(here)) = (remembered, here)
        && remembered.system != here.system
    {
        return Some("the database was copied to another PostgreSQL".to_owned());
    }
    let kept = kept?;
    if known < kept.generation {
        let behind = kept.generation - known;
        return Some(format!("the database is {behind} starts older than its data folder"));
    }
    let (was, here) = (Cluster::parse(&kept.machine)?, here?);
    let moved = was.system == here.system;
    if moved && here.timeline < was.timeline {
        return Some("the PostgreSQL is an earlier one, from before another took over".to_owned());
    }
    (moved && here.position < was.position)
        .then(|| "the PostgreSQL was set back to an earlier state".to_owned())
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
    fn a_postgres_that_was_copied_or_set_back_is_suspected_and_a_failover_is_not() {
        let at = |system: &str, timeline, position| Cluster {
            system: system.to_owned(),
            timeline,
            position,
        };
        let kept = |generation| Kept { generation, machine: at("a", 2, 500).text() };
        let ask = |known, kept: Option<Kept>, remembered: Option<Cluster>, here: Cluster| {
            suspicion_of_cluster(known, kept.as_ref(), remembered.as_ref(), Some(&here))
        };
        let known = || Some(at("a", 2, 400));
        assert_eq!(ask(0, None, None, at("a", 1, 1)), None, "new");
        assert_eq!(ask(3, None, known(), at("a", 2, 600)), None, "a node that joins");
        assert_eq!(ask(9, Some(kept(3)), known(), at("a", 2, 600)), None, "others started since");
        assert_eq!(ask(3, Some(kept(3)), known(), at("a", 3, 501)), None, "another took over");
        assert!(ask(3, Some(kept(3)), known(), at("b", 1, 900)).unwrap().contains("copied"));
        assert!(ask(3, None, known(), at("b", 1, 900)).unwrap().contains("copied"));
        assert!(ask(2, Some(kept(3)), known(), at("a", 3, 900)).unwrap().contains("1 starts"));
        assert!(ask(3, Some(kept(3)), known(), at("a", 1, 900)).unwrap().contains("earlier one"));
        assert!(ask(3, Some(kept(3)), known(), at("a", 3, 499)).unwrap().contains("set back"));
        assert_eq!(suspicion_of_cluster(3, Some(&kept(3)), None, None), None, "it does not say");
    }

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
