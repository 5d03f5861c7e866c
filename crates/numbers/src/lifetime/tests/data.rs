//! The reference data, read.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::lifetime::{Customer, History, Purchase, histories};
use crate::test_data::{cells, day, minor, text};

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
