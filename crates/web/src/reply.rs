//! What handlers answer with: a page, or the way to the next one.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use serde::Serialize;

use crate::error::WebError;
use crate::{cookies, templates};

/// What an admin handler answers.
pub type Reply = Result<Response, WebError>;

/// A page. Operator pages are not to be kept by browsers or proxies.
pub fn page(template: &str, context: impl Serialize) -> Reply {
    page_with(StatusCode::OK, template, context)
}

/// The page of a form that must be mended (422).
pub fn again(template: &str, context: impl Serialize) -> Reply {
    page_with(StatusCode::UNPROCESSABLE_ENTITY, template, context)
}

/// A page with another status.
pub fn page_with(status: StatusCode, template: &str, context: impl Serialize) -> Reply {
    let html = templates::render(template, context)?;
    let keep = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((status, keep, Html(html)).into_response())
}

/// The body of a file that is read while it is sent. What packs it for a browser asks again after
/// its end.
pub fn streamed<T, E>(parts: impl Stream<Item = Result<T, E>> + Send + 'static) -> Body
where
    T: Into<Bytes> + 'static,
    E: Into<axum::BoxError> + 'static,
{
    Body::from_stream(parts.fuse())
}

/// On to another page of ours (303).
pub fn to(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, location(path))]).into_response()
}

/// On to another operator page, where `text` is shown once as good news.
pub fn done(path: &str, text: &str) -> Response {
    told(path, true, text)
}

/// On to another operator page, where `text` is shown once as what went wrong.
pub fn sorry(path: &str, text: &str) -> Response {
    told(path, false, text)
}

fn told(path: &str, good: bool, text: &str) -> Response {
    let mut response = to(path);
    response.headers_mut().append(header::SET_COOKIE, cookies::tell(good, text));
    response
}

/// A path of ours that may stand in `Location`; anything else leads to the admin's first page.
fn location(path: &str) -> HeaderValue {
    let ours = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    let path = if ours { path } else { "/admin" };
    HeaderValue::from_str(path).unwrap_or_else(|_| HeaderValue::from_static("/admin"))
}
