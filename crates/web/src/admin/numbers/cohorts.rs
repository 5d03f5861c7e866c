//! `/admin/numbers/cohorts`: who buys again, by the month or week of the first order.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use engine::EngineError;
use jiff::civil::Date;
use model::ids::{ProductId, SegmentId};
use model::spans::{Span, day_number, day_numbered, month_of, moved};
use numbers::cohorts::{Month, Week};
use numbers::real::{ratio, real_signed};
use store::cohort_cells::{self, Sums};
use store::segments::Segment;

use super::narrow;
use super::report::{Empty, Note, Picture, Report, Select, Tab, filter};
use super::sheet::{Cell, Sheet, columns};
use super::{Asked, FEW, Period, link};
use crate::charts::{self, Heat, HeatRow, Unit};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;

const PATH: &str = "/admin/numbers/cohorts";
/// Customers of the last so many days, where nobody asks for others.
const DAYS: i64 = 365;
/// The same by week: a page of rows.
const DAYS_BY_WEEK: i64 = 182;
/// Months or weeks shown after the first.
const LATER_MAX: usize = 24;
const LENGTHS: [(&str, i64); 3] = [("6 months", 182), ("12 months", 365), ("2 years", 730)];

/// The length of time by which cohorts are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Every {
    Month,
    Week,
}

impl Every {
    fn read(word: &str) -> Self {
        if word == "week" { Self::Week } else { Self::Month }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Week => "week",
        }
    }

    /// The number of the one a day lies in.
    pub(super) fn of(self, day: Date) -> i64 {
        match self {
            Self::Month => {
                let month = u8::try_from(day.month()).unwrap_or(1);
                i64::from(Month::new(i32::from(day.year()), month).0)
            }
            Self::Week => i64::from(Week::of_day(i32::try_from(day_number(day)).unwrap_or(0)).0),
        }
    }

    /// The days of a number.
    pub(super) fn days(self, number: i64) -> Span {
        let first = |number: i64| match self {
            Self::Month => {
                let month = Month(i32::try_from(number).unwrap_or(0));
                format!("{month}-01").parse().unwrap_or(Date::constant(1970, 1, 1))
            }
            Self::Week => {
                let week = Week(i32::try_from(number).unwrap_or(0));
                day_numbered(i64::from(week.monday()))
            }
        };
        Span { from: first(number), to: moved(first(number.saturating_add(1)), -1) }
    }

    /// As written to a file.
    fn text(self, days: Span) -> String {
        match self {
            Self::Month => month_of(days.from),
            Self::Week => days.from.to_string(),
        }
    }

    fn name(self, number: i64) -> String {
        let from = self.days(number).from;
        match self {
            Self::Month => super::month_name(from),
            Self::Week => from.strftime("%-d\u{a0}%b\u{a0}%Y").to_string(),
        }
    }
}

/// What the cells are coloured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    Customers,
    Revenue,
    Margin,
}

impl Show {
    const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Customers, "", "Customers who bought"),
        (Self::Revenue, "revenue", "Revenue a customer"),
        (Self::Margin, "margin", "Margin a customer"),
    ];

    fn read(word: &str) -> Self {
        Self::ALL.into_iter().find(|(_, w, _)| *w == word).map_or(Self::Customers, |(s, ..)| s)
    }
}

