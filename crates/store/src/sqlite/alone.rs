//! One connection for everything, worked on the thread of who asks, in transactions of many
//! stories: for a history that is made again if it breaks off. No thread is woken and no log is
//! written; nobody else sees anything before a thousand stories are over, or it is closed.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::FutureExt;
use rusqlite::Connection;

use super::writer::in_savepoint;
use super::{prepare, statement, stopped};
use crate::Result;
use crate::db::{Link, Session, Story, Tx};
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

    pub(super) fn write<T, E, F>(&self, story: F) -> std::result::Result<T, E>
    where
        F: for<'a, 'c> FnOnce(&'a mut Tx<'c>) -> Story<'a, T, E>,
        E: From<StoreError>,
    {
        let mut held = self.hold()?;
        let open = held.as_mut().ok_or_else(stopped)?;
        if open.link.is_autocommit() {
            statement(&open.link, "begin immediate")?;
        }
        let outcome = in_savepoint(&mut open.link, story);
        open.stories += 1;
        if open.stories >= STORIES_MAX {
            open.commit()?;
        }
        outcome
    }

    pub(super) fn read<T, E, F>(&self, story: F) -> std::result::Result<T, E>
    where
        F: for<'a, 'c> FnOnce(&'a mut Session<'c>) -> Story<'a, T, E>,
        E: From<StoreError>,
    {
        let mut held = self.hold()?;
        let open = held.as_mut().ok_or_else(stopped)?;
        let mut session = Session { link: Link::Sqlite(&mut open.link) };
        story(&mut session).now_or_never().unwrap_or_else(|| Err(E::from(stopped())))
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

    fn put(alone: &Alone, n: i64, refused: bool) -> Result<()> {
        alone.write(move |tx| {
            Box::pin(async move {
                tx.query("insert into t values ($1)").bind(n).run().await?;
                if refused { Err(StoreError::Busy) } else { Ok(()) }
            })
        })
    }

    fn sum(link: &Connection) -> i64 {
        link.query_row("select coalesce(sum(n), 0) from t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_refused_story_leaves_nothing_and_all_others_are_in_the_file_once_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let beside = Connection::open(&path).unwrap();
        beside.execute_batch("create table t (n integer)").unwrap();
        let alone = Alone::open(&path).unwrap();
        put(&alone, 1, false).unwrap();
        assert!(put(&alone, 10, true).is_err());
        put(&alone, 100, false).unwrap();
        let read: Result<i64> = alone.read(|session| {
            Box::pin(async move { session.query("select sum(n) from t").one::<i64>().await })
        });
        assert_eq!(read.unwrap(), 101);
        assert_eq!(sum(&beside), 0, "nobody else sees it yet");
        alone.close();
        assert_eq!(sum(&beside), 101);
        assert!(put(&alone, 1_000, false).is_err(), "it is closed");
    }

    #[test]
    fn what_many_stories_did_is_in_the_file_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let beside = Connection::open(&path).unwrap();
        beside.execute_batch("create table t (n integer)").unwrap();
        let alone = Alone::open(&path).unwrap();
        for _ in 0..=STORIES_MAX {
            put(&alone, 1, false).unwrap();
        }
        assert_eq!(sum(&beside), i64::from(STORIES_MAX));
    }
}
