//! Sales out of a file, one by one, by the clean rule: who bought is known, nothing was taken back
//! or came to nothing, and every row that was left out is counted with its reason.

mod totals;

use std::borrow::Cow;

use self::totals::Totals;
use super::amounts::{self, Decimal};
use super::answers;
use super::columns::{Columns, Role};
use super::dates::{self, Order, Ways};
use super::formats::{LOOKED_AT, Looked, Said, Written};
use super::left_out::LeftOut;
use super::people;
use super::source::{Row, Source};
use super::states::{State, States, TAKEN_BACK};
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
    /// How the cells are written, as the person said.
    pub said: Said,
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
    let places = Places::of(source, columns, wanted)?;
    let looked = Looked { date: Some(places.date), figures: &places.figures };
    let written = looked.at(source, wanted.said)?;
    let first = source.held().take(LOOKED_AT);
    let totals = Totals::of(columns, &places, written.decimal, first);
    let mut reading = Reading::of(wanted, written, totals);
    if let Some(status) = places.status {
        reading.states = States::of(&columns.named(status));
    }
    if !places.has_money() {
        reading.left_out.notes.push(format!(
            "no column of money found: nothing is said of it; if there is one, say which with \
             --map amount=NAME (there are {})",
            columns.all()
        ));
    }
    let mut sales = 0_u64;
    while let Some(row) = source.next_row()? {
        let row = Cells::of(&places, row);
        if let Some((day, amount)) = reading.sale(&row) {
            sales += 1;
            each(Sale { customer: &row.customer, day, amount, order: &row.order });
        }
    }
    if let Some(why) = reading.ways.doubt() {
        return Err(refused(format!("{}: {why}", source.name())));
    }
    let left_out = reading.left_out;
    if sales == 0 {
        let why = left_out.counted();
        let name = source.name();
        return Err(refused(match why.is_empty() {
            true => format!("{name}: there is no row below the names of the columns"),
            false => format!("{name}: no row is a sale; {}", why.join("; ")),
        }));
    }
    Ok(left_out)
}

impl Places {
    fn of(source: &mut Source, columns: &mut Columns, wanted: Wanted) -> anyhow::Result<Self> {
        let customer = people::column(source, columns, Role::Customer)?;
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

    fn has_money(&self) -> bool {
        matches!(self.figures, [Some(_), ..] | [_, _, Some(_), _])
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
        let order = maybe(places.order);
        Self {
            line: row.line,
            customer: people::person(row.cell(places.customer)),
            date: row.cell(places.date),
            figures: places.figures.map(|at| at.map(|at| row.cell(at))),
            // Rows without an order are no lines of one.
            order: if answers::is_missing(&order) { Cow::Borrowed("") } else { order },
            status: maybe(places.status),
            currency: maybe(places.currency),
        }
    }
}

/// How the cells are written, and what was seen so far.
struct Reading {
    wanted: Wanted,
    dates: Order,
    decimal: Decimal,
    states: States,
    totals: Option<Totals>,
    left_out: LeftOut,
    /// Of the first sale: sums of different currencies would mean nothing.
    currency: String,
    /// Of the row before.
    order: String,
    ways: Ways,
}

impl Reading {
    fn of(wanted: Wanted, written: Written, totals: Option<Totals>) -> Self {
        Self {
            wanted,
            dates: written.dates,
            decimal: written.decimal,
            states: States::default(),
            totals,
            left_out: LeftOut::with(written.notes),
            currency: String::new(),
            order: String::new(),
            ways: Ways::default(),
        }
    }

    /// On which day and for how much, or why not.
    fn sale(&mut self, row: &Cells<'_>) -> Option<(i64, Option<f64>)> {
        if self.goes_on(row) {
            return None;
        }
        if row.customer.is_empty() {
            self.left_out.count("nobody is named");
            return None;
        }
        let state = match is_cancellation(&row.order) {
            true => State::TakenBack,
            false => self.states.read(&row.status),
        };
        if state.leaves_out(&mut self.left_out) {
            return None;
        }
        let day = self.day(row)?;
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
        if self.totals.as_mut().is_some_and(|totals| totals.is_counted(row)) {
            self.left_out.count("further lines of an order whose total stands on each");
            return None;
        }
        Some((day, amount))
    }

    /// The day that is written.
    fn day(&mut self, row: &Cells<'_>) -> Option<i64> {
        let day = dates::civil_day(&row.date, self.dates);
        if day.is_some() {
            self.ways.read();
        } else if answers::is_missing(&row.date) {
            self.left_out.count("no date");
        } else {
            self.ways.not_read(&row.date);
            self.left_out.unreadable("not a date", row.line, &row.date);
        }
        day
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
        same && matches!(&row.figures, [Some(amount), ..] if answers::is_missing(amount))
    }

    /// What was paid, nothing where no column says; no answer where the row is no sale.
    fn amount(&mut self, row: &Cells<'_>) -> Option<Option<f64>> {
        let mut numbers = [None; 4];
        for (number, cell) in numbers.iter_mut().zip(&row.figures) {
            let Some(cell) = cell.as_deref().filter(|cell| !cell.is_empty()) else { continue };
            *number = amounts::parse(cell, self.decimal);
            if number.is_none() && !answers::is_missing(cell) {
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

/// Whether it is the number of an invoice that takes another back: `C536379`.
pub fn is_cancellation(order: &str) -> bool {
    let digits = order.strip_prefix(['C', 'c']).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit())
}
