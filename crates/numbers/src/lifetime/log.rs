//! From a list of purchases to what the models know of each customer.

use std::collections::BTreeMap;

use super::Customer;
use crate::real::{real, real_signed};

const DAYS_A_WEEK: f64 = 7.0;

/// One purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase<K> {
    /// Whose.
    pub customer: K,
    /// On which day, counted from any day.
    pub day: i64,
    /// What was paid, in minor units.
    pub amount: i64,
}

/// A customer's purchases, summed up.
#[derive(Debug, Clone, PartialEq)]
pub struct History<K> {
    /// Whose.
    pub customer: K,
    /// What the models know; spend in whole units of the currency.
    pub known: Customer,
    /// The day of the first purchase.
    pub first_day: i64,
    /// All that was paid so far, the first purchase with it, in minor units: the lifetime value
    /// that was observed.
    pub paid: i64,
}

/// The customers of `purchases`, in any order, as known at the end of day `until`; by key. Later
/// purchases are left out, and customers who have none but such. `minor_per_unit` is 100 for
/// dollars and 1 for yen: the Gamma-Gamma model's γ and likelihood are in whole units.
pub fn histories<K: Ord + Clone>(
    purchases: &[Purchase<K>],
    until: i64,
    minor_per_unit: u32,
) -> Vec<History<K>> {
    let mut known: Vec<&Purchase<K>> = purchases.iter().filter(|p| p.day <= until).collect();
    known.sort_by(|a, b| (&a.customer, a.day).cmp(&(&b.customer, b.day)));
    known
        .chunk_by(|a, b| a.customer == b.customer)
        .filter_map(|own| history(own, until, minor_per_unit))
        .collect()
}

/// Of one customer's purchases, by day.
fn history<K: Clone>(own: &[&Purchase<K>], until: i64, minor_per_unit: u32) -> Option<History<K>> {
    let (first, last) = (own.first()?, own.last()?);
    let sum = |some: &mut dyn Iterator<Item = &&Purchase<K>>| {
        some.fold(0_i64, |sum, purchase| sum.saturating_add(purchase.amount))
    };
    let days = own.chunk_by(|a, b| a.day == b.day).count();
    let repeats = u32::try_from(days.saturating_sub(1)).ok()?;
    let again = sum(&mut own.iter().filter(|purchase| purchase.day > first.day));
    let spend = (repeats > 0)
        .then(|| real_signed(again) / f64::from(repeats) / f64::from(minor_per_unit.max(1)));
    Some(History {
        customer: first.customer.clone(),
        known: Customer {
            repeats,
            last: weeks(first.day, last.day),
            age: weeks(first.day, until),
            spend,
        },
        first_day: first.day,
        paid: sum(&mut own.iter()),
    })
}

fn weeks(from: i64, to: i64) -> f64 {
    real(to.abs_diff(from)) / DAYS_A_WEEK
}

/// How many days with a purchase each customer had after day `after`, up to and with day `until`:
/// what a forecast made at the end of `after` is held against. Who had none is not in it.
pub fn later<K: Ord + Clone>(
    purchases: &[Purchase<K>],
    after: i64,
    until: i64,
) -> BTreeMap<K, u32> {
    let mut days: Vec<(&K, i64)> = purchases
        .iter()
        .filter(|purchase| purchase.day > after && purchase.day <= until)
        .map(|purchase| (&purchase.customer, purchase.day))
        .collect();
    days.sort_unstable();
    days.dedup();
    let mut counts = BTreeMap::new();
    for (customer, _) in days {
        *counts.entry(customer.clone()).or_insert(0) += 1;
    }
    counts
}
