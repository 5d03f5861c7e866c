//! Cohorts: customers by the month of their first order, and what each month after it brought.
//!
//! Cell k of a cohort counts those of its customers who ordered in the k-th month after the first,
//! and sums what they paid. A month that is not over is not known yet, so the caller says up to
//! which month there are data; cells beyond it do not exist, and are not zero. Weeks, or periods of
//! any length, go the same way.
//!
//! repeat rate = customers with two orders or more / customers.

use std::collections::BTreeMap;

use crate::real::{ratio, real};

/// Months since January of the year 0: `year * 12 + month - 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(pub i32);

impl Month {
    /// The month of a date; `month` from 1 to 12.
    pub fn new(year: i32, month: u8) -> Self {
        Self(year.saturating_mul(12).saturating_add(i32::from(month)).saturating_sub(1))
    }

    /// The month of a day counted from 1970-01-01 (Howard Hinnant, *chrono-compatible low-level date
    /// algorithms*, `civil_from_days`).
    pub fn of_day(days_since_1970: i32) -> Self {
        // Years from March to February of 400: leap days come last.
        let days = i64::from(days_since_1970) + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * year + year / 4 - year / 100);
        // March is 0; years of ours begin ten of these months later.
        let month = (5 * of_year + 2) / 153;
        Self(i32::try_from((era * 400 + year) * 12 + month + 2).unwrap_or(i32::MAX))
    }

    /// The year.
    pub fn year(self) -> i32 {
        self.0.div_euclid(12)
    }

    /// The month, from 1 to 12.
    pub fn month(self) -> i32 {
        self.0.rem_euclid(12) + 1
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.month())
    }
}

/// Weeks since the one of Monday, 29 December 1969.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Week(pub i32);

impl Week {
    /// The week, from Monday on, of a day counted from 1970-01-01, which was a Thursday.
    pub fn of_day(days_since_1970: i32) -> Self {
        Self(days_since_1970.saturating_add(3).div_euclid(7))
    }

    /// Its Monday, counted from 1970-01-01.
    pub fn monday(self) -> i32 {
        self.0.saturating_mul(7).saturating_sub(3)
    }
}

/// One purchase, with its period as a number that grows by one from each to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeriodPurchase {
    /// Whose.
    pub customer: i64,
    /// In which period.
    pub period: i32,
    /// What was paid, in minor units.
    pub revenue: i64,
    /// What was left of it, in minor units.
    pub margin: i64,
}

/// One cohort, by periods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodCohort {
    /// The period of the first orders.
    pub start: i32,
    /// Customers in it.
    pub size: u64,
    /// Customers who ordered in period k; the first is `size`.
    pub active: Vec<u64>,
    /// What they paid in period k.
    pub revenue: Vec<i64>,
    /// What was left of it up to and with period k.
    pub margin_so_far: Vec<i64>,
}

/// The cohorts of `purchases`, in any order, up to and with period `last`, the oldest first: of
/// [`Month`]s, [`Week`]s, quarters or days. Purchases after `last` are left out.
pub fn by_period(purchases: &[PeriodPurchase], last: i32) -> Vec<PeriodCohort> {
    let mut known: Vec<&PeriodPurchase> = purchases.iter().filter(|p| p.period <= last).collect();
    known.sort_unstable_by_key(|purchase| (purchase.customer, purchase.period));
    let mut grid = Grid::default();
    for own in known.chunk_by(|a, b| a.customer == b.customer) {
        grid.add(own.chunk_by(|a, b| a.period == b.period).filter_map(|same| {
            let sum = |of: fn(&PeriodPurchase) -> i64| {
                same.iter().fold(0_i64, |sum, purchase| sum.saturating_add(of(purchase)))
            };
            Some(InPeriod {
                period: same.first()?.period,
                revenue: sum(|purchase| purchase.revenue),
                margin: sum(|purchase| purchase.margin),
            })
        }));
    }
    grid.cohorts(last)
}

/// What one customer bought in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InPeriod {
    /// Which period.
    pub period: i32,
    /// What was paid in it, in minor units.
    pub revenue: i64,
    /// What was left of that, in minor units.
    pub margin: i64,
}

/// Cohorts while they are counted, a customer at a time: whoever has the purchases by customer
/// already need not list them.
#[derive(Debug, Clone, Default)]
pub struct Grid {
    /// By the first period: a cell for each period from it on.
    cells: BTreeMap<i32, Vec<Cell>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    active: u64,
    revenue: i64,
    margin: i64,
}

impl Grid {
    /// One customer: their periods ascending, each once.
    pub fn add(&mut self, periods: impl IntoIterator<Item = InPeriod>) {
        let mut periods = periods.into_iter().peekable();
        let Some(start) = periods.peek().map(|first| first.period) else { return };
        let row = self.cells.entry(start).or_default();
        for one in periods {
            let Ok(k) = usize::try_from(i64::from(one.period) - i64::from(start)) else { continue };
            if row.len() <= k {
                row.resize(k + 1, Cell::default());
            }
            let Some(cell) = row.get_mut(k) else { continue };
            cell.active += 1;
            cell.revenue = cell.revenue.saturating_add(one.revenue);
            cell.margin = cell.margin.saturating_add(one.margin);
        }
    }

    /// The cohorts up to and with period `last`; the oldest first.
    pub fn cohorts(&self, last: i32) -> Vec<PeriodCohort> {
        let known = self.cells.range(..=last);
        known.map(|(start, cells)| cohort(*start, last, cells)).collect()
    }
}

fn cohort(start: i32, last: i32, cells: &[Cell]) -> PeriodCohort {
    let none = std::iter::repeat(Cell::default());
    let row: Vec<Cell> =
        (start..=last).zip(cells.iter().copied().chain(none)).map(|(_, cell)| cell).collect();
    let mut margin = 0_i64;
    PeriodCohort {
        start,
        size: row.first().map_or(0, |cell| cell.active),
        active: row.iter().map(|cell| cell.active).collect(),
        revenue: row.iter().map(|cell| cell.revenue).collect(),
        margin_so_far: row
            .iter()
            .map(|cell| {
                margin = margin.saturating_add(cell.margin);
                margin
            })
            .collect(),
    }
}

/// The share of customers who ordered twice or more, from 0 to 1, of how many orders each placed;
/// who placed none is no customer. Nothing where there are no customers.
pub fn repeat_rate(orders: impl IntoIterator<Item = u64>) -> Option<f64> {
    let mut customers = 0_u64;
    let mut repeated = 0_u64;
    for orders in orders {
        customers += u64::from(orders >= 1);
        repeated += u64::from(orders >= 2);
    }
    ratio(real(repeated), real(customers))
}

#[cfg(test)]
mod tests;
