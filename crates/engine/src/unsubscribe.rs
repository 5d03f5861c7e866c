//! Unsubscribing: one press, from a mail program or from the page, and back again within a week.

use model::consents::{Action, NEWSLETTER, Source};
use model::contacts::{Contact, Status, UNDO_DAYS};
use model::ids::{ContactId, MessageId};
use model::messages::{Class, SourceKind};
use model::sites::Site;
use model::tokens::{Purpose, TokenError};
use model::{EmailAddr, Refused};
use serde_json::json;
use store::{Session, Tx};

use crate::consents::{self, Giving};
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::links::{OF_CONTACT, OF_MESSAGE};
use crate::messages::{self, Content, NewMessage};
use crate::{contacts, links, views};

/// Whom an unsubscribe link names.
#[derive(Debug, Clone, PartialEq)]
pub enum Who {
    /// A contact, and the mail the link stood in.
    Contact(Box<Contact>, Option<MessageId>),
    /// Signed under a key that is lost: the person types their address and gets a mail.
    UnknownKey,
    /// Cut or made up; or the contact is gone.
    Invalid,
}

/// Whom the link `/u/{token}` names; changes nothing.
pub async fn look(engine: &Engine, site: &Site, token: &str) -> Result<Who> {
    let token = match engine.keys().open(Purpose::Unsubscribe, token) {
        Ok(token) => token,
        Err(TokenError::UnknownKey(_)) => return Ok(Who::UnknownKey),
        Err(_) => return Ok(Who::Invalid),
    };
    let site = site.id;
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                let (contact, message) = match token.what {
                    OF_CONTACT => (Some(ContactId(token.id)), None),
                    OF_MESSAGE => of_message(session, site, MessageId(token.id)).await?,
                    _ => (None, None),
                };
                let Some(id) = contact else { return Ok(Who::Invalid) };
                let found = store::contacts::find(session, site, id).await?;
                Ok(match found.filter(|contact| !contact.is_erased()) {
                    Some(contact) => Who::Contact(Box::new(contact), message),
                    None => Who::Invalid,
                })
            })
        })
        .await
}

async fn of_message(
    session: &mut Session<'_>,
    site: model::SiteId,
    id: MessageId,
) -> Result<(Option<ContactId>, Option<MessageId>)> {
    let message = store::messages::find(session, site, id).await?;
    Ok((message.and_then(|message| message.contact_id), Some(id)))
}

/// The one press (RFC 8058): all marketing of the site ends, at once. Pressing again changes
/// nothing. `false` where the link names nobody.
pub async fn one_click(engine: &Engine, site: &Site, token: &str) -> Result<bool> {
    let Who::Contact(contact, message) = look(engine, site, token).await? else {
        return Ok(false);
    };
    end(engine, site, contact.id, Source::OneClick, message).await?;
    Ok(true)
}

/// The button of the page: the same, and one mail that says so, with the way back, since the link
/// may have been forwarded.
pub async fn from_page(
    engine: &Engine,
    site: &Site,
    contact: ContactId,
    message: Option<MessageId>,
) -> Result<()> {
    end(engine, site, contact, Source::UnsubscribePage, message).await
}

async fn end(
    engine: &Engine,
    site: &Site,
    contact: ContactId,
    source: Source,
    message: Option<MessageId>,
) -> Result<()> {
    let (of, site, own) = (engine.clone(), site.clone(), site.id);
    engine
        .write(move |tx| {
            Box::pin(async move {
                let from = message.map(|id| id.0);
                let ended = consents::withdraw_all(&of, tx, &site, contact, source, from).await?;
                if ended && source == Source::UnsubscribePage {
                    notice(&of, tx, &site, contact).await?;
                }
                Ok(())
            })
        })
        .await?;
    engine.wake();
    // In a database of its own. If this fails, they have left nonetheless: the hour does it.
    views::forget(engine, own, contact).await
}

