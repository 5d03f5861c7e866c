//! The reference data, read.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cohorts::Month;
use crate::lifetime::{Customer, History, Purchase, histories};
use crate::test_data::{cells, text};

/// Within `relative` of what is wanted.
pub(super) fn close(got: f64, wanted: f64, relative: f64) {
    let far = (got - wanted).abs();
    assert!(far <= relative * wanted.abs(), "{got} is not {wanted} within {relative}");
}

/// Within `distance` of what is wanted.
pub(super) fn near(got: f64, wanted: f64, distance: f64) {
    assert!((got - wanted).abs() <= distance, "{got} is not {wanted} within {distance}");
}

/// The number at a path such as `computed/apparel/n` of the reference answers.
pub(super) fn number(answers: &Value, path: &str) -> f64 {
    found(answers, path).as_f64().unwrap_or_else(|| panic!("no number at {path}"))
}

/// The numbers at a path.
pub(super) fn numbers(answers: &Value, path: &str) -> Vec<f64> {
    found(answers, path).as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn found<'a>(answers: &'a Value, path: &str) -> &'a Value {
    answers.pointer(&format!("/{path}")).unwrap_or_else(|| panic!("nothing at {path}"))
}

pub(super) fn answers() -> Option<Value> {
    Some(serde_json::from_str(&text("expected/clv.json")?).unwrap())
}

/// Days of a date as `2011-03-31` since some day.
pub(crate) fn day(date: &str) -> i64 {
    let part = |at: usize| date.split('-').nth(at).unwrap().parse::<i64>().unwrap();
    let month = Month::new(i32::try_from(part(0)).unwrap(), u8::try_from(part(1)).unwrap());
    // Years begin in March, so that the leap day is the last.
    let (year, of_year) = ((month.0 - 2).div_euclid(12), (month.0 - 2).rem_euclid(12));
    let (year, of_year) = (i64::from(year), i64::from(of_year));
    year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (of_year * 153 + 2) / 5
        + part(2)
}

#[test]
fn days_are_counted() {
    for (from, to, days) in [
        ("1997-01-01", "1997-09-30", 272),
        ("2004-02-28", "2004-03-01", 2),
        ("1999-12-31", "2000-03-01", 61),
        ("1900-02-28", "1900-03-01", 1),
    ] {
        assert_eq!(day(to) - day(from), days, "{from}");
    }
}

/// Minor units of an amount as `12.3`.
pub(crate) fn minor(amount: &str) -> i64 {
    let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
    let whole: i64 = whole.parse().unwrap();
    whole * 100 + format!("{part:0<2}").parse::<i64>().unwrap()
}

fn log(path: &str, columns: [usize; 3]) -> Option<Vec<Purchase<u32>>> {
    let text = text(path)?;
    let read = |line: &str| {
        let row = cells(line);
        let [customer, date, amount] = columns.map(|at| row[at].clone());
        Purchase { customer: customer.parse().unwrap(), day: day(&date), amount: minor(&amount) }
    };
    Some(text.lines().skip(1).map(read).collect())
}

/// A log, the end of its calibration, and the end of what is held back.
pub(super) struct Sample {
    pub purchases: Vec<Purchase<u32>>,
    pub until: i64,
    pub end: i64,
}

impl Sample {
    pub fn known(&self) -> Vec<History<u32>> {
        histories(&self.purchases, self.until, 100)
    }

    pub fn customers(&self) -> Vec<Customer> {
        self.known().iter().map(|history| history.known).collect()
    }

    pub fn weeks_held_back(&self) -> f64 {
        f64::from(i32::try_from(self.end - self.until).unwrap()) / 7.0
    }
}

pub(super) fn cdnow() -> Option<Sample> {
    let purchases = log("clv/cdnow_sample_transactions.csv.gz", [1, 2, 4])?;
    Some(Sample { purchases, until: day("1997-09-30"), end: day("1998-06-30") })
}

pub(super) fn apparel() -> Option<Sample> {
    let purchases = log("clv/apparel_transactions.csv.gz", [0, 1, 2])?;
    let first = purchases.iter().map(|purchase| purchase.day).min().unwrap();
    let end = purchases.iter().map(|purchase| purchase.day).max().unwrap();
    Some(Sample { purchases, until: first + 104 * 7, end })
}

/// Rows of a reference table by the customer in its first column.
pub(super) fn table(path: &str) -> Option<BTreeMap<u32, BTreeMap<String, f64>>> {
    let text = text(path)?;
    let mut lines = text.lines();
    let names = cells(lines.next().unwrap());
    let read = |line: &str| {
        let row = cells(line);
        let values = names.iter().cloned().zip(row.iter().map(|cell| cell.parse().unwrap()));
        (row[0].parse().unwrap(), values.collect())
    };
    Some(lines.map(read).collect())
}
