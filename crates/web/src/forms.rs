//! A form that came back: what must be mended, at which field.

use axum::http::StatusCode;
use engine::EngineError;
use model::Refused;
use serde::Serialize;
use serde_json::Value;

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

/// What others saved meanwhile, where it differs from what was typed: a field in words, and their
/// text.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct Theirs(Vec<(String, String)>);

/// Members of a form that nobody types.
const UNTYPED: [&str; 3] = ["version", "revision", "step_id"];

impl Theirs {
    pub(crate) fn sample() -> Self {
        Self(vec![("name".to_owned(), "What the other one wrote".to_owned())])
    }

    fn of<F: Serialize>(mine: &F, now: &F) -> Self {
        let members = |form: &F| match serde_json::to_value(form) {
            Ok(Value::Object(members)) => members,
            _ => serde_json::Map::new(),
        };
        let mine = members(mine);
        let differs = |name: &String, text: &String| {
            !UNTYPED.contains(&name.as_str()) && mine.get(name).map(text_of).as_ref() != Some(text)
        };
        let now = members(now).into_iter().map(|(name, value)| (name, text_of(&value)));
        let now = now.filter(|(name, text)| differs(name, text));
        Self(now.map(|(name, text)| (name.replace('_', " "), text)).collect())
    }

    /// Says `choices` (value and label) by their labels.
    #[must_use]
    pub fn named(mut self, choices: &[(String, String)]) -> Self {
        for (_, text) in &mut self.0 {
            let lines = text.lines().map(|line| {
                choices.iter().find(|(value, _)| value == line).map_or(line, |(_, label)| label)
            });
            *text = lines.collect::<Vec<_>>().join("\n");
        }
        self
    }
}

/// A member of a form as people read it. Browsers send CRLF; what is stored knows LF alone.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace("\r\n", "\n"),
        Value::Array(parts) => parts.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A form that comes back: with what must be mended, or, where somebody else saved meanwhile, with
/// both texts.
#[derive(Debug)]
pub struct Again {
    /// 422, or 409 where somebody else saved.
    pub status: StatusCode,
    /// What to mend.
    pub errors: Vec<FieldError>,
    /// What stands there now.
    pub theirs: Theirs,
}

/// How a form comes back: `mine` as typed, `now` as it is stored. After 409 `renew` gives mine the
/// version of theirs, so that saving it again replaces that.
///
/// # Errors
/// The failure itself, where it is none a form can mend.
pub fn again<F: Serialize>(
    error: EngineError,
    mine: &mut F,
    now: Option<&F>,
    renew: impl FnOnce(&mut F, &F),
) -> Result<Again, WebError> {
    match (error, now) {
        (EngineError::Conflict(said), Some(now)) => {
            let (errors, theirs) = (vec![FieldError::new("", &said)], Theirs::of(mine, now));
            renew(mine, now);
            Ok(Again { status: StatusCode::CONFLICT, errors, theirs })
        }
        (error, _) => Ok(Again {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            errors: to_mend(error)?,
            theirs: Theirs::default(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_saved_is_told_where_it_differs() {
        #[derive(Serialize)]
        struct Form {
            name: String,
            pitch: &'static str,
            version: i64,
        }
        let mut mine = Form { name: "Mine".to_owned(), pitch: "a\r\nb", version: 1 };
        let now = Form { name: "Theirs".to_owned(), pitch: "a\nb", version: 2 };
        let renew = |mine: &mut Form, now: &Form| mine.version = now.version;
        let said = EngineError::Conflict("so".to_owned());
        let back = again(said, &mut mine, Some(&now), renew).unwrap();
        assert_eq!(mine.version, 2);
        assert_eq!(back.status, StatusCode::CONFLICT);
        assert_eq!(back.theirs.0, [("name".to_owned(), "Theirs".to_owned())]);
        assert!(again(EngineError::Fault("x".to_owned()), &mut mine, None, renew).is_err());
    }
}
