//! The sales of a file by who bought, kept small: names once, figures in whole numbers.

use std::collections::HashMap;

use super::columns::Columns;
use super::dates::{self, Order};
use super::sales::{self, LeftOut, Wanted};
use super::source::Source;
use crate::cli::TableFile;
use crate::output::usage;

/// Parts of one unit of money: prices have up to four digits behind the point.
pub const PARTS: u32 = 10_000;

/// One sale of somebody.
#[derive(Debug, Clone, Copy)]
pub struct Bought {
    /// Place in [`Buyers::names`].
    pub customer: u32,
    /// Days since 1970-01-01.
    pub day: i64,
    /// In [`PARTS`]; nothing where no column says.
    pub amount: Option<i64>,
}

/// Everybody who bought.
#[derive(Debug, Default)]
pub struct Buyers {
    /// As the file names them.
    pub names: Vec<String>,
    /// In the order of the file.
    pub bought: Vec<Bought>,
    /// What was left out.
    pub left_out: LeftOut,
    /// Which column was taken for what.
    pub told: String,
}

impl Buyers {
    /// Reads a file of sales.
    ///
    /// # Errors
    /// As [`sales::read`].
    pub fn read(table: &TableFile, wanted: Wanted) -> anyhow::Result<Self> {
        let mut source = Source::open(&table.file)?;
        let mut columns = Columns::mapped(source.headers(), &table.map)?;
        let mut buyers = Self::default();
        let mut places: HashMap<String, u32> = HashMap::new();
        let left_out = sales::read(&mut source, &mut columns, wanted, &mut |sale| {
            let customer = match places.get(sale.customer) {
                Some(place) => *place,
                None => {
                    let place = u32::try_from(buyers.names.len()).unwrap_or(u32::MAX);
                    places.insert(sale.customer.to_owned(), place);
                    buyers.names.push(sale.customer.to_owned());
                    place
                }
            };
            let (day, amount) = (dates::day_of(sale.at), sale.amount.and_then(parts));
            buyers.bought.push(Bought { customer, day, amount });
        })?;
        (buyers.left_out, buyers.told) = (left_out, columns.told());
        Ok(buyers)
    }

    /// The name of a customer.
    pub fn name(&self, customer: u32) -> &str {
        let place = usize::try_from(customer).unwrap_or(usize::MAX);
        self.names.get(place).map_or("", String::as_str)
    }

    /// The day a flag names, or the last in the file.
    ///
    /// # Errors
    /// The flag holds no date.
    pub fn last_day(&self, given: Option<&str>, flag: &str) -> anyhow::Result<i64> {
        match given {
            Some(text) => dates::parse(text, Order::MonthFirst)
                .map(dates::day_of)
                .ok_or_else(|| usage(format!("{flag} {text:?}: write a date as 2024-12-31"))),
            None => Ok(self.bought.iter().map(|one| one.day).max().unwrap_or(0)),
        }
    }
}

/// An amount in [`PARTS`], to the nearest; nothing where it does not fit.
pub fn parts(amount: f64) -> Option<i64> {
    let parts = (amount * f64::from(PARTS)).round();
    // Through text there is no cast to reason about; sales are few beside rows read.
    (parts.abs() < 9e17).then(|| format!("{parts:.0}").parse().ok()).flatten()
}
