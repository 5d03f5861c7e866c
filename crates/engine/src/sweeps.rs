//! Sweeps: what is due by its own row, claimed in batches, so that the cost grows with what is
//! due and not with the list. No far-future timers: pausing and editing are queries.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::fault::Result;
use crate::{
    carts, clicks, close, deliver, enrolments, imports, jobs, pay, purges, referrals, rollups,
    views,
};

/// How long the scheduler rests when nothing woke it.
const REST: Duration = Duration::from_secs(1);
/// Rounds of one tick before it is said that something makes work without end.
const ROUNDS_MAX: usize = 10_000;

/// Does everything that is due now, until nothing is; how many things were done.
///
/// # Errors
/// The database fails.
pub async fn run_until_idle(engine: &Engine) -> Result<usize> {
    let mut total = 0;
    for _ in 0..ROUNDS_MAX {
        let done = tick(engine).await?;
        if done == 0 {
            break;
        }
        total += done;
    }
    Ok(total)
}

/// One round over jobs and sweeps; how many things were done.
pub async fn tick(engine: &Engine) -> Result<usize> {
    engine.read_revision().await?;
    views::flush(engine).await?;
    purges::run(engine).await?;
    let mut done = shop(engine).await?;
    done += jobs::run_due(engine).await?;
    done += imports::sweep(engine).await?;
    done += enrolments::sweep(engine).await?;
    done += deliver::sweep(engine).await?;
    done += deliver::run_due(engine).await?;
    done += rollups::sweep(engine).await?;
    done += clicks::sweep(engine).await?;
    Ok(done)
}

/// The shop's: attempts without an answer, orders without their money, windows that are over,
/// carts left behind, recommendations whose hold has ended.
async fn shop(engine: &Engine) -> Result<usize> {
    Ok(pay::recover(engine).await?
        + pay::expire(engine).await?
        + close::close_due(engine).await?
        + carts::remind(engine).await?
        + referrals::credit_due(engine).await?)
}

/// Ticks until told to stop. A fault is logged and the next round tries again.
pub async fn run(engine: Engine, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match tick(&engine).await {
            Ok(0) => {
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = engine.woken() => {}
                    () = tokio::time::sleep(REST) => {}
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "the scheduler could not finish a round");
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(REST) => {}
                }
            }
        }
    }
}
