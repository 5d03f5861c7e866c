//! Payments: an attempt is written down (P1), its provider asked (P2), the answer noted (P3) and
//! acted on (P4). A crash after any of these leaves a row that says what to do next: the same
//! attempt is asked for again with its stored parameters and its stored key.

mod apply;
mod sweep;

use model::audits::Actor;
use model::ids::{OrderId, PaymentId};
use model::orders::AttemptState;
use model::payments::{
    FRESH_MS, HOLD_MS, OFFLINE_HOLD_MS, Provider, StockState, TestMethod, idempotency_key,
};
use model::sites::Site;
use model::times::MINUTE_MS;
use model::{Refused, SiteId};
use serde_json::json;
use store::coupons::Redemption;
use store::orders::Order;
use store::payments::Payment;
use store::{Session, Tx};

pub use apply::{Applied, apply_payment_snapshot};
pub(crate) use sweep::{call_off, expire, recover, site};

use crate::audits;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::gateway::{self, Reply, Snapshot};

/// Attempts of one order within [`TRIES_MS`]; more is somebody trying out cards.
const TRIES_MAX: usize = 5;
/// The time those attempts are counted in.
const TRIES_MS: i64 = 10 * MINUTE_MS;

/// Whether the order itself is paid or being paid: no second attempt may begin.
pub(crate) async fn is_under_way(
    session: &mut Session<'_>,
    site: SiteId,
    order: &Order,
) -> Result<bool> {
    let attempts = store::payments::of_order(session, site, order.id).await?;
    Ok(attempts.iter().any(|attempt| attempt.purpose == "initial" && holds(attempt.state)))
}

/// Whether an attempt in this state stands against another one for the same thing.
pub(crate) fn holds(state: AttemptState) -> bool {
    !matches!(state, AttemptState::Failed | AttemptState::Cancelled)
}

/// Begins to take the money of an order, unless that has begun. `net` is the network the buyer
/// comes from, or empty: who has many cards declined must wait.
///
/// # Errors
/// What was to be held is gone, or there were too many tries.
pub async fn pay_order(
    engine: &Engine,
    site: &Site,
    order: OrderId,
    method: &str,
    net: &str,
) -> Result<()> {
    let (its_site, it) = (site.id, engine.clone());
    let with = (method.to_owned(), net.to_owned());
    let begun = engine
        .write(move |tx| Box::pin(async move { begin(&it, tx, its_site, order, &with).await }))
        .await?;
    let Some((payment, address_hmac)) = begun else { return Ok(()) };
    let applied = settle(engine, site, &payment).await?;
    if applied == Applied::Moved
        && find(engine, site.id, payment.id).await?.state == AttemptState::Failed
    {
        engine.cards().declined(&address_hmac, net, engine.now());
    }
    Ok(())
}

/// P1: holds stock and coupon and writes the attempt; with it, whose it is. `None` where one is
/// under way.
async fn begin(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    id: OrderId,
    (method, net): &(String, String),
) -> Result<Option<(Payment, String)>> {
    let now = engine.now();
    store::orders::lock(tx, site, id, now).await?;
    let order = store::orders::find(tx, site, id)
        .await?
        .ok_or_else(|| EngineError::missing("order", id))?;
    let attempts = store::payments::of_order(tx, site, id).await?;
    if attempts.iter().any(|a| a.purpose == "initial" && holds(a.state)) {
        return Ok(None);
    }
    check_tries(&attempts, now)?;
    engine.cards().check(&order.address_hmac, net, now)?;
    let hold = if order.provider == Provider::Test { HOLD_MS } else { OFFLINE_HOLD_MS };
    let until = now.plus_ms(hold);
    store::orders::reopen(tx, site, id, until, now).await?;
    if !store::orders::pend(tx, site, id, until, now).await? {
        return Err(EngineError::Conflict("this order cannot be paid any more".to_owned()));
    }
    hold_lines(tx, site, &order).await?;
    reserve_coupon(engine, tx, site, &order).await?;
    let method = if order.provider == Provider::Free { "free" } else { method.as_str() };
    let payment = attempt(engine, site, &order, &attempts, (method, order.total_minor), "initial");
    if !store::payments::insert(tx, &payment).await? {
        return Ok(None);
    }
    store::order_lines::set_payment(tx, site, id, payment.id).await?;
    Ok(Some((payment, order.address_hmac)))
}

