//! The shape of an address, before anything looks at what it names: short, UTF-8, without control
//! characters and without a way up.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::error::WebError;

/// Longest path: every address of ours is far shorter, tokens included.
const PATH_MAX: usize = 2_000;
/// Longest query: a campaign's parameters with room to spare.
const QUERY_MAX: usize = 8_000;

/// Refuses what no page of ours ever links to.
pub fn refusal(request: &Request) -> Option<Response> {
    let uri = request.uri();
    let too_long = uri.path().len() > PATH_MAX || uri.query().is_some_and(|q| q.len() > QUERY_MAX);
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let (status, why) = if too_long {
        (StatusCode::URI_TOO_LONG, "this address is too long to be one of ours")
    } else if !is_plain(uri.path()) || uri.query().is_some_and(has_nul) {
        (StatusCode::BAD_REQUEST, "this address is not well formed")
    } else if !known.contains(&request.method().as_str()) {
        (StatusCode::METHOD_NOT_ALLOWED, "this is not asked that way")
    } else {
        return None;
    };
    Some(WebError::Bad(status, why).into_response())
}

/// A character that no word of ours has, and that PostgreSQL keeps nowhere.
fn has_nul(query: &str) -> bool {
    query.contains("%00")
}

/// Whether the decoded path is UTF-8 without control characters, backslashes or `..`.
fn is_plain(path: &str) -> bool {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else {
            return false;
        };
        decoded.push(u8::try_from(high * 16 + low).unwrap_or(0));
    }
    let Ok(text) = std::str::from_utf8(&decoded) else { return false };
    !text.chars().any(|c| c.is_control() || c == '\\') && !text.split('/').any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_with_a_character_that_is_none_is_refused() {
        let asked =
            |uri: &str| Request::builder().uri(uri).body(axum::body::Body::empty()).unwrap();
        assert!(refusal(&asked("/p/a?utm_source=x%00")).is_some());
        assert!(refusal(&asked("/p/a?utm_source=x%0a%200")).is_none());
    }

    #[test]
    fn p01_a_path_that_climbs_or_hides_is_refused() {
        for path in [
            "/p/..%2f..%2fetc",
            "/p/../x",
            "/p/%00",
            "/p/%c0%ae",
            "/p/a%0d%0ab",
            "/p/%zz",
            "/p/%5c",
            "/p/a%",
        ] {
            assert!(!is_plain(path), "{path}");
        }
        for path in ["/", "/p/gr%C3%BC%C3%9Fe", "/u/abc-_x", "/a/..b"] {
            assert!(is_plain(path), "{path}");
        }
    }
}
