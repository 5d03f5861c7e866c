//! The one door to the database: readers, the write door, and a query.

use std::path::PathBuf;

use futures_util::future::BoxFuture;

use crate::dialect::Both;
use crate::error::StoreError;
use crate::value::{Bind, FromRow, Row, Value};
use crate::{Result, migrate, postgres, sqlite};

/// Which tables a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// Everything that must not be lost.
    Main,
    /// Page views and their rollups: cheap to write, kept apart so that they never delay an
    /// opt-in.
    Views,
}

/// When what was written is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Before it is answered.
    Answered,
    /// Some time after: a power cut takes the last of it back, and breaks nothing.
    Later,
    /// Whenever the machine likes, a power cut may break the file.
    Never,
    /// Not before it is closed, and nobody else has it open: for a history that is made again if
    /// it breaks off. On a server it is `Never`.
    AtClose,
}

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which tables it holds.
    pub schema: Schema,
    /// What a commit waits for.
    pub durability: Durability,
    /// Readers (SQLite) or connections (PostgreSQL).
    pub connections: usize,
    /// Modelled delay added to every commit, for benchmarks; zero otherwise.
    pub commit_delay: std::time::Duration,
}

impl Options {
    /// The main tables, durable.
    pub fn main() -> Self {
        Self {
            schema: Schema::Main,
            durability: Durability::Answered,
            connections: 4,
            commit_delay: std::time::Duration::ZERO,
        }
    }

    /// The view tables: their commits do not wait for the disk.
    pub fn views() -> Self {
        Self {
            schema: Schema::Views,
            durability: Durability::Later,
            connections: 2,
            ..Self::main()
        }
    }
}

/// A database. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Db {
    /// A file of ours.
    Sqlite(sqlite::Sqlite),
    /// A server.
    Postgres(postgres::Postgres),
}

impl Db {
    /// Opens `sqlite:PATH` or `postgres://…` and brings its tables up to date.
    ///
    /// # Errors
    /// The address is of neither form, the database cannot be reached, or it is newer than this
    /// program.
    pub async fn connect(url: &str, options: Options) -> Result<Self> {
        let db = Self::connect_as_is(url, &options).await?;
        migrate::up(&db, options.schema).await?;
        Ok(db)
    }

    /// Opens the database without touching its tables.
    pub async fn connect_as_is(url: &str, options: &Options) -> Result<Self> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            Ok(Self::Sqlite(sqlite::Sqlite::open(PathBuf::from(path), options)?))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Self::Postgres(postgres::Postgres::connect(url, options)?))
        } else {
            Err(StoreError::Driver(
                "the database address starts with sqlite: or postgres://".to_owned(),
            ))
        }
    }

    /// Applies the migrations this database lacks.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn up(&self, schema: Schema) -> Result<()> {
        migrate::up(self, schema).await
    }

    /// The migrations this database lacks; none where it is up to date.
    ///
    /// # Errors
    /// It is newer than this program.
    pub async fn pending(&self, schema: Schema) -> Result<Vec<&'static str>> {
        migrate::pending(self, schema).await
    }

    /// A handle that can only read.
    pub fn reader(&self) -> Reader {
        Reader(self.clone())
    }

    /// Runs `story` in one transaction. Returns after its changes are durable; an `Err` of the
    /// story undoes all of it.
    pub async fn write<T, E, F>(&self, story: F) -> std::result::Result<T, E>
    where
        F: for<'a, 'c> FnOnce(&'a mut Tx<'c>) -> Story<'a, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match self {
            Self::Sqlite(db) => db.write(story).await,
            Self::Postgres(db) => db.write(story).await,
        }
    }

    /// Whether this is SQLite.
    pub fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Waits for every write already given, folds the log into the file and closes. What could not
    /// be kept goes to the log alone: for databases that keep what they answer.
    pub async fn close(&self) {
        if let Err(e) = self.try_close().await {
            tracing::error!(error = %e, "the last of what was written was not kept");
        }
    }

    /// The same for [`Durability::AtClose`] too, where closing is what keeps it.
    ///
    /// # Errors
    /// Some of what was answered is not in the file: a full disk.
    pub async fn try_close(&self) -> Result<()> {
        match self {
            Self::Sqlite(db) => db.close().await,
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Writes a consistent copy to the file `to` (SQLite only), beside running writers.
    pub async fn copy_to(&self, to: PathBuf) -> Result<()> {
        match self {
            Self::Sqlite(db) => db.copy_to(to).await,
            Self::Postgres(_) => Err(StoreError::Driver(
                "a PostgreSQL database is backed up with pg_dump or pgbackrest".to_owned(),
            )),
        }
    }
}

/// What a story is: a boxed future over the transaction it was given.
pub type Story<'a, T, E> = BoxFuture<'a, std::result::Result<T, E>>;

/// A handle that can only read. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader(Db);

impl Reader {
    /// Runs `story` on one connection. On SQLite it sees one moment of the database.
    pub async fn read<T, E, F>(&self, story: F) -> std::result::Result<T, E>
    where
        F: for<'a, 'c> FnOnce(&'a mut Session<'c>) -> Story<'a, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.0 {
            Db::Sqlite(db) => db.read(story).await,
            Db::Postgres(db) => db.read(story).await,
        }
    }
}

