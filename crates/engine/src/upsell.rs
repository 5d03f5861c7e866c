//! One-click offers after the payment: what comes next, taking it, refusing it. The first order is
//! never at risk; each offer is taken once, however often the button is pressed.

mod steps;

use model::ids::{LineId, OfferId, OrderId, PaymentId};
use model::money::{Money, Rate};
use model::offers::ONE_CLICK_MS;
use model::orders::{AttemptState, Basket, Line as BasketLine, LineRole};
use model::payments::{LineState, OrderOfferState, StockState};
use model::sites::Site;
use model::taxes::{TaxMode, TaxRule};
use model::tokens::Purpose;
use model::{Refused, UtcMs};
use serde_json::json;
use store::Tx;
use store::order_lines::Line;
use store::order_offers::OrderOffer;
use store::orders::Order;
use store::payments::Payment;

pub use steps::{OfferStep, Step, next};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::fulfil::happened;
use crate::{close, offers, pay};

/// The value of the cookie that binds an order's offers to the browser that paid.
pub fn cookie(engine: &Engine, order: OrderId) -> String {
    let tag = engine.keys().tag(Purpose::OrderCookie, &[b"cookie", &order.0.to_be_bytes()]);
    format!("{order}.{tag}")
}

/// Whether a cookie is that of this order.
pub fn cookie_holds(engine: &Engine, order: OrderId, value: &str) -> bool {
    let Some((id, tag)) = value.split_once('.') else { return false };
    let parts: [&[u8]; 2] = [b"cookie", &order.0.to_be_bytes()];
    id == order.to_string() && engine.keys().tag_holds(Purpose::OrderCookie, &parts, tag)
}

/// A token for one press of the button: this order, this version at this price, until then.
pub(crate) fn token(engine: &Engine, order: &Order, step: &OfferStep, until: UtcMs) -> String {
    let tag = tag(engine, order, (step.offer.id, step.offer.version), step.price.minor, until);
    format!("{}.{tag}", until.0)
}

fn tag(
    engine: &Engine,
    order: &Order,
    (offer, version): (OfferId, i64),
    price_minor: i64,
    until: UtcMs,
) -> String {
    let parts = [order.id.0, offer.0, version, price_minor, until.0].map(i64::to_be_bytes);
    let mut slices: Vec<&[u8]> = vec![b"accept", order.currency.code().as_bytes()];
    slices.extend(parts.iter().map(<[u8; 8]>::as_slice));
    engine.keys().tag(Purpose::OrderCookie, &slices)
}

fn token_holds(
    engine: &Engine,
    order: &Order,
    offer: &store::offers::Offer,
    text: &str,
    now: UtcMs,
) -> bool {
    let Some((until, given)) = text.split_once('.') else { return false };
    let Ok(until) = until.parse::<i64>().map(UtcMs) else { return false };
    let wanted = tag(engine, order, (offer.id, offer.version), offer.price_minor, until);
    now < until && model::tokens::equal(wanted.as_bytes(), given.as_bytes())
}

fn over() -> EngineError {
    Refused::new("offer_over", "this offer has ended").into()
}

/// Takes an offer with one click: charges the saved method, once.
///
/// # Errors
/// The window is over, the token is not of this order and price, or the offer has ended.
pub async fn accept(
    engine: &Engine,
    site: &Site,
    order: OrderId,
    offer: OfferId,
    token: &str,
) -> Result<()> {
    let (it, its_site, token) = (engine.clone(), site.clone(), token.to_owned());
    let begun = engine
        .write(move |tx| {
            Box::pin(async move { take(&it, tx, &its_site, order, offer, &token).await })
        })
        .await?;
    if let Some(payment) = begun {
        pay::settle(engine, site, &payment).await?;
    }
    finish(engine, site, order).await
}

async fn take(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order_id: OrderId,
    offer_id: OfferId,
    token: &str,
) -> Result<Option<Payment>> {
    let now = engine.now();
    let is_open = store::orders::still_open(tx, site.id, order_id, now).await?;
    let order = get(tx, site, order_id).await?;
    let rows = store::order_offers::of_order(tx, site.id, order_id).await?;
    let row = rows.iter().find(|row| row.offer_id == offer_id);
    if row.is_some_and(|row| matches!(row.state, OrderOfferState::Accepted | OrderOfferState::Paid))
    {
        return Ok(None);
    }
    let offer = store::offers::find(tx, site.id, offer_id).await?.ok_or_else(over)?;
    if !is_open || !token_holds(engine, &order, &offer, token, now) {
        return Err(over());
    }
    let Step::Offer(step) = next(engine, tx, site, &order, now).await? else {
        return Err(over());
    };
    if step.offer.id != offer_id {
        return Err(over());
    }
    let Some(method) = order.saved_method.clone() else { return Err(over()) };
    show(tx, site, &order, &step, now).await?;
    let payment = charge(engine, tx, site, &order, &step, &method).await?;
    let moved = (OrderOfferState::Offered, OrderOfferState::Accepted);
    let which = (order_id, offer_id);
    if !store::order_offers::decide(tx, site.id, which, moved, Some(payment.id), now).await? {
        return Err(EngineError::Conflict("this offer was decided a moment ago".to_owned()));
    }
    Ok(Some(payment))
}

