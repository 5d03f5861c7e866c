//! What comes in that no model was made for: nobody, one alone, everybody alike, nobody who leaves.

use proptest::prelude::*;

use crate::lifetime::{
    AtFirst, BetaGeometric, Covariates, Customer, Discrete, Fitted, GammaGamma, Model, ParetoNbd,
    Purchase, Seasons, Unfit, Warning, correlation, histories,
};

fn customer(repeats: u32, last: f64, age: f64) -> Customer {
    let spend = (repeats > 0).then_some(20.0 + age);
    Customer { repeats, last, age, spend }
}

type Plain = Result<(Vec<Warning>, Box<dyn Model>), Unfit>;

/// All fits of buying and leaving, without their types.
fn fits(customers: &[Customer]) -> [Plain; 3] {
    fn plain<M: Model + 'static>(fitted: Result<Fitted<M>, Unfit>) -> Plain {
        let fitted = fitted?;
        assert!(fitted.log_likelihood.is_finite());
        for parameter in &fitted.parameters {
            assert!(parameter.value.is_none_or(|value| value.is_finite() && value > 0.0));
            assert!(parameter.standard_error.is_none_or(|error| error.is_finite()));
            assert!(parameter.value.is_some() || parameter.standard_error.is_none());
        }
        Ok((fitted.warnings, Box::new(fitted.model)))
    }
    [
        plain(BetaGeometric::fit(customers, AtFirst::Stays)),
        plain(BetaGeometric::fit(customers, AtFirst::MayLeave)),
        plain(ParetoNbd::fit(customers)),
    ]
}

/// What a model says must be a number, whatever it was fitted to.
fn sensible(model: &dyn Model, customer: &Customer) {
    let alive = model.alive(customer);
    assert!((0.0..=1.0).contains(&alive), "{alive} of {customer:?}");
    let (soon, later) = (model.expected(customer, 13.0), model.expected(customer, 52.0));
    assert!(
        soon >= 0.0 && soon <= later * (1.0 + 1e-9) && later.is_finite(),
        "{soon} {later} of {customer:?}"
    );
    let worth = model.discounted(customer, 0.003, Some(52.0)).unwrap();
    assert!(worth >= 0.0 && worth <= later * (1.0 + 1e-9), "{worth} {later}");
    let ln = model.log_likelihood(customer);
    assert!(ln.is_finite(), "{ln} of {customer:?}");
}

#[test]
fn weeks_that_cannot_be_bring_nothing_and_those_without_end_no_number() {
    let models: [Box<dyn Model>; 2] = [
        Box::new(BetaGeometric { at_first: AtFirst::Stays, r: 0.25, alpha: 4.4, a: 0.8, b: 2.5 }),
        Box::new(ParetoNbd { r: 0.55, alpha: 10.6, s: 0.6, beta: 11.7 }),
    ];
    for (model, customer) in models.iter().zip([customer(2, 5.0, 10.0), Customer::new()]) {
        for weeks in [0.0, -0.0, -1.0, -1e300] {
            assert_eq!(model.expected(&customer, weeks), 0.0, "{weeks}");
            assert_eq!(model.discounted(&customer, 0.003, Some(weeks)), Some(0.0), "{weeks}");
        }
        for weeks in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            assert!(model.expected(&customer, weeks).is_nan(), "{weeks}");
            assert_eq!(model.discounted(&customer, 0.003, Some(weeks)), None, "{weeks}");
        }
        for rate in [-0.1, f64::NAN, f64::INFINITY] {
            assert_eq!(model.discounted(&customer, rate, Some(9.0)), None, "{rate}");
        }
    }
}

#[test]
fn nobody_and_nobody_who_came_back_have_no_fit() {
    for customers in [vec![], vec![customer(0, 0.0, 0.0); 9], vec![customer(0, 0.0, 30.0)]] {
        for fit in fits(&customers) {
            assert!(matches!(fit, Err(Unfit::NobodyCameBack)));
        }
        assert_eq!(GammaGamma::fit(&customers).unwrap_err(), Unfit::NobodyCameBack);
        assert_eq!(correlation(&customers), None);
    }
    assert_eq!(Discrete::fit(&[]).unwrap_err(), Unfit::NobodyCameBack);
    assert!(Unfit::NobodyCameBack.to_string().starts_with("nobody bought on a second day"));
}

#[test]
fn times_that_cannot_be_are_refused_with_their_place() {
    for wrong in [
        customer(1, 5.0, 4.0),
        customer(1, f64::NAN, 4.0),
        customer(1, 1.0, f64::INFINITY),
        customer(0, 1.0, 4.0),
        customer(3, 0.0, 4.0),
        customer(1, -1.0, 4.0),
        customer(u32::MAX, 1.0, 4.0),
    ] {
        for fit in fits(&[customer(1, 2.0, 4.0), wrong]) {
            assert!(matches!(fit, Err(Unfit::Row(1))), "{wrong:?}");
        }
    }
    let row = Seasons { customers: 1, repeats: 2, last: 1, seasons: 6 };
    assert_eq!(Discrete::fit(&[row]).unwrap_err(), Unfit::Row(0));
}

