//! Rows in, nouns out, on both databases from one body.

mod jobs;
mod people;
mod sequence_runs;
mod tls;
