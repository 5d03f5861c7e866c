//! Keys: which there are, and new ones that may no more than the one that makes them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use engine::EngineError;
use engine::keys::NewKey;
use model::ids::KeyId;
use model::keys::{ApiKey, Scope};
use model::{Refused, UtcMs};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::contacts::query_wrong;
use super::cursor::{self, Listed};
use super::problem::{Answer, Problem};
use super::{body, once};
use crate::state::AppState;

const NOUN: &str = "key";

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyView {
    /// Its id.
    #[schema(example = "key_01h2xcejqtf2n")]
    id: String,
    /// What it is for.
    name: String,
    /// Its first characters.
    hint: String,
    /// What it may do.
    scopes: Vec<&'static str>,
    /// When it was made, RFC 3339.
    created_at: String,
    /// When it was last used, RFC 3339.
    used_at: Option<String>,
    /// Until when it holds, RFC 3339.
    expires_at: Option<String>,
    /// Since when it does not, RFC 3339.
    revoked_at: Option<String>,
}

/// A key just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeKey {
    /// The key itself, said this once.
    #[schema(example = "tun_…")]
    token: String,
    #[serde(flatten)]
    key: KeyView,
}

impl KeyView {
    fn of(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            hint: key.hint,
            scopes: key.scopes.iter().map(|scope| scope.as_str()).collect(),
            created_at: key.created_at.rfc3339(),
            used_at: key.used_at.map(UtcMs::rfc3339),
            expires_at: key.expires_at.map(UtcMs::rfc3339),
            revoked_at: key.revoked_at.map(UtcMs::rfc3339),
        }
    }
}

/// Which keys.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// How many, at most 200.
    #[serde(default, deserialize_with = "cursor::number")]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Keys, newest first.
#[utoipa::path(get, path = "/keys", params(Asked), tag = "keys", responses(
    (status = 200, body = Listed<KeyView>),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Answer<Json<Listed<KeyView>>> {
    caller.require(Scope::KeysRead)?;
    let Query(asked) = asked.map_err(query_wrong)?;
    let limit = cursor::limit(asked.limit)?;
    let top = KeyId(i64::MAX);
    let before = cursor::before(&state.engine, NOUN, asked.cursor.as_deref(), top)?;
    let site = caller.site.id;
    let read = state.reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move { Ok(store::keys::list(session, site, before, limit + 1).await?) })
    });
    let found = read.await?;
    let place = |key: &ApiKey| key.id.to_string();
    Ok(Json(cursor::page(&state.engine, NOUN, found, limit, place, KeyView::of)))
}

/// A new key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyWanted {
    /// What it is for.
    #[schema(example = "The form on our own site")]
    name: String,
    /// What it may do; no more than the key that asks.
    #[schema(example = json!(["contacts:write"]))]
    scopes: Vec<String>,
    /// Until when, RFC 3339; for ever where absent.
    expires_at: Option<String>,
}

/// Makes a key; its secret is said this once.
#[utoipa::path(post, path = "/keys", request_body = KeyWanted, tag = "keys",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to repeat")),
    responses((status = 201, body = MadeKey),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    caller.require(Scope::KeysWrite)?;
    let wanted: KeyWanted = body::read(&headers, &body)?;
    let work = async {
        let new = new_key(&caller, wanted)?;
        let made = engine::keys::make_by_key(&state.engine, caller.site.id, &caller.key, new).await;
        let (key, token) = made?;
        Ok((StatusCode::CREATED, MadeKey { token, key: KeyView::of(key) }))
    };
    Ok(once::once(&state, &caller, &headers, ("/keys", &body), work).await)
}

fn new_key(caller: &Caller, wanted: KeyWanted) -> Result<NewKey, Problem> {
    let mut scopes = Vec::new();
    for word in &wanted.scopes {
        let scope = Scope::parse(word).map_err(|refused| refused.at("scopes"))?;
        if !caller.key.scopes.contains(&scope) {
            let say = format!("this key has no {scope} to give");
            return Err(Refused::new("scope_beyond", say).at("scopes").into());
        }
        scopes.push(scope);
    }
    let expires_at = match wanted.expires_at.as_deref() {
        Some(text) => Some(instant(text)?),
        None => None,
    };
    Ok(NewKey { name: wanted.name, scopes, expires_at })
}

/// An instant with its zone.
fn instant(text: &str) -> Result<UtcMs, Problem> {
    text.parse::<jiff::Timestamp>().map(UtcMs::from).map_err(|_| {
        let say = "write an instant with its zone, as in 2026-11-21T20:00:00Z";
        Refused::new("instant_invalid", say).at("expires_at").into()
    })
}

/// Revokes a key at once.
#[utoipa::path(delete, path = "/keys/{id}", tag = "keys",
    params(("id" = String, Path, description = "key_…")), responses((status = 204),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    caller.require(Scope::KeysWrite)?;
    let id: KeyId = cursor::id(&id, NOUN)?;
    match engine::keys::revoke(&state.engine, caller.site.id, caller.actor(), id).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error @ EngineError::Missing { .. }) => Err(error.into()),
        Err(error) => Err(error.into()),
    }
}
