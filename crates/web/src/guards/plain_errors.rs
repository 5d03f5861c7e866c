//! Refusals that a library words itself (an id that cannot be read, a body that is too long) become
//! pages like all others. The API answers in its own form and is left alone.

use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::error::WebError;

/// What of a request decides how a bare answer to it is worded.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    is_page: bool,
    reads: bool,
}

impl Asked {
    /// Of this request.
    pub fn of(request: &Request) -> Self {
        let path = request.uri().path();
        let is_page = !path.starts_with("/api/") && !path.starts_with("/metrics");
        Self { is_page, reads: request.method() == Method::GET }
    }

    /// Turns bare words into a page.
    pub fn reword(self, response: Response) -> Response {
        let kind = response.headers().get(header::CONTENT_TYPE);
        let bare = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
        if !self.is_page || !bare {
            return response;
        }
        match response.status() {
            // An address with an id that none has: there is nothing there, however it is misspelt.
            StatusCode::BAD_REQUEST if self.reads => WebError::NotFound.into_response(),
            StatusCode::PAYLOAD_TOO_LARGE => {
                bad(StatusCode::PAYLOAD_TOO_LARGE, "this is more than the page takes: send less")
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                bad(StatusCode::UNSUPPORTED_MEDIA_TYPE, "this page takes forms, nothing else")
            }
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
                bad(StatusCode::UNPROCESSABLE_ENTITY, "this form came in a shape we cannot read")
            }
            // The handler was given up.
            StatusCode::SERVICE_UNAVAILABLE => bad(
                StatusCode::SERVICE_UNAVAILABLE,
                "this took too long: please try again, what is done already is not done twice",
            ),
            _ => response,
        }
    }
}

fn bad(status: StatusCode, sentence: &'static str) -> Response {
    WebError::Bad(status, sentence).into_response()
}
