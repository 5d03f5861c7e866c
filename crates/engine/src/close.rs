//! Closing an order: its window for one-click offers is over, and the one receipt for all of it is
//! made, with the next invoice number.

use model::contacts::Status;
use model::ids::{OrderId, PaymentId, ProductId};
use model::messages::{Class, SourceKind};
use model::money::{Money, Rate};
use model::payments::LineState;
use model::sites::Site;
use model::tokens::Purpose;
use model::{EmailAddr, UtcMs};
use serde_json::{Value, json};
use store::Tx;
use store::invoices::Invoice as Row;
use store::orders::Order;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::invoices::Invoice;
use crate::messages::{self, Content, NewMessage};
use crate::sweeps::Round;
use crate::{
    also_bought, audits, back_end, consents, downloads, invoices, links, offers, opt_in, orders,
    pay, referrals,
};

/// What the box at the checkout says.
pub const NEWSLETTER_WORDS: &str = "Send me the newsletter";
/// Orders of one batch.
const BATCH: i64 = 50;
/// Of what kind the rows are that rest after a fault here.
const CLOSING: &str = "order to close";

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
    let row = Row {
        number,
        order_id: id,
        payment_id: None,
        total_minor: order.total_minor,
        currency: order.currency,
        created_at: now,
    };
    store::invoices::insert(tx, site.id, &row).await?;
    receipt(engine, tx, site, order, number).await?;
    Ok(true)
}

/// Money that came after the order was closed gets an invoice of its own.
pub(crate) async fn late(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    id: OrderId,
    (payment, total_minor): (PaymentId, i64),
) -> Result<()> {
    let order = get(tx, site, id).await?;
    let number = store::invoices::next(tx, site.id).await?;
    let row = Row {
        number,
        order_id: id,
        payment_id: Some(payment),
        total_minor,
        currency: order.currency,
        created_at: engine.now(),
    };
    store::invoices::insert(tx, site.id, &row).await?;
    receipt(engine, tx, site, order, number).await
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
    order: Order,
    number: i64,
) -> Result<()> {
    let whole = orders::whole(tx, site.id, order).await?;
    let made = invoices::of(&whole).into_iter().find(|made| made.number == Some(number));
    let invoice = made.ok_or_else(|| EngineError::missing("invoice", number))?;
    let order = &whole.order;
    let context = receipt_context(engine, tx, site, order, &invoice).await?;
    let key = format!("receipt:{}:{number}", order.id);
    plan(engine, tx, site, order, ("receipt", key), context).await
}

async fn receipt_context(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    invoice: &Invoice,
) -> Result<Value> {
    let address = EmailAddr::parse(&order.email)?;
    let (to, class) = (Some(order.contact_id), Class::BackEnd);
    let may_sell =
        consents::refusal_to_send(tx, site, to, &address, class, engine.now()).await?.is_none();
    let next =
        if may_sell { next_offer(engine, tx, site, order, engine.now()).await? } else { None };
    let offered = next.as_ref().map(|(next, _)| next.offer.product_id);
    let beside = if may_sell { beside(tx, site, order, offered).await? } else { Value::Null };
    let files: Vec<Value> = downloads::of_order(engine, tx, site, order.id)
        .await?
        .into_iter()
        .map(|file| json!({ "name": file.title, "url": file.url }))
        .collect();
    Ok(json!({
        "preheader": "Your receipt, and everything you bought",
        "receipt": receipt_block(site, order, invoice),
        "downloads": files,
        "order_url": order_url(engine, site, order.id),
        "also_bought": beside,
        "offers": next.map(|(next, until)| offer_block(site, &next, until)),
        "referral_url": referrals::link(engine, site, order.contact_id),
        "confirm_url": ask_for_newsletter(engine, tx, site, order).await?,
        "why": "You get this mail because you ordered.",
    }))
}

/// The lines and sums, as the layout of mails draws them.
fn receipt_block(site: &Site, order: &Order, invoice: &Invoice) -> Value {
    let money = |minor: i64| Money::new(minor, order.currency).human();
    let bought: Vec<Value> = invoice
        .lines
        .iter()
        .map(|line| {
            let note = match line.quantity {
                _ if line.state == LineState::Cancelled => "sold out: it is paid back".to_owned(),
                1 => String::new(),
                many => format!("{many} × {}", money(line.unit_minor)),
            };
            json!({ "name": line.name, "note": note, "amount": money(line.goods_minor) })
        })
        .collect();
    let mut totals = Vec::new();
    let mut total = |label: String, amount: String, strong: bool| {
        totals.push(json!({ "label": label, "amount": amount, "strong": strong }));
    };
    if invoice.discount_minor() > 0 {
        let code = order.coupon_code.as_deref().unwrap_or_default();
        total(format!("Coupon {code}"), money(-invoice.discount_minor()), false);
    }
    if invoice.tax_minor() > 0 {
        let rate = Rate { ppm: u32::try_from(order.tax_ppm).unwrap_or(0) };
        let label = if order.tax_included { "of which tax" } else { "plus tax" };
        total(format!("{label} {rate}"), money(invoice.tax_minor()), false);
    }
    total("Total".to_owned(), money(invoice.total_minor()), true);
    let to: Vec<&str> =
        [order.name.as_str(), order.email.as_str()].into_iter().filter(|t| !t.is_empty()).collect();
    json!({
        "number": invoice.number.map(|number| format!("Invoice {number}")),
        "date": day(site, invoice.paid_at),
        "to": to,
        "lines": bought,
        "totals": totals,
        "note": format!("Order {}. Tax is rounded on each line.", order.id),
    })
}

