//! `/admin/numbers/revenue`: what each mail, step, link, page and offer brought.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use engine::EngineError;
use model::ids::ProductId;
use model::spans::{DEFAULT_DAYS, Span, month_of};
use numbers::real::real_signed;
use store::order_sums::{Step, Sums};

use super::compare::{Compared, Delta, Good};
use super::narrow::Narrow;
use super::report::{LENGTHS, Note, Picture, Report, Tab, Tile, filter};
use super::sheet::{Cell, Sheet, columns};
use super::{Asked, Period, days_text, month_name};
use crate::charts::{self, Lines, Rank, RankItem, Series, Unit};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;
use crate::words::money_text;

mod mails;
mod offers;
mod pages;

const PATH: &str = "/admin/numbers/revenue";
/// Bars of the picture.
const BARS: usize = 8;
/// Longer spans are drawn by months: their days would not be told apart.
const DAYS_DRAWN_MAX: i64 = 92;
/// The rule, printed beside every figure it makes.
const CREDIT: &str = "an order counts for the mail with the contact's last human click within \
                      7 days before it was paid; revenue = paid without tax − given back";
const REVENUE: &str = "revenue = paid without tax − given back, on the day it was paid";

/// What is looked at.
pub(super) struct View<'a> {
    state: &'a AppState,
    who: &'a CurrentOperator,
    period: Period,
    compared: Option<Compared>,
    narrow: Narrow,
}

impl View<'_> {
    fn orders_at(&self, more: &[(&'static str, String)]) -> String {
        self.narrow.orders_at(&self.period, more)
    }

    /// The period, but with the days it is compared with.
    fn earlier(&self) -> Option<Period> {
        self.compared.map(|compared| Period { span: compared.span, ..self.period.clone() })
    }
}

/// What brought the orders of a period.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let by = match asked.by.as_str() {
        by @ ("step" | "link" | "page" | "offer") => by,
        _ => "mail",
    };
    let view = View {
        state: &state,
        who: &who,
        compared: Compared::read(&asked, &period),
        narrow: Narrow::read(&who, &asked),
        period,
    };
    let mut query = view.period.query().to_vec();
    query.push(("by", by.to_owned()));
    query.extend(view.narrow.kept());
    query.push(Compared::kept(&asked));
    let mut report = Report::new(
        who.frame("revenue"),
        "Revenue",
        "What each mail, step, link, page and offer brought, and the orders behind every figure.",
    );
    report.tabs = tabs(&query);
    report.tab = by.to_owned();
    report.notes.extend(view.period.wrong.clone().map(Note::warn));
    let (products, over_time) = totals(&mut report, &view).await?;
    let selects =
        vec![view.narrow.channels(), view.narrow.products(&products), Compared::select(&asked)];
    report.filter = Some(filter(PATH, &view.period, &LENGTHS, &query, selects));
    match by {
        "page" => pages::fill(&mut report, &view).await?,
        "offer" => offers::fill(&mut report, &view).await?,
        "link" => mails::links(&mut report, &view).await?,
        "step" => mails::steps(&mut report, &view).await?,
        _ => mails::fill(&mut report, &view).await?,
    }
    report.sheets.extend(over_time);
    report.answer(PATH, &asked, &query)
}

