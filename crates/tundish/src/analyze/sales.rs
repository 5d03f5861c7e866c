//! Sales out of a file, one by one, by the clean rule: who bought is known, nothing was taken back
//! or came to nothing, and every row that was left out is counted with its reason.

mod kinds;
mod reading;
mod refunds;
mod totals;

use std::borrow::Cow;

use self::reading::Reading;
use self::refunds::Refunds;
pub use self::refunds::cancelled;
use self::totals::Totals;
use super::answers;
use super::columns::{Columns, Role};
use super::formats::{LOOKED_AT, Looked, Said, Written};
use super::left_out::LeftOut;
use super::people;
use super::source::{Row, Source};
use super::states::States;
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

/// Who takes the sales of a file.
pub trait Sink {
    /// The next sale.
    fn take(&mut self, sale: &Sale<'_>);
    /// All that was taken is forgotten: the file is read once more.
    fn clear(&mut self);
}

/// What must be there besides customer and date.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// Rows without an amount are left out.
    pub amount: bool,
    /// How the cells are written, as the person said.
    pub said: Said,
}

/// Gives every sale of `source` to `sink`. A file with refunds that name their order is read twice:
/// they may stand on either side of it.
///
/// # Errors
/// A column is missing, the file cannot be read, or no row of it is a sale.
pub fn read(
    source: &mut Source,
    columns: &mut Columns,
    wanted: Wanted,
    sink: &mut dyn Sink,
) -> anyhow::Result<LeftOut> {
    let way = Way::of(source, columns, wanted)?;
    let mut pass = way.pass(source, Refunds::default(), sink)?;
    if pass.refunds.is_open()
        && let Some(mut again) = source.again()?
    {
        way.look(source, &mut pass.refunds)?;
        sink.clear();
        pass = way.pass(&mut again, pass.refunds.known(), sink)?;
    }
    let Pass { mut left_out, mut refunds, sales } = pass;
    refunds.settle(&mut left_out);
    if sales > 0 {
        return Ok(left_out);
    }
    let why = left_out.counted();
    let name = source.name();
    Err(refused(match why.is_empty() {
        true => format!("{name}: there is no row below the names of the columns"),
        false => format!("{name}: no row is a sale; {}", why.join("; ")),
    }))
}

/// What came of reading a file to its end.
struct Pass {
    left_out: LeftOut,
    refunds: Refunds,
    sales: u64,
}

/// How a file is read.
struct Way {
    wanted: Wanted,
    places: Places,
    written: Written,
    totals: Option<Totals>,
    states: States,
}

impl Way {
    fn of(source: &mut Source, columns: &mut Columns, wanted: Wanted) -> anyhow::Result<Self> {
        let places = Places::of(source, columns, wanted)?;
        let looked = Looked { date: Some(places.date), figures: &places.figures };
        let mut written = looked.at(source, wanted.said)?;
        let first = source.held().take(LOOKED_AT);
        let totals = Totals::of(columns, &places, written.decimal, first);
        let states = States::of(source, columns, written.decimal);
        if !places.has_money() {
            written.notes.push(format!(
                "no column of money found: nothing is said of it; if there is one, say which with \
                 --map amount=NAME (there are {})",
                columns.all()
            ));
        }
        Ok(Self { wanted, places, written, totals, states })
    }

    /// Looks through the file for orders that others take back by their number.
    fn look(&self, source: &Source, refunds: &mut Refunds) -> anyhow::Result<()> {
        let Some(order) = self.places.order.filter(|_| refunds.has_cancellations()) else {
            return Ok(());
        };
        let Some(mut source) = source.again()? else { return Ok(()) };
        while let Some(row) = source.next_row()? {
            refunds.look(&row.cell(order));
        }
        Ok(())
    }

    /// Reads the file to its end.
    fn pass(
        &self,
        source: &mut Source,
        refunds: Refunds,
        sink: &mut dyn Sink,
    ) -> anyhow::Result<Pass> {
        let mut reading = Reading::of(self, refunds);
        let mut sales = 0_u64;
        while let Some(row) = source.next_row()? {
            let row = Cells::of(&self.places, row);
            if let Some((day, amount)) = reading.sale(&row) {
                sales += 1;
                sink.take(&Sale { customer: &row.customer, day, amount, order: &row.order });
            }
        }
        let (mut left_out, refunds) = reading.settled(source.name())?;
        source.settle(&mut left_out)?;
        Ok(Pass { left_out, refunds, sales })
    }
}

/// Where a sale's figures stand.
struct Places {
    customer: usize,
    date: usize,
    /// Amount, quantity, price, what was given back: as far as there are columns.
    figures: [Option<usize>; 4],
    order: Option<usize>,
    reference: Option<usize>,
    kind: Option<usize>,
    currency: Option<usize>,
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
        let amount = match wanted.amount && price.is_none() && amount.is_none() {
            true => Some(columns.need(Role::Amount)?),
            false => amount,
        };
        let has_money = amount.is_some() || price.is_some();
        let mut beside_money = |role| has_money.then(|| columns.find(role)).flatten();
        let refunded = beside_money(Role::Refunded);
        let currency = beside_money(Role::Currency);
        let order = columns.find(Role::Order);
        let (reference, kind) = (columns.find(Role::Reference), columns.find(Role::Kind));
        let figures = [amount, quantity, price, refunded];
        Ok(Self { customer, date, figures, order, reference, kind, currency })
    }

    fn has_money(&self) -> bool {
        matches!(self.figures, [Some(_), ..] | [_, _, Some(_), _])
    }
}

/// The cells of a row that are looked at.
struct Cells<'a> {
    row: Row<'a>,
    customer: Cow<'a, str>,
    date: Cow<'a, str>,
    figures: [Option<Cow<'a, str>>; 4],
    order: Cow<'a, str>,
    reference: Cow<'a, str>,
    kind: Cow<'a, str>,
    currency: Cow<'a, str>,
}

impl<'a> Cells<'a> {
    fn of(places: &Places, row: Row<'a>) -> Self {
        let maybe = |at: Option<usize>| at.map_or(Cow::Borrowed(""), |at| row.cell(at));
        // Rows without an order are no lines of one.
        let known = |at: Option<usize>| match at.map(|at| row.cell(at)) {
            Some(cell) if !answers::is_missing(&cell) => cell,
            _ => Cow::Borrowed(""),
        };
        Self {
            row,
            customer: people::person(row.cell(places.customer)),
            date: row.cell(places.date),
            figures: places.figures.map(|at| at.map(|at| row.cell(at))),
            order: known(places.order),
            reference: known(places.reference),
            kind: maybe(places.kind),
            currency: maybe(places.currency),
        }
    }
}

#[cfg(test)]
mod tests;
