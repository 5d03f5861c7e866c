//! Plans messages: W0, the row that is written with its cause before anything leaves.

use model::UtcMs;
use model::emails::EmailAddr;
use model::ids::{ContactId, EnrolmentId, MessageId, TemplateVersionId};
use model::messages::{Class, SourceKind, State, message_id_text};
use model::sites::Site;
use store::Tx;
use store::messages::Insert;

use crate::caps::{self, PutOff};
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::render::contact_view;

/// What a message says.
#[derive(Debug, Clone)]
pub enum Content {
    /// One of our own templates, `engine/templates/email/<name>/`.
    System {
        /// The folder's name.
        name: &'static str,
        /// What the template sees, frozen; the site, the sender and the links of the frame are
        /// added when it is rendered.
        context: serde_json::Value,
    },
    /// A user's template, frozen.
    Template {
        /// The version.
        version: TemplateVersionId,
        /// What it sees besides the contact and the site.
        extra: serde_json::Value,
    },
}

/// A message to be planned.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// To whom, where it is a contact.
    pub contact_id: Option<ContactId>,
    /// The address.
    pub to: EmailAddr,
    /// What kind of mail it is to the one who gets it.
    pub class: Class,
    /// What it comes from.
    pub source_kind: SourceKind,
    /// Which one of these.
    pub source_id: i64,
    /// The enrolment whose exits are looked at before it leaves.
    pub enrolment_id: Option<EnrolmentId>,
    /// Two messages of a site never share it: `doi:con_…:2`.
    pub dedupe_key: String,
    /// What it says.
    pub content: Content,
    /// Not before; now where absent.
    pub not_before: Option<UtcMs>,
    /// Of no use after; where absent, by its source (`SourceKind::expires_at`).
    pub expires_at: Option<UtcMs>,
}

/// Plans a message within the transaction of its cause. `None` where a message with its dedupe
/// key exists. Call [`Engine::wake`] after the commit, so that it leaves at once.
pub async fn plan(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    new: NewMessage,
) -> Result<Option<MessageId>> {
    let now = engine.now();
    let id = MessageId(engine.next_id());
    let due = new.not_before.unwrap_or(now);
    let (version_id, system_name, context) = match &new.content {
        Content::System { name, context } => (None, Some(*name), context),
        Content::Template { version, extra } => (Some(*version), None, extra),
    };
    let context = snapshot(tx, site, new.contact_id, context).await?;
    let message_id = message_id_text(engine.keys(), id, site.sender_domain());
    let mut waits = (due > now).then(|| PutOff { until: due, why: "not yet due".to_owned() });
    if waits.is_none()
        && let Some(contact) = new.contact_id
    {
        waits = caps::put_off(engine, tx, site, contact, id, new.class).await?;
    }
    let row = Insert {
        site_id: site.id,
        id,
        dedupe_key: &new.dedupe_key,
        class: new.class,
        source_kind: new.source_kind,
        source_id: new.source_id,
        enrolment_id: new.enrolment_id,
        contact_id: new.contact_id,
        to_address: new.to.as_str(),
        domain: new.to.domain(),
        version_id,
        system_name,
        context: &context,
        message_id: &message_id,
        state: if waits.is_some() { State::Planned } else { State::Queued },
        reason: waits.as_ref().map(|put_off| put_off.why.as_str()),
        next_at: waits.as_ref().map_or(due, |put_off| put_off.until),
        expires_at: new.expires_at.or_else(|| new.source_kind.expires_at(due)),
    };
    let made = store::messages::insert(tx, &row, now).await?;
    Ok(made.then_some(id))
}

/// What the template will see, frozen: what the sender gave, and the contact as it is now unless
/// the sender, who had it at hand, gave of it what the template needs.
async fn snapshot(
    tx: &mut Tx<'_>,
    site: &Site,
    contact: Option<ContactId>,
    given: &serde_json::Value,
) -> Result<String> {
    let mut context = given.as_object().cloned().unwrap_or_default();
    if let Some(id) = contact
        && !context.contains_key("contact")
        && let Some(contact) = store::contacts::find(tx, site.id, id).await?
    {
        context.insert("contact".to_owned(), contact_view(&contact));
    }
    serde_json::to_string(&context)
        .map_err(|e| EngineError::Fault(format!("a message's content could not be kept: {e}")))
}

/// Plans a message by itself: what an operator or a command sends by hand.
///
/// # Errors
/// The database fails.
pub async fn enqueue(engine: &Engine, site: Site, new: NewMessage) -> Result<Option<MessageId>> {
    let inside = engine.clone();
    let planned = engine
        .write(move |tx| {
            Box::pin(async move {
                let planned = plan(&inside, tx, &site, new).await?;
                if let Some(id) = planned {
                    crate::audits::note(&inside, tx, site.id, "message.sent", id, &()).await?;
                }
                Ok(planned)
            })
        })
        .await?;
    engine.wake();
    Ok(planned)
}
