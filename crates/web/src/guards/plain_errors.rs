//! Refusals that a library words itself (an id that cannot be read, a body that is too long) become
//! pages like all others. The API answers in its own form and is left alone.

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::WebError;

/// Turns bare words into a page.
pub async fn layer(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_page = !path.starts_with("/api/") && !path.starts_with("/metrics");
    // An address with an id that none has: there is nothing there, however it is misspelt.
    let reads = request.method() == axum::http::Method::GET;
    let response = next.run(request).await;
    let bare = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !is_page || !bare {
        return response;
    }
    match response.status() {
        StatusCode::BAD_REQUEST if reads => WebError::NotFound.into_response(),
        StatusCode::PAYLOAD_TOO_LARGE => {
            bad(StatusCode::PAYLOAD_TOO_LARGE, "this is more than the page takes: send less")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            bad(StatusCode::UNSUPPORTED_MEDIA_TYPE, "this page takes forms, nothing else")
        }
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            bad(StatusCode::UNPROCESSABLE_ENTITY, "this form came in a shape we cannot read")
        }
        _ => response,
    }
}

fn bad(status: StatusCode, sentence: &'static str) -> Response {
    WebError::Bad(status, sentence).into_response()
}
