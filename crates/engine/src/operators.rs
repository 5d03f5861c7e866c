//! Operators: made, invited, changed; and their passwords.

use model::audits::Actor;
use model::ids::{OperatorId, SessionId};
use model::messages::{Class, SourceKind};
use model::operators::{INVITE_MS, LinkKind, Operator, RESET_MS, Role};
use model::sites::Site;
use model::times::HOUR_MS;
use model::{EmailAddr, Refused, SiteId, tokens};
use serde::Serialize;
use store::operator_links::OperatorLink;
use store::{Session, Tx};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::messages::{Content, NewMessage};
use crate::sessions::Present;
use crate::{audits, messages, passwords, sign_in};

/// How long a printed sign-in link holds.
const SIGN_IN_LINK_MS: i64 = HOUR_MS;

/// A new operator.
#[derive(Debug, Clone)]
pub struct NewOperator {
    /// Their address.
    pub email: String,
    /// Their name, or empty.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Their password; `None` where they will choose one by an invitation.
    pub password: Option<String>,
    /// The sites they may open; an owner may open all.
    pub sites: Vec<SiteId>,
}

/// What the audit log says of a change of roles.
#[derive(Debug, Serialize)]
struct RoleSet {
    role: Role,
}

/// What the audit log says of a link.
#[derive(Debug, Serialize)]
struct LinkMade {
    kind: &'static str,
}

/// Makes an operator.
///
/// # Errors
/// The address or the password cannot be used; `operator_exists`.
pub async fn add(engine: &Engine, actor: Actor, new: NewOperator) -> Result<OperatorId> {
    let (operator, key) = prepare(engine, &new).await?;
    let id = operator.id;
    let engine_in = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(
                async move { insert(&engine_in, tx, actor, &operator, &key, &new.sites).await },
            )
        })
        .await?;
    Ok(id)
}

/// The row of a new operator and the key of their address; hashes, so not in a transaction.
pub(crate) async fn prepare(engine: &Engine, new: &NewOperator) -> Result<(Operator, String)> {
    let email = EmailAddr::parse(&new.email).map_err(|refused| refused.at("email"))?;
    let hash = match &new.password {
        Some(password) => {
            model::passwords::check(password, email.as_str(), &[])?;
            Some(passwords::hash(engine, password).await?)
        }
        None => None,
    };
    let operator = Operator {
        id: OperatorId(engine.next_id()),
        email: email.as_str().to_owned(),
        name: new.name.trim().to_owned(),
        role: new.role,
        password_hash: hash,
        totp_secret: None,
        totp_step: 0,
        recovery_codes: Vec::new(),
        disabled: false,
        created_at: engine.now(),
        signed_in_at: None,
    };
    Ok((operator, email.key()))
}

pub(crate) async fn insert(
    engine: &Engine,
    tx: &mut Tx<'_>,
    actor: Actor,
    operator: &Operator,
    key: &str,
    sites: &[SiteId],
) -> Result<()> {
    if store::operators::find_by_key(tx, key).await?.is_some() {
        let say = "someone with this address signs in here already";
        return Err(Refused::new("operator_exists", say).at("email").into());
    }
    store::operators::insert(tx, operator, key).await?;
    store::operators::set_sites(tx, operator.id, sites).await?;
    let set = RoleSet { role: operator.role };
    let site = audits::INSTALLATION;
    audits::record(engine, tx, site, actor, "operator.added", operator.id, &set).await
}

/// A link that signs this operator in once, within an hour: the token for
/// `/admin/sign-in/link/{token}`.
///
/// # Errors
/// There is no such operator, or not for `actor`.
pub async fn sign_in_link(engine: &Engine, actor: Actor, operator: OperatorId) -> Result<String> {
    link(engine, actor, operator, LinkKind::SignIn, SIGN_IN_LINK_MS).await
}

/// A link by which an operator chooses their password: the token for `/admin/password/{token}`.
///
/// # Errors
/// As [`sign_in_link`].
pub async fn invite_link(engine: &Engine, actor: Actor, operator: OperatorId) -> Result<String> {
    link(engine, actor, operator, LinkKind::Invite, INVITE_MS).await
}

async fn link(
    engine: &Engine,
    actor: Actor,
    operator: OperatorId,
    kind: LinkKind,
    ms: i64,
) -> Result<String> {
    let secret: [u8; tokens::KEY_BYTES] = engine.rng().bytes();
    let link = OperatorLink {
        id: engine.next_id(),
        operator_id: operator,
        kind,
        expires_at: engine.now().plus_ms(ms),
        used_at: None,
    };
    let hash = tokens::hash_secret(&secret);
    let engine_in = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                within_reach(tx, actor, operator).await?;
                store::operator_links::insert(tx, &link, &hash).await?;
                let (home, said) = (audits::INSTALLATION, LinkMade { kind: kind.as_str() });
                let action = "operator.link_made";
                audits::record(&engine_in, tx, home, actor, action, operator, &said).await
            })
        })
        .await?;
    Ok(tokens::secret_text(&secret))
}

