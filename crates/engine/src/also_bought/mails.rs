//! Also bought in mails: what is suggested to one reader, worked out when their mail is first
//! composed and frozen in its row from then on, so that a mail that is sent again says the same.

use model::ids::{ContactId, EnrolmentId, FileId, ProductId};
use model::messages::Class;
use model::money::Money;
use model::sites::Site;
use model::triggers::Trigger;
use model::{EmailAddr, SiteId, UtcMs};
use serde_json::{Map, Value, json};
use store::Session;
use store::messages::Claimed;
use store::orders::Order;

use super::finds::Finds;
use super::{SHOWN, Suggestion, Why, standing_offer, suggestion};
use crate::consents;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// The name under which mails find what is suggested: a list, empty where there is nothing.
pub(crate) const NAME: &str = "also_bought";
/// Products of one order that are looked beside: a basket of more says no more.
const LOOKED_BESIDE: i64 = 5;
/// Products a preview for nobody in particular shows.
const SAMPLED: usize = 3;

/// Where the link of a suggestion leads, for every reader elsewhere.
pub(crate) fn target(slot: usize) -> String {
    format!("/buy/{{{{ {NAME}[{slot}].offer }}}}")
}

/// Which suggestion a link of a mail is, from 0; `None` for every other link.
pub fn place_of(target: &str) -> Option<usize> {
    (0..SHOWN).find(|slot| self::target(*slot) == target)
}

/// Where a link leads in the mail that saw `context`; `None` for a suggestion that is not in it.
pub(crate) fn landing(target: &str, context: &Value) -> Option<String> {
    let Some(slot) = place_of(target) else { return Some(target.to_owned()) };
    let offer = context.get(NAME)?.get(slot)?.get("offer")?.as_str()?;
    Some(format!("/buy/{offer}"))
}

/// An offer as mails show it, wherever in them it stands.
pub(crate) struct Shown<'a> {
    pub name: &'a str,
    /// One or two sentences, or nothing.
    pub text: &'a str,
    pub price: Money,
    /// The offer's name in addresses.
    pub offer: &'a str,
    /// Where it is bought: a path of the site.
    pub path: &'a str,
    pub image: Option<FileId>,
}

impl Shown<'_> {
    /// What a mail sees of it. What the author placed links by `offer`, so that the link is one
    /// for all readers and counted; the receipt, which is made for one, by `href`.
    pub fn view(&self, site: &Site) -> Value {
        json!({
            "name": self.name,
            "text": self.text,
            "price": self.price.human(),
            "offer": self.offer,
            "href": site.url(self.path),
            "image": self.image.map(|id| site.url(&format!("/media/{id}"))),
        })
    }
}

/// What a mail sees of one suggestion.
pub(crate) fn suggestion_view(site: &Site, one: &Suggestion) -> Value {
    let shown = Shown {
        name: &one.name,
        text: &one.summary,
        price: one.price,
        offer: &one.offer_slug,
        path: &format!("/buy/{}", one.offer_slug),
        image: one.image,
    };
    shown.view(site)
}

/// What a mail sees of suggestions.
pub(crate) fn view(site: &Site, found: &[Suggestion]) -> Value {
    found.iter().map(|one| suggestion_view(site, one)).collect()
}

/// What a contact is suggested beside what they bought last.
async fn for_buyer(
    finds: &mut Finds,
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<Suggestion>> {
    let last = last_bought(session, site, contact, None).await?;
    finds.beside_all(session, site, contact, &last).await
}

async fn last_bought(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    with: Option<ProductId>,
) -> Result<Vec<ProductId>> {
    Ok(store::entitlements::last_bought(session, site, contact, with, LOOKED_BESIDE).await?)
}

/// What is suggested beside the products of an order.
pub(crate) async fn of_order(
    session: &mut Session<'_>,
    site: SiteId,
    order: &Order,
) -> Result<Vec<Suggestion>> {
    let lines = store::order_lines::of_order(session, site, order.id).await?;
    let mut products: Vec<ProductId> = Vec::new();
    for line in lines {
        if !products.contains(&line.product_id) {
            products.push(line.product_id);
        }
    }
    products.truncate(usize::try_from(LOOKED_BESIDE).unwrap_or(1));
    Finds::default().beside_all(session, site, order.contact_id, &products).await
}

/// What a mail shows that is looked at before it is sent: what its reader would see, and some of
/// what the shop has where there is none.
pub(crate) async fn for_look(
    session: &mut Session<'_>,
    site: SiteId,
    contact: Option<ContactId>,
) -> Result<Vec<Suggestion>> {
    match contact {
        Some(contact) => for_buyer(&mut Finds::default(), session, site, contact).await,
        None => sample(session, site).await,
    }
}

async fn sample(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Suggestion>> {
    let mut found = Vec::new();
    for product in store::products::list(session, site).await? {
        if found.len() >= SAMPLED {
            break;
        }
        if standing_offer(session, site, product.id).await?.is_some() {
            found.extend(suggestion(session, site, product.id, Why::Pinned).await?);
        }
    }
    Ok(found)
}

/// What one mail sees from now on, where that is new; an error where it alone cannot be made.
type Fresh = std::result::Result<Option<String>, String>;

/// Works out what those of these mails suggest that want it, and freezes it; those that have it
/// already keep it. Beside each of them why it alone cannot be made, where it cannot.
///
/// # Errors
/// The database fails: that is nothing of one mail, and all of them are tried again.
pub(crate) async fn freeze(
    engine: &Engine,
    site: &Site,
    messages: Vec<Claimed>,
    wants: Vec<bool>,
) -> Result<Vec<(Claimed, std::result::Result<(), String>)>> {
    let mut all = work_out(engine, site, messages, wants).await?;
    if all.iter().any(|(_, fresh)| matches!(fresh, Ok(Some(_)))) {
        all = keep(engine, all).await?;
    }
    Ok(all.into_iter().map(|(message, fresh)| (message, fresh.map(drop))).collect())
}

/// On a reader: hundreds of statements, for which nobody who writes should wait.
async fn work_out(
    engine: &Engine,
    site: &Site,
    messages: Vec<Claimed>,
    wants: Vec<bool>,
) -> Result<Vec<(Claimed, Fresh)>> {
    let (site, now) = (site.clone(), engine.now());
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut finds = Finds::default();
                let mut all = Vec::with_capacity(messages.len());
                for (message, wanted) in messages.into_iter().zip(wants) {
                    let fresh = if wanted {
                        fresh(&mut finds, session, &site, &message, now).await?
                    } else {
                        Ok(None)
                    };
                    all.push((message, fresh));
                }
                Ok(all)
            })
        })
        .await
}

