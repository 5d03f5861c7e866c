//! `/admin/numbers/rfm`: customers by how recently, how often and for how much they bought. Every
//! cell opens to its customers, and can be kept as a segment.

use axum::extract::{Query, State};
use engine::EngineError;
use engine::fits::Kept;
use engine::fits::rfm::{Cell as One, Grid};
use model::ids::SegmentId;
use model::segments::{ANY_SCORE, Cells, Rule, Statement};
use numbers::real::{ratio, real_signed};
use store::customer_figures::CustomerFigure;
use store::segments::Segment;

use super::customers::cells_link;
use super::narrow;
use super::report::{Empty, Filter, Note, Picture, Report, Select};
use super::sheet::{Cell, Column, Sheet, columns};
use super::{Asked, FEW, link};
use crate::charts::{self, SquareCell, SquareRow};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;
use crate::words::{grouped, money_text};

const PATH: &str = "/admin/numbers/rfm";
/// How the edges of scores are made.
const QUANTILES: &str = "scores by the values that 20, 40, 60 and 80 % of the customers stay below \
                         (quantiles, linear between values: type 7), plus one whole day, order or \
                         step of money (a cent where there are cents): who has just that value \
                         stands below it. Where many have the same number of orders, some scores \
                         are nobody's";
const SCORES: [u8; 5] = [1, 2, 3, 4, 5];

/// A named block of the grid. Together they are the whole of it, and none lies over another.
struct Group {
    name: &'static str,
    about: &'static str,
    r: (u8, u8),
    f: (u8, u8),
}

const GROUPS: [Group; 8] = [
    Group { name: "Best", about: "bought lately, and often", r: (4, 5), f: (4, 5) },
    Group { name: "Growing", about: "bought lately, not often yet", r: (4, 5), f: (2, 3) },
    Group { name: "New", about: "bought lately, fewest orders", r: (4, 5), f: (1, 1) },
    Group {
        name: "Slipping away",
        about: "bought often, but not lately: worth a letter now",
        r: (2, 3),
        f: (4, 5),
    },
    Group { name: "In between", about: "neither lately nor long ago", r: (2, 3), f: (2, 3) },
    Group { name: "Did not come back", about: "fewest orders, a while ago", r: (2, 3), f: (1, 1) },
    Group {
        name: "Were regulars",
        about: "bought often, longest ago of all",
        r: (1, 1),
        f: (4, 5),
    },
    Group { name: "Asleep", about: "longest ago, and not often", r: (1, 1), f: (1, 3) },
];

impl Group {
    fn cells(&self) -> Cells {
        Cells { r: self.r, f: self.f, m: ANY_SCORE }
    }
}

/// What was asked, read.
struct Question {
    show: String,
    segment: SegmentId,
    currency: String,
    /// Whether segments may be made.
    may_change: bool,
    /// What links to customers carry.
    more: Vec<(&'static str, String)>,
}

impl Question {
    fn cells_at(&self, cells: &Cells) -> String {
        cells_link(cells, &self.more)
    }
}

/// The grid, and what it is coloured by.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let mut query = vec![("show", asked.show.clone()), ("segment", asked.segment.clone())];
    query.retain(|(_, value)| !value.is_empty());
    let question = Question {
        show: asked.show.clone(),
        segment: narrow::segment_in(&asked.segment),
        currency: who.site.currency.clone(),
        may_change: who.may_change(),
        more: vec![("segment", asked.segment.clone()), super::home(PATH, &query)],
    };
    let (kept, segments, figures) = read(&state, &who, &question).await?;
    let mut report = Report::new(
        who.frame("rfm"),
        "RFM",
        "Customers by how recently (R), how often (F) and for how much (M) they bought, each \
         scored from 1 to 5.",
    );
    match kept {
        Some(Kept { body: Some(mut grid), made_at, mut customers, .. }) => {
            report.filter = Some(choice(&asked, &segments));
            let at = super::as_of(&who, made_at);
            report.notes.push(Note::info(format!(
                "As of {at}. Made anew every day, and when many customers come."
            )));
            if question.segment.0 != 0 {
                customers = i64::try_from(figures.len()).unwrap_or(i64::MAX);
                grid.count(&figures);
            }
            fill(&mut report, &question, (&grid, customers));
            let now = state.engine.now();
            report.notes.extend(narrow::of_segment(&who, &segments, question.segment, now));
        }
        _ => {
            report.empty = Some(Empty {
                title: "No customers to score yet".to_owned(),
                text: "The grid stands here some minutes after the first orders were paid."
                    .to_owned(),
                action: ("/admin/offers".to_owned(), "See what is offered".to_owned()),
            });
        }
    }
    report.answer(PATH, &asked, &query)
}