/// What was asked, read.
struct Question {
    every: Every,
    show: Show,
    product: ProductId,
    segment: SegmentId,
    currency: String,
    /// The way back to this page.
    home: (&'static str, String),
    /// The last month or week that is over.
    last: i64,
}

/// Those who first bought in one month or week.
struct Cohort {
    number: i64,
    size: i64,
    /// From the first on, up to the last that is over.
    cells: Vec<Sums>,
}

/// Repeat purchase by cohort.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let every = Every::read(&asked.by);
    let usual = if every == Every::Month { DAYS } else { DAYS_BY_WEEK };
    let period = Period::read(&who, &asked, usual);
    let mut query = period.query().to_vec();
    query.push(("product", asked.product.clone()));
    query.push(("segment", asked.segment.clone()));
    query.push(("show", asked.show.clone()));
    query.push(("by", asked.by.clone()));
    let question = Question {
        every,
        show: Show::read(&asked.show),
        product: narrow::product_in(&asked.product),
        segment: narrow::segment_in(&asked.segment),
        currency: who.site.currency.clone(),
        home: super::home(PATH, &query),
        last: every.of(period.today) - 1,
    };
    let span = (every.of(period.span.from), every.of(period.span.to).min(question.last));
    let read = read(&state, &who, &question, span).await?;
    let cohorts = cohorts(read.cells, question.last);
    let mut report = Report::new(
        who.frame("cohorts"),
        "Cohorts",
        "Customers by when they first ordered, and how many of them bought in each month or week \
         after.",
    );
    report.tabs = tabs(&asked);
    every.word().clone_into(&mut report.tab);
    report.notes.extend(period.wrong.clone().map(Note::warn));
    report.notes.extend(foreign(read.foreign, &question.currency));
    let selects = vec![
        narrow::products("First product", &read.products, &asked.product),
        narrow::segments(&read.segments, &asked.segment),
        show_choice(&asked),
    ];
    let now = state.engine.now();
    report.notes.extend(narrow::of_segment(&who, &read.segments, question.segment, now));
    report.filter = Some(filter(PATH, &period, &LENGTHS, &query, selects));
    fill(&mut report, &question, &cohorts);
    report.answer(PATH, &asked, &query)
}

/// What to know where customers paid in other currencies too.
pub(super) fn foreign(customers: i64, currency: &str) -> Option<Note> {
    (customers > 0).then(|| {
        Note::warn(format!(
            "{} customers who paid in other currencies than {currency} are left out: amounts are \
             never converted.",
            Cell::count(customers).text
        ))
    })
}

/// What is stored of them.
struct Rows {
    cells: Vec<cohort_cells::Cell>,
    products: Vec<(ProductId, String)>,
    segments: Vec<Segment>,
    /// Customers of other currencies, who are left out.
    foreign: i64,
}

async fn read(
    state: &AppState,
    who: &CurrentOperator,
    question: &Question,
    span: (i64, i64),
) -> Result<Rows, EngineError> {
    let (site, word, product) = (who.site.id, question.every.word(), question.product);
    let (currency, segment) = (question.currency.clone(), question.segment);
    state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let of = (currency.as_str(), word, product);
                let (cells, foreign) = match segment.0 {
                    0 => (
                        cohort_cells::within(session, site, of, span).await?,
                        cohort_cells::foreign(session, site, of, span).await?,
                    ),
                    _ => {
                        let (all, _) = engine::rollups::of_segment(session, site, segment).await?;
                        parted(all, of, span)
                    }
                };
                Ok(Rows {
                    cells,
                    foreign,
                    products: store::customer_sums::first_products(session, site).await?,
                    segments: store::segments::list(session, site).await?,
                })
            })
        })
        .await
}

/// The cells that are asked for, and how many customers are in those of other currencies.
pub(super) fn parted(
    all: Vec<cohort_cells::Cell>,
    (currency, unit, product): (&str, &str, ProductId),
    (first, last): (i64, i64),
) -> (Vec<cohort_cells::Cell>, i64) {
    let asked = |cell: &cohort_cells::Cell| {
        let key = &cell.key;
        key.unit == unit && key.product_id == product && first <= key.cohort && key.cohort <= last
    };
    let (own, others): (Vec<_>, Vec<_>) =
        all.into_iter().filter(asked).partition(|cell| cell.key.currency == currency);
    let foreign = others.iter().filter(|cell| cell.key.nth == 0).map(|cell| cell.sums.customers);
    (own, foreign.sum())
}

fn tabs(asked: &Asked) -> Vec<Tab> {
    let href = |by: &str| {
        let all = [
            ("from", asked.from.clone()),
            ("to", asked.to.clone()),
            ("by", by.to_owned()),
            ("product", asked.product.clone()),
            ("segment", asked.segment.clone()),
            ("show", asked.show.clone()),
        ];
        let some: Vec<_> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        link(PATH, &some)
    };
    vec![
        Tab { key: "month", label: "By month", href: href("month") },
        Tab { key: "week", label: "By week", href: href("week") },
    ]
}