async fn keep(engine: &Engine, mut all: Vec<(Claimed, Fresh)>) -> Result<Vec<(Claimed, Fresh)>> {
    engine
        .write(move |tx| {
            Box::pin(async move {
                for (message, fresh) in &mut all {
                    let Ok(Some(context)) = fresh else { continue };
                    // Where the claim was lost, the commit before the dot refuses to send.
                    if store::messages::keep_context(tx, message, context).await? {
                        message.context = std::mem::take(context);
                    }
                }
                Ok(all)
            })
        })
        .await
}

async fn fresh(
    finds: &mut Finds,
    session: &mut Session<'_>,
    site: &Site,
    message: &Claimed,
    now: UtcMs,
) -> Result<Fresh> {
    let mut names: Map<String, Value> = match serde_json::from_str(&message.context) {
        Ok(names) => names,
        Err(e) => return Ok(Err(format!("what was kept of the message cannot be read: {e}"))),
    };
    if names.contains_key(NAME) {
        return Ok(Ok(None));
    }
    let found = match of_message(finds, session, site, message, now).await {
        Ok(found) => found,
        Err(fault) if fault.is_fault() => return Err(fault),
        Err(its_own) => return Ok(Err(its_own.to_string())),
    };
    names.insert(NAME.to_owned(), view(site, &found));
    Ok(Ok(Some(Value::Object(names).to_string())))
}

async fn of_message(
    finds: &mut Finds,
    session: &mut Session<'_>,
    site: &Site,
    message: &Claimed,
    now: UtcMs,
) -> Result<Vec<Suggestion>> {
    let Some(contact) = message.contact_id else { return Ok(Vec::new()) };
    if message.class == Class::Transactional && !may_sell(session, site, message, now).await? {
        return Ok(Vec::new());
    }
    if let Some(enrolment) = message.enrolment_id
        && let Some(cause) = bought(session, site.id, enrolment).await?
    {
        let its = last_bought(session, site.id, contact, Some(cause)).await?;
        if !its.is_empty() {
            return finds.beside_all(session, site.id, contact, &its).await;
        }
    }
    for_buyer(finds, session, site.id, contact).await
}

/// A mail that everybody gets suggests nothing to those who want no offers.
async fn may_sell(
    session: &mut Session<'_>,
    site: &Site,
    message: &Claimed,
    now: UtcMs,
) -> Result<bool> {
    let Ok(to) = EmailAddr::parse(&message.to_address) else { return Ok(false) };
    let (contact, class) = (message.contact_id, Class::BackEnd);
    let why = consents::refusal_to_send(session, site, contact, &to, class, now).await?;
    Ok(why.is_none())
}

/// The product whose purchase began the sequence a mail is of.
async fn bought(
    session: &mut Session<'_>,
    site: SiteId,
    enrolment: EnrolmentId,
) -> Result<Option<ProductId>> {
    let Some(enrolment) = store::enrolments::find(session, site, enrolment).await? else {
        return Ok(None);
    };
    let sequence = store::sequences::find(session, site, enrolment.sequence_id).await?;
    let starts_on = sequence.and_then(|sequence| serde_json::from_str(&sequence.starts_on).ok());
    Ok(match starts_on {
        Some(Trigger::OrderPaid(product)) => Some(product),
        _ => None,
    })
}
