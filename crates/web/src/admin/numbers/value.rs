//! `/admin/numbers/value`: what a customer is worth: what was seen so far by cohort, channel and
//! first product, and what is still to come.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Query, State};
use engine::EngineError;
use engine::fits::Kept;
use engine::fits::value::Value;
use jiff::civil::Date;
use model::ids::{ProductId, SegmentId};
use model::spans::{Span, moved};
use model::spends::Spend;
use numbers::real::{ratio, real_signed};
use store::customer_sums::Won;
use store::segments::Segment;
use store::value_cells::{Cell as Line, DAYS, Sums};

use super::cohorts::{self, Every};
use super::narrow;
use super::report::{Empty, Note, Picture, Report, Tab, Tile, filter};
use super::sheet::{Cell, Sheet, columns};
use super::{Asked, FEW, Period, channel_name, link, payback, percent, percent_or_dash};
use crate::charts::{self, Lines, Series, Unit};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;

mod forecast;

const PATH: &str = "/admin/numbers/value";
/// Customers of the last so many days, where nobody asks for others: who came a year ago has lived
/// through it.
const DAYS_SHOWN: i64 = 730;
const LENGTHS: [(&str, i64); 3] = [("12 months", 365), ("2 years", 730), ("5 years", 1_825)];
/// Lines in a picture that can be told apart.
const DRAWN_MAX: usize = 5;

/// By what customers are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Month,
    Channel,
    Product,
    Forecast,
}

impl By {
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Month, "month", "By month"),
        (Self::Channel, "channel", "By channel"),
        (Self::Product, "product", "By first product"),
        (Self::Forecast, "forecast", "Forecast"),
    ];

    fn read(word: &str) -> Self {
        Self::ALL.into_iter().find(|(_, w, _)| *w == word).map_or(Self::Month, |(by, ..)| by)
    }
}

/// Everything the page is made from.
struct Rows {
    lines: Vec<Line>,
    spends: Vec<Spend>,
    rewards: Vec<(String, String, String, i64)>,
    products: Vec<(ProductId, String)>,
    segments: Vec<Segment>,
    kept: Option<Kept<Value>>,
    /// Customers of other currencies, who are left out.
    foreign: i64,
}

/// What was asked, read.
struct Question {
    by: By,
    period: Period,
    /// The months of it.
    months: (i64, i64),
    segment: SegmentId,
    currency: String,
    /// The way back to this page.
    home: (&'static str, String),
    /// Whether a file is asked for, which holds every line.
    is_file: bool,
}

/// Lifetime value.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DAYS_SHOWN);
    let month = |day: Date| Every::Month.of(day);
    let mut query = period.query().to_vec();
    query.push(("by", asked.by.clone()));
    query.push(("segment", asked.segment.clone()));
    let question = Question {
        by: By::read(&asked.by),
        months: (month(period.span.from), month(period.span.to)),
        segment: narrow::segment_in(&asked.segment),
        currency: who.site.currency.clone(),
        home: super::home(PATH, &query),
        is_file: asked.format == "csv",
        period,
    };
    let rows = read(&state, &who, &question).await?;
    let mut report = Report::new(
        who.frame("value"),
        "Lifetime value",
        "What a customer brings: gross margin, not revenue.",
    );
    let tab = |(_, word, label): (By, &'static str, &'static str)| {
        let mut query = question.period.query().to_vec();
        query.push(("by", word.to_owned()));
        if question.segment.0 != 0 {
            query.push(("segment", question.segment.to_string()));
        }
        Tab { key: word, label, href: link(PATH, &query) }
    };
    report.tabs = By::ALL.into_iter().map(tab).collect();
    let shown = By::ALL.into_iter().find(|(by, ..)| *by == question.by);
    report.tab = shown.map_or_else(String::new, |(_, word, _)| word.to_owned());
    report.notes.extend(question.period.wrong.clone().map(Note::warn));
    report.notes.extend(cohorts::foreign(rows.foreign, &question.currency));
    if question.by == By::Forecast {
        forecast::fill(&mut report, &who, &rows, &question);
    } else {
        let selects = vec![narrow::segments(&rows.segments, &asked.segment)];
        report.filter = Some(filter(PATH, &question.period, &LENGTHS, &query, selects));
        let now = state.engine.now();
        report.notes.extend(narrow::of_segment(&who, &rows.segments, question.segment, now));
        fill(&mut report, &rows, &question);
    }
    report.answer(PATH, &asked, &query)
}

