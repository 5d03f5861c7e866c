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
    /// Who came when, and how many of them came back
    Cohorts(Cohorts),
    /// What is bought together
    AlsoBought(AlsoBought),
    /// How much of the orders each channel is given credit for, by seven models
    Attribution(Attribution),
    /// By which roads orders came
    Roads(Roads),
    /// Which version wins, and whether that is known yet
    Experiment(Experiment),
    /// Who will buy: learned from a table of cases, judged on those held out
    Score(Score),
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
    /// Whether 3/4/2026 is a day in April or in March (default: as other dates in the file tell)
    #[arg(long, value_name = "dmy|mdy")]
    pub dates: Option<String>,
    /// Which mark stands before the fraction (default: as the figures in the file tell)
    #[arg(long, value_name = "point|comma")]
    pub decimal: Option<String>,
}

/// Where the picture goes.
#[derive(Debug, Args)]
pub struct Picture {
    /// Draw the answer into a file
    #[arg(long, value_name = "OUT.svg")]
    pub plot: Option<PathBuf>,
}

/// `tundish analyze ltv`.
#[derive(Debug, Args)]
pub struct Ltv {
    /// The file
    #[command(flatten)]
    pub table: TableFile,
    /// The picture
    #[command(flatten)]
    pub picture: Picture,
    /// The last day that is known (default: the last day in the file)
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// How far ahead purchases are forecast, 5200 at most
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
    /// The picture
    #[command(flatten)]
    pub picture: Picture,
    /// The day recency is counted to (default: the last day in the file)
    #[arg(long, value_name = "DATE")]
    pub at: Option<String>,
    /// Who has the quantile itself is in the bin below, as R's rfm has it, or above
    #[arg(long, value_name = "below|above", default_value = "below")]
    pub ties: String,
}

/// `tundish analyze cohorts`.
#[derive(Debug, Args)]
pub struct Cohorts {
    /// The file
    #[command(flatten)]
    pub table: TableFile,
    /// The picture
    #[command(flatten)]
    pub picture: Picture,
    /// How long a period is
    #[arg(long, value_name = "month|week", default_value = "month")]
    pub by: String,
}

/// `tundish analyze also-bought`.
#[derive(Debug, Args)]
pub struct AlsoBought {
    /// The file
    #[command(flatten)]
    pub table: TableFile,
    /// The picture
    #[command(flatten)]
    pub picture: Picture,
    /// By what partners are put in order
    #[arg(long, value_name = "llr|cosine|lift|jaccard", default_value = "llr")]
    pub measure: String,
    /// Partners of each product
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub top: usize,
    /// Baskets two products must share to count
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub min_together: u64,
}

/// `tundish analyze attribution`.
#[derive(Debug, Args)]
pub struct Attribution {
    /// The file
    #[command(flatten)]
    pub table: TableFile,
    /// The picture
    #[command(flatten)]
    pub picture: Picture,
    /// How many touches back the Markov chain remembers
    #[arg(long, value_name = "K", default_value = "1")]
    pub order: std::num::NonZeroUsize,
    /// In how many days a touch loses half its weight, where touches have times
    #[arg(long, value_name = "DAYS", default_value_t = 7.0)]
    pub half_life_days: f64,
    /// What stands between the channels of a path
    #[arg(long, value_name = "MARK", default_value = ">")]
    pub separator: String,
}

/// `tundish analyze roads`.
#[derive(Debug, Args)]
pub struct Roads {
    /// The file
    #[command(flatten)]
    pub table: TableFile,
    /// The picture
    #[command(flatten)]
    pub picture: Picture,
    /// Paths that are listed
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// A channel twice in a row is one step
    #[arg(long)]
    pub collapse: bool,
    /// What stands between the channels of a path
    #[arg(long, value_name = "MARK", default_value = ">")]
    pub separator: String,
}

/// `tundish analyze experiment`.
#[derive(Debug, Args)]
pub struct Experiment {
    /// The picture
    #[command(flatten)]
    pub picture: Picture,
    /// A CSV file with a row for each visitor
    #[arg(value_name = "FILE", required_unless_present = "counts")]
    pub file: Option<PathBuf>,
    /// Which column is what: variant=Group,converted=Bought,revenue=Paid
    #[arg(long, value_name = "WHAT=COLUMN,…")]
    pub map: Vec<String>,
    /// Visitors and conversions of each version, the control first: a=1000:100,b=1000:130
    #[arg(long, value_name = "NAME=N:CONVERSIONS,…", conflicts_with = "file")]
    pub counts: Option<String>,
    /// Which mark stands before the fraction (default: as the figures in the file tell)
    #[arg(long, value_name = "point|comma")]
    pub decimal: Option<String>,
    /// Which version is the control (default: the first)
    #[arg(long, value_name = "NAME")]
    pub control: Option<String>,
    /// In what shares visitors were sent to the versions: a=9,b=1 (default: even)
    #[arg(long, value_name = "NAME=SHARE,…")]
    pub split: Option<String>,
}

/// `tundish analyze score`.
#[derive(Debug, Args)]
pub struct Score {
    /// The picture
    #[command(flatten)]
    pub picture: Picture,
    /// The file, a row for each case
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The column that says what came of it
    #[arg(long, value_name = "COLUMN")]
    pub target: Option<String>,
    /// Which column is what: target=Bought; those of people and orders are no facts to learn from
    #[arg(long, value_name = "WHAT=COLUMN,…")]
    pub map: Vec<String>,
    /// Which mark stands before the fraction (default: as the figures of each column tell)
    #[arg(long, value_name = "point|comma")]
    pub decimal: Option<String>,
    /// Its value that is hoped for
    #[arg(long, value_name = "VALUE")]
    pub positive: String,
    /// Columns that are left out: what is known only afterwards
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub exclude: Vec<String>,
}
