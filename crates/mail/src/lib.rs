//! Composes, signs and sends mail, and understands what servers answer.
//!
//! Knows `model` and nothing else of the house: no database, no clock (instants come in as
//! [`model::UtcMs`]), no engine. What it gives back are outcomes, not errors: see [`Outcome`].
//!
//! | want | go to |
//! |---|---|
//! | the bytes of a mail | [`compose::compose`] |
//! | a DKIM key, its DNS record, a signature | [`dkim`] |
//! | send over SMTP, with a step just before the final dot | [`smtp::Connection`] |
//! | what an SMTP answer means | [`classify::classify`] |
//! | mail into files or memory instead | [`transport`] |

pub mod classify;
pub mod compose;
pub mod dkim;
pub mod mailbox;
pub mod outcome;
pub mod reply;
pub mod smtp;
pub mod transport;

pub use classify::Class;
pub use compose::{Letter, compose, compose_signed};
pub use mailbox::Mailbox;
pub use outcome::{Blame, Failure, Outcome, Stage};
pub use reply::Reply;