fn tabs(query: &[(&'static str, String)]) -> Vec<Tab> {
    let tab = |key: &'static str, label| {
        let kept = query.iter().filter(|(name, value)| *name != "by" && !value.is_empty());
        let mut all: Vec<(&str, String)> = kept.cloned().collect();
        all.push(("by", key.to_owned()));
        Tab { key, label, href: super::link(PATH, &all) }
    };
    vec![
        tab("mail", "By mail"),
        tab("step", "By step"),
        tab("link", "By link"),
        tab("page", "By page"),
        tab("offer", "By offer"),
    ]
}

type Times = BTreeMap<String, (i64, i64)>;

/// The figures of all orders, and the line over time; the products one may choose from, and the
/// table of that line.
async fn totals(
    report: &mut Report,
    view: &View<'_>,
) -> Result<(Vec<(ProductId, String)>, Option<Sheet>), EngineError> {
    let site = view.who.site.id;
    let (span, earlier) = (view.period.span, view.compared.map(|compared| compared.span));
    let narrow = view.narrow.clone();
    let (sums, foreign, times, products) = view
        .state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut sums: Vec<Sums> = Vec::new();
                let mut times: Vec<Times> = Vec::new();
                for span in std::iter::once(span).chain(earlier) {
                    let only = narrow.only();
                    sums.push(store::order_sums::total(session, site, span, only).await?);
                    let step = step_of(span);
                    let line = store::order_sums::over_time(session, site, span, step, only);
                    times.push(line.await?);
                }
                let currency = narrow.currency();
                let foreign = store::order_sums::foreign(session, site, span, currency).await?;
                let products = store::customer_sums::first_products(session, site).await?;
                Ok((sums, foreign, times, products))
            })
        })
        .await?;
    let now = sums.first().copied().unwrap_or_default();
    if now.orders == 0 {
        report.notes.push(Note::info("No order was paid in these days."));
    }
    if foreign > 0 {
        let text = format!(
            "{foreign} orders in other currencies than {} are left out: amounts are never \
             converted.",
            view.who.site.currency
        );
        report.notes.push(Note::warn(text));
    }
    if let Some(compared) = view.compared {
        report.notes.push(Note::info(format!("Compared with {}.", compared.words())));
    }
    tiles(report, view, &now, sums.get(1));
    let sheet = (now.orders > 0).then(|| draw(report, view, &times));
    Ok((products, sheet))
}

fn tiles(report: &mut Report, view: &View<'_>, now: &Sums, before: Option<&Sums>) {
    let show = |minor: f64| money_text(super::sheet::rounded(minor), &view.who.site.currency);
    let money = |minor: i64| money_text(minor, &view.who.site.currency);
    let tile = |label: &str, value: String, note: &str| Tile {
        label: label.to_owned(),
        value,
        href: Some(view.orders_at(&[])),
        note: Some(note.to_owned()),
    };
    report.tiles = vec![
        tile("Orders", Cell::count(now.orders).text, "paid in these days"),
        tile("Revenue", money(now.revenue()), "paid without tax − given back"),
        tile("Given back", money(now.refunded_minor), "refunds of these orders, without tax"),
    ];
    let Some(before) = before else { return };
    let delta = |now: i64, was: i64, good| {
        Delta::new(real_signed(now), Some(real_signed(was)), before.orders, good, show)
    };
    let deltas = [
        ("Orders", Delta::count(now.orders, before.orders, Good::More)),
        ("Revenue", delta(now.revenue(), before.revenue(), Good::More)),
        ("Given back", delta(now.refunded_minor, before.refunded_minor, Good::Less)),
    ];
    report.deltas = deltas.into_iter().map(|(label, delta)| (label.to_owned(), delta)).collect();
}

fn step_of(span: Span) -> Step {
    if span.days() > DAYS_DRAWN_MAX { Step::Month } else { Step::Day }
}

/// The points of a span in order: key, label, first and last day.
fn points(span: Span) -> Vec<(String, String, Span)> {
    let mut points: Vec<(String, String, Span)> = Vec::new();
    for day in span.each() {
        let (key, label) = match step_of(span) {
            Step::Day => (day.to_string(), day.strftime("%-d\u{a0}%b").to_string()),
            Step::Month => (month_of(day), month_name(day)),
        };
        match points.last_mut() {
            Some((last, _, days)) if *last == key => days.to = day,
            _ => points.push((key, label, Span { from: day, to: day })),
        }
    }
    points
}

