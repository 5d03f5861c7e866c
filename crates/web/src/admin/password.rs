//! `/admin/password/{token}`: choosing a password by a reset or invitation link.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum_extra::extract::Form;
use engine::EngineError;
use model::operators::LinkKind;
use serde::{Deserialize, Serialize};

use crate::reply::{self, Reply};
use crate::state::AppState;

const KINDS: &[LinkKind] = &[LinkKind::Reset, LinkKind::Invite];

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
            reply::page_with(StatusCode::UNPROCESSABLE_ENTITY, template, page)
        }
        Err(error) => Err(error.into()),
    }
}
