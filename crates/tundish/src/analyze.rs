//! `tundish analyze`: the maths of the numbers pages on any CSV file, without a database.
//!
//! | want | go to |
//! |---|---|
//! | a file as rows: encodings, separators, gzip, standard input | `source` |
//! | which column is what | `columns` |
//! | days and amounts as people write them | `dates`, `amounts` |
//! | rows that are sales, those that are left out, who bought | `sales`, `buyers` |
//! | one question each | `ltv`, `rfm` |

mod amounts;
mod buyers;
mod columns;
mod dates;
mod ltv;
mod rfm;
mod sales;
mod source;
mod words;

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
    }
}
