//! Cohorts, RFM, what is bought together, how revenue is spread.

use numbers::affinity::{RuleLimits, association_rules, llr};
use serde_json::Value;

use super::{From, References, rows};

const RETAIL: &str = "retail/online_retail_2010-12_2011-03.csv.gz";

pub(super) fn add(all: &mut References<'_>) {
    cohorts(all);
    rfm(all);
    dunning(all);
    groceries(all);
    pairs(all);
}

fn cohorts(all: &mut References<'_>) {
    let Some(told) = all.ask("cohorts", RETAIL, "") else { return };
    let from = From { of: "Online Retail, raw invoices", source: "computed twice" };
    let wanted: [&[f64]; 4] =
        [&[885.0, 324.0, 286.0, 340.0], &[417.0, 92.0, 111.0], &[380.0, 71.0], &[452.0]];
    for (cohort, active) in wanted.iter().enumerate() {
        for (month, wanted) in active.iter().enumerate() {
            all.near(from, &told, &[(&format!("/cohorts/{cohort}/active/{month}"), *wanted)], 0.0);
        }
    }
    all.near(from, &told, &[("/customers", 2_134.0)], 0.0);
    let paid = told["cohorts"].as_array().unwrap().iter();
    let paid: f64 = paid
        .flat_map(|cohort| cohort["revenue"].as_array().unwrap())
        .filter_map(Value::as_f64)
        .sum();
    all.line(from, "revenue", 2_184_797.04, paid, 0.005);
}

fn rfm(all: &mut References<'_>) {
    let Some(told) = all.ask("rfm", "retail/rfm_orders.csv.gz", "--at 2006-12-31") else { return };
    let from = From { of: "Orders of R's rfm", source: "rfm 0.3.0" };
    let edges = [
        ("recency", [115.0, 181.0, 297.4, 482.0]),
        ("frequency", [4.0, 5.0, 6.0, 8.0]),
        ("monetary", [255.8, 382.0, 506.4, 666.0]),
    ];
    for (name, edges) in edges {
        for (nth, wanted) in edges.iter().enumerate() {
            all.near(from, &told, &[(&format!("/edges/{name}/{nth}"), *wanted)], 1e-9);
        }
    }
    let customers = told["customers"].as_array().unwrap().len();
    all.line(from, "customers", 995.0, numbers::real::real_len(customers), 0.0);
}

fn dunning(all: &mut References<'_>) {
    let from = From { of: "Log-likelihood ratio", source: "Dunning 1993, by hand" };
    for (counts, wanted) in [
        ((1, 0, 0, 1), 2.772589),
        ((10, 0, 0, 10), 27.725887),
        ((5, 1_995, 0, 100_000), 39.330522),
        ((1_000, 1_995, 1_000, 100_000), 4_730.736813),
        ((110, 2_442, 111, 29_114), 270.721877),
    ] {
        let (both, only_a, only_b, neither) = counts;
        let got = llr(both, only_a, only_b, neither);
        all.line(from, &format!("{counts:?}"), wanted, got, 1e-6);
    }
}

fn groceries(all: &mut References<'_>) {
    let file = "retail/groceries_long.csv.gz";
    let flags = "--map order=tid,product=name --measure lift";
    let Some(told) = all.ask("also-bought", file, flags) else { return };
    let from = From { of: "Groceries", source: "Hahsler, arules" };
    all.near(from, &told, &[("/baskets", 9_835.0), ("/products", 169.0)], 0.0);
    let lift = pair(&told, "herbs", "root vegetables")["lift"].as_f64().unwrap();
    all.line(from, "lift of herbs and root vegetables", 3.956477, lift, 1e-6);
    let mut baskets: Vec<(String, Vec<String>)> = Vec::new();
    for row in rows(file).unwrap() {
        match baskets.last_mut().filter(|(basket, _)| *basket == row[0]) {
            Some((_, items)) => items.push(row[1..].join(",")),
            None => baskets.push((row[0].clone(), vec![row[1..].join(",")])),
        }
    }
    let baskets: Vec<Vec<String>> = baskets.into_iter().map(|(_, items)| items).collect();
    for (support_min, confidence_min, wanted) in [(0.001, 0.8, 410.0), (0.006, 0.25, 463.0)] {
        let limits =
            RuleLimits { support_min, confidence_min, right_max: 1, ..RuleLimits::default() };
        let rules = association_rules(&baskets, limits).unwrap().len();
        let what = format!("rules at {support_min}/{confidence_min}");
        all.line(from, &what, wanted, numbers::real::real_len(rules), 0.0);
    }
}

fn pair<'a>(told: &'a Value, a: &str, b: &str) -> &'a Value {
    let pairs = told["pairs"].as_array().unwrap();
    pairs.iter().find(|pair| pair["a"] == a && pair["b"] == b).unwrap()
}

/// The surest pairs of the raw invoices.
fn pairs(all: &mut References<'_>) {
    let from = From { of: "Online Retail, pairs", source: "computed twice" };
    let Some(told) = all.ask("also-bought", RETAIL, "--measure llr") else { return };
    let answers = rows("expected/online_retail_dev_pairs_top_llr.csv.gz").unwrap();
    for row in answers.iter().take(5) {
        let (a, b) = (row[0].as_str(), row[1].as_str());
        let pair = pair(&told, a, b);
        for (name, at) in
            [("together", 2), ("lift", 9), ("cosine", 10), ("jaccard", 11), ("llr", 12)]
        {
            let wanted: f64 = row[at].parse().unwrap();
            let got = pair[name].as_f64().unwrap();
            all.line(from, &format!("{a} {b} {name}"), wanted, got, wanted.abs() * 1e-9);
        }
    }
}