type Found = (Option<Kept<Option<Grid>>>, Vec<Segment>, Vec<CustomerFigure>);

/// The grid, the segments, and the customers of the chosen one.
async fn read(
    state: &AppState,
    who: &CurrentOperator,
    question: &Question,
) -> Result<Found, EngineError> {
    let (site, currency) = (who.site.id, question.currency.clone());
    let segment = question.segment;
    state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let kept = engine::fits::find(session, site, &currency, engine::fits::RFM).await?;
                let segments = store::segments::list(session, site).await?;
                let figures = if segment.0 == 0 {
                    Vec::new()
                } else {
                    store::customer_figures::of_segment(session, site, segment, &currency).await?
                };
                Ok((kept, segments, figures))
            })
        })
        .await
}

fn choice(asked: &Asked, segments: &[Segment]) -> Filter {
    let options = [("", "Customers"), ("margin", "Margin"), ("revenue", "Revenue")];
    let select = Select {
        name: "show",
        label: "Coloured by",
        options: options.map(|(word, label)| (word.to_owned(), label.to_owned())).to_vec(),
        value: asked.show.clone(),
    };
    Filter::choices(PATH, vec![select, narrow::segments(segments, &asked.segment)])
}

/// What some cells come to.
fn sums(grid: &Grid, cells: &Cells) -> One {
    let within = |score: u8, range: (u8, u8)| range.0 <= score && score <= range.1;
    let inside =
        |one: &&One| within(one.r, cells.r) && within(one.f, cells.f) && within(one.m, cells.m);
    let none = One { r: 0, f: 0, m: 0, customers: 0, net_minor: 0, margin_minor: 0 };
    grid.cells.iter().filter(inside).fold(none, |sum, one| One {
        customers: sum.customers + one.customers,
        net_minor: sum.net_minor + one.net_minor,
        margin_minor: sum.margin_minor + one.margin_minor,
        ..sum
    })
}

fn fill(report: &mut Report, question: &Question, (grid, customers): (&Grid, i64)) {
    if customers < FEW {
        let text = format!("Only {customers} customers: the scores part hardly anybody.");
        report.notes.push(Note::warn(text));
    }
    report.figures.push(picture(grid, question));
    report.sheets.push(groups(grid, customers, question));
    report.sheets.push(square(grid, question));
    report.sheets.push(by_money(grid, question));
    report.sheets.push(edges(grid, &question.currency));
}

fn cell_of(r: u8, f: u8) -> Cells {
    Cells { r: (r, r), f: (f, f), m: ANY_SCORE }
}

/// `2 or 3 orders`, of a score; a dash where nobody can have it.
fn orders_text(grid: &Grid, score: u8) -> String {
    let (least, most) = grid.ranges(&cell_of(1, score)).orders;
    let least = least.max(1);
    match (least, most) {
        (least, most) if least > most => "–".to_owned(),
        (least, i64::MAX) => format!("{least} or more"),
        (1, 1) => "1 order".to_owned(),
        (least, most) if least == most => format!("{least} orders"),
        (least, most) => format!("{least} to {most}"),
    }
}

/// `0 to 12 days`, of a score.
fn days_text(grid: &Grid, score: u8) -> String {
    let (first, last) = grid.ranges(&cell_of(score, 1)).last_day;
    let least = if last == i64::MAX { 0 } else { (grid.at - last).max(0) };
    if first == i64::MIN {
        return format!("{least} days or more");
    }
    let most = grid.at - first;
    if most < least { "–".to_owned() } else { format!("{least} to {most} days") }
}

