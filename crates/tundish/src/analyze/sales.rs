//! Sales out of a file, one by one, by the clean rule: who bought is known, nothing was taken back
//! or came to nothing, and every row that was left out is counted with its reason.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::amounts::{self, Decimal};
use super::columns::{Columns, Role};
use super::dates::{self, Order};
use super::source::{Row, Source};
use super::words::some;
use crate::output::refused;

/// One row that is a sale.
#[derive(Debug, Clone, Copy)]
pub struct Sale<'a> {
    /// Who.
    pub customer: &'a str,
    /// When, in days since 1970-01-01.
    pub day: i64,
    /// What was paid and not given back, in whole units of the file's money; nothing where no
    /// column says.
    pub amount: Option<f64>,
    /// Which order it is of; empty where no column says.
    pub order: &'a str,
}

/// What was left out, and why.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LeftOut {
    /// Rows by reason.
    #[serde(flatten)]
    pub reasons: BTreeMap<&'static str, u64>,
    /// Lines of the first rows that could not be read.
    #[serde(skip)]
    pub unreadable: Vec<(u64, String)>,
}

/// Lines that are named at most.
const NAMED_MAX: usize = 5;
/// Letters of a cell that are shown: a broken file may have them all in one.
const SHOWN_MAX: usize = 40;

impl LeftOut {
    /// Counts a row that was left out.
    pub fn count(&mut self, reason: &'static str) {
        self.add(reason, 1);
    }

    /// Counts rows that were left out, if any were.
    pub fn add(&mut self, reason: &'static str, rows: usize) {
        if rows > 0 {
            let rows = u64::try_from(rows).unwrap_or(u64::MAX);
            *self.reasons.entry(reason).or_default() += rows;
        }
    }

    fn unreadable(&mut self, reason: &'static str, line: u64, cell: &str) {
        self.count(reason);
        if self.unreadable.len() < NAMED_MAX {
            let begin: String = cell.chars().take(SHOWN_MAX).collect();
            let more = if begin.len() < cell.len() { "…" } else { "" };
            self.unreadable.push((line, format!("{reason}: {begin:?}{more}")));
        }
    }

    /// In words, a line each.
    pub fn told(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .reasons
            .iter()
            .map(|(why, rows)| format!("left out: {} ({why})", some(*rows, "row")))
            .collect();
        lines.extend(self.unreadable.iter().map(|(line, why)| format!("  line {line}: {why}")));
        lines
    }
}

/// Where a sale's figures stand.
struct Places {
    customer: usize,
    date: usize,
    /// Amount, quantity, price, what was given back: as far as there are columns.
    figures: [Option<usize>; 4],
    order: Option<usize>,
    status: Option<usize>,
    currency: Option<usize>,
}

/// What must be there besides customer and date.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// Rows without an amount are left out.
    pub amount: bool,
}

/// Calls `each` for every sale of `source`.
///
/// # Errors
/// A column is missing, the file cannot be read, or no row of it is a sale.
pub fn read(
    source: &mut Source,
    columns: &mut Columns,
    wanted: Wanted,
    each: &mut dyn FnMut(Sale<'_>),
) -> anyhow::Result<LeftOut> {
    let places = Places::of(columns, wanted)?;
    let first = first_rows(source, &places)?;
    let figures = first.iter().flat_map(|row| row.figures.iter().flatten());
    let mut reading = Reading {
        wanted,
        dates: dates::order_of(first.iter().map(|row| &*row.date)),
        decimal: amounts::decimal_of(figures.map(|cell| &**cell)),
        left_out: LeftOut::default(),
        currency: String::new(),
        order: String::new(),
    };
    let mut sales = 0_u64;
    let mut take = |row: &Cells<'_>| {
        if let Some((day, amount)) = reading.sale(row) {
            sales += 1;
            each(Sale { customer: &row.customer, day, amount, order: &row.order });
        }
    };
    first.iter().for_each(&mut take);
    while let Some(row) = source.next_row()? {
        take(&Cells::of(&places, row));
    }
    let left_out = reading.left_out;
    if sales == 0 {
        let why = left_out.told();
        let name = source.name();
        return Err(refused(match why.is_empty() {
            true => format!("{name}: there is no row below the names of the columns"),
            false => format!("{name}: no row is a sale; {}", why.join("; ")),
        }));
    }
    Ok(left_out)
}