/// A new attempt: its parameters and its key are fixed here, for every repetition.
pub(crate) fn attempt(
    engine: &Engine,
    site: SiteId,
    order: &Order,
    before: &[Payment],
    (method, amount_minor): (&str, i64),
    purpose: &str,
) -> Payment {
    let now = engine.now();
    let id = PaymentId(engine.next_id());
    let seq = before.iter().map(|attempt| attempt.seq).max().unwrap_or(0) + 1;
    Payment {
        site_id: site,
        id,
        order_id: order.id,
        seq,
        purpose: purpose.to_owned(),
        provider: order.provider,
        method: method.to_owned(),
        amount_minor,
        currency: order.currency,
        params: json!({
            "amount": amount_minor,
            "currency": order.currency.code(),
            "method": method,
            "attempt": id.to_string(),
            "order": order.id.to_string(),
        })
        .to_string(),
        idem_key: idempotency_key(id.0, "pi-create"),
        state: AttemptState::Creating,
        provider_ref: None,
        failure: None,
        refunded_minor: 0,
        tries: 0,
        check_at: now.plus_ms(FRESH_MS),
        created_at: now,
        updated_at: now,
    }
}

pub(crate) fn check_tries(attempts: &[Payment], now: model::UtcMs) -> Result<()> {
    let lately = attempts.iter().filter(|a| now.since_ms(a.created_at) < TRIES_MS).count();
    if lately < TRIES_MAX {
        return Ok(());
    }
    let message = "that were too many tries: please wait ten minutes, or write to us";
    Err(Refused::new("too_many_tries", message).into())
}

/// Holds the stock of an order's unpaid lines.
pub(crate) async fn hold_lines(tx: &mut Tx<'_>, site: SiteId, order: &Order) -> Result<()> {
    for line in store::order_lines::of_order(tx, site, order.id).await? {
        let free = matches!(line.stock, StockState::None | StockState::Released);
        if line.state != model::payments::LineState::Pending || !free {
            continue;
        }
        if !store::offers::hold(tx, site, line.offer_id, line.quantity).await? {
            let message = format!("{} is sold out: nothing was charged", line.name);
            return Err(Refused::new("sold_out", message).at("quantity").into());
        }
        store::order_lines::set_stock(tx, site, line.id, StockState::Held).await?;
    }
    Ok(())
}

/// Reserves an order's coupon: the guard and the redemption are one transaction.
pub(crate) async fn reserve_coupon(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    order: &Order,
) -> Result<()> {
    let Some(coupon) = order.coupon_id else { return Ok(()) };
    let used_up = || {
        let message = "this coupon has been used up: nothing was charged";
        Refused::new("coupon_used_up", message).at("coupon")
    };
    // From here on the coupon's row is ours: two orders of one address are counted one after the
    // other, however long ago each was quoted.
    if !store::coupons::take(tx, site, coupon).await? {
        return Err(used_up().into());
    }
    let rules = store::coupons::find(tx, site, coupon).await?;
    let most = rules.and_then(|row| row.coupon.per_contact_max);
    let uses = store::coupons::uses_of(tx, site, coupon, &order.address_hmac).await?;
    let n = (1..).find(|n| !uses.contains(n)).unwrap_or(1);
    let is_left = most.is_none_or(|most| i64::try_from(uses.len()).is_ok_and(|used| used < most));
    let redemption = Redemption {
        id: engine.next_id(),
        coupon,
        order: order.id,
        address_hmac: &order.address_hmac,
        n,
        amount_minor: order.discount_minor,
    };
    if !is_left || !store::coupons::redeem(tx, site, redemption, engine.now()).await? {
        store::coupons::give_back(tx, site, coupon).await?;
        return Err(used_up().into());
    }
    Ok(())
}

