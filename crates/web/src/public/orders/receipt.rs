//! `GET /order/{token}/receipt`: the receipt, to be printed.

use axum::extract::{Path, State};
use engine::orders::by_token;
use model::{Money, UtcMs};
use serde::Serialize;

use super::{LineView, ThanksPage, view};
use crate::extract::site::CurrentSite;
use crate::public::checkout::tax_label;
use crate::public::frame::PublicSite;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// What is printed.
#[derive(Debug, Serialize)]
pub struct ReceiptPage {
    site: PublicSite,
    name: String,
    country: String,
    invoices: Vec<InvoiceView>,
    coupon: Option<String>,
    tax_label: String,
    refunded: Option<Money>,
    reference: String,
}

/// One invoice, with what stands on it alone.
#[derive(Debug, Serialize)]
struct InvoiceView {
    number: Option<i64>,
    paid_at: UtcMs,
    lines: Vec<LineView>,
    discount: Option<Money>,
    tax: Option<Money>,
    total: Money,
}

impl ReceiptPage {
    pub(crate) fn sample() -> Self {
        let usd = |minor| Money::new(minor, model::Currency::USD);
        Self {
            site: PublicSite::sample(),
            invoices: vec![InvoiceView {
                number: Some(1042),
                paid_at: UtcMs(1_795_293_548_000),
                lines: ThanksPage::sample().lines,
                discount: Some(usd(-190)),
                tax: Some(usd(273)),
                total: usd(1710),
            }],
            name: "Iris Calloway".to_owned(),
            country: "DE".to_owned(),
            coupon: Some("SAVE10".to_owned()),
            tax_label: "of which tax 19%".to_owned(),
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
    let invoice = |invoice: engine::invoices::Invoice| InvoiceView {
        number: invoice.number,
        paid_at: invoice.paid_at,
        discount: some(-invoice.discount_minor()),
        tax: some(invoice.tax_minor()),
        total: money(invoice.total_minor()),
        lines: invoice.lines.iter().map(|line| view(line, order.currency)).collect(),
    };
    let page = ReceiptPage {
        site: PublicSite::from(&*site),
        invoices: engine::invoices::of(&whole).into_iter().map(invoice).collect(),
        name: order.name.clone(),
        country: order.country.clone(),
        coupon: order.coupon_code.clone(),
        tax_label: tax_label(rate, order.tax_included),
        refunded: some(-order.refunded_minor),
        reference: order.id.to_string(),
    };
    reply::page("public/orders/receipt.html", page)
}
