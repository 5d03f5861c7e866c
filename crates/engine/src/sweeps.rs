//! Sweeps: what is due by its own row, claimed in batches, so that the cost grows with what is
//! due and not with the list. No far-future timers: pausing and editing are queries.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::times::MINUTE_MS;
use model::{SiteId, UtcMs};
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{
    carts, clicks, close, deliver, enrolments, imports, jobs, left_out, pay, purges, recounts,
    referrals, rollups, scores, sequence_runs, views,
};

mod due;

use due::Due;

/// How long the scheduler rests when nothing woke it.
const REST: Duration = Duration::from_secs(1);
/// How long a row rests that could not be dealt with.
const AFTER_FAULT_MS: i64 = MINUTE_MS;
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

/// One round over the jobs and sweeps that have something to do; how many things were done. Each has
/// its turn whatever becomes of the others: a fault is logged. What a sweep makes due for one before
/// it is done in the next round, which follows at once.
///
/// # Errors
/// The first fault, where nothing at all was done: so that nobody goes round without end.
pub async fn tick(engine: &Engine) -> Result<usize> {
    let mut round = Round::default();
    if engine.is_quiet() {
        round.took("changed content", engine.read_revision().await.map(|()| 0));
        return round.end();
    }
    let due = Due::read(engine).await.unwrap_or_else(|error| {
        round.took("what is due", Err(error));
        Due::all()
    });
    engine.saw_revision(due.revision);
    round.took("views", views::flush(engine).await.map(|_| 0));
    round.took("views left out", left_out::flush(engine).await.map(|_| 0));
    round.took("visits", views::sweep(engine).await);
    round.took("purges", purges::run(engine).await);
    shop(engine, &due, &mut round).await;
    if due.jobs {
        round.took("jobs", jobs::run_due(engine).await);
    }
    if due.imports {
        round.took("imports", imports::sweep(engine).await);
    }
    if due.undos {
        round.took("imports taken back", imports::undo::sweep(engine).await);
    }
    if due.sequence_runs {
        round.took("people put into sequences", sequence_runs::sweep(engine).await);
    }
    if due.enrolments {
        round.took("sequences", enrolments::sweep(engine).await);
    }
    if due.waits {
        round.took("waiting mail", deliver::sweep(engine).await);
    }
    if due.mail {
        round.took("mail", deliver::run_due(engine).await);
    }
    // A day is rolled up once its clicks are judged.
    if due.clicks {
        round.took("clicks", clicks::sweep(engine).await);
    }
    if due.figures {
        round.took("figures", rollups::sweep(engine).await);
    }
    if due.scores {
        round.took("scores", scores::keep::sweep(engine).await);
    }
    round.end()
}

/// The shop's: attempts without an answer, orders without their money, windows that are over, carts
/// left behind, recommendations whose hold has ended.
async fn shop(engine: &Engine, due: &Due, round: &mut Round) {
    if due.payments {
        round.took("payments", pay::recover(engine).await);
    }
    if due.unpaid {
        round.took("unpaid orders", pay::expire(engine).await);
    }
    if due.receipts {
        round.took("receipts", close::close_due(engine).await);
    }
    if due.carts {
        round.took("carts", carts::remind(engine).await);
    }
    if due.referrals {
        round.took("recommendations", referrals::credit_due(engine).await);
    }
}

/// What came of a round over sweeps, or of a sweep over rows: each has its turn whatever becomes
/// of the others.
#[derive(Default)]
pub(crate) struct Round {
    done: usize,
    fault: Option<EngineError>,
}

impl Round {
    /// Counts what was done; a fault is logged, and kept if it is the first.
    pub(crate) fn took(&mut self, what: impl std::fmt::Display, outcome: Result<usize>) {
        match outcome {
            Ok(done) => self.done += done,
            Err(error) => {
                tracing::error!(%what, %error, "this could not be dealt with; the rest goes on");
                self.fault = self.fault.take().or(Some(error));
            }
        }
    }

    /// How many things were done; the first fault, where nothing was.
    pub(crate) fn end(self) -> Result<usize> {
        match self.fault {
            Some(fault) if self.done == 0 => Err(fault),
            _ => Ok(self.done),
        }
    }
}

/// Rows that could not be dealt with rest for a while: else they would stand before all others for
/// ever, as they have been due for longest. Not kept over a restart.
#[derive(Debug, Default)]
pub(crate) struct Resting(Mutex<BTreeMap<(&'static str, i64, i64), UtcMs>>);

impl Resting {
    /// How many rows of a kind to ask for, so that a whole batch of them does not rest.
    pub(crate) fn batch(&self, kind: &str, batch: i64, now: UtcMs) -> i64 {
        let mut rows = self.rows();
        rows.retain(|_, until| *until > now);
        let resting = rows.keys().filter(|(of, ..)| *of == kind).count();
        batch.saturating_add(i64::try_from(resting).unwrap_or(i64::MAX))
    }

    /// Whether a row rests.
    pub(crate) fn holds(&self, kind: &'static str, site: SiteId, id: i64) -> bool {
        self.rows().contains_key(&(kind, site.0, id))
    }

    /// Lets a row rest where `outcome` is a fault; `outcome` itself.
    pub(crate) fn after<T>(
        &self,
        (kind, site, id): (&'static str, SiteId, i64),
        outcome: Result<T>,
        now: UtcMs,
    ) -> Result<T> {
        if outcome.is_err() {
            self.rows().insert((kind, site.0, id), now.plus_ms(AFTER_FAULT_MS));
        }
        outcome
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<(&'static str, i64, i64), UtcMs>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ticks until told to stop, and counts beside it what takes longer. What was logged as a fault,
/// the next round tries again.
pub async fn run(engine: Engine, stop: CancellationToken) {
    tokio::join!(rounds(engine.clone(), stop.clone()), recounts::run(engine, stop));
}

async fn rounds(engine: Engine, stop: CancellationToken) {
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
            Err(_) => {
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(REST) => {}
                }
            }
        }
    }
}
