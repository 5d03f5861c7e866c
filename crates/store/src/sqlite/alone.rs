//! One connection for everything, worked on the thread of who asks, in transactions of many
//! stories: for a history that is made again if it breaks off. No thread is woken and no log is
//! written; nobody else sees anything before a thousand stories are over, or it is closed.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use rusqlite::Connection;

use super::{Read, Write, prepare, statement, stopped};
use crate::Result;
use crate::error::StoreError;

/// Stories to a commit: what they change stays in memory until then.
const STORIES_MAX: u32 = 1_000;

/// The connection, until it is closed.
#[derive(Debug, Clone)]
pub(super) struct Alone(Arc<Mutex<Option<Open>>>);

#[derive(Debug)]
struct Open {
    link: Connection,
    /// Stories since the last commit.
    stories: u32,
    /// Why a commit failed: stories that were answered are lost, so none may follow them.
    fault: Option<StoreError>,
}

impl Alone {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let link = Connection::open(path)?;
        prepare(&link)?;
        // A story that is refused is taken back from memory.
        link.pragma_update(None, "journal_mode", "memory")?;
        link.pragma_update(None, "synchronous", "off")?;
        link.pragma_update(None, "secure_delete", "fast")?;
        Ok(Self(Arc::new(Mutex::new(Some(Open { link, stories: 0, fault: None })))))
    }

    pub(super) fn write(&self, write: Write) -> Result<()> {
        let mut held = self.hold()?;
        let open = held.as_mut().ok_or_else(stopped)?;
        if let Some(fault) = &open.fault {
            return Err(fault.clone());
        }
        if open.link.is_autocommit() {
            statement(&open.link, "begin immediate")?;
        }
        let answer = write(&mut open.link);
        open.stories += 1;
        answer(open.after_story());
        Ok(())
    }

    pub(super) fn read(&self, read: Read) -> Result<()> {
        let mut held = self.hold()?;
        read(&mut held.as_mut().ok_or_else(stopped)?.link);
        Ok(())
    }

    /// Keeps the last of what was written, and closes; nothing where it was closed before.
    ///
    /// # Errors
    /// A commit failed, this one or one before: stories that were answered are not in the file.
    pub(super) fn close(&self) -> Result<()> {
        self.hold()?.take().map_or(Ok(()), |mut open| open.commit())
    }

    fn hold(&self) -> Result<MutexGuard<'_, Option<Open>>> {
        // Whoever broke off while holding it left a story half told.
        self.0.lock().map_err(|_| stopped())
    }
}

impl Open {
    /// What a story that is over is told besides its own outcome.
    fn after_story(&mut self) -> Result<()> {
        if self.link.is_autocommit() {
            // A disk that is full in the middle of a statement ends the whole transaction.
            let why = "what was written was taken back: is the disk full?";
            self.fault = Some(StoreError::Driver(why.to_owned()));
        } else if self.stories < STORIES_MAX {
            return Ok(());
        }
        self.commit()
    }

    fn commit(&mut self) -> Result<()> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        self.stories = 0;
        if self.link.is_autocommit() {
            return Ok(());
        }
        statement(&self.link, "commit").inspect_err(|fault| self.fault = Some(fault.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Durability, Options};
    use crate::sqlite::Sqlite;

    async fn put(db: &Sqlite, n: i64, refused: bool) -> Result<()> {
        db.write(move |tx| {
            Box::pin(async move {
                tx.query("insert into t values ($1)").bind(n).run().await?;
                if refused { Err(StoreError::Busy) } else { Ok(()) }
            })
        })
        .await
    }

    fn open(path: &Path) -> Sqlite {
        let options = Options { durability: Durability::AtClose, ..Options::main() };
        Sqlite::open(path.to_owned(), &options).unwrap()
    }

    fn sum(link: &Connection) -> i64 {
        link.query_row("select coalesce(sum(n), 0) from t", [], |row| row.get(0)).unwrap()
    }

    #[tokio::test]
    async fn a_refused_story_leaves_nothing_and_all_others_are_in_the_file_once_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let beside = Connection::open(&path).unwrap();
        beside.execute_batch("create table t (n integer)").unwrap();
        let alone = open(&path);
        put(&alone, 1, false).await.unwrap();
        assert!(put(&alone, 10, true).await.is_err());
        put(&alone, 100, false).await.unwrap();
        let read: Result<i64> = alone
            .read(|session| {
                Box::pin(async move { session.query("select sum(n) from t").one::<i64>().await })
            })
            .await;
        assert_eq!(read.unwrap(), 101);
        assert_eq!(sum(&beside), 0, "nobody else sees it yet");
        alone.close().await.unwrap();
        assert_eq!(sum(&beside), 101);
        assert!(put(&alone, 1_000, false).await.is_err(), "it is closed");
    }

    #[tokio::test]
    async fn what_many_stories_did_is_in_the_file_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let beside = Connection::open(&path).unwrap();
        beside.execute_batch("create table t (n integer)").unwrap();
        let alone = open(&path);
        for _ in 0..=STORIES_MAX {
            put(&alone, 1, false).await.unwrap();
        }
        assert_eq!(sum(&beside), i64::from(STORIES_MAX));
    }

    /// A table of which no commit is kept as long as what its rows name is missing.
    fn without_a_parent(path: &Path) -> Connection {
        let beside = Connection::open(path).unwrap();
        let tables = "create table p (n integer primary key);
            create table t (n integer references p (n) deferrable initially deferred)";
        beside.execute_batch(tables).unwrap();
        beside
    }

    #[tokio::test]
    async fn who_closes_it_is_told_that_the_last_commit_failed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let beside = without_a_parent(&path);
        let alone = open(&path);
        put(&alone, 1, false).await.unwrap();
        assert!(alone.close().await.is_err());
        assert_eq!(sum(&beside), 0);
        assert!(alone.close().await.is_ok(), "it is closed");
    }

    #[tokio::test]
    async fn nothing_is_written_after_a_commit_that_failed_and_who_closes_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let beside = without_a_parent(&path);
        let alone = open(&path);
        for _ in 1..STORIES_MAX {
            put(&alone, 1, false).await.unwrap();
        }
        assert!(put(&alone, 1, false).await.is_err());
        assert!(put(&alone, 1, false).await.is_err());
        assert!(alone.close().await.is_err());
        assert_eq!(sum(&beside), 0);
    }

    #[tokio::test]
    async fn who_closes_it_is_told_that_the_disk_was_full_in_the_middle_of_a_story() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let beside = Connection::open(&path).unwrap();
        beside.execute_batch("create table t (n integer)").unwrap();
        let alone = open(&path);
        let full: Result<i64> = alone
            .write(|tx| {
                Box::pin(async move {
                    tx.query("insert into t values (1)").run().await?;
                    tx.query("pragma max_page_count = 3").one().await
                })
            })
            .await;
        assert_eq!(full.unwrap(), 3);
        let large: Result<u64> = alone
            .write(|tx| {
                Box::pin(
                    async move { tx.query("insert into t values (zeroblob(100000))").run().await },
                )
            })
            .await;
        assert!(large.is_err());
        assert!(put(&alone, 1, false).await.is_err(), "what was before it is lost");
        assert!(alone.close().await.is_err());
        assert_eq!(sum(&beside), 0);
    }
}
