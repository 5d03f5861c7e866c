//! Cohorts: customers by the month of their first order, and what each month after it brought.
//!
//! Cell k of a cohort counts those of its customers who ordered in the k-th month after the first,
//! and sums what they paid. A month that is not over is not known yet, so the caller says up to
//! which month there are data; cells beyond it do not exist, and are not zero. Weeks, or periods of
//! any length, go the same way: [`by_period`].
//!
//! repeat rate = customers with two orders or more / customers.

use std::collections::{BTreeMap, BTreeSet};

use crate::real::{ratio, real};

/// Months since January of the year 0: `year * 12 + month - 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(pub i32);

impl Month {
    /// The month of a date; `month` from 1 to 12.
    pub fn new(year: i32, month: u8) -> Self {
        Self(year.saturating_mul(12).saturating_add(i32::from(month)).saturating_sub(1))
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

/// One purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purchase {
    /// Whose.
    pub customer: i64,
    /// In which month.
    pub month: Month,
    /// What was paid, in minor units.
    pub revenue: i64,
    /// What was left of it, in minor units.
    pub margin: i64,
}

/// One cohort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// The month of the first orders.
    pub start: Month,
    /// Customers in it.
    pub size: u64,
    /// Customers who ordered in month k; the first is `size`.
    pub active: Vec<u64>,
    /// What they paid in month k.
    pub revenue: Vec<i64>,
    /// What was left of it up to and with month k.
    pub margin_so_far: Vec<i64>,
}

/// The cohorts of `purchases`, in any order, up to and with month `last`; the oldest first.
/// Purchases after `last` are left out.
pub fn monthly(purchases: &[Purchase], last: Month) -> Vec<Cohort> {
    let purchases: Vec<PeriodPurchase> = purchases
        .iter()
        .map(|purchase| PeriodPurchase {
            customer: purchase.customer,
            period: purchase.month.0,
            revenue: purchase.revenue,
            margin: purchase.margin,
        })
        .collect();
    by_period(&purchases, last.0)
        .into_iter()
        .map(|cohort| Cohort {
            start: Month(cohort.start),
            size: cohort.size,
            active: cohort.active,
            revenue: cohort.revenue,
            margin_so_far: cohort.margin_so_far,
        })
        .collect()
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

/// As [`monthly`], for periods of any length: [`Week`]s, quarters, days.
pub fn by_period(purchases: &[PeriodPurchase], last: i32) -> Vec<PeriodCohort> {
    let known = || purchases.iter().filter(|purchase| purchase.period <= last);
    let mut first: BTreeMap<i64, i32> = BTreeMap::new();
    for purchase in known() {
        let period = first.entry(purchase.customer).or_insert(purchase.period);
        *period = purchase.period.min(*period);
    }
    let mut active: BTreeMap<(i32, i32), BTreeSet<i64>> = BTreeMap::new();
    let mut sums: BTreeMap<(i32, i32), (i64, i64)> = BTreeMap::new();
    for purchase in known() {
        let Some(start) = first.get(&purchase.customer) else { continue };
        let cell = (*start, purchase.period);
        active.entry(cell).or_default().insert(purchase.customer);
        let (revenue, margin) = sums.entry(cell).or_default();
        *revenue = revenue.saturating_add(purchase.revenue);
        *margin = margin.saturating_add(purchase.margin);
    }
    let starts: BTreeSet<i32> = first.values().copied().collect();
    starts.into_iter().map(|start| cohort(start, last, &active, &sums)).collect()
}

fn cohort(
    start: i32,
    last: i32,
    active: &BTreeMap<(i32, i32), BTreeSet<i64>>,
    sums: &BTreeMap<(i32, i32), (i64, i64)>,
) -> PeriodCohort {
    let periods = || (start..=last).map(|period| (start, period));
    let count = |cell| {
        active.get(&cell).map_or(0, |customers| u64::try_from(customers.len()).unwrap_or(u64::MAX))
    };
    let sum = |cell| sums.get(&cell).copied().unwrap_or_default();
    let active: Vec<u64> = periods().map(count).collect();
    let mut margin = 0_i64;
    PeriodCohort {
        start,
        size: active.first().copied().unwrap_or(0),
        active,
        revenue: periods().map(|cell| sum(cell).0).collect(),
        margin_so_far: periods()
            .map(|cell| {
                margin = margin.saturating_add(sum(cell).1);
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
