//! Chores of the people who build Tundish: `cargo xtask help`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a chore prints, asks the clock, and stops where it stands when something is wrong"
)]

mod bench;
mod kill;
mod references;
mod release;
mod simulate;

use clap::{Parser, Subcommand};

/// Chores of the people who build Tundish.
#[derive(Parser)]
#[command(name = "xtask", about)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Measures Tundish against others in one run; see bench/README.md.
    Bench {
        #[command(subcommand)]
        what: bench::What,
    },
    /// Kills the release program again and again and counts what came of it.
    Kill {
        #[command(subcommand)]
        what: kill::What,
    },
    /// Prints published results of the field beside what Tundish says of the same files.
    References,
    /// Lets shops live for weeks under a fake clock, with crashes between any two writes.
    Simulate {
        /// How many shops.
        #[arg(long, default_value_t = 1_000)]
        seeds: u64,
        /// The first seed: one alone repeats a failure.
        #[arg(long, default_value_t = 0)]
        first: u64,
        /// Days each of them lives.
        #[arg(long, default_value_t = 60)]
        days: i64,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().chore {
        Chore::Bench { what } => bench::run(&what),
        Chore::Kill { what } => kill::run(&what),
        Chore::References => references::run(),
        Chore::Simulate { seeds, first, days } => simulate::run(first, seeds, days),
    }
}