pub(crate) enum Link<'c> {
    Sqlite(&'c mut rusqlite::Connection),
    Postgres(&'c mut deadpool_postgres::ClientWrapper),
}

/// A connection one may read from.
pub struct Session<'c> {
    pub(crate) link: Link<'c>,
}

/// A transaction: a [`Session`] one may change through. Only `engine` obtains one.
pub struct Tx<'c> {
    session: Session<'c>,
}

impl<'c> Tx<'c> {
    pub(crate) fn new(link: Link<'c>) -> Self {
        Self { session: Session { link } }
    }
}

impl Tx<'_> {
    /// Runs a statement of whole numbers once for each of `rows`.
    pub async fn run_each<const N: usize>(
        &mut self,
        sql: &'static str,
        rows: &[[i64; N]],
    ) -> Result<()> {
        match &mut self.session.link {
            Link::Sqlite(link) => sqlite::run_each(link, sql, rows),
            Link::Postgres(link) => postgres::run_each(link, sql, rows).await,
        }
    }
}

impl<'c> std::ops::Deref for Tx<'c> {
    type Target = Session<'c>;
    fn deref(&self) -> &Session<'c> {
        &self.session
    }
}

impl<'c> std::ops::DerefMut for Tx<'c> {
    fn deref_mut(&mut self) -> &mut Session<'c> {
        &mut self.session
    }
}

impl<'c> Session<'c> {
    /// Begins a query. Parameters are `$1`, `$2`, … in the order of the `bind`s.
    pub fn query<'s>(&'s mut self, sql: &'static str) -> Query<'s, 'c> {
        Query { session: self, sql, values: Vec::new(), fault: None }
    }

    /// Begins a query whose text differs between the databases (see `dialect.rs`).
    pub fn query_both<'s>(&'s mut self, both: Both) -> Query<'s, 'c> {
        let sql = match self.link {
            Link::Sqlite(_) => both.sqlite,
            Link::Postgres(_) => both.postgres,
        };
        self.query(sql)
    }

    /// Whether this connection is to SQLite.
    pub fn is_sqlite(&self) -> bool {
        matches!(self.link, Link::Sqlite(_))
    }

    /// Runs several statements without parameters: for migrations only.
    pub(crate) async fn batch(&mut self, sql: &str) -> Result<()> {
        match &mut self.link {
            Link::Sqlite(link) => Ok(link.execute_batch(sql)?),
            Link::Postgres(link) => Ok(link.batch_execute(sql).await?),
        }
    }

    /// Prepares the statement, nothing else.
    pub async fn prepare_only(&mut self, sql: &str) -> Result<()> {
        match &mut self.link {
            Link::Sqlite(link) => link.prepare(sql).map(drop).map_err(StoreError::from),
            Link::Postgres(link) => link.prepare(sql).await.map(drop).map_err(StoreError::from),
        }
    }
}

/// A statement being given its parameters.
pub struct Query<'s, 'c> {
    session: &'s mut Session<'c>,
    sql: &'static str,
    values: Vec<Value>,
    fault: Option<StoreError>,
}

impl Query<'_, '_> {
    /// Gives the next parameter.
    #[must_use]
    pub fn bind(mut self, value: impl Bind) -> Self {
        match value.bind_value() {
            Ok(value) => self.values.push(value),
            Err(fault) => self.fault = Some(fault),
        }
        self
    }

    /// All rows.
    pub async fn all<T: FromRow>(self) -> Result<Vec<T>> {
        let mut rows = self.rows().await?;
        rows.iter_mut().map(T::from_row).collect()
    }

    /// The row, if there is one. Further rows are left.
    pub async fn maybe<T: FromRow>(self) -> Result<Option<T>> {
        let mut rows = self.rows().await?;
        rows.first_mut().map(T::from_row).transpose()
    }

    /// The row that must be there (aggregates, `returning` of an insert).
    pub async fn one<T: FromRow>(self) -> Result<T> {
        let sql = self.sql;
        self.maybe().await?.ok_or_else(|| {
            StoreError::Driver(format!("a statement that must give a row gave none: {sql:.80}"))
        })
    }

    /// Gives the rows to `take` one after the other, none of them kept: for statements of whole
    /// numbers that find millions. How many rows there were.
    ///
    /// # Errors
    /// A cell of a row holds anything but a whole number.
    pub async fn each_ints<const N: usize>(self, take: impl FnMut([i64; N]) + Send) -> Result<u64> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        match &mut self.session.link {
            Link::Sqlite(link) => sqlite::each_ints(link, self.sql, &self.values, take),
            Link::Postgres(link) => postgres::each_ints(link, self.sql, &self.values, take).await,
        }
    }

    /// Runs the statement; the number of rows it changed.
    pub async fn run(self) -> Result<u64> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        match &mut self.session.link {
            Link::Sqlite(link) => sqlite::run(link, self.sql, &self.values),
            Link::Postgres(link) => postgres::run(link, self.sql, &self.values).await,
        }
    }

    async fn rows(self) -> Result<Vec<Row>> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        match &mut self.session.link {
            Link::Sqlite(link) => sqlite::rows(link, self.sql, &self.values),
            Link::Postgres(link) => postgres::rows(link, self.sql, &self.values).await,
        }
    }
}
