//! Orders: read only; money moves through checkout and the admin.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use engine::EngineError;
use model::UtcMs;
use model::ids::OrderId;
use model::keys::Scope;
use model::orders::OrderState;
use serde::Serialize;
use store::orders::{Filter, Order};
use utoipa::ToSchema;

use super::caller::Caller;
use super::contacts::query_wrong;
use super::cursor::{self, Asked, Listed};
use super::problem::{Answer, Problem};
use crate::state::AppState;

const NOUN: &str = "order";

/// An amount in minor units.
#[derive(Debug, Serialize, ToSchema)]
pub struct MoneyView {
    /// In minor units: 4900 is 49.00.
    amount: i64,
    /// ISO 4217.
    currency: &'static str,
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderView {
    /// Its id.
    #[schema(example = "ord_01h2xcejqtf2n")]
    id: String,
    /// Who bought.
    contact_id: String,
    /// The address as given.
    email: String,
    /// `open`, `pending`, `paid`, `partially_refunded`, `refunded`, `expired` or `cancelled`.
    state: &'static str,
    /// What is to be paid, tax within.
    total: MoneyView,
    /// The tax within the total.
    tax: MoneyView,
    /// What came in.
    captured: MoneyView,
    /// What went back.
    refunded: MoneyView,
    /// The coupon used.
    coupon_code: Option<String>,
    /// The number of its receipt.
    invoice_number: Option<i64>,
    /// When it was made, RFC 3339.
    created_at: String,
    /// When it was paid, RFC 3339.
    paid_at: Option<String>,
}

impl OrderView {
    fn of(order: Order) -> Self {
        let money = |amount| MoneyView { amount, currency: order.currency.code() };
        Self {
            id: order.id.to_string(),
            contact_id: order.contact_id.to_string(),
            state: order.state.as_str(),
            total: money(order.total_minor),
            tax: money(order.tax_minor),
            captured: money(order.captured_minor),
            refunded: money(order.refunded_minor),
            invoice_number: order.invoice_number,
            created_at: order.created_at.rfc3339(),
            paid_at: order.paid_at.map(UtcMs::rfc3339),
            email: order.email,
            coupon_code: order.coupon_code,
        }
    }
}

/// Orders, newest first.
#[utoipa::path(get, path = "/orders", params(Asked), tag = "orders", responses(
    (status = 200, body = Listed<OrderView>),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Answer<Json<Listed<OrderView>>> {
    caller.require(Scope::OrdersRead)?;
    let Query(asked) = asked.map_err(query_wrong)?;
    let limit = cursor::limit(asked.limit)?;
    let word = asked.state.unwrap_or_default();
    if !word.is_empty() {
        OrderState::parse(&word).map_err(|refused| refused.at("filter[state]"))?;
    }
    let top = OrderId(i64::MAX);
    let before = cursor::before(&state.engine, NOUN, asked.cursor.as_deref(), top)?;
    let filter = Filter { state: word, ..Filter::default() };
    let site = caller.site.id;
    let read = state.reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move {
            Ok(store::orders::list(session, site, before, &filter, limit + 1).await?)
        })
    });
    let found = read.await?;
    let place = |order: &Order| order.id.to_string();
    Ok(Json(cursor::page(&state.engine, NOUN, found, limit, place, OrderView::of)))
}

/// One order.
#[utoipa::path(get, path = "/orders/{id}", tag = "orders",
    params(("id" = String, Path, description = "ord_…")), responses(
    (status = 200, body = OrderView),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<OrderView>> {
    caller.require(Scope::OrdersRead)?;
    let id: OrderId = cursor::id(&id, NOUN)?;
    let site = caller.site.id;
    let read = state.reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move { Ok(store::orders::find(session, site, id).await?) })
    });
    let found = read.await?;
    Ok(Json(OrderView::of(found.ok_or_else(|| Problem::not_found(NOUN))?)))
}