fn picture(grid: &Grid, question: &Question) -> Picture {
    let currency = question.currency.as_str();
    let cell = |r: u8, f: u8| {
        let sum = sums(grid, &cell_of(r, f));
        let people = |count: i64| {
            let word = if count == 1 { "customer" } else { "customers" };
            format!("{} {word}", grouped(count.unsigned_abs()))
        };
        let (value, text, note) = match question.show.as_str() {
            _ if sum.customers == 0 => (0.0, "–".to_owned(), String::new()),
            "margin" => (
                real_signed(sum.margin_minor),
                short(sum.margin_minor, currency),
                people(sum.customers),
            ),
            "revenue" => {
                (real_signed(sum.net_minor), short(sum.net_minor, currency), people(sum.customers))
            }
            _ => {
                let margin = format!("{} margin", short(sum.margin_minor, currency));
                let count = sum.customers;
                (real_signed(count), grouped(count.unsigned_abs()), margin)
            }
        };
        SquareCell { value, text, note }
    };
    let row = |r: u8| SquareRow {
        label: format!("R{r}"),
        cells: SCORES.iter().map(|f| cell(r, *f)).collect(),
    };
    let spec = charts::Square {
        title: "Recency by frequency".to_owned(),
        about: "How many customers, or how much of their money, stands in each cell".to_owned(),
        down: "Recency".to_owned(),
        across: "Frequency: few orders on the left, many on the right".to_owned(),
        columns: SCORES.iter().map(|f| format!("F{f}")).collect(),
        rows: SCORES.iter().rev().map(|r| row(*r)).collect(),
    };
    Picture {
        title: "Recency by frequency".to_owned(),
        note: Some("The best customers stand at the top right.".to_owned()),
        svg: charts::both(|size| charts::square(&spec, size)),
        formula: Some(QUANTILES.to_owned()),
    }
}

fn short(minor: i64, currency: &str) -> String {
    let unit = charts::Unit::Money(currency.to_owned());
    unit.short(real_signed(minor))
}

/// How customers of some cells are counted.
const SUMS: &str = "each customer is in one cell, by the scores of recency, frequency and money; \
                    revenue = all they ever paid without tax − given back; margin = that − cost of \
                    goods, first orders before their discount";

/// The way to make a segment of some cells, for who may.
fn keep(question: &Question, cells: Cells, name: &str) -> Option<Cell> {
    let rule = Rule::Is(Statement::Rfm(cells)).to_text();
    let new = link("/admin/segments/new", &[("name", name.to_owned()), ("rule", rule)]);
    question.may_change.then(|| Cell::text("Keep as a segment").to(new))
}

fn labelled(question: &Question, labels: &[&str]) -> Vec<Column> {
    let mut labels = labels.to_vec();
    labels.extend(question.may_change.then_some("Segment"));
    columns(&labels)
}

fn groups(grid: &Grid, customers: i64, question: &Question) -> Sheet {
    let currency = question.currency.as_str();
    let row = |group: &Group| {
        let sum = sums(grid, &group.cells());
        let share = ratio(real_signed(sum.customers), real_signed(customers)).unwrap_or(0.0);
        let percent = format!("{:.1}%", share * 100.0);
        let block = |(from, to): (u8, u8)| {
            if from == to { from.to_string() } else { format!("{from}–{to}") }
        };
        let mut cells = vec![
            Cell::text(group.name).note(group.about),
            Cell::text(format!("R {}, F {}", block(group.r), block(group.f))),
            Cell::count(sum.customers).to(question.cells_at(&group.cells())).note(percent),
            Cell::money(sum.net_minor, currency),
            Cell::money(sum.margin_minor, currency),
        ];
        cells.extend(keep(question, group.cells(), group.name));
        cells
    };
    Sheet {
        title: "Groups".to_owned(),
        note: Some(
            "The grid in eight words; every customer is in one of them. A segment follows the \
             edges as they move."
                .to_owned(),
        ),
        formula: Some(SUMS.to_owned()),
        columns: labelled(question, &["Group", "Cells", "#Customers", "#Revenue", "#Margin"]),
        rows: GROUPS.iter().map(row).collect(),
        ..Sheet::default()
    }
}

