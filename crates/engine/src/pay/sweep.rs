//! What nobody waits for any more: attempts without an answer, and orders without their money.

use model::ids::OrderId;
use model::orders::{AttemptState, OrderState};
use model::payments::{CHECK_EVERY_MS, LineState, RESEND_MAX_MS, StockState};
use model::sites::Site;
use model::{SiteId, UtcMs};
use store::payments::Payment;

use super::{act_on, settle};
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::gateway;
use crate::sweeps::Round;

/// Rows of one batch.
const BATCH: i64 = 50;
/// Of what kind the rows are that rest after a fault here.
const EXPIRING: &str = "order to expire";

/// Takes up attempts that were begun and have no end: asks again with the stored parameters and
/// key, or, once the key may be forgotten, looks and leaves it to a person.
pub(crate) async fn recover(engine: &Engine) -> Result<usize> {
    let now = engine.now();
    let due = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::payments::due(session, now, BATCH).await?) })
        })
        .await?;
    let count = due.len();
    for payment in due {
        let Some(site) = site(engine, payment.site_id).await? else { continue };
        tried(engine, &payment).await?;
        if let Err(error) = recover_one(engine, &site, &payment, now).await {
            tracing::error!(payment = %payment.id, %error, "an attempt could not be taken up");
        }
    }
    Ok(count)
}

async fn recover_one(engine: &Engine, site: &Site, payment: &Payment, now: UtcMs) -> Result<()> {
    if now.since_ms(payment.created_at) < RESEND_MAX_MS {
        return settle(engine, site, payment).await.map(drop);
    }
    match gateway::look(engine, payment).await? {
        Some(snapshot) => act_on(engine, site, snapshot).await.map(drop),
        None => {
            let mut gone = gateway::own_word(payment, AttemptState::Failed);
            gone.failure = Some("the payment never reached the provider".to_owned());
            act_on(engine, site, gone).await.map(drop)
        }
    }
}

/// Counts the look first: a fault in it must not make the sweep spin.
async fn tried(engine: &Engine, payment: &Payment) -> Result<()> {
    let (site, id) = (payment.site_id, payment.id);
    let pause = CHECK_EVERY_MS.saturating_mul(payment.tries.clamp(0, 9) + 1);
    let next = engine.now().plus_ms(pause);
    engine
        .write(move |tx| {
            Box::pin(async move { Ok(store::payments::tried(tx, site, id, next).await?) })
        })
        .await
}

pub(crate) async fn site(engine: &Engine, id: SiteId) -> Result<Option<Site>> {
    engine
        .reader()
        .read(move |session| Box::pin(async move { Ok(store::sites::find(session, id).await?) }))
        .await
}

/// Ends orders that were not paid in time. A challenge that is still open is called off at the
/// provider first; if it had been confirmed a moment before, the order is paid instead.
pub(crate) async fn expire(engine: &Engine) -> Result<usize> {
    let (now, resting) = (engine.now(), engine.resting());
    let batch = resting.batch(EXPIRING, BATCH, now);
    let due = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::orders::to_expire(session, now, batch).await?) })
        })
        .await?;
    let mut round = Round::default();
    for (site_id, order) in due {
        if resting.holds(EXPIRING, site_id, order.0) {
            continue;
        }
        let Some(site) = site(engine, site_id).await? else { continue };
        let ended = expire_one(engine, &site, order).await;
        let ended = resting.after((EXPIRING, site_id, order.0), ended, now);
        round.took(format_args!("order {order}"), ended);
    }
    round.end()
}

async fn expire_one(engine: &Engine, site: &Site, order: OrderId) -> Result<usize> {
    call_off(engine, site, order).await?;
    let its_site = site.id;
    let now = engine.now();
    engine
        .write(move |tx| {
            Box::pin(async move {
                store::orders::lock(tx, its_site, order, now).await?;
                // What is held is let go by the attempt's end, not by a timer alone.
                let attempts = store::payments::of_order(tx, its_site, order).await?;
                if attempts.iter().any(|attempt| !attempt.state.is_final()) {
                    let later = now.plus_ms(CHECK_EVERY_MS);
                    store::orders::pend(tx, its_site, order, later, now).await?;
                    return Ok(0);
                }
                if !store::orders::end(tx, its_site, order, OrderState::Expired, now).await? {
                    return Ok(0);
                }
                for line in store::order_lines::of_order(tx, its_site, order).await? {
                    if line.state == LineState::Pending && line.stock == StockState::Held {
                        store::offers::release(tx, its_site, line.offer_id, line.quantity).await?;
                        let free = StockState::Released;
                        store::order_lines::set_stock(tx, its_site, line.id, free).await?;
                    }
                }
                store::coupons::release(tx, its_site, order).await?;
                Ok(1)
            })
        })
        .await
}

/// Calls off what of an order waits for its buyer, at the provider first; if it had been confirmed
/// a moment before, it is paid instead.
pub(crate) async fn call_off(engine: &Engine, site: &Site, order: OrderId) -> Result<()> {
    let its_site = site.id;
    let attempts = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::payments::of_order(session, its_site, order).await?) })
        })
        .await?;
    for attempt in &attempts {
        if attempt.state == AttemptState::RequiresAction {
            let snapshot = match gateway::decide(engine, attempt, "cancelled").await? {
                Some(snapshot) => snapshot,
                None => gateway::own_word(attempt, AttemptState::Cancelled),
            };
            act_on(engine, site, snapshot).await?;
        }
    }
    Ok(())
}
