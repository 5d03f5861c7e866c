//! The sales of a file by who bought, kept small: names once, figures in whole numbers.

use std::collections::HashMap;

use numbers::lifetime::Purchase;
use numbers::real::nearest;

use super::columns::Columns;
use super::dates::{self, Order};
use super::left_out::LeftOut;
use super::names::Names;
use super::sales::{self, Sale, Wanted};
use super::source::Source;
use crate::cli::TableFile;
use crate::output::usage;

/// Parts of one unit of money: prices have up to four digits behind the point.
pub const PARTS: u32 = 10_000;

/// Everybody who bought.
#[derive(Debug, Default)]
pub struct Buyers {
    /// As the file names them; a purchase has the place.
    pub names: Vec<String>,
    /// In the order of the file; days since 1970-01-01, amounts in [`PARTS`].
    pub bought: Vec<Purchase<u32>>,
    /// Whether any row says what was paid.
    pub has_amounts: bool,
    /// What was left out.
    pub left_out: LeftOut,
    /// Which column was taken for what.
    pub told: String,
}

impl Buyers {
    /// Reads a file of sales, a purchase a row.
    ///
    /// # Errors
    /// As [`sales::read`].
    pub fn read(table: &TableFile, wanted: Wanted) -> anyhow::Result<Self> {
        let mut buyers = Self::default();
        buyers.fill(table, wanted, |bought, purchase, _| bought.push(purchase))?;
        Ok(buyers)
    }

    /// Reads a file of sales, a purchase an order: rows of one customer with the same order are
    /// one, on the day of the first of them. Without a column of orders each row is one.
    ///
    /// # Errors
    /// As [`sales::read`].
    pub fn read_orders(table: &TableFile, wanted: Wanted) -> anyhow::Result<Self> {
        let mut buyers = Self::default();
        let mut orders = Names::default();
        let mut places: HashMap<(u32, u32), usize> = HashMap::new();
        buyers.fill(table, wanted, |bought, purchase, sale| {
            if sale.order.is_empty() {
                bought.push(purchase);
                return;
            }
            let key = (purchase.customer, orders.place(sale.order));
            let place = *places.entry(key).or_insert(bought.len());
            match bought.get_mut(place) {
                Some(first) => {
                    first.day = first.day.min(purchase.day);
                    first.amount = first.amount.saturating_add(purchase.amount);
                }
                None => bought.push(purchase),
            }
        })?;
        Ok(buyers)
    }

    fn fill(
        &mut self,
        table: &TableFile,
        wanted: Wanted,
        mut put: impl FnMut(&mut Vec<Purchase<u32>>, Purchase<u32>, &Sale<'_>),
    ) -> anyhow::Result<()> {
        let mut source = Source::open(&table.file)?;
        let mut columns = Columns::mapped(source.headers(), &table.map)?;
        let mut names = Names::default();
        self.left_out = sales::read(&mut source, &mut columns, wanted, &mut |sale| {
            self.has_amounts |= sale.amount.is_some();
            let amount = sale.amount.and_then(parts).unwrap_or(0);
            let purchase = Purchase { customer: names.place(sale.customer), day: sale.day, amount };
            put(&mut self.bought, purchase, &sale);
        })?;
        (self.names, self.told) = (names.into_list(), columns.told());
        Ok(())
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
            Some(text) => dates::parse(text, Order::Usual)
                .map(dates::day_of)
                .ok_or_else(|| usage(format!("{flag} {text:?}: write a date as 2024-12-31"))),
            None => Ok(self.bought.iter().map(|one| one.day).max().unwrap_or(0)),
        }
    }

    /// What to know of the last day, where no flag names one and one slip of a pen would have made
    /// it: more time lies before it than between all others.
    pub fn doubtful_end(&self, given: Option<&str>, flag: &str) -> Option<String> {
        let mut days: Vec<i64> = self.bought.iter().map(|one| one.day).collect();
        days.sort_unstable();
        days.dedup();
        let [first, .., before, last] = days.as_slice() else { return None };
        let doubtful = given.is_none() && last - before > 366 && last - before > before - first;
        doubtful.then(|| {
            format!(
                "the last sale, on {}, is long after all others: if its date is a slip, say \
                 {flag} {}",
                dates::iso(*last),
                dates::iso(*before),
            )
        })
    }
}

/// An amount in [`PARTS`], to the nearest; nothing where it does not fit.
pub fn parts(amount: f64) -> Option<i64> {
    nearest(amount * f64::from(PARTS))
}
