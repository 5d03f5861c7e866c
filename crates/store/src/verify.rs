//! What must always hold, as queries that find the rows where it does not.
//!
//! Each query gives `site_id, subject, what was found` for a row that breaks the promise, and
//! nothing where all is well. A noun's checks stand in its own file.

use model::SiteId;

use crate::{Result, Session};

pub mod mail;
pub mod money;
pub mod numbers;
pub mod people;
pub mod roads;

/// One promise and the query that looks for where it is broken.
#[derive(Debug)]
pub struct Check {
    /// In short: `one_send_per_cause`.
    pub name: &'static str,
    /// What should hold, as a sentence.
    pub promise: &'static str,
    /// Gives `site_id bigint, subject bigint, found text`, at most a hundred rows.
    pub sql: &'static str,
}

/// Every check, by noun.
pub const CHECKS: &[&[Check]] =
    &[mail::CHECKS, money::CHECKS, numbers::CHECKS, people::CHECKS, roads::CHECKS];

/// The rows where a promise is broken.
pub async fn run(
    session: &mut Session<'_>,
    check: &'static Check,
) -> Result<Vec<(SiteId, i64, String)>> {
    session.query(check.sql).all().await
}
