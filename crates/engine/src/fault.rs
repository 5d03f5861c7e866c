//! The two kinds of failure, told apart by type: a person must act, or the operator must.

use model::Refused;
use store::StoreError;

/// What a story answers.
pub type Result<T> = std::result::Result<T, EngineError>;

/// Why a story did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The person who asked must act.
    #[error("{0}")]
    Refused(#[from] Refused),
    /// Several fields must be mended at once.
    #[error("{}", all(.0))]
    RefusedAll(Vec<Refused>),
    /// There is no such thing.
    #[error("there is no {noun} {id}")]
    Missing {
        /// Which kind of thing.
        noun: &'static str,
        /// The id or slug that was asked for.
        id: String,
    },
    /// It was changed by somebody else meanwhile.
    #[error("{0}")]
    Conflict(String),
    /// The operator must act; the person may try again.
    #[error("{0}")]
    Fault(String),
}

impl EngineError {
    /// There is no `noun` called `id`.
    pub fn missing(noun: &'static str, id: impl ToString) -> Self {
        Self::Missing { noun, id: id.to_string() }
    }

    /// Whether the operator must act.
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::Fault(_))
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.to_string())
    }
}

fn all(refusals: &[Refused]) -> String {
    let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    lines.join("; ")
}
