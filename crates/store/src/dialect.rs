//! The few statements that must differ between SQLite and PostgreSQL. Budget: ten.

/// One statement in both dialects.
#[derive(Debug, Clone, Copy)]
pub struct Both {
    /// For SQLite.
    pub sqlite: &'static str,
    /// For PostgreSQL.
    pub postgres: &'static str,
}

/// The database's own clock in UTC milliseconds: for leases only, since nodes' clocks differ. On
/// SQLite there is one process, whose clock is a parameter.
pub const DB_NOW: &str =
    "select cast(floor(extract(epoch from clock_timestamp()) * 1000) as bigint)";

/// The text of a migration as `sqlite` wants it: small tables without a second tree.
pub fn ddl_for_sqlite(text: &str) -> String {
    text.replace("/* sqlite: without rowid */", "without rowid")
}