#[test]
fn one_alone_and_everybody_alike_give_numbers_or_say_why_not() {
    for customers in [
        vec![customer(1, 5.0, 10.0)],
        vec![customer(1, 10.0, 10.0)],
        vec![customer(2_000, 51.9, 52.0)],
        vec![customer(3, 5.0, 10.0); 1_000],
        vec![customer(1, 1.0 / 7.0, 500.0); 40],
        vec![customer(0, 0.0, 0.0), customer(1, 5.0, 10.0)],
    ] {
        for (warnings, model) in fits(&customers).into_iter().flatten() {
            assert!(!warnings.is_empty(), "{customers:?}");
            customers.iter().for_each(|customer| sensible(model.as_ref(), customer));
            sensible(model.as_ref(), &Customer::new());
        }
    }
}

/// A stream of numbers from 0 to 1, the same every time (Knuth's MMIX generator).
fn stream(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 32).unwrap()) / 4_294_967_296.0
    }
}

#[test]
fn a_covariate_that_is_the_same_for_all_has_no_coefficient() {
    let customers = simulated(400, 4.0, 0.2);
    let fit = |names: &[&str], rows: &[Vec<f64>]| Covariates::fit(&customers, names, rows);
    let none = fit(&[], &vec![vec![]; 400]).unwrap();
    let plain = ParetoNbd::fit(&customers).unwrap();
    assert!((none.log_likelihood - plain.log_likelihood).abs() < 1e-6);
    let same = fit(&["same"], &vec![vec![1.0]; 400]).unwrap();
    assert!((same.log_likelihood - plain.log_likelihood).abs() < 1e-6);
    assert!(same.parameters.iter().skip(4).all(|parameter| parameter.value.is_none()));
    let mut rows = vec![vec![1.0]; 400];
    rows[7] = vec![f64::NAN];
    assert_eq!(fit(&["z"], &rows).unwrap_err(), Unfit::Covariate(7));
    rows[7] = vec![];
    assert_eq!(fit(&["z"], &rows).unwrap_err(), Unfit::Covariate(7));
    assert_eq!(fit(&["z"], &rows[..5]).unwrap_err(), Unfit::Covariate(5));
}

/// Customers who buy at a rate that is exponential among them, with a mean of once in `weeks`, and
/// who leave after a purchase with the chance `leaves`.
fn simulated(count: u32, weeks: f64, leaves: f64) -> Vec<Customer> {
    let mut next = stream(7);
    (0..count)
        .map(|_| {
            let age = 60.0 + (next() * 200.0).floor() / 7.0;
            let rate = -next().max(1e-9).ln() / weeks;
            let (mut days, mut at) = (Vec::new(), 0.0);
            loop {
                at += -next().max(1e-9).ln() / rate;
                if at > age {
                    break;
                }
                days.push((at * 7.0).ceil() / 7.0);
                if next() < leaves {
                    break;
                }
            }
            days.retain(|day| *day <= age);
            days.dedup();
            let repeats = u32::try_from(days.len()).unwrap();
            customer(repeats, days.last().copied().unwrap_or(0.0), age)
        })
        .collect()
}

#[test]
fn where_nobody_leaves_no_parameter_of_leaving_is_shown() {
    let customers = simulated(1_500, 8.0, 0.0);
    for at_first in [AtFirst::Stays, AtFirst::MayLeave] {
        let fitted = BetaGeometric::fit(&customers, at_first).unwrap();
        assert!(!fitted.has_churn());
        assert_eq!(fitted.warnings, [Warning::NoMeasurableChurn]);
        assert_eq!(fitted.warnings[0].to_string(), "no measurable churn in this window");
        let values: Vec<bool> = fitted.parameters.iter().map(|p| p.value.is_some()).collect();
        assert_eq!(values, [true, true, false, false]);
        assert!((fitted.model.r - 1.0).abs() < 0.15, "{:?}", fitted.model);
        assert!(customers.iter().all(|customer| fitted.model.alive(customer) > 0.9));
    }
    let fitted = ParetoNbd::fit(&customers).unwrap();
    assert_eq!(fitted.warnings, [Warning::NoMeasurableChurn]);
    assert!((fitted.model.r - 1.0).abs() < 0.15, "{:?}", fitted.model);
}

