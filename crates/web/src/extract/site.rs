//! Which site a request is for: by the exact host name, port ignored. Nothing else a client sends
//! (`X-Forwarded-Host`, an absolute request line) is believed.

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use model::sites::Site;

use crate::error::WebError;
use crate::state::AppState;

/// The site the request is for.
#[derive(Debug, Clone)]
pub struct CurrentSite(pub Site);

impl FromRequestParts<AppState> for CurrentSite {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, WebError> {
        let host = parts
            .headers
            .get(HOST)
            .and_then(|value| value.to_str().ok())
            .map(|value| without_port(value).to_ascii_lowercase())
            .ok_or(WebError::WrongHost)?;
        let site = engine::sites::by_host(&state.engine, &host).await?;
        site.map(|site| CurrentSite(Site::clone(&site))).ok_or(WebError::WrongHost)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}
