//! One row after another: which are sales, and why the others are none.

use super::kinds::{self, Kind};
use super::refunds::{NONE_OF_IT, Refund, Refunds, Sold, UNDONE, cancelled};
use super::totals::Totals;
use super::{Cells, Wanted, Way};
use crate::analyze::amounts::{self, Decimal};
use crate::analyze::answers;
use crate::analyze::buyers::PARTS;
use crate::analyze::currencies::{self, Currencies};
use crate::analyze::dates::{self, Order, Ways};
use crate::analyze::left_out::LeftOut;
use crate::analyze::states::{Standing, State, States, TAKEN_BACK};
use crate::analyze::words::some;
use crate::output::refused;

const NOBODY: &str = "nobody is named";
const IN_VAIN: &str = "a refund that failed, was called off or is not decided";
/// Of a part: what a fraction may lie beside the digits that are kept, for the error of sums of
/// fractions.
const KEPT_WITHIN: f64 = 1e-3;

/// What a row does besides selling.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Back {
    /// It gives so much back.
    Given(f64),
    /// It undoes so much of what was given back.
    Undone(f64),
}

/// How the cells are written, and what was seen so far.
pub(super) struct Reading {
    wanted: Wanted,
    dates: Order,
    decimal: Decimal,
    states: States,
    totals: Option<Totals>,
    left_out: LeftOut,
    currencies: Currencies,
    refunds: Refunds,
    /// Order and customer of the row before.
    before: (String, String),
    /// Lines of an order whose sum stands on its first.
    further: u64,
    /// Amounts with more digits than are kept.
    cut: u64,
    ways: Ways,
}

impl Reading {
    pub(super) fn of(way: &Way, refunds: Refunds) -> Self {
        Self {
            wanted: way.wanted,
            dates: way.written.dates,
            decimal: way.written.decimal,
            states: way.states.clone(),
            totals: way.totals.clone(),
            left_out: LeftOut::with(way.written.notes.clone()),
            currencies: Currencies::default(),
            refunds,
            before: Default::default(),
            further: 0,
            cut: 0,
            ways: Ways::default(),
        }
    }

    /// What was left out and given back, and what is to be known of the reading.
    ///
    /// # Errors
    /// The dates cannot be trusted.
    pub(super) fn settled(mut self, name: &str) -> anyhow::Result<(LeftOut, Refunds)> {
        if let Some(why) = self.ways.doubt() {
            return Err(refused(format!("{name}: {why}")));
        }
        let notes = &mut self.left_out.notes;
        if self.further > 0 {
            let (are, lines) = match self.further {
                1 => ("is", "a further line"),
                _ => ("are", "further lines"),
            };
            let rows = some(self.further, "row");
            notes.push(format!(
                "{rows} without an amount {are} {lines} of the order above, whose first line has the \
                 sum"
            ));
        }
        notes.extend(self.currencies.note());
        notes.extend(self.states.note());
        if self.cut > 0 {
            let more = if self.cut == 1 { "has" } else { "have" };
            notes.push(format!(
                "{} {more} more than four digits behind the point, which are not kept: give amounts \
                 in a smaller unit",
                some(self.cut, "amount"),
            ));
        }
        Ok((self.left_out, self.refunds))
    }

