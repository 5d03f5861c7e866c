//! By page: who came, who left an address, who bought.

use std::collections::BTreeMap;

use engine::EngineError;
use model::spans::Span;
use numbers::real::{ratio, real_signed};
use store::order_sums::{Sums, What};
use store::views::Seen;

use super::{View, before_cell, picture};
use crate::admin::numbers::compare::Compared;
use crate::admin::numbers::report::{Empty, Note, Report};
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{link, stages};

const FORMULA: &str = "an address counts for the page of the contact's first touch, an order for \
                       that of the last touch before it was paid; revenue = paid without tax − \
                       given back";

/// What a page did.
#[derive(Default)]
struct PageFigure {
    views: i64,
    visitors: i64,
    leads: i64,
    sums: Sums,
}

/// Every page.
pub(super) async fn fill(report: &mut Report, view: &View<'_>) -> Result<(), EngineError> {
    let (site, span, zone) = (view.who.site.id, view.period.span, view.period.zone.clone());
    let (narrow, earlier) = (view.narrow.clone(), view.compared.map(|compared| compared.span));
    let (orders, before, people) = view
        .state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let what = What::Page;
                let only = narrow.only();
                let orders = store::order_sums::by_key(session, site, what, span, only).await?;
                let before = match earlier {
                    Some(span) => {
                        store::order_sums::by_key(session, site, what, span, only).await?
                    }
                    None => Vec::new(),
                };
                Ok((
                    orders,
                    before,
                    store::stages::within(session, site, (span, &zone), &["lead"]).await?,
                ))
            })
        })
        .await?;
    let mut pages: BTreeMap<String, PageFigure> = BTreeMap::new();
    for (page, Seen { views, visitors }) in views(view, span).await? {
        let figure = pages.entry(page).or_default();
        figure.views += views;
        figure.visitors += visitors;
    }
    let channel = view.narrow.channel();
    let chosen = |of: &str| channel.is_empty() || of == channel;
    let leads = people.into_iter().filter(|count| count.stage == "lead" && chosen(&count.channel));
    for lead in leads {
        pages.entry(lead.landing).or_default().leads += lead.contacts;
    }
    for (page, sums) in orders {
        pages.entry(page).or_default().sums = sums;
    }
    // What earned in the earlier days alone has a line too: else they would not add up.
    for (page, _) in &before {
        pages.entry(page.clone()).or_default();
    }
    show(report, view, pages, &before.into_iter().collect());
    Ok(())
}

/// Views by page, of the chosen channel where one is.
async fn views(view: &View<'_>, span: Span) -> Result<Vec<(String, Seen)>, EngineError> {
    let site = view.who.site.id;
    let narrowed = !view.narrow.channel().is_empty();
    let reader = view.state.engine.views_reader();
    if !narrowed {
        return reader
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move { Ok(store::views::by_page(session, site, span).await?) })
            })
            .await;
    }
    let rows = reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(
                async move { Ok(store::views::by_page_and_source(session, site, span).await?) },
            )
        })
        .await?;
    let rules = stages::rules(view.state, view.who).await?;
    let own = rows
        .into_iter()
        .filter(|((_, origin), _)| stages::origin(&rules, origin).0 == view.narrow.channel());
    Ok(own.map(|((page, _), seen)| (page, seen)).collect())
}

fn show(
    report: &mut Report,
    view: &View<'_>,
    pages: BTreeMap<String, PageFigure>,
    before: &BTreeMap<String, Sums>,
) {
    if pages.is_empty() {
        report.empty = Some(Empty {
            title: "No page was looked at in these days".to_owned(),
            text: "Each page stands here with its visitors, addresses and orders.".to_owned(),
            action: ("/admin/pages".to_owned(), "Make a page".to_owned()),
        });
        return;
    }
    let of_some = !view.narrow.is_of_all_orders();
    if of_some {
        report.notes.push(Note::info(
            "Visitors and leads are of no product or segment: those columns count all of them.",
        ));
    }
    let currency = view.narrow.currency();
    let bars = pages.iter().map(|(page, figure)| (named(page), figure.sums.revenue())).collect();
    report.figures.extend(picture("Revenue by page", bars, currency, FORMULA));
    let mut rows: Vec<_> = pages.into_iter().collect();
    rows.sort_by_key(|(page, figure)| {
        (std::cmp::Reverse((figure.sums.revenue(), figure.views)), page.clone())
    });
    let row = |(page, figure): (String, PageFigure)| {
        let landing = [("landing", page.clone())];
        let mut came = view.period.query().to_vec();
        if !view.narrow.channel().is_empty() {
            came.push(("channel", view.narrow.channel().to_owned()));
        }
        came.extend(landing.iter().cloned());
        came.push(view.home.clone());
        let revenue = figure.sums.revenue();
        let per = ratio(real_signed(revenue), real_signed(figure.visitors));
        let mut cells = vec![
            Cell::text(page.clone()).shown(named(&page)),
            Cell::count(figure.views),
            Cell::count(figure.visitors),
            Cell::count(figure.leads).to(link("/admin/numbers/stages/lead", &came)),
            Cell::count(figure.sums.orders).to(view.orders_at(&landing)),
            Cell::money(revenue, currency).to(view.orders_at(&landing)),
        ];
        cells.extend(before_cell(view, before.get(&page).map(Sums::revenue), &landing));
        cells.push(Cell::mean(per.filter(|_| figure.visitors > 0 && !of_some), currency));
        cells
    };
    let mut heads = vec!["Page", "#Views", "#Visitors", "#Leads", "#Orders", "#Revenue"];
    heads.extend(view.compared.map(Compared::head));
    heads.push("#Per visitor");
    report.sheets.push(Sheet {
        title: "By page".to_owned(),
        note: Some(
            "Visitors are counted at the first page they saw on a day. Of views and visitors \
             nothing is kept but these counts."
                .to_owned(),
        ),
        formula: Some(FORMULA.to_owned()),
        columns: columns(&heads),
        rows: rows.into_iter().map(row).collect(),
        ..Sheet::default()
    });
}

fn named(page: &str) -> String {
    if page.is_empty() { "not known".to_owned() } else { page.to_owned() }
}
