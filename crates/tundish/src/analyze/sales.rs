//! Sales out of a file, one by one, by the clean rule: who bought is known, nothing was taken back
//! or came to nothing, and every row that was left out is counted with its reason.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::amounts::{self, Decimal};
use super::columns::{Columns, Role};
use super::dates::{self, Order, Seconds};
use super::source::{Row, Source};
use super::words::some;
use crate::output::refused;

/// One row that is a sale.
#[derive(Debug, Clone, Copy)]
pub struct Sale<'a> {
    /// Who.
    pub customer: &'a str,
    /// When.
    pub at: Seconds,
    /// What was paid, in whole units of the file's money; nothing where no column says.
    pub amount: Option<f64>,
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

impl LeftOut {
    /// One more row.
    pub fn count(&mut self, reason: &'static str) {
        self.count_of(reason, 1);
    }

    /// So many more rows.
    pub fn count_of(&mut self, reason: &'static str, rows: u64) {
        *self.reasons.entry(reason).or_default() += rows;
    }

    fn unreadable(&mut self, reason: &'static str, line: u64, cell: &str) {
        self.count(reason);
        if self.unreadable.len() < NAMED_MAX {
            self.unreadable.push((line, format!("{reason}: {cell:?}")));
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
    amount: Option<usize>,
    quantity: Option<usize>,
    price: Option<usize>,
    order: Option<usize>,
    status: Option<usize>,
}

/// How the cells are written.
#[derive(Debug, Clone, Copy, Default)]
struct Written {
    dates: Order,
    decimal: Decimal,
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
    let mut left_out = LeftOut::default();
    let first = first_rows(source, &places)?;
    let written = Written {
        dates: dates::order_of(first.iter().map(|row| &*row.date)),
        decimal: amounts::decimal_of(
            first.iter().flat_map(|row| row.amounts.iter().flatten()).map(|cell| &**cell),
        ),
    };
    let mut sales = 0_u64;
    let mut take = |row: &Cells<'_>, left_out: &mut LeftOut| {
        if let Some((at, amount)) = sale(row, written, wanted, left_out) {
            sales += 1;
            each(Sale { customer: &row.customer, at, amount });
        }
    };
    for row in &first {
        take(row, &mut left_out);
    }
    while let Some(row) = source.next_row()? {
        take(&Cells::of(&places, row), &mut left_out);
    }
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
        let order = columns.find(Role::Order);
        let status = columns.find(Role::Status);
        Ok(Self { customer, date, amount, quantity, price, order, status })
    }
}

/// The cells of a row that are looked at.
struct Cells<'a> {
    line: u64,
    customer: Cow<'a, str>,
    date: Cow<'a, str>,
    /// Amount, quantity, price: as far as there are columns.
    amounts: [Option<Cow<'a, str>>; 3],
    order: Cow<'a, str>,
    status: Cow<'a, str>,
}

impl<'a> Cells<'a> {
    fn of(places: &Places, row: Row<'a>) -> Self {
        let maybe = |at: Option<usize>| at.map_or(Cow::Borrowed(""), |at| row.cell(at));
        let amounts = [places.amount, places.quantity, places.price];
        Self {
            line: row.line,
            customer: row.cell(places.customer),
            date: row.cell(places.date),
            amounts: amounts.map(|at| at.map(|at| row.cell(at))),
            order: maybe(places.order),
            status: maybe(places.status),
        }
    }

    fn kept(self) -> Cells<'static> {
        let keep = |cell: Cow<'a, str>| Cow::Owned(cell.into_owned());
        Cells {
            line: self.line,
            customer: keep(self.customer),
            date: keep(self.date),
            amounts: self.amounts.map(|cell| cell.map(keep)),
            order: keep(self.order),
            status: keep(self.status),
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

/// When and for how much, or why not.
fn sale(
    row: &Cells<'_>,
    written: Written,
    wanted: Wanted,
    left_out: &mut LeftOut,
) -> Option<(Seconds, Option<f64>)> {
    if row.customer.is_empty() {
        left_out.count("nobody is named");
        return None;
    }
    if is_taken_back(&row.order, &row.status) {
        left_out.count("returned, refunded or failed");
        return None;
    }
    if row.date.is_empty() {
        left_out.count("no date");
        return None;
    }
    let Some(at) = dates::parse(&row.date, written.dates) else {
        left_out.unreadable("not a date", row.line, &row.date);
        return None;
    };
    let mut numbers = [None; 3];
    for (place, (number, cell)) in numbers.iter_mut().zip(&row.amounts).enumerate() {
        let Some(cell) = cell.as_deref().filter(|cell| !cell.is_empty()) else { continue };
        let Some(read) = amounts::parse(cell, written.decimal) else {
            left_out.unreadable("not a number", row.line, cell);
            return None;
        };
        // An order may be free; nobody buys none of a thing, or a thing without a price.
        if read < 0.0 || (read == 0.0 && place > 0) {
            left_out.count("taken back, or none of it");
            return None;
        }
        *number = Some(read);
    }
    let amount = match (numbers, &row.amounts) {
        ([Some(amount), ..], _) => Some(amount),
        ([None, Some(quantity), Some(price)], [None, ..]) => Some(quantity * price),
        ([None, None, Some(price)], [None, None, _]) => Some(price),
        _ => None,
    };
    if wanted.amount && amount.is_none() {
        left_out.count("no amount");
        return None;
    }
    Some((at, amount))
}

/// An invoice `C536379` takes another back; so do the words of the programs of shops.
pub fn is_taken_back(order: &str, status: &str) -> bool {
    let cancels = order
        .strip_prefix(['C', 'c'])
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|c| c.is_ascii_digit()));
    const WORDS: [&str; 10] = [
        "refunded",
        "voided",
        "failed",
        "cancelled",
        "canceled",
        "declined",
        "disputed",
        "true",
        "yes",
        "1",
    ];
    cancels || WORDS.iter().any(|word| status.eq_ignore_ascii_case(word))
}
