//! By offer, in each place of the order.

use std::collections::BTreeMap;

use engine::EngineError;
use model::ids::OfferId;
use numbers::stages::share;
use store::order_sums::{Sums, What};

use super::{View, picture};
use crate::admin::numbers::compare::Compared;
use crate::admin::numbers::report::{Empty, Report};
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{Period, link, natural};

const ROWS: &str = "/admin/numbers/offered";
const FORMULA: &str = "sold = its lines in orders paid in these days, without tax, before refunds; \
                       margin = sold − lines paid back − cost of goods; taken = bought / shown";

/// An offer in one place, and what it sold.
struct OfferFigure {
    id: OfferId,
    title: String,
    kind: String,
    sums: Sums,
    was: Option<i64>,
}

/// Every offer.
pub(super) async fn fill(report: &mut Report, view: &View<'_>) -> Result<(), EngineError> {
    let figures = read(view).await?;
    if figures.is_empty() {
        report.empty = Some(Empty {
            title: "Nothing was sold in these days".to_owned(),
            text: "Each offer stands here with what it sold and earned.".to_owned(),
            action: ("/admin/offers".to_owned(), "Make an offer".to_owned()),
        });
        return Ok(());
    }
    let bars =
        figures.iter().map(|o| (format!("{} ({})", o.title, place(&o.kind)), o.sums.net_minor));
    let currency = view.narrow.currency();
    report.figures.extend(picture("Sold by offer", bars.collect(), currency, FORMULA));
    let mut heads = vec!["Offer", "Place", "#Shown", "#Taken", "#Orders", "#Pieces", "#Sold"];
    heads.extend(view.compared.map(Compared::head));
    heads.extend(["#Paid back", "#Cost", "#Margin"]);
    report.sheets.push(Sheet {
        title: "By offer".to_owned(),
        note: Some(
            "Shown and taken are known for one-click offers, which come after an order.".to_owned(),
        ),
        formula: Some(FORMULA.to_owned()),
        columns: columns(&heads),
        rows: figures.iter().map(|figure| row(view, figure)).collect(),
        ..Sheet::default()
    });
    Ok(())
}

async fn read(view: &View<'_>) -> Result<Vec<OfferFigure>, EngineError> {
    let (site, span) = (view.who.site.id, view.period.span);
    let (narrow, earlier) = (view.narrow.clone(), view.compared.map(|compared| compared.span));
    let mut figures: Vec<OfferFigure> = view
        .state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let (what, only) = (What::Offer, narrow.only());
                let now = store::order_sums::by_key(session, site, what, span, only).await?;
                let before: BTreeMap<String, Sums> = match earlier {
                    Some(span) => {
                        let rows = store::order_sums::by_key(session, site, what, span, only);
                        rows.await?.into_iter().collect()
                    }
                    None => BTreeMap::new(),
                };
                // What sold in the earlier days alone has a line too: else they would not add up.
                let mut now: BTreeMap<String, Sums> = now.into_iter().collect();
                before.keys().for_each(|key| {
                    now.entry(key.clone()).or_default();
                });
                let titles = store::revenue::offer_titles(session, site).await?;
                let mut figures = Vec::new();
                for (key, sums) in now {
                    let Some((id, kind)) = key.split_once('/') else { continue };
                    let Ok(id) = id.parse().map(OfferId) else { continue };
                    figures.push(OfferFigure {
                        id,
                        title: titles.get(&id).cloned().unwrap_or_else(|| id.to_string()),
                        kind: kind.to_owned(),
                        sums,
                        was: before.get(&key).map(|sums| sums.net_minor),
                    });
                }
                Ok(figures)
            })
        })
        .await?;
    figures.sort_by_key(|figure| std::cmp::Reverse((figure.sums.net_minor, figure.id)));
    Ok(figures)
}

/// Where in an order an offer stands, for people.
fn place(kind: &str) -> &str {
    match kind {
        "main" => "Main offer",
        "bump" => "Beside the main offer",
        "upsell" => "After the order",
        "downsell" => "After a no",
        "back-end" => "Later offer",
        other => other,
    }
}

fn row(view: &View<'_>, figure: &OfferFigure) -> Vec<Cell> {
    let currency = view.narrow.currency();
    let at = |period: &Period| {
        let mut query = period.query().to_vec();
        query.extend(view.narrow.kept());
        query.push(("currency", currency.to_owned()));
        query.push(("offer", figure.id.to_string()));
        query.push(("place", figure.kind.clone()));
        query.push(view.home.clone());
        link(ROWS, &query)
    };
    let here = || at(&view.period);
    let sums = &figure.sums;
    let (seen, taken) = match sums.shown {
        0 => (Cell::unknown(), Cell::unknown()),
        shown => {
            (Cell::count(shown).to(here()), Cell::share(share(natural(sums.taken), natural(shown))))
        }
    };
    let mut cells = vec![
        Cell::text(figure.title.clone()).to(format!("/admin/offers/{}", figure.id)),
        Cell::text(figure.kind.clone()).shown(place(&figure.kind)),
        seen,
        taken,
        Cell::count(sums.orders).to(here()),
        Cell::count(sums.pieces).to(here()),
        Cell::money(sums.net_minor, currency).to(here()),
    ];
    if let Some(earlier) = view.earlier() {
        cells.push(Cell::money(figure.was.unwrap_or(0), currency).to(at(&earlier)));
    }
    let margin = sums.net_minor - sums.refunded_minor - sums.cost_minor;
    cells.extend([
        Cell::money(sums.refunded_minor, currency).to(here()),
        Cell::money(sums.cost_minor, currency).to(here()),
        Cell::money(margin, currency).to(here()),
    ]);
    cells
}
