//! What is measured, each against a control in the same run.

mod control;
mod disk;
mod load;
mod opt_ins;
mod serve;

use clap::Subcommand;

/// What to measure.
#[derive(Subcommand)]
pub enum What {
    /// Durable opt-ins over HTTP against a bare group-commit loop and one commit per request.
    OptIns {
        /// Seconds for each side.
        #[arg(long, default_value_t = 8)]
        seconds: u64,
        /// Delays added to every commit, in milliseconds: a slower disk, modelled.
        #[arg(long, value_delimiter = ',', default_value = "0,1,5")]
        delays_ms: Vec<u64>,
    },
}

/// Measures and prints.
pub fn run(what: &What) -> anyhow::Result<()> {
    match what {
        What::OptIns { seconds, delays_ms } => opt_ins::run(*seconds, delays_ms),
    }
}