async fn read(
    state: &AppState,
    who: &CurrentOperator,
    question: &Question,
) -> Result<Rows, EngineError> {
    let (site, months) = (who.site.id, question.months);
    let (currency, segment) = (question.currency.clone(), question.segment);
    let span = Span { from: Every::Month.days(months.0).from, to: Every::Month.days(months.1).to };
    let (from, until) = span.bounds(&question.period.zone);
    state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let of = Won { span, currency: &currency, product: ProductId(0) };
                let kind = engine::fits::VALUE;
                let cohorts = (currency.as_str(), "month", ProductId(0));
                let (lines, foreign) = match segment.0 {
                    0 => (
                        store::value_cells::within(session, site, &currency, months).await?,
                        store::cohort_cells::foreign(session, site, cohorts, months).await?,
                    ),
                    _ => {
                        let all = engine::rollups::of_segment(session, site, segment).await?;
                        let (cells, mut lines) = all;
                        lines.retain(|line| {
                            let key = &line.key;
                            key.currency == currency && (months.0..=months.1).contains(&key.cohort)
                        });
                        (lines, cohorts::parted(cells, cohorts, months).1)
                    }
                };
                Ok(Rows {
                    lines,
                    foreign,
                    segments: store::segments::list(session, site).await?,
                    // All of them: a source is told apart by whether money was ever spent on it.
                    spends: store::spends::within(session, site, "0000-01-01", "9999-12-31")
                        .await?,
                    rewards: store::customer_sums::rewards(session, site, of, (from, until))
                        .await?,
                    products: store::customer_sums::first_products(session, site).await?,
                    kept: engine::fits::find(session, site, &currency, kind).await?,
                })
            })
        })
        .await
}

/// Some customers: by month, all that is known of them.
#[derive(Default)]
struct Group {
    months: BTreeMap<i64, Sums>,
}

impl Group {
    /// The sum over the months that have lived through `days`, or over all.
    fn sums(&self, question: &Question, days: Option<i64>) -> Sums {
        let old_enough = |month: &i64| {
            days.is_none_or(|days| {
                Every::Month.days(*month).to <= moved(question.period.today, -days - 1)
            })
        };
        let known = self.months.iter().filter(|(month, _)| old_enough(month));
        known.fold(Sums::default(), |sum, (_, more)| sum.plus(more, 1))
    }

    /// Margin a customer by the nth of [`DAYS`], and of how many customers; nothing where nobody
    /// has lived through them.
    fn by(&self, question: &Question, nth: usize) -> (Option<f64>, i64) {
        let sums = self.sums(question, DAYS.get(nth).copied());
        let margin = sums.margin_by.get(nth).copied().unwrap_or(0);
        (ratio(real_signed(margin), real_signed(sums.customers)), sums.customers)
    }
}

/// The word by which a line belongs to a group.
fn key(question: &Question, line: &Line, words: &BTreeSet<String>) -> String {
    match question.by {
        By::Channel | By::Forecast => payback::origin(&line.key.channel, &line.key.source, words),
        By::Product => line.key.product_id.to_string(),
        By::Month => line.key.cohort.to_string(),
    }
}

fn words(rows: &Rows) -> BTreeSet<String> {
    rows.spends.iter().map(|spend| spend.channel.clone()).collect()
}

fn groups(question: &Question, rows: &Rows) -> BTreeMap<String, Group> {
    let words = words(rows);
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for line in &rows.lines {
        let group = groups.entry(key(question, line, &words)).or_default();
        let sums = group.months.entry(line.key.cohort).or_default();
        *sums = sums.plus(&line.sums, 1);
    }
    groups
}

fn all(rows: &Rows) -> Group {
    let mut all = Group::default();
    for line in &rows.lines {
        let sums = all.months.entry(line.key.cohort).or_default();
        *sums = sums.plus(&line.sums, 1);
    }
    all
}

