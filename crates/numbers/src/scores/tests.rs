//! What scores must come to: the reference answers, and hostile tables.

mod hostile;

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::test_data::{cells, text};

/// A table and its outcome.
struct Cases {
    fields: Vec<Field>,
    outcome: Vec<bool>,
}

/// Reads a table of the reference data, `target` being positive where it says `positive`.
fn table(path: &str, target: &str, positive: &str, without: &[&str]) -> Option<Cases> {
    let text = text(path)?;
    let mut lines = text.lines();
    let names = cells(lines.next().unwrap());
    let rows: Vec<Vec<String>> = lines.map(cells).collect();
    let column = |at: usize| rows.iter().map(move |row| row[at].as_str());
    let target_at = names.iter().position(|name| name == target).unwrap();
    let outcome = column(target_at).map(|cell| cell == positive).collect();
    let fields = names
        .iter()
        .enumerate()
        .filter(|(at, name)| *at != target_at && !without.contains(&name.as_str()))
        .map(|(at, name)| Field::read(name, column(at)))
        .collect();
    Some(Cases { fields, outcome })
}

fn reference() -> Option<Value> {
    Some(serde_json::from_str(&text("expected/lead.json")?).unwrap())
}

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or_else(|| panic!("{of} is no number"))
}

fn numbers(of: &Value) -> Vec<f64> {
    of.as_array().unwrap().iter().map(number).collect()
}

#[track_caller]
fn near(got: f64, wanted: f64, within: f64) {
    assert!((got - wanted).abs() <= within, "{got} is not {wanted}");
}

fn judged(metrics: &Metrics, wanted: &Value, within: f64) {
    assert_eq!(metrics.n, wanted["n"].as_u64().unwrap());
    assert_eq!(metrics.positives, wanted["pos"].as_u64().unwrap());
    near(metrics.auc.unwrap().value, number(&wanted["auc"]), within);
    near(metrics.brier.unwrap(), number(&wanted["brier"]), within);
    near(metrics.log_loss.unwrap(), number(&wanted["logloss"]), within);
    near(metrics.ks.unwrap(), number(&wanted["ks"]), within);
    near(metrics.ece.unwrap(), number(&wanted["ece10"]), within);
}

fn coefficients(report: &Report, wanted: &Value, within: f64) {
    let got: BTreeMap<&str, f64> =
        report.coefficients.iter().map(|c| (c.name.as_str(), c.value.unwrap())).collect();
    let wanted = wanted.as_object().unwrap();
    assert!(got.len() >= wanted.len());
    for (name, wanted) in wanted {
        near(got[name.as_str()], number(wanted), within);
    }
}

#[test]
fn the_bank_without_its_leak_is_learned_as_by_the_reference() {
    let Some(all) = reference() else { return };
    let Some(bank) = table("lead/bank_full.csv.gz", "y", "yes", &["duration"]) else { return };
    let wanted = &all["bank_no_duration"];
    let report = learn(&bank.fields, &bank.outcome, 0.0).unwrap();
    near(report.log_likelihood.unwrap(), -9_508.263_149_7, 1e-6);
    // The reference stopped a millionth short of the closed form.
    near(report.log_likelihood_null, number(&wanted["mle"]["llnull"]), 1e-5);
    coefficients(&report, &wanted["mle"]["coef"], 1e-6);
    for c in &report.coefficients {
        near(c.se.unwrap(), number(&wanted["mle"]["se"][&c.name]), 1e-6);
    }
    judged(&report.held_out, &wanted["mle"]["test"], 1e-6);
    judged(&report.training, &wanted["mle"]["train"], 1e-6);
    near(report.held_out.top_decile_lift.unwrap(), 4.205_719_179_6, 1e-9);
    let deciles = wanted["mle"]["test"]["deciles"].as_array().unwrap();
    for (got, wanted) in report.held_out.deciles.iter().zip(deciles) {
        assert_eq!(got.n, wanted["n"].as_u64().unwrap());
        assert_eq!(got.positives, wanted["pos"].as_u64().unwrap());
    }
    assert_eq!(report.warnings, []);
    let penalised = learn(&bank.fields, &bank.outcome, 1.0).unwrap();
    // The reference's own search stopped up to 2e-5 short of the maximum here.
    coefficients(&penalised, &wanted["l2_C1"]["coef"], 1e-4);
    near(penalised.coefficients[0].value.unwrap(), number(&wanted["l2_C1"]["intercept"]), 1e-4);
    judged(&penalised.held_out, &wanted["l2_C1"]["test"], 2e-5);

    // Each score comes apart into what its fields add.
    let mut columns: Vec<_> = bank.fields.iter().map(Field::cells).collect();
    let case: Vec<Cell<'_>> = columns.iter_mut().map(|cells| cells.next().unwrap()).collect();
    let told = report.model.explain(&case);
    let odds = told.average + told.lines.iter().map(|line| line.adds).sum::<f64>();
    near(1.0 / (1.0 + (-odds).exp()), told.probability, 1e-12);
    near(report.model.probability(&case), told.probability, 1e-15);
    assert_eq!(told.lines.len(), 15);
    assert!(told.lines[0].adds.abs() >= told.lines[14].adds.abs());
    let contact = told.lines.iter().find(|line| line.field == "contact").unwrap();
    assert_eq!(contact.value, "unknown");
    assert!(contact.adds < -0.5);
}

