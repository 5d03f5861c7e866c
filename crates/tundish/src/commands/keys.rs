//! `tundish key …`.

use engine::keys::{self, NewKey};
use engine::{Engine, EngineError};
use model::audits::Actor;
use model::ids::KeyId;
use model::keys::{ApiKey, Scope};
use serde::Serialize;

use super::{Call, site};
use crate::cli::KeyCommand;
use crate::install;
use crate::output::table;

/// Keys of a site: more than this is a mistake.
const KEYS_MAX: i64 = 1_000;

#[derive(Serialize)]
struct Shown {
    id: String,
    name: String,
    hint: String,
    scopes: Vec<&'static str>,
    created_at: String,
    used_at: Option<String>,
    revoked_at: Option<String>,
    /// The key itself: only when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

fn shown(key: ApiKey, text: Option<String>) -> Shown {
    Shown {
        id: key.id.to_string(),
        name: key.name,
        hint: key.hint,
        scopes: key.scopes.into_iter().map(Scope::as_str).collect(),
        created_at: key.created_at.rfc3339(),
        used_at: key.used_at.map(model::UtcMs::rfc3339),
        revoked_at: key.revoked_at.map(model::UtcMs::rfc3339),
        key: text,
    }
}

/// Does what concerns keys.
///
/// # Errors
/// There is no such key or scope.
pub async fn run(call: &Call, command: KeyCommand) -> anyhow::Result<()> {
    let installation = install::beside(&call.config).await?;
    let done = act(call, &installation.engine, command).await;
    installation.close().await?;
    done
}

async fn act(call: &Call, engine: &Engine, command: KeyCommand) -> anyhow::Result<()> {
    match command {
        KeyCommand::Create { name, scopes, site } => {
            let site = site::find(engine, site.as_deref()).await?;
            let scopes = scopes.iter().map(|word| Scope::parse(word));
            let scopes = scopes.collect::<Result<_, _>>().map_err(EngineError::from)?;
            let new = NewKey { name, scopes, expires_at: None };
            let (key, text) = keys::make(engine, site.id, None, new).await?;
            call.output.either(&shown(key, Some(text.clone())), || vec![text.clone()])?;
            call.output.say("keep it now: it is not shown again");
            Ok(())
        }
        KeyCommand::List { site } => {
            let site = site::find(engine, site.as_deref()).await?.id;
            let reader = engine.reader();
            let found = reader.read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    Ok(store::keys::list(session, site, KeyId(i64::MAX), KEYS_MAX).await?)
                })
            });
            let keys: Vec<Shown> = found.await?.into_iter().map(|key| shown(key, None)).collect();
            call.output.either(&keys, || {
                let row = |key: &Shown| {
                    let state = if key.revoked_at.is_some() { "revoked" } else { "" };
                    let scopes = key.scopes.join(" ");
                    vec![key.id.clone(), key.hint.clone(), key.name.clone(), scopes, state.into()]
                };
                table(&keys.iter().map(row).collect::<Vec<_>>())
            })
        }
        KeyCommand::Revoke { id, site } => {
            let site = site::find(engine, site.as_deref()).await?;
            let id: KeyId = id.parse().map_err(EngineError::from)?;
            keys::revoke(engine, site.id, Actor::Console, id).await?;
            call.output.say("the key is revoked");
            Ok(())
        }
    }
}
