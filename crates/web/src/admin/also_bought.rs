//! `/admin/also-bought`: what customers of one product have too, with the counts, and pins.

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::also_bought::{Beside, MEASURE, SHOWN, TOGETHER_MIN, Why};
use model::SiteId;
use model::exports::csv_row;
use model::ids::{ContactId, ProductId};
use model::products::ProductState;
use numbers::affinity::Measure;
use serde::{Deserialize, Serialize};
use store::Session;

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::frame::{Frame, Pager};
use crate::reply::{self, Reply};
use crate::state::AppState;

const PATH: &str = "/admin/also-bought";
/// Products and customers on a page.
const PAGE: usize = 50;
/// Partners named in the list of products.
const NAMED: usize = 3;

/// Every product with what is shown beside it first.
#[derive(Debug, Serialize)]
pub struct AlsoBoughtPage {
    frame: Frame,
    products: Vec<ProductRow>,
    customers: i64,
    pager: Pager,
}

#[derive(Debug, Serialize)]
struct ProductRow {
    id: String,
    name: String,
    buyers: i64,
    beside: Vec<String>,
}

impl AlsoBoughtPage {
    pub(crate) fn sample() -> Self {
        let row = ProductRow {
            id: "prd_0000000000001".to_owned(),
            name: "The field guide".to_owned(),
            buyers: 42,
            beside: vec!["The workbook".to_owned()],
        };
        Self {
            frame: Frame::sample("also-bought"),
            products: vec![row],
            customers: 100,
            pager: Pager { next: Some("#".to_owned()), ..Pager::default() },
        }
    }
}

/// Where the page before ended.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct From {
    after: String,
}

/// Every product with what is shown beside it first.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(from): Query<From>,
) -> Reply {
    let site = who.site.id;
    let after: Option<ProductId> = from.after.parse().ok();
    let (products, customers, next) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let all = store::products::list(session, site).await?;
                let at = after.and_then(|id| all.iter().position(|product| product.id == id));
                let from = at.map_or(0, |at| at + 1);
                let mut rows = Vec::new();
                for product in all.iter().skip(from).take(PAGE) {
                    let id = product.id;
                    let shown =
                        engine::also_bought::for_product(session, site, id, &[], NAMED).await?;
                    rows.push(ProductRow {
                        id: id.to_string(),
                        name: product.name.clone(),
                        buyers: store::product_pairs::buyers(session, site, id).await?,
                        beside: shown.into_iter().map(|one| one.name).collect(),
                    });
                }
                let last = all.get(from + PAGE - 1).filter(|_| all.len() > from + PAGE);
                let next = last.map(|last| format!("{PATH}?after={}", last.id));
                Ok((rows, store::product_pairs::customers(session, site).await?, next))
            })
        })
        .await?;
    let pager = Pager { previous: after.map(|_| PATH.to_owned()), next, shown: None };
    let page = AlsoBoughtPage { frame: who.frame("also-bought"), products, customers, pager };
    reply::page("admin/also_bought/index.html", page)
}

/// One product and all that is known of those beside it.
#[derive(Debug, Serialize)]
pub struct BesidePage {
    frame: Frame,
    id: String,
    name: String,
    buyers: i64,
    customers: i64,
    rows: Vec<Row>,
    together_min: u64,
    measure: &'static str,
    /// Every other product: id, name and whether it is pinned.
    choices: Vec<(String, String, bool)>,
}

/// A product beside it.
#[derive(Debug, Clone, Serialize)]
struct Row {
    id: String,
    name: String,
    together: Option<u64>,
    buyers: Option<u64>,
    lift: Option<f64>,
    llr: Option<f64>,
    cosine: Option<f64>,
    jaccard: Option<f64>,
    /// pinned, counted, too few, by chance.
    how: &'static str,
    /// Whether visitors see it: one of the first six that can be bought.
    is_shown: bool,
}

impl Row {
    fn pinned(id: ProductId, name: &str) -> Self {
        Self {
            id: id.to_string(),
            name: name.to_owned(),
            together: None,
            buyers: None,
            lift: None,
            llr: None,
            cosine: None,
            jaccard: None,
            how: "pinned",
            is_shown: true,
        }
    }

    fn of(beside: &Beside, name: &str) -> Self {
        let counts = beside.counts;
        let how = match beside.score {
            Some(_) => "counted",
            None if counts.together < TOGETHER_MIN => "too few",
            None => "no more than by chance",
        };
        Self {
            together: Some(counts.together),
            buyers: Some(counts.b),
            lift: counts.lift(),
            llr: Some(counts.llr()),
            cosine: counts.cosine(),
            jaccard: counts.jaccard(),
            how,
            is_shown: false,
            ..Self::pinned(beside.other, name)
        }
    }
}

