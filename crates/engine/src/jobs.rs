//! Jobs: work that a story caused, done outside its transaction. Claimed with a lease, tried with
//! a growing pause, kept with its reason where it cannot be done.

use futures_util::StreamExt;
use model::ids::JobId;
use model::jobs::{Outcome, Work};
use model::times::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use model::{SiteId, UtcMs};
use store::Tx;
use store::jobs::{Job, NewJob};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Jobs claimed at once.
const CLAIM_MAX: i64 = 50;
/// Jobs worked on at once.
const CONCURRENCY: usize = 8;
/// How long a claim holds; a job that takes longer may be started twice, and must bear it.
const LEASE_MS: i64 = MINUTE_MS;
/// Tries before a job is given up.
const ATTEMPTS_MAX: i64 = 10;
/// How long ended jobs are kept.
const KEPT_MS: i64 = 7 * DAY_MS;

/// Makes a job within the transaction of its cause. A job with the same key is made once.
pub(crate) async fn enqueue(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    work: &Work,
    dedupe_key: &str,
    due_at: UtcMs,
) -> Result<bool> {
    let payload = serde_json::to_string(work)
        .map_err(|e| EngineError::Fault(format!("a job could not be written: {e}")))?;
    let job = NewJob {
        id: JobId(engine.next_id()),
        kind: work.kind(),
        payload: &payload,
        dedupe_key,
        due_at,
    };
    Ok(store::jobs::insert(tx, site, job, engine.now()).await?)
}

/// Claims and does what is due once; how many jobs were done or put back.
pub async fn run_due(engine: &Engine) -> Result<usize> {
    let claimed = claim(engine).await?;
    let count = claimed.len();
    futures_util::stream::iter(claimed)
        .for_each_concurrent(CONCURRENCY, |job| async move {
            if let Err(error) = run_one(engine, job).await {
                tracing::error!(%error, "the end of a job could not be recorded");
            }
        })
        .await;
    Ok(count)
}

async fn claim(engine: &Engine) -> Result<Vec<Job>> {
    let (node, _) = engine.node();
    // What is due goes by the wall; a lease by a clock that nobody sets.
    let (now, steady) = (engine.now(), engine.lease_now());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let lease_now = store::nodes::db_now(tx, steady).await?;
                store::jobs::free_expired(tx, lease_now).await?;
                let until = lease_now.plus_ms(LEASE_MS);
                Ok(store::jobs::claim(tx, node, until, now, CLAIM_MAX).await?)
            })
        })
        .await
}

async fn run_one(engine: &Engine, job: Job) -> Result<()> {
    let outcome = match serde_json::from_str::<Work>(&job.payload) {
        Ok(work) => work_on(engine, &job, work).await.unwrap_or_else(|error| {
            tracing::warn!(job = %job.id, kind = %job.kind, %error, "a job failed");
            Outcome::Later { why: error.to_string(), after_ms: pause_ms(job.attempts) }
        }),
        Err(e) => Outcome::Dead(format!("this program does not know the job: {e}")),
    };
    let now = engine.now();
    engine
        .write(move |tx| {
            Box::pin(async move {
                match outcome {
                    Outcome::Done => store::jobs::done(tx, &job, now).await?,
                    Outcome::Later { why, .. } if job.attempts >= ATTEMPTS_MAX => {
                        store::jobs::dead(tx, &job, now, &why).await?
                    }
                    Outcome::Later { why, after_ms } => {
                        store::jobs::later(tx, &job, now.plus_ms(after_ms), &why).await?
                    }
                    Outcome::Dead(why) => store::jobs::dead(tx, &job, now, &why).await?,
                };
                Ok(())
            })
        })
        .await
}

/// 30 s, doubled with each try, at most 6 h.
fn pause_ms(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.clamp(1, 12) - 1).unwrap_or(0);
    (30 * SECOND_MS).saturating_mul(1 << doublings).min(6 * HOUR_MS)
}

async fn work_on(engine: &Engine, job: &Job, work: Work) -> Result<Outcome> {
    match work {
        Work::Refund { refund } => crate::refund::work(engine, job.site_id, refund).await,
        Work::Channels => crate::channel_rules::work(engine, job.site_id).await,
        Work::LearnScores { .. } => crate::learned::work(engine, job.site_id).await,
        Work::ForgetDoneJobs => {
            let before = engine.now().plus_ms(-KEPT_MS);
            engine
                .write(move |tx| {
                    Box::pin(async move { Ok(store::jobs::forget_done(tx, before).await?) })
                })
                .await?;
            Ok(Outcome::Done)
        }
    }
}
