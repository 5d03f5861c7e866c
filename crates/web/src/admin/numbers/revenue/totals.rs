//! All orders together: the figures first looked at, and the line over time.

use std::collections::BTreeMap;

use engine::EngineError;
use model::ids::ProductId;
use model::spans::{Span, month_of};
use model::spends::Spend;
use numbers::real::real_signed;
use store::order_sums::{Step, Sums};
use store::segments::Segment;

use super::View;
use crate::admin::numbers::compare::{Compared, Delta, Good};
use crate::admin::numbers::report::{Note, Picture, Report, Tile};
use crate::admin::numbers::sheet::{Cell, Sheet, columns, rounded};
use crate::admin::numbers::{Period, days_text, link, month_name};
use crate::charts::{self, Lines, Series, Unit};
use crate::words::money_text;

/// Longer spans are drawn by months: their days would not be told apart.
const DAYS_DRAWN_MAX: i64 = 92;
const REVENUE: &str = "revenue = paid without tax − given back, on the day it was paid";

/// Orders and revenue by day or month.
type Times = BTreeMap<String, (i64, i64)>;

/// A figure of some days, where it is known.
type Of = fn(&Days) -> Option<i64>;

/// What is known of the days of the page, and of those it is compared with.
pub(super) struct Totals {
    now: Days,
    before: Option<Days>,
    /// Orders in other currencies, which are left out.
    foreign: i64,
    /// The products one may choose from,
    pub products: Vec<(ProductId, String)>,
    /// and the segments.
    pub segments: Vec<Segment>,
}

struct Days {
    sums: Sums,
    times: Times,
    /// What was spent on them, where it can be held against these orders.
    spent: Option<i64>,
}

/// Reads them.
pub(super) async fn read(view: &View<'_>) -> Result<Totals, EngineError> {
    let site = view.who.site.id;
    let (span, earlier) = (view.period.span, view.compared.map(|compared| compared.span));
    let narrow = view.narrow.clone();
    view.state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut all = Vec::new();
                for span in std::iter::once(span).chain(earlier) {
                    let only = narrow.only();
                    let sums = store::order_sums::total(session, site, span, only).await?;
                    let step = step_of(span);
                    let line = store::order_sums::over_time(session, site, span, step, only);
                    let times = line.await?;
                    let spent = if narrow.is_whole() {
                        let (from, to) = (span.from.to_string(), span.to.to_string());
                        let spends = store::spends::within(session, site, &from, &to).await?;
                        Some(spent(&spends, span, narrow.currency()))
                    } else {
                        None
                    };
                    all.push(Days { sums, times, spent });
                }
                let mut all = all.into_iter();
                let none = || Days { sums: Sums::default(), times: Times::new(), spent: None };
                Ok(Totals {
                    now: all.next().unwrap_or_else(none),
                    before: all.next(),
                    foreign: store::order_sums::foreign(session, site, span, narrow.only()).await?,
                    products: store::customer_sums::first_products(session, site).await?,
                    segments: store::segments::list(session, site).await?,
                })
            })
        })
        .await
}

fn spent(spends: &[Spend], span: Span, currency: &str) -> i64 {
    let own = spends.iter().filter(|spend| spend.currency == currency);
    own.map(|spend| spend.share_within(span.from, span.to)).sum()
}

fn margin(sums: &Sums) -> i64 {
    sums.revenue().saturating_sub(sums.cost_minor)
}

fn profit(days: &Days) -> Option<i64> {
    days.spent.map(|spent| margin(&days.sums).saturating_sub(spent))
}

impl Totals {
    /// The figures, the picture; and the table of it, where there is anything to show.
    pub fn show(&self, report: &mut Report, view: &View<'_>) -> Option<Sheet> {
        if self.now.sums.orders == 0 {
            report.notes.push(Note::info("No order was paid in these days."));
        }
        if self.foreign > 0 {
            let text = format!(
                "{} orders in other currencies than {} are left out: amounts are never \
                 converted.",
                Cell::count(self.foreign).text,
                view.who.site.currency
            );
            report.notes.push(Note::warn(text));
        }
        if let Some(compared) = view.compared {
            report.notes.push(Note::info(format!("Compared with {}.", compared.words())));
        }
        self.tiles(report, view);
        let before = self.before.as_ref().map_or(0, |before| before.sums.orders);
        (self.now.sums.orders > 0 || before > 0).then(|| self.draw(report, view))
    }

