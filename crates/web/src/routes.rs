//! Every address there is.

use axum::Router;
use axum::routing::get;

use crate::assets;
use crate::error::WebError;
use crate::public::{health, theme};
use crate::state::AppState;

/// The whole of HTTP.
pub fn router(state: AppState) -> Router {
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/theme.css", get(theme::show))
        .route("/assets/{hash}/{*name}", get(assets::show))
        .fallback(async || WebError::NotFound)
        .with_state(state)
}
