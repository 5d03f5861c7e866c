//! What a payment buys, in one transaction: the order is paid, the ledger written, the goods
//! granted, stock and coupon used up, and everything that starts on it started.

use model::ids::{EntitlementId, LedgerLineId, OfferId, ProductId, RefundId};
use model::orders::OrderState;
use model::payments::{LineState, OrderOfferState, StockState, UPSELL_WINDOW_MS};
use model::sites::Site;
use model::triggers::Trigger;
use model::{SiteId, UtcMs};
use serde_json::json;
use store::Tx;
use store::entitlements::Entitlement;
use store::events::NewEvent;
use store::ledger_lines::LedgerLine;
use store::order_lines::Line;
use store::orders::Order;
use store::payments::Payment;

use crate::engine::Engine;
use crate::fault::Result;
use crate::{also_bought, close, enrolments, pay, referrals, refund};

/// Does what a payment that succeeded buys.
pub(crate) async fn fulfil(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    payment: &Payment,
) -> Result<()> {
    if payment.purpose == "initial" {
        initial(engine, tx, site, order, payment).await
    } else {
        one_click(engine, tx, site, order, payment).await
    }
}

async fn initial(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    payment: &Payment,
) -> Result<()> {
    let now = engine.now();
    // Late money on an expired order: what was let go must be had again, or the money goes back.
    let can_have =
        order.state != OrderState::Expired || hold_again(engine, tx, site, order).await?;
    let close_at = now.plus_ms(UPSELL_WINDOW_MS);
    let saved = pay::saved_method(payment);
    let paid = (payment.amount_minor, saved.as_deref());
    if !store::orders::pay(tx, site.id, order.id, now, close_at, paid).await? {
        store::orders::review(tx, site.id, order.id, Some("paid twice: pay one back"), now).await?;
        return Ok(());
    }
    let lines = store::order_lines::of_order(tx, site.id, order.id).await?;
    let lines: Vec<Line> = lines
        .into_iter()
        .filter(|line| line.payment_id == Some(payment.id) && line.state == LineState::Pending)
        .collect();
    let sums = Sums::of(&lines);
    book_sale(engine, tx, site, order, payment, sums).await?;
    if !can_have {
        return give_back(engine, tx, site, order, payment, &lines).await;
    }
    count(tx, site, order, &lines).await?;
    for line in &lines {
        grant(engine, tx, site, order, line).await?;
    }
    if let Some((coupon, minor)) = store::coupons::use_reserved(tx, site.id, order.id).await? {
        let data = json!({ "coupon": coupon.to_string(), "code": order.coupon_code,
            "amount": minor, "currency": order.currency.code() });
        happened(engine, tx, site, order, ("coupon.redeemed", coupon.0), &data).await?;
    }
    store::carts::ordered(tx, site.id, order.contact_id, order.id, now).await?;
    referrals::hold(engine, tx, site, order).await?;
    let data = json!({ "order": order.id.to_string(), "amount": payment.amount_minor,
        "currency": order.currency.code(), "provider": order.provider.as_str() });
    happened(engine, tx, site, order, ("order.paid", order.id.0), &data).await?;
    let has_levels = match order.path_id {
        Some(path) => {
            store::paths::find(tx, site.id, path).await?.is_some_and(|path| !path.levels.is_empty())
        }
        None => false,
    };
    if saved.is_some() && has_levels {
        return Ok(());
    }
    close::close(engine, tx, site, order.id).await.map(drop)
}

async fn one_click(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    payment: &Payment,
) -> Result<()> {
    let now = engine.now();
    let lines = store::order_lines::of_order(tx, site.id, order.id).await?;
    let lines: Vec<Line> = lines
        .into_iter()
        .filter(|line| line.payment_id == Some(payment.id) && line.state == LineState::Pending)
        .collect();
    let sums = Sums::of(&lines);
    let added = (sums.goods, sums.tax, sums.total);
    if !store::orders::add_paid(tx, site.id, order.id, added, now).await? {
        let why = "a one-click payment came for an order that is not paid: pay it back";
        store::orders::review(tx, site.id, order.id, Some(why), now).await?;
        return Ok(());
    }
    book_sale(engine, tx, site, order, payment, sums).await?;
    count(tx, site, order, &lines).await?;
    for line in &lines {
        grant(engine, tx, site, order, line).await?;
        let which = (order.id, line.offer_id);
        let step = (OrderOfferState::Accepted, OrderOfferState::Paid);
        store::order_offers::decide(tx, site.id, which, step, Some(payment.id), now).await?;
        let data = json!({ "order": order.id.to_string(), "offer": line.offer_id.to_string(),
            "amount": line.total_minor, "currency": order.currency.code() });
        happened(engine, tx, site, order, ("offer.accepted", line.offer_id.0), &data).await?;
    }
    if order.closed_at.is_some() {
        let came = (payment.id, sums.total);
        close::late(engine, tx, site, order.id, came).await?;
    }
    Ok(())
}

/// What a set of lines comes to.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    goods: i64,
    tax: i64,
    total: i64,
}

