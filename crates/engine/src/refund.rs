//! Paying back: guarded against more than came in, written down, then asked for by a job. What was
//! paid back is taken back.

use model::audits::Actor;
use model::ids::{LineId, OrderId, RefundId};
use model::jobs::{Outcome, Work};
use model::orders::{AttemptState, RefundState};
use model::payments::{LineState, idempotency_key};
use model::sites::Site;
use model::triggers::Trigger;
use model::{Refused, SiteId};
use serde_json::json;
use store::Tx;
use store::order_lines::Line;
use store::payments::Payment;
use store::refunds::Refund;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::fulfil::{book, happened};
use crate::{audits, enrolments, gateway, jobs, pay, referrals};

/// What is to be paid back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Everything that is left, and with it what was bought.
    Whole,
    /// One line, and with it what it granted.
    Line(LineId),
    /// An amount, in minor units; what was bought stays.
    Amount(i64),
}

/// Begins a refund.
///
/// # Errors
/// More than came in, nothing left, or no such order.
pub async fn refund(
    engine: &Engine,
    site: &Site,
    order: OrderId,
    what: What,
    (reason, actor): (&str, Actor),
) -> Result<()> {
    let (it, its_site) = (engine.clone(), site.clone());
    let reason = model::notes::clean_line(reason);
    engine
        .write(move |tx| {
            Box::pin(async move {
                let name = actor.to_string();
                let by = (reason.as_str(), name.as_str());
                begin(&it, tx, &its_site, order, what, by).await?;
                let data = json!({ "reason": reason });
                audits::record(&it, tx, its_site.id, actor, "order.refund", order, &data).await
            })
        })
        .await?;
    engine.wake();
    Ok(())
}

async fn begin(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: OrderId,
    what: What,
    by: (&str, &str),
) -> Result<()> {
    store::orders::lock(tx, site.id, order, engine.now()).await?;
    let lines = store::order_lines::of_order(tx, site.id, order).await?;
    let payments = store::payments::of_order(tx, site.id, order).await?;
    let paid: Vec<&Payment> =
        payments.iter().filter(|payment| payment.state == AttemptState::Succeeded).collect();
    let left = |payment: &Payment| payment.amount_minor - payment.refunded_minor;
    match what {
        What::Whole => {
            let mut any = false;
            for payment in paid.iter().filter(|payment| left(payment) > 0) {
                any = true;
                let share = Share { line: None, minor: left(payment), whole: true };
                one(engine, tx, site, payment, share, by, &lines).await?;
            }
            if any { Ok(()) } else { Err(nothing_left().into()) }
        }
        What::Line(id) => {
            let line = lines.iter().find(|line| line.id == id && line.state == LineState::Paid);
            let line = line.ok_or_else(nothing_left)?;
            let refunds = store::refunds::of_order(tx, site.id, order).await?;
            // The line stays paid until the provider has answered; its money is on its way already.
            if refunds
                .iter()
                .any(|refund| refund.line_id == Some(id) && refund.state != RefundState::Failed)
            {
                return Err(nothing_left().into());
            }
            let payment = paid.iter().find(|payment| Some(payment.id) == line.payment_id);
            let payment = payment.ok_or_else(nothing_left)?;
            let minor = line.total_minor.min(left(payment));
            let share = Share { line: Some(id), minor, whole: false };
            one(engine, tx, site, payment, share, by, &lines).await
        }
        What::Amount(minor) => {
            let mut rest = minor;
            if minor <= 0 || minor > paid.iter().map(|payment| left(payment)).sum() {
                return Err(too_much().into());
            }
            for payment in &paid {
                let part = rest.min(left(payment));
                if part > 0 {
                    let share = Share { line: None, minor: part, whole: false };
                    one(engine, tx, site, payment, share, by, &lines).await?;
                    rest -= part;
                }
            }
            Ok(())
        }
    }
}

/// Begins to pay back a whole attempt, within the transaction that found it must be.
pub(crate) async fn begin_whole(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: OrderId,
    payment: &Payment,
    reason: &str,
) -> Result<()> {
    let lines = store::order_lines::of_order(tx, site.id, order).await?;
    let share = Share { line: None, minor: payment.amount_minor, whole: true };
    one(engine, tx, site, payment, share, (reason, "tundish"), &lines).await
}

/// A part of one attempt.
#[derive(Debug, Clone, Copy)]
struct Share {
    line: Option<LineId>,
    minor: i64,
    whole: bool,
}

/// P1 of a refund: the guard, its row and its job, in one transaction.
async fn one(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    payment: &Payment,
    share: Share,
    (reason, actor): (&str, &str),
    lines: &[Line],
) -> Result<()> {
    let now = engine.now();
    if share.minor <= 0 {
        return Err(nothing_left().into());
    }
    if !store::orders::refunding(tx, site.id, payment.order_id, share.minor, now).await? {
        return Err(too_much().into());
    }
    let id = RefundId(engine.next_id());
    let refund = Refund {
        id,
        order_id: payment.order_id,
        payment_id: payment.id,
        line_id: share.line,
        amount_minor: share.minor,
        tax_minor: tax_of(tx, site, payment, share, lines).await?,
        currency: payment.currency,
        reason: reason.to_owned(),
        state: RefundState::Creating,
        idem_key: idempotency_key(id.0, "refund"),
        provider_ref: None,
        failure: None,
        whole: share.whole,
        actor: actor.to_owned(),
        created_at: now,
        ended_at: None,
    };
    store::refunds::insert(tx, site.id, &refund).await?;
    store::payments::add_refunded(tx, site.id, payment.id, share.minor).await?;
    let work = Work::Refund { refund: id.0 };
    jobs::enqueue(engine, tx, site.id, &work, &format!("refund:{id}"), now).await?;
    Ok(())
}

