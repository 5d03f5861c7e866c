//! `/admin/numbers/cohorts`: who buys again, by the month of the first order.

use axum::extract::{Query, State};
use engine::EngineError;
use model::ids::ProductId;
use model::spans::{Span, month_start, moved};
use numbers::cohorts::{Cohort, Month, Purchase, monthly};
use numbers::real::{ratio, real, real_signed};
use store::economics::Won;

use super::report::{Empty, Note, Picture, Report, Select, filter};
use super::sheet::{Cell, Sheet, columns};
use super::{Asked, FEW, Period, link};
use crate::charts::{self, Heat, HeatRow, Unit};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;

const PATH: &str = "/admin/numbers/cohorts";
/// Customers of the last so many days, where nobody asks for others.
const DAYS: i64 = 365;
/// Months shown after the first.
const MONTHS_MAX: usize = 24;
const LENGTHS: [(&str, i64); 3] = [("6 months", 182), ("12 months", 365), ("2 years", 730)];

/// Repeat purchase by monthly cohort.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DAYS);
    let span = Span { from: month_start(period.span.from, 0), to: period.span.to };
    let (site, (from, until)) = (who.site.id, span.bounds(&period.zone));
    let currency = who.site.currency.clone();
    let product = asked.product.parse().unwrap_or(ProductId(0));
    let (rows, products) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let of = Won { from, until, currency: &currency, product };
                let rows = store::economics::purchases(session, site, of).await?;
                Ok((rows, store::customer_sums::first_products(session, site).await?))
            })
        })
        .await?;
    let last = month_of(&moved(month_start(period.today, 0), -1).to_string());
    let purchases: Vec<Purchase> = rows.iter().filter_map(purchase).collect();
    let cohorts = last.map(|last| monthly(&purchases, last)).unwrap_or_default();
    let mut query = period.query().to_vec();
    query.push(("product", asked.product.clone()));
    let mut report = Report::new(
        who.frame("cohorts"),
        "Cohorts",
        "Customers by the month of their first order, and how many of them bought in each month after.",
    );
    report.notes.extend(period.wrong.clone().map(Note::warn));
    report.filter = Some(filter(PATH, &period, &LENGTHS, &query, vec![choice(products, &asked)]));
    fill(&mut report, &period, &cohorts, &who.site.currency);
    report.answer(PATH, &asked, &query)
}

fn choice(products: Vec<(ProductId, String)>, asked: &Asked) -> Select {
    let mut options = vec![(String::new(), "Any product".to_owned())];
    options.extend(products.into_iter().map(|(id, name)| (id.to_string(), name)));
    Select { name: "product", label: "First product", options, value: asked.product.clone() }
}

fn purchase((customer, month, revenue, margin): &(i64, String, i64, i64)) -> Option<Purchase> {
    Some(Purchase {
        customer: *customer,
        month: month_of(month)?,
        revenue: *revenue,
        margin: *margin,
    })
}

/// The month of `2026-03` or `2026-03-31`.
fn month_of(text: &str) -> Option<Month> {
    let mut parts = text.split('-');
    let (year, month) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(Month::new(year, month))
}

/// `Mar 2026`.
fn name_of(month: Month) -> String {
    let first = format!("{month}-01").parse();
    first.map_or_else(|_| month.to_string(), super::month_name)
}

fn fill(report: &mut Report, period: &Period, cohorts: &[Cohort], currency: &str) {
    if cohorts.is_empty() {
        report.empty = Some(Empty {
            title: "No month is over yet".to_owned(),
            text: "A cohort stands here once the month of its first orders is over.".to_owned(),
            action: ("/admin/numbers/payback".to_owned(), "See payback".to_owned()),
        });
        return;
    }
    let customers: u64 = cohorts.iter().map(|cohort| cohort.size).sum();
    if i64::try_from(customers).is_ok_and(|customers| customers < FEW) {
        let text = format!("Only {customers} customers: read shares as anecdotes.");
        report.notes.push(Note::info(text));
    }
    report.figures.push(picture(cohorts));
    report.sheets.push(sheet(period, cohorts, currency));
}

fn months(cohorts: &[Cohort]) -> usize {
    cohorts.iter().map(|cohort| cohort.active.len()).max().unwrap_or(0).min(MONTHS_MAX + 1)
}

fn share_of(cohort: &Cohort, nth: usize) -> Option<f64> {
    ratio(real(*cohort.active.get(nth)?), real(cohort.size))
}

fn picture(cohorts: &[Cohort]) -> Picture {
    let row = |cohort: &Cohort| HeatRow {
        label: name_of(cohort.start),
        size: cohort.size.to_string(),
        cells: (0..months(cohorts)).map(|nth| share_of(cohort, nth)).collect(),
    };
    let spec = Heat {
        title: "Repeat purchase".to_owned(),
        about: "Share of each month's new customers who bought in each month after".to_owned(),
        corner: "Month won, customers".to_owned(),
        columns: (0..months(cohorts)).map(|nth| nth.to_string()).collect(),
        rows: cohorts.iter().map(row).collect(),
        unit: Unit::Share,
    };
    Picture {
        title: "Who buys again".to_owned(),
        note: Some(
            "Months after the first order. A month that is not over is not shown.".to_owned(),
        ),
        svg: charts::heat(&spec),
        formula: Some(
            "cell = customers of the month who bought in the k-th month after / customers of the \
             month"
                .to_owned(),
        ),
    }
}

fn sheet(period: &Period, cohorts: &[Cohort], currency: &str) -> Sheet {
    let row = |cohort: &Cohort| {
        let per = |sum: Option<&i64>| {
            let each = sum.and_then(|sum| ratio(real_signed(*sum), real(cohort.size)));
            Cell::mean(each, currency)
        };
        let revenue: i64 = cohort.revenue.iter().sum();
        let later: u64 = cohort.active.iter().skip(1).sum();
        let orders = [
            ("from", format!("{}-01", cohort.start)),
            ("to", period.today.to_string()),
            ("cohort", cohort.start.to_string()),
            ("nth", "1".to_owned()),
        ];
        let count = |count: u64| Cell::count(i64::try_from(count).unwrap_or(i64::MAX));
        let mut cells = vec![
            Cell::text(cohort.start.to_string()).shown(name_of(cohort.start)),
            count(cohort.size).to(link("/admin/numbers/orders", &orders)),
            count(later),
            per(Some(&revenue)),
            per(cohort.margin_so_far.last()),
        ];
        cells.extend((1..months(cohorts)).map(|nth| match cohort.active.get(nth) {
            Some(active) => count(*active),
            None => Cell::default(),
        }));
        cells
    };
    let mut labels = vec![
        "Month".to_owned(),
        "#Customers".to_owned(),
        "#Later buys".to_owned(),
        "#Revenue each".to_owned(),
        "#Margin each".to_owned(),
    ];
    labels.extend((1..months(cohorts)).map(|nth| format!("#+{nth}")));
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    Sheet {
        title: "Cohorts".to_owned(),
        note: Some("Customers who bought in each month after; empty: not known yet.".to_owned()),
        formula: Some(
            "each = sum up to the last whole month / customers; revenue = paid without tax − given \
             back; margin = revenue − cost of goods, first orders before their discount"
                .to_owned(),
        ),
        columns: columns(&labels),
        rows: cohorts.iter().map(row).collect(),
        ..Sheet::default()
    }
}
