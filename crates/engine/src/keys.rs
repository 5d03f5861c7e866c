//! Keys of the API: made, used, revoked. Of a key only its hash is kept.

use model::audits::Actor;
use model::ids::{KeyId, OperatorId};
use model::keys::{ApiKey, HINT_CHARS, PREFIX, Scope};
use model::operators::{Operator, Role};
use model::times::MINUTE_MS;
use model::{Refused, SiteId, UtcMs, tokens};
use serde::Serialize;

use crate::audits;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// How exactly the last use is known.
const USED_EVERY_MS: i64 = 5 * MINUTE_MS;
/// Characters of a key's name.
const NAME_MAX: usize = 80;

/// A new key.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Until when; for ever where nothing is said.
    pub expires_at: Option<UtcMs>,
}

#[derive(Debug, Serialize)]
struct Made<'a> {
    scopes: &'a [Scope],
}

/// Makes a key; its text, which is shown this once. `maker` is nobody at the machine itself.
///
/// # Errors
/// `name_missing`, `scope_missing`; `scope_beyond` where the maker may not do it by hand.
pub async fn make(
    engine: &Engine,
    site: SiteId,
    maker: Option<&Operator>,
    new: NewKey,
) -> Result<(ApiKey, String)> {
    let role = maker.map_or(Role::Owner, |operator| operator.role);
    if let Some(scope) = new.scopes.iter().find(|scope| !role.may(scope.role())) {
        let say = format!("you may not give {scope}: a key never may more than who makes it");
        return Err(Refused::new("scope_beyond", say).at("scopes").into());
    }
    let actor = maker.map_or(Actor::Console, |operator| Actor::Operator(operator.id));
    write(engine, site, actor, maker.map(|operator| operator.id), new).await
}

/// Makes a key by another one, in its maker's name: both fall with the maker's rights. The caller
/// has checked that the scopes are within those of `by`; it never outlives `by`.
///
/// # Errors
/// As [`make`].
pub async fn make_by_key(
    engine: &Engine,
    site: SiteId,
    by: &ApiKey,
    mut new: NewKey,
) -> Result<(ApiKey, String)> {
    new.expires_at = match (new.expires_at, by.expires_at) {
        (Some(wanted), Some(most)) => Some(wanted.min(most)),
        (wanted, most) => wanted.or(most),
    };
    write(engine, site, Actor::Key(by.id), by.made_by, new).await
}

async fn write(
    engine: &Engine,
    site: SiteId,
    actor: Actor,
    made_by: Option<OperatorId>,
    new: NewKey,
) -> Result<(ApiKey, String)> {
    let name: String = new.name.trim().chars().take(NAME_MAX).collect();
    if name.is_empty() {
        return Err(Refused::new("name_missing", "say what the key is for").at("name").into());
    }
    if new.scopes.is_empty() {
        let say = "choose at least one thing the key may do";
        return Err(Refused::new("scope_missing", say).at("scopes").into());
    }
    let secret: [u8; tokens::KEY_BYTES] = engine.rng().bytes();
    let text = format!("{PREFIX}{}", tokens::secret_text(&secret));
    let key = ApiKey {
        id: KeyId(engine.next_id()),
        name,
        hint: text.chars().take(HINT_CHARS).collect(),
        scopes: new.scopes,
        made_by,
        created_at: engine.now(),
        used_at: None,
        expires_at: new.expires_at,
        revoked_at: None,
    };
    let hash = tokens::hash_secret(&secret);
    let (engine_in, row) = (engine.clone(), key.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                store::keys::insert(tx, site, &row, &hash).await?;
                let made = Made { scopes: &row.scopes };
                audits::record(&engine_in, tx, site, actor, "key.made", row.id, &made).await
            })
        })
        .await?;
    Ok((key, text))
}

/// Revokes a key.
///
/// # Errors
/// There is none that holds.
pub async fn revoke(engine: &Engine, site: SiteId, actor: Actor, id: KeyId) -> Result<()> {
    let engine_in = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                if !store::keys::revoke(tx, site, id, engine_in.now()).await? {
                    return Err(EngineError::missing("key", id));
                }
                audits::record(&engine_in, tx, site, actor, "key.revoked", id, &()).await
            })
        })
        .await
}

/// The key of this text, with what it may do now: what it was given, less what its maker may not
/// do (any more). Nothing where it does not hold.
pub async fn open(engine: &Engine, site: SiteId, text: &str) -> Result<Option<ApiKey>> {
    let Some(secret) = text.strip_prefix(PREFIX).and_then(tokens::secret_bytes) else {
        return Ok(None);
    };
    let hash = tokens::hash_secret(&secret);
    let now = engine.now();
    let found = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let Some(mut key) = store::keys::find_by_hash(session, site, &hash).await? else {
                    return Ok(None);
                };
                if let Some(maker) = key.made_by {
                    let maker = store::operators::find(session, maker).await?;
                    let mut maker = maker.filter(|maker| !maker.disabled);
                    if let Some(found) = &maker {
                        let sites = store::operators::sites_of(session, found).await?;
                        maker = maker.filter(|_| sites.iter().any(|open| open.id == site));
                    }
                    let may = |scope: &Scope| {
                        maker.as_ref().is_some_and(|maker| maker.role.may(scope.role()))
                    };
                    key.scopes.retain(may);
                }
                Ok(Some(key).filter(|key| key.holds(now)))
            })
        })
        .await?;
    if let Some(key) = &found
        && key.used_at.is_none_or(|used| now.since_ms(used) >= USED_EVERY_MS)
    {
        let id = key.id;
        engine
            .write(move |tx| {
                Box::pin(async move { Ok(store::keys::used(tx, site, id, now).await?) })
            })
            .await?;
    }
    Ok(found)
}
