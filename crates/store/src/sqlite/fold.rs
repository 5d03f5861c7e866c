//! Folding the log into the file while the writer goes on.
//!
//! SQLite would do it at the end of a commit, in the thread that commits: tens of milliseconds in
//! which nobody is answered, twice a second under load. Here a thread with a connection of its own
//! does it, waiting for nobody. What is written meanwhile is left over, and SQLite begins the log
//! anew only where nothing is; so the writer folds in that short rest itself.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError};
use std::thread::JoinHandle;

use rusqlite::hooks::Wal;
use rusqlite::{Connection, OpenFlags};

use super::spawn;
use crate::Result;

/// Pages of log (64 MB) at which it is folded in even under load.
pub(super) const LOG_PAGES: i32 = 16_384;
/// The first takes the bulk, the second what was written meanwhile; the writer the rest.
const PASSES: usize = 2;

/// The writer's side.
pub(super) struct Fold {
    ask: SyncSender<()>,
    done: Receiver<()>,
    thread: JoinHandle<()>,
    is_at_work: bool,
    /// Pages in the log after the last commit.
    pages: Arc<AtomicI32>,
    /// How many there were the time before.
    before: i32,
    /// With how many it is to be folded in.
    due: i32,
}

impl Fold {
    /// Starts the thread for the database at `path`, which `link` writes.
    pub(super) fn start(path: &Path, link: &mut Connection) -> Result<Self> {
        let pages = Arc::new(AtomicI32::new(0));
        let count = Arc::clone(&pages);
        // In place of SQLite's own, which would fold.
        link.wal_hook(Some(move |_: &mut Wal, pages| {
            count.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        let own = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        own.pragma_update(None, "synchronous", "normal")?;
        // Reading opens the log: a sync of it that fails is told to each who has it open.
        own.pragma_query(None, "schema_version", |_| Ok(()))?;
        let (ask, asked) = mpsc::sync_channel(1);
        let (tell, done) = mpsc::sync_channel(1);
        let thread = spawn("store-fold", move || {
            while asked.recv().is_ok() {
                (0..PASSES).for_each(|_| fold(&own, "passive"));
                if tell.send(()).is_err() {
                    return;
                }
            }
        })?;
        let is_at_work = false;
        Ok(Self { ask, done, thread, is_at_work, pages, before: 0, due: LOG_PAGES })
    }

    /// After a commit: has the log folded in where it is long, and folds in what was left over.
    pub(super) fn look(&mut self, link: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.before {
            // Begun anew.
            self.due = LOG_PAGES;
        }
        self.before = pages;
        if !self.is_at_work {
            if pages >= self.due {
                // A thread that broke off is met below: then the writer does all of it.
                let _ = self.ask.try_send(());
                self.is_at_work = true;
            }
        } else if self.done.try_recv() != Err(TryRecvError::Empty) {
            fold(link, "passive");
            self.is_at_work = false;
            // Where somebody still reads in it, the log goes on: not at each commit again.
            self.due = pages.saturating_add(LOG_PAGES);
        }
    }

    /// Waits until nothing is being folded.
    pub(super) fn finish(self) {
        drop((self.ask, self.done));
        // Broken off or done: either way it holds nothing any more.
        let _ = self.thread.join();
    }
}

/// Folds the log into the file, as far as nobody stands in the way.
pub(super) fn fold(link: &Connection, mode: &str) {
    if let Err(e) = link.pragma_update(None, "wal_checkpoint", mode) {
        tracing::debug!(error = %e, "the log was not folded in");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEW: i32 = 64;

    fn open(path: &Path) -> (Connection, Fold) {
        let mut link = Connection::open(path).unwrap();
        link.pragma_update(None, "journal_mode", "wal").unwrap();
        link.execute_batch("create table t (x text)").unwrap();
        let mut fold = Fold::start(path, &mut link).unwrap();
        fold.due = FEW;
        (link, fold)
    }

    /// Writes until `stop` says so; how many rows.
    fn write_until(link: &Connection, fold: &mut Fold, stop: impl Fn(&Fold) -> bool) -> i64 {
        for row in 1.. {
            link.execute("insert into t values (hex(zeroblob(1000)))", []).unwrap();
            fold.look(link);
            if stop(fold) {
                return row;
            }
        }
        0
    }

    fn count(path: &Path) -> i64 {
        let link = Connection::open(path).unwrap();
        link.query_row("select count(*) from t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_long_log_is_folded_in_while_rows_are_written_and_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let (link, mut fold) = open(&path);
        let mut rows = write_until(&link, &mut fold, |fold| fold.is_at_work);
        rows += write_until(&link, &mut fold, |fold| !fold.is_at_work);
        // What was left over was folded in too: the next commit begins the log.
        rows += write_until(&link, &mut fold, |fold| fold.before < FEW);
        assert_eq!(fold.due, LOG_PAGES);
        assert_eq!(count(&path), rows);
        fold.finish();
        drop(link);
        assert_eq!(count(&path), rows);
    }

    #[test]
    fn while_somebody_reads_the_log_goes_on_and_is_not_folded_at_each_commit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let (link, mut fold) = open(&path);
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("begin; select * from t").unwrap();
        let mut rows = write_until(&link, &mut fold, |fold| fold.is_at_work);
        rows += write_until(&link, &mut fold, |fold| !fold.is_at_work);
        assert!(fold.due > fold.before && fold.due > LOG_PAGES, "{}", fold.due);
        reader.execute_batch("commit").unwrap();
        fold.due = FEW;
        rows += write_until(&link, &mut fold, |fold| fold.before < FEW);
        assert_eq!(count(&path), rows);
        fold.finish();
    }
}