/// The tax within what is paid back: the line's own, or its share of the attempt's; the last
/// repayment of an attempt takes what is left, so that all of it goes back.
async fn tax_of(
    tx: &mut Tx<'_>,
    site: &Site,
    payment: &Payment,
    share: Share,
    lines: &[Line],
) -> Result<i64> {
    let its = lines.iter().filter(|line| line.payment_id == Some(payment.id));
    let tax: i64 = its.map(|line| line.tax_minor).sum();
    let before = store::refunds::of_order(tx, site.id, payment.order_id).await?;
    let back: i64 = before
        .iter()
        .filter(|refund| refund.payment_id == payment.id && refund.state != RefundState::Failed)
        .map(|refund| refund.tax_minor)
        .sum();
    if payment.refunded_minor + share.minor >= payment.amount_minor {
        return Ok(tax - back);
    }
    if let Some(line) = share.line.and_then(|id| lines.iter().find(|line| line.id == id)) {
        return Ok(line.tax_minor.min(share.minor).min(tax - back));
    }
    let weights = [share.minor, payment.amount_minor - share.minor];
    let part = model::money::split_largest_remainder(tax, &weights).first().copied().unwrap_or(0);
    Ok(part.min(tax - back))
}

fn nothing_left() -> Refused {
    Refused::new("nothing_left", "nothing of this is left to pay back")
}

fn too_much() -> Refused {
    let message = "that is more than is left of what came in: give a smaller amount";
    Refused::new("refund_too_much", message).at("amount")
}

/// P2 and P3 of a refund, by its job: safe to repeat.
pub(crate) async fn work(engine: &Engine, site: SiteId, id: i64) -> Result<Outcome> {
    let id = RefundId(id);
    let refund = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::refunds::find(session, site, id).await?) })
        })
        .await?
        .ok_or_else(|| EngineError::missing("refund", id))?;
    let Some(site) = pay::site(engine, site).await? else {
        return Ok(Outcome::Dead("the site is gone".to_owned()));
    };
    let payment = pay::find(engine, site.id, refund.payment_id).await?;
    engine.pass("R1")?;
    let answer = gateway::refund(engine, &payment, &refund).await?;
    engine.pass("R2")?;
    let it = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move { end(&it, tx, &site, &payment, &refund, answer).await })
        })
        .await?;
    engine.wake();
    Ok(Outcome::Done)
}

async fn end(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    payment: &Payment,
    refund: &Refund,
    answer: std::result::Result<String, String>,
) -> Result<()> {
    let now = engine.now();
    let order_id = refund.order_id;
    store::orders::lock(tx, site.id, order_id, now).await?;
    let (state, marks) = match &answer {
        Ok(provider_ref) => (RefundState::Succeeded, (Some(provider_ref.as_str()), None)),
        Err(why) => (RefundState::Failed, (None, Some(why.as_str()))),
    };
    if !store::refunds::end(tx, site.id, refund.id, state, marks, now).await? {
        return Ok(());
    }
    if answer.is_err() {
        store::orders::refund_failed(tx, site.id, order_id, refund.amount_minor, now).await?;
        store::payments::add_refunded(tx, site.id, payment.id, -refund.amount_minor).await?;
        let why = "a refund was refused by the provider";
        return Ok(store::orders::review(tx, site.id, order_id, Some(why), now).await?);
    }
    store::orders::refunded(tx, site.id, order_id, refund.amount_minor, now).await?;
    let order = store::orders::find(tx, site.id, order_id)
        .await?
        .ok_or_else(|| EngineError::missing("order", order_id))?;
    let cash = format!("cash:{}", payment.provider);
    let entries = [
        (cash.as_str(), -refund.amount_minor),
        ("refunds", refund.amount_minor - refund.tax_minor),
        ("tax", refund.tax_minor),
    ];
    let of = (&order, payment, Some(refund.id));
    book(engine, tx, site.id, of, &entries, ("refund", now)).await?;
    take_back(engine, tx, site, &order, refund).await?;
    referrals::reverse_of_order(engine, tx, site, order_id).await?;
    let data = json!({ "order": order.id.to_string(), "amount": refund.amount_minor,
        "currency": refund.currency.code(), "whole": refund.whole });
    happened(engine, tx, site, &order, ("order.refunded", order.id.0), &data).await
}

/// Revokes what the refund paid for: its line, or everything of its attempt.
async fn take_back(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &store::orders::Order,
    refund: &Refund,
) -> Result<()> {
    let now = engine.now();
    for line in store::order_lines::of_order(tx, site.id, order.id).await? {
        let is_its = Some(line.id) == refund.line_id
            || (refund.whole && line.payment_id == Some(refund.payment_id));
        if !is_its || line.state != LineState::Paid {
            continue;
        }
        store::order_lines::set_state(tx, site.id, line.id, LineState::Refunded).await?;
        store::entitlements::revoke(tx, site.id, line.id, now).await?;
        let trigger = Trigger::Refunded(line.product_id);
        enrolments::trigger(engine, tx, site, order.contact_id, &trigger).await?;
    }
    Ok(())
}
