//! `/admin/keys`: what programs may do here.

use axum::extract::{Path, State};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::keys::NewKey;
use model::UtcMs;
use model::ids::KeyId;
use model::keys::{ApiKey, Scope};
use model::operators::Role;
use serde::{Deserialize, Serialize};

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{FieldError, to_mend};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Keys shown: more than anyone has.
const PAGE: i64 = 200;

/// The keys of the site, and the form for one more.
#[derive(Debug, Serialize)]
pub struct KeysPage {
    frame: Frame,
    rows: Vec<KeyRow>,
    /// What a key may do: the scope and what it means.
    scopes: Vec<(&'static str, &'static str)>,
    form: KeyForm,
    /// The text of a key just made, shown once.
    made: Option<String>,
    errors: Vec<FieldError>,
}

/// One key.
#[derive(Debug, Serialize)]
pub struct KeyRow {
    id: String,
    name: String,
    hint: String,
    scopes: String,
    state: &'static str,
    created_at: UtcMs,
    used_at: Option<UtcMs>,
}

/// What the form holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyForm {
    name: String,
    scopes: Vec<String>,
}

impl KeysPage {
    pub(crate) fn sample() -> Self {
        let row = KeyRow {
            id: "key_0000000000001".to_owned(),
            name: "The shop's own site".to_owned(),
            hint: "tun_3fa8".to_owned(),
            scopes: "contacts:write".to_owned(),
            state: "active",
            created_at: UtcMs(1_795_200_000_000),
            used_at: None,
        };
        Self {
            frame: Frame::sample("settings"),
            rows: vec![row],
            scopes: Scope::ALL.iter().copied().map(explained).collect(),
            form: KeyForm::default(),
            made: Some("tun_sample".to_owned()),
            errors: vec![FieldError::new("name", "say what the key is for")],
        }
    }
}

/// A scope and what it lets a program do.
fn explained(scope: Scope) -> (&'static str, &'static str) {
    let meaning = match scope {
        Scope::ContactsRead => "See contacts",
        Scope::ContactsWrite => "Add and change contacts",
        Scope::OrdersRead => "See orders",
        Scope::MessagesRead => "See messages",
        Scope::KeysRead => "See which keys there are",
        Scope::KeysWrite => "Make and revoke keys",
        Scope::MetricsRead => "See the figures of the process",
    };
    (scope.as_str(), meaning)
}

/// The keys.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    who.require(Role::Admin)?;
    reply::page("admin/keys/index.html", page_of(&state, &who).await?)
}

async fn page_of(state: &AppState, who: &CurrentOperator) -> Result<KeysPage, WebError> {
    let site = who.site.id;
    let keys = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(
                async move { Ok(store::keys::list(session, site, KeyId(i64::MAX), PAGE).await?) },
            )
        })
        .await?;
    let role = who.present.operator.role;
    Ok(KeysPage {
        frame: who.frame("settings"),
        rows: keys.into_iter().map(|key| row(key, who.now)).collect(),
        scopes: Scope::ALL
            .iter()
            .copied()
            .filter(|scope| role.may(scope.role()))
            .map(explained)
            .collect(),
        form: KeyForm::default(),
        made: None,
        errors: Vec::new(),
    })
}

fn row(key: ApiKey, now: UtcMs) -> KeyRow {
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    KeyRow {
        id: key.id.to_string(),
        scopes: scopes.join(", "),
        state: if key.holds(now) { "active" } else { "retired" },
        created_at: key.created_at,
        used_at: key.used_at,
        name: key.name,
        hint: key.hint,
    }
}

/// Makes a key and shows its text this once.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<KeyForm>,
) -> Reply {
    who.require(Role::Admin)?;
    let scopes = form.scopes.iter().filter_map(|scope| Scope::parse(scope).ok()).collect();
    let new = NewKey { name: form.name.clone(), scopes, expires_at: None };
    let maker = Some(&who.present.operator);
    match engine::keys::make(&state.engine, who.site.id, maker, new).await {
        Ok((_, text)) => {
            let page = KeysPage { made: Some(text), ..page_of(&state, &who).await? };
            reply::page("admin/keys/index.html", page)
        }
        Err(error) => {
            let errors = to_mend(error)?;
            let page = KeysPage { form, errors, ..page_of(&state, &who).await? };
            reply::again("admin/keys/index.html", page)
        }
    }
}

/// Revokes a key at once.
pub async fn revoke(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<KeyId>,
) -> Reply {
    who.require(Role::Admin)?;
    engine::keys::revoke(&state.engine, who.site.id, who.actor(), id).await?;
    Ok(reply::done("/admin/keys", "The key is revoked. Programs that used it get 401."))
}
