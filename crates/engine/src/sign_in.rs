//! Signing in: by password, then by code where there is a second step; or by a link that works
//! once. A wrong address and a wrong password look and last the same.

use model::audits::Actor;
use model::ids::SessionId;
use model::operators::{LinkKind, Operator, Stage};
use model::{EmailAddr, Refused, UtcMs, tokens};
use store::Tx;
use store::sessions::SignIn;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{audits, passwords, second_step, sessions};

/// Wrong tries a network has more than an account: an office shares one.
const NET_FREE: u32 = 20;

/// From where and with what someone knocks.
#[derive(Debug, Clone, Default)]
pub struct Door {
    /// The network, for back-off in memory only; never stored.
    pub net: String,
    /// The browser in a few words.
    pub browser: String,
    /// The sign-in this browser had before; it ends.
    pub before: Option<SessionId>,
}

/// How a sign-in went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// What goes into the cookie.
    pub token: String,
    /// Whether the code is still to come.
    pub needs_code: bool,
}

/// Signs in with address and password.
///
/// # Errors
/// `sign_in_wrong`, `sign_in_wait`.
pub async fn with_password(
    engine: &Engine,
    door: Door,
    address: &str,
    password: &str,
) -> Result<SignedIn> {
    let key = EmailAddr::parse(address).map(|address| address.key()).unwrap_or_default();
    let account = format!("account {key}");
    let net = format!("net {}", door.net);
    refuse_soon(engine, &[&account, &net])?;
    let wanted = key.clone();
    let found = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::operators::find_by_key(session, &wanted).await?) })
        })
        .await?
        .filter(|operator| !operator.disabled);
    let hash = found.as_ref().and_then(|operator| operator.password_hash.clone());
    let right = passwords::holds(engine, password, hash).await?;
    let Some(operator) = found.filter(|_| right) else {
        engine.throttle().wrong(&account, engine.now(), 0);
        engine.throttle().wrong(&net, engine.now(), NET_FREE);
        return Err(wrong().into());
    };
    engine.throttle().right(&account);
    let engine_in = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                // Hashing took its time: what was found before may be true no more.
                let now = store::operators::find(tx, operator.id).await?;
                let operator = now
                    .filter(|now| !now.disabled && now.password_hash == operator.password_hash)
                    .ok_or_else(wrong)?;
                enter(&engine_in, tx, &door, operator, "password").await
            })
        })
        .await
}

/// Ends the second step of a sign-in with a code of the app, or a recovery code.
///
/// # Errors
/// `code_wrong`, `sign_in_wait`.
pub async fn with_code(
    engine: &Engine,
    begun: &SignIn,
    door: Door,
    code: &str,
) -> Result<SignedIn> {
    let account = format!("code {}", begun.operator_id);
    let net = format!("net {}", door.net);
    refuse_soon(engine, &[&account, &net])?;
    let (begun, code) = (begun.clone(), code.to_owned());
    let engine_in = engine.clone();
    let outcome = engine
        .write(move |tx| {
            Box::pin(async move {
                let before = store::operators::find(tx, begun.operator_id)
                    .await?
                    .ok_or_else(|| EngineError::missing("operator", begun.operator_id))?;
                let Some(operator) = second_step::spend(&engine_in, before.clone(), &code)? else {
                    return Ok(None);
                };
                if !store::operators::spend_code(tx, &before, &operator).await? {
                    return Ok(None);
                }
                let door = Door { before: Some(begun.id), ..door };
                finish(&engine_in, tx, &door, operator, "code").await.map(Some)
            })
        })
        .await?;
    match outcome {
        Some(signed_in) => {
            engine.throttle().right(&account);
            Ok(signed_in)
        }
        None => {
            engine.throttle().wrong(&account, engine.now(), 0);
            engine.throttle().wrong(&net, engine.now(), NET_FREE);
            let say = "this code is not right, or was used already: type the one shown now";
            Err(Refused::new("code_wrong", say).at("code").into())
        }
    }
}