fn fill(report: &mut Report, rows: &Rows, question: &Question) {
    let all = all(rows);
    let total = all.sums(question, None);
    if total.customers == 0 {
        report.empty = Some(Empty {
            title: "No customers in these months".to_owned(),
            text: "What they bring stands here by 30, 90, 180 and 365 days after their first \
                   order."
                .to_owned(),
            action: ("/admin/offers".to_owned(), "See what is offered".to_owned()),
        });
        return;
    }
    if total.customers < FEW {
        let customers = total.customers;
        let text = format!("Only {customers} customers: too few to plan by.");
        report.notes.push(Note::warn(text));
    }
    report.tiles = tiles(question, &all, &total, rows.kept.as_ref());
    let groups = groups(question, rows);
    report.figures.push(picture(question, rows, &groups, &all));
    report.sheets.push(sheet(question, rows, &groups, &all));
    // No ad is paid for the contacts of one segment alone.
    if question.by == By::Channel && question.segment.0 == 0 {
        report.sheets.push(beside_cac(question, rows, &groups));
    }
}

fn tiles(question: &Question, all: &Group, total: &Sums, kept: Option<&Kept<Value>>) -> Vec<Tile> {
    let span = Span {
        from: Every::Month.days(question.months.0).from,
        to: Every::Month.days(question.months.1).to.min(question.period.today),
    };
    let mut rows = vec![("from", span.from.to_string()), ("to", span.to.to_string())];
    rows.extend(narrowed(question));
    let tile = |label: &str, value: String, note: String| Tile {
        label: label.to_owned(),
        value,
        href: None,
        note: Some(note),
    };
    let customers = Cell::count(total.customers).text;
    let mut tiles = vec![Tile {
        href: Some(link("/admin/numbers/customers", &rows)),
        ..tile("Customers", customers, "first order in these months".to_owned())
    }];
    for (nth, days) in DAYS.iter().enumerate() {
        let (value, of) = all.by(question, nth);
        let label = format!("By day {days}");
        tiles.push(match value {
            Some(_) => tile(
                &label,
                Cell::mean(value, &question.currency).text,
                format!("margin a customer, of {of} so old"),
            ),
            None => tile(&label, "not yet".to_owned(), "no whole month is so old".to_owned()),
        });
    }
    let came_back = ratio(real_signed(total.returned), real_signed(total.customers));
    tiles.push(tile(
        "Came back",
        percent_or_dash(came_back),
        "ordered on a later day / customers".into(),
    ));
    if let Some(value) = kept.map(|kept| &kept.body) {
        let note = "of what all customers ever paid".to_owned();
        tiles.push(tile("The best tenth paid", percent_or_dash(value.best_tenth), note));
        let gini = value.gini.map_or_else(|| "–".to_owned(), |gini| format!("{gini:.2}"));
        let note = "0: all paid the same, 1: one paid all (Gini coefficient)".to_owned();
        tiles.push(tile("How unevenly they paid", gini, note));
    }
    tiles
}

/// What links to customers carry beside their days.
fn narrowed(question: &Question) -> Vec<(&'static str, String)> {
    let segment = ("segment", question.segment.to_string());
    let all = [(question.segment.0 != 0).then_some(segment), Some(question.home.clone())];
    all.into_iter().flatten().collect()
}

/// What a group is called, and where its customers are.
fn named(question: &Question, rows: &Rows, key: &str) -> (String, String) {
    let first = Every::Month.days(question.months.0).from;
    let last = Every::Month.days(question.months.1).to.min(question.period.today);
    let mut query = vec![("from", first.to_string()), ("to", last.to_string())];
    let name = match question.by {
        By::Month => {
            let days = Every::Month.days(key.parse().unwrap_or(0));
            let to = days.to.min(question.period.today);
            query = vec![("from", days.from.to_string()), ("to", to.to_string())];
            super::month_name(days.from)
        }
        By::Channel | By::Forecast => {
            query.push(("channel", key.to_owned()));
            channel_name(key)
        }
        By::Product => {
            query.push(("product", key.to_owned()));
            let known = rows.products.iter().find(|(id, _)| id.to_string() == key);
            known.map_or_else(|| "Not known".to_owned(), |(_, name)| name.clone())
        }
    };
    query.extend(narrowed(question));
    (name, link("/admin/numbers/customers", &query))
}

