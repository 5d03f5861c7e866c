//! `tundish simulate`: its flags.

use std::path::PathBuf;

use clap::Args;

use super::Picture;

/// `tundish simulate`.
#[derive(Debug, Args)]
pub struct Simulate {
    /// A funnel as a TOML file; without one, the sample is taken
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Print the sample, to begin a file of your own
    #[arg(long, conflicts_with_all = ["file", "set", "plot"])]
    pub sample: bool,
    /// What if: visitors=8000, "first order.price=29"; the answer stands beside the one without
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// How often the funnel is drawn
    #[arg(long, value_name = "N", default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub draws: u32,
    /// Where chance begins: the same number gives the same answer
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The picture
    #[command(flatten)]
    pub picture: Picture,
}