#[test]
fn a_field_known_only_after_the_call_is_asked_about() {
    let Some(all) = reference() else { return };
    let Some(bank) = table("lead/bank_full.csv.gz", "y", "yes", &[]) else { return };
    let wanted = &all["bank_with_duration"];
    let report = learn(&bank.fields, &bank.outcome, 0.0).unwrap();
    coefficients(&report, &wanted["mle"]["coef"], 1e-6);
    judged(&report.held_out, &wanted["mle"]["test"], 1e-6);
    let [Warning::Outweighs { field, alone, others }] = report.warnings.as_slice() else {
        panic!("{:?}", report.warnings);
    };
    assert_eq!(field, "duration");
    near(*others, 0.768, 1e-3);
    assert!(alone > others);
}

#[test]
fn published_areas_and_their_intervals_come_out() {
    let Some(all) = reference() else { return };
    let Some(asah) = table("lead/aSAH.csv.gz", "outcome", "Poor", &[]) else { return };
    let scores = |name: &str| -> Vec<f64> {
        let field = asah.fields.iter().find(|field| field.name == name).unwrap();
        field.cells().map(|c| if let Cell::Number(n) = c { n } else { panic!("{c}") }).collect()
    };
    for name in ["s100b", "wfns", "ndka"] {
        let told = metrics::auc(&scores(name), &asah.outcome).unwrap();
        let wanted = &all["aSAH"][name];
        near(told.value, number(&wanted["auc"]), 1e-9);
        near(told.interval.unwrap().0, number(&wanted["delong_ci"][0]), 1e-9);
        near(told.interval.unwrap().1, number(&wanted["delong_ci"][2]), 1e-9);
    }
    let told = metrics::compare_auc(&scores("s100b"), &scores("wfns"), &asah.outcome).unwrap();
    near(told.z, number(&all["aSAH"]["delong_s100b_vs_wfns"]["z"]), 1e-9);
    near(told.p, number(&all["aSAH"]["delong_s100b_vs_wfns"]["p"]), 1e-9);

    // The outcome was read off gos6, so that field leaks and separates.
    let report = learn(&asah.fields, &asah.outcome, 0.0).unwrap();
    let leaks = |w: &Warning| matches!(w, Warning::TellsAll { field, .. } if field == "gos6");
    assert!(report.warnings.iter().any(leaks), "{:?}", report.warnings);
    let named = |columns: &[String]| columns.contains(&"gos6".to_owned());
    let separates = |w: &Warning| matches!(w, Warning::Separated { columns } if named(columns));
    assert!(report.warnings.iter().any(separates), "{:?}", report.warnings);
    assert!(report.coefficients.iter().all(|c| c.value.is_none() && c.se.is_none()));
    assert_eq!(report.log_likelihood, None);
    let asah = table("lead/aSAH.csv.gz", "outcome", "Poor", &["gos6"]).unwrap();
    let report = learn(&asah.fields, &asah.outcome, 0.0).unwrap();
    assert!(report.coefficients.iter().all(|c| c.value.is_some()));
    let asked = |w: &Warning| !matches!(w, Warning::FewCases { .. });
    assert!(!report.warnings.iter().any(asked), "{:?}", report.warnings);
}

#[test]
fn small_cases_by_hand_come_out() {
    let Some(all) = reference() else { return };
    for case in all["unit"].as_array().unwrap().iter().filter(|case| case.get("auc").is_some()) {
        let outcome: Vec<bool> = numbers(&case["y"]).iter().map(|y| *y > 0.5).collect();
        let told = metrics::metrics(&numbers(&case["score"]), &outcome);
        near(told.auc.unwrap().value, number(&case["auc"]), 1e-12);
        near(told.brier.unwrap(), number(&case["brier"]), 1e-12);
        near(told.log_loss.unwrap(), number(&case["logloss"]), 1e-12);
        near(told.ece.unwrap(), number(&case["ece10"]), 1e-12);
    }
    // One column of scores, fitted as Platt does without his priors.
    let case = all["unit"].as_array().unwrap().iter().find(|c| c.get("platt_y").is_some()).unwrap();
    let outcome: Vec<bool> = numbers(&case["platt_y"]).iter().map(|y| *y > 0.5).collect();
    let mut rows = Rows::new(2);
    for score in numbers(&case["platt_scores"]) {
        rows.push(|onto| onto.extend([1.0, score]));
    }
    let Fit::Found { beta, .. } = logistic::fit(&rows, &outcome, 0.0) else { panic!() };
    near(beta[1], number(&case["platt_slope_intercept"][0]), 1e-3);
    near(beta[0], number(&case["platt_slope_intercept"][1]), 1e-3);
    let Some(bank) = table("lead/bank_full.csv.gz", "y", "yes", &[]) else { return };
    let few: Vec<Field> = bank
        .fields
        .into_iter()
        .filter(|field| ["age", "balance", "housing", "loan"].contains(&field.name.as_str()))
        .collect();
    let report = learn(&few, &bank.outcome, 0.0).unwrap();
    let wanted = &all["r_glm_small"];
    near(-2.0 * report.log_likelihood.unwrap(), number(&wanted["dev"]), 1e-6);
    for (at, name) in
        ["(Intercept)", "scale(age)", "scale(balance)", "housingyes", "loanyes"].iter().enumerate()
    {
        // R scales by n − 1.
        near(report.coefficients[at].value.unwrap(), number(&wanted["coef"][name]), 1e-5);
    }
}
