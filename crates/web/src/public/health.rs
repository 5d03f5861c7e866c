//! `GET /health`, `GET /ready`: whether the process lives, and whether it can read its database.

use axum::extract::State;

use crate::error::WebError;
use crate::state::AppState;

/// Lives.
pub async fn health() -> &'static str {
    "ok"
}

/// Can read its database.
pub async fn ready(State(state): State<AppState>) -> Result<&'static str, WebError> {
    state
        .reader
        .read::<_, WebError, _>(|session| {
            Box::pin(async move { Ok(store::sites::list(session).await.map(drop)?) })
        })
        .await?;
    Ok("ok")
}
