//! `Idempotency-Key`: a POST that is sent again gets the answer the first one got.

use std::future::Future;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::replies::{self, Known, Request};
use model::tokens::hash_secret;
use serde::Serialize;

use super::caller::Caller;
use super::problem::{Answer, Problem};
use crate::state::AppState;

const NAME: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Characters of an idempotency key.
const NAME_MAX: usize = 200;

/// Does `work` once for each idempotency key; without one, each time. `path` names what is asked.
pub async fn once<T, F>(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    (path, body): (&str, &Bytes),
    work: F,
) -> Response
where
    T: Serialize,
    F: Future<Output = Answer<(StatusCode, T)>>,
{
    let request = match request_of(caller, headers, path, body) {
        Ok(Some(request)) => request,
        Ok(None) => {
            let (status, body) = written(work.await);
            return answer(status, body, false);
        }
        Err(problem) => return problem.into_response(),
    };
    match replies::begin(&state.engine, &request).await {
        Ok(Known::Fresh) => {
            let (status, body) = written(work.await);
            if let Err(fault) = replies::end(&state.engine, &request, status.as_u16(), &body).await
            {
                tracing::error!(%fault, "the answer to an idempotent request could not be kept");
            }
            answer(status, body, false)
        }
        Ok(Known::Running) => {
            let say = "the same request runs at this moment: ask again soon";
            let problem = Problem::new(StatusCode::CONFLICT, "idempotency_running", say);
            problem.after_ms(1_000).into_response()
        }
        Ok(Known::Other) => {
            let say = "this idempotency key was used for another request: take a fresh one";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_reused", say)
                .into_response()
        }
        Ok(Known::Answered { status, body }) => {
            answer(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), body, true)
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

fn request_of(
    caller: &Caller,
    headers: &HeaderMap,
    path: &str,
    body: &Bytes,
) -> Result<Option<Request>, Problem> {
    let Some(name) = headers.get(NAME) else { return Ok(None) };
    let name = name.to_str().unwrap_or_default();
    if name.is_empty() || name.len() > NAME_MAX {
        let say = format!("an idempotency key has 1 to {NAME_MAX} plain characters");
        let status = StatusCode::BAD_REQUEST;
        return Err(Problem::at(status, "Idempotency-Key", "idempotency_key_invalid", say));
    }
    let mut said = format!("POST {path}\n").into_bytes();
    said.extend_from_slice(body);
    Ok(Some(Request {
        site: caller.site.id,
        key: caller.key.id,
        name: name.to_owned(),
        hash: hash_secret(&said),
    }))
}

fn written<T: Serialize>(done: Answer<(StatusCode, T)>) -> (StatusCode, String) {
    match done {
        Ok((status, value)) => (status, serde_json::to_string(&value).unwrap_or_default()),
        Err(problem) => {
            let status = problem.status();
            (status, serde_json::to_string(&problem).unwrap_or_default())
        }
    }
}

fn answer(status: StatusCode, body: String, replayed: bool) -> Response {
    let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
    let mut response =
        (status, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response();
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