/// Signs in with a link that works once. A second step is still asked for.
///
/// # Errors
/// `link_used`.
pub async fn with_link(engine: &Engine, door: Door, token: &str) -> Result<SignedIn> {
    let hash = link_hash(token)?;
    let engine_in = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let operator = use_link(tx, &hash, &[LinkKind::SignIn], engine_in.now()).await?;
                enter(&engine_in, tx, &door, operator, "link").await
            })
        })
        .await
}

/// Whom the link would let in, without using it up.
///
/// # Errors
/// `link_used`.
pub async fn look_at_link(
    engine: &Engine,
    token: &str,
    kinds: &'static [LinkKind],
) -> Result<Operator> {
    let hash = link_hash(token)?;
    let now = engine.now();
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                let link = store::operator_links::find(session, &hash)
                    .await?
                    .filter(|link| kinds.contains(&link.kind))
                    .filter(|link| link.used_at.is_none() && link.expires_at > now)
                    .ok_or_else(used)?;
                let found = store::operators::find(session, link.operator_id).await?;
                Ok(found.filter(|operator| !operator.disabled).ok_or_else(used)?)
            })
        })
        .await
}

pub(crate) fn link_hash(token: &str) -> Result<String> {
    Ok(tokens::hash_secret(&tokens::secret_bytes(token).ok_or_else(used)?))
}

/// Uses a link up; whom it is for.
pub(crate) async fn use_link(
    tx: &mut Tx<'_>,
    hash: &str,
    kinds: &[LinkKind],
    now: UtcMs,
) -> Result<Operator> {
    let link = store::operator_links::find(tx, hash)
        .await?
        .filter(|link| kinds.contains(&link.kind) && link.expires_at > now)
        .ok_or_else(used)?;
    if !store::operator_links::use_up(tx, link.id, now).await? {
        return Err(used().into());
    }
    let found = store::operators::find(tx, link.operator_id).await?;
    Ok(found.filter(|operator| !operator.disabled).ok_or_else(used)?)
}

/// The first step is taken: in, or on to the second.
async fn enter(
    engine: &Engine,
    tx: &mut Tx<'_>,
    door: &Door,
    operator: Operator,
    how: &str,
) -> Result<SignedIn> {
    if !operator.has_second_step() {
        return finish(engine, tx, door, operator, how).await;
    }
    leave_before(tx, door).await?;
    let token = sessions::begin(engine, tx, operator.id, Stage::Code, &door.browser).await?;
    Ok(SignedIn { token, needs_code: true })
}

async fn finish(
    engine: &Engine,
    tx: &mut Tx<'_>,
    door: &Door,
    operator: Operator,
    how: &str,
) -> Result<SignedIn> {
    leave_before(tx, door).await?;
    if !store::operators::sign_in(tx, operator.id, engine.now()).await? {
        return Err(wrong().into());
    }
    let token = sessions::begin(engine, tx, operator.id, Stage::Full, &door.browser).await?;
    let actor = Actor::Operator(operator.id);
    let site = audits::INSTALLATION;
    audits::record(engine, tx, site, actor, "operator.signed_in", operator.id, &how).await?;
    Ok(SignedIn { token, needs_code: false })
}

async fn leave_before(tx: &mut Tx<'_>, door: &Door) -> Result<()> {
    if let Some(before) = door.before {
        store::sessions::delete(tx, before).await?;
    }
    Ok(())
}

pub(crate) fn refuse_soon(engine: &Engine, keys: &[&str]) -> Result<()> {
    let now = engine.now();
    let wait = keys.iter().filter_map(|key| engine.throttle().wait_ms(key, now)).max();
    let Some(ms) = wait else { return Ok(()) };
    let seconds = ms / 1_000 + 1;
    let say = format!("too many tries: please wait {seconds} seconds and try again");
    Err(Refused::new("sign_in_wait", say).into())
}

fn wrong() -> Refused {
    Refused::new("sign_in_wrong", "this address and password do not belong together").at("password")
}

fn used() -> Refused {
    Refused::new("link_used", "this link was used already or is over: please ask for a new one")
}
