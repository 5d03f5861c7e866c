//! How a site's mail leaves, set by an operator: its mail server, its keys, what is held.

use mail::dkim::{DkimKey, KeyKind, generate, txt_record};
use mail::smtp::Connection;
use model::ids::MessageId;
use model::messages::{Class, SourceKind};
use model::sending::{DkimSettings, SendingSettings, SmtpSettings, SmtpTls, UnsignedAllowed};
use model::sites::Site;
use model::{EmailAddr, Refused, SiteId};
use serde_json::json;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::messages::{Content, NewMessage, enqueue};
use crate::transport::Transport;
use crate::{audits, outbox, secrets};

/// What an operator must type to let marketing mail leave unsigned.
pub const UNSIGNED_WORDS: &str = "send unsigned";
/// Connections a site may hold open.
const CONNECTIONS_MAX: u16 = 64;

/// How mail leaves now, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The relay, `caught`, `folder` or `memory`.
    pub relay: String,
    /// Whether mail is only caught.
    pub is_caught: bool,
    /// Whether the configuration file says so, and the site's own word does not count.
    pub is_fixed: bool,
    /// Why the relay is not used just now.
    pub paused: Option<String>,
    /// Why marketing mail may not leave.
    pub marketing_blocked: Option<String>,
    /// Why nothing is sent at all.
    pub held: Option<String>,
}

/// A mail server as an operator gives it.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: SmtpTls,
    /// The user name; empty for none.
    pub username: String,
    /// The password; `None` keeps the one that is stored.
    pub password: Option<String>,
    /// Connections held open at once.
    pub connections: u16,
    /// Mails a second at most; 0 for no limit.
    pub per_second: u32,
    /// Whether the relay signs.
    pub relay_signs: bool,
}

/// How mail leaves now.
///
/// # Errors
/// The database fails, or a stored secret cannot be opened.
pub async fn status(engine: &Engine, site: SiteId) -> Result<Status> {
    let route = engine.delivery().route(engine, site).await?;
    Ok(Status {
        relay: route.transport.name(),
        is_caught: matches!(route.transport, Transport::Caught),
        is_fixed: engine.sending().transport.is_some(),
        paused: route.paused(),
        marketing_blocked: route.marketing_blocked.clone(),
        held: crate::guard::held(engine).await?,
    })
}

/// Sets the mail server. Nothing that was caught before is sent.
///
/// # Errors
/// A field that must be mended.
pub async fn set_smtp(engine: &Engine, site: &Site, given: Smtp) -> Result<()> {
    let host = given.host.trim().to_owned();
    if host.is_empty() || host.contains(char::is_whitespace) {
        let message = "give the name of the mail server, as in smtp.example.com";
        return Err(Refused::new("host_invalid", message).at("host").into());
    }
    if given.connections == 0 || given.connections > CONNECTIONS_MAX {
        let message = format!("choose 1 to {CONNECTIONS_MAX} connections");
        return Err(Refused::new("connections_invalid", message).at("connections").into());
    }
    let before = site.settings.sending.smtp.as_ref();
    let password_sealed = match &given.password {
        Some(password) if password.is_empty() => String::new(),
        Some(password) => secrets::seal(engine, password.as_bytes())?,
        None => before.map(|smtp| smtp.password_sealed.clone()).unwrap_or_default(),
    };
    let smtp = SmtpSettings {
        host,
        port: given.port,
        tls: given.tls,
        username: given.username.trim().to_owned(),
        password_sealed,
        connections: given.connections,
        per_second: given.per_second,
        relay_signs: given.relay_signs,
    };
    // A password never goes over an open wire (G4).
    let loopback = Transport::smtp(&smtp, String::new(), "x").is_local();
    if smtp.tls == SmtpTls::None && !smtp.username.is_empty() && !loopback {
        let message = "without TLS the password could be read by all: choose STARTTLS or TLS";
        return Err(Refused::new("tls_needed", message).at("tls").into());
    }
    change(engine, site.id, "sending.smtp_set", |sending| sending.smtp = Some(smtp)).await
}

/// Takes the mail server away: mail is caught again.
///
/// # Errors
/// The database fails.
pub async fn remove_smtp(engine: &Engine, site: &Site) -> Result<()> {
    change(engine, site.id, "sending.smtp_removed", |sending| sending.smtp = None).await
}

/// Connects, says hello, encrypts and logs in, and nothing more.
///
/// # Errors
/// What the server said.
pub async fn try_smtp(engine: &Engine, site: SiteId) -> Result<()> {
    let route = engine.delivery().route(engine, site).await?;
    let Some(smtp) = route.smtp() else {
        return Err(Refused::new("smtp_missing", "set a mail server first").into());
    };
    match Connection::open(&smtp.relay).await {
        Ok(conn) => {
            conn.quit().await;
            route.works();
            Ok(())
        }
        Err(failure) => Err(Refused::new("smtp_failed", failure.why).at("host").into()),
    }
}

