//! Signing in and out: `/admin/sign-in`, `/admin/sign-in/code`, `/admin/sign-in/link/{token}`.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum_extra::extract::Form;
use engine::EngineError;
use engine::sign_in::{Door, SignedIn};
use model::Refused;
use model::operators::{LinkKind, Stage};
use serde::{Deserialize, Serialize};

use crate::cookies;
use crate::error::WebError;
use crate::extract::browser::browser_name;
use crate::extract::net::ClientNet;
use crate::extract::operator::MaybePresent;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// The page that asks for address and password.
#[derive(Debug, Default, Serialize)]
pub struct SignInPage {
    email: String,
    next: String,
    error: Option<String>,
}

impl SignInPage {
    pub(crate) fn sample() -> Self {
        Self {
            email: "owner@shop.example".to_owned(),
            next: "/admin".to_owned(),
            error: Some("this address and password do not belong together".to_owned()),
        }
    }
}

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Next {
    next: String,
}

/// The sign-in form; on a first run, the way to set-up.
pub async fn index(
    State(state): State<AppState>,
    MaybePresent(present): MaybePresent,
    Query(next): Query<Next>,
) -> Reply {
    if present.is_some_and(|present| present.sign_in.stage == Stage::Full) {
        return Ok(reply::to("/admin"));
    }
    if engine::setup::is_needed(&state.engine).await? {
        return Ok(reply::to("/admin/setup"));
    }
    reply::page("admin/sign_in/index.html", SignInPage { next: next.next, ..SignInPage::default() })
}

/// What the form sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SignInForm {
    email: String,
    password: String,
    next: String,
}

/// Signs in with address and password.
pub async fn create(
    State(state): State<AppState>,
    MaybePresent(present): MaybePresent,
    ClientNet(net): ClientNet,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Reply {
    let before = present.map(|present| present.sign_in.id);
    let door = Door { net, browser: browser_name(&headers), before };
    let outcome =
        engine::sign_in::with_password(&state.engine, door, &form.email, &form.password).await;
    match outcome {
        Ok(signed_in) => Ok(enter(&state, &signed_in, &form.next)),
        Err(EngineError::Refused(refused)) => {
            let page = SignInPage {
                email: form.email,
                next: form.next,
                error: Some(refused.message.clone()),
            };
            reply::page_with(status_of(&refused), "admin/sign_in/index.html", page)
        }
        Err(error) => Err(error.into()),
    }
}

/// The page that asks for the code of the app.
#[derive(Debug, Default, Serialize)]
pub struct CodePage {
    next: String,
    error: Option<String>,
}

impl CodePage {
    pub(crate) fn sample() -> Self {
        Self { next: String::new(), error: Some("this code is not right".to_owned()) }
    }
}

/// The code form.
pub async fn code(MaybePresent(present): MaybePresent, Query(next): Query<Next>) -> Reply {
    match present.map(|present| present.sign_in.stage) {
        Some(Stage::Code) => {
            reply::page("admin/sign_in/code.html", CodePage { next: next.next, error: None })
        }
        Some(Stage::Full) => Ok(reply::to("/admin")),
        None => Ok(reply::to("/admin/sign-in")),
    }
}

/// What the code form sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CodeForm {
    code: String,
    next: String,
}

/// Ends the second step.
pub async fn check_code(
    State(state): State<AppState>,
    MaybePresent(present): MaybePresent,
    ClientNet(net): ClientNet,
    headers: HeaderMap,
    Form(form): Form<CodeForm>,
) -> Reply {
    let Some(begun) = present.filter(|present| present.sign_in.stage == Stage::Code) else {
        return Ok(reply::to("/admin/sign-in"));
    };
    let door = Door { net, browser: browser_name(&headers), before: None };
    let outcome = engine::sign_in::with_code(&state.engine, &begun.sign_in, door, &form.code).await;
    match outcome {
        Ok(signed_in) => Ok(enter(&state, &signed_in, &form.next)),
        Err(EngineError::Refused(refused)) => {
            let page = CodePage { next: form.next, error: Some(refused.message.clone()) };
            reply::page_with(status_of(&refused), "admin/sign_in/code.html", page)
        }
        Err(error) => Err(error.into()),
    }
}

/// The page behind a link that signs in once: a button, since looking must not act.
#[derive(Debug, Serialize)]
pub struct LinkPage {
    token: String,
    name: String,
}

impl LinkPage {
    pub(crate) fn sample() -> Self {
        Self { token: "sample".to_owned(), name: "Maren Holt".to_owned() }
    }
}

/// Shows whom the link lets in.
pub async fn link(State(state): State<AppState>, Path(token): Path<String>) -> Reply {
    const KINDS: &[LinkKind] = &[LinkKind::SignIn];
    let operator = engine::sign_in::look_at_link(&state.engine, &token, KINDS).await?;
    let name = operator.shown_name().to_owned();
    reply::page("admin/sign_in/link.html", LinkPage { token, name })
}

/// Signs in by the link, which then is used up.
pub async fn follow_link(
    State(state): State<AppState>,
    MaybePresent(present): MaybePresent,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Reply {
    let before = present.map(|present| present.sign_in.id);
    let door = Door { net: String::new(), browser: browser_name(&headers), before };
    let signed_in = engine::sign_in::with_link(&state.engine, door, &token).await?;
    Ok(enter(&state, &signed_in, ""))
}

/// Signs out; the browser forgets what it kept of us.
pub async fn delete(
    State(state): State<AppState>,
    MaybePresent(present): MaybePresent,
) -> Result<Response, WebError> {
    if let Some(present) = present {
        engine::sessions::end(&state.engine, &present.sign_in).await?;
    }
    let mut response = reply::to("/admin/sign-in");
    let said = response.headers_mut();
    said.append(header::SET_COOKIE, cookies::sign_out(state.https()));
    said.insert("clear-site-data", HeaderValue::from_static("\"cache\", \"storage\""));
    Ok(response)
}

/// On to where the browser was going, with its new sign-in.
pub(crate) fn enter(state: &AppState, signed_in: &SignedIn, next: &str) -> Response {
    let next = if next.starts_with("/admin") { next } else { "/admin" };
    let path = if signed_in.needs_code {
        format!("/admin/sign-in/code?next={next}")
    } else {
        next.to_owned()
    };
    let mut response = reply::to(&path);
    let cookie = cookies::sign_in(&signed_in.token, state.https());
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

fn status_of(refused: &Refused) -> StatusCode {
    if refused.code == "sign_in_wait" {
        StatusCode::TOO_MANY_REQUESTS
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}
