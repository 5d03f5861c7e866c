//! One connection for everything, worked on the thread of who asks, in transactions of many
//! stories: for a history that is made again if it breaks off. No thread is woken and no log is
//! written; nobody else sees anything before a thousand stories are over, or it is closed.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use rusqlite::Connection;

use super::{Read, Write, prepare, statement, stopped};
use crate::Result;

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
}

impl Alone {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let link = Connection::open(path)?;
        prepare(&link)?;
        // A story that is refused is taken back from memory.
        link.pragma_update(None, "journal_mode", "memory")?;
        link.pragma_update(None, "synchronous", "off")?;
        link.pragma_update(None, "secure_delete", "fast")?;
        Ok(Self(Arc::new(Mutex::new(Some(Open { link, stories: 0 })))))
    }

    pub(super) fn write(&self, write: Write) -> Result<()> {
        let mut held = self.hold()?;
        let open = held.as_mut().ok_or_else(stopped)?;
        if open.link.is_autocommit() {
            statement(&open.link, "begin immediate")?;
        }
        let answer = write(&mut open.link);
        open.stories += 1;
        answer(if open.stories < STORIES_MAX { Ok(()) } else { open.commit() });
        Ok(())
    }

    pub(super) fn read(&self, read: Read) -> Result<()> {
        let mut held = self.hold()?;
        read(&mut held.as_mut().ok_or_else(stopped)?.link);
        Ok(())
    }

    pub(super) fn close(&self) {
        let Ok(Some(mut open)) = self.hold().map(|mut held| held.take()) else { return };
        if let Err(e) = open.commit() {
            tracing::error!(error = %e, "the last of what was written was not kept");
        }
    }

    fn hold(&self) -> Result<MutexGuard<'_, Option<Open>>> {
        // Whoever broke off while holding it left a story half told.
        self.0.lock().map_err(|_| stopped())
    }
}

impl Open {
    fn commit(&mut self) -> Result<()> {
        self.stories = 0;
        if self.link.is_autocommit() { Ok(()) } else { statement(&self.link, "commit") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Durability, Options};
    use crate::error::StoreError;
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
        alone.close().await;
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
}
