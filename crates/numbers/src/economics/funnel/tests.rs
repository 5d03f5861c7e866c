//! What a funnel drawn again and again must come to.

use super::*;
use crate::draws::tests::seeded;

fn step(name: &str, of: Option<usize>, rate: Rate, margin: Option<Amount>, day: u32) -> Step {
    Step { name: name.into(), of, rate, margin, day }
}

/// Ads at a dollar a click to a free magnet, a front-end product, an upsell, a back end.
fn shop() -> Funnel {
    let front = Amount { mean: 1_500.0, variance: Some(40_000.0), seen: Some(150) };
    let upsell = Amount { mean: 4_000.0, variance: Some(0.0), seen: None };
    let back = Amount { mean: 30_000.0, variance: Some(1e8), seen: Some(12) };
    Funnel {
        visitors: 5_000,
        cost_per_visitor: 100.0,
        fixed_cost: 20_000.0,
        steps: vec![
            step("lead", None, Rate::seen(800, 2_000).unwrap(), None, 0),
            step("front", Some(0), Rate::seen(150, 800).unwrap(), Some(front), 0),
            step("upsell", Some(1), Rate::Known(0.25), Some(upsell), 0),
            step("back end", Some(1), Rate::seen(12, 150).unwrap(), Some(back), 60),
        ],
        customers: 1,
    }
}

#[test]
fn figures_agree_with_those_worked_by_hand() {
    let told = simulate(&shop(), 4_000, &mut seeded(1)).unwrap();
    let leads = 5_000.0 * 800.5 / 2_001.0;
    let customers = leads * 150.5 / 801.0;
    let margin = customers * (1_500.0 + 0.25 * 4_000.0 + 12.5 / 151.0 * 30_000.0);
    assert!((told.expected[1] / customers - 1.0).abs() < 1e-12);
    assert!((told.expected_margin / margin - 1.0).abs() < 1e-12);
    assert!((told.cost - 520_000.0).abs() < 1e-9);
    let middle = |range: &Range| range.middle.unwrap();
    assert!((middle(&told.steps[1]) / customers - 1.0).abs() < 0.03);
    assert!((middle(&told.profit) / (margin - told.cost) - 1.0).abs() < 0.08);
    assert!((middle(&told.cac) / (told.cost / customers) - 1.0).abs() < 0.03);
    assert!(told.profit.low < told.profit.middle && told.profit.middle < told.profit.high);
    assert_eq!(told.payback_day, Some(0));
    assert!(told.payback_share.unwrap() > 0.99);
    assert!(told.later_margin_per_customer.low.unwrap() > 500.0);
    // Twice as dear: it is the back end that pays, and at ten times nothing does.
    let dear = Funnel { cost_per_visitor: 240.0, ..shop() };
    assert_eq!(simulate(&dear, 2_000, &mut seeded(2)).unwrap().payback_day, Some(60));
    let dead = Funnel { cost_per_visitor: 1_000.0, ..shop() };
    let told = simulate(&dead, 2_000, &mut seeded(3)).unwrap();
    assert_eq!(
        (told.payback_day, told.loss_share, told.payback_share),
        (None, Some(1.0), Some(0.0))
    );
    let again = simulate(&dead, 2_000, &mut seeded(3)).unwrap();
    assert_eq!(told, again);
}

#[test]
fn what_a_lead_may_cost_is_the_margin_over_the_leads() {
    let told = simulate(&shop(), 4_000, &mut seeded(9)).unwrap();
    let wanted = (told.expected_margin - 20_000.0) / told.expected[0];
    let lead = told.margin_per_taker[0];
    assert!((lead.middle.unwrap() / wanted - 1.0).abs() < 0.03);
    assert!(lead.low < lead.middle && lead.middle < lead.high);
    assert_eq!(told.margin_per_taker.len(), 4);
}

