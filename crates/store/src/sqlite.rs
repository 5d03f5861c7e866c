//! SQLite: one writer thread with group commit, one that waits for the disk, one that folds the log
//! into the file, a few reader threads.
//!
//! Waiting writes run one after another, each in its own savepoint of one open transaction, and
//! each is answered when the shared transaction is durable: a hundred waiting requests cost one
//! fsync. Nothing waits inside a story on SQLite, so it is polled once.
//!
//! Or one connection that is nobody else's and works where it is asked (`alone`).

mod alone;
mod disk;
mod fold;
mod writer;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_util::FutureExt;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use crate::Result;
use crate::db::{Durability, Link, Options, Session, Story, Tx};
use crate::error::StoreError;
use crate::value::{Row, Value};
use alone::Alone;
use disk::Disk;
use fold::{Fold, LOG_PAGES};
use writer::{Writer, in_savepoint};

/// Writes that may wait; one more is answered [`StoreError::Busy`].
const WAITING_MAX: usize = 4_096;
/// How long another process may hold the write lock before we say busy.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements kept per connection: more than the house has.
const STATEMENTS_KEPT: usize = 512;

/// Answers one write after the shared commit; told whether that commit held.
type Answer = Box<dyn FnOnce(Result<()>) + Send>;
/// One write: runs its story and gives its answer back.
type Write = Box<dyn FnOnce(&mut Connection) -> Answer + Send>;
/// One read.
type Read = Box<dyn FnOnce(&mut Connection) + Send>;

enum Order {
    Write(Write),
    /// What was on its way to disk has got there.
    Landed,
    Close(oneshot::Sender<()>),
}

/// A SQLite file.
#[derive(Debug, Clone)]
pub struct Sqlite {
    door: Door,
    path: Arc<PathBuf>,
}

/// How one comes to its connections.
#[derive(Debug, Clone)]
enum Door {
    Threads { orders: Arc<mpsc::SyncSender<Order>>, reads: mpsc::Sender<Read> },
    Alone(Alone),
}

impl Sqlite {
    pub(crate) fn open(path: PathBuf, options: &Options) -> Result<Self> {
        let door = match options.durability {
            Durability::AtClose => Door::Alone(Alone::open(&path)?),
            _ => Door::with_threads(&path, options)?,
        };
        Ok(Self { door, path: Arc::new(path) })
    }

    pub(crate) async fn write<T, E, F>(&self, story: F) -> std::result::Result<T, E>
    where
        F: for<'a, 'c> FnOnce(&'a mut Tx<'c>) -> Story<'a, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let write: Write = Box::new(move |link| {
            let outcome = in_savepoint(link, story);
            Box::new(move |committed: Result<()>| {
                let outcome = committed.map_err(E::from).and(outcome);
                // Nobody waits any more: the write stands all the same.
                drop(tell.send(outcome));
            })
        });
        match &self.door {
            Door::Alone(alone) => alone.write(write)?,
            Door::Threads { orders, .. } => give(orders, Order::Write(write))?,
        }
        told.await.unwrap_or_else(|_| Err(E::from(stopped())))
    }

    pub(crate) async fn read<T, E, F>(&self, story: F) -> std::result::Result<T, E>
    where
        F: for<'a, 'c> FnOnce(&'a mut Session<'c>) -> Story<'a, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let read: Read = Box::new(move |link| drop(tell.send(in_snapshot(link, story))));
        match &self.door {
            Door::Alone(alone) => alone.read(read)?,
            Door::Threads { reads, .. } => reads.send(read).map_err(|_| E::from(stopped()))?,
        }
        told.await.unwrap_or_else(|_| Err(E::from(stopped())))
    }

    pub(crate) async fn copy_to(&self, to: PathBuf) -> Result<()> {
        let from = Arc::clone(&self.path);
        // A connection of its own: a long copy must not keep writers waiting.
        tokio::task::spawn_blocking(move || {
            let link = connect_reader(&from)?;
            link.pragma_update(None, "query_only", false)?;
            let target = to.to_string_lossy().into_owned();
            link.execute("vacuum into ?1", [target])?;
            Ok(())
        })
        .await
        .unwrap_or_else(|_| Err(stopped()))
    }

    pub(crate) async fn close(&self) -> Result<()> {
        let orders = match &self.door {
            Door::Alone(alone) => return alone.close(),
            Door::Threads { orders, .. } => orders,
        };
        let (tell, told) = oneshot::channel();
        if orders.send(Order::Close(tell)).is_ok() {
            drop(told.await);
        }
        // What was answered is in the file or in its log.
        Ok(())
    }
}

