//! `/admin/setup`: the first run. Whoever can read the console names the first owner.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum_extra::extract::Form;
use engine::setup::FirstRun;
use engine::sign_in::Door;
use serde::{Deserialize, Serialize};

use crate::admin::sign_in::enter;
use crate::error::WebError;
use crate::extract::browser::browser_name;
use crate::extract::net::ClientNet;
use crate::forms::{FieldError, to_mend};
use crate::reply::{self, Reply};
use crate::state::AppState;

/// The first page there is.
#[derive(Debug, Serialize)]
pub struct SetupPage {
    form: SetupForm,
    errors: Vec<FieldError>,
}

/// What the page asks for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SetupForm {
    token: String,
    site_name: String,
    base_url: String,
    postal_address: String,
    currency: String,
    timezone: String,
    name: String,
    email: String,
    #[serde(skip_serializing)]
    password: String,
}

impl SetupPage {
    pub(crate) fn sample() -> Self {
        let form = SetupForm {
            base_url: "https://shop.example".to_owned(),
            currency: "EUR".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            ..SetupForm::default()
        };
        let errors = vec![FieldError::new("email", "please type your e-mail address")];
        Self { form, errors }
    }
}

/// The token may stand in the address that the console prints.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Token {
    token: String,
}

/// The form, while nobody can sign in.
pub async fn index(
    State(state): State<AppState>,
    Query(token): Query<Token>,
    headers: HeaderMap,
) -> Reply {
    refuse_when_done(&state).await?;
    let form = SetupForm {
        token: token.token,
        base_url: proposed_address(&state, &headers),
        currency: "EUR".to_owned(),
        timezone: "UTC".to_owned(),
        ..SetupForm::default()
    };
    reply::page("admin/setup/index.html", SetupPage { form, errors: Vec::new() })
}

/// Makes the first site and its owner, and signs them in.
pub async fn create(
    State(state): State<AppState>,
    ClientNet(net): ClientNet,
    headers: HeaderMap,
    Form(form): Form<SetupForm>,
) -> Reply {
    refuse_when_done(&state).await?;
    let outcome = engine::setup::run(&state.engine, &form.token, first_run(&form)).await;
    match outcome {
        Ok(()) => {
            state.lives_at(&form.base_url);
            let door = Door { net, browser: browser_name(&headers), before: None };
            let signed_in =
                engine::sign_in::with_password(&state.engine, door, &form.email, &form.password)
                    .await?;
            Ok(enter(&state, &signed_in, "/admin"))
        }
        Err(error) => {
            let page = SetupPage { errors: to_mend(error)?, form };
            reply::again("admin/setup/index.html", page)
        }
    }
}

async fn refuse_when_done(state: &AppState) -> Result<(), WebError> {
    if engine::setup::is_needed(&state.engine).await? { Ok(()) } else { Err(WebError::NotFound) }
}

fn proposed_address(state: &AppState, headers: &HeaderMap) -> String {
    if state.settings.admin_host.is_some() {
        // This is not where the shop lives.
        return state.settings.base_url.clone().unwrap_or_default();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let here = format!("http://{}", host.unwrap_or("localhost"));
    state.settings.base_url.clone().unwrap_or(here)
}

fn first_run(form: &SetupForm) -> FirstRun {
    FirstRun {
        site_name: form.site_name.clone(),
        base_url: form.base_url.clone(),
        postal_address: form.postal_address.clone(),
        currency: form.currency.clone(),
        timezone: form.timezone.clone(),
        name: form.name.clone(),
        email: form.email.clone(),
        password: form.password.clone(),
    }
}
