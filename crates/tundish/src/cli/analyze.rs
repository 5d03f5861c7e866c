//! `tundish analyze …`: its questions and their flags.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What is asked of a file.
#[derive(Debug, Subcommand)]
pub enum AnalyzeCommand {
    /// What customers will still buy, and what that is worth now
    Ltv(Ltv),
    /// Who bought recently, often and for much: scores from 1 to 5
    Rfm(Rfm),
}

/// The file and its columns.
#[derive(Debug, Args)]
pub struct TableFile {
    /// A CSV file of any separator and encoding, packed with gzip or not; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Which column is what, where it is not guessed: customer=Email,date=Paid at,amount=Total
    #[arg(long, value_name = "WHAT=COLUMN,…")]
    pub map: Vec<String>,
}

/// `tundish analyze ltv`.
#[derive(Debug, Args)]
pub struct Ltv {
    /// The file
    #[command(flatten)]
    pub table: TableFile,
    /// The last day that is known (default: the last day in the file)
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// How far ahead purchases are forecast
    #[arg(long, value_name = "WEEKS", default_value_t = 52.0)]
    pub horizon_weeks: f64,
    /// What money loses in a year, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 15.0)]
    pub discount: f64,
    /// A line for every customer
    #[arg(long)]
    pub per_customer: bool,
}

/// `tundish analyze rfm`.
#[derive(Debug, Args)]
pub struct Rfm {
    /// The file
    #[command(flatten)]
    pub table: TableFile,
    /// The day recency is counted to (default: the last day in the file)
    #[arg(long, value_name = "DATE")]
    pub at: Option<String>,
    /// Who has the quantile itself is in the bin below, as R's rfm has it, or above
    #[arg(long, value_name = "below|above", default_value = "below")]
    pub ties: String,
}
