//! Rows in, nouns out, on both databases from one body.

mod jobs;
mod messages;
mod people;
mod sequence_runs;
mod tls;
mod touches;
