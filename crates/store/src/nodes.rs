//! The processes that share this database: each has a number for its ids and an epoch per start.

use model::UtcMs;

use crate::{Result, Session, Tx};

const JOIN: &str = "insert into nodes (id, name, epoch, version, started_at, seen_at)
    values ((select coalesce(max(id), 0) + 1 from nodes), $1, 1, $2, $3, $3)
    on conflict (name) do update
    set epoch = nodes.epoch + 1, version = excluded.version,
        started_at = excluded.started_at, seen_at = excluded.seen_at
    returning id, epoch";
const REUSE: &str = "update nodes set seen_at = $2
    where id = (select min(id) from nodes where name like 'cli-%' and seen_at < $1)
        and seen_at < $1
    returning name";
const COUNT: &str = "select cast(count(*) as bigint) from nodes where name like 'cli-%'";
const LAST_EVENT: &str = "select max((select max(e.id) from events e where e.site_id = s.id))
    from sites s";
const LAST_FIRST: &str = "select max(first_id) from nodes";
const BEGIN_IDS: &str = "update nodes set first_id = $2 where id = $1";
const SEEN: &str = "update nodes set seen_at = $2 where id = $1";

/// Registers a start of the node called `name`; its number and the epoch of this start.
pub async fn join(tx: &mut Tx<'_>, name: &str, version: &str, now: UtcMs) -> Result<(i64, i64)> {
    tx.query(JOIN).bind(name).bind(version).bind(now).one().await
}

/// A name for a command that works beside the server: one not seen since `silent`, or a new one.
pub async fn lease(tx: &mut Tx<'_>, version: &str, silent: UtcMs, now: UtcMs) -> Result<String> {
    if let Some(name) = tx.query(REUSE).bind(silent).bind(now).maybe().await? {
        return Ok(name);
    }
    let count: i64 = tx.query(COUNT).one().await?;
    let name = format!("cli-{}", count + 1);
    join(tx, &name, version, now).await?;
    Ok(name)
}

/// The largest id that is known to have been made before this start: of an event, or the first of
/// an earlier start.
pub async fn last_id(session: &mut Session<'_>) -> Result<Option<i64>> {
    let event: Option<i64> = session.query(LAST_EVENT).one().await?;
    let first: Option<i64> = session.query(LAST_FIRST).one().await?;
    Ok(event.max(first))
}

/// Notes the first id of a start.
pub async fn begin_ids(tx: &mut Tx<'_>, id: i64, first_id: i64) -> Result<()> {
    tx.query(BEGIN_IDS).bind(id).bind(first_id).run().await.map(drop)
}

/// Says that the node is alive.
pub async fn seen(tx: &mut Tx<'_>, id: i64, now: UtcMs) -> Result<()> {
    tx.query(SEEN).bind(id).bind(now).run().await.map(drop)
}

/// The database's own clock; SQLite has none, so there it is `clock`, and a command that works
/// beside the server differs from it by as much as the wall clock was set between their starts. A
/// lease may then seem over early or late; what it guards is fenced by its epoch.
pub async fn db_now(session: &mut Session<'_>, clock: UtcMs) -> Result<UtcMs> {
    if session.is_sqlite() {
        return Ok(clock);
    }
    session.query(crate::dialect::DB_NOW).one().await
}
