//! Cohorts: customers by the month of their first order, and what each month after it brought.
//!
//! Cell k of a cohort counts those of its customers who ordered in the k-th month after the first,
//! and sums what they paid. A month that is not over is not known yet, so the caller says up to
//! which month there are data; cells beyond it do not exist, and are not zero.

use std::collections::{BTreeMap, BTreeSet};

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
    let known = || purchases.iter().filter(|purchase| purchase.month <= last);
    let mut first: BTreeMap<i64, Month> = BTreeMap::new();
    for purchase in known() {
        let month = first.entry(purchase.customer).or_insert(purchase.month);
        *month = purchase.month.min(*month);
    }
    let mut active: BTreeMap<(Month, Month), BTreeSet<i64>> = BTreeMap::new();
    let mut sums: BTreeMap<(Month, Month), (i64, i64)> = BTreeMap::new();
    for purchase in known() {
        let Some(start) = first.get(&purchase.customer) else { continue };
        let cell = (*start, purchase.month);
        active.entry(cell).or_default().insert(purchase.customer);
        let (revenue, margin) = sums.entry(cell).or_default();
        *revenue = revenue.saturating_add(purchase.revenue);
        *margin = margin.saturating_add(purchase.margin);
    }
    let starts: BTreeSet<Month> = first.values().copied().collect();
    starts.into_iter().map(|start| cohort(start, last, &active, &sums)).collect()
}

fn cohort(
    start: Month,
    last: Month,
    active: &BTreeMap<(Month, Month), BTreeSet<i64>>,
    sums: &BTreeMap<(Month, Month), (i64, i64)>,
) -> Cohort {
    let months = || (start.0..=last.0).map(|month| (start, Month(month)));
    let count = |cell| {
        active.get(&cell).map_or(0, |customers| u64::try_from(customers.len()).unwrap_or(u64::MAX))
    };
    let sum = |cell| sums.get(&cell).copied().unwrap_or_default();
    let active: Vec<u64> = months().map(count).collect();
    let mut margin = 0_i64;
    Cohort {
        start,
        size: active.first().copied().unwrap_or(0),
        active,
        revenue: months().map(|cell| sum(cell).0).collect(),
        margin_so_far: months()
            .map(|cell| {
                margin = margin.saturating_add(sum(cell).1);
                margin
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::{cells, text};

    fn bought(customer: i64, month: u8, revenue: i64) -> Purchase {
        Purchase { customer, month: Month::new(2026, month), revenue, margin: revenue / 2 }
    }

    #[test]
    fn a_cohort_counts_each_customer_once_a_month_and_ends_where_data_end() {
        let purchases = [
            bought(1, 3, 100), // out of order on purpose
            bought(1, 1, 1_000),
            bought(1, 1, 500),
            bought(2, 1, 2_000),
            bought(3, 2, 700),
            bought(3, 4, 900),
        ];
        let cohorts = monthly(&purchases, Month::new(2026, 3));
        assert_eq!(cohorts.len(), 2);
        assert_eq!((cohorts[0].size, cohorts[0].start.to_string()), (2, "2026-01".to_owned()));
        assert_eq!(cohorts[0].active, [2, 0, 1]);
        assert_eq!(cohorts[0].revenue, [3_500, 0, 100]);
        assert_eq!(cohorts[0].margin_so_far, [1_750, 1_750, 1_800]);
        assert_eq!(cohorts[1].active, [1, 0], "April is not known");
        assert!(monthly(&[], Month::new(2026, 3)).is_empty());
    }

    #[test]
    fn months_count_across_years() {
        let december = Month::new(2025, 12);
        assert_eq!(Month(december.0 + 1), Month::new(2026, 1));
        assert_eq!((december.year(), december.month()), (2025, 12));
    }

    /// `"2.55"` as 2550: in tenths of a penny, since a few prices have three decimals.
    fn tenths(text: &str) -> i64 {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        format!("{whole}{part:0<3}").parse().unwrap()
    }

    #[test]
    fn the_retail_cohorts_are_those_of_the_reference() {
        let Some(rows) = text("retail/online_retail_2010-12_2011-03.csv.gz") else { return };
        let mut purchases = Vec::new();
        for line in rows.lines().skip(1) {
            let row = cells(line);
            let quantity: i64 = row[3].parse().unwrap();
            let cancelled = row[0].starts_with('C');
            if row[6].is_empty()
                || cancelled
                || quantity <= 0
                || row[5].parse::<f64>().unwrap() <= 0.0
            {
                continue;
            }
            let (year, rest) = row[4].split_once('-').unwrap();
            let (month, _) = rest.split_once('-').unwrap();
            let revenue = quantity * tenths(&row[5]);
            purchases.push(Purchase {
                customer: row[6].parse().unwrap(),
                month: Month::new(year.parse().unwrap(), month.parse().unwrap()),
                revenue,
                margin: revenue,
            });
        }
        assert_eq!(purchases.len(), 94_488);
        let cohorts = monthly(&purchases, Month::new(2011, 3));
        let active: Vec<Vec<u64>> = cohorts.iter().map(|cohort| cohort.active.clone()).collect();
        let wanted = [vec![885, 324, 286, 340], vec![417, 92, 111], vec![380, 71], vec![452]];
        assert_eq!(active, wanted);
        let first: Vec<i64> = cohorts[0].revenue.iter().map(|sum| (sum + 5) / 10).collect();
        assert_eq!(first, [57_271_389, 27_623_769, 23_384_537, 30_311_939]);
        assert_eq!(cohorts.iter().map(|cohort| cohort.size).sum::<u64>(), 2_134);
    }
}
