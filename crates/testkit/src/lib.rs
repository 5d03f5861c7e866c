//! Fakes, builders, an SMTP sink and a whole application for tests. Development only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test that cannot go on should stop where it stands"
)]

mod app;
pub mod asking;
pub mod browser;
pub mod data;
pub mod databases;
mod filling;
pub mod funnels;
pub mod kills;
mod mails;
pub mod process;
pub mod references;
mod shop;
pub mod simulation;
pub mod sink;

pub use app::{Answer, BROWSER, START, TestApp, site};
pub use mails::Mail;
pub use shop::{Bought, Shop, coupon, offer, product, usd};
