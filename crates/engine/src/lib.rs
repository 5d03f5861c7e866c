//! What Tundish does: every change and every job. The only crate that begins a write.
//!
//! Stories are verbs, one file each, and read top to bottom. A story is a free function over an
//! [`Engine`]; inside one transaction it changes rows, appends the events and makes the jobs it
//! causes, and they commit together. What leaves the machine leaves from a job.

pub mod audits;
pub mod backup;
pub mod caps;
mod ceiling;
mod clock;
pub mod confirmations;
pub mod consents;
pub mod contacts;
mod crash_points;
pub mod deliver;
mod engine;
pub mod enrolments;
mod fault;
pub mod files;
pub mod forms;
pub mod funnel;
pub mod guard;
pub mod installation;
pub mod jobs;
mod kept;
pub mod keys;
pub mod letter;
mod letters;
pub mod links;
pub mod magnets;
mod mails;
pub mod markdown;
pub mod messages;
pub mod operators;
pub mod opt_in;
pub mod pages;
mod passwords;
pub mod render;
mod rng;
pub mod second_step;
mod secrets;
pub mod sessions;
pub mod setup;
pub mod sign_in;
pub mod sites;
pub mod spends;
pub mod sweeps;
pub mod tags;
pub mod templates;
pub mod throttle;
pub mod touches;
pub mod transport;
pub mod verify;
pub mod views;
pub mod also_bought;
pub mod back_end;
pub mod carts;
pub mod catalogue;
pub mod checkout;
pub mod close;
pub mod coupons;
pub mod downloads;
mod fulfil;
mod gateway;
pub mod offers;
pub mod orders;
pub mod paths;
pub mod pay;
pub mod products;
pub mod referrals;
pub mod refund;
pub mod upsell;

pub use clock::Clock;
pub use engine::{Engine, Parts};
pub use fault::{EngineError, Result};
pub use rng::Rng;
pub use transport::{Sending, Transport};
