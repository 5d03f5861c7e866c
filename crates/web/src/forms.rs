//! A form that came back: what must be mended, at which field.

use engine::EngineError;
use model::Refused;
use serde::Serialize;

/// One thing to mend; what `forms.error_summary` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name; empty where it belongs to none.
    pub field: String,
    /// One sentence.
    pub message: String,
}

impl FieldError {
    /// Something to mend at `field`.
    pub fn new(field: &str, message: &str) -> Self {
        Self { field: field.to_owned(), message: message.to_owned() }
    }
}

impl From<&Refused> for FieldError {
    fn from(refused: &Refused) -> Self {
        Self::new(refused.field.as_deref().unwrap_or_default(), &refused.message)
    }
}

/// What a refusal asks to be mended; empty for any other failure.
pub fn field_errors(error: &EngineError) -> Vec<FieldError> {
    match error {
        EngineError::Refused(refused) => vec![refused.into()],
        EngineError::RefusedAll(all) => all.iter().map(FieldError::from).collect(),
        _ => Vec::new(),
    }
}