/// Pays for an offer that was taken and whose payment failed, with another card.
///
/// # Errors
/// The window is over, or nothing of it waits to be paid.
pub async fn pay_again(
    engine: &Engine,
    site: &Site,
    order: OrderId,
    offer: OfferId,
    method: &str,
) -> Result<()> {
    let (it, its_site) = (engine.clone(), site.clone());
    let method = model::payments::TestMethod::parse(method)
        .map_err(|refused| refused.at("method"))?
        .as_str();
    let payment = engine
        .write(move |tx| {
            Box::pin(async move {
                let now = it.now();
                if !store::orders::still_open(tx, its_site.id, order, now).await? {
                    return Err(over());
                }
                let order = get(tx, &its_site, order).await?;
                let Step::Retry(step, _) = next(&it, tx, &its_site, &order, now).await? else {
                    return Ok(None);
                };
                if step.offer.id != offer {
                    return Err(over());
                }
                let payment = charge(&it, tx, &its_site, &order, &step, method).await?;
                let stays = (OrderOfferState::Accepted, OrderOfferState::Accepted);
                let which = (order.id, offer);
                let id = Some(payment.id);
                store::order_offers::decide(tx, its_site.id, which, stays, id, now).await?;
                Ok(Some(payment))
            })
        })
        .await?;
    if let Some(payment) = payment {
        pay::settle(engine, site, &payment).await?;
    }
    finish(engine, site, order).await
}

/// P1 of a one-click offer: its stock, its line and its attempt.
async fn charge(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    step: &OfferStep,
    method: &str,
) -> Result<Payment> {
    let now = engine.now();
    let attempts = store::payments::of_order(tx, site.id, order.id).await?;
    pay::check_tries(&attempts, now)?;
    if !store::offers::hold(tx, site.id, step.offer.id, 1).await? {
        return Err(over());
    }
    let purpose = format!("offer:{}", step.offer.id.0);
    let mut line = line_of(engine, tx, site, order, step).await?;
    let payment =
        pay::attempt(engine, site.id, order, &attempts, (method, line.total_minor), &purpose);
    if !store::payments::insert(tx, &payment).await? {
        return Err(EngineError::Conflict(
            "this order is being paid for: wait a moment".to_owned(),
        ));
    }
    line.payment_id = Some(payment.id);
    store::order_lines::insert(tx, site.id, order.id, &line, now).await?;
    Ok(payment)
}

async fn line_of(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    step: &OfferStep,
) -> Result<Line> {
    let role = if step.kind == "upsell" { LineRole::Upsell } else { LineRole::Downsell };
    let totals = price_of(order, step, role)?;
    let before = store::order_lines::of_order(tx, site.id, order.id).await?;
    Ok(Line {
        id: LineId(engine.next_id()),
        payment_id: None,
        position: before.iter().map(|line| line.position).max().unwrap_or(0) + 1,
        kind: role,
        product_id: step.product.id,
        offer_id: step.offer.id,
        offer_version: step.offer.version,
        name: step.product.name.clone(),
        quantity: 1,
        unit_minor: step.offer.price_minor,
        goods_minor: totals.subtotal,
        discount_minor: 0,
        tax_minor: totals.tax,
        net_minor: totals.total - totals.tax,
        total_minor: totals.total,
        cost_minor: step.product.cost_minor,
        state: LineState::Pending,
        stock: StockState::Held,
    })
}

/// What an offer comes to with the tax of its order.
pub(crate) fn price_of(
    order: &Order,
    step: &OfferStep,
    role: LineRole,
) -> std::result::Result<model::orders::Totals, Refused> {
    let rule = TaxRule {
        rate: Rate { ppm: u32::try_from(order.tax_ppm).unwrap_or(0) },
        mode: if order.tax_included { TaxMode::Inclusive } else { TaxMode::Exclusive },
    };
    let unit_price = Money::new(step.offer.price_minor, step.offer.currency);
    let line = BasketLine {
        product: step.product.id,
        offer: step.offer.id,
        role,
        unit_price,
        quantity: 1,
    };
    Basket { currency: order.currency, lines: vec![line] }.totals(&[], rule)
}

