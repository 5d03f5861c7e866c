//! Offers: made and changed, and until when each stands for whom. The instant shown is the one
//! that is kept.

use model::contacts::Contact;
use model::ids::{ContactId, OfferId};
use model::offers::{Closes, Deadline, QUANTITY_MAX, Since};
use model::products::{OfferState, ProductState};
use model::{Money, Refused, SiteId, Slug, UtcMs};
use store::offers::Offer;
use store::{Session, Tx};

use crate::audits;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// An offer as an operator or a file writes it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Which; none: a new one.
    pub id: Option<OfferId>,
    /// The version that was edited: another one is a conflict. None: whatever stands.
    pub version: Option<i64>,
    /// Its name in addresses.
    pub slug: String,
    /// The slug of what is sold.
    pub product: String,
    /// The headline; the product's name where empty.
    pub title: String,
    /// Markdown under it.
    pub pitch: String,
    /// What the button says.
    pub button: String,
    /// The price of one.
    pub price: Money,
    /// What it truly costs otherwise.
    pub compare: Option<Money>,
    /// Until when it stands.
    pub deadline: Deadline,
    /// The most one order may take.
    pub quantity_max: i64,
    /// How many there are; none: not counted.
    pub stock: Option<i64>,
    /// Whether it can be taken.
    pub state: OfferState,
}

/// Writes an offer, new or changed.
///
/// # Errors
/// A field that must be mended, a product that is not there, or a change by somebody else.
pub async fn put(engine: &Engine, site: SiteId, draft: Draft) -> Result<OfferId> {
    let of = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                let price = serde_json::json!({ "price": draft.price.minor,
                    "currency": draft.price.currency.code() });
                let id = put_in(&of, tx, site, draft).await?;
                audits::note(&of, tx, site, "offer.saved", id, &price).await?;
                Ok(id)
            })
        })
        .await
}

/// The same within a transaction.
pub(crate) async fn put_in(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    draft: Draft,
) -> Result<OfferId> {
    let slug = Slug::parse(&draft.slug).map_err(|refused| refused.at("slug"))?;
    check(&draft)?;
    let (now, new_id) = (engine.now(), OfferId(engine.next_id()));
    write(tx, site, draft, slug, (now, new_id)).await
}

async fn write(
    tx: &mut Tx<'_>,
    site: SiteId,
    draft: Draft,
    slug: Slug,
    (now, new_id): (UtcMs, OfferId),
) -> Result<OfferId> {
    let known = match draft.id {
        Some(id) => Some(
            store::offers::find(tx, site, id)
                .await?
                .ok_or_else(|| EngineError::missing("offer", id))?,
        ),
        None => None,
    };
    if let (Some(known), Some(version)) = (&known, draft.version)
        && known.version != version
    {
        return Err(EngineError::Conflict(
            "somebody else changed this offer meanwhile: look at theirs, then save yours again"
                .to_owned(),
        ));
    }
    let taken = store::offers::find_by_slug(tx, site, slug.as_str()).await?;
    if taken.is_some_and(|other| known.as_ref().is_none_or(|known| known.id != other.id)) {
        return Err(Refused::new("slug_taken", "another offer has this name").at("slug").into());
    }
    let product = store::products::find_by_slug(tx, site, &draft.product)
        .await?
        .ok_or_else(|| Refused::new("product_unknown", "choose a product").at("product"))?;
    let offer = Offer {
        id: known.as_ref().map_or(new_id, |known| known.id),
        slug: slug.to_string(),
        product_id: product.id,
        title: if draft.title.trim().is_empty() { product.name } else { draft.title },
        pitch: draft.pitch,
        button: if draft.button.trim().is_empty() { "Buy now".to_owned() } else { draft.button },
        currency: draft.price.currency,
        price_minor: draft.price.minor,
        compare_minor: draft.compare.map(|compare| compare.minor),
        deadline: draft.deadline,
        quantity_max: draft.quantity_max,
        stock_initial: draft.stock,
        stock_held: 0,
        stock_sold: 0,
        state: draft.state,
        version: known.as_ref().map_or(1, |known| known.version + 1),
        created_at: known.as_ref().map_or(now, |known| known.created_at),
        updated_at: now,
    };
    store::offers::put(tx, site, &offer, now).await?;
    Ok(offer.id)
}