/// The line over time, with that of the earlier days dashed; its table.
fn draw(report: &mut Report, view: &View<'_>, times: &[Times]) -> Sheet {
    let currency = &view.who.site.currency;
    let now = points(view.period.span);
    let none = Times::new();
    let of = |nth: usize| times.get(nth).unwrap_or(&none);
    let at = |times: &Times, key: &str| times.get(key).copied().unwrap_or_default();
    let line = |times: &Times, points: &[(String, String, Span)]| -> Vec<Option<f64>> {
        let value = |(key, ..): &(String, String, Span)| real_signed(at(times, key).1);
        let mut values: Vec<Option<f64>> = points.iter().map(value).map(Some).collect();
        values.resize(now.len(), None);
        values
    };
    let mut series = vec![Series { name: days_text(view.period.span), values: line(of(0), &now) }];
    let earlier = view.compared.map(|compared| points(compared.span));
    if let (Some(compared), Some(earlier)) = (view.compared, &earlier) {
        series.push(Series { name: days_text(compared.span), values: line(of(1), earlier) });
    }
    let spec = Lines {
        title: "Revenue over time".to_owned(),
        about: format!("Revenue {}", days_text(view.period.span)),
        labels: now.iter().map(|(_, label, _)| label.clone()).collect(),
        series,
        unit: Unit::Money(currency.clone()),
    };
    report.figures.push(Picture {
        title: "Revenue over time".to_owned(),
        note: view.compared.map(|_| {
            "The dashed line is the earlier days, laid over these from their first.".to_owned()
        }),
        svg: charts::both(|size| charts::lines(&spec, size)),
        formula: Some(REVENUE.to_owned()),
    });
    let row = |(nth, (key, label, days)): (usize, &(String, String, Span))| {
        let (orders, revenue) = at(of(0), key);
        let rows = |days: Span| {
            let period = Period { span: days, ..view.period.clone() };
            view.narrow.orders_at(&period, &[])
        };
        let mut cells = vec![
            Cell::text(key.clone()).shown(label.clone()),
            Cell::count(orders).to(rows(*days)),
            Cell::money(revenue, currency).to(rows(*days)),
        ];
        if let Some(earlier) = &earlier {
            cells.push(match earlier.get(nth) {
                Some((key, _, days)) => Cell::money(at(of(1), key).1, currency).to(rows(*days)),
                None => Cell::unknown(),
            });
        }
        cells
    };
    let mut heads = vec!["When", "#Orders", "#Revenue"];
    heads.extend(view.compared.map(Compared::head));
    Sheet {
        title: "Over time".to_owned(),
        formula: Some(REVENUE.to_owned()),
        columns: columns(&heads),
        rows: now.iter().enumerate().map(row).collect(),
        ..Sheet::default()
    }
}

/// Bars of what brought most.
fn picture(
    title: &str,
    bars: Vec<(String, i64)>,
    currency: &str,
    formula: &str,
) -> Option<Picture> {
    let mut bars: Vec<_> = bars.into_iter().filter(|(_, minor)| *minor > 0).collect();
    bars.sort_by_key(|(_, minor)| std::cmp::Reverse(*minor));
    bars.truncate(BARS);
    if bars.is_empty() {
        return None;
    }
    let item =
        |(label, minor): (String, i64)| RankItem { label, value: real_signed(minor), note: None };
    let spec = Rank {
        title: title.to_owned(),
        about: "Revenue, the most first".to_owned(),
        items: bars.into_iter().map(item).collect(),
        unit: Unit::Money(currency.to_owned()),
    };
    Some(Picture {
        title: title.to_owned(),
        note: None,
        svg: charts::both(|size| charts::rank(&spec, size)),
        formula: Some(formula.to_owned()),
    })
}

/// The revenue of the earlier days beside that of these, where they are compared.
fn before_cell(
    view: &View<'_>,
    minor: Option<i64>,
    more: &[(&'static str, String)],
) -> Option<Cell> {
    let earlier = view.earlier()?;
    let minor = minor.unwrap_or(0);
    Some(Cell::money(minor, view.narrow.currency()).to(view.narrow.orders_at(&earlier, more)))
}
