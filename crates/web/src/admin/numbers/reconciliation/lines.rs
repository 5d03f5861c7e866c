//! The tables of the reconciliation: a line is two sums that must be equal.

use store::balances::BalanceSum;
use store::reconciliation::{self as balance, Counts, MONEY, PEOPLE};

use super::{Found, PATH};
use crate::admin::numbers::link;
use crate::admin::numbers::sheet::{Cell, Sheet, columns};

const MESSAGES: &str = "/admin/messages";
const ANSWERS: &str = "/admin/answers";

/// The tables, and how many of their lines do not add up.
pub struct Sheets {
    pub all: Vec<Sheet>,
    pub apart: usize,
}

/// The tables of the days in `query`.
pub fn sheets(found: &Found, currency: &str, query: &[(&'static str, String)]) -> Sheets {
    let (money, people) = (money(found, currency, query), people(found, query));
    let apart = money.iter().chain(&people).filter(|line| line.apart != 0).count();
    let states = |name| found.sums.iter().filter(move |sum| sum.name == name);
    Sheets {
        all: vec![
            sheet("Money", &money),
            sheet("People, mail and pages", &people),
            by_state("Mails by state", states(balance::MAILS), MESSAGES, query),
            by_state("Forms sent, by outcome", states(balance::ANSWERS), ANSWERS, query),
        ],
        apart,
    }
}

/// One line.
struct Line {
    cells: Vec<Cell>,
    apart: i64,
}

/// Where the figures of a line lead.
#[derive(Default)]
struct Links {
    /// The rows of both sums.
    rows: Option<String>,
    /// The rows that make them differ.
    apart: Option<String>,
}

fn line(
    (left, right): (&str, &str),
    sum: &BalanceSum,
    figure: impl Fn(i64) -> Cell,
    links: Links,
) -> Line {
    let open = |cell: Cell| match &links.rows {
        Some(href) => cell.to(href.clone()),
        None => cell,
    };
    let difference = figure(sum.left - sum.right);
    let cells = vec![
        Cell::text(left.to_owned()),
        open(figure(sum.left)),
        Cell::text(right.to_owned()),
        open(figure(sum.right)),
        match links.apart.filter(|_| sum.apart != 0) {
            Some(href) => difference.to(href),
            None => difference,
        },
        match sum.apart {
            0 => Cell::text("equal").tone("good"),
            _ => Cell::text("differs").tone("bad"),
        },
    ];
    Line { cells, apart: sum.apart }
}

/// The lines of [`MONEY`], one a currency.
fn money(found: &Found, currency: &str, query: &[(&'static str, String)]) -> Vec<Line> {
    let mut all = Vec::new();
    for of in MONEY {
        let mut sums: Vec<BalanceSum> =
            found.sums.iter().filter(|sum| sum.name == of.name).cloned().collect();
        if sums.is_empty() {
            sums.push(BalanceSum { part: currency.to_owned(), ..BalanceSum::default() });
        }
        for sum in sums {
            let figure = |value| match of.counts {
                Counts::Money => Cell::money(value, &sum.part),
                Counts::Rows => Cell::count(value),
            };
            let links = Links {
                rows: Some(orders(of, &sum, query)),
                apart: Some(link(&format!("{PATH}/{}", of.name), query)),
            };
            all.push(line((of.left, of.right), &sum, figure, links));
        }
    }
    all
}

/// The orders of a line: those in the figures, without test contacts, or all that were paid.
fn orders(of: &balance::Balance, sum: &BalanceSum, query: &[(&'static str, String)]) -> String {
    if !of.name.ends_with("_figures") {
        return link("/admin/orders", &paid(query));
    }
    let mut query = query.to_vec();
    if of.counts == Counts::Money {
        query.push(("currency", sum.part.clone()));
    }
    link("/admin/numbers/orders", &query)
}

/// The days of a page, as the list of orders asks for them.
fn paid(query: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
    let of = |name| query.iter().find(|(key, _)| *key == name).map(|(_, day)| day.clone());
    let days = [("paid", of("from")), ("paid_to", of("to"))];
    days.into_iter().filter_map(|(name, day)| Some((name, day?))).collect()
}

fn people(found: &Found, query: &[(&'static str, String)]) -> Vec<Line> {
    let sum = |name: &str| {
        let own = found.sums.iter().find(|sum| sum.name == name && sum.part.is_empty());
        own.cloned().unwrap_or_default()
    };
    let to = |path: &str| Links { rows: Some(link(path, query)), apart: None };
    let mut all = Vec::new();
    for of in PEOPLE {
        let links = Links {
            rows: (of.name == "messages_attempts").then(|| link(MESSAGES, query)),
            apart: Some(link(&format!("{PATH}/{}", of.name), query)),
        };
        all.push(line((of.left, of.right), &sum(of.name), Cell::count, links));
    }
    for (name, stage, text) in [
        (balance::LEADS_MADE, "lead", "contacts made"),
        (balance::LEADS_CONFIRMED, "confirmed", "contacts confirmed"),
    ] {
        let (left, right) =
            (format!("{text}, by the stages page"), format!("{text}, counted row by row"));
        let links = to(&format!("/admin/numbers/stages/{stage}"));
        all.push(line((&left, &right), &sum(name), Cell::count, links));
    }
    for (name, texts, path) in [
        (balance::MAILS, ("mails planned", "sum by state"), MESSAGES),
        (balance::ANSWERS, ("forms sent", "sum by outcome"), ANSWERS),
    ] {
        all.push(line(texts, &sum(name), Cell::count, to(path)));
    }
    let (left, right) = found.visits;
    let seen = BalanceSum { left, right, apart: (left - right).abs(), ..BalanceSum::default() };
    let texts = ("visits, by the stages page", "visits, summed by page");
    all.push(line(texts, &seen, Cell::count, to("/admin/numbers/stages/visit")));
    all
}

fn sheet(title: &str, lines: &[Line]) -> Sheet {
    Sheet {
        title: title.to_owned(),
        formula: Some(
            "difference = first sum − second sum; the verdict looks at each order or mail by \
             itself, so that two faults do not cancel out"
                .to_owned(),
        ),
        columns: columns(&[
            "One way",
            "#Sum",
            "Another way",
            "#The same sum",
            "#Difference",
            "Verdict",
        ]),
        rows: lines.iter().map(|line| line.cells.clone()).collect(),
        ..Sheet::default()
    }
}

fn by_state<'a>(
    title: &str,
    sums: impl Iterator<Item = &'a BalanceSum>,
    path: &str,
    days: &[(&'static str, String)],
) -> Sheet {
    let (whole, states): (Vec<&BalanceSum>, Vec<&BalanceSum>) =
        sums.partition(|sum| sum.part.is_empty());
    let row = |sum: &&BalanceSum| {
        let mut query = days.to_vec();
        query.push(("state", sum.part.clone()));
        vec![Cell::text(sum.part.clone()), Cell::count(sum.left).to(link(path, &query))]
    };
    let mut rows: Vec<Vec<Cell>> = states.iter().map(row).collect();
    if !rows.is_empty() {
        let all: i64 = whole.iter().map(|sum| sum.left).sum();
        rows.push(vec![Cell::text("all"), Cell::count(all).to(link(path, days))]);
    }
    Sheet {
        title: title.to_owned(),
        note: Some("Made in these days, as they stand now.".to_owned()),
        formula: Some("count = rows made in these days that stand so".to_owned()),
        columns: columns(&["State", "#Count"]),
        rows,
        empty: "None in these days.".to_owned(),
        ..Sheet::default()
    }
}
