//! Fits, against published and computed ones.

use super::data::{Sample, answers, apparel, cdnow, close, near, number, numbers, table};
use crate::lifetime::{AtFirst, BetaGeometric, Fitted, Model, ParetoNbd, later};

/// Parameters to 1e-3 (the last of Pareto/NBD to 5e-3), ln likelihood to 1e-3, standard errors.
pub(super) fn same<M>(fitted: &Fitted<M>, parameters: &[f64], errors: &[f64], ll: f64) {
    near(fitted.log_likelihood, ll, 1e-3);
    assert!(fitted.warnings.is_empty(), "{:?}", fitted.warnings);
    for (got, (wanted, error)) in fitted.parameters.iter().zip(parameters.iter().zip(errors)) {
        close(got.value.unwrap(), *wanted, if got.name == "beta" { 5e-3 } else { 1e-3 });
        close(got.standard_error.unwrap(), *error, 5e-3);
    }
}

fn bg_nbd(name: &str, sample: &Sample) {
    let Some(answers) = answers() else { return };
    let customers = sample.customers();
    for (model, at_first) in [("bgnbd", AtFirst::Stays), ("mbgnbd", AtFirst::MayLeave)] {
        let at = format!("computed/{name}/{model}");
        let fitted = BetaGeometric::fit(&customers, at_first).unwrap();
        same(
            &fitted,
            &numbers(&answers, &format!("{at}/params")),
            &numbers(&answers, &format!("{at}/se")),
            number(&answers, &format!("{at}/ll")),
        );
        if at_first == AtFirst::MayLeave {
            continue;
        }
        close(
            fitted.model.expected_new(52.0),
            number(&answers, &format!("{at}/expected_52")),
            1e-3,
        );
        let weeks = sample.weeks_held_back();
        let total: f64 = customers.iter().map(|c| fitted.model.expected(c, weeks)).sum();
        close(total, number(&answers, &format!("{at}/holdout_expected_total")), 1e-3);
        let alive: f64 = customers.iter().map(|c| fitted.model.alive(c)).sum();
        let far = number(&answers, &format!("computed/{name}/mae_x_star/bgnbd"));
        close(distance(sample, &fitted.model), far, 1e-3);
        let mean = number(&answers, &format!("{at}/mean_palive"));
        close(alive, mean * number(&answers, &format!("computed/{name}/n")), 1e-3);
    }
}

#[test]
fn bg_nbd_of_cdnow_is_the_published_one() {
    let Some(sample) = cdnow() else { return };
    bg_nbd("cdnow_sample", &sample);
}

#[test]
fn bg_nbd_of_apparel_is_the_computed_one() {
    let Some(sample) = apparel() else { return };
    bg_nbd("apparel", &sample);
}

/// Mean distance of what was forecast from what came.
fn distance(sample: &Sample, model: &impl Model) -> f64 {
    let came = later(&sample.purchases, sample.until, sample.end);
    let known = sample.known();
    let far = known.iter().map(|history| {
        let actual = came.get(&history.customer).copied().unwrap_or(0);
        (model.expected(&history.known, sample.weeks_held_back()) - f64::from(actual)).abs()
    });
    far.sum::<f64>() / f64::from(u32::try_from(known.len()).unwrap())
}

fn pareto_nbd(name: &str, sample: &Sample) {
    let Some(answers) = answers() else { return };
    let customers = sample.customers();
    let at = format!("computed/{name}/pnbd");
    let fitted = ParetoNbd::fit(&customers).unwrap();
    same(
        &fitted,
        &numbers(&answers, &format!("{at}/params")),
        &numbers(&answers, &format!("{at}/se")),
        number(&answers, &format!("{at}/ll")),
    );
    close(fitted.model.expected_new(52.0), number(&answers, &format!("{at}/expected_52")), 1e-3);
    let weeks = sample.weeks_held_back();
    let total: f64 = customers.iter().map(|c| fitted.model.expected(c, weeks)).sum();
    close(total, number(&answers, &format!("{at}/holdout_expected_total")), 1e-3);
    let far = number(&answers, &format!("computed/{name}/mae_x_star/pnbd"));
    close(distance(sample, &fitted.model), far, 1e-3);
}

#[test]
fn pareto_nbd_of_cdnow_is_the_published_one() {
    let Some(sample) = cdnow() else { return };
    pareto_nbd("cdnow_sample", &sample);
}

#[test]
fn pareto_nbd_of_apparel_is_the_published_one() {
    let Some(sample) = apparel() else { return };
    pareto_nbd("apparel", &sample);
}

#[test]
fn histories_are_those_of_the_reference() {
    for (name, file, sample) in [
        ("cdnow_sample", "clv_cdnow_sample_per_customer", cdnow()),
        ("apparel", "clv_apparel_per_customer", apparel()),
    ] {
        let Some(sample) = sample else { return };
        let Some(answers) = answers() else { return };
        let Some(table) = table(&format!("expected/{file}.csv.gz")) else { return };
        let known = sample.known();
        let held_back = later(&sample.purchases, sample.until, sample.end);
        assert_eq!(known.len(), table.len());
        let mut actual = 0;
        for history in &known {
            let row = &table[&history.customer];
            let (customer, wanted) = (history.known, |name: &str| row[name]);
            near(f64::from(customer.repeats), wanted("x"), 0.0);
            near(customer.last, wanted("t_x"), 1e-7);
            near(customer.age, wanted("T"), 1e-7);
            near(customer.spend.unwrap_or(0.0), wanted("m_x"), 1e-6);
            let later = held_back.get(&history.customer).copied().unwrap_or(0);
            near(f64::from(later), wanted("x_star"), 0.0);
            actual += later;
        }
        near(f64::from(actual), number(&answers, &format!("computed/{name}/actual_x_star")), 0.0);
        close(
            sample.weeks_held_back(),
            number(&answers, &format!("computed/{name}/T_star")),
            1e-12,
        );
    }
}

#[test]
fn an_age_that_is_one_day_off_gives_the_other_published_answer() {
    let (Some(sample), Some(answers)) = (cdnow(), answers()) else { return };
    let at = "independent_r/clvtools_cdnow_T_off_by_one_day/bgnbd";
    let customers = Sample { until: sample.until + 1, ..sample }.customers();
    let fitted = BetaGeometric::fit(&customers, AtFirst::Stays).unwrap();
    near(fitted.log_likelihood, number(&answers, &format!("{at}/ll")), 1e-3);
    close(fitted.model.r, number(&answers, &format!("{at}/params/r")), 1e-3);
}