/// P2 to P4: asks the provider and acts on its word. Safe to repeat.
pub(crate) async fn settle(engine: &Engine, site: &Site, payment: &Payment) -> Result<Applied> {
    engine.pass("P1")?;
    let reply = gateway::ask(engine, payment).await?;
    engine.pass("P2")?;
    let snapshot = match reply {
        Reply::Says(snapshot) => snapshot,
        Reply::NoAnswer(_) => Snapshot {
            provider_ref: String::new(),
            ..gateway::own_word(payment, AttemptState::Unknown)
        },
    };
    if !snapshot.provider_ref.is_empty() {
        note(engine, site.id, payment.id, &snapshot.provider_ref).await?;
    }
    engine.pass("P3")?;
    let applied = act_on(engine, site, snapshot).await?;
    engine.pass("P4")?;
    Ok(applied)
}

async fn note(engine: &Engine, site: SiteId, id: PaymentId, provider_ref: &str) -> Result<()> {
    let (now, provider_ref) = (engine.now(), provider_ref.to_owned());
    engine
        .write(move |tx| {
            Box::pin(async move {
                Ok(store::payments::note_ref(tx, site, id, &provider_ref, now).await?)
            })
        })
        .await
}

/// P4: one transaction.
pub(crate) async fn act_on(engine: &Engine, site: &Site, snapshot: Snapshot) -> Result<Applied> {
    act_as(engine, site, snapshot, None).await
}

/// The same; where it moved anything, the audit log says that `said` was done to the order.
async fn act_as(
    engine: &Engine,
    site: &Site,
    snapshot: Snapshot,
    said: Option<(&'static str, OrderId)>,
) -> Result<Applied> {
    let (it, its_site) = (engine.clone(), site.clone());
    let applied = engine
        .write(move |tx| {
            Box::pin(async move {
                let applied = apply_payment_snapshot(&it, tx, &its_site, &snapshot).await?;
                if let (Some((action, order)), true) = (said, applied != Applied::Nothing) {
                    audits::note(&it, tx, its_site.id, action, order, &()).await?;
                }
                Ok(applied)
            })
        })
        .await?;
    engine.wake();
    Ok(applied)
}

/// The buyer confirms or denies a challenge of the test provider on its page.
///
/// # Errors
/// There is no such attempt.
pub async fn answer_challenge(
    engine: &Engine,
    site: &Site,
    order: OrderId,
    payment: PaymentId,
    says: bool,
) -> Result<()> {
    let payment = find(engine, site.id, payment).await?;
    if payment.order_id != order || payment.provider != Provider::Test {
        return Err(EngineError::missing("payment", payment.id));
    }
    let state = if says { "succeeded" } else { "declined" };
    if let Some(snapshot) = gateway::decide(engine, &payment, state).await? {
        engine.pass("P2")?;
        act_on(engine, site, snapshot).await?;
    }
    Ok(())
}

/// The operator has seen the money of an offline order, or the buyer of a free one has confirmed
/// the address.
///
/// # Errors
/// There is no attempt that waits for it.
pub async fn mark_paid(engine: &Engine, site: &Site, order: OrderId) -> Result<Applied> {
    let its_site = site.id;
    let waiting = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::payments::of_order(session, its_site, order).await?) })
        })
        .await?
        .into_iter()
        .rev()
        .find(|payment| {
            payment.provider != Provider::Test && payment.state != AttemptState::Failed
        });
    let Some(payment) = waiting else {
        let message = "no payment of this order waits to be marked";
        return Err(Refused::new("nothing_to_mark", message).into());
    };
    let paid = gateway::own_word(&payment, AttemptState::Succeeded);
    // A buyer who confirms a free order is nobody whom the audit log names.
    let said = (engine.actor() != Actor::System).then_some(("order.mark_paid", order));
    act_as(engine, site, paid, said).await
}

pub(crate) async fn find(engine: &Engine, site: SiteId, id: PaymentId) -> Result<Payment> {
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                store::payments::find(session, site, id)
                    .await?
                    .ok_or_else(|| EngineError::missing("payment", id))
            })
        })
        .await
}

/// The method that a saved card of this attempt charges with, where it can be charged again.
pub(crate) fn saved_method(payment: &Payment) -> Option<String> {
    if payment.provider != Provider::Test {
        return None;
    }
    TestMethod::parse(&payment.method).ok().map(|method| method.saved().as_str().to_owned())
}