impl BesidePage {
    pub(crate) fn sample() -> Self {
        let row = Row {
            together: Some(12),
            buyers: Some(30),
            lift: Some(1.9),
            llr: Some(8.25),
            cosine: Some(0.41),
            jaccard: Some(0.2),
            how: "counted",
            ..Row::pinned(ProductId(2), "The workbook")
        };
        Self {
            frame: Frame::sample("also-bought"),
            id: ProductId(1).to_string(),
            name: "The field guide".to_owned(),
            buyers: 42,
            customers: 100,
            rows: vec![Row::pinned(ProductId(3), "The map"), row],
            together_min: TOGETHER_MIN,
            measure: measure(),
            choices: vec![("prd_0000000000002".to_owned(), "The workbook".to_owned(), false)],
        }
    }

    async fn of(
        session: &mut Session<'_>,
        frame: Frame,
        site: SiteId,
        id: ProductId,
    ) -> Result<Self, EngineError> {
        let all = store::products::list(session, site).await?;
        let own = all.iter().find(|product| product.id == id);
        let own = own.ok_or_else(|| EngineError::missing("product", id))?;
        let names: BTreeMap<ProductId, &str> =
            all.iter().map(|product| (product.id, product.name.as_str())).collect();
        let shown = engine::also_bought::for_product(session, site, id, &[], SHOWN).await?;
        let pins = store::products::pins(session, site, id).await?;
        let is_shown = |other: ProductId| shown.iter().any(|one| one.product == other);
        let name =
            |other: ProductId| names.get(&other).copied().unwrap_or("a product that is gone");
        let mut rows: Vec<Row> = pins
            .iter()
            .map(|pin| {
                let by_pin = |one: &&engine::also_bought::Suggestion| {
                    one.product == *pin && one.why == Why::Pinned
                };
                let is_shown = shown.iter().any(|one| by_pin(&one));
                Row { is_shown, ..Row::pinned(*pin, name(*pin)) }
            })
            .collect();
        for one in engine::also_bought::beside(session, site, id).await? {
            let row = Row::of(&one, name(one.other));
            let is_shown = is_shown(one.other) && !pins.contains(&one.other);
            rows.push(Row { is_shown, ..row });
        }
        let buyers = store::product_pairs::buyers(session, site, id).await?;
        let customers = store::product_pairs::customers(session, site).await?;
        let others = all.iter().filter(|product| {
            product.id != id
                && (product.state == ProductState::Active || pins.contains(&product.id))
        });
        Ok(Self {
            frame,
            id: id.to_string(),
            name: own.name.clone(),
            buyers,
            customers,
            rows,
            together_min: TOGETHER_MIN,
            measure: measure(),
            choices: others
                .map(|one| (one.id.to_string(), one.name.clone(), pins.contains(&one.id)))
                .collect(),
        })
    }
}

fn measure() -> &'static str {
    match MEASURE {
        Measure::Llr => "log-likelihood ratio",
        Measure::Cosine => "cosine",
        Measure::Lift => "lift",
        Measure::Jaccard => "Jaccard",
    }
}

async fn read(
    state: &AppState,
    who: &CurrentOperator,
    id: ProductId,
) -> Result<BesidePage, WebError> {
    let (site, frame) = (who.site.id, who.frame("also-bought"));
    let read = state.reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move { BesidePage::of(session, frame, site, id).await })
    });
    Ok(read.await?)
}

/// One product and all that is known of those beside it.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ProductId>,
) -> Reply {
    reply::page("admin/also_bought/show.html", read(&state, &who, id).await?)
}

/// The same as a file.
pub async fn csv(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ProductId>,
) -> Result<Response, WebError> {
    let page = read(&state, &who, id).await?;
    let mut text =
        "product,id,have_both,have_this,have_other,customers,lift,llr,cosine,jaccard,how\r\n"
            .to_owned();
    let figure = |x: Option<f64>| x.map(|x| format!("{x:.6}")).unwrap_or_default();
    let count = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
    for row in page.rows {
        text.push_str(&csv_row(&[
            row.name,
            row.id,
            count(row.together),
            page.buyers.to_string(),
            count(row.buyers),
            page.customers.to_string(),
            figure(row.lift),
            figure(row.llr),
            figure(row.cosine),
            figure(row.jaccard),
            row.how.to_owned(),
        ]));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"also-bought.csv\""),
    ];
    Ok((headers, text).into_response())
}

