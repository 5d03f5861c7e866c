//! What stands before every handler: a number for the request, the shape of its address, where it
//! comes from, what every answer says to the browser, and how a failure looks.
//!
//! All of it is one layer. A router clones what a layer wraps for every request, and each layer
//! clones what it wraps in turn: ten of them took a fifth of the time of an answer.

pub mod addresses;
pub mod admin_host;
pub mod cross_site;
pub mod headers;
pub mod plain_errors;
pub mod request_id;
pub mod site_errors;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::state::AppState;

/// Stands around every handler.
pub async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    request_id::number(&state, &method, answer(&state, request, next)).await
}

async fn answer(state: &AppState, request: Request, next: Next) -> Response {
    let page = headers::Page::of(&request);
    let bare = plain_errors::Asked::of(&request);
    let host = site_errors::host(&request);
    let refused = addresses::refusal(&request)
        .or_else(|| admin_host::refusal(state, &request))
        .or_else(|| cross_site::refusal(&request));
    let response = match refused {
        Some(refused) => refused,
        None => bare.reword(next.run(request).await),
    };
    let response = site_errors::draw(state, host, response).await;
    page.dress(state, response)
}