    /// On which day and for how much, or why not.
    pub(super) fn sale(&mut self, row: &Cells<'_>) -> Option<(i64, Option<f64>)> {
        if self.goes_on(row) {
            self.further += 1;
            return None;
        }
        let kind = if row.kind.is_empty() { None } else { kinds::kind(&row.kind) };
        if kind == Some(Kind::Movement) {
            self.left_out.count(kinds::NO_SALE);
            return None;
        }
        let standing = self.states.read(row.row);
        if let Some(back) = self.given_back(row, kind) {
            match self.is_in_vain(row, kind, standing, back) {
                true => self.left_out.count(IN_VAIN),
                false => self.give_back(row, back),
            }
            return None;
        }
        if row.customer.is_empty() {
            self.left_out.count(NOBODY);
            return None;
        }
        let is_back = standing.state == State::TakenBack && !self.is_in_part(row, standing);
        let state = match () {
            () if is_back || self.refunds.is_cancellation(&row.order) => State::TakenBack,
            () if standing.state == State::TakenBack => State::Holds,
            () => standing.state,
        };
        if state.leaves_out(&mut self.left_out) {
            self.refunds.meet(&sold(row));
            return None;
        }
        let day = self.day(row)?;
        let amount = self.amount(row, standing)?;
        // A refund of nothing, or without a sum.
        if kind.is_some() {
            self.left_out.count(NONE_OF_IT);
            return None;
        }
        if self.wanted.amount && amount.is_none() {
            self.left_out.count("no amount");
            return None;
        }
        if amount.is_some() && self.currencies.is_other(&row.currency, said(row)) {
            self.left_out.count(currencies::OTHER);
            return None;
        }
        if self.totals.as_mut().is_some_and(|totals| totals.is_counted(row)) {
            self.left_out.count("further lines of an order whose total stands on each");
            return None;
        }
        let amount = self.less_refunds(row, amount)?;
        self.states.counted(standing);
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
            self.left_out.unreadable("not a date", row.row.line, &row.date);
        }
        day
    }

    /// Whether the row is but a further line of the order before, whose first line has the sum.
    fn goes_on(&mut self, row: &Cells<'_>) -> bool {
        if row.order.is_empty() {
            return false;
        }
        let (order, customer) = &mut self.before;
        let same = *order == *row.order && (row.customer.is_empty() || *customer == *row.customer);
        if !same {
            order.clear();
            order.push_str(&row.order);
            customer.clear();
            customer.push_str(&row.customer);
        }
        same && matches!(&row.figures, [Some(amount), ..] if answers::is_missing(amount))
    }

    /// What a row gives back or undoes, if it does.
    fn given_back(&self, row: &Cells<'_>, kind: Option<Kind>) -> Option<Back> {
        let [amount, quantity, price, _] = &row.figures;
        let number = |cell: &Option<_>| amounts::parse(cell.as_deref()?, self.decimal);
        let is_below = |cell: &Option<_>| {
            // Nearly all figures are digits to both ends, and need no second look.
            let text: &str = cell.as_deref().unwrap_or_default();
            let is_digit = |octet: Option<&u8>| octet.is_none_or(u8::is_ascii_digit);
            let octets = text.as_bytes();
            !(is_digit(octets.first()) && is_digit(octets.last()))
                && number(cell).is_some_and(|number| number < 0.0)
        };
        if kind.is_none() && !is_below(amount) && !is_below(quantity) {
            return None;
        }
        let times = || Some(number(quantity)? * number(price)?);
        let sum = number(amount).or_else(times)?;
        match kind {
            _ if sum == 0.0 => None,
            Some(Kind::Reversal) if sum > 0.0 => Some(Back::Undone(sum)),
            // Programs write refunds with a minus or without.
            _ => Some(Back::Given(sum.abs())),
        }
    }

    /// Whether nothing came of a row that gives back or undoes.
    fn is_in_vain(
        &self,
        row: &Cells<'_>,
        kind: Option<Kind>,
        standing: Standing,
        back: Back,
    ) -> bool {
        let doubts = self.states.doubts(row.row);
        // A mere amount below zero beside `cancelled` is of an order that was, which gave it back;
        // and `chargeback reversed` says of what undoes one that it went through.
        let is_cancelled = doubts.cancelled && kind.is_some();
        let is_undecided = doubts.undecided && matches!(back, Back::Given(_));
        standing.state == State::Unpaid || doubts.failed || is_cancelled || is_undecided
    }

    fn give_back(&mut self, row: &Cells<'_>, back: Back) {
        let (Back::Given(sum) | Back::Undone(sum)) = back;
        let said = currencies::of(&row.currency, said(row));
        // A reference names the sale by itself, whoever the row is of: it goes back from the seller.
        let is_anybody = !row.reference.is_empty();
        let refund = Refund {
            customer: if is_anybody { String::new() } else { row.customer.to_string() },
            sum,
            currency: if said.is_empty() { String::new() } else { amounts::words::unit(said) },
            reason: if row.customer.is_empty() { NOBODY } else { NONE_OF_IT },
        };
        let orders = match is_anybody {
            true => [&*row.reference, ""],
            false => [&*row.order, cancelled(&row.order).unwrap_or("")],
        };
        match back {
            Back::Given(_) => self.refunds.see(refund, &row.order, &orders, &mut self.left_out),
            Back::Undone(_) => {
                self.left_out.count(UNDONE);
                self.refunds.undo(refund, &orders);
            }
        }
    }

    /// Whether it was taken back by a mere yes, and an amount beside that says that it was only a
    /// part.
    fn is_in_part(&self, row: &Cells<'_>, standing: Standing) -> bool {
        let [amount, .., refunded] = &row.figures;
        let number = |cell: &Option<std::borrow::Cow<'_, str>>| {
            amounts::parse(cell.as_deref()?, self.decimal).map(f64::abs)
        };
        let is_part = |(paid, back): (f64, f64)| back > 0.0 && back < paid;
        standing.by_yes && number(amount).zip(number(refunded)).is_some_and(is_part)
    }

    /// What was paid, nothing where no column says; no answer where the row is no sale.
    fn amount(&mut self, row: &Cells<'_>, standing: Standing) -> Option<Option<f64>> {
        let mut numbers = [None; 4];
        for (number, cell) in numbers.iter_mut().zip(&row.figures) {
            let Some(cell) = cell.as_deref().filter(|cell| !cell.is_empty()) else { continue };
            *number = amounts::parse(cell, self.decimal);
            if number.is_none() && !answers::is_missing(cell) {
                self.left_out.unreadable("not a number", row.row.line, cell);
                return None;
            }
        }
        let [amount, quantity, price, refunded] = numbers;
        // An order may be free; nobody buys none of a thing, or a thing without a price.
        let none_of_it = [quantity, price].into_iter().flatten().any(|number| number <= 0.0);
        if none_of_it || amount.is_some_and(|amount| amount < 0.0) {
            self.left_out.count(NONE_OF_IT);
            return None;
        }
        let paid = match (amount, &row.figures) {
            (Some(amount), _) => Some(amount),
            (None, [None, Some(_), Some(_), _]) => quantity.zip(price).map(|(n, each)| n * each),
            _ => None,
        };
        let back = refunded.or(standing.back).unwrap_or(0.0).abs();
        match paid {
            Some(paid) if back > 0.0 && back >= paid => {
                self.left_out.count(TAKEN_BACK);
                self.refunds.meet(&sold(row));
                None
            }
            paid => Some(paid.map(|paid| paid - back)),
        }
    }

    /// What is left of a sale after what other rows give back; no answer where nothing is.
    fn less_refunds(&mut self, row: &Cells<'_>, amount: Option<f64>) -> Option<Option<f64>> {
        let Some(paid) = amount else { return Some(None) };
        let back = self.refunds.take_off(&sold(row), paid);
        if back > 0.0 && back >= paid {
            self.left_out.count(TAKEN_BACK);
            return None;
        }
        let left = paid - back;
        let parts = left * f64::from(PARTS);
        self.cut += u64::from((parts - parts.round()).abs() > KEPT_WITHIN);
        Some(Some(left))
    }
}

/// What of a row says which refunds are its own.
fn sold<'a>(row: &'a Cells<'_>) -> Sold<'a> {
    let (order, customer) = (&*row.order, &*row.customer);
    Sold { order, customer, currency: &row.currency, amount: said(row) }
}

/// The cell of the amount, for the currency that may stand in it.
fn said<'a>(row: &'a Cells<'_>) -> &'a str {
    let [amount, _, price, _] = &row.figures;
    amount.as_deref().filter(|cell| !cell.is_empty()).or(price.as_deref()).unwrap_or_default()
}