impl Door {
    fn with_threads(path: &Path, options: &Options) -> Result<Self> {
        let mut link = connect(path, options.durability)?;
        let (orders, waiting) = mpsc::sync_channel(WAITING_MAX);
        let orders = Arc::new(orders);
        let (disk, fold) = match options.durability {
            Durability::Answered => (
                Some(Disk::start(path, options.commit_delay, Arc::downgrade(&orders))?),
                Some(Fold::start(path, &mut link)?),
            ),
            _ => (None, None),
        };
        spawn("store-writer", move || Writer::new(link, waiting, disk, fold).run())?;

        let (reads, waiting) = mpsc::channel::<Read>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..options.connections.max(1) {
            let waiting = Arc::clone(&waiting);
            let link = connect_reader(path)?;
            spawn("store-reader", move || read_loop(link, &waiting))?;
        }
        Ok(Self::Threads { orders, reads })
    }
}

fn give(orders: &mpsc::SyncSender<Order>, order: Order) -> Result<()> {
    orders.try_send(order).map_err(|e| match e {
        mpsc::TrySendError::Full(_) => StoreError::Busy,
        mpsc::TrySendError::Disconnected(_) => stopped(),
    })
}

fn stopped() -> StoreError {
    StoreError::Driver("the database was closed, or a story broke off".to_owned())
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|e| StoreError::Driver(format!("no thread could be started: {e}")))
}

fn connect(path: &Path, durability: Durability) -> Result<Connection> {
    let link = Connection::open(path)?;
    prepare(&link)?;
    link.pragma_update(None, "journal_mode", "wal")?;
    link.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    // Not `full`: the sync that `full` adds to each commit is made by `Disk`.
    let word = if durability == Durability::Never { "off" } else { "normal" };
    link.pragma_update(None, "synchronous", word)?;
    // What a savepoint would take back is kept in one piece of memory instead of in pieces of a
    // kilobyte; only what exceeds it (`SQLITE_STMTJRNL_SPILL`) would go to a file.
    link.pragma_update(None, "temp_store", "file")?;
    // What is deleted from a page that stays is overwritten: a salt that is gone is gone.
    if durability == Durability::Later {
        link.pragma_update(None, "secure_delete", "fast")?;
    }
    Ok(link)
}

fn connect_reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let link = Connection::open_with_flags(path, flags)?;
    prepare(&link)?;
    link.pragma_update(None, "query_only", true)?;
    Ok(link)
}

fn prepare(link: &Connection) -> Result<()> {
    link.busy_timeout(BUSY_TIMEOUT)?;
    link.pragma_update(None, "foreign_keys", true)?;
    link.pragma_update(None, "trusted_schema", false)?;
    link.pragma_update(None, "cache_size", -32_768)?;
    // Without it SQLite prepares a statement anew for each value it is given, wherever a table has
    // an index for some rows only.
    link.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    link.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(())
}

fn statement(link: &Connection, sql: &str) -> Result<()> {
    link.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// One moment of the database; in a transaction that is open already, that of this transaction.
fn in_snapshot<T, E, F>(link: &mut Connection, story: F) -> std::result::Result<T, E>
where
    F: for<'a, 'c> FnOnce(&'a mut Session<'c>) -> Story<'a, T, E>,
    E: From<StoreError>,
{
    let is_own = link.is_autocommit();
    if is_own {
        statement(link, "begin")?;
    }
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut session = Session { link: Link::Sqlite(&mut *link) };
        story(&mut session).now_or_never()
    }));
    if is_own {
        statement(link, "rollback")?;
    }
    match polled {
        Ok(Some(outcome)) => outcome,
        Ok(None) | Err(_) => Err(E::from(stopped())),
    }
}

