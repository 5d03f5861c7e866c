//! `/admin/orders`: what was bought, how it was paid, and every figure's rows.

mod show;

use axum::extract::{Path, Query, State};
use axum_extra::extract::Form;
use engine::refund::What;
use engine::{EngineError, contacts};
use model::ids::{LineId, OrderId};
use model::{Currency, EmailAddr, Money, UtcMs};
use serde::{Deserialize, Serialize};
use store::orders::{Filter, Order};

pub use show::{OrderPage, show};

use super::numbers::{Period, link};
use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::frame::{Frame, Pager};
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Orders on one page.
const PAGE: i64 = 50;

/// The orders.
#[derive(Debug, Serialize)]
pub struct OrdersPage {
    frame: Frame,
    rows: Vec<Row>,
    pager: Pager,
    q: String,
    state: String,
    is_filtered: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    email: String,
    name: String,
    at: UtcMs,
    total: Money,
    refunded: Option<Money>,
    invoice: Option<i64>,
    provider: &'static str,
    state: &'static str,
    review: bool,
}

impl OrdersPage {
    pub(crate) fn sample() -> Self {
        let row = Row {
            id: "ord_0000000000001".to_owned(),
            email: "iris@example.org".to_owned(),
            name: "Iris Calloway".to_owned(),
            at: UtcMs(1_795_200_000_000),
            total: Money::new(12_040, Currency::USD),
            refunded: Some(Money::new(700, Currency::USD)),
            invoice: Some(1042),
            provider: "test",
            state: "paid",
            review: true,
        };
        Self {
            frame: Frame::sample("orders"),
            rows: vec![row],
            pager: Pager::default(),
            q: String::new(),
            state: String::new(),
            is_filtered: false,
        }
    }
}

/// What a list is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    state: String,
    /// `1`: those a person must look at.
    review: String,
    /// Paid on this day (ISO).
    paid: String,
    /// Or from that day to this one.
    paid_to: String,
    before: Option<OrderId>,
}

impl Asked {
    /// The last day of those on which they were paid.
    fn paid_to(&self) -> &str {
        if self.paid_to.is_empty() { &self.paid } else { &self.paid_to }
    }
}

/// The orders, newest first: all, of a state, of an address, or with an invoice number.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let site = who.site.id;
    let before = asked.before.unwrap_or(OrderId(i64::MAX));
    let q = asked.q.trim();
    if let Ok(id) = q.parse::<OrderId>() {
        return Ok(reply::to(&format!("/admin/orders/{id}")));
    }
    let filter = Filter {
        state: asked.state.clone(),
        address_hmac: EmailAddr::parse(q)
            .map(|address| contacts::hmac_of(&state.engine, &address))
            .unwrap_or_default(),
        invoice: q.trim_start_matches('#').parse().unwrap_or(0),
        review: !asked.review.is_empty(),
        paid: Period::opened(&who, &asked.paid, asked.paid_to()).map(|day| day.bounds()),
    };
    // A search that is neither an address nor a number finds nothing, and says so.
    let is_lost = !q.is_empty() && filter.address_hmac.is_empty() && filter.invoice == 0;
    let mut found = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok(store::orders::list(session, site, before, &filter, PAGE + 1).await?)
            })
        })
        .await?;
    if is_lost {
        found.clear();
    }
    let shown = usize::try_from(PAGE).unwrap_or(50);
    let more = found.len() > shown;
    found.truncate(shown);
    let mut query = vec![("q", q.to_owned()), ("state", asked.state.clone())];
    query.extend([("review", asked.review.clone()), ("paid", asked.paid.clone())]);
    query.push(("paid_to", asked.paid_to.clone()));
    query.retain(|(_, value)| !value.is_empty());
    let is_filtered = !query.is_empty();
    let next = found.last().filter(|_| more).map(|order| {
        query.push(("before", order.id.to_string()));
        link("/admin/orders", &query)
    });
    let page = OrdersPage {
        frame: who.frame("orders"),
        rows: found.into_iter().map(row).collect(),
        pager: Pager { next, ..Pager::default() },
        is_filtered,
        q: q.to_owned(),
        state: asked.state,
    };
    reply::page("admin/orders/index.html", page)
}

fn row(order: Order) -> Row {
    let money = |minor| Money::new(minor, order.currency);
    Row {
        id: order.id.to_string(),
        at: order.created_at,
        total: money(order.total_minor),
        refunded: (order.refunded_minor > 0).then(|| money(order.refunded_minor)),
        invoice: order.invoice_number,
        provider: order.provider.as_str(),
        state: order.state.as_str(),
        review: order.review.is_some(),
        email: order.email,
        name: order.name,
    }
}

/// What is to be paid back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RefundForm {
    what: String,
    amount: String,
    reason: String,
}

/// Begins a refund.
pub async fn refund(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<OrderId>,
    Form(form): Form<RefundForm>,
) -> Reply {
    let path = format!("/admin/orders/{id}");
    let what = match what(&state, &who, id, &form).await? {
        Ok(what) => what,
        Err(refused) => return Ok(reply::sorry(&path, &refused.message)),
    };
    let reason = if form.reason.trim().is_empty() { "asked for" } else { form.reason.as_str() };
    let by = (reason, who.actor());
    match engine::refund::refund(&state.engine, &who.site, id, what, by).await {
        Ok(()) => Ok(reply::done(&path, "The refund is under way.")),
        Err(EngineError::Refused(refused)) => Ok(reply::sorry(&path, &refused.message)),
        Err(error) => Err(error.into()),
    }
}

async fn what(
    state: &AppState,
    who: &CurrentOperator,
    id: OrderId,
    form: &RefundForm,
) -> Result<Result<What, model::Refused>, WebError> {
    if form.what == "amount" {
        let whole = engine::orders::get(&state.engine, who.site.id, id).await?;
        let amount = Money::parse_amount(&form.amount, whole.order.currency);
        return Ok(amount.map(|amount| What::Amount(amount.minor)));
    }
    match form.what.parse::<LineId>() {
        Ok(line) => Ok(Ok(What::Line(line))),
        Err(_) => Ok(Ok(What::Whole)),
    }
}

/// The operator has seen the money.
pub async fn mark_paid(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<OrderId>,
) -> Reply {
    let path = format!("/admin/orders/{id}");
    engine::orders::mark_paid(&state.engine, &who.site, id, who.actor()).await?;
    Ok(reply::done(&path, "Marked as paid. The buyer gets everything now."))
}

/// Sends the receipt again.
pub async fn resend(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<OrderId>,
) -> Reply {
    let path = format!("/admin/orders/{id}");
    match engine::close::resend_receipt(&who.engine(&state), &who.site, id).await {
        Ok(()) => Ok(reply::done(&path, "The receipt is on its way again.")),
        Err(EngineError::Refused(refused)) => Ok(reply::sorry(&path, &refused.message)),
        Err(error) => Err(error.into()),
    }
}

/// A person has looked: the mark goes.
pub async fn reviewed(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<OrderId>,
) -> Reply {
    engine::orders::reviewed(&state.engine, who.site.id, id, who.actor()).await?;
    Ok(reply::done(&format!("/admin/orders/{id}"), "Noted as looked at."))
}
