//! `/catalogue`: everything one can buy at any time.

use axum::extract::State;
use engine::EngineError;
use model::Money;
use serde::Serialize;

use super::frame::PublicSite;
use crate::extract::site::CurrentSite;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// The catalogue.
#[derive(Debug, Serialize)]
pub struct CataloguePage {
    site: PublicSite,
    products: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    href: String,
    price: Money,
    text: String,
    image: Option<Image>,
}

#[derive(Debug, Serialize)]
struct Image {
    src: String,
    alt: String,
}

impl CataloguePage {
    pub(crate) fn sample() -> Self {
        let entry = |name: &str, minor: i64| Entry {
            name: name.to_owned(),
            href: "/buy/sample".to_owned(),
            price: Money::new(minor, model::Currency::USD),
            text: "One or two sentences.".to_owned(),
            image: None,
        };
        let products = vec![entry("The field guide", 1900), entry("The workbook", 3700)];
        Self { site: PublicSite::sample(), products }
    }
}

/// Shows it.
pub async fn index(State(state): State<AppState>, CurrentSite(site): CurrentSite) -> Reply {
    let id = site.id;
    let found = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { engine::catalogue::list(session, id).await })
        })
        .await?;
    let products = found
        .into_iter()
        .map(|found| Entry {
            href: format!("/buy/{}", found.offer.slug),
            price: Money::new(found.offer.price_minor, found.offer.currency),
            text: found.product.summary,
            image: found
                .product
                .image
                .map(|id| Image { src: format!("/media/{id}"), alt: found.product.name.clone() }),
            name: found.product.name,
        })
        .collect();
    let page = CataloguePage { site: PublicSite::from(&*site), products };
    reply::page("public/catalogue/index.html", page)
}
