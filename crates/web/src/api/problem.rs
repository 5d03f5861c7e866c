//! What goes wrong, as RFC 9457 says it: a stable `code`, one sentence, and the place of each
//! mistake.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::EngineError;
use model::Refused;
use serde::Serialize;
use store::StoreError;
use utoipa::ToSchema;

use crate::error::WebError;
use crate::guards::request_id;

/// A problem.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` says which.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// A stable word for machines.
    code: String,
    /// One sentence that says what to do.
    detail: String,
    /// The mistakes, each at its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Mistake>,
    /// The number of the request, for questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip)]
    retry_after: Option<i64>,
}

/// One mistake.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Mistake {
    /// JSON pointer into the body, or the name of a parameter.
    field: String,
    /// A stable word for machines.
    code: String,
    /// One sentence that says what to do.
    message: String,
}

/// What an API handler answers.
pub type Answer<T> = Result<T, Problem>;

impl Problem {
    /// A problem of this status.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Problem").to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            errors: Vec::new(),
            request_id: request_id::current(),
            retry_after: None,
        }
    }

    /// A mistake at one place.
    pub fn at(status: StatusCode, field: &str, code: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let mistake =
            Mistake { field: field.to_owned(), code: code.to_owned(), message: message.clone() };
        Self { errors: vec![mistake], ..Self::new(status, code, message) }
    }

    /// There is no such thing.
    pub fn not_found(noun: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {noun}"))
    }

    /// The address is not asked that way.
    pub fn method() -> Self {
        let say = "this address is not asked that way";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", say)
    }

    /// To be tried again after so many milliseconds.
    #[must_use]
    pub fn after_ms(self, ms: i64) -> Self {
        Self { retry_after: Some(ms / 1_000 + 1), ..self }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<&Refused> for Mistake {
    fn from(refused: &Refused) -> Self {
        let field = refused.field.as_deref().map(|field| format!("/{field}")).unwrap_or_default();
        Self { field, code: refused.code.to_owned(), message: refused.message.clone() }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let status = match refused.code {
            "contact_exists" => StatusCode::CONFLICT,
            "scope_beyond" => StatusCode::FORBIDDEN,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let errors = vec![Mistake::from(&refused)];
        Self { errors, ..Self::new(status, refused.code, refused.message) }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refused) => refused.into(),
            EngineError::RefusedAll(all) => {
                let errors = all.iter().map(Mistake::from).collect();
                let detail = "several members must be mended";
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Self { errors, ..Self::new(status, "invalid", detail) }
            }
            EngineError::Missing { noun, .. } => Self::not_found(noun),
            EngineError::Conflict(why) => {
                Self::new(StatusCode::PRECONDITION_FAILED, "changed_meanwhile", why)
            }
            EngineError::Fault(fault) => {
                tracing::error!(%fault, "an API request failed");
                let say = "this did not work just now; it is safe to repeat";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", say).after_ms(10_000)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<WebError> for Problem {
    fn from(error: WebError) -> Self {
        match error {
            WebError::Engine(error) => error.into(),
            WebError::WrongHost => {
                let say = "no site answers to this host";
                Self::new(StatusCode::MISDIRECTED_REQUEST, "wrong_host", say)
            }
            _ => Self::new(StatusCode::FORBIDDEN, "forbidden", "this may not be done"),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, kind)], body).into_response();
        let said = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            said.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            said.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
