//! The sales of a file by who bought, kept small: names once, figures in whole numbers.

use std::collections::HashMap;

use numbers::lifetime::Purchase;
use numbers::real::nearest;

use super::columns::Columns;
use super::dates::{self, Order};
use super::left_out::LeftOut;
use super::names::Names;
use super::sales::{self, Sale, Sink, Wanted};
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
        Self::filled(table, wanted, None)
    }

    /// Reads a file of sales, a purchase an order: rows of one customer with the same order are
    /// one, on the day of the first of them. Without a column of orders each row is one.
    ///
    /// # Errors
    /// As [`sales::read`].
    pub fn read_orders(table: &TableFile, wanted: Wanted) -> anyhow::Result<Self> {
        Self::filled(table, wanted, Some(Orders::default()))
    }

    fn filled(table: &TableFile, wanted: Wanted, orders: Option<Orders>) -> anyhow::Result<Self> {
        let mut source = Source::open(&table.file)?;
        let mut columns = Columns::mapped(source.headers(), &table.map)?;
        let mut filling = Filling { orders, ..Filling::default() };
        let left_out = sales::read(&mut source, &mut columns, wanted, &mut filling)?;
        let Filling { names, bought, has_amounts, .. } = filling;
        let names = names.into_list();
        Ok(Self { names, bought, has_amounts, left_out, told: columns.told() })
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

/// Purchases while they are read.
#[derive(Default)]
struct Filling {
    names: Names,
    bought: Vec<Purchase<u32>>,
    has_amounts: bool,
    /// Where rows of one order are one purchase.
    orders: Option<Orders>,
}

/// The place of the purchase that is of a customer and an order.
#[derive(Default)]
struct Orders {
    names: Names,
    places: HashMap<(u32, u32), usize>,
}

impl Sink for Filling {
    fn take(&mut self, sale: &Sale<'_>) {
        self.has_amounts |= sale.amount.is_some();
        let amount = sale.amount.and_then(parts).unwrap_or(0);
        let purchase =
            Purchase { customer: self.names.place(sale.customer), day: sale.day, amount };
        let next = self.bought.len();
        let place = match &mut self.orders {
            Some(orders) if !sale.order.is_empty() => {
                let key = (purchase.customer, orders.names.place(sale.order));
                *orders.places.entry(key).or_insert(next)
            }
            _ => next,
        };
        match self.bought.get_mut(place) {
            Some(first) => {
                first.day = first.day.min(purchase.day);
                first.amount = first.amount.saturating_add(purchase.amount);
            }
            None => self.bought.push(purchase),
        }
    }

    fn clear(&mut self) {
        let orders = self.orders.is_some().then(Orders::default);
        *self = Self { orders, ..Self::default() };
    }
}

/// An amount in [`PARTS`], to the nearest; nothing where it does not fit.
pub fn parts(amount: f64) -> Option<i64> {
    nearest(amount * f64::from(PARTS))
}
