//! `tundish analyze`: the maths of the numbers pages on any CSV file, without a database.
//!
//! | want | go to |
//! |---|---|
//! | a file as rows: encodings, separators, gzip, standard input | `source` |
//! | which column is what | `columns` |
//! | days, amounts, currencies and answers as people write them | `dates`, `amounts`, `currencies`, `answers` |
//! | which way of writing a file has | `formats` |
//! | rows that are sales, how they stand, who bought | `sales`, `states`, `people`, `buyers`, `baskets`, `names` |
//! | rows that are left out, and what to know of the reading | `left_out` |
//! | touches and paths that lead to orders | `journeys` |
//! | the picture of an answer | `plot` |
//! | one question each | `ltv`, `rfm`, `cohorts`, `also_bought`, `attribution`, `roads`, `experiment`, `score` |

mod also_bought;
mod amounts;
mod answers;
mod attribution;
mod baskets;
mod buyers;
mod cohorts;
mod columns;
mod currencies;
mod dates;
mod experiment;
mod formats;
mod journeys;
mod left_out;
mod ltv;
mod names;
mod people;
pub mod plot;
mod rfm;
mod roads;
mod sales;
mod score;
mod source;
mod states;
pub mod words;

use crate::cli::AnalyzeCommand;
use crate::output::Output;

/// Answers a question about a file.
///
/// # Errors
/// The file cannot be read or holds nothing of the kind; one sentence with what to do.
pub fn run(output: Output, command: &AnalyzeCommand) -> anyhow::Result<()> {
    match command {
        AnalyzeCommand::Ltv(flags) => ltv::run(output, flags),
        AnalyzeCommand::Rfm(flags) => rfm::run(output, flags),
        AnalyzeCommand::Cohorts(flags) => cohorts::run(output, flags),
        AnalyzeCommand::AlsoBought(flags) => also_bought::run(output, flags),
        AnalyzeCommand::Attribution(flags) => attribution::run(output, flags),
        AnalyzeCommand::Roads(flags) => roads::run(output, flags),
        AnalyzeCommand::Experiment(flags) => experiment::run(output, flags),
        AnalyzeCommand::Score(flags) => score::run(output, flags),
    }
}