fn show_choice(asked: &Asked) -> Select {
    let option = |(_, word, label): (Show, &str, &str)| (word.to_owned(), label.to_owned());
    let options = Show::ALL.into_iter().map(option).collect();
    Select { name: "show", label: "Coloured by", options, value: asked.show.clone() }
}

/// The cohorts of `cells`; what lies after `last` is not over and not known.
fn cohorts(cells: Vec<cohort_cells::Cell>, last: i64) -> Vec<Cohort> {
    let mut all: BTreeMap<i64, Cohort> = BTreeMap::new();
    for cell in cells {
        let number = cell.key.cohort;
        let length = usize::try_from(last - number + 1).unwrap_or(0);
        let empty = || Cohort { number, size: 0, cells: vec![Sums::default(); length] };
        let cohort = all.entry(number).or_insert_with(empty);
        let nth = usize::try_from(cell.key.nth).unwrap_or(usize::MAX);
        if nth == 0 {
            cohort.size = cell.sums.customers;
        }
        if let Some(sums) = cohort.cells.get_mut(nth) {
            *sums = cell.sums;
        }
    }
    all.into_values().collect()
}

fn fill(report: &mut Report, question: &Question, cohorts: &[Cohort]) {
    if cohorts.is_empty() {
        let word = question.every.word();
        report.empty = Some(Empty {
            title: format!("No {word} with first orders is over yet"),
            text: format!("A cohort stands here once the {word} of its first orders is over."),
            action: ("/admin/numbers/payback".to_owned(), "See payback".to_owned()),
        });
        return;
    }
    let customers: i64 = cohorts.iter().map(|cohort| cohort.size).sum();
    if customers < FEW {
        let text = format!("Only {customers} customers: read shares as anecdotes.");
        report.notes.push(Note::info(text));
    }
    report.figures.push(picture(question, cohorts));
    report.sheets.push(sheet(question, cohorts));
}

fn columns_of(cohorts: &[Cohort]) -> usize {
    cohorts.iter().map(|cohort| cohort.cells.len()).max().unwrap_or(0).min(LATER_MAX + 1)
}

/// What a cell is coloured by.
fn value_of(question: &Question, cohort: &Cohort, nth: usize) -> Option<f64> {
    let sums = cohort.cells.get(nth)?;
    let sum = match question.show {
        Show::Customers => sums.customers,
        Show::Revenue => sums.revenue_minor,
        Show::Margin => sums.margin_minor,
    };
    ratio(real_signed(sum), real_signed(cohort.size))
}

fn picture(question: &Question, cohorts: &[Cohort]) -> Picture {
    let (word, count) = (question.every.word(), columns_of(cohorts));
    let row = |cohort: &Cohort| HeatRow {
        label: question.every.name(cohort.number),
        size: cohort.size.to_string(),
        cells: (0..count).map(|nth| value_of(question, cohort, nth)).collect(),
    };
    let (title, about, formula) = match question.show {
        Show::Customers => (
            "Who buys again",
            "Share of each cohort's customers who bought in each period after",
            format!(
                "cell = customers of the cohort who bought in the k-th {word} after / its \
                     customers"
            ),
        ),
        Show::Revenue => (
            "What they pay again",
            "Revenue a customer of each cohort in each period after",
            format!(
                "cell = paid without tax − given back, in the k-th {word} after / customers \
                     of the cohort"
            ),
        ),
        Show::Margin => (
            "What is earned again",
            "Margin a customer of each cohort in each period after",
            format!(
                "cell = revenue − cost of goods in the k-th {word} after / customers of the \
                     cohort; first orders before their discount, since it stands in CAC"
            ),
        ),
    };
    let spec = Heat {
        title: title.to_owned(),
        about: about.to_owned(),
        corner: match question.every {
            Every::Month => "Month won, customers".to_owned(),
            Every::Week => "Week from, customers".to_owned(),
        },
        columns: (0..count).map(|nth| nth.to_string()).collect(),
        rows: cohorts.iter().map(row).collect(),
        unit: match question.show {
            Show::Customers => Unit::Share,
            _ => Unit::Money(question.currency.clone()),
        },
    };
    let note = format!("{word}s after the first order; a {word} that is not over is not shown.");
    let mut letters = note.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    Picture {
        title: title.to_owned(),
        note: Some(first.into_iter().chain(letters).collect()),
        svg: charts::heat(&spec),
        formula: Some(formula),
    }
}

