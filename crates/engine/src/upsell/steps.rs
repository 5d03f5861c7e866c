//! What comes next on an order's path.

use model::UtcMs;
use model::ids::OfferId;
use model::money::Money;
use model::orders::{AttemptState, LineRole};
use model::payments::OrderOfferState;
use model::sites::Site;
use store::Session;
use store::offers::Offer;
use store::order_offers::OrderOffer;
use store::orders::Order;
use store::payments::Payment;
use store::products::Product;

use super::{price_of, state_of, token, until};
use crate::engine::Engine;
use crate::fault::Result;
use crate::offers;

/// One offer to be shown after an order.
#[derive(Debug, Clone)]
pub struct OfferStep {
    /// The offer.
    pub offer: Offer,
    /// What it sells.
    pub product: Product,
    /// On which level of the path, from 1.
    pub level: i64,
    /// `upsell` or `downsell`.
    pub kind: &'static str,
    /// What it costs, before tax that comes on top.
    pub price: Money,
    /// What one press of the button charges.
    pub total: Money,
    /// The token of the button.
    pub token: String,
    /// When the window ends.
    pub until: UtcMs,
    /// Until when the offer itself stands for the buyer, as far as that was told.
    pub closes: Option<UtcMs>,
    /// Whether it was shown before.
    pub was_shown: bool,
}

/// What comes next.
#[derive(Debug, Clone)]
pub enum Step {
    /// An offer.
    Offer(Box<OfferStep>),
    /// The bank asks the buyer to confirm the offer that was taken.
    Challenge(Box<Payment>),
    /// An answer is awaited.
    Checking,
    /// The offer was taken and the card declined: another card, or no.
    Retry(Box<OfferStep>, String),
    /// Nothing more.
    Done,
}

/// What comes next after an order at `now`. Nothing, where it is not paid, its window is over, or
/// its way of paying cannot be used again.
pub async fn next(
    engine: &Engine,
    session: &mut Session<'_>,
    site: &Site,
    order: &Order,
    now: UtcMs,
) -> Result<Step> {
    let in_time = order.close_at.is_some_and(|at| now < at) && order.closed_at.is_none();
    let paid = order.state == model::orders::OrderState::Paid;
    let (true, true, Some(path), Some(_)) = (in_time, paid, order.path_id, &order.saved_method)
    else {
        return Ok(Step::Done);
    };
    let Some(path) = store::paths::find(session, site.id, path).await? else {
        return Ok(Step::Done);
    };
    let rows = store::order_offers::of_order(session, site.id, order.id).await?;
    let payments = store::payments::of_order(session, site.id, order.id).await?;
    let look = Look { engine, site, order, now, rows: &rows, payments: &payments };
    for level in path.levels {
        match look.at(session, level.upsell, level.level, "upsell").await? {
            At::Stop(step) => return Ok(step),
            At::Declined => {
                if let Some(downsell) = level.downsell
                    && let At::Stop(step) =
                        look.at(session, downsell, level.level, "downsell").await?
                {
                    return Ok(step);
                }
            }
            At::Past => {}
        }
    }
    Ok(Step::Done)
}

enum At {
    /// Here the path stops for now.
    Stop(Step),
    /// It was declined.
    Declined,
    /// It was taken, or cannot be had.
    Past,
}

struct Look<'a> {
    engine: &'a Engine,
    site: &'a Site,
    order: &'a Order,
    now: UtcMs,
    rows: &'a [OrderOffer],
    payments: &'a [Payment],
}

impl Look<'_> {
    async fn at(
        &self,
        session: &mut Session<'_>,
        offer: OfferId,
        level: i64,
        kind: &'static str,
    ) -> Result<At> {
        let row = self.rows.iter().find(|row| row.offer_id == offer);
        match row.map(|row| row.state) {
            Some(OrderOfferState::Paid | OrderOfferState::Expired) => return Ok(At::Past),
            Some(OrderOfferState::Declined) => return Ok(At::Declined),
            Some(OrderOfferState::Accepted) => {
                let payment = row.and_then(|row| row.payment_id);
                match state_of(self.payments, payment) {
                    Some(AttemptState::RequiresAction) => {
                        let attempt = self.payments.iter().find(|p| Some(p.id) == payment);
                        let step = attempt.map_or(Step::Checking, |attempt| {
                            Step::Challenge(Box::new(attempt.clone()))
                        });
                        return Ok(At::Stop(step));
                    }
                    Some(AttemptState::Failed | AttemptState::Cancelled) | None => {}
                    Some(_) => return Ok(At::Stop(Step::Checking)),
                }
            }
            Some(OrderOfferState::Offered) | None => {}
        }
        let Some(step) = self.offer(session, offer, level, kind).await? else {
            return Ok(At::Past);
        };
        let taken = row.filter(|row| row.state == OrderOfferState::Accepted);
        Ok(At::Stop(match taken {
            None => Step::Offer(Box::new(step)),
            Some(row) => {
                let attempt = self.payments.iter().find(|p| Some(p.id) == row.payment_id);
                let why = attempt.and_then(|attempt| attempt.failure.clone());
                Step::Retry(Box::new(step), why.unwrap_or_default())
            }
        }))
    }

    /// The offer as it is shown; `None` where the buyer has it, or it cannot be had.
    async fn offer(
        &self,
        session: &mut Session<'_>,
        id: OfferId,
        level: i64,
        kind: &'static str,
    ) -> Result<Option<OfferStep>> {
        let site = self.site.id;
        let Some(offer) = store::offers::find(session, site, id).await? else { return Ok(None) };
        let contact = store::contacts::find(session, site, self.order.contact_id).await?;
        let state =
            offers::state_for(session, site, &offer.slug, contact.as_ref(), self.now).await?;
        let buyer = self.order.contact_id;
        let has = store::orders::has_bought(session, site, buyer, offer.product_id).await?;
        if has || !state.open || offer.currency != self.order.currency {
            return Ok(None);
        }
        let Some(product) = store::products::find(session, site, offer.product_id).await? else {
            return Ok(None);
        };
        let price = Money::new(offer.price_minor, offer.currency);
        let mut step = OfferStep {
            was_shown: self.rows.iter().any(|row| row.offer_id == id),
            until: until(self.order, self.now),
            closes: state.closes.instant(),
            token: String::new(),
            total: price,
            offer,
            product,
            level,
            kind,
            price,
        };
        step.total = price_of(self.order, &step, LineRole::Upsell)?.to_pay();
        step.token = token(self.engine, self.order, &step, step.until);
        Ok(Some(step))
    }
}
