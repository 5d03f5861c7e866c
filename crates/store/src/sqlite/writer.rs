//! The writer: runs what waits in one transaction, in the order it came.

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::Duration;

use futures_util::FutureExt;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::oneshot;

use super::disk::Disk;
use super::fold::{Fold, fold};
use super::{Answer, Order, Write, statement, stopped};
use crate::Result;
use crate::db::{Link, Story, Tx};
use crate::error::StoreError;

/// Writes folded into one commit: enough to share an fsync, few enough that a batch stays short.
const BATCH_MAX: usize = 512;
/// As many go to disk though more wait, where the disk is free: while they are on their way and
/// those answered write anew, the writer runs the others. One batch of all who wait would have the
/// writer wait for the disk and for them in turn.
const BATCH_ENOUGH: usize = 32;
/// The log is folded into the file when nothing was written for this long.
const IDLE_CHECKPOINT: Duration = Duration::from_secs(2);
/// After so many transactions without a pause the lock is left free for [`LOCK_FREE`], or a command
/// beside a busy server would ask for it in vain: SQLite has no queue, who wants it looks now and
/// then.
const IN_A_ROW_MAX: usize = 16;
const LOCK_FREE: Duration = Duration::from_micros(300);

/// The one connection that writes, and what waits for it.
pub(super) struct Writer {
    link: Connection,
    waiting: Receiver<Order>,
    /// None where nobody waits for the disk.
    disk: Option<Disk>,
    /// None where SQLite folds the log in itself.
    fold: Option<Fold>,
    /// Rows changed since it was opened.
    changes: u64,
}

impl Writer {
    pub(super) fn new(
        link: Connection,
        waiting: Receiver<Order>,
        disk: Option<Disk>,
        fold: Option<Fold>,
    ) -> Self {
        Self { link, waiting, disk, fold, changes: 0 }
    }

    /// Until it is told to close, or nobody is left to give orders.
    pub(super) fn run(mut self) {
        let mut is_clean = true;
        // Transactions since the lock was last free for longer than it takes to see it.
        let mut in_a_row = 0;
        loop {
            let order = match self.waiting.try_recv() {
                Ok(order) => {
                    in_a_row += 1;
                    Ok(order)
                }
                Err(_) => {
                    in_a_row = 0;
                    self.waiting.recv_timeout(IDLE_CHECKPOINT)
                }
            };
            if in_a_row >= IN_A_ROW_MAX {
                in_a_row = 0;
                thread::sleep(LOCK_FREE);
            }
            match order {
                Ok(Order::Write(first)) => {
                    is_clean = false;
                    if let Some(tell) = self.batch(first) {
                        return self.shut(Some(tell));
                    }
                }
                Ok(Order::Landed) => {}
                Ok(Order::Close(tell)) => return self.shut(Some(tell)),
                Err(RecvTimeoutError::Timeout) => {
                    if !is_clean {
                        self.checkpoint("passive");
                        is_clean = true;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return self.shut(None),
            }
        }
    }

    fn shut(mut self, tell: Option<oneshot::Sender<()>>) {
        if let Some(fold) = self.fold.take() {
            fold.finish();
        }
        match self.disk.take().and_then(Disk::finish) {
            None => self.checkpoint("truncate"),
            Some(_) => self.leave_the_log(),
        }
        if let Some(tell) = tell {
            // Who asked may have gone.
            let _ = tell.send(());
        }
    }

    /// SQLite would fold the log in when this connection closes.
    fn leave_the_log(&self) {
        if let Err(e) = self.link.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
            tracing::error!(error = %e, "the log may be folded in, though the disk failed");
        }
    }

    /// Folds the log into the file; never what the disk did not keep.
    fn checkpoint(&self, mode: &str) {
        if self.disk.as_ref().and_then(Disk::fault).is_none() {
            fold(&self.link, mode);
        }
    }

    /// Runs the first write and what comes behind it in one transaction. Gives back who wants it
    /// closed, where one came among them.
    fn batch(&mut self, first: Write) -> Option<oneshot::Sender<()>> {
        let begun = self.begin();
        let mut answers = Vec::with_capacity(16);
        let mut next = Some(first);
        let mut close = None;
        while let Some(write) = next.take() {
            // Where the lock was not to be had, the story runs on nothing, and is told so.
            answers.push(write(&mut self.link));
            if begun.is_err() || self.is_enough(answers.len()) {
                break;
            }
            match self.next() {
                Some(Order::Write(write)) => next = Some(write),
                Some(Order::Close(tell)) => close = Some(tell),
                Some(Order::Landed) | None => {}
            }
        }
        self.end(begun, answers);
        close
    }

    /// Whether a batch of `len` writes goes to disk though more may wait.
    fn is_enough(&self, len: usize) -> bool {
        let is_disk_free = || self.disk.as_ref().is_some_and(|disk| !disk.is_behind());
        len >= BATCH_MAX || (len >= BATCH_ENOUGH && is_disk_free())
    }

    fn begin(&self) -> Result<()> {
        if let Some(fault) = self.disk.as_ref().and_then(Disk::fault) {
            return Err(fault);
        }
        statement(&self.link, "begin immediate")
    }

    /// The next order for this batch: what waits, and as long as the batch before is on its way to
    /// disk, what comes.
    fn next(&self) -> Option<Order> {
        loop {
            let order = match self.waiting.try_recv() {
                Ok(order) => order,
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) if !self.disk.as_ref().is_some_and(Disk::is_busy) => {
                    return None;
                }
                Err(TryRecvError::Empty) => self.waiting.recv().ok()?,
            };
            if !matches!(order, Order::Landed) {
                return Some(order);
            }
        }
    }