#[test]
fn where_nobody_leaves_by_season_no_parameter_of_leaving_is_shown() {
    let mut next = stream(11);
    let rows: Vec<Seasons> = (0..2_000)
        .map(|_| {
            let buys = next();
            let bought: Vec<u32> = (1..=6).filter(|_| next() < buys).collect();
            let repeats = u32::try_from(bought.len()).unwrap();
            let last = bought.last().copied().unwrap_or(0);
            Seasons { customers: 1, repeats, last, seasons: 6 }
        })
        .collect();
    let fitted = Discrete::fit(&rows).unwrap();
    assert_eq!(fitted.warnings, [Warning::NoMeasurableChurn]);
    let model = fitted.model;
    assert!((model.alpha - 1.0).abs() < 0.15 && (model.beta - 1.0).abs() < 0.15, "{model:?}");
    let once = Seasons { customers: 1, repeats: 1, last: 1, seasons: 6 };
    assert!(model.alive(&once) > 0.8, "{}", model.alive(&once));
}

#[test]
fn where_many_leave_the_share_is_found() {
    let customers = simulated(3_000, 4.0, 0.2);
    let fitted = BetaGeometric::fit(&customers, AtFirst::Stays).unwrap();
    assert!(fitted.has_churn());
    let model = fitted.model;
    assert!((model.a / (model.a + model.b) - 0.2).abs() < 0.03, "{model:?}");
    assert!((model.r - 1.0).abs() < 0.15, "{model:?}");
}

#[test]
fn spend_that_is_all_the_same_or_nothing_is_said() {
    let with = |spend: f64, repeats| Customer { spend: Some(spend), ..customer(repeats, 3.0, 9.0) };
    let same: Vec<Customer> = (1..50).map(|n| with(20.0, n % 5 + 1)).collect();
    if let Ok(fitted) = GammaGamma::fit(&same) {
        assert!(!fitted.warnings.is_empty() && fitted.parameters[0].value.is_none(), "{fitted:?}");
    }
    assert_eq!(GammaGamma::fit(&vec![with(0.0, 2); 9]).unwrap_err(), Unfit::NobodyCameBack);
    let mut next = stream(3);
    let mut some: Vec<Customer> =
        (0..400).map(|n| with(f64::exp(3.0 + next() + next()), n % 4 + 1)).collect();
    some.extend([with(0.0, 1), with(-5.0, 2), with(f64::NAN, 2)]);
    let fitted = GammaGamma::fit(&some).unwrap();
    assert!(fitted.warnings.contains(&Warning::NoSpend(3)), "{:?}", fitted.warnings);
    assert_eq!(fitted.model.spend(&with(-5.0, 2)), None);
    assert_eq!(fitted.model.spend(&with(f64::NAN, 2)), None);
    assert!(fitted.model.spend(&with(0.0, 1)).unwrap() < fitted.model.mean().unwrap());
    assert!(fitted.warnings.iter().all(|warning| !warning.to_string().is_empty()));
}

#[test]
fn a_log_in_any_order_with_two_purchases_a_day_is_merged() {
    let bought = |customer: &'static str, day, amount| Purchase { customer, day, amount };
    let log = [
        bought("b", 20, 500),
        bought("a", 24, 300),
        bought("a", 10, 1_000),
        bought("a", 24, 200),
        bought("a", 10, 50),
        bought("a", 31, 900),
        bought("c", 40, 900),
    ];
    let known = histories(&log, 30, 100);
    assert_eq!(known.len(), 2, "one bought later");
    assert_eq!((known[0].customer, known[0].first_day, known[0].paid), ("a", 10, 1_550));
    let wanted = Customer { repeats: 1, last: 2.0, age: 20.0 / 7.0, spend: Some(5.0) };
    assert_eq!(known[0].known, wanted);
    assert_eq!(known[1].known.spend, None);
    assert!(histories::<u32>(&[], 30, 100).is_empty());
    let far = [Purchase { customer: 1, day: i64::MIN, amount: i64::MAX }];
    assert!(histories(&far, i64::MAX, 0)[0].known.age.is_finite());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_comes_in_comes_out_as_numbers(
        rows in proptest::collection::vec((0_u32..2_001, 0_u32..3_650, 0_u32..3_650), 1..25),
        scale in 0_u32..3,
    ) {
        let customers: Vec<Customer> = rows
            .into_iter()
            .map(|(repeats, one, other)| {
                let repeats = repeats / 20_u32.pow(scale);
                let (last, age) = (one.min(other), one.max(other));
                let once = repeats == 0 || last == 0;
                let (repeats, last) = if once { (0, 0) } else { (repeats, last) };
                customer(repeats, f64::from(last) / 7.0, f64::from(age) / 7.0)
            })
            .collect();
        for (_, model) in fits(&customers).into_iter().flatten() {
            customers.iter().for_each(|customer| sensible(model.as_ref(), customer));
        }
        if let Ok(fitted) = GammaGamma::fit(&customers) {
            prop_assert!(fitted.log_likelihood.is_finite());
        }
    }
}
