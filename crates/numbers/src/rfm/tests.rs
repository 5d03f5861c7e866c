//! What RFM must come to.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::test_data::{cells, day, minor, text};

fn table(path: &str) -> Option<BTreeMap<u32, Vec<f64>>> {
    let text = text(path)?;
    let read = |line: &str| {
        let row = cells(line);
        (row[0].parse().unwrap(), row[1..].iter().map(|cell| cell.parse().unwrap()).collect())
    };
    Some(text.lines().skip(1).map(read).collect())
}

fn close(got: f64, wanted: f64) {
    assert!((got - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{got} is not {wanted}");
}

fn same(rfm: &Rfm<u32>, wanted: &BTreeMap<u32, Vec<f64>>) {
    assert_eq!(rfm.customers.len(), wanted.len());
    for customer in &rfm.customers {
        let figures = [
            customer.recency,
            customer.frequency,
            customer.monetary,
            customer.r.into(),
            customer.f.into(),
            customer.m.into(),
        ];
        for (got, wanted) in figures.iter().zip(&wanted[&customer.customer]) {
            // The table prints six digits.
            assert!((got - wanted).abs() <= 1e-5 * wanted, "{customer:?} is not {wanted}");
        }
    }
}

#[test]
fn the_orders_are_scored_as_published() {
    let Some(rows) = text("retail/rfm_orders.csv.gz") else { return };
    let Some(wanted) = table("expected/rfm_orders_scores.csv.gz") else { return };
    let Some(answers) = text("expected/rfm_orders.json") else { return };
    let answers: Value = serde_json::from_str(&answers).unwrap();
    let read = |line: &str| {
        let row = cells(line);
        let amount = minor(&row[2]);
        Purchase { customer: row[0].parse().unwrap(), day: day(&row[1]), amount }
    };
    let orders: Vec<Purchase<u32>> = rows.lines().skip(1).map(read).collect();
    assert_eq!(orders.len(), 4_906);
    let rfm = score(&orders, day("2006-12-31"), 100, Ties::Below).unwrap();
    let sets = [("recency", rfm.recency), ("tx", rfm.frequency), ("amount", rfm.monetary)];
    for (name, edges) in sets {
        let wanted = answers["thresholds"][name].as_array().unwrap();
        for (got, wanted) in edges.iter().zip(wanted) {
            close(*got, wanted.as_f64().unwrap());
        }
    }
    assert_eq!(rfm.customers.len(), 995);
    same(&rfm, &wanted);
}

#[test]
fn the_retail_customers_are_scored_as_in_the_reference() {
    let Some(rows) = text("retail/online_retail_2010-12_2011-03.csv.gz") else { return };
    let Some(wanted) = table("expected/online_retail_dev_rfm.csv.gz") else { return };
    let mut invoices: BTreeMap<(u32, String, i64), i64> = BTreeMap::new();
    for line in rows.lines().skip(1) {
        let row = cells(line);
        let quantity: i64 = row[3].parse().unwrap();
        let price: f64 = row[5].parse().unwrap();
        if row[6].is_empty() || row[0].starts_with('C') || quantity <= 0 || price <= 0.0 {
            continue;
        }
        let on = day(row[4].split(' ').next().unwrap());
        let invoice = (row[6].parse().unwrap(), row[0].clone(), on);
        let (whole, part) = row[5].split_once('.').unwrap_or((&row[5], ""));
        let price: i64 = format!("{whole}{part:0<3}").parse().unwrap();
        *invoices.entry(invoice).or_default() += quantity * price;
    }
    let order = |((customer, _, day), amount): ((u32, String, i64), i64)| Purchase {
        customer,
        day,
        amount,
    };
    let orders: Vec<Purchase<u32>> = invoices.into_iter().map(order).collect();
    assert_eq!(orders.len(), 4_705);
    let rfm = score(&orders, day("2011-04-01"), 1_000, Ties::Above).unwrap();
    same(&rfm, &wanted);
    assert_eq!(rfm.customers.iter().filter(|customer| customer.score() == 555).count(), 138);
}

#[test]
fn a_tie_falls_as_the_rule_says() {
    let order =
        |customer: u32, orders: usize| vec![Purchase { customer, day: 0, amount: 100 }; orders];
    let orders: Vec<Purchase<u32>> =
        [1, 2, 2, 2, 3].iter().zip(0..).flat_map(|(n, customer)| order(customer, *n)).collect();
    let scores = |ties| -> Vec<u8> {
        score(&orders, 9, 100, ties).unwrap().customers.iter().map(|c| c.f).collect()
    };
    // The quantiles are 1.8, 2, 2 and 2.2.
    assert_eq!(scores(Ties::Above), [1, 4, 4, 4, 5]);
    assert_eq!(scores(Ties::Below), [1, 1, 1, 1, 4]);
}

#[test]
fn small_amounts_are_told_apart_as_large_ones_are() {
    let scores = |amounts: &[i64], minor_per_unit| -> Vec<u8> {
        let order =
            |(customer, amount): (u32, &i64)| Purchase { customer, day: 0, amount: *amount };
        let orders: Vec<_> = (0..).zip(amounts).map(order).collect();
        score(&orders, 9, minor_per_unit, Ties::Below)
            .unwrap()
            .customers
            .iter()
            .map(|c| c.m)
            .collect()
    };
    let cents: Vec<i64> = (1..=40).collect();
    let dear: Vec<i64> = cents.iter().map(|amount| amount * 100).collect();
    let wanted = scores(&dear, 100);
    assert_eq!(wanted.iter().filter(|m| **m == 5).count(), 7, "1 to 40 whole units, as R has it");
    assert_eq!(scores(&cents, 100), wanted, "0.01 to 0.40");
    assert_eq!(scores(&cents, 1), wanted, "and in yen");
    let finer: Vec<i64> = cents.iter().map(|amount| amount * 100).collect();
    assert_eq!(scores(&finer, 10_000), wanted, "and in finer parts of a unit");
}

#[test]
fn a_cent_above_the_quantile_is_above_it() {
    // 0.28 + 0.01 is more than 0.29 as a float is written.
    let paid = [10, 28, 28, 28, 28, 28, 29, 29, 29, 29, 29];
    let order = |(customer, amount): (u32, &i64)| Purchase { customer, day: 0, amount: *amount };
    let orders: Vec<_> = (0..).zip(&paid).map(order).collect();
    let rfm = score(&orders, 9, 100, Ties::Below).unwrap();
    assert_eq!(rfm.monetary.map(|edge| format!("{edge:.3}")), ["0.290", "0.290", "0.300", "0.300"]);
    let scores: Vec<u8> = rfm.customers.iter().map(|customer| customer.m).collect();
    assert_eq!(scores, [1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3]);
}

#[test]
fn the_step_is_that_of_what_customers_paid_in_all() {
    let order = |customer: u32| Purchase { customer, day: 0, amount: 1_050 };
    let orders: Vec<_> = (0..10).flat_map(|customer| [order(customer), order(customer)]).collect();
    let rfm = score(&orders, 9, 100, Ties::Below).unwrap();
    assert_eq!(rfm.monetary, [22.0; 4], "21.00 and one");
}

#[test]
fn nobody_and_one_alone() {
    assert_eq!(score::<u32>(&[], 0, 100, Ties::Below), None);
    let late = [Purchase { customer: 1_u32, day: 5, amount: 100 }];
    assert_eq!(score(&late, 4, 100, Ties::Below), None, "an order after the day is not known");
    let one = score(&late, 5, 100, Ties::Above).unwrap();
    let only = &one.customers[0];
    assert_eq!((only.recency, only.frequency, only.monetary), (0.0, 1.0, 1.0));
    assert_eq!(only.score(), 155);
}
