//! What is counted anew beside everything else, since it may take seconds: fits, segments,
//! and both sums of the reconciliation. Not
//! in the rounds of the scheduler: no mail waits behind a model.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::fault::Result;
use crate::sweeps::Round;
use crate::{balances, fits, rollups, segments};

/// How long it rests in between: a segment that was just kept is counted soon.
const REST: Duration = Duration::from_secs(3);
/// Fits change with the day: they are looked at once in so many rounds.
const ROUNDS_A_LOOK: u32 = 20;

/// Does everything that is due; how many things were counted.
///
/// # Errors
/// The first fault, where nothing at all was done.
pub async fn run_due(engine: &Engine) -> Result<usize> {
    let mut round = Round::default();
    round.took("fits", due_fits(engine).await);
    round.took("segments", segments::count_due(engine).await);
    round.took("reconciliation", balances::count_due(engine).await);
    round.end()
}

async fn due_fits(engine: &Engine) -> Result<usize> {
    let mut round = Round::default();
    for site in rollups::sites(engine).await? {
        let done = fits::refresh(engine, &site).await;
        round.took(format_args!("the fits of site {}", site.slug), done);
    }
    round.end()
}

/// The same again and again until told to stop. What failed was logged, and is tried again.
pub(crate) async fn run(engine: Engine, stop: CancellationToken) {
    for round in 0_u32.. {
        let mut done = Round::default();
        if !engine.is_quiet() {
            if round % ROUNDS_A_LOOK == 0 {
                done.took("fits", due_fits(&engine).await);
            }
            done.took("segments", segments::count_due(&engine).await);
            done.took("reconciliation", balances::count_due(&engine).await);
        }
        drop(done.end());
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(REST) => {}
        }
    }
}
