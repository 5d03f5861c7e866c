//! The writer: runs what waits in one transaction, in the order it came.

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use futures_util::FutureExt;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::disk::Disk;
use super::{Answer, Order, Write, statement, stopped};
use crate::Result;
use crate::db::{Link, Story, Tx};
use crate::error::StoreError;

/// Writes folded into one commit: enough to share an fsync, few enough that a batch stays short.
const BATCH_MAX: usize = 512;
/// The log is folded into the file when nothing was written for this long.
const IDLE_CHECKPOINT: Duration = Duration::from_secs(2);

/// The one connection that writes, and what waits for it.
pub(super) struct Writer {
    link: Connection,
    waiting: Receiver<Order>,
    /// None where nobody waits for the disk.
    disk: Option<Disk>,
}

impl Writer {
    pub(super) fn new(link: Connection, waiting: Receiver<Order>, disk: Option<Disk>) -> Self {
        Self { link, waiting, disk }
    }

    /// Until it is told to close, or nobody is left to give orders.
    pub(super) fn run(mut self) {
        let mut is_clean = true;
        loop {
            match self.waiting.recv_timeout(IDLE_CHECKPOINT) {
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
        if let Some(disk) = self.disk.take() {
            disk.finish();
        }
        self.checkpoint("truncate");
        if let Some(tell) = tell {
            // Who asked may have gone.
            let _ = tell.send(());
        }
    }

    fn checkpoint(&self, mode: &str) {
        if let Err(e) = self.link.pragma_update(None, "wal_checkpoint", mode) {
            tracing::debug!(error = %e, "the log was not folded in");
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
            if begun.is_err() || answers.len() >= BATCH_MAX {
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

    fn end(&self, begun: Result<()>, answers: Vec<Answer>) {
        let committed = begun.and_then(|()| {
            statement(&self.link, "commit").inspect_err(|_| {
                drop(statement(&self.link, "rollback"));
            })
        });
        match (committed, &self.disk) {
            (Ok(()), Some(disk)) => disk.answer_when_landed(answers),
            (committed, _) => give(answers, committed.err().as_ref()),
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