fn read_loop(mut link: Connection, waiting: &Mutex<mpsc::Receiver<Read>>) {
    loop {
        let Ok(next) = waiting.lock().map(|queue| queue.recv()) else { return };
        let Ok(read) = next else { return };
        read(&mut link);
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Int(n) => ValueRef::Integer(*n),
            Value::Bool(flag) => ValueRef::Integer(i64::from(*flag)),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Real(x) => ValueRef::Real(*x),
            Value::Null => ValueRef::Null,
        }))
    }
}

thread_local! {
    /// Each statement as SQLite counts its parameters, by where its text stands in the program.
    static NUMBERED: RefCell<HashMap<usize, Rc<str>>> = RefCell::default();
}

/// `?2` for `$2`: SQLite takes `$2` for a name and numbers names as they appear, PostgreSQL takes
/// it for the second parameter.
fn numbered(sql: &'static str) -> Rc<str> {
    NUMBERED.with_borrow_mut(|kept| {
        // A shorter text may begin where a longer one does.
        let found = kept.get(&sql.as_ptr().addr()).filter(|text| text.len() == sql.len());
        if let Some(text) = found {
            return Rc::clone(text);
        }
        let mut text = String::with_capacity(sql.len());
        let mut rest = sql.chars().peekable();
        while let Some(c) = rest.next() {
            let is_parameter = c == '$' && rest.peek().is_some_and(char::is_ascii_digit);
            text.push(if is_parameter { '?' } else { c });
        }
        let text: Rc<str> = text.into();
        kept.insert(sql.as_ptr().addr(), Rc::clone(&text));
        text
    })
}

fn bind(statement: &mut rusqlite::CachedStatement<'_>, values: &[Value]) -> Result<()> {
    let (wanted, given) = (statement.parameter_count(), values.len());
    if wanted != given {
        let text = format!("a statement with {wanted} parameters was given {given}");
        return Err(StoreError::Driver(text));
    }
    for (at, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(at + 1, value)?;
    }
    Ok(())
}

pub(crate) fn run(link: &mut Connection, sql: &'static str, values: &[Value]) -> Result<u64> {
    let mut statement = link.prepare_cached(&numbered(sql))?;
    bind(&mut statement, values)?;
    let changed = statement.raw_execute()?;
    Ok(u64::try_from(changed).unwrap_or(0))
}

pub(crate) fn rows(link: &mut Connection, sql: &'static str, values: &[Value]) -> Result<Vec<Row>> {
    let mut statement = link.prepare_cached(&numbered(sql))?;
    bind(&mut statement, values)?;
    let columns = statement.column_count();
    let mut found = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let mut cells = Vec::with_capacity(columns);
        for column in 0..columns {
            cells.push(match row.get_ref(column)? {
                ValueRef::Integer(n) => Value::Int(n),
                ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Real(x) => Value::Real(x),
                ValueRef::Null => Value::Null,
                ValueRef::Blob(_) => {
                    return Err(StoreError::Corrupt { column, found: "a blob".to_owned() });
                }
            });
        }
        found.push(Row::new(cells));
    }
    Ok(found)
}

pub(crate) fn run_each<const N: usize>(
    link: &mut Connection,
    sql: &'static str,
    rows: &[[i64; N]],
) -> Result<()> {
    let mut statement = link.prepare_cached(&numbered(sql))?;
    for row in rows {
        for (at, value) in row.iter().enumerate() {
            statement.raw_bind_parameter(at + 1, value)?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

pub(crate) fn each_ints<const N: usize>(
    link: &mut Connection,
    sql: &'static str,
    values: &[Value],
    mut take: impl FnMut([i64; N]),
) -> Result<u64> {
    let mut statement = link.prepare_cached(&numbered(sql))?;
    bind(&mut statement, values)?;
    let mut rows = statement.raw_query();
    let mut count = 0;
    let mut cells = [0; N];
    while let Some(row) = rows.next()? {
        for (column, cell) in cells.iter_mut().enumerate() {
            let ValueRef::Integer(n) = row.get_ref(column)? else {
                return Err(StoreError::Corrupt { column, found: "no whole number".to_owned() });
            };
            *cell = n;
        }
        take(cells);
        count += 1;
    }
    Ok(count)
}
