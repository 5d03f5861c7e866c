//! Fits of spend, of seasons and with covariates; and each customer's figures.

use super::data::{Sample, answers, apparel, cdnow, close, near, number, numbers, table};
use super::fits::same;
use crate::lifetime::{
    AtFirst, BetaGeometric, Covariates, Customer, Discrete, GammaGamma, Model, ParetoNbd, Seasons,
    correlation, weekly_rate, worth,
};
use crate::test_data::{cells, text};

fn samples() -> Option<[(&'static str, Sample, &'static str); 2]> {
    Some([
        ("cdnow_sample", cdnow()?, "expected/clv_cdnow_sample_per_customer.csv.gz"),
        ("apparel", apparel()?, "expected/clv_apparel_per_customer.csv.gz"),
    ])
}

#[test]
fn the_spend_of_the_samples_is_that_of_the_reference() {
    let (Some(samples), Some(answers)) = (samples(), answers()) else { return };
    for (name, sample, _) in samples {
        let at = format!("computed/{name}/gg");
        let customers = sample.customers();
        let fitted = GammaGamma::fit(&customers).unwrap();
        same(
            &fitted,
            &numbers(&answers, &format!("{at}/params")),
            &numbers(&answers, &format!("{at}/se")),
            number(&answers, &format!("{at}/ll")),
        );
        let together = correlation(&customers).unwrap();
        close(together, number(&answers, &format!("{at}/corr_x_mx")), 1e-9);
        let alone: f64 =
            customers.iter().filter_map(|customer| fitted.model.log_likelihood(customer)).sum();
        near(alone, fitted.log_likelihood, 1e-6);
    }
}

#[test]
fn the_spend_of_apparel_after_forty_weeks_is_the_published_one() {
    let (Some(sample), Some(answers)) = (apparel(), answers()) else { return };
    let customers = Sample { until: sample.until - 64 * 7, ..sample }.customers();
    let fitted = GammaGamma::fit(&customers).unwrap();
    for parameter in fitted.parameters {
        let wanted =
            number(&answers, &format!("independent_r/apparel_gg_split40/{}", parameter.name));
        close(parameter.value.unwrap(), wanted, 1e-3);
    }
}

#[test]
fn the_mean_spend_of_cdnow_is_the_published_one() {
    let Some(sample) = cdnow() else { return };
    near(GammaGamma::fit(&sample.customers()).unwrap().model.mean().unwrap(), 35.170, 1e-3);
}

#[test]
fn each_customers_figures_are_those_of_the_reference() {
    let (Some(samples), Some(answers)) = (samples(), answers()) else { return };
    let rate = weekly_rate(0.15).unwrap();
    for (name, sample, file) in samples {
        let Some(table) = table(file) else { return };
        let given = |model: &str| numbers(&answers, &format!("computed/{name}/{model}/params"));
        let (bg, pn, gg) = (given("bgnbd"), given("pnbd"), given("gg"));
        let at_first = AtFirst::Stays;
        let bg = BetaGeometric { at_first, r: bg[0], alpha: bg[1], a: bg[2], b: bg[3] };
        let pn = ParetoNbd { r: pn[0], alpha: pn[1], s: pn[2], beta: pn[3] };
        let gg = GammaGamma { p: gg[0], q: gg[1], gamma: gg[2] };
        let weeks = sample.weeks_held_back();
        let (mut total, mut dert) = (0.0, 0.0);
        for history in sample.known() {
            let row = &table[&history.customer];
            // The table prints ten digits.
            let check = |name: &str, got: f64| close(got, row[name], 2e-9);
            let customer = history.known;
            let later = pn.discounted(&customer, rate, None).unwrap();
            let spend = gg.spend(&customer).unwrap();
            check("bg_palive", bg.alive(&customer));
            check("bg_cet", bg.expected(&customer, weeks));
            check("pn_palive", pn.alive(&customer));
            check("pn_cet", pn.expected(&customer, weeks));
            check("pn_dert", later);
            check("gg_mean", spend);
            check("clv_pn_gg", worth(&pn, &gg, &customer, rate, None).unwrap());
            total += later * spend;
            dert += later;
        }
        close(total, number(&answers, &format!("computed/{name}/clv_total_pnbd_gg")), 1e-8);
        close(dert, number(&answers, &format!("computed/{name}/pnbd/sum_dert")), 1e-8);
    }
}

#[test]
fn the_published_customers_of_apparel_come_out() {
    let (Some(sample), Some(answers)) = (apparel(), answers()) else { return };
    let customers = sample.customers();
    let pareto = ParetoNbd::fit(&customers).unwrap().model;
    let spend = GammaGamma::fit(&customers).unwrap().model;
    for history in sample.known() {
        let at = |name| format!("published/apparel/predict/{}/{name}", history.customer);
        if answers.pointer(&format!("/{}", at("CET"))).is_none() {
            continue;
        }
        let known = history.known;
        // The source takes its "continuous discount factor" d as a rate of ln(1 + d) a week.
        let dert = pareto.discounted(&known, 0.1_f64.ln_1p(), None).unwrap();
        let spend = spend.spend(&known).unwrap();
        close(pareto.alive(&known), number(&answers, &at("PAlive")), 1e-4);
        close(pareto.expected(&known, 207.1429), number(&answers, &at("CET")), 1e-3);
        close(dert, number(&answers, &at("DERT")), 1e-3);
        close(spend, number(&answers, &at("mean_spend")), 1e-3);
        close(dert * spend, number(&answers, &at("CLV")), 1e-3);
    }
}

