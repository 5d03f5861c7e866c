//! What operators see. One file a noun; the frame around each page comes from
//! [`CurrentOperator::frame`](crate::extract::operator::CurrentOperator::frame).

pub mod account;
pub mod audits;
pub mod contacts;
pub mod keys;
pub mod operators;
pub mod pages;
pub mod password;
pub mod settings;
pub mod setup;
pub mod sign_in;
pub mod site;
pub mod today;
