//! Jobs: work that a story caused, done outside its transaction. Claimed with a lease, tried with
//! a growing pause, kept with its reason where it cannot be done. What takes long is worked on
//! beside the rounds of the scheduler (`recounts`), and its lease is renewed meanwhile.

use std::time::Duration;

use futures_util::StreamExt;
use model::ids::{JobId, SegmentId};
use model::jobs::{Lane, Outcome, Work};
use model::times::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use model::{SiteId, UtcMs};
use store::jobs::{Job, NewJob};
use store::{Session, Tx};
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{
    also_bought, balances, channel_rules, fits, learned, refund, rollups, segments, views,
};

/// Jobs claimed at once.
const CLAIM_MAX: i64 = 50;
/// Jobs worked on at once.
const CONCURRENCY: usize = 8;
/// How long a claim holds; a job that takes longer may be started twice, and must bear it.
const LEASE_MS: i64 = MINUTE_MS;
/// How often the lease of a long job is renewed: thrice may fail before it is lost.
const RENEWED_EVERY: Duration = Duration::from_secs(15);
/// Tries before a job is given up.
const ATTEMPTS_MAX: i64 = 10;
/// How long ended jobs are kept.
pub(crate) const KEPT_MS: i64 = 7 * DAY_MS;

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

/// Claims and does what is due once, but for what takes long; how many jobs were done or put back.
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

/// Claims one long job and works on it; how many were done or put back.
pub(crate) async fn run_long(
    engine: &Engine,
    lane: Lane,
    stop: &CancellationToken,
) -> Result<usize> {
    let (now, steady) = (engine.now(), engine.lease_now());
    let is_due = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { is_due(session, lane, now, steady).await })
        })
        .await?;
    if !is_due {
        return Ok(0);
    }
    let Some(job) = claim_alone(engine, lane).await? else { return Ok(0) };
    tokio::select! {
        done = run_one(engine, job.clone()) => done.map(|()| 1),
        () = renewed(engine, &job) => {
            tracing::warn!(job = %job.id, kind = %job.kind, "a job was lost to another node");
            Ok(0)
        }
        () = stop.cancelled() => {
            put_back(engine, job).await?;
            Ok(0)
        }
    }
}

/// Whether a job of a lane is due, or a lease is over.
pub(crate) async fn is_due(
    session: &mut Session<'_>,
    lane: Lane,
    now: UtcMs,
    steady: UtcMs,
) -> Result<bool> {
    if store::jobs::due_kinds(session, now).await?.iter().any(|kind| lane.does(kind)) {
        return Ok(true);
    }
    let lease_now = store::nodes::db_now(session, steady).await?;
    Ok(store::jobs::has_over(session, lease_now).await?)
}

async fn claim(engine: &Engine) -> Result<Vec<Job>> {
    let (node, _) = engine.node();
    // What is due goes by the wall; a lease by a clock that nobody sets.
    let (now, steady) = (engine.now(), engine.lease_now());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let until = free(tx, steady).await?;
                let others = Lane::Rounds.kinds();
                Ok(store::jobs::claim(tx, (node, until), others, now, CLAIM_MAX).await?)
            })
        })
        .await
}

async fn claim_alone(engine: &Engine, lane: Lane) -> Result<Option<Job>> {
    let (node, _) = engine.node();
    let (now, steady) = (engine.now(), engine.lease_now());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let until = free(tx, steady).await?;
                Ok(store::jobs::claim_alone(tx, (node, until), lane.kinds(), now).await?)
            })
        })
        .await
}

/// Frees jobs whose lease is over; until when one that is claimed now is held.
async fn free(tx: &mut Tx<'_>, steady: UtcMs) -> Result<UtcMs> {
    let lease_now = store::nodes::db_now(tx, steady).await?;
    store::jobs::free_expired(tx, lease_now).await?;
    Ok(lease_now.plus_ms(LEASE_MS))
}

/// Renews the lease of a job again and again; returns once it is lost.
async fn renewed(engine: &Engine, job: &Job) {
    loop {
        tokio::time::sleep(RENEWED_EVERY).await;
        match renew(engine, job.clone()).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "the lease of a job could not be renewed"),
        }
    }
}

async fn renew(engine: &Engine, job: Job) -> Result<bool> {
    let steady = engine.lease_now();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let until = store::nodes::db_now(tx, steady).await?.plus_ms(LEASE_MS);
                Ok(store::jobs::renew(tx, &job, until).await?)
            })
        })
        .await
}

/// The program ends: whoever starts next goes on with it at once.
async fn put_back(engine: &Engine, job: Job) -> Result<()> {
    let now = engine.now();
    engine
        .write(move |tx| {
            Box::pin(async move {
                store::jobs::later(tx, &job, now, "the program was stopped").await?;
                Ok(())
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
    let site = job.site_id;
    match work {
        Work::Refund { refund } => return refund::work(engine, site, refund).await,
        Work::Channels => return channel_rules::work(engine, site).await,
        Work::LearnScores { .. } => return learned::work(engine, site).await,
        Work::ForgetDoneJobs => forget_done(engine).await?,
        Work::Chances => learned::hourly(engine, site).await.map(drop)?,
        Work::CountSegment { segment } => {
            segments::count_if_due(engine, site, SegmentId(segment)).await?;
        }
        Work::Balance | Work::Fits | Work::Rebuild | Work::RecountViews | Work::WeighPairs => {
            let found = engine
                .reader()
                .read::<_, EngineError, _>(move |session| {
                    Box::pin(async move { Ok(store::sites::find(session, site).await?) })
                })
                .await?;
            let Some(site) = found else { return Ok(Outcome::Dead("the site is gone".to_owned())) };
            match work {
                Work::Balance => balances::count_due(engine, &site).await.map(drop)?,
                Work::Fits => fits::refresh(engine, &site).await.map(drop)?,
                Work::RecountViews => views::recount_yesterday(engine, &site).await.map(drop)?,
                Work::Rebuild => rollups::rebuild(engine, &site).await.map(drop)?,
                _ => also_bought::rebuild(engine, site.id).await.map(drop)?,
            }
        }
    }
    Ok(Outcome::Done)
}

async fn forget_done(engine: &Engine) -> Result<()> {
    let before = engine.now().plus_ms(-KEPT_MS);
    engine
        .write(move |tx| {
            Box::pin(async move { Ok(store::jobs::forget_done(tx, before).await.map(drop)?) })
        })
        .await
}
