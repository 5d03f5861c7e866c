//! Work to be done: claimed with a lease, done once, kept with its reason where it cannot be.

use model::ids::JobId;
use model::{SiteId, UtcMs};

use crate::{Both, FromRow, Result, Row, Session, Tx};

const INSERT: &str = "insert into jobs
    (site_id, id, kind, payload, dedupe_key, state, due_at, attempts, epoch, created_at)
    values ($1, $2, $3, $4, $5, 'ready', $6, 0, 0, $7)
    on conflict (site_id, dedupe_key) do nothing";
// `$5`: kinds between spaces; a job is of one of them, or of none.
const CLAIM: Both = Both {
    sqlite: "update jobs set state = 'leased', owner = $1, epoch = epoch + 1,
        attempts = attempts + 1, lease_until = $2
        where (site_id, id) in (select site_id, id from jobs
            where state = 'ready' and due_at <= $3
                and replace(cast($5 as text), ' ' || kind || ' ', '') = $5
            order by due_at limit $4)
        returning site_id, id, kind, payload, attempts, epoch, due_at",
    postgres: "update jobs set state = 'leased', owner = $1, epoch = epoch + 1,
        attempts = attempts + 1, lease_until = $2
        where (site_id, id) in (select site_id, id from jobs
            where state = 'ready' and due_at <= $3
                and replace(cast($5 as text), ' ' || kind || ' ', '') = $5
            order by due_at limit $4
            for update skip locked)
        returning site_id, id, kind, payload, attempts, epoch, due_at",
};
const CLAIM_ALONE: &str = "update jobs set state = 'leased', owner = $1, epoch = epoch + 1,
    attempts = attempts + 1, lease_until = $2
    where (site_id, id) in (select j.site_id, j.id from jobs j
        where j.state = 'ready' and j.due_at <= $3
            and replace(cast($4 as text), ' ' || j.kind || ' ', '') <> $4
            and not exists (select 1 from jobs l
                where l.site_id = j.site_id and l.state = 'leased'
                    and replace(cast($4 as text), ' ' || l.kind || ' ', '') <> $4)
        order by j.due_at, j.id limit 1)
    returning site_id, id, kind, payload, attempts, epoch, due_at";
const RENEW: &str = "update jobs set lease_until = $4
    where site_id = $1 and id = $2 and epoch = $3 and state = 'leased'";
const DUE_KINDS: &str = "select distinct kind from jobs where state = 'ready' and due_at <= $1";
const COUNT_OVER: &str = "select count(*) from jobs where state = 'leased' and lease_until < $1";
const IS_MADE: &str = "select count(*) from jobs where site_id = $1 and dedupe_key = $2";
const DONE: &str = "update jobs set state = 'done', lease_until = null, ended_at = $4
    where site_id = $1 and id = $2 and epoch = $3 and state = 'leased'";
const LATER: &str = "update jobs set state = 'ready', lease_until = null, due_at = $4,
    last_error = $5 where site_id = $1 and id = $2 and epoch = $3 and state = 'leased'";
const DEAD: &str = "update jobs set state = 'dead', lease_until = null, ended_at = $4,
    last_error = $5 where site_id = $1 and id = $2 and epoch = $3 and state = 'leased'";
const FREE_EXPIRED: &str = "update jobs set state = 'ready', lease_until = null
    where state = 'leased' and lease_until < $1";
const COUNT_OPEN: &str = "select count(*) from jobs where state in ('ready', 'leased')";
const NEXT_DUE: &str = "select min(due_at) from jobs where state = 'ready'";
const FORGET_DONE: &str = "delete from jobs where state = 'done' and ended_at < $1";

/// A job that was claimed, or is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The site it works for.
    pub site_id: SiteId,
    /// Its id.
    pub id: JobId,
    /// Which work.
    pub kind: String,
    /// What it needs to know: JSON with a version, see `model::jobs`.
    pub payload: String,
    /// Tries, this one included.
    pub attempts: i64,
    /// Fence: a result with another epoch changes nothing.
    pub epoch: i64,
    /// When it was due.
    pub due_at: UtcMs,
}

impl FromRow for Job {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            site_id: row.take()?,
            id: row.take()?,
            kind: row.take()?,
            payload: row.take()?,
            attempts: row.take()?,
            epoch: row.take()?,
            due_at: row.take()?,
        })
    }
}

/// A job to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewJob<'a> {
    /// Its id.
    pub id: JobId,
    /// Which work.
    pub kind: &'a str,
    /// JSON with a version.
    pub payload: &'a str,
    /// Two jobs of a site never share it.
    pub dedupe_key: &'a str,
    /// Not before.
    pub due_at: UtcMs,
}

