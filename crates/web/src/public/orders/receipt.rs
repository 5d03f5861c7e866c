//! `GET /order/{token}/receipt`: the receipt, to be printed.

use axum::extract::{Path, State};
use engine::orders::by_token;
use model::{Money, UtcMs};
use serde::Serialize;

use super::{LineView, ThanksPage, lines};
use crate::extract::site::CurrentSite;
use crate::public::checkout::tax_label;
use crate::public::frame::PublicSite;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// What is printed.
#[derive(Debug, Serialize)]
pub struct ReceiptPage {
    site: PublicSite,
    number: Option<i64>,
    paid_at: Option<UtcMs>,
    name: String,
    country: String,
    lines: Vec<LineView>,
    discount: Option<Money>,
    coupon: Option<String>,
    tax: Option<Money>,
    tax_label: String,
    total: Money,
    refunded: Option<Money>,
    reference: String,
}

impl ReceiptPage {
    pub(crate) fn sample() -> Self {
        let usd = |minor| Money::new(minor, model::Currency::USD);
        Self {
            site: PublicSite::sample(),
            number: Some(1042),
            paid_at: Some(UtcMs(1_795_293_548_000)),
            name: "Iris Calloway".to_owned(),
            country: "DE".to_owned(),
            lines: ThanksPage::sample().lines,
            discount: Some(usd(-190)),
            coupon: Some("SAVE10".to_owned()),
            tax: Some(usd(273)),
            tax_label: "of which tax 19%".to_owned(),
            total: usd(1710),
            refunded: Some(usd(-1710)),
            reference: "ord_01h2xcejqtf2n".to_owned(),
        }
    }
}

/// The receipt, to be printed.
pub async fn receipt(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let whole = by_token(&state.engine, &site, &token).await?;
    let order = &whole.order;
    if order.paid_at.is_none() {
        return Ok(reply::to(&format!("/order/{token}")));
    }
    let money = |minor| Money::new(minor, order.currency);
    let rate = model::Rate { ppm: u32::try_from(order.tax_ppm).unwrap_or(0) };
    let some = |minor: i64| (minor != 0).then(|| money(minor));
    let page = ReceiptPage {
        site: PublicSite::from(&site),
        number: order.invoice_number,
        paid_at: order.paid_at,
        name: order.name.clone(),
        country: order.country.clone(),
        lines: lines(&whole),
        discount: some(-order.discount_minor),
        coupon: order.coupon_code.clone(),
        tax: some(order.tax_minor),
        tax_label: tax_label(rate, order.tax_included),
        total: money(order.total_minor),
        refunded: some(-order.refunded_minor),
        reference: order.id.to_string(),
    };
    reply::page("public/orders/receipt.html", page)
}
