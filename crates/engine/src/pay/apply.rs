//! The only code that moves an attempt. News may come from our own call, a recovery, or a page of
//! the provider, in any order and any number of times: the end is the same.

use model::ids::PaymentId;
use model::money::Money;
use model::orders::AttemptState;
use model::payments::{LineState, Provider, StockState};
use model::sites::Site;
use serde_json::json;
use store::Tx;
use store::orders::Order;
use store::payments::{Move, Payment};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::gateway::Snapshot;
use crate::{close, fulfil};

/// What news of an attempt led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It was old news.
    Nothing,
    /// The attempt moved.
    Moved,
    /// The order, or one of its offers, is paid and granted.
    Fulfilled,
    /// The news does not fit the attempt: a person must look, nothing is granted.
    Review,
}

/// Moves an attempt as far as `snapshot` says, and does what follows from it, in one transaction.
///
/// # Errors
/// There is no such attempt, or the database fails.
pub async fn apply_payment_snapshot(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    snapshot: &Snapshot,
) -> Result<Applied> {
    let now = engine.now();
    let first = get(tx, site, snapshot.payment).await?;
    store::orders::lock(tx, site.id, first.order_id, now).await?;
    let payment = get(tx, site, snapshot.payment).await?;
    let order = store::orders::find(tx, site.id, payment.order_id)
        .await?
        .ok_or_else(|| EngineError::missing("order", payment.order_id))?;
    if snapshot.amount_minor != payment.amount_minor || snapshot.currency != payment.currency {
        let why = format!(
            "the provider speaks of {} {}, the attempt of {} {}",
            snapshot.amount_minor, snapshot.currency, payment.amount_minor, payment.currency
        );
        tracing::error!(payment = %payment.id, %why, "a payment does not fit its attempt");
        store::orders::review(tx, site.id, order.id, Some(&why), now).await?;
        return Ok(Applied::Review);
    }
    if !payment.state.may_become(snapshot.state) {
        return Ok(Applied::Nothing);
    }
    let step = Move {
        from: payment.state,
        to: snapshot.state,
        provider_ref: Some(snapshot.provider_ref.as_str()).filter(|text| !text.is_empty()),
        failure: snapshot.failure.as_deref(),
    };
    if !store::payments::move_to(tx, site.id, payment.id, step, now).await? {
        return Ok(Applied::Nothing);
    }
    match snapshot.state {
        AttemptState::Succeeded => {
            fulfil::fulfil(engine, tx, site, &order, &payment).await?;
            Ok(Applied::Fulfilled)
        }
        AttemptState::Failed | AttemptState::Cancelled => {
            let_go(tx, site, &order, &payment).await?;
            Ok(Applied::Moved)
        }
        AttemptState::RequiresAction => {
            ask_buyer(engine, tx, site, &order, &payment).await?;
            Ok(Applied::Moved)
        }
        _ => Ok(Applied::Moved),
    }
}

/// Where no provider asks the buyer to act, a mail of ours does: where to pay, or to confirm.
async fn ask_buyer(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
    payment: &Payment,
) -> Result<()> {
    let total = Money::new(order.total_minor, order.currency).human();
    let context = json!({ "name": order.name, "total": total, "reference": order.id.to_string(),
        "instructions": site.settings.offline_instructions,
        "order_url": close::order_url(engine, site, order.id) });
    let name = match payment.provider {
        Provider::Offline => "transfer",
        Provider::Free => "free_order",
        Provider::Test => return Ok(()),
    };
    close::plan(engine, tx, site, order, (name, format!("{name}:{}", payment.id)), context).await
}

async fn get(tx: &mut Tx<'_>, site: &Site, id: PaymentId) -> Result<Payment> {
    store::payments::find(tx, site.id, id).await?.ok_or_else(|| EngineError::missing("payment", id))
}

/// Frees what an attempt held, now that it came to nothing.
async fn let_go(tx: &mut Tx<'_>, site: &Site, order: &Order, payment: &Payment) -> Result<()> {
    let lines = store::order_lines::of_order(tx, site.id, order.id).await?;
    for line in lines.iter().filter(|line| line.payment_id == Some(payment.id)) {
        if line.stock == StockState::Held {
            store::offers::release(tx, site.id, line.offer_id, line.quantity).await?;
            store::order_lines::set_stock(tx, site.id, line.id, StockState::Released).await?;
        }
        if payment.purpose != "initial" && line.state == LineState::Pending {
            store::order_lines::set_state(tx, site.id, line.id, LineState::Cancelled).await?;
        }
    }
    if payment.purpose == "initial" {
        store::coupons::release(tx, site.id, order.id).await?;
    }
    Ok(())
}
