//! PostgreSQL: a pool of connections, one transaction a story.

mod tls;

use std::str::FromStr;

use deadpool_postgres::{ClientWrapper, Manager, ManagerConfig, Pool, RecyclingMethod};
use futures_util::TryStreamExt;
use futures_util::stream::FuturesOrdered;
use tokio_postgres::Statement;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::Result;
use crate::db::{Durability, Link, Options, Session, Story, Tx};
use crate::error::StoreError;
use crate::value::{Row, Value};

/// Statements on their way to the server before the first is answered.
const ON_THE_WAY: usize = 256;

/// A PostgreSQL server.
#[derive(Clone)]
pub struct Postgres {
    pool: Pool,
    durable: bool,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Postgres")
    }
}

impl Postgres {
    pub(crate) fn connect(url: &str, options: &Options) -> Result<Self> {
        let (url, wish) = tls::split(url)?;
        let mut config = tokio_postgres::Config::from_str(&url)
            .map_err(|e| StoreError::Driver(format!("the database address cannot be read: {e}")))?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        config.ssl_mode(wish.mode());
        let manager = Manager::from_config(config, wish.tls()?, recycling);
        let pool = Pool::builder(manager)
            .max_size(options.connections.max(2))
            .build()
            .map_err(|e| StoreError::Driver(e.to_string()))?;
        Ok(Self { pool, durable: options.durability == Durability::Answered })
    }

    pub(crate) async fn write<T, E, F>(&self, story: F) -> std::result::Result<T, E>
    where
        F: for<'a, 'c> FnOnce(&'a mut Tx<'c>) -> Story<'a, T, E> + Send + 'static,
        E: From<StoreError>,
    {
        let mut object = self.pool.get().await.map_err(StoreError::from)?;
        let link: &mut ClientWrapper = &mut object;
        let begin =
            if self.durable { "begin" } else { "begin; set local synchronous_commit = off" };
        link.batch_execute(begin).await.map_err(StoreError::from)?;
        let mut open = Open { link: Some(link) };
        let outcome = match open.link.as_deref_mut() {
            Some(link) => story(&mut Tx::new(Link::Postgres(link))).await,
            None => Err(E::from(StoreError::Busy)),
        };
        let Some(link) = open.link.take() else { return outcome };
        match outcome {
            Ok(value) => {
                link.batch_execute("commit").await.map_err(StoreError::from)?;
                Ok(value)
            }
            Err(error) => {
                drop(link.batch_execute("rollback").await);
                Err(error)
            }
        }
    }

    pub(crate) async fn read<T, E, F>(&self, story: F) -> std::result::Result<T, E>
    where
        F: for<'a, 'c> FnOnce(&'a mut Session<'c>) -> Story<'a, T, E> + Send + 'static,
        E: From<StoreError>,
    {
        let mut object = self.pool.get().await.map_err(StoreError::from)?;
        let link: &mut ClientWrapper = &mut object;
        story(&mut Session { link: Link::Postgres(link) }).await
    }
}

/// A transaction that was begun. Dropped while open (its request went away), the connection is
/// told to undo it before anything else can use it: statements are answered in order.
struct Open<'a> {
    link: Option<&'a mut ClientWrapper>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            link.__private_api_rollback(None);
        }
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        wanted: &Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Int(n) if *wanted == Type::INT4 => i32::try_from(*n)?.to_sql(wanted, out),
            Value::Int(n) if *wanted == Type::BOOL => (*n != 0).to_sql(wanted, out),
            Value::Int(n) => n.to_sql(&Type::INT8, out),
            Value::Text(text) => text.to_sql(&Type::TEXT, out),
            Value::Bool(flag) => flag.to_sql(&Type::BOOL, out),
            Value::Real(x) => x.to_sql(&Type::FLOAT8, out),
            Value::Null => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(
        kind: &Type,
        raw: &'a [u8],
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *kind {
            Type::INT8 => Self::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Self::Int(i64::from(i32::from_sql(kind, raw)?)),
            Type::BOOL => Self::Bool(bool::from_sql(kind, raw)?),
            Type::FLOAT8 => Self::Real(f64::from_sql(kind, raw)?),
            _ => Self::Text(String::from_sql(&Type::TEXT, raw)?),
        })
    }

    fn from_sql_null(
        _: &Type,
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::BOOL, Type::FLOAT8, Type::TEXT, Type::VARCHAR].contains(kind)
    }
}

fn references(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| -> &(dyn ToSql + Sync) { value }).collect()
}

pub(crate) async fn run(link: &mut ClientWrapper, sql: &str, values: &[Value]) -> Result<u64> {
    let statement = link.prepare_cached(sql).await?;
    let used = values.get(..statement.params().len()).unwrap_or(values);
    Ok(link.execute(&statement, &references(used)).await?)
}

pub(crate) async fn rows(
    link: &mut ClientWrapper,
    sql: &str,
    values: &[Value],
) -> Result<Vec<Row>> {
    let statement = link.prepare_cached(sql).await?;
    let used = values.get(..statement.params().len()).unwrap_or(values);
    let found = link.query(&statement, &references(used)).await?;
    found
        .iter()
        .map(|row| {
            let cells = (0..row.len()).map(|at| row.try_get::<_, Value>(at));
            Ok(Row::new(cells.collect::<std::result::Result<Vec<_>, _>>()?))
        })
        .collect()
}

pub(crate) async fn run_each<const N: usize>(
    link: &mut ClientWrapper,
    sql: &str,
    rows: &[[i64; N]],
) -> Result<()> {
    let statement = link.prepare_cached(sql).await?;
    let mut on_the_way = FuturesOrdered::new();
    for row in rows {
        on_the_way.push_back(execute(link, &statement, row));
        if on_the_way.len() >= ON_THE_WAY {
            on_the_way.try_next().await?;
        }
    }
    while on_the_way.try_next().await?.is_some() {}
    Ok(())
}

async fn execute<const N: usize>(
    link: &ClientWrapper,
    statement: &Statement,
    row: &[i64; N],
) -> Result<()> {
    let values = row.each_ref().map(|n| -> &(dyn ToSql + Sync) { n });
    link.execute(statement, &values).await?;
    Ok(())
}

pub(crate) async fn each_ints<const N: usize>(
    link: &mut ClientWrapper,
    sql: &str,
    values: &[Value],
    mut take: impl FnMut([i64; N]),
) -> Result<u64> {
    let statement = link.prepare_cached(sql).await?;
    let used = values.get(..statement.params().len()).unwrap_or(values);
    let mut rows = std::pin::pin!(link.query_raw(&statement, references(used)).await?);
    let mut count = 0;
    let mut cells = [0; N];
    while let Some(row) = rows.try_next().await? {
        for (at, cell) in cells.iter_mut().enumerate() {
            *cell = row.try_get(at)?;
        }
        take(cells);
        count += 1;
    }
    Ok(count)
}
