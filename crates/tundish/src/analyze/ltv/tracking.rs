//! Repeat purchases as they came, beside those a model expects: the picture by which the field
//! judges a fit.

use std::collections::{BTreeMap, HashMap};

use numbers::lifetime::{History, Model, Purchase};
use numbers::real::{nearest, real_len, real_signed};
use web::charts::{Lines, Series, Unit};

use crate::analyze::dates;
use crate::analyze::words::count;

/// Points of the lines.
const STEPS: i64 = 60;
/// Days of first purchases that are told apart: more are taken together.
const FIRSTS_MAX: i64 = 400;

/// What is drawn from.
pub struct Tracked<'a> {
    /// All purchases of the file.
    pub bought: &'a [Purchase<u32>],
    /// The customers the model was fitted to.
    pub histories: &'a [History<u32>],
    /// The last day it knows.
    pub until: i64,
    /// How far ahead it is asked.
    pub weeks: f64,
}

/// The lines: all purchases after each customer's first, up to every day.
pub fn lines(tracked: &Tracked<'_>, model: Option<(&str, &impl Model)>) -> Lines {
    let firsts: HashMap<u32, i64> =
        tracked.histories.iter().map(|one| (one.customer, one.first_day)).collect();
    let start = firsts.values().copied().min().unwrap_or(tracked.until);
    let last = tracked.bought.iter().map(|one| one.day).max().unwrap_or(start).max(tracked.until);
    let ahead = nearest(tracked.weeks * 7.0).unwrap_or(0).min((last - start) / 2 + 7);
    let end = if model.is_some() { last.max(tracked.until + ahead) } else { last };
    let step = ((end - start) / STEPS).max(1);
    let days: Vec<i64> = (0..=STEPS).map(|nth| start + nth * step).collect();
    let again = repeats(tracked.bought, &firsts);
    let so_far =
        |day: &i64| (*day <= last).then(|| real_len(again.partition_point(|at| *at <= *day)));
    let came =
        Series { name: "bought again".to_owned(), values: days.iter().map(so_far).collect() };
    let mut series = vec![came];
    let mut about = format!("{} purchases after the first", count_of(again.len()));
    if let Some((name, model)) = model {
        let groups = grouped(firsts.values().copied(), start, end);
        let expected = |day: i64| {
            let one = |(first, n): (&i64, &f64)| {
                if day > *first {
                    n * model.expected_new(real_signed(day - first) / 7.0)
                } else {
                    0.0
                }
            };
            groups.iter().map(one).sum::<f64>()
        };
        let here = nearest(expected(last)).unwrap_or(0);
        about = format!("{about}, where {name} expects {}", count(here.unsigned_abs()));
        series.push(Series::new(format!("{name} expects"), days.iter().map(|day| expected(*day))));
    }
    Lines {
        title: "Purchases after the first, by then".to_owned(),
        about,
        labels: days.iter().map(|day| dates::iso(*day)).collect(),
        series,
        unit: Unit::Count,
    }
}

fn count_of(n: usize) -> String {
    count(u64::try_from(n).unwrap_or(u64::MAX))
}

/// The days of all purchases after the first, ascending: one a customer and day.
fn repeats(bought: &[Purchase<u32>], firsts: &HashMap<u32, i64>) -> Vec<i64> {
    let mut all: Vec<(u32, i64)> = bought
        .iter()
        .filter(|one| firsts.get(&one.customer).is_some_and(|first| one.day > *first))
        .map(|one| (one.customer, one.day))
        .collect();
    all.sort_unstable();
    all.dedup();
    let mut days: Vec<i64> = all.into_iter().map(|(_, day)| day).collect();
    days.sort_unstable();
    days
}

/// How many bought first on each day, or around it.
fn grouped(firsts: impl Iterator<Item = i64>, start: i64, end: i64) -> BTreeMap<i64, f64> {
    let wide = ((end - start) / FIRSTS_MAX).max(1);
    let mut groups: BTreeMap<i64, f64> = BTreeMap::new();
    for first in firsts {
        *groups.entry(start + (first - start) / wide * wide + wide / 2).or_default() += 1.0;
    }
    groups
}