fn picture(
    question: &Question,
    rows: &Rows,
    groups: &BTreeMap<String, Group>,
    all: &Group,
) -> Picture {
    let series = |name: String, group: &Group| Series {
        name,
        values: (0..DAYS.len()).map(|nth| group.by(question, nth).0).collect(),
    };
    let mut drawn = vec![series("All customers".to_owned(), all)];
    if question.by != By::Month {
        let mut largest: Vec<(&String, &Group)> = groups.iter().collect();
        largest.sort_by_key(|(_, group)| -group.sums(question, None).customers);
        let some = largest.into_iter().take(DRAWN_MAX);
        drawn.extend(some.map(|(key, group)| series(named(question, rows, key).0, group)));
    }
    let spec = Lines {
        title: "Margin a customer by days after the first order".to_owned(),
        about: "Rises as customers come back".to_owned(),
        labels: DAYS.iter().map(|days| format!("{days} days")).collect(),
        series: drawn,
        unit: Unit::Money(question.currency.clone()),
    };
    Picture {
        title: "Margin a customer by days after the first order".to_owned(),
        note: Some(
            "Of customers who are old enough; each point may be of other customers than the one \
             before."
                .to_owned(),
        ),
        svg: charts::both(|size| charts::lines(&spec, size)),
        formula: Some(
            "value by day d = Σ margin of orders up to d days after the first / customers, over \
             months whose customers all have lived through d days; margin = paid without tax − \
             given back − cost of goods, first orders before their discount, since that stands in \
             CAC"
            .to_owned(),
        ),
    }
}

fn sheet(question: &Question, rows: &Rows, groups: &BTreeMap<String, Group>, all: &Group) -> Sheet {
    let currency = &question.currency;
    let row = |name: Cell, group: &Group, href: Option<String>| {
        let total = group.sums(question, None);
        let customers = Cell::count(total.customers);
        let back = ratio(real_signed(total.returned), real_signed(total.customers));
        let back = back.map_or_else(String::new, percent);
        let so_far = ratio(real_signed(total.margin_minor), real_signed(total.customers));
        let mut cells = vec![
            name,
            match href {
                Some(href) => customers.to(href),
                None => customers,
            },
            Cell::count(total.returned).note(back),
        ];
        cells.extend((0..DAYS.len()).map(|nth| {
            let (value, of) = group.by(question, nth);
            let cell = Cell::mean(value, currency);
            let part = value.is_some() && (FEW..total.customers).contains(&of);
            if part { cell.note(format!("of {of}")) } else { cell.few(of) }
        }));
        cells.push(Cell::mean(so_far, currency).few(total.customers));
        cells
    };
    let mut lines: Vec<Vec<Cell>> = groups
        .iter()
        .map(|(key, group)| {
            let (name, href) = named(question, rows, key);
            let cell = match question.by {
                By::Month => {
                    let month = Every::Month.days(key.parse().unwrap_or(0)).from;
                    Cell::text(model::spans::month_of(month)).shown(name)
                }
                _ => Cell::text(name),
            };
            row(cell, group, Some(href))
        })
        .collect();
    if question.by == By::Month {
        lines.reverse();
    }
    lines.push(row(Cell::text("All"), all, None));
    let first = match question.by {
        By::Month => "Month won",
        By::Product => "First product",
        By::Channel | By::Forecast => "Channel",
    };
    let mut labels = vec![first.to_owned(), "#Customers".to_owned(), "#Came back".to_owned()];
    labels.extend(DAYS.iter().map(|days| format!("#By day {days}")));
    labels.push("#So far".to_owned());
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    Sheet {
        title: "Observed value".to_owned(),
        note: Some(
            "Gross margin a customer. A dash: not everybody is old enough, which is not zero."
                .to_owned(),
        ),
        formula: Some(
            "by day d = Σ margin up to day d / customers of the months that are old enough; so \
             far = Σ margin / customers"
                .to_owned(),
        ),
        columns: columns(&labels),
        rows: lines,
        ..Sheet::default()
    }
}

/// The months whose customers have all lived through `days`, first to last day.
fn old_enough(question: &Question, days: i64) -> Option<Span> {
    let until = moved(question.period.today, -days - 1);
    let is_old = |month: &i64| Every::Month.days(*month).to <= until;
    let last = (question.months.0..=question.months.1).rev().find(is_old)?;
    let from = Every::Month.days(question.months.0).from;
    Some(Span { from, to: Every::Month.days(last).to })
}

