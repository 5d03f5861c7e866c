//! `/admin/numbers/offered`: the orders that hold an offer, or were shown it.

use axum::extract::{Query, State};
use engine::EngineError;
use model::UtcMs;
use model::ids::{OfferId, OrderId};
use model::spans::DEFAULT_DAYS;
use store::order_sums::Only;
use store::revenue::OfferRow;

use super::super::narrow;
use super::{FILE_PAGE, PAGE, Stretch, back, kept};
use crate::admin::numbers::report::Report;
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{Asked, Period, before, days_text};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;

const PATH: &str = "/admin/numbers/offered";

/// What orders hold of an offer in one place.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let Ok(offer) = asked.offer.parse::<OfferId>() else {
        return Err(crate::error::WebError::NotFound);
    };
    if asked.format == "csv" {
        let read = move |asked| read(state.clone(), who.clone(), asked, offer, FILE_PAGE);
        return super::file("offered-0", asked, read).await;
    }
    let lead = format!("Orders paid {} that hold it or showed it.", days_text(period.span));
    let mut report = Report::new(who.frame("revenue"), "Orders behind the figure", &lead);
    let query = kept(&period, &asked);
    report.back.push(back(&period, &asked));
    let rows = read(state, who, asked.clone(), offer, PAGE).await?;
    report.pager = rows.pager(PATH, &query);
    report.sheets.push(rows.sheet);
    report.answer(PATH, &asked, &query)
}

async fn read(
    state: AppState,
    who: CurrentOperator,
    asked: Asked,
    offer: OfferId,
    limit: i64,
) -> Result<Stretch, EngineError> {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let (site, bounds) = (who.site.id, period.bounds());
    let start = before(&asked.before).map(|(at, id)| (UtcMs(at), id));
    let start = start.unwrap_or((UtcMs(i64::MAX), OrderId(i64::MAX)));
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let only = Only {
                    currency: &asked.currency,
                    channel: &asked.channel,
                    product: narrow::product_in(&asked.product),
                    segment: narrow::segment_in(&asked.segment),
                };
                let of = (offer, asked.place.as_str());
                let page = (start, limit);
                let rows = store::revenue::offer_rows(session, site, of, bounds, only, page);
                Ok(rows.await?)
            })
        })
        .await?;
    let key = |row: &OfferRow| format!("{}.{}", row.paid_at.0, row.order_id);
    Ok(Stretch::of(&rows, limit, key, |rows| sheet(rows, &period)))
}

fn sheet(rows: &[OfferRow], period: &Period) -> Sheet {
    let row = |row: &OfferRow| {
        let money = |minor| Cell::money(minor, &row.currency);
        vec![
            Cell::text(period.when(row.paid_at)).to(format!("/admin/orders/{}", row.order_id)),
            Cell::text(if row.email.is_empty() { "erased" } else { &row.email }),
            Cell::count(row.shown),
            Cell::count(row.taken),
            Cell::count(i64::from(row.quantity > 0)),
            Cell::count(row.quantity),
            money(row.net_minor),
            money(row.refunded_minor),
            money(row.cost_minor),
            money(row.net_minor - row.refunded_minor - row.cost_minor),
        ]
    };
    Sheet {
        title: "Orders with this offer".to_owned(),
        note: Some("Amounts are those of its lines alone, not of the whole order.".to_owned()),
        formula: Some("margin = sold − paid back − cost of goods, without tax".to_owned()),
        columns: columns(&[
            "Paid",
            "Who",
            "#Shown",
            "#Taken",
            "#Bought",
            "#Pieces",
            "#Sold",
            "#Paid back",
            "#Cost",
            "#Margin",
        ]),
        rows: rows.iter().map(row).collect(),
        empty: "No order fits.".to_owned(),
        ..Sheet::default()
    }
}
