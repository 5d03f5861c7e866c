//! Requests that change something must come from our own pages: in the admin and at checkout,
//! where a browser acts with its own cookie. By `Sec-Fetch-Site` where the browser says it, else by
//! `Origin`; a request that says neither is refused (settled question 35).

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::error::WebError;

/// Where a browser's own cookie is the authority.
const GUARDED: [&str; 4] = ["/admin", "/buy", "/cart", "/order"];

/// Refuses a guarded change from elsewhere.
pub fn refusal(request: &Request) -> Option<Response> {
    let path = request.uri().path();
    let guarded = GUARDED.iter().any(|prefix| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !guarded || reads || is_same_origin(request.headers()) {
        return None;
    }
    let why = "this was not sent from one of our own pages: open the page here and try again";
    Some(WebError::Bad(StatusCode::FORBIDDEN, why).into_response())
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        // `none`: the person themselves (an address typed in), never a page.
        Some(site) => site == "same-origin" || site == "none",
        None => match (text(header::ORIGIN.as_str()), text(header::HOST.as_str())) {
            (Some(origin), Some(host)) => {
                origin.split_once("://").is_some_and(|(_, named)| named.eq_ignore_ascii_case(host))
            }
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        is_same_origin(&headers)
    }

    #[test]
    fn only_our_own_pages_may_change_something() {
        let host = ("host", "shop.example:8095");
        assert!(asked(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(asked(&[host, ("origin", "http://shop.example:8095")]));
        assert!(!asked(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(!asked(&[host, ("sec-fetch-site", "same-site")]));
        // The browser's own word is final, whatever the origin claims.
        assert!(!asked(&[
            host,
            ("sec-fetch-site", "cross-site"),
            ("origin", "http://shop.example:8095")
        ]));
        assert!(!asked(&[host, ("origin", "null")]));
        assert!(!asked(&[host, ("origin", "http://evil.example")]));
        assert!(!asked(&[host]));
    }
}