#[test]
fn a_sale_leaves_what_is_neither_given_back_nor_spent() {
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} where {b} was wanted");
    let fixed = Amount { mean: 1_900.0, variance: Some(0.0), seen: None };
    let sale = Sale { price: fixed, returned: Returned::Known(0.0), cost: 130.0, fee_share: 0.029 };
    let whole = sale.margin().unwrap();
    near(whole.mean, 1_900.0 * 0.971 - 130.0);
    near(whole.variance.unwrap(), 0.0);
    assert_eq!(whole.seen, None);
    // Of four outcomes by hand: a tenth comes back, prices are 10 or 30.
    let price = Amount { mean: 20.0, variance: Some(100.0), seen: Some(40) };
    let returned = Returned::Seen { count: 3, of: 30 };
    let left = Sale { price, returned, cost: 1.0, fee_share: 0.05 }.margin().unwrap();
    let outcomes = [(0.45, 8.5), (0.45, 27.5), (0.05, -1.5), (0.05, -2.5)];
    let mean: f64 = outcomes.iter().map(|(p, x)| p * x).sum();
    near(left.mean, mean);
    near(left.variance.unwrap(), outcomes.iter().map(|(p, x)| p * (x - mean).powi(2)).sum());
    assert_eq!(left.seen, Some(30));
    let none = Sale { returned: Returned::Seen { count: 0, of: 0 }, ..sale };
    assert_eq!(none.margin(), None);
    assert_eq!(Sale { returned: Returned::Known(1.5), ..sale }.margin(), None);
}

#[test]
fn a_rate_believed_between_two_lies_there_in_nine_cases_of_ten() {
    // Four standard errors of 5 % among 4,000 on either side, near the ends of all rates too.
    let mut uniform = seeded(10);
    for (low, high) in [(0.2, 0.3), (0.001, 0.2), (0.1, 0.9), (0.97, 0.999)] {
        let rate = Rate::between(low, high).unwrap();
        let drawn: Vec<f64> = (0..4_000).map(|_| rate.draw(&mut uniform)).collect();
        let below = drawn.iter().filter(|rate| **rate < low).count();
        let above = drawn.iter().filter(|rate| **rate > high).count();
        assert!((145..=255).contains(&below) && (145..=255).contains(&above), "{below} {above}");
    }
    assert_eq!((Rate::between(0.0, 0.2), Rate::between(0.2, 1.0)), (None, None));
    assert_eq!((Rate::between(0.3, 0.2), Rate::between(-0.1, 0.2)), (None, None));
    assert_eq!((Rate::between(0.2, 0.2), Rate::between(f64::NAN, 0.2)), (None, None));
}

#[test]
fn a_missing_variance_is_missing_and_not_zero() {
    let mut funnel = shop();
    funnel.steps[3].margin = Some(Amount { mean: 30_000.0, variance: None, seen: Some(12) });
    let told = simulate(&funnel, 1_000, &mut seeded(4)).unwrap();
    assert_eq!(told.spread_unknown, ["back end"]);
    assert_eq!((told.profit.low, told.profit.high, told.loss_share), (None, None, None));
    assert!(told.profit.middle.is_some() && told.steps[3].low.is_some());
    funnel.steps[3].margin = Some(Amount { mean: 3e4, variance: Some(1e8), seen: Some(1) });
    assert_eq!(simulate(&funnel, 1_000, &mut seeded(4)).unwrap().profit.high, None);
}

#[test]
fn without_visitors_or_customers_there_is_no_cost_of_one() {
    let none = Funnel { visitors: 0, ..shop() };
    let told = simulate(&none, 500, &mut seeded(5)).unwrap();
    assert_eq!((told.cac.middle, told.margin_per_visitor.middle), (None, None));
    assert_eq!(told.steps[0].high, Some(0.0));
    let few = Funnel { visitors: 25, ..shop() };
    let told = simulate(&few, 2_000, &mut seeded(6)).unwrap();
    assert!(told.cac.low.is_some());
    assert_eq!(told.cac.high, None);
}