/// Whether it had not been shown before, and until when the offer stands for the buyer.
async fn show(
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    step: &OfferStep,
    now: UtcMs,
) -> Result<(bool, Option<UtcMs>)> {
    let row = OrderOffer {
        offer_id: step.offer.id,
        level: step.level,
        kind: step.kind.to_owned(),
        offer_version: step.offer.version,
        price_minor: step.offer.price_minor,
        state: OrderOfferState::Offered,
        payment_id: None,
        shown_at: now,
        decided_at: None,
    };
    let closes = match store::contacts::find(tx, site.id, order.contact_id).await? {
        Some(contact) => offers::tell(tx, site.id, &step.offer, &contact, now).await?.instant(),
        None => None,
    };
    Ok((store::order_offers::show(tx, site.id, order.id, &row).await?, closes))
}

/// Notes that an offer was seen: an observation, made once. Until when it stands for the buyer,
/// which was told with it.
///
/// # Errors
/// The database fails.
pub async fn note_shown(
    engine: &Engine,
    site: &Site,
    order: &Order,
    step: &OfferStep,
) -> Result<Option<UtcMs>> {
    if step.was_shown {
        return Ok(step.closes);
    }
    let (it, its_site) = (engine.clone(), site.clone());
    let (order, step) = (order.clone(), step.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let (is_new, closes) = show(tx, &its_site, &order, &step, it.now()).await?;
                if is_new {
                    let data = about(&order, &step);
                    let what = ("offer.shown", step.offer.id.0);
                    happened(&it, tx, &its_site, &order, what, &data).await?;
                }
                Ok(closes)
            })
        })
        .await
}

fn about(order: &Order, step: &OfferStep) -> serde_json::Value {
    json!({ "order": order.id.to_string(), "offer": step.offer.id.to_string(),
        "level": step.level, "place": step.kind, "amount": step.price.minor,
        "currency": order.currency.code() })
}

/// Refuses an offer; the next one is shown, or the order is closed.
///
/// # Errors
/// There is no such order.
pub async fn decline(engine: &Engine, site: &Site, order: OrderId, offer: OfferId) -> Result<()> {
    let (it, its_site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let now = it.now();
                if !store::orders::still_open(tx, its_site.id, order, now).await? {
                    return Ok(());
                }
                let order = get(tx, &its_site, order).await?;
                let (step, from) = match next(&it, tx, &its_site, &order, now).await? {
                    Step::Offer(step) => (step, OrderOfferState::Offered),
                    Step::Retry(step, _) => (step, OrderOfferState::Accepted),
                    _ => return Ok(()),
                };
                if step.offer.id != offer {
                    return Ok(());
                }
                show(tx, &its_site, &order, &step, now).await?;
                let moved = (from, OrderOfferState::Declined);
                let which = (order.id, offer);
                if store::order_offers::decide(tx, its_site.id, which, moved, None, now).await? {
                    let data = about(&order, &step);
                    let what = ("offer.declined", offer.0);
                    happened(&it, tx, &its_site, &order, what, &data).await?;
                }
                Ok(())
            })
        })
        .await?;
    finish(engine, site, order).await
}

/// Closes the order where nothing comes after.
pub(crate) async fn finish(engine: &Engine, site: &Site, order: OrderId) -> Result<()> {
    let (it, its_site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let now = it.now();
                store::orders::lock(tx, its_site.id, order, now).await?;
                let order = get(tx, &its_site, order).await?;
                if let Step::Done = next(&it, tx, &its_site, &order, now).await?
                    && order.paid_at.is_some()
                {
                    close::close(&it, tx, &its_site, order.id).await?;
                }
                Ok(())
            })
        })
        .await?;
    engine.wake();
    Ok(())
}

async fn get(tx: &mut Tx<'_>, site: &Site, id: OrderId) -> Result<Order> {
    store::orders::find(tx, site.id, id).await?.ok_or_else(|| EngineError::missing("order", id))
}

/// Until when a token holds: half an hour, or the end of the window if that is sooner.
pub(crate) fn until(order: &Order, now: UtcMs) -> UtcMs {
    let most = now.plus_ms(ONE_CLICK_MS);
    order.close_at.map_or(most, |close_at| close_at.min(most))
}

/// The state of an attempt among those of an order.
pub(crate) fn state_of(payments: &[Payment], id: Option<PaymentId>) -> Option<AttemptState> {
    payments.iter().find(|payment| Some(payment.id) == id).map(|payment| payment.state)
}
