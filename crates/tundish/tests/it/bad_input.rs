//! Every row of the list of bad input, by its id.

mod addresses;
mod admin;
mod api;
mod audit_log;
mod checkout;
mod commands;
mod forms;
mod imports;
mod mails;
mod pages;
mod sequence_runs;
mod shown;
mod templates;
mod tenants;
mod unsubscribe;
mod wire;
