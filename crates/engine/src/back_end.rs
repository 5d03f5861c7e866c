//! What a customer is offered after an order (U3, U4): the path's next offer and its coupon, on the
//! thank-you page and in the receipt.

use model::Money;
use model::sites::Site;
use store::Session;
use store::offers::Offer;
use store::orders::Order;

use crate::engine::Engine;
use crate::fault::Result;
use crate::{links, offers};

/// The next offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextOffer {
    /// The offer itself.
    pub offer: Offer,
    /// Its headline.
    pub title: String,
    /// Its price, before the coupon.
    pub price: Money,
    /// Where it is bought, the coupon applied: a path of the site.
    pub path: String,
    /// What its button says.
    pub button: String,
    /// The coupon's code.
    pub coupon: Option<String>,
    /// What the coupon takes off, in words.
    pub coupon_says: Option<String>,
}

/// What the path of an order offers next; nothing where the customer has it, or it has ended.
pub async fn next_offer(
    engine: &Engine,
    session: &mut Session<'_>,
    site: &Site,
    order: &Order,
    now: model::UtcMs,
) -> Result<Option<NextOffer>> {
    let path = match order.path_id {
        Some(path) => store::paths::find(session, site.id, path).await?,
        None => None,
    };
    let Some(path) = path else { return Ok(None) };
    let Some(id) = path.back_end_offer else { return Ok(None) };
    let Some(offer) = store::offers::find(session, site.id, id).await? else { return Ok(None) };
    let contact = store::contacts::find(session, site.id, order.contact_id).await?;
    let state = offers::state_for(session, site.id, &offer.slug, contact.as_ref(), now).await?;
    let buyer = order.contact_id;
    if !state.open || store::orders::has_bought(session, site.id, buyer, offer.product_id).await? {
        return Ok(None);
    }
    let coupon = match path.back_end_coupon {
        Some(id) => {
            store::coupons::find(session, site.id, id).await?.filter(|row| row.coupon.active)
        }
        None => None,
    };
    let code = coupon.as_ref().map(|row| row.coupon.code.to_string());
    let query = code.as_ref().map(|code| format!("?coupon={code}")).unwrap_or_default();
    Ok(Some(NextOffer {
        title: offer.title.clone(),
        price: Money::new(offer.price_minor, offer.currency),
        path: links::for_reader(engine, site, &format!("/buy/{}{query}", offer.slug), buyer),
        button: offer.button.clone(),
        coupon: code,
        coupon_says: coupon.map(|row| row.coupon.cut.to_string()),
        offer,
    }))
}