/// The day where the site is, as in `21 Nov 2026`.
fn day(site: &Site, at: UtcMs) -> String {
    let zone = jiff::tz::TimeZone::get(&site.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    at.timestamp().to_zoned(zone).strftime("%-d %b %Y").to_string()
}

/// The same with the time and its zone, as in `21 Nov 2026, 18:00 (Europe/Berlin)`.
fn moment(site: &Site, at: UtcMs) -> String {
    let zone = jiff::tz::TimeZone::get(&site.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    at.timestamp().to_zoned(zone).strftime("%-d %b %Y, %H:%M (%Q)").to_string()
}

/// What the receipt offers next, and until when it stands: told with it, and kept from then on.
async fn next_offer(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    now: UtcMs,
) -> Result<Option<(back_end::NextOffer, Option<UtcMs>)>> {
    let Some(next) = back_end::next_offer(engine, tx, site, order, now).await? else {
        return Ok(None);
    };
    let until = match store::contacts::find(tx, site.id, order.contact_id).await? {
        Some(contact) => offers::tell(tx, site.id, &next.offer, &contact, now).await?.instant(),
        None => None,
    };
    Ok(Some((next, until)))
}

fn offer_block(site: &Site, next: &back_end::NextOffer, until: Option<UtcMs>) -> Value {
    let coupon = match (&next.coupon, &next.coupon_says) {
        (Some(code), Some(says)) => Some(format!("With the code {code}: {says}.")),
        _ => None,
    };
    let until = until.map(|at| format!("Open until {}.", moment(site, at)));
    let terms = [coupon, until].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let shown = also_bought::mails::Shown {
        name: &next.title,
        text: "",
        price: next.price,
        offer: &next.offer.slug,
        path: &next.path,
        image: None,
    };
    card("For your next order", vec![labelled(shown.view(site), &next.button)], &terms)
}

/// Offers under a title, as the layout of mails draws them.
fn card(title: &str, items: Vec<Value>, terms: &str) -> Value {
    json!({ "title": title, "items": items, "terms": terms })
}

/// An offer with what its button says.
fn labelled(mut offer: Value, label: &str) -> Value {
    if let Some(names) = offer.as_object_mut() {
        names.insert("label".to_owned(), json!(label));
    }
    offer
}

/// What customers of the order's products have too, but what it is `offered` next. Nothing where
/// there is nothing to suggest.
async fn beside(
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    offered: Option<ProductId>,
) -> Result<Value> {
    let mut found = also_bought::mails::of_order(tx, site.id, order).await?;
    found.retain(|one| Some(one.product) != offered);
    if found.is_empty() {
        return Ok(Value::Null);
    }
    let see = |one| labelled(also_bought::mails::suggestion_view(site, one), "See it");
    Ok(card("Customers also bought", found.iter().map(see).collect(), ""))
}

/// The newsletter's box was ticked: the receipt's button confirms it. Nothing where it is
/// confirmed already.
async fn ask_for_newsletter(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
) -> Result<Option<String>> {
    let contact = store::contacts::find(tx, site.id, order.contact_id).await?;
    let is_confirmed = contact.is_some_and(|contact| contact.status == Status::Confirmed);
    if !order.newsletter || is_confirmed {
        return Ok(None);
    }
    let (id, of) = (order.contact_id, order.id.0);
    let asking = opt_in::ask_at_checkout(engine, tx, site, id, of, NEWSLETTER_WORDS).await?;
    Ok(Some(links::confirm_url(engine, site, asking.id, asking.expires_at)))
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

/// Sends the receipts of a closed order again, each as it was made, at the operator's wish.
///
/// # Errors
/// The order is not there, or has no receipt yet.
pub async fn resend_receipt(engine: &Engine, site: &Site, id: OrderId) -> Result<()> {
    let (it, its_site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let order = get(tx, &its_site, id).await?;
                if order.invoice_number.is_none() {
                    let message = "this order has no receipt yet: it is made when the order closes";
                    return Err(model::Refused::new("no_receipt", message).into());
                }
                let whole = orders::whole(tx, its_site.id, order).await?;
                for invoice in invoices::of(&whole) {
                    let order = &whole.order;
                    let context = receipt_context(&it, tx, &its_site, order, &invoice).await?;
                    let number = invoice.number.unwrap_or_default();
                    let key = format!("receipt:{id}:{number}:again:{}", it.next_id());
                    plan(&it, tx, &its_site, order, ("receipt", key), context).await?;
                }
                audits::note(&it, tx, its_site.id, "order.receipt_resent", id, &()).await
            })
        })
        .await?;
    engine.wake();
    Ok(())
}

/// Closes every order whose window is over.
pub(crate) async fn close_due(engine: &Engine) -> Result<usize> {
    let (now, resting) = (engine.now(), engine.resting());
    let batch = resting.batch(CLOSING, BATCH, now);
    let due = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::orders::to_close(session, now, batch).await?) })
        })
        .await?;
    let mut round = Round::default();
    for (site_id, order) in due {
        if resting.holds(CLOSING, site_id, order.0) {
            continue;
        }
        let Some(site) = pay::site(engine, site_id).await? else { continue };
        let closed = close_one(engine, site, order).await;
        let closed = resting.after((CLOSING, site_id, order.0), closed, now);
        round.took(format_args!("order {order}"), closed.map(usize::from));
    }
    round.end()
}

async fn close_one(engine: &Engine, site: Site, order: OrderId) -> Result<bool> {
    pay::call_off(engine, &site, order).await?;
    let it = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                store::orders::lock(tx, site.id, order, it.now()).await?;
                close(&it, tx, &site, order).await
            })
        })
        .await
}
