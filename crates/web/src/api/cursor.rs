//! Lists in pages: how many, and where the next one begins. A cursor is signed, so that it means
//! what we said and nothing else.

use std::str::FromStr;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::Engine;
use model::tokens::Purpose;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;

/// Items where nothing is said.
const LIMIT: i64 = 50;
/// Most items of a page; more is asked for page by page.
pub const LIMIT_MAX: i64 = 200;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listed<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

/// Which part of a list by age, of those in one state alone where it is said.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// How many, at most 200.
    #[serde(default, deserialize_with = "number")]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Only in this state.
    #[serde(rename = "filter[state]")]
    pub state: Option<String>,
}

/// How many are asked for: between 1 and [`LIMIT_MAX`], whatever is said.
pub fn limit(asked: Option<i64>) -> Result<i64, Problem> {
    match asked {
        None => Ok(LIMIT),
        Some(limit) if limit >= 1 => Ok(limit.min(LIMIT_MAX)),
        Some(_) => {
            let status = StatusCode::BAD_REQUEST;
            Err(Problem::at(status, "limit", "limit_invalid", "ask for at least one"))
        }
    }
}

/// A number in a query; one that is too large for us is simply the largest.
pub fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let text: Option<String> = Option::deserialize(from)?;
    let Some(text) = text else { return Ok(None) };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) if digits => Ok(Some(i64::MAX)),
        Err(_) => Err(serde::de::Error::custom("write a whole number")),
    }
}

/// A cursor of the list `noun` that stands at `place`.
pub fn make(engine: &Engine, noun: &str, place: &str) -> String {
    let code = URL_SAFE_NO_PAD.encode(format!("{noun}:{place}"));
    engine.keys().sign_code(Purpose::Cursor, &code)
}

/// Where a cursor of the list `noun` stands.
///
/// # Errors
/// It was altered, or is of another list.
pub fn open(engine: &Engine, noun: &str, cursor: &str) -> Result<String, Problem> {
    let code = engine.keys().open_code(Purpose::Cursor, cursor).ok_or_else(invalid)?;
    let bytes = URL_SAFE_NO_PAD.decode(code).map_err(|_| invalid())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    let place = text.strip_prefix(noun).and_then(|rest| rest.strip_prefix(':'));
    place.map(str::to_owned).ok_or_else(invalid)
}

/// Where a list by age begins: from before the cursor, or at its top.
pub fn before<T: FromStr>(
    engine: &Engine,
    noun: &str,
    cursor: Option<&str>,
    top: T,
) -> Result<T, Problem> {
    let Some(cursor) = cursor else { return Ok(top) };
    open(engine, noun, cursor)?.parse().map_err(|_| invalid())
}

/// A cursor that was altered, or is of another list.
pub fn invalid() -> Problem {
    let say = "take the cursor as it came, from the same list";
    Problem::at(StatusCode::BAD_REQUEST, "cursor", "cursor_invalid", say)
}

/// A page of what was found, where one more than `limit` was looked for.
pub fn page<R, T>(
    engine: &Engine,
    noun: &str,
    mut found: Vec<R>,
    limit: i64,
    place: impl Fn(&R) -> String,
    view: impl Fn(R) -> T,
) -> Listed<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| make(engine, noun, &place(last)));
    Listed { items: found.into_iter().map(view).collect(), next_cursor: next }
}

/// An id in an address; one of another kind names nothing.
///
/// # Errors
/// It is not an id of this kind.
pub fn id<T: FromStr>(text: &str, noun: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found(noun))
}
