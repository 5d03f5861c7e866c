//! What an operator sees and does of messages: one as it was sent, held, released, tried again.

use model::ids::MessageId;
use model::messages::{SourceKind, State};
use model::sites::Site;
use model::{Refused, SiteId};
use store::messages::Message;

use crate::audits;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::letters::Frozen;

/// A message as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The subject.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The text part.
    pub plain: String,
    /// The bytes on the wire, dots not doubled.
    pub source: String,
    /// Whether these are the bytes that were sent, by their hash; `None` where none were.
    pub same: Option<bool>,
}

/// Renders a message from what was frozen: the same bytes as were sent, unless something of the
/// site or of this program changed since, and then it says so.
///
/// # Errors
/// There is no such message, or it does not render.
pub async fn show(engine: &Engine, site: SiteId, id: MessageId) -> Result<(Message, Shown)> {
    let message = find(engine, site, id).await?;
    if message.source_kind == SourceKind::Reset {
        // Whoever may look at mails must not learn the way to another operator's password.
        let only_its_reader =
            "this mail holds a link to choose a password; its reader alone sees it";
        let shown = Shown {
            subject: "Choose a new password".to_owned(),
            html: only_its_reader.to_owned(),
            plain: only_its_reader.to_owned(),
            source: only_its_reader.to_owned(),
            same: None,
        };
        return Ok((message, shown));
    }
    let compiled = match message.version_id {
        None => None,
        Some(version) => {
            let found = engine.delivery().compiled(engine, site, version).await?;
            Some(found.map_err(|why| Refused::new("message_broken", why))?)
        }
    };
    let route = engine.delivery().route(engine, site).await?;
    let frozen = frozen(engine, &message);
    let broken = |why: String| Refused::new("message_broken", why);
    let words = route.sender.render(engine, &frozen, compiled.as_ref()).map_err(broken)?;
    let sealed = route.sender.seal(engine, &frozen, compiled.as_ref());
    let (source, same) = match sealed {
        Ok(sealed) => {
            let same = message.data_sha256.as_ref().map(|was| *was == sealed.sha256);
            (String::from_utf8_lossy(&sealed.bytes).into_owned(), same)
        }
        // Erased: nobody it could be addressed to any more.
        Err(why) => (why, None),
    };
    let shown =
        Shown { subject: words.subject, html: words.html, plain: words.plain, source, same };
    Ok((message, shown))
}

fn frozen(engine: &Engine, message: &Message) -> Frozen {
    Frozen {
        id: message.id,
        class: message.class,
        source_kind: message.source_kind,
        source_id: message.source_id,
        contact_id: message.contact_id,
        to_address: message.to_address.clone(),
        system_name: message.system_name.clone(),
        context: message.context.clone(),
        message_id: message.message_id.clone(),
        date_at: message.date_at.unwrap_or_else(|| engine.now()),
    }
}

async fn find(engine: &Engine, site: SiteId, id: MessageId) -> Result<Message> {
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let found = store::messages::find(session, site, id).await?;
                found.ok_or_else(|| EngineError::missing("message", id))
            })
        })
        .await
}

/// The subject of a message, where it still renders: for lists.
pub async fn subject(engine: &Engine, message: &Message) -> Option<String> {
    let compiled = match message.version_id {
        None => None,
        Some(version) => {
            let found = engine.delivery().compiled(engine, message.site_id, version).await;
            Some(found.ok()?.ok()?)
        }
    };
    let route = engine.delivery().route(engine, message.site_id).await.ok()?;
    let frozen = frozen(engine, message);
    route.sender.subject(engine, &frozen, compiled.as_ref()).ok()
}

/// Whether an operator may do that with a message as it stands.
pub fn may(message: &Message, act: Act) -> bool {
    allowed(message, act).is_ok()
}

/// What an operator may do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Try it now: one that failed, is deferred, held or doubtful.
    Retry,
    /// Keep it back for a person.
    Hold,
    /// Never send it.
    Cancel,
}

/// Does it.
///
/// # Errors
/// There is no such message, or it stands where that cannot be done.
pub async fn act(engine: &Engine, site: SiteId, id: MessageId, act: Act) -> Result<State> {
    let (now, of) = (engine.now(), engine.clone());
    let to = engine
        .write(move |tx| {
            Box::pin(async move {
                let found = store::messages::find(tx, site, id).await?;
                let message = found.ok_or_else(|| EngineError::missing("message", id))?;
                let to = allowed(&message, act)?;
                let why = match act {
                    Act::Retry => None,
                    Act::Hold => Some("held by an operator"),
                    Act::Cancel => Some("cancelled by an operator"),
                };
                let done = match (act, message.state) {
                    (Act::Retry, State::Held) => store::messages::release(tx, site, id, now).await,
                    (_, from) => store::messages::shift(tx, site, id, from, to, why, now).await,
                }?;
                if !done {
                    let moved = "the message has moved on; look again".to_owned();
                    return Err(EngineError::Conflict(moved));
                }
                let action = match act {
                    Act::Retry => "message.retried",
                    Act::Hold => "message.held",
                    Act::Cancel => "message.cancelled",
                };
                audits::note(&of, tx, site, action, id, &()).await?;
                Ok(to)
            })
        })
        .await?;
    engine.wake();
    Ok(to)
}

fn allowed(message: &Message, act: Act) -> std::result::Result<State, Refused> {
    let from = message.state;
    let waits = matches!(from, State::Planned | State::Queued | State::Deferred | State::Held);
    let may = match act {
        Act::Retry => matches!(
            from,
            State::Failed | State::Deferred | State::Held | State::Unknown | State::Planned
        ),
        Act::Hold => waits && from != State::Held,
        Act::Cancel => waits || from == State::Unknown,
    };
    let to = match act {
        Act::Retry => State::Queued,
        Act::Hold => State::Held,
        Act::Cancel => State::Cancelled,
    };
    if may {
        Ok(to)
    } else {
        let message = format!("a message that is {from} cannot become {to}");
        Err(Refused::new("message_state", message))
    }
}

/// Held messages released in one transaction.
const RELEASED_AT_ONCE: u16 = 500;

/// Releases every held message of a site whose reason begins with `because`; how many.
///
/// # Errors
/// The database fails.
pub async fn release_held(engine: &Engine, site: &Site, because: &str) -> Result<u64> {
    let (site, now, mut count) = (site.id, engine.now(), 0);
    loop {
        let because = because.to_owned();
        let most = i64::from(RELEASED_AT_ONCE);
        let released = engine
            .write(move |tx| {
                Box::pin(async move {
                    Ok(store::messages::release_like(tx, site, &because, now, most).await?)
                })
            })
            .await?;
        count += released;
        if released < u64::from(RELEASED_AT_ONCE) {
            engine.wake();
            return Ok(count);
        }
    }
}
