//! One way from a failure to an answer. A fault is logged here, once, and nowhere else.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use engine::EngineError;
use serde::Serialize;
use store::StoreError;

use crate::guards::request_id;
use crate::public::frame::PublicSite;
use crate::{reply, templates, words};

/// A database that is down is often back within this.
const RETRY_AFTER_SECONDS: &str = "10";

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
    /// Nobody is signed in; `0` is the path that was asked for.
    SignIn(String),
    /// Something else must be done first, at this path of ours.
    Redirect(String),
    /// The request itself is not one we answer: the status, and a sentence.
    Bad(StatusCode, &'static str),
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
            Self::SignIn(_) | Self::Redirect(_) => StatusCode::SEE_OTHER,
            Self::Bad(status, _) => *status,
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
            Self::Forbidden(why) | Self::Bad(_, why) => (*why).to_owned(),
            Self::SignIn(_) | Self::Redirect(_) => String::new(),
        }
    }
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let status = self.status();
        match &self {
            Self::SignIn(next) => return reply::to(&format!("/admin/sign-in?next={next}")),
            Self::Redirect(path) => return reply::to(path),
            _ => {}
        }
        if let Self::Engine(EngineError::Fault(fault)) = &self {
            tracing::error!(%fault, "a request failed");
        }
        if let Self::Page(why) = &self {
            tracing::error!(why = %format!("{why:#}"), "a page could not be drawn");
        }
        let sentence = sentence_case(&self.sentence());
        let failure = Failure {
            title: title_of(status),
            sentence,
            is_gone: status == StatusCode::GONE,
            request: request_id::current(),
        };
        let html = templates::render("error.html", &failure)
            .unwrap_or_else(|_| words::escaped(&failure.sentence));
        let mut response = (status, Html(html)).into_response();
        response.extensions_mut().insert(failure);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let soon = HeaderValue::from_static(RETRY_AFTER_SECONDS);
            response.headers_mut().insert(header::RETRY_AFTER, soon);
        }
        response
    }
}

/// What did not work: the context of `error.html`, and left with the answer so that the site can
/// say it in its own look.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Failure {
    title: &'static str,
    sentence: String,
    /// There was something: what is on offer now is named instead.
    is_gone: bool,
    /// The number under which a fault stands in the log.
    request: Option<String>,
}

/// What `public/error.html` is given.
#[derive(Debug, Serialize)]
pub(crate) struct SiteErrorPage {
    pub(crate) site: PublicSite,
    pub(crate) failure: Failure,
}

impl Failure {
    pub(crate) fn sample() -> Self {
        Self {
            title: title_of(StatusCode::NOT_FOUND),
            sentence: "There is nothing at this address.".to_owned(),
            is_gone: true,
            request: Some("req_0000000000001".to_owned()),
        }
    }
}

impl SiteErrorPage {
    pub(crate) fn sample() -> Self {
        Self { site: PublicSite::sample(), failure: Failure::sample() }
    }
}

fn title_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Not here",
        StatusCode::GONE => "This is over",
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
