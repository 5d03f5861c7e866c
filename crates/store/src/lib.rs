//! Rows in, nouns out. The only SQL of the house, and the only place that knows SQLite and
//! PostgreSQL.
//!
//! One file a noun. Reads take a [`Session`], changes take a [`Tx`]; a `Tx` is a `Session` too.
//! Statements are constants, prepared on both databases by a test.

mod db;
mod dialect;
mod error;
mod migrate;
mod postgres;
mod sqlite;
pub mod statistics;
mod value;
pub mod views;

pub mod acts;
pub mod audits;
pub mod balances;
pub mod carts;
pub mod channel_rules;
pub mod clicks;
pub mod cohort_cells;
pub mod confirmations;
pub mod consents;
pub mod contact_lists;
pub mod contacts;
pub mod coupons;
pub mod customer_figures;
pub mod customer_sums;
pub mod enrolments;
pub mod entitlements;
pub mod events;
pub mod files;
pub mod fits;
pub mod form_days;
pub mod forms;
pub mod import_changes;
pub mod imports;
pub mod invoices;
pub mod jobs;
pub mod journeys;
pub mod keys;
pub mod learned_scores;
pub mod ledger_lines;
pub mod left_out;
pub mod link_days;
pub mod magnets;
pub mod margins;
pub mod messages;
pub mod meta;
pub mod nodes;
pub mod offers;
pub mod operator_links;
pub mod operators;
pub mod order_figures;
pub mod order_lines;
pub mod order_offers;
pub mod order_sums;
pub mod orders;
pub mod pages;
pub mod paths;
pub mod payments;
pub mod product_pairs;
pub mod products;
pub mod reconciliation;
pub mod referrals;
pub mod refunds;
pub mod revenue;
pub mod road_sums;
pub mod scores;
pub mod segment_stages;
pub mod segment_sums;
pub mod segments;
pub mod sequence_runs;
pub mod sequences;
pub mod sessions;
pub mod short_links;
pub mod sites;
pub mod spends;
pub mod stages;
pub mod suppressions;
pub mod tags;
pub mod templates;
pub mod test_charges;
pub mod testing;
pub mod today;
pub mod topics;
pub mod touches;
pub mod value_cells;
pub mod verify;
pub mod visits;

pub use db::{Db, Durability, Options, Query, Reader, Schema, Session, Story, Tx};
pub use dialect::Both;
pub use error::StoreError;
pub use value::{Column, FromRow, Json, Row, Value};

/// What a store function answers.
pub type Result<T> = std::result::Result<T, StoreError>;
