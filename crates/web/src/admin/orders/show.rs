//! One order: its lines, attempts, ledger rows and refunds.

use axum::extract::{Path, State};
use engine::EngineError;
use model::ids::OrderId;
use model::payments::LineState;
use model::{Currency, Money, UtcMs};
use serde::Serialize;
use store::orders::Order;

use crate::extract::operator::CurrentOperator;
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// One order.
#[derive(Debug, Serialize)]
pub struct OrderPage {
    frame: Frame,
    id: String,
    contact: String,
    email: String,
    name: String,
    country: String,
    notes: String,
    state: &'static str,
    review: Option<String>,
    provider: &'static str,
    invoice: Option<i64>,
    created_at: UtcMs,
    paid_at: Option<UtcMs>,
    closed_at: Option<UtcMs>,
    close_at: Option<UtcMs>,
    goods: Money,
    discount: Money,
    coupon: Option<String>,
    tax: Money,
    total: Money,
    captured: Money,
    refunded: Money,
    cost: Money,
    margin: Money,
    left: i64,
    url: String,
    lines: Vec<Line>,
    offers: Vec<Offered>,
    payments: Vec<Attempt>,
    refunds: Vec<Refunded>,
    ledger: Vec<Entry>,
    may_mark_paid: bool,
}

#[derive(Debug, Serialize)]
struct Line {
    id: String,
    name: String,
    kind: &'static str,
    quantity: i64,
    unit: Money,
    discount: Money,
    tax: Money,
    total: Money,
    state: &'static str,
    downloads: i64,
}

#[derive(Debug, Serialize)]
struct Offered {
    title: String,
    level: i64,
    kind: String,
    price: Money,
    state: &'static str,
    at: UtcMs,
}

#[derive(Debug, Serialize)]
struct Attempt {
    seq: i64,
    purpose: String,
    method: String,
    amount: Money,
    state: &'static str,
    failure: Option<String>,
    reference: Option<String>,
    at: UtcMs,
}

#[derive(Debug, Serialize)]
struct Refunded {
    amount: Money,
    reason: String,
    state: &'static str,
    failure: Option<String>,
    at: UtcMs,
}

#[derive(Debug, Serialize)]
struct Entry {
    at: UtcMs,
    account: String,
    debit: Option<Money>,
    credit: Option<Money>,
    memo: String,
}

impl OrderPage {
    #[expect(clippy::too_many_lines, reason = "one of each thing an order may hold")]
    pub(crate) fn sample() -> Self {
        let usd = |minor| Money::new(minor, Currency::USD);
        let at = UtcMs(1_795_200_000_000);
        Self {
            frame: Frame::sample("orders"),
            id: "ord_0000000000001".to_owned(),
            contact: "con_0000000000001".to_owned(),
            email: "iris@example.org".to_owned(),
            name: "Iris Calloway".to_owned(),
            country: "DE".to_owned(),
            notes: "Please send it soon.".to_owned(),
            state: "paid",
            review: Some("sold out when the money came".to_owned()),
            provider: "test",
            invoice: Some(1042),
            created_at: at,
            paid_at: Some(at),
            closed_at: Some(at),
            close_at: Some(at),
            goods: usd(2600),
            discount: usd(260),
            coupon: Some("SAVE10".to_owned()),
            tax: usd(374),
            total: usd(2340),
            captured: usd(2340),
            refunded: usd(0),
            cost: usd(200),
            margin: usd(1766),
            left: 2340,
            url: "https://shop.example/order/sample".to_owned(),
            lines: vec![Line {
                id: "lin_0000000000001".to_owned(),
                name: "The field guide".to_owned(),
                kind: "main",
                quantity: 1,
                unit: usd(1900),
                discount: usd(190),
                tax: usd(273),
                total: usd(1710),
                state: "paid",
                downloads: 2,
            }],
            offers: vec![Offered {
                title: "The course".to_owned(),
                level: 1,
                kind: "upsell".to_owned(),
                price: usd(9700),
                state: "declined",
                at,
            }],
            payments: vec![Attempt {
                seq: 1,
                purpose: "initial".to_owned(),
                method: "succeeds".to_owned(),
                amount: usd(2340),
                state: "succeeded",
                failure: None,
                reference: Some("test_1".to_owned()),
                at,
            }],
            refunds: vec![Refunded {
                amount: usd(700),
                reason: "asked for".to_owned(),
                state: "succeeded",
                failure: None,
                at,
            }],
            ledger: vec![Entry {
                at,
                account: "cash:test".to_owned(),
                debit: Some(usd(2340)),
                credit: None,
                memo: "sale".to_owned(),
            }],
            may_mark_paid: true,
        }
    }
}

/// Everything read for one order.
struct Found {
    whole: engine::orders::Whole,
    offers: Vec<(String, store::order_offers::OrderOffer)>,
    refunds: Vec<store::refunds::Refund>,
    ledger: Vec<store::ledger_lines::LedgerLine>,
    entitlements: Vec<store::entitlements::Entitlement>,
}