fn square(grid: &Grid, question: &Question) -> Sheet {
    let currency = question.currency.as_str();
    let row = |r: u8| {
        let mut cells = vec![Cell::text(format!("R{r}")).note(days_text(grid, r))];
        cells.extend(SCORES.iter().map(|f| {
            let (block, none) = (cell_of(r, *f), Cell::count(0));
            let sum = sums(grid, &block);
            let cell = match question.show.as_str() {
                "margin" => Cell::money(sum.margin_minor, currency),
                "revenue" => Cell::money(sum.net_minor, currency),
                _ => Cell::count(sum.customers),
            };
            if sum.customers == 0 { none } else { cell.to(question.cells_at(&block)) }
        }));
        cells
    };
    let mut labels = vec!["Recency".to_owned()];
    labels.extend(SCORES.iter().map(|f| format!("#F{f}: {}", orders_text(grid, *f))));
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    Sheet {
        title: "The grid as a table".to_owned(),
        note: Some("Each cell opens to its customers; there it can be kept as a segment.".into()),
        formula: Some(SUMS.to_owned()),
        columns: columns(&labels),
        rows: SCORES.iter().rev().map(|r| row(*r)).collect(),
        ..Sheet::default()
    }
}

fn by_money(grid: &Grid, question: &Question) -> Sheet {
    let currency = question.currency.as_str();
    let row = |m: u8| {
        let block = Cells { r: ANY_SCORE, f: ANY_SCORE, m: (m, m) };
        let sum = sums(grid, &block);
        let mut cells = vec![
            Cell::text(format!("M{m}")),
            Cell::count(sum.customers).to(question.cells_at(&block)),
            Cell::money(sum.net_minor, currency),
            Cell::money(sum.margin_minor, currency),
        ];
        cells.extend(keep(question, block, &format!("Money {m} of 5")));
        cells
    };
    Sheet {
        title: "By money".to_owned(),
        note: Some("The third score: what was paid in all, without tax, less given back.".into()),
        formula: Some(SUMS.to_owned()),
        columns: labelled(question, &["Score", "#Customers", "#Revenue", "#Margin"]),
        rows: SCORES.iter().rev().map(|m| row(*m)).collect(),
        ..Sheet::default()
    }
}

fn edges(grid: &Grid, currency: &str) -> Sheet {
    let row = |score: u8| {
        let money = grid.ranges(&Cells { r: ANY_SCORE, f: ANY_SCORE, m: (score, score) }).net;
        let money = match money {
            (least, most) if least > most => "–".to_owned(),
            (i64::MIN, i64::MAX) => "any".to_owned(),
            (i64::MIN, most) => format!("up to {}", money_text(most, currency)),
            (least, i64::MAX) => format!("{} or more", money_text(least, currency)),
            (least, most) => {
                format!("{} to {}", money_text(least, currency), money_text(most, currency))
            }
        };
        vec![
            Cell::text(score.to_string()),
            Cell::text(days_text(grid, score)),
            Cell::text(orders_text(grid, score)),
            Cell::text(money),
        ]
    };
    Sheet {
        title: "Edges".to_owned(),
        note: Some("What a score means today. A dash: nobody can have it.".to_owned()),
        formula: Some(QUANTILES.to_owned()),
        columns: columns(&["Score", "Last order before", "Orders", "Paid in all"]),
        rows: SCORES.iter().rev().map(|score| row(*score)).collect(),
        ..Sheet::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_groups_are_the_whole_grid_and_none_lies_over_another() {
        for r in SCORES {
            for f in SCORES {
                let within = |score: u8, range: (u8, u8)| range.0 <= score && score <= range.1;
                let count =
                    GROUPS.iter().filter(|one| within(r, one.r) && within(f, one.f)).count();
                assert_eq!(count, 1, "R{r} F{f}");
            }
        }
    }
}