impl Sums {
    fn of(lines: &[Line]) -> Self {
        lines.iter().fold(Self::default(), |sums, line| Self {
            goods: sums.goods + line.goods_minor,
            tax: sums.tax + line.tax_minor,
            total: sums.total + line.total_minor,
        })
    }
}

async fn hold_again(engine: &Engine, tx: &mut Tx<'_>, site: &Site, order: &Order) -> Result<bool> {
    let lines = store::order_lines::of_order(tx, site.id, order.id).await?;
    let mut wanted: Vec<(OfferId, i64)> = Vec::new();
    for line in lines.iter().filter(|line| line.state == LineState::Pending) {
        if !store::offers::hold(tx, site.id, line.offer_id, line.quantity).await? {
            for (offer, quantity) in wanted {
                store::offers::release(tx, site.id, offer, quantity).await?;
            }
            return Ok(false);
        }
        wanted.push((line.offer_id, line.quantity));
    }
    for line in lines.iter().filter(|line| line.state == LineState::Pending) {
        store::order_lines::set_stock(tx, site.id, line.id, StockState::Held).await?;
    }
    // The price was agreed: it stands, even where the coupon has been used up meanwhile.
    if let Err(error) = pay::reserve_coupon(engine, tx, site.id, order).await
        && error.is_fault()
    {
        return Err(error);
    }
    Ok(true)
}

/// Money came, and what it was for is gone: it goes back at once, with a word to the buyer.
async fn give_back(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    payment: &Payment,
    lines: &[Line],
) -> Result<()> {
    for line in lines {
        store::order_lines::set_state(tx, site.id, line.id, LineState::Cancelled).await?;
    }
    let why = "sold out when the money came";
    store::orders::review(tx, site.id, order.id, Some(why), engine.now()).await?;
    close::sold_out(engine, tx, site, order).await?;
    refund::begin_whole(engine, tx, site, order.id, payment, why).await?;
    close::close(engine, tx, site, order.id).await.map(drop)
}

/// Before anything is granted: what is had already is not counted again.
async fn count(tx: &mut Tx<'_>, site: &Site, order: &Order, lines: &[Line]) -> Result<()> {
    let products: Vec<ProductId> = lines.iter().map(|line| line.product_id).collect();
    also_bought::count(tx, site.id, order.contact_id, &products).await
}

async fn grant(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    line: &Line,
) -> Result<()> {
    let now = engine.now();
    store::order_lines::set_state(tx, site.id, line.id, LineState::Paid).await?;
    if line.stock == StockState::Held || order.state == OrderState::Expired {
        store::offers::sell(tx, site.id, line.offer_id, line.quantity).await?;
        store::order_lines::set_stock(tx, site.id, line.id, StockState::Sold).await?;
    }
    entitle(engine, tx, site.id, order, line, now).await?;
    start(engine, tx, site, order, line.product_id).await
}

/// The buyer has what the line sold, from `at` on.
pub(crate) async fn entitle(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    order: &Order,
    line: &Line,
    at: UtcMs,
) -> Result<()> {
    let entitlement = Entitlement {
        id: EntitlementId(engine.next_id()),
        contact_id: order.contact_id,
        product_id: line.product_id,
        order_id: order.id,
        line_id: line.id,
        quantity: line.quantity,
        downloads: 0,
        granted_at: at,
        revoked_at: None,
    };
    store::entitlements::grant(tx, site, &entitlement).await?;
    Ok(())
}

async fn start(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    product: ProductId,
) -> Result<()> {
    let trigger = Trigger::OrderPaid(product);
    enrolments::trigger(engine, tx, site, order.contact_id, &trigger).await
}

/// The sale in the ledger: cash in, sales and tax owed; the lines add up to zero.
async fn book_sale(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    payment: &Payment,
    sums: Sums,
) -> Result<()> {
    let cash = format!("cash:{}", order.provider);
    let entries = [
        (cash.as_str(), payment.amount_minor),
        ("sales", -(payment.amount_minor - sums.tax)),
        ("tax", -sums.tax),
    ];
    let of = (order, payment, None);
    book(engine, tx, site.id, of, &entries, ("sale", engine.now())).await
}

/// Writes one transaction of the ledger, as of an instant; entries of nothing are left out.
pub(crate) async fn book(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    (order, payment, refund): (&Order, &Payment, Option<RefundId>),
    entries: &[(&str, i64)],
    (memo, at): (&str, UtcMs),
) -> Result<()> {
    let txn_id = engine.next_id();
    for (account, minor) in entries.iter().filter(|(_, minor)| *minor != 0) {
        let line = LedgerLine {
            id: LedgerLineId(engine.next_id()),
            txn_id,
            at,
            account: (*account).to_owned(),
            minor: *minor,
            currency: order.currency,
            order_id: Some(order.id),
            payment_id: Some(payment.id),
            refund_id: refund,
            memo: memo.to_owned(),
        };
        store::ledger_lines::insert(tx, site, &line).await?;
    }
    Ok(())
}

/// Appends an event of an order.
pub(crate) async fn happened(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    (kind, subject): (&str, i64),
    data: &serde_json::Value,
) -> Result<()> {
    let event =
        NewEvent { kind, contact_id: Some(order.contact_id), subject_id: Some(subject), data };
    engine.record(tx, site.id, event).await
}
