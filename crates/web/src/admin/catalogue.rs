//! `/admin/catalogue`: what stands in the catalogue, and what is missing to stand there.

use axum::extract::State;
use engine::EngineError;
use model::{Currency, Money};
use serde::Serialize;

use crate::extract::operator::CurrentOperator;
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// The catalogue.
#[derive(Debug, Serialize)]
pub struct CataloguePage {
    frame: Frame,
    url: String,
    rows: Vec<Row>,
    missing: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Row {
    product: String,
    product_id: String,
    offer: String,
    offer_id: String,
    price: Money,
}

impl CataloguePage {
    pub(crate) fn sample() -> Self {
        let row = Row {
            product: "The field guide".to_owned(),
            product_id: "prd_0000000000001".to_owned(),
            offer: "The field guide".to_owned(),
            offer_id: "ofr_0000000000001".to_owned(),
            price: Money::new(1900, Currency::USD),
        };
        Self {
            frame: Frame::sample("catalogue"),
            url: "https://shop.example/catalogue".to_owned(),
            rows: vec![row],
            missing: vec![("prd_0000000000002".to_owned(), "The workbook".to_owned())],
        }
    }
}

/// What stands in it.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let site = who.site.id;
    let (found, products) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let found = engine::catalogue::list(session, site).await?;
                Ok((found, store::products::list(session, site).await?))
            })
        })
        .await?;
    let stands = |id| found.iter().any(|entry| entry.product.id == id);
    let missing = products
        .into_iter()
        .filter(|product| product.state == model::products::ProductState::Active)
        .filter(|product| !stands(product.id))
        .map(|product| (product.id.to_string(), product.name))
        .collect();
    let rows = found
        .iter()
        .map(|entry| Row {
            product: entry.product.name.clone(),
            product_id: entry.product.id.to_string(),
            offer: entry.offer.title.clone(),
            offer_id: entry.offer.id.to_string(),
            price: Money::new(entry.offer.price_minor, entry.offer.currency),
        })
        .collect();
    let url = who.site.url("/catalogue");
    let page = CataloguePage { frame: who.frame("catalogue"), url, rows, missing };
    reply::page("admin/catalogue/index.html", page)
}
