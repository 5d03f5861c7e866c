//! What operators see. One file a noun; the frame around each page comes from
//! [`CurrentOperator::frame`](crate::extract::operator::CurrentOperator::frame).

pub mod account;
pub mod also_bought;
pub mod audits;
pub mod catalogue;
pub mod channel_rules;
pub mod contacts;
pub mod coupons;
pub mod forms;
pub mod imports;
pub mod keys;
pub mod left_out;
pub mod magnets;
pub mod messages;
pub mod numbers;
pub mod offers;
pub mod operators;
pub mod orders;
pub mod pages;
pub mod password;
pub mod paths;
pub mod products;
pub mod referrals;
pub mod scores;
pub mod segments;
pub mod sending;
pub mod sequences;
pub mod settings;
pub mod setup;
pub mod sign_in;
pub mod site;
pub mod sources;
pub mod templates;
pub mod today;
pub mod topics;
pub mod view_origins;
