//! What did not work is said in the look of the site it happened on: a visitor of a shop need not
//! know what runs it, and finds the way back to the shop. Where no site answers, and in the admin,
//! the plain card stands.

use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::response::{Html, IntoResponse, Response};

use crate::error::{Failure, SiteErrorPage};
use crate::extract::site::asked_host;
use crate::public::frame::PublicSite;
use crate::state::AppState;
use crate::templates;

/// The host whose site says what did not work; none in the admin.
pub fn host(request: &Request) -> Option<String> {
    let is_admin = request.uri().path().starts_with("/admin");
    if is_admin { None } else { asked_host(request.headers()) }
}

/// Draws a failure anew, as a page of the site at `host`.
pub async fn draw(state: &AppState, host: Option<String>, mut response: Response) -> Response {
    let Some(failure) = response.extensions_mut().remove::<Failure>() else { return response };
    let Some(host) = host else { return response };
    let Ok(Some(site)) = engine::sites::by_host(&state.engine, &host).await else {
        return response;
    };
    let page = SiteErrorPage { site: PublicSite::from(&*site), failure };
    let Ok(html) = templates::render("public/error.html", page) else { return response };
    let (parts, _) = response.into_parts();
    let mut drawn = (parts.status, Html(html)).into_response();
    for (name, value) in &parts.headers {
        if name != CONTENT_LENGTH {
            drawn.headers_mut().insert(name, value.clone());
        }
    }
    drawn
}
