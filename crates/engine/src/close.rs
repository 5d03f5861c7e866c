//! Closing an order: its window for one-click offers is over, and the one receipt for all of it is
//! made, with the next invoice number.

use model::EmailAddr;
use model::ids::OrderId;
use model::messages::{Class, SourceKind};
use model::money::Money;
use model::payments::LineState;
use model::sites::Site;
use model::tokens::Purpose;
use serde_json::{Value, json};
use store::Tx;
use store::order_lines::Line;
use store::orders::Order;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::messages::{self, Content, NewMessage};
use crate::{back_end, consents, pay, referrals};

/// Orders of one batch.
const BATCH: i64 = 50;

/// Closes an order and makes its receipt; `false` where it was closed before.
pub(crate) async fn close(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    id: OrderId,
) -> Result<bool> {
    let now = engine.now();
    let order = get(tx, site, id).await?;
    if order.closed_at.is_some() || order.paid_at.is_none() {
        return Ok(false);
    }
    let number = store::invoices::next(tx, site.id).await?;
    if !store::orders::close(tx, site.id, id, now, number).await? {
        // Undone with the number: it stays without a gap.
        return Err(EngineError::Conflict("this order was closed a moment ago".to_owned()));
    }
    store::order_offers::expire(tx, site.id, id, now).await?;
    let total = (order.total_minor, order.currency);
    store::invoices::insert(tx, site.id, (number, id), "order", total, now).await?;
    receipt(engine, tx, site, &order, number).await?;
    Ok(true)
}

/// Money that came after the order was closed gets an invoice of its own.
pub(crate) async fn late(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    id: OrderId,
    total_minor: i64,
) -> Result<()> {
    let order = get(tx, site, id).await?;
    let number = store::invoices::next(tx, site.id).await?;
    let total = (total_minor, order.currency);
    store::invoices::insert(tx, site.id, (number, id), "late", total, engine.now()).await?;
    receipt(engine, tx, site, &order, number).await
}

async fn get(tx: &mut Tx<'_>, site: &Site, id: OrderId) -> Result<Order> {
    store::orders::find(tx, site.id, id).await?.ok_or_else(|| EngineError::missing("order", id))
}

/// The page of an order as its mails link to it: under a key, since the token itself is kept as a
/// hash alone.
pub fn order_url(engine: &Engine, site: &Site, order: OrderId) -> String {
    site.url(&format!("/order/{}", engine.keys().sign(Purpose::Order, order.0, 0)))
}

async fn receipt(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    number: i64,
) -> Result<()> {
    let lines = store::order_lines::of_order(tx, site.id, order.id).await?;
    let context = receipt_context(engine, tx, site, order, number, &lines).await?;
    let key = format!("receipt:{}:{number}", order.id);
    plan(engine, tx, site, order, ("receipt", key), context).await
}

async fn receipt_context(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    number: i64,
    lines: &[Line],
) -> Result<Value> {
    let money = |minor: i64| Money::new(minor, order.currency).human();
    let paid: Vec<Value> = lines
        .iter()
        .filter(|line| matches!(line.state, LineState::Paid | LineState::Refunded))
        .map(|line| {
            json!({ "name": line.name, "quantity": line.quantity,
                "unit": money(line.unit_minor), "total": money(line.total_minor) })
        })
        .collect();
    let address = EmailAddr::parse(&order.email)?;
    let (to, class) = (Some(order.contact_id), Class::BackEnd);
    let may_sell =
        consents::refusal_to_send(tx, site, to, &address, class, engine.now()).await?.is_none();
    let next =
        if may_sell { back_end::next_offer(tx, site, order, engine.now()).await? } else { None };
    let offer = next.map_or(Value::Null, |next| {
        json!({ "title": next.title, "price": next.price.human(), "button": next.button,
            "url": site.url(&next.path), "coupon": next.coupon, "coupon_says": next.coupon_says })
    });
    Ok(json!({
        "number": number,
        "name": order.name,
        "paid_at": order.paid_at.map(|at| at.rfc3339()),
        "lines": paid,
        "goods": money(order.goods_minor),
        "discount": (order.discount_minor > 0).then(|| money(order.discount_minor)),
        "coupon_code": order.coupon_code,
        "tax": (order.tax_minor > 0).then(|| money(order.tax_minor)),
        "tax_included": order.tax_included,
        "total": money(order.total_minor),
        "order_url": order_url(engine, site, order.id),
        "back_end_offer": offer,
        "catalogue_url": may_sell.then(|| site.url("/catalogue")),
        "referral_url": referrals::link(engine, site, order.contact_id),
        "newsletter_asked": order.newsletter,
    }))
}

/// Tells a buyer whose money came too late that it goes back.
pub(crate) async fn sold_out(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
) -> Result<()> {
    let total = Money::new(order.total_minor, order.currency).human();
    let context = json!({ "name": order.name, "total": total,
        "order_url": order_url(engine, site, order.id) });
    plan(engine, tx, site, order, ("sold_out", format!("sold_out:{}", order.id)), context).await
}

/// Plans a transactional mail of an order.
pub(crate) async fn plan(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    (name, dedupe_key): (&'static str, String),
    context: Value,
) -> Result<()> {
    let message = NewMessage {
        contact_id: Some(order.contact_id),
        to: EmailAddr::parse(&order.email)?,
        class: Class::Transactional,
        source_kind: SourceKind::Receipt,
        source_id: order.id.0,
        enrolment_id: None,
        dedupe_key,
        content: Content::System { name, context },
        not_before: None,
        expires_at: None,
    };
    messages::plan(engine, tx, site, message).await.map(drop)
}

/// Sends the receipt of a closed order again, at the operator's wish.
///
/// # Errors
/// The order is not there, or has no receipt yet.
pub async fn resend_receipt(engine: &Engine, site: &Site, id: OrderId) -> Result<()> {
    let (it, its_site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let order = get(tx, &its_site, id).await?;
                let Some(number) = order.invoice_number else {
                    let message = "this order has no receipt yet: it is made when the order closes";
                    return Err(model::Refused::new("no_receipt", message).into());
                };
                let lines = store::order_lines::of_order(tx, its_site.id, id).await?;
                let context = receipt_context(&it, tx, &its_site, &order, number, &lines).await?;
                let key = format!("receipt:{id}:{number}:again:{}", it.next_id());
                plan(&it, tx, &its_site, &order, ("receipt", key), context).await
            })
        })
        .await?;
    engine.wake();
    Ok(())
}

/// Closes every order whose window is over.
pub(crate) async fn close_due(engine: &Engine) -> Result<usize> {
    let now = engine.now();
    let due = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::orders::to_close(session, now, BATCH).await?) })
        })
        .await?;
    let mut closed = 0;
    for (site_id, order) in due {
        let Some(site) = pay::site(engine, site_id).await? else { continue };
        pay::call_off(engine, &site, order).await?;
        let it = engine.clone();
        let done = engine
            .write(move |tx| {
                Box::pin(async move {
                    store::orders::lock(tx, site.id, order, it.now()).await?;
                    close(&it, tx, &site, order).await
                })
            })
            .await?;
        closed += usize::from(done);
    }
    Ok(closed)
}