/// Whether someone who signed in may see another operator, and change one of no higher role: only
/// where they may open all the other's sites, or they could sign in as the other and have more.
///
/// # Errors
/// The database fails.
pub async fn reaches(session: &mut Session<'_>, by: &Operator, other: &Operator) -> Result<bool> {
    if by.role == Role::Owner {
        return Ok(true);
    }
    let own = store::operators::sites_of(session, by).await?;
    let theirs = store::operators::sites_of(session, other).await?;
    Ok(theirs.iter().all(|site| own.iter().any(|o| o.id == site.id)))
}

/// The operator, where `actor` may act on them. A console may act on all.
async fn within_reach(tx: &mut Tx<'_>, actor: Actor, id: OperatorId) -> Result<Operator> {
    let missing = || EngineError::missing("operator", id);
    let other = store::operators::find(tx, id).await?.ok_or_else(missing)?;
    let Actor::Operator(by) = actor else { return Ok(other) };
    let by = store::operators::find(tx, by).await?.ok_or_else(missing)?;
    let reached = by.role.may(other.role) && reaches(tx, &by, &other).await?;
    if reached { Ok(other) } else { Err(missing()) }
}

/// Chooses a password by a reset or invitation link. Every sign-in and every other link of the
/// operator ends; a second step stays.
///
/// # Errors
/// `link_used`; the password cannot be used.
pub async fn choose_password(engine: &Engine, token: &str, password: &str) -> Result<()> {
    const KINDS: &[LinkKind] = &[LinkKind::Reset, LinkKind::Invite];
    let hash = sign_in::link_hash(token)?;
    let known = sign_in::look_at_link(engine, token, KINDS).await?;
    model::passwords::check(password, &known.email, &[])?;
    let password_hash = passwords::hash(engine, password).await?;
    let engine_in = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let now = engine_in.now();
                let mut operator = sign_in::use_link(tx, &hash, KINDS, now).await?;
                operator.password_hash = Some(password_hash);
                password_set(&engine_in, tx, &operator, SessionId(0), Actor::Operator(operator.id))
                    .await
            })
        })
        .await
}

/// Changes one's own password. Every other sign-in and every link of the operator ends.
///
/// # Errors
/// `password_wrong`; the new one cannot be used.
pub async fn change_password(
    engine: &Engine,
    present: &Present,
    old: &str,
    new: &str,
) -> Result<()> {
    let mut operator = present.operator.clone();
    // Wrong tries wait as at the sign-in: a stolen cookie must not guess the password.
    let account = format!("password {}", operator.id);
    sign_in::refuse_soon(engine, &[&account])?;
    let known = operator.password_hash.clone();
    if known.is_some() && !passwords::holds(engine, old, known.clone()).await? {
        engine.throttle().wrong(&account, engine.now(), 0);
        return Err(old_wrong().into());
    }
    engine.throttle().right(&account);
    model::passwords::check(new, &operator.email, &[])?;
    operator.password_hash = Some(passwords::hash(engine, new).await?);
    let keep = present.sign_in.id;
    let engine_in = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                // Hashing took its time: it may have been changed meanwhile.
                let now = store::operators::find(tx, operator.id).await?;
                if now.is_none_or(|now| now.password_hash != known) {
                    return Err(old_wrong().into());
                }
                password_set(&engine_in, tx, &operator, keep, Actor::Operator(operator.id)).await
            })
        })
        .await
}

fn old_wrong() -> Refused {
    Refused::new("password_wrong", "this is not your password of now").at("old_password")
}

/// Sets a password from the machine itself.
///
/// # Errors
/// There is no such operator; the password cannot be used.
pub async fn reset_password(engine: &Engine, address: &str, password: &str) -> Result<()> {
    let mut operator = find(engine, address).await?;
    model::passwords::check(password, &operator.email, &[])?;
    operator.password_hash = Some(passwords::hash(engine, password).await?);
    let engine_in = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                password_set(&engine_in, tx, &operator, SessionId(0), Actor::Console).await
            })
        })
        .await
}

