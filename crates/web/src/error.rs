//! One way from a failure to an answer. A fault is logged here, once, and nowhere else.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use engine::EngineError;
use store::StoreError;

/// Why a request was not answered as asked.
#[derive(Debug)]
pub enum WebError {
    /// What the engine or the store said.
    Engine(EngineError),
    /// No site answers to this host.
    WrongHost,
    /// Nothing is served at this address.
    NotFound,
    /// The signed-in operator (or nobody) may not do this.
    Forbidden(&'static str),
}

impl From<EngineError> for WebError {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<StoreError> for WebError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl WebError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Engine(EngineError::Refused(_) | EngineError::RefusedAll(_)) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Engine(EngineError::Missing { .. }) | Self::NotFound => StatusCode::NOT_FOUND,
            Self::Engine(EngineError::Conflict(_)) => StatusCode::CONFLICT,
            Self::Engine(EngineError::Fault(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::Engine(EngineError::Fault(_)) => {
                "This did not work just now. Nothing was lost; please try again.".to_owned()
            }
            Self::Engine(error) => error.to_string(),
            Self::WrongHost => "No site answers to this address.".to_owned(),
            Self::NotFound => "There is nothing at this address.".to_owned(),
            Self::Forbidden(why) => (*why).to_owned(),
        }
    }
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let status = self.status();
        if let Self::Engine(EngineError::Fault(fault)) = &self {
            tracing::error!(%fault, "a request failed");
        }
        (status, Html(self.sentence())).into_response()
    }
}
