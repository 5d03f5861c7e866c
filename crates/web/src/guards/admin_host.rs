//! Where the admin has a host of its own, it answers there alone, and nothing else does: what a
//! shop's pages run in a browser never shares an origin with those who run the shop.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};

use crate::error::WebError;
use crate::extract::site::asked_host;
use crate::reply;
use crate::state::AppState;

/// What the pages of the admin need besides themselves, and what looks after the process.
const BESIDE: [&str; 5] = ["/assets/", "/media/", "/health", "/ready", "/metrics"];

/// Keeps the admin and the sites apart: the answer where a request crosses over.
pub fn refusal(state: &AppState, request: &Request) -> Option<Response> {
    let admin_host = state.settings.admin_host.as_ref()?;
    let path = request.uri().path();
    let is_admin = path == "/admin" || path.starts_with("/admin/");
    let at_home = asked_host(request.headers()).as_ref() == Some(admin_host);
    match (at_home, is_admin) {
        (true, true) | (false, false) => None,
        (false, true) => Some(WebError::NotFound.into_response()),
        (true, false) if path == "/" => Some(reply::to("/admin")),
        (true, false) if path == "/robots.txt" => {
            Some("User-agent: *\nDisallow: /\n".into_response())
        }
        (true, false) if BESIDE.iter().any(|start| path.starts_with(start)) => None,
        (true, false) => Some(WebError::WrongHost.into_response()),
    }
}