/// Makes a signing key, `rsa` or `ed25519`. What was held because it would have left unsigned is
/// released.
///
/// # Errors
/// The selector is taken or cannot be one.
pub async fn make_dkim(engine: &Engine, site: &Site, selector: &str, kind: &str) -> Result<()> {
    let kind = if kind == "ed25519" { KeyKind::Ed25519 } else { KeyKind::Rsa };
    let selector = selector.trim().to_ascii_lowercase();
    if site.settings.sending.dkim.iter().any(|key| key.selector == selector) {
        let message = "there is a key with this selector: choose another one";
        return Err(Refused::new("selector_taken", message).at("selector").into());
    }
    let rng = engine.rng().clone();
    let pem = tokio::task::spawn_blocking(move || {
        generate(kind, |octets| {
            for chunk in octets.chunks_mut(32) {
                let random: [u8; 32] = rng.bytes();
                for (to, from) in chunk.iter_mut().zip(random) {
                    *to = from;
                }
            }
        })
    })
    .await
    .map_err(|_| EngineError::Fault("making a key broke off".to_owned()))??;
    let record = txt_record(&DkimKey::from_pem(&pem)?);
    let domain = site.sender_domain().to_ascii_lowercase();
    // Refuses a selector or a domain that cannot stand in DNS.
    mail::dkim::Signer::new(&domain, &selector, DkimKey::from_pem(&pem)?)
        .map_err(|e| e.at("selector"))?;
    let key = DkimSettings {
        selector,
        domain,
        kind: kind.as_str().to_owned(),
        private_sealed: secrets::seal(engine, pem.as_bytes())?,
        record,
        made_at: engine.now(),
    };
    change(engine, site.id, "sending.dkim_made", |sending| {
        sending.dkim.push(key);
        // RSA first: everybody understands it.
        sending.dkim.sort_by_key(|key| key.kind != "rsa");
    })
    .await?;
    outbox::release_held(engine, site, "unsigned").await.map(drop)
}

/// Takes a signing key away.
///
/// # Errors
/// The database fails.
pub async fn remove_dkim(engine: &Engine, site: &Site, selector: &str) -> Result<()> {
    let selector = selector.to_owned();
    change(engine, site.id, "sending.dkim_removed", move |sending| {
        sending.dkim.retain(|key| key.selector != selector);
    })
    .await
}

/// Lets marketing mail leave unsigned; `typed` must be [`UNSIGNED_WORDS`].
///
/// # Errors
/// Something else was typed.
pub async fn allow_unsigned(engine: &Engine, site: &Site, by: &str, typed: &str) -> Result<()> {
    if typed.trim() != UNSIGNED_WORDS {
        let message = format!("type \"{UNSIGNED_WORDS}\" to say that you mean it");
        return Err(Refused::new("words_wrong", message).at("typed").into());
    }
    let allowed = UnsignedAllowed { by: by.to_owned(), at: engine.now() };
    change(engine, site.id, "sending.unsigned_allowed", |sending| {
        sending.unsigned_allowed = Some(allowed);
    })
    .await?;
    outbox::release_held(engine, site, "unsigned").await.map(drop)
}

/// Takes that word back.
///
/// # Errors
/// The database fails.
pub async fn forbid_unsigned(engine: &Engine, site: &Site) -> Result<()> {
    change(engine, site.id, "sending.unsigned_forbidden", |sending| {
        sending.unsigned_allowed = None;
    })
    .await
}

/// Sets for which classes a doubtful message is held instead of sent again.
///
/// # Errors
/// The database fails.
pub async fn hold_unknown(engine: &Engine, site: &Site, classes: Vec<Class>) -> Result<()> {
    change(engine, site.id, "sending.doubtful_set", |sending| sending.unknown_hold = classes).await
}

/// Sends a test of how mail leaves to one address; its message.
///
/// # Errors
/// The database fails.
pub async fn send_test(engine: &Engine, site: Site, to: EmailAddr) -> Result<Option<MessageId>> {
    let route = engine.delivery().route(engine, site.id).await?;
    let signed = route.sender.signers.first().map(|signer| signer.record_name());
    let context = json!({ "relay": route.transport.name(), "signed": signed });
    let new = NewMessage {
        contact_id: None,
        to,
        class: Class::Transactional,
        source_kind: SourceKind::Test,
        source_id: 0,
        enrolment_id: None,
        dedupe_key: format!("test:{}", engine.next_id()),
        content: Content::System { name: "operator_test", context },
        not_before: None,
        expires_at: None,
    };
    enqueue(engine, site, new).await
}

/// Changes how a site's mail leaves, as it stands now, and says so in the audit log.
async fn change(
    engine: &Engine,
    site: SiteId,
    action: &'static str,
    change: impl FnOnce(&mut SendingSettings) + Send + 'static,
) -> Result<()> {
    let of = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                let mut known = store::sites::find(tx, site)
                    .await?
                    .ok_or_else(|| EngineError::missing("site", site))?;
                change(&mut known.settings.sending);
                store::sites::put(tx, &known, of.now()).await?;
                audits::note(&of, tx, site, action, site, &()).await
            })
        })
        .await
}