fn check(draft: &Draft) -> std::result::Result<(), Refused> {
    let price = draft.price.as_price().map_err(|refused| refused.at("price"))?;
    let least = price.currency.minimum_charge();
    if !price.is_zero() && price.minor < least.minor {
        let message =
            format!("the least that can be charged is {}; or make it free", least.human());
        return Err(Refused::new("price_too_small", message).at("price"));
    }
    if price.minor % price.currency.charge_step() != 0 {
        let message = format!("{} is charged in larger steps: round the price", price.currency);
        return Err(Refused::new("price_step", message).at("price"));
    }
    if let Some(compare) = draft.compare {
        compare.as_price().map_err(|refused| refused.at("compare"))?;
        if compare.currency != price.currency || compare.minor <= price.minor {
            let message = "the struck-through price must be the higher one, in the same currency";
            return Err(Refused::new("compare_too_small", message).at("compare"));
        }
    }
    if !(1..=QUANTITY_MAX).contains(&draft.quantity_max) {
        let message = format!("give a number from 1 to {QUANTITY_MAX}");
        return Err(Refused::new("quantity_max", message).at("quantity_max"));
    }
    if draft.stock.is_some_and(|stock| stock < 0) {
        return Err(Refused::new("stock_negative", "stock cannot be below zero").at("stock"));
    }
    Ok(())
}

/// When an offer closes for a contact, as far as it has been told or its event has happened.
/// `None` for a visitor whose address is not known.
pub async fn closes(
    session: &mut Session<'_>,
    site: SiteId,
    offer: &Offer,
    contact: Option<&Contact>,
) -> Result<Closes> {
    let Deadline::Evergreen { since, .. } = offer.deadline else {
        return Ok(offer.deadline.closes_at(None));
    };
    let Some(contact) = contact else { return Ok(Closes::NotStarted) };
    if let Some(at) = store::offers::deadline_of(session, site, offer.id, contact.id).await? {
        return Ok(Closes::At(at));
    }
    let began = match since {
        Since::Confirmed => contact.confirmed_at,
        Since::Bought => store::orders::first_paid_at(session, site, contact.id).await?,
        Since::Enrolled => first_event(session, site, contact.id, "sequence.entered").await?,
        Since::Shown => None,
    };
    Ok(offer.deadline.closes_at(began))
}

async fn first_event(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    kind: &str,
) -> Result<Option<UtcMs>> {
    Ok(store::events::first_of_contact(session, site, contact, kind).await?)
}

/// When it closes if it is told at `now`: a deadline that runs from its first showing begins then.
pub fn if_told(offer: &Offer, closes: Closes, now: UtcMs) -> Closes {
    match offer.deadline {
        Deadline::Evergreen { since: Since::Shown, .. } if closes == Closes::NotStarted => {
            offer.deadline.closes_at(Some(now))
        }
        _ => closes,
    }
}

/// The same, and keeps it: a deadline that runs from its first showing begins here, and none ever
/// moves once it was told.
pub async fn tell(
    tx: &mut Tx<'_>,
    site: SiteId,
    offer: &Offer,
    contact: &Contact,
    now: UtcMs,
) -> Result<Closes> {
    let closes = if_told(offer, closes(tx, site, offer, Some(contact)).await?, now);
    if let (Deadline::Evergreen { .. }, Some(at)) = (offer.deadline, closes.instant()) {
        let id = contact.id;
        let kept = store::offers::start_deadline(tx, site, offer.id, id, now, at).await?;
        return Ok(Closes::At(kept));
    }
    Ok(closes)
}

/// What a page, a mail and the checkout show of an offer to one contact.
#[derive(Debug, Clone)]
pub struct State {
    /// The offer.
    pub offer: Offer,
    /// The name of its product.
    pub product: String,
    /// When it closes for them, as far as that was told.
    pub closes: Closes,
    /// Whether it can be taken now.
    pub open: bool,
}

/// How an offer stands for a contact at `now`.
///
/// # Errors
/// There is no such offer.
pub async fn state_for(
    session: &mut Session<'_>,
    site: SiteId,
    slug: &str,
    contact: Option<&Contact>,
    now: UtcMs,
) -> Result<State> {
    let offer = store::offers::find_by_slug(session, site, slug)
        .await?
        .ok_or_else(|| EngineError::missing("offer", slug))?;
    let product = store::products::find(session, site, offer.product_id)
        .await?
        .ok_or_else(|| EngineError::missing("product", offer.product_id))?;
    let closes = closes(session, site, &offer, contact).await?;
    // A visitor without an address may still turn out to be in time.
    let in_time = if_told(&offer, closes, now).is_open(now)
        || (contact.is_none() && closes == Closes::NotStarted);
    let open = in_time
        && offer.state == OfferState::Active
        && product.state == ProductState::Active
        && offer.stock_left() != Some(0);
    Ok(State { product: product.name, closes, open, offer })
}
