//! Carts left behind (C8): one mail after four hours, to those alone who confirmed that they want
//! mail, with a link that gives the form back as it was. It ends with a purchase.

use model::EmailAddr;
use model::ids::CartId;
use model::messages::{Class, SourceKind};
use model::sites::Site;
use model::times::DAY_MS;
use model::tokens::Purpose;
use serde_json::json;
use store::Tx;
use store::carts::Cart;
use store::events::NewEvent;

use crate::checkout::Form;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::messages::{Content, NewMessage};
use crate::sweeps::Round;
use crate::{consents, messages, offers, pay};

/// Carts of one batch.
const BATCH: i64 = 50;
/// How long the link to a cart holds.
const LINK_MS: i64 = 30 * DAY_MS;

/// Where a cart is given back.
pub fn url(engine: &Engine, site: &Site, cart: CartId) -> String {
    let until = engine.now().plus_ms(LINK_MS);
    site.url(&format!("/cart/{}", engine.keys().sign_until(Purpose::Cart, cart.0, until)))
}

/// The form of a cart's link, and the slug of its offer.
///
/// # Errors
/// The link is not valid any more, or the offer is gone.
pub async fn restore(engine: &Engine, site: &Site, token: &str) -> Result<(String, Form)> {
    let opened = engine
        .keys()
        .open_until(Purpose::Cart, token, engine.now())
        .map_err(model::Refused::from)?;
    let (id, its_site) = (CartId(opened.id), site.id);
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                let cart = store::carts::find(session, its_site, id)
                    .await?
                    .filter(|cart| !cart.email.is_empty())
                    .ok_or_else(|| EngineError::missing("cart", id))?;
                let offer = store::offers::find(session, its_site, cart.offer_id)
                    .await?
                    .ok_or_else(|| EngineError::missing("offer", cart.offer_id))?;
                let mut form: Form = serde_json::from_str(&cart.choices)
                    .map_err(|e| EngineError::Fault(format!("a cart cannot be read: {e}")))?;
                form.email = cart.email;
                form.reader = cart.contact_id;
                // A box is never ticked for anybody.
                form.newsletter = false;
                Ok((offer.slug, form))
            })
        })
        .await
}

/// Mails those whose cart has waited; how many carts were decided.
pub(crate) async fn remind(engine: &Engine) -> Result<usize> {
    let (now, resting) = (engine.now(), engine.resting());
    let batch = resting.batch("cart", BATCH, now);
    let due = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::carts::due(session, now, batch).await?) })
        })
        .await?;
    let due: Vec<_> =
        due.into_iter().filter(|cart| !resting.holds("cart", cart.site_id, cart.id.0)).collect();
    if due.is_empty() {
        return Ok(0);
    }
    let mut round = Round::default();
    for cart in due {
        let Some(site) = pay::site(engine, cart.site_id).await? else { continue };
        let (it, id, its_site) = (engine.clone(), cart.id, cart.site_id);
        let decided =
            engine.write(move |tx| Box::pin(async move { one(&it, tx, &site, &cart).await })).await;
        let decided = resting.after(("cart", its_site, id.0), decided, now);
        round.took(format_args!("cart {id}"), decided.map(|()| 1));
    }
    engine.wake();
    round.end()
}

async fn one(engine: &Engine, tx: &mut Tx<'_>, site: &Site, cart: &Cart) -> Result<()> {
    let now = engine.now();
    let address = EmailAddr::parse(&cart.email)?;
    let refusal =
        consents::refusal_to_send(tx, site, cart.contact_id, &address, Class::Sales, now).await?;
    let offer = store::offers::find(tx, site.id, cart.offer_id).await?;
    let contact = match cart.contact_id {
        Some(id) => store::contacts::find(tx, site.id, id).await?,
        None => None,
    };
    let mut stands = None;
    if let Some(offer) = &offer {
        let state = offers::state_for(tx, site.id, &offer.slug, contact.as_ref(), now).await?;
        stands = Some(state).filter(|state| state.open);
    }
    let (None, Some(state), Some(contact)) = (refusal, stands, contact) else {
        store::carts::move_to(tx, site.id, cart.id, ("open", "closed"), now).await?;
        return Ok(());
    };
    if !store::carts::move_to(tx, site.id, cart.id, ("open", "mailed"), now).await? {
        return Ok(());
    }
    let closes = offers::tell(tx, site.id, &state.offer, &contact, now).await?.instant();
    let message = NewMessage {
        contact_id: Some(contact.id),
        to: address,
        class: Class::Sales,
        source_kind: SourceKind::Cart,
        source_id: cart.id.0,
        enrolment_id: None,
        // One a contact and offer, however many forms were left.
        dedupe_key: format!("cart:{}:{}", contact.id, cart.offer_id),
        content: Content::System {
            name: "abandoned_cart",
            context: json!({ "name": contact.first_name, "product": state.product,
                "title": state.offer.title,
                "closes_at": closes.map(model::UtcMs::rfc3339),
                "cart_url": url(engine, site, cart.id) }),
        },
        not_before: None,
        expires_at: closes,
    };
    messages::plan(engine, tx, site, message).await?;
    let data = json!({ "cart": cart.id.to_string(), "offer": cart.offer_id.to_string() });
    let event = NewEvent {
        kind: "cart.abandoned",
        contact_id: Some(contact.id),
        subject_id: Some(cart.id.0),
        data: &data,
    };
    engine.record(tx, site.id, event).await
}

/// Whether the purchase a cart mail asks for has happened since: looked at before it is sent.
pub async fn is_over(
    session: &mut store::Session<'_>,
    site: model::SiteId,
    cart: CartId,
) -> Result<bool> {
    let cart = store::carts::find(session, site, cart).await?;
    Ok(cart.is_none_or(|cart| cart.state == "ordered" || cart.state == "closed"))
}