#[test]
fn forecasts_by_frequency_and_the_published_customer_come_out() {
    let (Some(sample), Some(answers)) = (cdnow(), answers()) else { return };
    let customers = sample.customers();
    let bg = BetaGeometric::fit(&customers, AtFirst::Stays).unwrap().model;
    let pn = ParetoNbd::fit(&customers).unwrap().model;
    let models: [(&str, &dyn Model, &str); 2] =
        [("bgnbd", &bg, "cond_exp_by_freq/exp"), ("pnbd", &pn, "cond_exp_by_freq_exp")];
    for (name, model, list) in models {
        let at = |path: &str| format!("published/cdnow_sample/{name}/{path}");
        for (frequency, wanted) in (0..).zip(numbers(&answers, &at(list))) {
            let alike: Vec<&Customer> =
                customers.iter().filter(|c| c.repeats.min(7) == frequency).collect();
            let sum: f64 = alike.iter().map(|c| model.expected(c, 39.0)).sum();
            near(sum / f64::from(u32::try_from(alike.len()).unwrap()), wanted, 1e-3);
        }
        let frequent = Customer { repeats: 26, last: 30.0 + 6.0 / 7.0, age: 31.0, spend: None };
        close(model.expected(&frequent, 52.0), number(&answers, &at("cust1516_cet52")), 1e-3);
        close(model.alive(&frequent), number(&answers, &at("cust1516_palive")), 1e-3);
        close(model.expected_new(52.0), number(&answers, &at("expected_52w_new_customer")), 1e-3);
        for repeats in [10_u32, 15, 20, 25] {
            let once = Customer { repeats, last: 20.0, age: 39.0, spend: None };
            let path = format!("increasing_frequency_paradox_cet52_tx20_T39/{repeats}");
            close(model.expected(&once, 52.0), number(&answers, &at(&path)), 1e-3);
        }
    }
}

#[test]
fn week_by_week_the_cohort_buys_as_published() {
    let (Some(sample), Some(answers)) = (cdnow(), answers()) else { return };
    let customers = sample.customers();
    let model = BetaGeometric::fit(&customers, AtFirst::Stays).unwrap().model;
    let oldest = customers.iter().map(|customer| customer.age).fold(0.0, f64::max);
    let by = |week: f64| -> f64 {
        let ages = customers.iter().map(|customer| week - (oldest - customer.age));
        ages.filter(|age| *age > 0.0).map(|age| model.expected_new(age)).sum()
    };
    let path = "published/cdnow_sample/bgnbd/weekly_inc_tracking_20_25/expected";
    for (week, wanted) in [20.0, 21.0, 22.0, 23.0, 24.0, 25.0].iter().zip(numbers(&answers, path)) {
        close(by(*week) - by(week - 1.0), wanted, 2e-3);
    }
}

fn donations() -> Option<Vec<Seasons>> {
    let read = |line: &str| {
        let row: Vec<u32> = cells(line).iter().map(|cell| cell.parse().unwrap()).collect();
        Seasons { customers: row[3].into(), repeats: row[0], last: row[1], seasons: row[2] }
    };
    Some(text("clv/donations_rf.csv")?.lines().skip(1).map(read).collect())
}

#[test]
fn the_donations_are_those_of_the_paper() {
    let (Some(rows), Some(answers)) = (donations(), answers()) else { return };
    assert_eq!(rows.iter().map(|row| row.customers).sum::<u64>(), 11_104);
    let fitted = Discrete::fit(&rows).unwrap();
    near(fitted.log_likelihood, -33_225.581, 1e-3);
    assert!(fitted.warnings.is_empty());
    let wanted = numbers(&answers, "independent_r/bgbb/params");
    for (got, wanted) in fitted.parameters.iter().zip(wanted) {
        close(got.value.unwrap(), wanted, 1e-3);
        assert!(got.standard_error.unwrap() > 0.0);
    }
    let model = fitted.model;
    let row = |repeats, last| Seasons { customers: 1, repeats, last, seasons: 6 };
    let answer = |name: &str| number(&answers, &format!("independent_r/bgbb/{name}"));
    close(model.expected_new(10), answer("expect10"), 1e-3);
    close(model.expected(&row(0, 0), 10), answer("cet_0"), 1e-3);
    close(model.expected(&row(4, 5), 10), answer("cet_4_5"), 1e-3);
    close(model.alive(&row(4, 5)), answer("palive_4_5"), 1e-3);
    close(model.log_likelihood(&row(0, 0)).exp(), 3_464.0 / 11_104.0, 0.05);
}

#[test]
fn apparel_with_covariates_is_the_published_one() {
    let (Some(sample), Some(answers)) = (apparel(), answers()) else { return };
    let Some(file) = text("clv/apparel_static_cov.csv.gz") else { return };
    let known = sample.known();
    let covariates: Vec<Vec<f64>> = file
        .lines()
        .skip(1)
        .zip(&known)
        .map(|(line, history)| {
            let row = cells(line);
            assert_eq!(row[0], history.customer.to_string());
            row[1..].iter().map(|cell| cell.parse().unwrap()).collect()
        })
        .collect();
    let customers = sample.customers();
    let fitted = Covariates::fit(&customers, &["Gender", "Channel"], &covariates).unwrap();
    near(fitted.log_likelihood, -5_821.062_7, 1e-3);
    for parameter in &fitted.parameters {
        let path = format!("published/apparel/pnbd_static_cov/{}", parameter.name);
        let within = if parameter.name == "beta" { 5e-3 } else { 2e-3 };
        close(parameter.value.unwrap(), number(&answers, &path), within);
        assert!(parameter.standard_error.unwrap() > 0.0);
    }
    assert_eq!(fitted.parameters.len(), 8);
    let alone: f64 = customers
        .iter()
        .zip(&covariates)
        .map(|(customer, z)| fitted.model.of(z).log_likelihood(customer))
        .sum();
    near(alone, fitted.log_likelihood, 1e-6);
}
