//! A form that came back: what must be mended, at which field.

use axum::http::StatusCode;
use engine::EngineError;
use model::Refused;
use serde::Serialize;

use crate::error::WebError;

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

/// What a form that came back must mend.
///
/// # Errors
/// The failure itself, where it is none a form can mend.
pub fn to_mend(error: EngineError) -> Result<Vec<FieldError>, WebError> {
    let errors = field_errors(&error);
    if errors.is_empty() { Err(error.into()) } else { Ok(errors) }
}

/// What a form must mend that others may have changed meanwhile: where they did, that stands at
/// `field` and the status is 409.
///
/// # Errors
/// The failure itself, where it is none a form can mend.
pub fn to_mend_or_merge(
    error: EngineError,
    field: &str,
) -> Result<(StatusCode, Vec<FieldError>), WebError> {
    match error {
        EngineError::Conflict(said) => {
            Ok((StatusCode::CONFLICT, vec![FieldError::new(field, &said)]))
        }
        error => Ok((StatusCode::UNPROCESSABLE_ENTITY, to_mend(error)?)),
    }
}