impl Places {
    fn of(columns: &mut Columns, wanted: Wanted) -> anyhow::Result<Self> {
        let customer = columns.need(Role::Customer)?;
        let date = columns.need(Role::Date)?;
        let amount = columns.find(Role::Amount);
        let quantity = columns.find(Role::Quantity);
        // Where a column has the sum, the price of one says nothing more.
        let price = if amount.is_some() { None } else { columns.find(Role::Price) };
        // A price without a quantity is what was paid: as of an order, it may be nothing.
        let (amount, price) =
            if quantity.is_none() { (amount.or(price), None) } else { (amount, price) };
        let amount = match wanted.amount && price.is_none() {
            true => Some(columns.need(Role::Amount)?),
            false => amount,
        };
        let has_money = amount.is_some() || price.is_some();
        let mut beside_money = |role| has_money.then(|| columns.find(role)).flatten();
        let refunded = beside_money(Role::Refunded);
        let currency = beside_money(Role::Currency);
        let order = columns.find(Role::Order);
        let status = columns.find(Role::Status);
        let figures = [amount, quantity, price, refunded];
        Ok(Self { customer, date, figures, order, status, currency })
    }
}

/// The cells of a row that are looked at.
struct Cells<'a> {
    line: u64,
    customer: Cow<'a, str>,
    date: Cow<'a, str>,
    figures: [Option<Cow<'a, str>>; 4],
    order: Cow<'a, str>,
    status: Cow<'a, str>,
    currency: Cow<'a, str>,
}

impl<'a> Cells<'a> {
    fn of(places: &Places, row: Row<'a>) -> Self {
        let maybe = |at: Option<usize>| at.map_or(Cow::Borrowed(""), |at| row.cell(at));
        Self {
            line: row.line,
            customer: row.cell(places.customer),
            date: row.cell(places.date),
            figures: places.figures.map(|at| at.map(|at| row.cell(at))),
            order: maybe(places.order),
            status: maybe(places.status),
            currency: maybe(places.currency),
        }
    }

    fn kept(self) -> Cells<'static> {
        let keep = |cell: Cow<'a, str>| Cow::Owned(cell.into_owned());
        Cells {
            line: self.line,
            customer: keep(self.customer),
            date: keep(self.date),
            figures: self.figures.map(|cell| cell.map(keep)),
            order: keep(self.order),
            status: keep(self.status),
            currency: keep(self.currency),
        }
    }
}

/// Rows by which it is told how days and amounts are written.
fn first_rows(source: &mut Source, places: &Places) -> anyhow::Result<Vec<Cells<'static>>> {
    let mut first = Vec::new();
    while first.len() < dates::LOOKED_AT {
        let Some(row) = source.next_row()? else { break };
        first.push(Cells::of(places, row).kept());
    }
    Ok(first)
}

/// How the cells are written, and what was seen so far.
struct Reading {
    wanted: Wanted,
    dates: Order,
    decimal: Decimal,
    left_out: LeftOut,
    /// Of the first sale: sums of different currencies would mean nothing.
    currency: String,
    /// Of the row before.
    order: String,
}

