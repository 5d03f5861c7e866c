//! The nouns of Tundish and their rules. Pure: no input or output, no clock, no database.
//!
//! One file a noun, under the same name as in `store`, `engine` and `web`.

pub mod audits;
pub mod blocks;
pub mod bots;
pub mod channels;
pub mod clicks;
pub mod consents;
pub mod contacts;
pub mod coupons;
pub mod emails;
pub mod exports;
pub mod forms;
pub mod ids;
pub mod jobs;
pub mod keys;
pub mod magnets;
pub mod messages;
pub mod money;
pub mod names;
pub mod notes;
pub mod offers;
pub mod operators;
pub mod orders;
pub mod pages;
pub mod passwords;
pub mod payments;
pub mod products;
pub mod refused;
pub mod roads;
pub mod schedule;
pub mod scores;
pub mod segments;
pub mod sending;
pub mod sequence_runs;
pub mod sequences;
pub mod sites;
pub mod slugs;
pub mod sources;
pub mod spans;
pub mod spelling;
pub mod spends;
pub mod taxes;
pub mod times;
pub mod tokens;
pub mod triggers;
pub mod urls;
pub mod views;
mod words;
pub mod zones;

#[cfg(test)]
mod test_data;

pub use emails::EmailAddr;
pub use ids::SiteId;
pub use money::{Currency, Money, Rate};
pub use refused::Refused;
pub use slugs::Slug;
pub use times::UtcMs;
pub use zones::Zone;
