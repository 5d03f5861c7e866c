//! `GET /l/{token}`: a tracked link of a mail. Redirects, and notes that it was asked for.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, LOCATION, USER_AGENT};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use engine::clicks::Seen;
use model::clicks::says_prefetch;

use crate::error::WebError;
use crate::extract::asker::Asker;
use crate::extract::site::CurrentSite;
use crate::state::AppState;

/// Redirects to where the link leads. No address is ever taken from the request (L1).
pub async fn show(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
    method: Method,
    asker: Asker,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let seen = Seen {
        method: method.to_string(),
        user_agent: text(&headers, USER_AGENT.as_str()),
        prefetch: headers
            .iter()
            .any(|(name, value)| says_prefetch(name.as_str(), value.to_str().unwrap_or_default())),
        visitor: asker.visitor(),
    };
    let target = engine::clicks::follow(&state.engine, &site, &token, seen).await?;
    let answer = [(LOCATION, target), (CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::FOUND, answer).into_response())
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
