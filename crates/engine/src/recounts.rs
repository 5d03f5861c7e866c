//! What takes seconds or minutes, beside everything else: fits, segments, learned scores, what goes
//! together, the reconciliation, and sums that are made anew. Not in the rounds of the scheduler: no mail waits behind
//! a model.
//!
//! Each is a job. Whatever is due by itself is given one, by a key that says for when: so it is done
//! once, however many nodes look; and a job holds its lease for as long as it is worked on.

use std::time::Duration;

use model::SiteId;
use model::jobs::{Lane, Work};
use model::sites::Site;
use model::times::HOUR_MS;
use store::Session;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{balances, fits, jobs, segments, views};

/// How long it rests in between: a segment that was just kept is counted soon.
const REST: Duration = Duration::from_secs(3);

/// Does everything that is due; how many things were done.
///
/// # Errors
/// The database fails.
pub async fn run_due(engine: &Engine) -> Result<usize> {
    let (stop, mut total) = (CancellationToken::new(), 0);
    plan(engine).await?;
    for lane in [Lane::Counting, Lane::Rebuilding] {
        loop {
            let done = jobs::run_long(engine, lane, &stop).await?;
            if done == 0 {
                break;
            }
            total += done;
        }
    }
    Ok(total)
}

/// The same again and again until told to stop. What failed was logged, and is tried again.
pub(crate) async fn run(engine: Engine, stop: CancellationToken) {
    tokio::join!(lane(&engine, Lane::Counting, &stop), lane(&engine, Lane::Rebuilding, &stop));
}

async fn lane(engine: &Engine, lane: Lane, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let done = if engine.is_quiet() { Ok(0) } else { one(engine, lane, stop).await };
        match done {
            Ok(done) if done > 0 => continue,
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "this could not be counted; the rest goes on"),
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(REST) => {}
        }
    }
}

async fn one(engine: &Engine, lane: Lane, stop: &CancellationToken) -> Result<usize> {
    if lane == Lane::Counting {
        plan(engine).await?;
    }
    jobs::run_long(engine, lane, stop).await
}

/// Makes a job of everything that is due by itself and has none.
async fn plan(engine: &Engine) -> Result<()> {
    let of = engine.clone();
    let due = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut due = Vec::new();
                for site in store::sites::list(session).await? {
                    for (work, key) in wanted(&of, session, &site).await? {
                        if !store::jobs::is_made(session, site.id, &key).await? {
                            due.push((site.id, work, key));
                        }
                    }
                }
                Ok(due)
            })
        })
        .await?;
    if due.is_empty() { Ok(()) } else { enqueue(engine, due).await }
}

async fn enqueue(engine: &Engine, due: Vec<(SiteId, Work, String)>) -> Result<()> {
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                for (site, work, key) in &due {
                    jobs::enqueue(&of, tx, *site, work, key, of.now()).await?;
                }
                Ok(())
            })
        })
        .await
}

/// What is due of a site, each with its key. The hour or day in it is that of the next try, where
/// a job was given up.
async fn wanted(
    engine: &Engine,
    session: &mut Session<'_>,
    site: &Site,
) -> Result<Vec<(Work, String)>> {
    let (now, mut wanted) = (engine.now(), Vec::new());
    let hour = now.0.div_euclid(HOUR_MS);
    // First: segments may ask for its scores.
    if let Some(since) = fits::due(session, site, now).await? {
        wanted.push((Work::Fits, format!("fits:{}:{hour}", since.0)));
    }
    for segment in segments::due(session, site.id, now).await? {
        let since = segment.counted_at.map_or(0, |at| at.0);
        let key = format!("segment:{}:{}:{since}:{hour}", segment.id, segment.updated_at.0);
        wanted.push((Work::CountSegment { segment: segment.id.0 }, key));
    }
    if !balances::due_days(session, site, now).await?.is_empty() {
        wanted.push((Work::Balance, format!("balances:{hour}")));
    }
    if store::learned_scores::find(session, site.id).await?.is_some() {
        wanted.push((Work::Chances, format!("chances:{hour}")));
    }
    if !engine.views().is_sqlite() {
        wanted.push((Work::RecountViews, format!("views:{}", views::yesterday(engine, site))));
    }
    let day = now.rfc3339().chars().take(10).collect::<String>();
    wanted.push((Work::WeighPairs, format!("pairs:{day}")));
    Ok(wanted)
}