/// One order.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<OrderId>,
) -> Reply {
    let site = who.site.id;
    let whole = engine::orders::get(&state.engine, site, id).await?;
    let found = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut offers = Vec::new();
                for row in store::order_offers::of_order(session, site, id).await? {
                    let offer = store::offers::find(session, site, row.offer_id).await?;
                    offers.push((offer.map(|offer| offer.title).unwrap_or_default(), row));
                }
                Ok(Found {
                    whole,
                    offers,
                    refunds: store::refunds::of_order(session, site, id).await?,
                    ledger: store::ledger_lines::of_order(session, site, id).await?,
                    entitlements: store::entitlements::of_order(session, site, id).await?,
                })
            })
        })
        .await?;
    let url = engine::close::order_url(&state.engine, &who.site, id);
    reply::page("admin/orders/show.html", page_of(&who, found, url))
}

fn page_of(who: &CurrentOperator, found: Found, url: String) -> OrderPage {
    let order = &found.whole.order;
    let money = |minor| Money::new(minor, order.currency);
    let kept = found.whole.lines.iter().filter(|line| line.state == LineState::Paid);
    let (cost, net) =
        kept.fold((0, 0), |(cost, net), line| (cost + line.cost_minor, net + line.net_minor));
    OrderPage {
        frame: who.frame("orders"),
        id: order.id.to_string(),
        contact: order.contact_id.to_string(),
        email: order.email.clone(),
        name: order.name.clone(),
        country: order.country.clone(),
        notes: order.notes.clone(),
        state: order.state.as_str(),
        review: order.review.clone(),
        provider: order.provider.as_str(),
        invoice: order.invoice_number,
        created_at: order.created_at,
        paid_at: order.paid_at,
        closed_at: order.closed_at,
        close_at: order.close_at,
        goods: money(order.goods_minor),
        discount: money(order.discount_minor),
        coupon: order.coupon_code.clone(),
        tax: money(order.tax_minor),
        total: money(order.total_minor),
        captured: money(order.captured_minor),
        refunded: money(order.refunded_minor),
        cost: money(cost),
        margin: money(net - cost),
        left: order.captured_minor - order.refunded_minor - order.refunding_minor,
        url,
        lines: lines(&found),
        offers: found.offers.iter().map(|(title, row)| offered(order, title, row)).collect(),
        payments: found.whole.payments.iter().map(attempt).collect(),
        refunds: found.refunds.iter().map(refunded).collect(),
        ledger: found.ledger.iter().map(entry).collect(),
        may_mark_paid: may_mark_paid(&found.whole),
    }
}

fn may_mark_paid(whole: &engine::orders::Whole) -> bool {
    whole.order.paid_at.is_none()
        && whole.order.provider == model::payments::Provider::Offline
        && whole.order.state != model::orders::OrderState::Cancelled
}

fn lines(found: &Found) -> Vec<Line> {
    let money = |minor| Money::new(minor, found.whole.order.currency);
    let downloads = |id| {
        let grant = found.entitlements.iter().find(|grant| grant.line_id == id);
        grant.map_or(0, |grant| grant.downloads)
    };
    found
        .whole
        .lines
        .iter()
        .map(|line| Line {
            id: line.id.to_string(),
            name: line.name.clone(),
            kind: line.kind.as_str(),
            quantity: line.quantity,
            unit: money(line.unit_minor),
            discount: money(line.discount_minor),
            tax: money(line.tax_minor),
            total: money(line.total_minor),
            state: line.state.as_str(),
            downloads: downloads(line.id),
        })
        .collect()
}

fn offered(order: &Order, title: &str, row: &store::order_offers::OrderOffer) -> Offered {
    Offered {
        title: title.to_owned(),
        level: row.level,
        kind: row.kind.clone(),
        price: Money::new(row.price_minor, order.currency),
        state: row.state.as_str(),
        at: row.decided_at.unwrap_or(row.shown_at),
    }
}

fn attempt(payment: &store::payments::Payment) -> Attempt {
    Attempt {
        seq: payment.seq,
        purpose: match payment.purpose.as_str() {
            "initial" => "the order".to_owned(),
            _ => "one-click offer".to_owned(),
        },
        method: payment.method.replace('_', " "),
        amount: Money::new(payment.amount_minor, payment.currency),
        state: payment.state.as_str(),
        failure: payment.failure.clone(),
        reference: payment.provider_ref.clone(),
        at: payment.created_at,
    }
}

fn refunded(refund: &store::refunds::Refund) -> Refunded {
    Refunded {
        amount: Money::new(refund.amount_minor, refund.currency),
        reason: refund.reason.clone(),
        state: refund.state.as_str(),
        failure: refund.failure.clone(),
        at: refund.created_at,
    }
}

fn entry(line: &store::ledger_lines::LedgerLine) -> Entry {
    let amount = Money::new(line.minor.abs(), line.currency);
    Entry {
        at: line.at,
        account: line.account.clone(),
        debit: (line.minor > 0).then_some(amount),
        credit: (line.minor < 0).then_some(amount),
        memo: line.memo.clone(),
    }
}
