//! The one integration binary: the real router, a real database, a clock that stands still.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::string_slice,
    clippy::too_many_lines,
    clippy::zombie_processes,
    reason = "a test that cannot go on should stop where it stands; a story is read in one piece"
)]

mod audits;
mod background;
mod bad_input;
mod browser;
mod cli;
mod contacts;
mod delivery;
mod follow_up;
mod health;
mod kills;
mod numbers;
mod pages;
mod people;
mod rotation;
mod schema;
mod shop;
mod sign_in;
mod simulation;
mod statements;
mod store;
mod tidy;