/// Makes a job; `false` where one with its dedupe key exists.
pub async fn insert(tx: &mut Tx<'_>, site: SiteId, job: NewJob<'_>, now: UtcMs) -> Result<bool> {
    let made = tx
        .query(INSERT)
        .bind(site)
        .bind(job.id)
        .bind(job.kind)
        .bind(job.payload)
        .bind(job.dedupe_key)
        .bind(job.due_at)
        .bind(now)
        .run()
        .await?;
    Ok(made == 1)
}

/// Claims up to `limit` due jobs of none of `kinds` for `owner` until `lease_until`.
pub async fn claim(
    tx: &mut Tx<'_>,
    (owner, lease_until): (i64, UtcMs),
    kinds: &[&str],
    now: UtcMs,
    limit: i64,
) -> Result<Vec<Job>> {
    let query = tx.query_both(CLAIM).bind(owner).bind(lease_until).bind(now).bind(limit);
    query.bind(list(kinds)).all().await
}

/// Claims the job of one of `kinds` that has been due for longest, of a site none of whose jobs of
/// those kinds is claimed.
pub async fn claim_alone(
    tx: &mut Tx<'_>,
    (owner, lease_until): (i64, UtcMs),
    kinds: &[&str],
    now: UtcMs,
) -> Result<Option<Job>> {
    // Two nodes that claim at once wait for each other here: the second sees what the first took.
    crate::meta::set(tx, "claimed_alone", &now.0.to_string()).await?;
    let query = tx.query(CLAIM_ALONE).bind(owner).bind(lease_until).bind(now);
    query.bind(list(kinds)).maybe().await
}

/// Holds a claimed job for longer; `false` where the lease was lost.
pub async fn renew(tx: &mut Tx<'_>, job: &Job, lease_until: UtcMs) -> Result<bool> {
    let query = tx.query(RENEW).bind(job.site_id).bind(job.id).bind(job.epoch);
    Ok(query.bind(lease_until).run().await? == 1)
}

/// The kinds of the jobs that are due.
pub async fn due_kinds(session: &mut Session<'_>, now: UtcMs) -> Result<Vec<String>> {
    session.query(DUE_KINDS).bind(now).all().await
}

/// Whether the lease of a claimed job is over.
pub async fn has_over(session: &mut Session<'_>, lease_now: UtcMs) -> Result<bool> {
    Ok(session.query(COUNT_OVER).bind(lease_now).one::<i64>().await? > 0)
}

/// Whether a job with this key was made, and is not forgotten.
pub async fn is_made(session: &mut Session<'_>, site: SiteId, dedupe_key: &str) -> Result<bool> {
    Ok(session.query(IS_MADE).bind(site).bind(dedupe_key).one::<i64>().await? > 0)
}

fn list(kinds: &[&str]) -> String {
    format!(" {} ", kinds.join(" "))
}

/// Ends a claimed job; `false` where the lease was lost.
pub async fn done(tx: &mut Tx<'_>, job: &Job, now: UtcMs) -> Result<bool> {
    let q = tx.query(DONE).bind(job.site_id).bind(job.id).bind(job.epoch);
    Ok(q.bind(now).run().await? == 1)
}

/// Puts a claimed job back until `due_at`.
pub async fn later(tx: &mut Tx<'_>, job: &Job, due_at: UtcMs, why: &str) -> Result<bool> {
    let q = tx.query(LATER).bind(job.site_id).bind(job.id).bind(job.epoch);
    Ok(q.bind(due_at).bind(why).run().await? == 1)
}

/// Keeps a claimed job that cannot be done, with the reason.
pub async fn dead(tx: &mut Tx<'_>, job: &Job, now: UtcMs, why: &str) -> Result<bool> {
    let q = tx.query(DEAD).bind(job.site_id).bind(job.id).bind(job.epoch);
    Ok(q.bind(now).bind(why).run().await? == 1)
}

/// Frees jobs whose lease is over.
pub async fn free_expired(tx: &mut Tx<'_>, now: UtcMs) -> Result<u64> {
    tx.query(FREE_EXPIRED).bind(now).run().await
}

/// How many jobs are not ended.
pub async fn count_open(session: &mut Session<'_>) -> Result<i64> {
    session.query(COUNT_OPEN).one().await
}

/// When the next job is due.
pub async fn next_due(session: &mut Session<'_>) -> Result<Option<UtcMs>> {
    session.query(NEXT_DUE).one().await
}

/// Deletes jobs that ended well before `before`.
pub async fn forget_done(tx: &mut Tx<'_>, before: UtcMs) -> Result<u64> {
    tx.query(FORGET_DONE).bind(before).run().await
}