    fn tiles(&self, report: &mut Report, view: &View<'_>) {
        let currency = &view.who.site.currency;
        let show = |minor: f64| money_text(rounded(minor), currency);
        let tile = |label: &str, value: String, href: String, note: &str| Tile {
            label: label.to_owned(),
            value,
            href: Some(href),
            note: Some(note.to_owned()),
        };
        let rows = || view.orders_at(&[]);
        let (now, before) = (&self.now, self.before.as_ref());
        let mut tiles =
            vec![tile("Orders", Cell::count(now.sums.orders).text, rows(), "paid in these days")];
        let base = before.map_or(0, |before| before.sums.orders);
        let mut deltas = BTreeMap::new();
        if before.is_some() {
            let delta = Delta::count(now.sums.orders, base, Good::More);
            deltas.insert("Orders".to_owned(), delta);
        }
        let spent_at = || {
            let mut query = view.period.query().to_vec();
            query.push(view.home.clone());
            link("/admin/numbers/spent", &query)
        };
        let figures: [(&str, Of, String, Good, &str); 5] = [
            (
                "Revenue",
                |days| Some(days.sums.revenue()),
                rows(),
                Good::More,
                "paid without tax − given back",
            ),
            (
                "Given back",
                |days| Some(days.sums.refunded_minor),
                rows(),
                Good::Less,
                "refunds of these orders, without tax",
            ),
            (
                "Margin",
                |days| Some(margin(&days.sums)),
                rows(),
                Good::More,
                "revenue − cost of goods",
            ),
            ("Spend", |days| days.spent, spent_at(), Good::Neither, "the part of it on these days"),
            (
                "Profit",
                profit,
                spent_at(),
                Good::More,
                "margin − spend of the same days; wages and fees are not in it",
            ),
        ];
        for (label, of, href, good, note) in figures {
            let Some(minor) = of(now) else { continue };
            tiles.push(tile(label, money_text(minor, currency), href, note));
            if let Some(was) = before.and_then(of) {
                let delta =
                    Delta::new(real_signed(minor), Some(real_signed(was)), base, good, show);
                deltas.insert(label.to_owned(), delta);
            }
        }
        report.tiles = tiles;
        report.deltas = deltas;
    }

    /// The line over time, with that of the earlier days dashed; its table.
    fn draw(&self, report: &mut Report, view: &View<'_>) -> Sheet {
        let now = points(view.period.span);
        let earlier = view.compared.map(|compared| points(compared.span));
        let length = now.len().max(earlier.as_ref().map_or(0, Vec::len));
        let none = Times::new();
        let before = self.before.as_ref().map_or(&none, |before| &before.times);
        let line = |times: &Times, points: &[Point]| -> Vec<Option<f64>> {
            let value = |point: &Point| real_signed(at(times, &point.key).1);
            let mut values: Vec<Option<f64>> = points.iter().map(value).map(Some).collect();
            values.resize(length, None);
            values
        };
        let name = days_text(view.period.span);
        let mut series = vec![Series { name, values: line(&self.now.times, &now) }];
        if let (Some(compared), Some(earlier)) = (view.compared, &earlier) {
            series.push(Series { name: days_text(compared.span), values: line(before, earlier) });
        }
        let mut labels: Vec<String> = now.iter().map(|point| point.label.clone()).collect();
        labels.resize(length, String::new());
        let spec = Lines {
            title: "Revenue over time".to_owned(),
            about: format!("Revenue {}", days_text(view.period.span)),
            labels,
            series,
            unit: Unit::Money(view.who.site.currency.clone()),
        };
        report.figures.push(Picture {
            title: "Revenue over time".to_owned(),
            note: view.compared.map(|_| {
                "The dashed line is the earlier days, laid over these from their first.".to_owned()
            }),
            svg: charts::both(|size| charts::lines(&spec, size)),
            formula: Some(REVENUE.to_owned()),
        });
        let row = |nth: usize| {
            let earlier = earlier.as_ref().map(|earlier| (before, earlier.get(nth)));
            self.row(view, now.get(nth), earlier)
        };
        let mut heads = vec!["When", "#Orders", "#Revenue"];
        heads.extend(view.compared.map(Compared::head));
        Sheet {
            title: "Over time".to_owned(),
            formula: Some(REVENUE.to_owned()),
            columns: columns(&heads),
            rows: (0..length).map(row).collect(),
            ..Sheet::default()
        }
    }

    /// One line of its table; either side may have fewer points than the other.
    fn row(
        &self,
        view: &View<'_>,
        now: Option<&Point>,
        earlier: Option<(&Times, Option<&Point>)>,
    ) -> Vec<Cell> {
        let currency = &view.who.site.currency;
        let rows = |span: Span| view.rows(&Period { span, ..view.period.clone() }, &[]);
        let mut cells = match now {
            Some(point) => {
                let (orders, revenue) = at(&self.now.times, &point.key);
                vec![
                    Cell::text(point.key.clone()).shown(point.label.clone()),
                    Cell::count(orders).to(rows(point.days)),
                    Cell::money(revenue, currency).to(rows(point.days)),
                ]
            }
            None => vec![Cell::text("after these days"), Cell::unknown(), Cell::unknown()],
        };
        cells.extend(earlier.map(|(times, point)| match point {
            Some(point) => Cell::money(at(times, &point.key).1, currency).to(rows(point.days)),
            None => Cell::unknown(),
        }));
        cells
    }
}

fn at(times: &Times, key: &str) -> (i64, i64) {
    times.get(key).copied().unwrap_or_default()
}

fn step_of(span: Span) -> Step {
    if span.days() > DAYS_DRAWN_MAX { Step::Month } else { Step::Day }
}

/// A day or a month of the line.
struct Point {
    key: String,
    label: String,
    days: Span,
}

/// The points of a span in order.
fn points(span: Span) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for day in span.each() {
        let (key, label) = match step_of(span) {
            Step::Day => (day.to_string(), day.strftime("%-d\u{a0}%b").to_string()),
            Step::Month => (month_of(day), month_name(day)),
        };
        match points.last_mut() {
            Some(last) if last.key == key => last.days.to = day,
            _ => points.push(Point { key, label, days: Span { from: day, to: day } }),
        }
    }
    points
}
