//! Also bought in mails: what is suggested to one reader, worked out when their mail is first
//! composed and frozen in its row from then on, so that a mail that is sent again says the same.

use model::ids::{ContactId, EnrolmentId, ProductId};
use model::messages::Class;
use model::sites::Site;
use model::triggers::Trigger;
use model::{EmailAddr, SiteId};
use serde_json::{Value, json};
use store::messages::Claimed;
use store::orders::Order;
use store::{Session, Tx};

use super::{SHOWN, Suggestion, Why, for_product, standing_offer, suggestion};
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

/// What a mail sees of suggestions.
pub(crate) fn view(site: &Site, found: &[Suggestion]) -> Value {
    let one = |one: &Suggestion| {
        json!({
            "name": one.name,
            "text": one.summary,
            "price": one.price.human(),
            "offer": one.offer_slug,
            "image": one.image.map(|id| site.url(&format!("/media/{id}"))),
        })
    };
    found.iter().map(one).collect()
}

/// What is suggested to a contact beside several products: what is pinned to any of them, then
/// what goes with one of them most. Neither those products nor anything the contact has.
pub(crate) async fn beside_all(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    products: &[ProductId],
) -> Result<Vec<Suggestion>> {
    let mut exclude = store::entitlements::owned(session, site, contact).await?;
    exclude.extend(products);
    let mut found: Vec<Suggestion> = Vec::new();
    for product in products {
        for one in for_product(session, site, *product, &exclude, SHOWN).await? {
            if !found.iter().any(|known| known.product == one.product) {
                found.push(one);
            }
        }
    }
    // The sort is stable: what is as good as another stays in the order of the products.
    found.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
    found.truncate(SHOWN);
    Ok(found)
}

fn rank(one: &Suggestion) -> f64 {
    match one.why {
        Why::Pinned => f64::INFINITY,
        Why::Bought(beside) => beside.score.unwrap_or(-1.0),
    }
}

/// What a contact is suggested beside what they bought last.
pub(crate) async fn for_buyer(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<Suggestion>> {
    let last =
        store::entitlements::last_bought(session, site, contact, None, LOOKED_BESIDE).await?;
    beside_all(session, site, contact, &last).await
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
    beside_all(session, site, order.contact_id, &products).await
}

/// What a mail shows that is looked at before it is sent: what its reader would see, and some of
/// what the shop has where there is none.
pub(crate) async fn for_look(
    session: &mut Session<'_>,
    site: SiteId,
    contact: Option<ContactId>,
) -> Result<Vec<Suggestion>> {
    match contact {
        Some(contact) => for_buyer(session, site, contact).await,
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

/// Works out what those of these mails suggest that want it, and freezes it; those that have it
/// already keep it.
pub(crate) async fn freeze(
    engine: &Engine,
    site: &Site,
    mut messages: Vec<Claimed>,
    wants: Vec<bool>,
) -> Result<Vec<Claimed>> {
    let (inside, site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let each = messages.iter_mut().zip(wants);
                for (message, _) in each.filter(|(_, wanted)| *wanted) {
                    freeze_one(&inside, tx, &site, message).await?;
                }
                Ok(messages)
            })
        })
        .await
}

async fn freeze_one(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    message: &mut Claimed,
) -> Result<()> {
    let mut context: Value = serde_json::from_str(&message.context)
        .map_err(|e| EngineError::Fault(format!("what was kept of {}: {e}", message.id)))?;
    let Some(names) = context.as_object_mut() else { return Ok(()) };
    if names.contains_key(NAME) {
        return Ok(());
    }
    let found = of_message(engine, tx, site, message).await?;
    names.insert(NAME.to_owned(), view(site, &found));
    let context = context.to_string();
    // Where the claim was lost nothing is sent: the commit before the dot refuses it.
    if store::messages::keep_context(tx, message, &context).await? {
        message.context = context;
    }
    Ok(())
}

async fn of_message(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    message: &Claimed,
) -> Result<Vec<Suggestion>> {
    let Some(contact) = message.contact_id else { return Ok(Vec::new()) };
    if message.class == Class::Transactional && !may_sell(engine, tx, site, message).await? {
        return Ok(Vec::new());
    }
    if let Some(enrolment) = message.enrolment_id
        && let Some(cause) = bought(tx, site.id, enrolment).await?
    {
        let with = Some(cause);
        let its =
            store::entitlements::last_bought(tx, site.id, contact, with, LOOKED_BESIDE).await?;
        if !its.is_empty() {
            return beside_all(tx, site.id, contact, &its).await;
        }
    }
    for_buyer(tx, site.id, contact).await
}

/// A mail that everybody gets suggests nothing to those who want no offers.
async fn may_sell(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    message: &Claimed,
) -> Result<bool> {
    let Ok(to) = EmailAddr::parse(&message.to_address) else { return Ok(false) };
    let (contact, class) = (message.contact_id, Class::BackEnd);
    let why = consents::refusal_to_send(tx, site, contact, &to, class, engine.now()).await?;
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
