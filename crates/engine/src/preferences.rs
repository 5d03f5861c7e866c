//! Preferences: what a contact chooses for itself, without a sign-in, by a signed link.

use model::SiteId;
use model::consents::{NEWSLETTER, Source};
use model::contacts::{Contact, PAUSE_DAYS, Status, SuppressionReason};
use model::ids::ContactId;
use model::sites::Site;
use model::tokens::{Purpose, TokenError};
use serde_json::json;
use store::Session;
use store::events::NewEvent;
use store::topics::Topic;

use crate::consents::{self, Giving};
use crate::contacts;
use crate::engine::Engine;
use crate::fault::Result;

/// What one agrees to by asking for mail again on the preference page.
pub const AGAIN_WORDING: &str = "Yes, send me your mails again. I can stop them in every mail.";

/// A contact with what it chose and could choose.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The contact.
    pub contact: Contact,
    /// Every topic, and whether it is subscribed to.
    pub topics: Vec<(Topic, bool)>,
    /// Whether its own click brings it back.
    pub may_return: bool,
}

/// Whether its own click brings a contact back: it left, or it complained or its mailbox took no
/// mail, and now its owner holds a mail of ours. Whom an operator barred stays away.
fn may_return(contact: &Contact, barred: Option<SuppressionReason>) -> bool {
    let by_itself = || {
        matches!(barred, Some(SuppressionReason::Complaint | SuppressionReason::HardBounce))
            && contact.confirmed_at.is_some()
    };
    match contact.status {
        Status::Unsubscribed => true,
        Status::Suppressed => by_itself(),
        Status::Pending | Status::Confirmed => false,
    }
}

async fn barred(
    session: &mut Session<'_>,
    site: SiteId,
    contact: &Contact,
) -> Result<Option<SuppressionReason>> {
    let found = store::suppressions::find(session, site, &contact.address_hmac).await?;
    Ok(found.map(|found| found.reason))
}

/// Whom a preference link names.
#[derive(Debug, Clone, PartialEq)]
pub enum Who {
    /// A contact.
    Contact(Box<Chosen>),
    /// Signed under a key that is lost.
    UnknownKey,
    /// Cut or made up; or the contact is gone.
    Invalid,
}

/// Whom the link `/preferences/{token}` names; changes nothing.
pub async fn look(engine: &Engine, site: &Site, token: &str) -> Result<Who> {
    let id = match engine.keys().open(Purpose::Preferences, token) {
        Ok(token) => ContactId(token.id),
        Err(TokenError::UnknownKey(_)) => return Ok(Who::UnknownKey),
        Err(_) => return Ok(Who::Invalid),
    };
    let site = site.id;
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                let found = store::contacts::find(session, site, id).await?;
                let Some(contact) = found.filter(|contact| !contact.is_erased()) else {
                    return Ok(Who::Invalid);
                };
                let mine = store::topics::of_contact(session, site, id).await?;
                let topics = store::topics::list(session, site)
                    .await?
                    .into_iter()
                    .map(|topic| {
                        let joined = mine.iter().any(|own| own.id == topic.id);
                        (topic, joined)
                    })
                    .collect();
                let may_return = may_return(&contact, barred(session, site, &contact).await?);
                Ok(Who::Contact(Box::new(Chosen { contact, topics, may_return })))
            })
        })
        .await
}

/// How often a contact wants mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As it comes.
    Usual,
    /// One value or sales mail in 14 days at most.
    Less,
}

/// What a contact may do about what it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices {
    /// The topics it wants, by slug; others end.
    pub topics: Vec<String>,
    /// How often.
    pub pace: Pace,
    /// Whether it wants no sales mail.
    pub no_sales: bool,
    /// Whether it wants nothing for 30 days. Absent: as it was.
    pub pause: Option<bool>,
}

/// Keeps what a contact chose.
///
/// # Errors
/// There is no such contact.
pub async fn choose(engine: &Engine, site: &Site, id: ContactId, choices: Choices) -> Result<()> {
    let (of, site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let now = of.now();
                let mut contact = contacts::get_to_change(tx, site.id, id).await?;
                contact.less_often = choices.pace == Pace::Less;
                contact.no_sales = choices.no_sales;
                match choices.pause {
                    Some(true) if !contact.is_paused(now) => {
                        contact.paused_until = Some(now.plus_days(PAUSE_DAYS));
                    }
                    Some(false) => contact.paused_until = None,
                    _ => {}
                }
                contact.updated_at = now;
                store::contacts::update_standing(tx, site.id, &contact).await?;
                for topic in store::topics::list(tx, site.id).await? {
                    if choices.topics.contains(&topic.slug) {
                        store::topics::join(tx, site.id, id, topic.id, now).await?;
                    } else {
                        store::topics::leave(tx, site.id, id, topic.id).await?;
                    }
                }
                let data = json!({
                    "topics": choices.topics,
                    "less_often": contact.less_often,
                    "no_sales": contact.no_sales,
                    "paused": contact.is_paused(now),
                });
                let event = NewEvent {
                    kind: "contact.updated",
                    contact_id: Some(id),
                    subject_id: Some(id.0),
                    data: &data,
                };
                of.record(tx, site.id, event).await
            })
        })
        .await
}

/// A contact that had stopped everything wants mail again: its own link, its own button. Nothing
/// where it was never in, or is barred.
///
/// # Errors
/// There is no such contact.
pub async fn subscribe_again(engine: &Engine, site: &Site, id: ContactId) -> Result<()> {
    let (of, site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let contact = contacts::get(tx, site.id, id).await?;
                if !may_return(&contact, barred(tx, site.id, &contact).await?) {
                    return Ok(());
                }
                let wording =
                    consents::wording(&of, tx, site.id, NEWSLETTER, AGAIN_WORDING).await?;
                let giving = Giving {
                    purpose: NEWSLETTER.to_owned(),
                    wording: Some(wording.id),
                    source: Source::Preferences,
                    source_id: None,
                    proof: json!({ "link": "preferences" }),
                };
                consents::grant(&of, tx, &site, id, giving).await
            })
        })
        .await
}