/// The customers behind a count.
#[derive(Debug, Serialize)]
pub struct CustomersPage {
    frame: Frame,
    heading: String,
    count: i64,
    back: String,
    rows: Vec<CustomerRow>,
    pager: Pager,
}

#[derive(Debug, Serialize)]
struct CustomerRow {
    id: String,
    name: String,
    email: String,
    /// By which order they first got each product: its name and the order.
    orders: Vec<(String, String)>,
}

/// Whose customers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Whose {
    product: String,
    with: String,
    after: String,
}

impl CustomersPage {
    pub(crate) fn sample() -> Self {
        let row = CustomerRow {
            id: "con_0000000000001".to_owned(),
            name: "Iris Calloway".to_owned(),
            email: "iris@example.com".to_owned(),
            orders: vec![("The guide".to_owned(), "ord_0000000000001".to_owned())],
        };
        Self {
            frame: Frame::sample("also-bought"),
            heading: "Had The guide and The workbook".to_owned(),
            count: 12,
            back: PATH.to_owned(),
            rows: vec![row],
            pager: Pager::default(),
        }
    }

    async fn of(
        session: &mut Session<'_>,
        frame: Frame,
        site: SiteId,
        whose: &Whose,
    ) -> Result<Self, EngineError> {
        let (one, other): (Option<ProductId>, Option<ProductId>) =
            (whose.product.parse().ok(), whose.with.parse().ok());
        let mut names = Vec::new();
        for id in [one, other].into_iter().flatten() {
            let product = store::products::find(session, site, id).await?;
            names.push((id, product.ok_or_else(|| EngineError::missing("product", id))?.name));
        }
        let after = whose.after.parse().unwrap_or(ContactId(0));
        let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
        let asked = (one, other);
        let found = store::product_pairs::customers_with(session, site, asked, after, limit);
        let mut found = found.await?;
        let has_more = found.len() > PAGE;
        found.truncate(PAGE);
        let mut rows = Vec::new();
        for id in &found {
            rows.push(customer(session, site, *id, &names).await?);
        }
        let count = match (one, other) {
            (Some(one), Some(other)) => {
                store::product_pairs::together(session, site, one, other).await?
            }
            (Some(id), None) | (None, Some(id)) => {
                store::product_pairs::buyers(session, site, id).await?
            }
            (None, None) => store::product_pairs::customers(session, site).await?,
        };
        let names: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
        let heading = match names.as_slice() {
            [] => "Customers".to_owned(),
            all => format!("Had {}", all.join(" and ")),
        };
        let path = format!("{PATH}/customers?product={}&with={}", whose.product, whose.with);
        let next = found.last().filter(|_| has_more).map(|last| format!("{path}&after={last}"));
        let previous = (!whose.after.is_empty()).then(|| path.clone());
        let back = one.map_or_else(|| PATH.to_owned(), |one| format!("{PATH}/{one}"));
        let pager = Pager { previous, next, shown: None };
        Ok(Self { frame, heading, count, back, rows, pager })
    }
}

async fn customer(
    session: &mut Session<'_>,
    site: SiteId,
    id: ContactId,
    products: &[(ProductId, String)],
) -> Result<CustomerRow, EngineError> {
    let contact = store::contacts::find(session, site, id).await?;
    let ids: Vec<ProductId> = products.iter().map(|(id, _)| *id).collect();
    let first = ids.first().copied().unwrap_or(ProductId(0));
    let pair = (first, ids.get(1).copied().unwrap_or(first));
    let found = store::product_pairs::orders_of(session, site, id, pair).await?;
    let named = products.iter().filter_map(|(product, name)| {
        let order = found.iter().find(|(of, _)| of == product)?.1;
        Some((name.clone(), order.to_string()))
    });
    let orders = named.collect();
    Ok(match contact {
        Some(contact) if !contact.is_erased() => {
            let (name, email) = (contact.name(), contact.email);
            CustomerRow { id: id.to_string(), name, email, orders }
        }
        _ => {
            let name = "Erased contact".to_owned();
            CustomerRow { id: id.to_string(), name, email: String::new(), orders }
        }
    })
}

/// The customers behind a count.
pub async fn customers(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(whose): Query<Whose>,
) -> Reply {
    let (site, frame) = (who.site.id, who.frame("also-bought"));
    let read = state.reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move { CustomersPage::of(session, frame, site, &whose).await })
    });
    reply::page("admin/also_bought/customers.html", read.await?)
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
    Ok(reply::done(&format!("{PATH}/{id}"), "The pins are set."))
}