/// One line of the table.
fn cohort_row(question: &Question, cohort: &Cohort, count: usize) -> Vec<Cell> {
    let days = question.every.days(cohort.number);
    let mut all = vec![("from", days.from.to_string()), ("to", days.to.to_string())];
    if question.product.0 != 0 {
        all.push(("product", question.product.to_string()));
    }
    if question.segment.0 != 0 {
        all.push(("segment", question.segment.to_string()));
    }
    let customers = |nth: usize| {
        let mut query = all.clone();
        let nth = i64::try_from(nth).unwrap_or(0);
        let then = question.every.days(cohort.number.saturating_add(nth));
        if nth > 0 {
            query.push(("bought_from", then.from.to_string()));
            query.push(("bought_to", then.to.to_string()));
        }
        query.push(question.home.clone());
        link("/admin/numbers/customers", &query)
    };
    let sum = |of: fn(&Sums) -> i64| real_signed(cohort.cells.iter().map(of).sum());
    let each = |sum: f64| {
        let mean = ratio(sum, real_signed(cohort.size));
        Cell::mean(mean, &question.currency).few(cohort.size)
    };
    let later: i64 = cohort.cells.iter().skip(1).map(|sums| sums.customers).sum();
    let mut cells = vec![
        Cell::text(question.every.text(days)).shown(question.every.name(cohort.number)),
        Cell::count(cohort.size).to(customers(0)),
        Cell::count(later),
        each(sum(|sums| sums.revenue_minor)),
        each(sum(|sums| sums.margin_minor)),
    ];
    cells.extend((1..count).map(|nth| match cohort.cells.get(nth) {
        Some(sums) => {
            let cell = match question.show {
                Show::Customers => Cell::count(sums.customers),
                Show::Revenue => Cell::money(sums.revenue_minor, &question.currency),
                Show::Margin => Cell::money(sums.margin_minor, &question.currency),
            };
            let cell = if sums.customers > 0 { cell.to(customers(nth)) } else { cell };
            cell.few(cohort.size)
        }
        None => Cell::default(),
    }));
    cells
}

fn sheet(question: &Question, cohorts: &[Cohort]) -> Sheet {
    let count = columns_of(cohorts);
    let first = if question.every == Every::Month { "Month" } else { "Week from" };
    let mut labels: Vec<String> =
        [first, "#Customers", "#Later buys", "#Revenue each", "#Margin each"]
            .map(str::to_owned)
            .to_vec();
    let word = question.every.word();
    labels.extend(
        (1..count).map(|nth| format!("#{nth} {word}{} on", if nth == 1 { "" } else { "s" })),
    );
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let what = match question.show {
        Show::Customers => "Customers who bought in each",
        Show::Revenue => "What was paid in each",
        Show::Margin => "What was left of what was paid in each",
    };
    Sheet {
        title: "Cohorts".to_owned(),
        note: Some(format!(
            "{what} {} after; empty: not known yet. Each opens to its customers.",
            question.every.word()
        )),
        formula: Some(format!(
            "each = sum up to the last whole {} / customers; later buys count a customer once a \
             {}; revenue = paid without tax − given back; margin = revenue − cost of goods, first \
             orders before their discount",
            question.every.word(),
            question.every.word()
        )),
        columns: columns(&labels),
        rows: cohorts.iter().map(|cohort| cohort_row(question, cohort, count)).collect(),
        ..Sheet::default()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn months_and_weeks_are_their_days() {
        let days = |every: Every, day| every.days(every.of(day));
        let february = days(Every::Month, date(2028, 2, 10));
        assert_eq!((february.from, february.to), (date(2028, 2, 1), date(2028, 2, 29)));
        let week = days(Every::Week, date(2026, 11, 22));
        assert_eq!((week.from, week.to), (date(2026, 11, 16), date(2026, 11, 22)));
        assert_eq!(days(Every::Week, date(2026, 11, 16)).from, date(2026, 11, 16));
    }
}
