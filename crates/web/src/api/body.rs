//! Bodies: JSON, read strictly. What we do not know is refused, with the place of the mistake.

use std::collections::BTreeMap;
use std::fmt;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::problem::Problem;

/// Reads a body.
///
/// # Errors
/// 415 where it is not JSON, 400 where it cannot be read, 422 where it says what we do not know.
pub fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let say = "send the body as application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", say));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = pointer(error.path());
        let inner = error.into_inner();
        let (status, code) = if inner.is_data() {
            (StatusCode::UNPROCESSABLE_ENTITY, "body_invalid")
        } else {
            (StatusCode::BAD_REQUEST, "body_unreadable")
        };
        Problem::at(status, &field, code, inner.to_string())
    })?;
    reader.end().map_err(|error| {
        Problem::at(StatusCode::BAD_REQUEST, "", "body_unreadable", error.to_string())
    })?;
    Ok(read)
}

/// The place of a mistake as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let part = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => String::new(),
    };
    path.iter().map(part).collect()
}

/// A member that may be absent (stays as it is) or null (is cleared).
pub fn nullable<'de, D, T>(from: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(from).map(Some)
}

/// An object of texts in which no member stands twice; null clears a member.
pub fn texts<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<String, Option<String>>, D::Error> {
    struct Texts;
    impl<'de> Visitor<'de> for Texts {
        type Value = BTreeMap<String, Option<String>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of texts")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut texts = BTreeMap::new();
            while let Some((name, text)) = map.next_entry::<String, Option<String>>()? {
                if texts.insert(name.clone(), text).is_some() {
                    return Err(serde::de::Error::custom(format!("`{name}` stands here twice")));
                }
            }
            Ok(texts)
        }
    }
    from.deserialize_map(Texts)
}