/// What was spent on a source in some days.
fn spent(question: &Question, rows: &Rows, key: &str, span: Span) -> i64 {
    let own = rows
        .spends
        .iter()
        .filter(|spend| spend.channel == key && spend.currency == question.currency);
    own.map(|spend| spend.share_within(span.from, span.to)).sum()
}

/// What was given as rewards for the customers of a source won in some days.
fn rewards(rows: &Rows, key: &str, span: Span) -> i64 {
    let words = words(rows);
    let inside = |cohort: &str| {
        let first = format!("{cohort}-01").parse::<Date>();
        first.is_ok_and(|day| span.from <= day && day <= span.to)
    };
    let own = rows.rewards.iter().filter(|(channel, source, cohort, _)| {
        payback::origin(channel, source, &words) == key && inside(cohort)
    });
    own.map(|(.., minor)| minor).sum()
}

fn beside_cac(question: &Question, rows: &Rows, groups: &BTreeMap<String, Group>) -> Sheet {
    let none = Group::default();
    let paid = words(rows);
    let whole = Span {
        from: Every::Month.days(question.months.0).from,
        to: Every::Month.days(question.months.1).to.min(question.period.today),
    };
    let without = paid
        .iter()
        .filter(|key| !groups.contains_key(*key) && spent(question, rows, key, whole) != 0);
    let all = groups.iter().chain(without.map(|key| (key, &none)));
    Sheet {
        title: "Beside what they cost".to_owned(),
        note: Some(
            "Over the longest time that customers have lived through, of the same customers on \
             both sides."
                .to_owned(),
        ),
        formula: Some(
            "value / CAC; CAC = (spend + discounts of first orders + rewards of referrals) / \
             customers, of the months that are old enough; where nobody was won, the spend of all \
             these months"
                .to_owned(),
        ),
        columns: columns(&[
            "Channel",
            "#Followed",
            "#Spend",
            "#Customers",
            "#Value",
            "#CAC",
            "Value / CAC",
        ]),
        rows: all.map(|(key, group)| cost_row(question, rows, (key, group), whole)).collect(),
        ..Sheet::default()
    }
}

fn cost_row(
    question: &Question,
    rows: &Rows,
    (key, group): (&str, &Group),
    whole: Span,
) -> Vec<Cell> {
    // The longest time that anybody has lived through.
    let known = DAYS.iter().enumerate().rev().find_map(|(nth, days)| {
        let (value, of) = group.by(question, nth);
        Some((*days, value?, of, old_enough(question, *days)?))
    });
    let (name, href) = named(question, rows, key);
    let money = |minor| Cell::money(minor, &question.currency);
    let days = |span: Span| {
        let (from, to) = (span.from.to_string(), span.to.to_string());
        vec![("from", from), ("to", to), question.home.clone()]
    };
    let spend = |span: Span| {
        let mut at = days(span);
        at.push(("origin", key.to_owned()));
        money(spent(question, rows, key, span)).to(link("/admin/numbers/spent", &at))
    };
    let Some((followed, value, of, span)) = known else {
        let customers = group.sums(question, None).customers;
        let mut cells = vec![Cell::text(name), Cell::unknown(), spend(whole)];
        cells.push(Cell::count(customers));
        cells.extend((0..3).map(|_| Cell::unknown()));
        return cells;
    };
    let discounts = group.sums(question, Some(followed)).discount_minor;
    let cost = spent(question, rows, key, span) + rewards(rows, key, span) + discounts;
    let cac = ratio(real_signed(cost), real_signed(of));
    let times = cac.filter(|cac| *cac > 0.0).map(|cac| value / cac);
    let mut payback = days(span);
    payback.retain(|(name, _)| *name != "back");
    payback.extend([("source", key.to_owned()), ("days", followed.to_string())]);
    vec![
        Cell::text(name),
        Cell::worded(format!("{followed} days"), followed),
        spend(span),
        Cell::count(of).to(href),
        Cell::mean(Some(value), &question.currency).few(of),
        Cell::mean(cac, &question.currency).few(of).to(link("/admin/numbers/payback", &payback)),
        match times {
            Some(times) => {
                let tone = if times < 1.0 { "bad" } else { "good" };
                Cell::text(format!("{times:.1} times")).tone(tone).few(of)
            }
            None => Cell::pending("costs nothing"),
        },
    ]
}
