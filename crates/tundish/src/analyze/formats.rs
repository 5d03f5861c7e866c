//! How the cells of one file are written: which part of a date is the month, and which mark stands
//! before the fraction.
//!
//! The first rows tell, as a rule. Where they hold cells that can be read in two ways and none that
//! decides, more are looked at: all of a file, or as many of a stream as may be held.

use super::amounts::{Decimal, Marks};
use super::dates::{Order, Parts};
use super::left_out::shown;
use super::source::{Row, Source};
use crate::cli::TableFile;
use crate::output::usage;

/// Rows looked at in every file.
pub const LOOKED_AT: usize = 1_000;
/// Rows of a stream that are held at most until one decides: a few hundred octets each.
const HELD_MAX: usize = 200_000;

/// What the person said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Said {
    /// Which part of a date is the month.
    pub dates: Option<Order>,
    /// Which mark stands before the fraction.
    pub decimal: Option<Decimal>,
}

/// What the flags beside a file say.
///
/// # Errors
/// As [`Said::of`].
pub fn said(table: &TableFile) -> anyhow::Result<Said> {
    Said::of(table.dates.as_deref(), table.decimal.as_deref())
}

impl Said {
    /// As the flags have it.
    ///
    /// # Errors
    /// A flag holds another word.
    pub fn of(dates: Option<&str>, decimal: Option<&str>) -> anyhow::Result<Self> {
        let order = |word: &str| {
            let order = Order::parse(&word.to_lowercase());
            order.ok_or_else(|| usage(format!("--dates {word:?}: say dmy or mdy")))
        };
        let mark = |word: &str| {
            let mark = Decimal::parse(&word.to_lowercase());
            mark.ok_or_else(|| usage(format!("--decimal {word:?}: say point or comma")))
        };
        Ok(Self { dates: dates.map(order).transpose()?, decimal: decimal.map(mark).transpose()? })
    }
}

/// How the cells are written.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// Which part of a date is the month.
    pub dates: Order,
    /// Which mark stands before the fraction.
    pub decimal: Decimal,
    /// What nothing in the file decides: a sentence each.
    pub notes: Vec<String>,
}

/// Which columns are looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Looked<'a> {
    /// That of the dates.
    pub date: Option<usize>,
    /// Those with figures.
    pub figures: &'a [Option<usize>],
}

impl Looked<'_> {
    /// Looks at the rows of `source` to come; none of them is taken.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn at(&self, source: &mut Source, said: Said) -> anyhow::Result<Written> {
        let mut seen =
            Seen { looked: *self, said, parts: Parts::default(), marks: Marks::default() };
        source.hold(LOOKED_AT)?;
        source.held().for_each(|row| seen.see(row));
        if seen.is_open() {
            match source.again()? {
                Some(mut again) => {
                    while seen.is_open() {
                        let Some(row) = again.next_row()? else { break };
                        seen.see(row);
                    }
                }
                None => {
                    source.hold(HELD_MAX)?;
                    source.held().skip(LOOKED_AT).for_each(|row| seen.see(row));
                }
            }
        }
        Ok(seen.settled(source.separator()))
    }
}

struct Seen<'a> {
    looked: Looked<'a>,
    said: Said,
    parts: Parts,
    marks: Marks,
}

impl Seen<'_> {
    fn see(&mut self, row: Row<'_>) {
        if let Some(date) = self.looked.date.filter(|_| self.said.dates.is_none()) {
            self.parts.see(&row.cell(date));
        }
        if self.said.decimal.is_some() {
            return;
        }
        for (column, at) in self.looked.figures.iter().enumerate() {
            let Some(at) = at else { continue };
            self.marks.see(column, &row.cell(*at));
        }
    }

    fn is_open(&self) -> bool {
        self.parts.is_open() || self.marks.is_open()
    }

    fn settled(&self, separator: char) -> Written {
        let Figures { decimal, mut notes } = decimal(&self.marks, self.said, separator);
        let usual = if decimal == Decimal::Comma { Order::DayFirst } else { Order::Usual };
        let parts = self.parts.settle(usual);
        if let Some(cell) = parts.doubt {
            notes.push(format!(
                "dates such as {} were read as {}: nothing in the file tells; if they are not, say \
                 --dates {}",
                shown(&cell),
                parts.order.told(),
                if parts.order == Order::DayFirst { "mdy" } else { "dmy" },
            ));
        }
        Written { dates: self.said.dates.unwrap_or(parts.order), decimal, notes }
    }
}

/// How figures are written.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Which mark stands before the fraction.
    pub decimal: Decimal,
    /// What nothing in the file decides.
    pub notes: Vec<String>,
}

/// What cells that were seen tell of figures. Where nothing decides, a file with semicolons is of a
/// country that writes `1,50`: that is why its cells are not apart at commas.
pub fn decimal(marks: &Marks, said: Said, separator: char) -> Figures {
    let usual = if separator == ';' { Decimal::Comma } else { Decimal::Point };
    let settled = marks.settle(usual);
    if let Some(decimal) = said.decimal {
        return Figures { decimal, notes: Vec::new() };
    }
    let (mark, other) = match settled.decimal {
        Decimal::Point => ("point", "comma"),
        Decimal::Comma => ("comma", "point"),
    };
    let note = |cell: String| {
        format!(
            "figures such as {} were read with the {mark} before the fraction: nothing in the file \
             tells; if it is the {other}, say --decimal {other}",
            shown(&cell)
        )
    };
    Figures { decimal: settled.decimal, notes: settled.doubt.map(note).into_iter().collect() }
}
