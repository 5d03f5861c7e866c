//! The disk: a thread that waits until committed batches are durable and then gives their answers,
//! while the writer runs the next batch.
//!
//! SQLite commits with `synchronous=normal`: the log is written in order and each frame carries a
//! checksum, a new log's header and everything before a checkpoint are synced by SQLite. What
//! `full` adds is one sync of the log at the end of each commit; here that sync is made beside the
//! writer instead of inside it. Nobody is answered before it, so that nothing anybody was told of
//! can be lost; and as a log that is synced is synced from its beginning, whatever a later write
//! rests on is durable before that write is.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::writer::give;
use super::{Answer, Order, spawn};
use crate::Result;
use crate::error::StoreError;

/// Batches that may wait while one is on its way: a disk that stalls keeps the writer waiting.
const BEHIND_MAX: usize = 1;

/// The writer's side.
pub(super) struct Disk {
    batches: SyncSender<Vec<Answer>>,
    state: Arc<State>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// Batches that are committed and not yet durable.
    behind: AtomicUsize,
    /// Whether the writer wants to hear when some have landed.
    is_awaited: AtomicBool,
    /// Why the disk did not keep what was written. A disk that failed once may say yes the next
    /// time without having kept anything, so that nothing is accepted after it.
    fault: OnceLock<String>,
}

impl State {
    fn fault(&self) -> Option<StoreError> {
        self.fault.get().map(|text| StoreError::Driver(text.clone()))
    }
}

impl Disk {
    /// Starts the thread for the database at `path`. `delay` is added to each sync; `orders` leads
    /// to the writer.
    pub(super) fn start(
        path: &Path,
        delay: Duration,
        orders: Weak<SyncSender<Order>>,
    ) -> Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push("-wal");
        let state = Arc::new(State::default());
        let (batches, committed) = mpsc::sync_channel(BEHIND_MAX);
        let mut log = Log { path: name.into(), file: None, delay };
        let of = Arc::clone(&state);
        let thread = spawn("store-disk", move || land(&committed, &mut log, &of, &orders))?;
        Ok(Self { batches, state, thread })
    }

    /// Gives the answers of a committed batch when it is durable.
    pub(super) fn answer_when_landed(&self, answers: Vec<Answer>) {
        self.state.behind.fetch_add(1, Ordering::SeqCst);
        if let Err(mpsc::SendError(answers)) = self.batches.send(answers) {
            self.state.behind.fetch_sub(1, Ordering::SeqCst);
            self.state
                .fault
                .get_or_init(|| "the thread that waits for the disk broke off; restart".to_owned());
            give(answers, self.state.fault().as_ref());
        }
    }

    /// Whether a batch is on its way.
    pub(super) fn is_behind(&self) -> bool {
        self.state.behind.load(Ordering::SeqCst) > 0
    }

    /// The same, and where it is, the writer gets [`Order::Landed`] when one has landed.
    pub(super) fn is_busy(&self) -> bool {
        if !self.is_behind() {
            return false;
        }
        self.state.is_awaited.store(true, Ordering::SeqCst);
        // It may have landed before it could see that it is awaited.
        self.is_behind()
    }

    /// Why nothing may be written any more.
    pub(super) fn fault(&self) -> Option<StoreError> {
        self.state.fault()
    }

    /// Waits until everything has landed; what went wrong, if anything did.
    pub(super) fn finish(self) -> Option<StoreError> {
        drop(self.batches);
        if self.thread.join().is_err() {
            return Some(super::stopped());
        }
        self.state.fault()
    }
}

/// The log beside the database.
struct Log {
    path: PathBuf,
    file: Option<File>,
    delay: Duration,
}

impl Log {
    fn sync(&mut self) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            // SQLite makes it with the first commit and keeps it until the last connection closes.
            None => self.file.insert(File::open(&self.path)?),
        };
        let kept = file.sync_data();
        if !self.delay.is_zero() {
            thread::sleep(self.delay);
        }
        kept
    }
}

fn land(
    committed: &Receiver<Vec<Answer>>,
    log: &mut Log,
    state: &State,
    orders: &Weak<SyncSender<Order>>,
) {
    while let Ok(first) = committed.recv() {
        let mut batches = vec![first];
        batches.extend(committed.try_iter());
        if let Err(e) = log.sync() {
            let text = format!("the disk did not keep what was written ({e}); see to it, restart");
            // First: whoever reads the log may be gone.
            let text = state.fault.get_or_init(|| text);
            tracing::error!("{text}");
        }
        state.behind.fetch_sub(batches.len(), Ordering::SeqCst);
        if state.is_awaited.swap(false, Ordering::SeqCst)
            && let Some(orders) = orders.upgrade()
        {
            // Where there is no room, the writer has enough to wake it.
            let _ = orders.try_send(Order::Landed);
        }
        give(batches.into_iter().flatten().collect(), state.fault().as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_keeps_nothing_is_said_and_nothing_is_accepted_after_it() {
        let folder = std::env::temp_dir().join("there is no such folder").join("tundish.db");
        let (orders, heard) = mpsc::sync_channel(1);
        let orders = Arc::new(orders);
        let disk = Disk::start(&folder, Duration::ZERO, Arc::downgrade(&orders)).unwrap();
        let (tell, told) = mpsc::channel();
        disk.answer_when_landed(vec![Box::new(move |kept| tell.send(kept).unwrap())]);
        let said = told.recv().unwrap().unwrap_err().to_string();
        assert!(said.contains("the disk did not keep what was written"), "{said}");
        assert_eq!(disk.fault().unwrap().to_string(), said);
        assert!(!disk.is_busy(), "it is answered: nothing is on its way");
        assert!(disk.finish().is_some());
        drop(orders);
        assert!(heard.try_recv().is_err(), "nobody waited to hear of it");
    }

    #[test]
    fn who_waits_for_the_disk_is_woken_when_all_has_landed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tundish.db");
        std::fs::write(folder.path().join("tundish.db-wal"), "a log").unwrap();
        let (orders, heard) = mpsc::sync_channel(1);
        let orders = Arc::new(orders);
        let delay = Duration::from_millis(1);
        let disk = Disk::start(&path, delay, Arc::downgrade(&orders)).unwrap();
        let (tell, told) = mpsc::channel();
        disk.answer_when_landed(vec![Box::new(move |kept| tell.send(kept).unwrap())]);
        if disk.is_busy() {
            assert!(matches!(heard.recv(), Ok(Order::Landed)));
        }
        told.recv().unwrap().unwrap();
        assert!(disk.fault().is_none() && disk.finish().is_none());
    }
}
