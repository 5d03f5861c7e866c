//! Values at given parameters, against vectors computed with sixty digits.

use serde_json::Value;

use super::data::close;
use crate::lifetime::{AtFirst, BetaGeometric, Customer, GammaGamma, Model, ParetoNbd};

fn vectors(model: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(include_str!("points.json")).unwrap();
    all.into_iter().filter(|vector| vector["model"] == model).collect()
}

/// JSON numbers and strings of digits alike.
fn real(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn parameters<const N: usize>(vector: &Value) -> [f64; N] {
    let values: Vec<f64> = vector["params"].as_array().unwrap().iter().map(real).collect();
    values.try_into().unwrap()
}

fn customer(vector: &Value) -> Customer {
    Customer {
        repeats: u32::try_from(vector["x"].as_u64().unwrap()).unwrap(),
        last: real(&vector["t_x"]),
        age: real(&vector["T"]),
        spend: None,
    }
}

/// To 1e-8 of what is wanted; what is below the smallest number may be zero.
fn check(vector: &Value, name: &str, got: f64) {
    let wanted = real(&vector["out"][name]);
    let far = (got - wanted).abs();
    let within = 1e-9 * wanted.abs() + f64::MIN_POSITIVE;
    // The likelihood is a sum that may lie near zero.
    let within = if name == "ll" { within.max(1e-12) } else { within };
    assert!(far <= within, "{name} is {got}, not {wanted}: {vector}");
}

/// All a model of buying and leaving says of a vector's customer.
fn check_all(vector: &Value, model: &impl Model) {
    let (customer, weeks) = (customer(vector), real(&vector["t"]));
    check(vector, "ll", model.log_likelihood(&customer));
    check(vector, "p_alive", model.alive(&customer));
    check(vector, "cet", model.expected(&customer, weeks));
    check(vector, "expected", model.expected_new(weeks));
}

#[test]
fn bg_nbd_values_are_those_of_sixty_digits() {
    let vectors = vectors("bgnbd");
    assert_eq!(vectors.len(), 30);
    for vector in vectors {
        let [r, alpha, a, b] = parameters(&vector);
        let model = BetaGeometric { at_first: AtFirst::Stays, r, alpha, a, b };
        check_all(&vector, &model);
    }
}

#[test]
fn mbg_nbd_values_are_those_of_sixty_digits() {
    // By the formula with ₂F₁, computed with sixty digits for this test.
    let vectors: Vec<Value> = serde_json::from_str(include_str!("mbg_points.json")).unwrap();
    assert_eq!(vectors.len(), 8);
    for vector in vectors {
        let [r, alpha, a, b] = parameters(&vector);
        let model = BetaGeometric { at_first: AtFirst::MayLeave, r, alpha, a, b };
        check_all(&vector, &model);
    }
}

#[test]
fn pareto_nbd_values_are_those_of_sixty_digits() {
    let vectors = vectors("pnbd");
    assert_eq!(vectors.len(), 27);
    for vector in vectors {
        let [r, alpha, s, beta] = parameters(&vector);
        let model = ParetoNbd { r, alpha, s, beta };
        check_all(&vector, &model);
        let rate = real(&vector["discount"]);
        check(&vector, "dert", model.discounted(&customer(&vector), rate, None).unwrap());
    }
}

#[test]
fn gamma_gamma_values_are_those_of_sixty_digits() {
    let vectors = vectors("gg");
    assert_eq!(vectors.len(), 6);
    for vector in vectors {
        let [p, q, gamma] = parameters(&vector);
        let repeats = u32::try_from(vector["x"].as_u64().unwrap()).unwrap();
        let spend = (repeats > 0).then(|| real(&vector["m"]));
        let customer = Customer { repeats, spend, ..Customer::new() };
        check(&vector, "cond_mean", GammaGamma { p, q, gamma }.spend(&customer).unwrap());
    }
}

#[test]
fn the_limit_of_a_discount_of_nothing_is_the_expectation() {
    let customer = Customer { repeats: 3, last: 20.0, age: 39.0, spend: None };
    let pareto = ParetoNbd { r: 0.6, alpha: 10.0, s: 1.0, beta: 10.0 };
    close(
        pareto.discounted(&customer, 0.0, Some(39.0)).unwrap(),
        pareto.expected(&customer, 39.0),
        1e-12,
    );
    assert_eq!(pareto.discounted(&customer, 0.0, None), None);
    let at_first = AtFirst::MayLeave;
    let model = BetaGeometric { at_first, r: 0.6, alpha: 10.0, a: 1.0, b: 2.0 };
    close(
        model.discounted(&customer, 0.0, Some(39.0)).unwrap(),
        model.expected(&customer, 39.0),
        1e-12,
    );
}

#[test]
fn a_discount_is_that_of_each_purchase_on_its_day() {
    let customer = Customer { repeats: 3, last: 20.0, age: 39.0, spend: None };
    let pareto = ParetoNbd { r: 0.6, alpha: 10.0, s: 0.6, beta: 12.0 };
    let geometric = BetaGeometric { at_first: AtFirst::Stays, r: 0.25, alpha: 4.4, a: 0.8, b: 2.4 };
    let models: [&dyn Model; 2] = [&pareto, &geometric];
    for model in models {
        for rate in [0.0027, 0.1] {
            // Purchases of each hundredth of a week, discounted from its middle.
            let by = |step: u32| model.expected(&customer, f64::from(step) / 100.0);
            let day_by_day: f64 = (0..5_200)
                .map(|step| {
                    (by(step + 1) - by(step)) * (-rate * (f64::from(step) + 0.5) / 100.0).exp()
                })
                .sum();
            let at_once = model.discounted(&customer, rate, Some(52.0)).unwrap();
            close(at_once, day_by_day, 1e-6);
            assert_eq!(model.discounted(&customer, -rate, Some(52.0)), None);
        }
    }
    // For ever is where ever longer spans end.
    let (long, ever) = (Some(20_000.0), None);
    let worth = |weeks| pareto.discounted(&customer, 0.0027, weeks).unwrap();
    close(worth(long), worth(ever), 1e-12);
}
