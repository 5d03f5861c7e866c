//! Which site a request is for: by the exact host name, port ignored. Nothing else a client sends
//! (`X-Forwarded-Host`, an absolute request line) is believed. At the host of the admin, it is the
//! site its operator has in view.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::http::request::Parts;
use model::sites::Site;

use crate::error::WebError;
use crate::extract::operator;
use crate::state::AppState;

/// The site the request is for.
#[derive(Debug, Clone)]
pub struct CurrentSite(pub Arc<Site>);

impl FromRequestParts<AppState> for CurrentSite {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, WebError> {
        let host = asked_host(&parts.headers).ok_or(WebError::WrongHost)?;
        if state.settings.admin_host.as_ref() == Some(&host) {
            let site = operator::site_in_view(parts, state).await?;
            return site.map(Arc::new).map(CurrentSite).ok_or(WebError::WrongHost);
        }
        let site = engine::sites::by_host(&state.engine, &host).await?;
        site.map(CurrentSite).ok_or(WebError::WrongHost)
    }
}

/// The host a request names, in small letters and without its port.
pub fn asked_host(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(HOST)?.to_str().ok()?;
    Some(without_port(text).to_ascii_lowercase())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}
