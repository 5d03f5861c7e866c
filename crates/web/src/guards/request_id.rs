//! A number for each request: in the log, in the answer's header, on the page of a fault.

use axum::http::{HeaderName, HeaderValue, Method};
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

/// Numbers a request while it is answered, and says the number with the answer.
pub async fn number(
    state: &AppState,
    method: &Method,
    answer: impl Future<Output = Response>,
) -> Response {
    let id = format!("req_{}", model::ids::to_base32(state.engine.next_id()));
    let said = HeaderValue::from_str(&id);
    let span = tracing::info_span!("request", id = %id, method = %method);
    let mut response = CURRENT.scope(id, answer.instrument(span)).await;
    if let Ok(said) = said {
        response.headers_mut().insert(HEADER, said);
    }
    response
}