#[test]
fn a_funnel_that_cannot_be_is_refused() {
    let refused = |change: &dyn Fn(&mut Funnel)| {
        let mut funnel = shop();
        change(&mut funnel);
        simulate(&funnel, 100, &mut seeded(7)).unwrap_err()
    };
    assert_eq!(refused(&|f| f.steps[1].of = Some(1)), Mistake::Order("front".into()));
    assert_eq!(refused(&|f| f.steps[0].rate = Rate::Known(1.1)), Mistake::Rate("lead".into()));
    assert_eq!(refused(&|f| f.customers = 9), Mistake::Customers);
    assert_eq!(refused(&|f| f.fixed_cost = f64::NAN), Mistake::Cost);
    let wrong = Amount { mean: 1.0, variance: Some(-1.0), seen: None };
    assert_eq!(refused(&|f| f.steps[2].margin = Some(wrong)), Mistake::Amount("upsell".into()));
    assert_eq!(simulate(&shop(), 1, &mut seeded(7)), Err(Mistake::Draws));
    assert_eq!(Rate::seen(3, 2), None);
    assert_eq!(Mistake::Draws.to_string(), "take at least 100 draws");
}

/// One world: a past is drawn from true rates and skewed amounts, a funnel made of what was seen,
/// and a future drawn from the truth. Whether customers and profit fell inside the intervals.
fn covered(visitors: u64, past: u64, uniform: &mut impl FnMut() -> f64) -> Option<(bool, bool)> {
    let (front_rate, back_rate, spread) = (0.05, 0.2, 0.8_f64);
    let order =
        |uniform: &mut dyn FnMut() -> f64| (8.0 + spread * draws::normal(&mut || uniform())).exp();
    let buyers = draws::binomial(past, front_rate, uniform);
    let backs = draws::binomial(buyers, back_rate, uniform);
    let seen: Vec<f64> = (0..backs).map(|_| order(uniform)).collect();
    let moments = crate::experiments::moments::Moments::of(&seen)?;
    let back = Amount { mean: moments.mean()?, variance: moments.variance(), seen: Some(backs) };
    let front = Amount { mean: 900.0, variance: Some(0.0), seen: None };
    let funnel = Funnel {
        visitors,
        cost_per_visitor: 50.0,
        fixed_cost: 0.0,
        steps: vec![
            step("front", None, Rate::seen(buyers, past)?, Some(front), 0),
            step("back", Some(0), Rate::seen(backs, buyers)?, Some(back), 30),
        ],
        customers: 0,
    };
    let told = simulate(&funnel, 300, uniform).unwrap();
    let customers = draws::binomial(visitors, front_rate, uniform);
    let later = draws::binomial(customers, back_rate, uniform);
    let sum: f64 = (0..later).map(|_| order(uniform)).sum();
    let profit = 900.0 * real(customers) + sum - 50.0 * real(visitors);
    let within = |range: &Range, x: f64| Some(range.low? <= x && x <= range.high?);
    Some((within(&told.steps[0], real(customers))?, within(&told.profit, profit)?))
}

#[test]
fn the_future_falls_inside_the_intervals_as_often_as_they_say() {
    const WORLDS: u32 = 500;
    let mut uniform = seeded(8);
    for (visitors, past) in [(2_000, 5_000), (10_000, 4_000)] {
        let (mut worlds, mut counts, mut profits) = (0_u32, 0_u32, 0_u32);
        while worlds < WORLDS {
            let Some((count, profit)) = covered(visitors, past, &mut uniform) else { continue };
            worlds += 1;
            counts += u32::from(count);
            profits += u32::from(profit);
        }
        // Four standard errors of a share of 90 % among 500; whole counts may only cover more,
        // and few skewed amounts say a little less than they should.
        let share = |n: u32| f64::from(n) / f64::from(WORLDS);
        assert!(share(counts) > 0.846 && share(counts) < 0.955, "customers {}", share(counts));
        assert!(share(profits) > 0.84 && share(profits) < 0.955, "profit {}", share(profits));
    }
}