async fn password_set(
    engine: &Engine,
    tx: &mut Tx<'_>,
    operator: &Operator,
    keep: SessionId,
    actor: Actor,
) -> Result<()> {
    store::operators::set_password(tx, operator.id, operator.password_hash.clone()).await?;
    store::sessions::delete_of(tx, operator.id, keep).await?;
    store::operator_links::end_of(tx, operator.id, engine.now()).await?;
    let site = audits::INSTALLATION;
    audits::record(engine, tx, site, actor, "operator.password_set", operator.id, &()).await
}

/// The operator with this address.
///
/// # Errors
/// There is none.
pub async fn find(engine: &Engine, address: &str) -> Result<Operator> {
    let key = EmailAddr::parse(address)?.key();
    let shown = address.to_owned();
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                store::operators::find_by_key(session, &key)
                    .await?
                    .ok_or_else(|| EngineError::missing("operator", shown))
            })
        })
        .await
}

/// Sets what an operator may do, which sites they may open, and whether they may sign in at all.
/// Their sign-ins end, so that none keeps rights it began with.
///
/// # Errors
/// There is no such operator, or not for `actor`; `owner_needed` where nobody could sign in as
/// owner any more.
pub async fn set_rights(
    engine: &Engine,
    actor: Actor,
    id: OperatorId,
    role: Role,
    sites: Vec<SiteId>,
    may_sign_in: MaySignIn,
) -> Result<()> {
    let engine_in = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                within_reach(tx, actor, id).await?;
                let disabled = may_sign_in == MaySignIn::No;
                store::operators::set_rights(tx, id, role, disabled).await?;
                store::operators::set_sites(tx, id, &sites).await?;
                if store::operators::count_owners(tx).await? == 0 {
                    let say = "someone must stay owner: make another owner first";
                    return Err(Refused::new("owner_needed", say).at("role").into());
                }
                store::sessions::delete_of(tx, id, SessionId(0)).await?;
                store::operator_links::end_of(tx, id, engine_in.now()).await?;
                let site = audits::INSTALLATION;
                let set = RoleSet { role };
                audits::record(&engine_in, tx, site, actor, "operator.rights_set", id, &set).await
            })
        })
        .await
}

/// Whether an operator may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaySignIn {
    /// They may.
    Yes,
    /// Not any more.
    No,
}

/// Sends a link to choose a new password to the operator with this address, if there is one. The
/// caller tells nobody whether there is. Asked for too often, nothing is sent. `admin_host` is the
/// host of the admin, where it has one of its own.
///
/// # Errors
/// The database fails.
pub async fn ask_for_reset(
    engine: &Engine,
    site: &Site,
    admin_host: Option<&str>,
    address: &str,
) -> Result<()> {
    let Ok(to) = EmailAddr::parse(address) else { return Ok(()) };
    let bucket = format!("reset {}", to.key());
    if engine.throttle().wait_ms(&bucket, engine.now()).is_some() {
        return Ok(());
    }
    engine.throttle().wrong(&bucket, engine.now(), 0);
    let (of, site, key) = (engine.clone(), site.clone(), to.key());
    let admin = site.admin_url(admin_host, "/admin");
    engine
        .write(move |tx| {
            Box::pin(async move {
                let found = store::operators::find_by_key(tx, &key).await?;
                match found.filter(|operator| !operator.disabled) {
                    Some(operator) => send_reset(&of, tx, &site, &admin, &operator).await,
                    None => Ok(()),
                }
            })
        })
        .await?;
    engine.wake();
    Ok(())
}

async fn send_reset(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    admin: &str,
    operator: &Operator,
) -> Result<()> {
    let secret: [u8; tokens::KEY_BYTES] = engine.rng().bytes();
    let link = OperatorLink {
        id: engine.next_id(),
        operator_id: operator.id,
        kind: LinkKind::Reset,
        expires_at: engine.now().plus_ms(RESET_MS),
        used_at: None,
    };
    store::operator_links::insert(tx, &link, &tokens::hash_secret(&secret)).await?;
    let url = format!("{admin}/password/{}", tokens::secret_text(&secret));
    let context = serde_json::json!({
        "title": "Choose a new password",
        "sentence": "Somebody asked for a new password for this address, to sign in and run the shop.",
        "url": url,
    });
    let new = NewMessage {
        contact_id: None,
        to: EmailAddr::parse(&operator.email)?,
        class: Class::Transactional,
        source_kind: SourceKind::Reset,
        source_id: operator.id.0,
        enrolment_id: None,
        dedupe_key: format!("reset:{}", link.id),
        content: Content::System { name: "sign_in", context },
        not_before: None,
        expires_at: Some(link.expires_at),
    };
    messages::plan(engine, tx, site, new).await?;
    let (actor, home) = (Actor::System, audits::INSTALLATION);
    audits::record(engine, tx, home, actor, "operator.reset_asked", operator.id, &()).await
}