    fn end(&mut self, begun: Result<()>, answers: Vec<Answer>) {
        let committed = begun.and_then(|()| {
            statement(&self.link, "commit").inspect_err(|_| {
                drop(statement(&self.link, "rollback"));
            })
        });
        let changes = self.link.total_changes();
        let is_unchanged = std::mem::replace(&mut self.changes, changes) == changes;
        match (committed, &self.disk) {
            // Nothing of its own has to land; what it may have read, must.
            (Ok(()), Some(disk)) if is_unchanged && !disk.is_behind() => {
                give(answers, disk.fault().as_ref());
            }
            (Ok(()), Some(disk)) => disk.answer_when_landed(answers),
            (committed, _) => give(answers, committed.err().as_ref()),
        }
        let is_kept = self.disk.as_ref().and_then(Disk::fault).is_none();
        if let (Some(fold), true) = (&mut self.fold, is_kept) {
            fold.look(&self.link);
        }
    }
}

/// Answers the writes of a batch.
pub(super) fn give(answers: Vec<Answer>, fault: Option<&StoreError>) {
    for answer in answers {
        answer(fault.map_or(Ok(()), |fault| Err(fault.clone())));
    }
}

pub(super) fn in_savepoint<T, E, F>(link: &mut Connection, story: F) -> std::result::Result<T, E>
where
    F: for<'a, 'c> FnOnce(&'a mut Tx<'c>) -> Story<'a, T, E>,
    E: From<StoreError>,
{
    if link.is_autocommit() {
        return Err(E::from(StoreError::Busy));
    }
    statement(link, "savepoint story")?;
    let outcome = {
        let mut tx = Tx::new(Link::Sqlite(&mut *link));
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            story(&mut tx).now_or_never()
        }));
        match polled {
            Ok(Some(outcome)) => outcome,
            Ok(None) => Err(E::from(StoreError::Driver(
                "a story waited for something other than the database".to_owned(),
            ))),
            Err(_) => Err(E::from(stopped())),
        }
    };
    if outcome.is_err() {
        statement(link, "rollback to story")?;
    }
    statement(link, "release story")?;
    outcome
}