impl Reading {
    /// On which day and for how much, or why not.
    fn sale(&mut self, row: &Cells<'_>) -> Option<(i64, Option<f64>)> {
        if self.goes_on(row) {
            return None;
        }
        if row.customer.is_empty() {
            self.left_out.count("nobody is named");
            return None;
        }
        if is_taken_back(row) {
            self.left_out.count(TAKEN_BACK);
            return None;
        }
        if UNPAID.iter().any(|word| row.status.eq_ignore_ascii_case(word)) {
            self.left_out.count("not paid yet");
            return None;
        }
        if row.date.is_empty() {
            self.left_out.count("no date");
            return None;
        }
        let Some(at) = dates::parse(&row.date, self.dates) else {
            self.left_out.unreadable("not a date", row.line, &row.date);
            return None;
        };
        let amount = self.amount(row)?;
        if self.wanted.amount && amount.is_none() {
            self.left_out.count("no amount");
            return None;
        }
        if self.currency.is_empty() {
            self.currency.push_str(&row.currency);
        } else if !row.currency.is_empty() && !row.currency.eq_ignore_ascii_case(&self.currency) {
            self.left_out.count("in another currency than the first sale");
            return None;
        }
        Some((dates::day_of(at), amount))
    }

    /// Whether the row is but a further line of the order before, whose first line has the sum.
    fn goes_on(&mut self, row: &Cells<'_>) -> bool {
        if row.order.is_empty() {
            return false;
        }
        let same = self.order == *row.order;
        if !same {
            self.order.clear();
            self.order.push_str(&row.order);
        }
        same && matches!(&row.figures, [Some(amount), ..] if amount.is_empty())
    }

    /// What was paid, nothing where no column says; no answer where the row is no sale.
    fn amount(&mut self, row: &Cells<'_>) -> Option<Option<f64>> {
        let mut numbers = [None; 4];
        for (number, cell) in numbers.iter_mut().zip(&row.figures) {
            let Some(cell) = cell.as_deref().filter(|cell| !cell.is_empty()) else { continue };
            *number = amounts::parse(cell, self.decimal);
            if number.is_none() {
                self.left_out.unreadable("not a number", row.line, cell);
                return None;
            }
        }
        let [amount, quantity, price, refunded] = numbers;
        // An order may be free; nobody buys none of a thing, or a thing without a price.
        let none_of_it = [quantity, price].into_iter().flatten().any(|number| number <= 0.0);
        if none_of_it || amount.is_some_and(|amount| amount < 0.0) {
            self.left_out.count("taken back, or none of it");
            return None;
        }
        let paid = match (amount, &row.figures) {
            (Some(amount), _) => Some(amount),
            (None, [None, Some(_), Some(_), _]) => quantity.zip(price).map(|(n, each)| n * each),
            _ => None,
        };
        let back = refunded.unwrap_or(0.0).abs();
        match paid {
            Some(paid) if back > 0.0 && back >= paid => {
                self.left_out.count(TAKEN_BACK);
                None
            }
            paid => Some(paid.map(|paid| paid - back)),
        }
    }
}

/// Why most rows are left out.
pub const TAKEN_BACK: &str = "returned, refunded or failed";

/// What programs of shops call orders that came to nothing.
const BACK: [&str; 12] = [
    "refunded",
    "voided",
    "failed",
    "cancelled",
    "canceled",
    "declined",
    "disputed",
    "blocked",
    "trash",
    "true",
    "yes",
    "1",
];
/// And those that nobody has paid yet.
const UNPAID: [&str; 10] = [
    "pending",
    "authorized",
    "unpaid",
    "expired",
    "on-hold",
    "draft",
    "checkout-draft",
    "incomplete",
    "uncaptured",
    "pending payment",
];

/// An invoice `C536379` takes another back; so do the words of the programs of shops.
fn is_taken_back(row: &Cells<'_>) -> bool {
    is_cancellation(&row.order) || BACK.iter().any(|word| row.status.eq_ignore_ascii_case(word))
}

/// Whether it is the number of an invoice that takes another back: `C536379`.
pub fn is_cancellation(order: &str) -> bool {
    let digits = order.strip_prefix(['C', 'c']).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit())
}

/// Whether a word says that an order came to nothing.
pub fn came_to_nothing(status: &str) -> bool {
    BACK.iter().chain(&UNPAID).any(|word| status.eq_ignore_ascii_case(word))
}
