//! `/admin/also-bought`: what customers of one product have too, with the counts, and pins.

use axum::extract::{Path, State};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::also_bought::{SHOWN, Suggestion};
use model::ids::ProductId;
use serde::{Deserialize, Serialize};

use crate::extract::operator::CurrentOperator;
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Every product with what is shown beside it.
#[derive(Debug, Serialize)]
pub struct AlsoBoughtPage {
    frame: Frame,
    products: Vec<Beside>,
    choices: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Beside {
    id: String,
    name: String,
    buyers: i64,
    rows: Vec<Row>,
    pinned: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    together: i64,
    score: f64,
    is_pinned: bool,
}

impl AlsoBoughtPage {
    pub(crate) fn sample() -> Self {
        let row =
            Row { name: "The workbook".to_owned(), together: 12, score: 0.41, is_pinned: true };
        let beside = Beside {
            id: "prd_0000000000001".to_owned(),
            name: "The field guide".to_owned(),
            buyers: 42,
            rows: vec![row],
            pinned: vec!["prd_0000000000002".to_owned()],
        };
        let choices = vec![("prd_0000000000002".to_owned(), "The workbook".to_owned())];
        Self { frame: Frame::sample("also-bought"), products: vec![beside], choices }
    }
}

/// Every product with what is shown beside it.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let site = who.site.id;
    let (products, choices) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let all = store::products::list(session, site).await?;
                let mut shown = Vec::new();
                for product in &all {
                    let id = product.id;
                    let found =
                        engine::also_bought::for_product(session, site, id, &[], SHOWN).await?;
                    let pins = store::products::pins(session, site, id).await?;
                    shown.push(Beside {
                        id: id.to_string(),
                        name: product.name.clone(),
                        buyers: store::product_pairs::buyers(session, site, id).await?,
                        rows: found.into_iter().map(row).collect(),
                        pinned: pins.iter().map(ToString::to_string).collect(),
                    });
                }
                let choices: Vec<(String, String)> =
                    all.into_iter().map(|product| (product.id.to_string(), product.name)).collect();
                Ok((shown, choices))
            })
        })
        .await?;
    let page = AlsoBoughtPage { frame: who.frame("also-bought"), products, choices };
    reply::page("admin/also_bought/index.html", page)
}

fn row(found: Suggestion) -> Row {
    let permille = u16::try_from(found.score_permille).unwrap_or(0);
    Row {
        name: found.name,
        together: found.together,
        score: f64::from(permille) / 1000.0,
        is_pinned: found.is_pinned,
    }
}

/// What is shown first.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pins {
    pin: Vec<String>,
}

/// Sets what is shown first beside a product.
pub async fn pin(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ProductId>,
    Form(pins): Form<Pins>,
) -> Reply {
    let chosen = pins.pin.iter().filter_map(|pin| pin.parse().ok()).take(SHOWN).collect();
    engine::products::pin(&who.engine(&state), who.site.id, id, chosen).await?;
    Ok(reply::done("/admin/also-bought", "The pins are set."))
}
