//! What a person must mend before Tundish can do what they asked.

use std::borrow::Cow;
use std::fmt;

/// A refusal: the person who asked can act on it. Anything else that goes wrong is a fault, and
/// the operator's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Stable word for machines, `snake_case` (`address_invalid`).
    pub code: &'static str,
    /// One sentence, lower case, that says what to do.
    pub message: String,
    /// The form field or JSON member it belongs to, if it belongs to one.
    pub field: Option<Cow<'static, str>>,
}

impl Refused {
    /// A refusal that belongs to no field.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None }
    }

    /// The same refusal, shown at `field`.
    #[must_use]
    pub fn at(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Refused {}