async fn notice(engine: &Engine, tx: &mut Tx<'_>, site: &Site, contact: ContactId) -> Result<()> {
    let contact = contacts::get(tx, site.id, contact).await?;
    let day = engine.now().0.div_euclid(model::times::DAY_MS);
    let context = json!({
        "contact": { "first_name": contact.first_name },
        "undo_url": links::unsubscribe_url_of(engine, site, contact.id),
    });
    let message = NewMessage {
        contact_id: Some(contact.id),
        to: EmailAddr::parse(&contact.email)?,
        class: Class::Transactional,
        source_kind: SourceKind::Notice,
        source_id: contact.id.0,
        enrolment_id: None,
        dedupe_key: format!("unsubscribed:{}:{day}", contact.id),
        content: Content::System { name: "unsubscribed", context },
        not_before: None,
        expires_at: None,
    };
    messages::plan(engine, tx, site, message).await.map(drop)
}

/// Whether an unsubscribe can still be taken back.
pub fn can_undo(contact: &Contact, now: model::UtcMs) -> bool {
    contact.status == Status::Unsubscribed
        && contact.unsubscribed_at.is_some_and(|at| now <= at.plus_days(UNDO_DAYS))
}

/// Takes an unsubscribe back: what was withdrawn with it holds again.
///
/// # Errors
/// It was longer ago than a week.
pub async fn undo(engine: &Engine, site: &Site, contact: ContactId) -> Result<()> {
    let (of, site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let mut person = contacts::get_to_change(tx, site.id, contact).await?;
                if person.status == Status::Confirmed {
                    return Ok(());
                }
                if !can_undo(&person, of.now()) {
                    let message = "this was more than a week ago: please sign up again";
                    return Err(Refused::new("undo_over", message).into());
                }
                let at = person.unsubscribed_at;
                let lines = store::consents::list(tx, site.id, contact).await?;
                let ended = lines
                    .into_iter()
                    .filter(|line| line.action == Action::Withdrawn && Some(line.at) == at);
                let mut any = false;
                for line in ended {
                    any |= line.purpose == NEWSLETTER;
                    let giving = Giving {
                        purpose: line.purpose,
                        wording: line.wording_id,
                        source: Source::Undo,
                        source_id: Some(line.id.0),
                        proof: json!({}),
                    };
                    consents::grant(&of, tx, &site, contact, giving).await?;
                }
                if !any {
                    // Nothing had been agreed to: they wait as before.
                    person.status = Status::Pending;
                    person.unsubscribed_at = None;
                    person.updated_at = of.now();
                    store::contacts::update_standing(tx, site.id, &person).await?;
                }
                Ok(())
            })
        })
        .await
}

/// How long another mail with links waits.
const LINKS_EVERY_MS: i64 = model::times::HOUR_MS;

/// Someone whose link cannot be read typed their address: a mail with links that can, if they are
/// a contact. Says nothing about whether they are.
pub async fn send_links(engine: &Engine, site: &Site, address: &EmailAddr) -> Result<()> {
    let (of, site, address) = (engine.clone(), site.clone(), address.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let found = store::contacts::find_by_key(tx, site.id, &address.key()).await?;
                let Some(contact) = found else { return Ok(()) };
                let now = of.now();
                let hmac = contacts::rate_hmac(&of, &address);
                let since = now.plus_ms(-LINKS_EVERY_MS);
                let (kind, max) = ("privacy", i64::MAX);
                let counted =
                    store::suppressions::count_against_limit(tx, &hmac, kind, now, since, max);
                if !counted.await? {
                    return Ok(());
                }
                let context = json!({
                    "contact": { "first_name": contact.first_name },
                    "stop_url": links::unsubscribe_url_of(&of, &site, contact.id),
                    "choose_url": links::preferences_url(&of, &site, contact.id),
                });
                let message = NewMessage {
                    contact_id: Some(contact.id),
                    to: EmailAddr::parse(&contact.email).map_err(EngineError::Refused)?,
                    class: Class::Transactional,
                    source_kind: SourceKind::Notice,
                    source_id: contact.id.0,
                    enrolment_id: None,
                    dedupe_key: format!("links:{}:{}", contact.id, now.0),
                    content: Content::System { name: "your_links", context },
                    not_before: None,
                    expires_at: None,
                };
                messages::plan(&of, tx, &site, message).await.map(drop)
            })
        })
        .await?;
    engine.wake();
    Ok(())
}
