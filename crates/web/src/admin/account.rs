//! `/admin/account`: one's own password, second step and signed-in browsers.

use axum::extract::{Path, State};
use axum_extra::extract::Form;
use engine::EngineError;
use model::UtcMs;
use model::ids::SessionId;
use serde::{Deserialize, Serialize};

use crate::extract::operator::OwnAccount;
use crate::forms::{FieldError, to_mend};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// One's own account.
#[derive(Debug, Serialize)]
pub struct AccountPage {
    frame: Frame,
    email: String,
    role: &'static str,
    has_second_step: bool,
    recovery_left: usize,
    sessions: Vec<SessionRow>,
    errors: Vec<FieldError>,
}

/// One signed-in browser.
#[derive(Debug, Serialize)]
pub struct SessionRow {
    id: String,
    browser: String,
    created_at: UtcMs,
    seen_at: UtcMs,
    here: bool,
}

impl AccountPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("settings"),
            email: "owner@shop.example".to_owned(),
            role: "owner",
            has_second_step: true,
            recovery_left: 9,
            sessions: vec![SessionRow {
                id: "ses_0000000000001".to_owned(),
                browser: "Firefox on Linux".to_owned(),
                created_at: UtcMs(1_795_200_000_000),
                seen_at: UtcMs(1_795_293_000_000),
                here: true,
            }],
            errors: vec![FieldError::new("old_password", "this is not your password of now")],
        }
    }
}

/// The account.
pub async fn show(State(state): State<AppState>, who: OwnAccount) -> Reply {
    reply::page("admin/account/show.html", account(&state, &who, Vec::new()).await?)
}

async fn account(
    state: &AppState,
    who: &OwnAccount,
    errors: Vec<FieldError>,
) -> Result<AccountPage, EngineError> {
    let id = who.present.operator.id;
    let own = who.present.sign_in.id;
    let sessions = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::sessions::list_of(session, id).await?) })
        })
        .await?;
    let row = |sign_in: store::sessions::SignIn| SessionRow {
        id: sign_in.id.to_string(),
        browser: sign_in.browser,
        created_at: sign_in.created_at,
        seen_at: sign_in.seen_at,
        here: sign_in.id == own,
    };
    Ok(AccountPage {
        frame: who.frame(),
        email: who.present.operator.email.clone(),
        role: who.present.operator.role.as_str(),
        has_second_step: who.present.operator.has_second_step(),
        recovery_left: who.present.operator.recovery_codes.len(),
        sessions: sessions.into_iter().map(row).collect(),
        errors,
    })
}

/// What the password form sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PasswordForm {
    old_password: String,
    password: String,
}

/// Changes the password; every other sign-in ends.
pub async fn change_password(
    State(state): State<AppState>,
    who: OwnAccount,
    Form(form): Form<PasswordForm>,
) -> Reply {
    let engine = &state.engine;
    let (old, new) = (&form.old_password, &form.password);
    match engine::operators::change_password(engine, &who.present, old, new).await {
        Ok(()) => Ok(reply::done(
            "/admin/account",
            "Your password is changed. Every other browser was signed out.",
        )),
        Err(error) => {
            let page = account(&state, &who, to_mend(error)?).await?;
            reply::again("admin/account/show.html", page)
        }
    }
}

/// Signs another browser of one's own out.
pub async fn end_session(
    State(state): State<AppState>,
    who: OwnAccount,
    Path(id): Path<SessionId>,
) -> Reply {
    engine::sessions::end_own(&state.engine, who.present.operator.id, id).await?;
    Ok(reply::done("/admin/account", "That browser is signed out."))
}

/// Setting up the second step: the QR code, the secret as text, and the field for the first code.
#[derive(Debug, Serialize)]
pub struct SecondStepPage {
    frame: Frame,
    /// The QR code as SVG.
    qr: String,
    secret: String,
    must: bool,
    error: Option<String>,
}

impl SecondStepPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("settings"),
            qr: crate::charts::qr("otpauth://totp/Tundish:a@b.example?secret=AAAA"),
            secret: "ABCD EFGH IJKL MNOP".to_owned(),
            must: true,
            error: Some("this code is not the one the app shows now".to_owned()),
        }
    }
}

/// Offers a secret for the app.
pub async fn second_step(State(state): State<AppState>, who: OwnAccount) -> Reply {
    if who.present.operator.has_second_step() {
        return Ok(reply::to("/admin/account"));
    }
    reply::page("admin/account/second_step.html", offer(&state, &who, None).await?)
}

async fn offer(
    state: &AppState,
    who: &OwnAccount,
    error: Option<String>,
) -> Result<SecondStepPage, EngineError> {
    let offer = engine::second_step::offer(&state.engine, &who.present).await?;
    let must =
        state.https() && !state.settings.demo && who.present.operator.role.needs_second_step();
    let qr = crate::charts::qr(&offer.address);
    Ok(SecondStepPage { frame: who.frame(), qr, secret: offer.secret, must, error })
}

/// A code of the app.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CodeForm {
    code: String,
}

/// The recovery codes, shown once.
#[derive(Debug, Serialize)]
pub struct RecoveryPage {
    frame: Frame,
    codes: Vec<String>,
}

impl RecoveryPage {
    pub(crate) fn sample() -> Self {
        let codes = vec!["abcde-fghjk".to_owned(), "mnpqr-stuvw".to_owned()];
        Self { frame: Frame::sample("settings"), codes }
    }
}

/// Takes the second step up and shows the recovery codes.
pub async fn add_second_step(
    State(state): State<AppState>,
    who: OwnAccount,
    Form(form): Form<CodeForm>,
) -> Reply {
    let code = form.code.replace(' ', "");
    match engine::second_step::take_up(&state.engine, &who.present, &code).await {
        Ok(codes) => {
            let page = RecoveryPage { frame: who.frame(), codes };
            reply::page("admin/account/recovery.html", page)
        }
        Err(EngineError::Refused(refused)) => {
            let page = offer(&state, &who, Some(refused.message)).await?;
            let template = "admin/account/second_step.html";
            reply::again(template, page)
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives the second step up; needs a code.
pub async fn remove_second_step(
    State(state): State<AppState>,
    who: OwnAccount,
    Form(form): Form<CodeForm>,
) -> Reply {
    match engine::second_step::give_up(&state.engine, &who.present, &form.code).await {
        Ok(()) => Ok(reply::done("/admin/account", "The second step is off.")),
        Err(error) => {
            let page = account(&state, &who, to_mend(error)?).await?;
            reply::again("admin/account/show.html", page)
        }
    }
}
