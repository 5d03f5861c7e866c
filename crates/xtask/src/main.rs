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
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().chore {
        Chore::Bench { what } => bench::run(&what),
    }
}
