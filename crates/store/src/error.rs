//! What can go wrong between us and the database.

/// A fault of the store. Not found is never one: it is `Ok(None)`.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database refused or broke off.
    #[error("the database answered: {0}")]
    Driver(String),
    /// A row breaks a rule that the program relies on.
    #[error("a stored row cannot be read: column {column}: {found}")]
    Corrupt {
        /// Position of the column in the statement, from 0.
        column: usize,
        /// What stood there.
        found: String,
    },
    /// Too many writes are waiting, or another process holds the database; safe to repeat.
    #[error("the database is busy; please try again")]
    Busy,
    /// A unique key exists already.
    #[error("a row with this key exists already: {0}")]
    Duplicate(String),
    /// The database is of another version than this program.
    #[error("{0}")]
    Version(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{ConstraintViolation, DatabaseBusy, DatabaseLocked};
        const UNIQUE: i32 = rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE;
        const PRIMARY_KEY: i32 = rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY;
        let text = error.to_string();
        match error.sqlite_error() {
            Some(e) if matches!(e.code, DatabaseBusy | DatabaseLocked) => Self::Busy,
            Some(e)
                if e.code == ConstraintViolation
                    && matches!(e.extended_code, UNIQUE | PRIMARY_KEY) =>
            {
                Self::Duplicate(text)
            }
            _ => Self::Driver(text),
        }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;
        let code = error.code();
        let text = match error.as_db_error() {
            Some(e) => format!("{} ({})", e.message(), e.code().code()),
            None => error.to_string(),
        };
        if code == Some(&SqlState::UNIQUE_VIOLATION) {
            Self::Duplicate(text)
        } else if code == Some(&SqlState::T_R_DEADLOCK_DETECTED)
            || code == Some(&SqlState::LOCK_NOT_AVAILABLE)
        {
            Self::Busy
        } else {
            Self::Driver(text)
        }
    }
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        Self::Driver(error.to_string())
    }
}
