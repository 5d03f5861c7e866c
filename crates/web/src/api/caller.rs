//! Which program asks, and what it may do.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use model::audits::Actor;
use model::keys::{ApiKey, PREFIX, Scope};
use model::sites::Site;

use super::problem::Problem;
use crate::extract::site::CurrentSite;
use crate::state::AppState;

/// Requests of one key in a minute: ten a second, all day.
const PER_MINUTE: u32 = 600;

/// A program with a key that holds, at the site of the host it asked.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Its key, with what it may do now.
    pub key: ApiKey,
    /// The site.
    pub site: Arc<Site>,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        if parts.uri.query().is_some_and(|query| query.contains(PREFIX)) {
            let say = "a key in an address ends in logs: send it as Authorization: Bearer, \
                and revoke this one";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "key_in_query", say));
        }
        let site = CurrentSite::from_request_parts(parts, state).await?.0;
        let said = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(text) = said.and_then(|said| said.strip_prefix("Bearer ")) else {
            let say = "send a key as Authorization: Bearer tun_…";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "key_missing", say));
        };
        let Some(key) = engine::keys::open(&state.engine, site.id, text.trim()).await? else {
            let say = "this key does not hold here: it may be revoked, over, or another site's";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "key_invalid", say));
        };
        if let Some(ms) = state.engine.rate().take(key.id.0, PER_MINUTE, state.engine.now()) {
            let say = format!("a key has {PER_MINUTE} requests a minute: please wait");
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", say);
            return Err(problem.after_ms(ms));
        }
        Ok(Self { key, site })
    }
}

impl Caller {
    /// Lets only keys with this scope go on.
    ///
    /// # Errors
    /// The key has it not.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.key.scopes.contains(&scope) {
            Ok(())
        } else {
            let say = format!("this key may not do this: it needs the scope {scope}");
            Err(Problem::new(StatusCode::FORBIDDEN, "scope_missing", say))
        }
    }

    /// Who acts, for the audit log.
    pub fn actor(&self) -> Actor {
        Actor::Key(self.key.id)
    }
}
