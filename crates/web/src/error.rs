//! One way from a failure to an answer. A fault is logged here, once, and nowhere else.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use engine::EngineError;
use serde::Serialize;
use store::StoreError;

use crate::{templates, words};

/// Why a request was not answered as asked.
#[derive(Debug)]
pub enum WebError {
    /// What the engine or the store said.
    Engine(EngineError),
    /// No site answers to this host.
    WrongHost,
    /// Nothing is served at this address.
    NotFound,
    /// A page could not be drawn: a fault of ours.
    Page(minijinja::Error),
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

impl From<minijinja::Error> for WebError {
    fn from(error: minijinja::Error) -> Self {
        Self::Page(error)
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
            Self::Page(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::Engine(EngineError::Fault(_)) | Self::Page(_) => {
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
        if let Self::Page(why) = &self {
            tracing::error!(why = %format!("{why:#}"), "a page could not be drawn");
        }
        let sentence = sentence_case(&self.sentence());
        let page = ErrorPage { title: title_of(status), sentence: &sentence };
        let html =
            templates::render("error.html", page).unwrap_or_else(|_| words::escaped(&sentence));
        (status, Html(html)).into_response()
    }
}

/// What `error.html` is given.
#[derive(Serialize)]
struct ErrorPage<'a> {
    title: &'a str,
    sentence: &'a str,
}

fn title_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Not here",
        StatusCode::FORBIDDEN => "Not yours to open",
        StatusCode::CONFLICT => "Changed in the meantime",
        StatusCode::UNPROCESSABLE_ENTITY => "Something is missing",
        StatusCode::MISDIRECTED_REQUEST => "No site here",
        _ => "That did not work",
    }
}

/// Messages are lower case inside the house; on a page a sentence starts with a capital.
fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}
