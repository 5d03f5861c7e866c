//! `/admin/password/{token}`: choosing a password by a reset or invitation link.

use axum::extract::{Path, State};
use axum_extra::extract::Form;
use engine::EngineError;
use model::operators::LinkKind;
use serde::{Deserialize, Serialize};

use crate::extract::site::CurrentSite;
use crate::reply::{self, Reply};
use crate::state::AppState;

const KINDS: &[LinkKind] = &[LinkKind::Reset, LinkKind::Invite];

/// The page for who cannot sign in: the same whether the address is known or not.
#[derive(Debug, Serialize)]
pub struct ForgotPage {
    asked: bool,
}

impl ForgotPage {
    pub(crate) fn sample() -> Self {
        Self { asked: false }
    }
}

/// The form that asks for a link.
pub async fn forgot() -> Reply {
    reply::page("admin/sign_in/forgot.html", ForgotPage { asked: false })
}

/// What the form sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ForgotForm {
    email: String,
}

/// Sends a link, if there is somebody to send it to, and says the same in any case.
pub async fn ask(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Form(form): Form<ForgotForm>,
) -> Reply {
    let home = state.settings.admin_host.as_deref();
    engine::operators::ask_for_reset(&state.engine, &site, home, &form.email).await?;
    reply::page("admin/sign_in/forgot.html", ForgotPage { asked: true })
}

/// The page that asks for a new password.
#[derive(Debug, Serialize)]
pub struct ChoosePage {
    token: String,
    email: String,
    error: Option<String>,
}

impl ChoosePage {
    pub(crate) fn sample() -> Self {
        Self {
            token: "sample".to_owned(),
            email: "owner@shop.example".to_owned(),
            error: Some("a password needs at least 12 characters".to_owned()),
        }
    }
}

/// The form, where the link still holds.
pub async fn show(State(state): State<AppState>, Path(token): Path<String>) -> Reply {
    let operator = engine::sign_in::look_at_link(&state.engine, &token, KINDS).await?;
    let page = ChoosePage { token, email: operator.email, error: None };
    reply::page("admin/sign_in/choose.html", page)
}

/// What the form sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ChooseForm {
    password: String,
}

/// Sets the password; the link is used up and every sign-in ends.
pub async fn update(
    State(state): State<AppState>,
    Path(token): Path<String>,
    Form(form): Form<ChooseForm>,
) -> Reply {
    match engine::operators::choose_password(&state.engine, &token, &form.password).await {
        Ok(()) => Ok(reply::to("/admin/sign-in")),
        Err(EngineError::Refused(refused)) if refused.field.is_some() => {
            let operator = engine::sign_in::look_at_link(&state.engine, &token, KINDS).await?;
            let error = Some(refused.message);
            let page = ChoosePage { token, email: operator.email, error };
            let template = "admin/sign_in/choose.html";
            reply::again(template, page)
        }
        Err(error) => Err(error.into()),
    }
}
