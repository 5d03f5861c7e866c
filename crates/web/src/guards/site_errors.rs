//! What did not work is said in the look of the site it happened on: a visitor of a shop need not
//! know what runs it, and finds the way back to the shop. Where no site answers, and in the admin,
//! the plain card stands.

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use crate::error::{Failure, SiteErrorPage};
use crate::extract::site::CurrentSite;
use crate::public::frame::PublicSite;
use crate::state::AppState;
use crate::templates;

/// Draws a failure anew, as a page of the site.
pub async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let is_admin = parts.uri.path().starts_with("/admin");
    let site = match is_admin {
        true => None,
        false => CurrentSite::from_request_parts(&mut parts, &state).await.ok(),
    };
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let (Some(CurrentSite(site)), Some(failure)) =
        (site, response.extensions_mut().remove::<Failure>())
    else {
        return response;
    };
    let page = SiteErrorPage { site: PublicSite::from(&site), failure };
    let Ok(html) = templates::render("public/error.html", page) else { return response };
    let (parts, _) = response.into_parts();
    let mut drawn = (parts.status, Html(html)).into_response();
    for (name, value) in &parts.headers {
        if name != axum::http::header::CONTENT_LENGTH {
            drawn.headers_mut().insert(name, value.clone());
        }
    }
    drawn
}
