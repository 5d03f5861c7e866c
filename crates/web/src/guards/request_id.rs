//! A number for each request: in the log, in the answer's header, on the page of a fault.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::state::AppState;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: String;
}

/// The number of the request being answered.
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Numbers the request.
pub async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = format!("req_{}", model::ids::to_base32(state.engine.next_id()));
    let span = tracing::info_span!("request", id = %id, method = %request.method());
    let answer = CURRENT.scope(id.clone(), next.run(request).instrument(span));
    let mut response = answer.await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
