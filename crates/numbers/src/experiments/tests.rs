//! What experiments must come to: the reference answers, hostile counts, and peeking.

mod peeking;
mod reference;

use proptest::prelude::*;

use super::*;

fn arm(name: &str, n: u64, conversions: u64) -> Arm {
    Arm { name: name.to_owned(), n, conversions }
}

fn verdict(arms: &[(u64, u64)]) -> Verdict {
    let arms: Vec<Arm> = arms.iter().map(|(n, x)| arm("arm", *n, *x)).collect();
    compare(&arms, &Plan::default()).unwrap().verdict
}

#[test]
fn the_verdict_asks_for_the_split_first_and_then_for_what_holds_at_every_look() {
    assert_eq!(verdict(&[(1_000, 100), (1_000, 200)]), Verdict::Better);
    assert_eq!(verdict(&[(1_000, 200), (1_000, 100)]), Verdict::Worse);
    // z = 2.10 and p = .035 at a fixed number; not yet where one looks every day.
    assert_eq!(verdict(&[(1_000, 100), (1_000, 130)]), Verdict::TooEarly);
    assert_eq!(verdict(&[(100_000, 10_000), (100_000, 10_040)]), Verdict::NoDifference);
    assert_eq!(verdict(&[(821_588, 80_000), (815_482, 90_000)]), Verdict::Srm);
    assert_eq!(verdict(&[(50_000, 5_000), (50_000, 6_000), (50_000, 5_010)]), Verdict::Better);
    assert_eq!(verdict(&[(50_000, 5_000), (50_000, 4_000), (50_000, 4_010)]), Verdict::Worse);
    assert_eq!(
        verdict(&[(50_000, 5_000), (50_000, 4_000), (50_000, 5_010)]),
        Verdict::NoDifference
    );
}

#[test]
fn hostile_counts_leave_nothing_invented() {
    for arms in [
        &[][..],
        &[(0, 0)],
        &[(10, 5)],
        &[(0, 0), (0, 0)],
        &[(0, 0), (10, 5)],
        &[(10, 0), (10, 0)],
        &[(10, 10), (10, 10)],
        &[(1, 1), (1, 0)],
        &[(7, 7), (7, 0), (0, 0)],
    ] {
        assert_eq!(verdict(arms), Verdict::TooEarly, "{arms:?}");
    }
    let report = compare(&[arm("a", 0, 0), arm("b", 9, 9)], &Plan::default()).unwrap();
    assert_eq!(report.arms[0].rate, None);
    assert_eq!(report.arms[1].rate, Some(1.0));
    assert_eq!(report.arms[1].prob_best, None);
    assert_eq!(report.comparisons[0].fixed, None);
    assert_eq!(report.comparisons[0].prob_better, None);
    let all = compare(&[arm("a", 9, 9), arm("b", 9, 9)], &Plan::default()).unwrap();
    let fixed = all.comparisons[0].fixed.unwrap();
    assert_eq!((fixed.z_pooled, fixed.p_pooled, fixed.difference.se), (None, None, None));
    assert_eq!(all.comparisons[0].always_valid, None);
    assert!((all.arms[0].prob_best.unwrap() - 0.5).abs() < 1e-12);
    let huge = [arm("a", u64::MAX / 4, 7), arm("b", u64::MAX / 4, 9)];
    assert_eq!(compare(&huge, &Plan::default()), Err(Mistake::TooMany("a".into())));
    let many = [arm("a", VISITORS_MAX, 7), arm("b", VISITORS_MAX, 9)];
    let report = compare(&many, &Plan::default()).unwrap();
    // So rare that the rates are gamma: the incomplete beta function I(½; 8, 10).
    assert!((report.arms[1].prob_best.unwrap() - 0.685_470_581).abs() < 1e-7);
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_to_do() {
    let more = compare(&[arm("a", 1, 2), arm("b", 9, 9)], &Plan::default()).unwrap_err();
    assert_eq!(more.to_string(), "a: more converted than saw it; count each visitor once");
    let arms = [arm("a", 9, 1), arm("b", 9, 2)];
    for plan in [
        Plan { weights: vec![1.0], ..Plan::default() },
        Plan { weights: vec![1.0, 0.0], ..Plan::default() },
        Plan { alpha: 0.0, ..Plan::default() },
        Plan { alpha: f64::NAN, ..Plan::default() },
        Plan { tuning: -1.0, ..Plan::default() },
        Plan { prior: (0.0, 1.0), ..Plan::default() },
        Plan { smallest_effect: f64::NAN, ..Plan::default() },
    ] {
        assert!(compare(&arms, &plan).is_err(), "{plan:?}");
    }
    let uneven = Plan { weights: vec![0.9, 0.1], ..Plan::default() };
    let report = compare(&[arm("a", 9_000, 90), arm("b", 1_000, 10)], &uneven).unwrap();
    assert!((report.srm.unwrap().p - 1.0).abs() < 1e-12);
}

#[test]
fn several_challengers_share_the_error() {
    let arms = [arm("a", 5_000, 500), arm("b", 5_000, 560), arm("c", 5_000, 620)];
    let report = compare(&arms, &Plan::default()).unwrap();
    let two = compare(&[arms[0].clone(), arms[2].clone()], &Plan::default()).unwrap();
    let (wide, narrow) = (&report.comparisons[1], &two.comparisons[0]);
    assert!(wide.always_valid.unwrap().low < narrow.always_valid.unwrap().low);
    assert!(wide.p_holm > narrow.p_holm);
    assert_eq!(report.leading().unwrap().arm, "c");
    let sum: f64 = report.arms.iter().filter_map(|arm| arm.prob_best).sum();
    assert!((sum - 1.0).abs() < 1e-10);
    // One of two: p of the same difference by a sequence for half the error, twice.
    let alone = Sequence::new(0.025, TUNING).unwrap();
    let difference = wide.fixed.unwrap().difference;
    let p = alone.test(difference, 10_000).unwrap().p;
    assert!((wide.always_valid.unwrap().p - 2.0 * p).abs() < 1e-12 && p < 0.5);
    assert_eq!(report.comparisons[0].always_valid.unwrap().p, 1.0);
    assert_eq!(Sequence::one_of(0, 0.05, TUNING), None);
}

#[test]
fn the_challenger_that_leads_is_one_that_the_verdict_is_of() {
    // Three of twenty are more than 13 %, and say nothing yet.
    let arms = [arm("a", 20_000, 2_000), arm("b", 20, 4), arm("c", 20_000, 2_600)];
    let weights = vec![1_000.0, 1.0, 1_000.0];
    let plan = Plan { weights, ..Plan::default() };
    let report = compare(&arms, &plan).unwrap();
    assert_eq!((report.verdict, report.leading().unwrap().arm.as_str()), (Verdict::Better, "c"));
    let amounts = |n: u32| (0..n).map(|i| 20.0 + f64::from(i % 30)).collect::<Vec<f64>>();
    let paid = |name: &str, visitors, n| revenue::RevenueArm {
        name: name.to_owned(),
        visitors,
        amounts: amounts(n),
    };
    let arms = [paid("a", 9_000, 900), paid("b", 9_000, 905), paid("c", 9_000, 1_800)];
    let report = revenue::compare(&arms, &Plan::default()).unwrap();
    assert_eq!((report.verdict, report.leading().unwrap().arm.as_str()), (Verdict::Better, "c"));
    let none = revenue::compare(&arms[..1], &Plan::default()).unwrap();
    assert_eq!(none.leading(), None);
}

#[test]
fn one_huge_order_does_not_decide() {
    let arms = |extra: &[f64]| {
        let amounts = |n: u32| (0..n).map(|i| 20.0 + f64::from(i % 30)).collect::<Vec<f64>>();
        let mut second = amounts(3_000);
        second.extend(extra);
        [
            revenue::RevenueArm { name: "a".into(), visitors: 9_000, amounts: amounts(3_000) },
            revenue::RevenueArm { name: "b".into(), visitors: 9_000, amounts: second },
        ]
    };
    let report = revenue::compare(&arms(&[50_000.0]), &Plan::default()).unwrap();
    assert_eq!(report.cap, Some(49.0));
    assert_eq!(report.arms[1].capped, 1);
    let (plain, capped) = (report.arms[1].mean.unwrap(), report.arms[1].mean_capped.unwrap());
    assert!(plain > 15.0 && capped < 12.0, "{plain} {capped}");
    assert_eq!(report.verdict, Verdict::NoDifference);
    assert!(report.comparisons[0].plain.unwrap().p.unwrap() > 0.3);
    let mut none = arms(&[]);
    none[0].amounts.clear();
    none[1].amounts.clear();
    let report = revenue::compare(&none, &Plan::default()).unwrap();
    assert_eq!((report.cap, report.verdict), (None, Verdict::TooEarly));
    assert_eq!(report.comparisons[0].always_valid, None);
    none[0].visitors = 0;
    assert_eq!(revenue::compare(&none, &Plan::default()).unwrap().arms[0].mean, None);
    let nan = revenue::compare(&arms(&[f64::NAN]), &Plan::default());
    assert_eq!(nan, Err(Mistake::NotFinite("b".into())));
}

#[test]
fn what_was_known_before_takes_the_noise_away_and_not_the_effect() {
    let mut uniform = crate::draws::tests::seeded(3);
    let mut draw = |effect: f64| -> Vec<cuped::Seen> {
        (0..4_000)
            .map(|at| {
                let before = 10.0 * uniform();
                let outcome = 2.0 * before + 4.0 * uniform() + effect;
                cuped::Seen { outcome, before: (at % 10 > 0).then_some(before) }
            })
            .collect()
    };
    let (a, b) = (draw(0.0), draw(0.5));
    let told = cuped::adjust(&[&a, &b]).unwrap();
    assert!((told.theta - 2.0).abs() < 0.05, "{}", told.theta);
    assert!(told.variance_removed > 0.7);
    let means = fixed::means(&told.arms[0], &told.arms[1]).unwrap();
    let se = means.difference.se.unwrap();
    assert!((means.difference.value - 0.5).abs() < 4.0 * se, "{means:?}");
    let plain = |arm: &[cuped::Seen]| {
        moments::Moments::of(&arm.iter().map(|seen| seen.outcome).collect::<Vec<f64>>()).unwrap()
    };
    assert!(se < 0.6 * fixed::means(&plain(&a), &plain(&b)).unwrap().difference.se.unwrap());
    let flat = [cuped::Seen { outcome: 1.0, before: Some(2.0) }; 5];
    let none = [cuped::Seen { outcome: 1.0, before: None }; 5];
    assert_eq!(cuped::adjust(&[&flat, &flat]), None);
    assert_eq!(cuped::adjust(&[&none]), None);
    assert_eq!(cuped::adjust(&[]), None);
}

#[test]
fn a_plan_of_looks_that_is_none_is_refused() {
    assert_eq!(group::pocock(0, 0.05), None);
    assert_eq!(group::pocock(5, 0.0), None);
    assert_eq!(group::spending(&[0.5, 0.4], 0.05, group::Spending::Pocock), None);
    assert_eq!(group::spending(&[0.5, 1.1], 0.05, group::Spending::Pocock), None);
    assert_eq!(group::spending(&[], 0.05, group::Spending::Pocock), None);
    assert_eq!(group::crossings(&[0.5, 1.0], &[2.0], 0.0), None);
    // Looks at odd times spend what they should, and a drift is seen.
    let times = [0.01, 0.11, 0.35, 0.36, 0.9];
    let bounds = group::spending(&times, 0.05, group::Spending::ObrienFleming).unwrap();
    let spent: f64 = group::crossings(&times, &bounds, 0.0).unwrap().iter().sum();
    let wanted = group::Spending::ObrienFleming.spent(0.05, 0.9);
    assert!((spent - wanted).abs() < 1e-9, "{spent} is not {wanted}");
    let seen: f64 = group::crossings(&times, &bounds, 3.0).unwrap().iter().sum();
    assert!(seen > 0.6 && seen < 1.0);
}

#[test]
fn an_aim_that_is_none_needs_no_visitors_but_a_word() {
    let aim = power::Aim { control: 0.2, challenger: 0.25, alpha: 0.05, power: 0.8 };
    for by in power::Convention::ALL {
        assert_eq!(power::sample_size(&power::Aim { challenger: 0.2, ..aim }, by), None);
        assert_eq!(power::sample_size(&power::Aim { control: 0.0, ..aim }, by), None);
        assert_eq!(power::sample_size(&power::Aim { power: 1.0, ..aim }, by), None);
    }
    assert!((power::power(&aim, 1_091).unwrap() - 0.8).abs() < 1e-3);
    assert_eq!(power::power(&aim, 0), None);
    assert!((power::sample_size_of_means(0.2, 1.0, 0.05, 0.8).unwrap() - 392.444).abs() < 1e-3);
    assert_eq!(power::sample_size_of_means(0.0, 1.0, 0.05, 0.8), None);
}

#[test]
fn the_relative_interval_agrees_with_the_difference_about_zero() {
    for (n, a, b) in [(40, 3, 9), (500, 20, 60), (5_000, 400, 520), (5_000, 500, 390), (300, 9, 0)]
    {
        let report = compare(&[arm("a", n, a), arm("b", n, b)], &Plan::default()).unwrap();
        let comparison = &report.comparisons[0];
        let difference = comparison.always_valid.unwrap();
        let Some(relative) = comparison.always_valid_relative else {
            assert!(a < 30, "{n} {a} {b}");
            continue;
        };
        assert_eq!(relative.low > 0.0, difference.low > 0.0);
        assert_eq!(relative.high < 0.0, difference.high < 0.0);
        let value = comparison.fixed.unwrap().relative.unwrap().value;
        assert!(relative.low < value && value < relative.high);
        assert!((relative.p - difference.p).abs() < f64::EPSILON);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_counts_give_sound_figures(
        counts in proptest::collection::vec((0_u64..20_000, 0.0..=1.0_f64), 0..5),
    ) {
        let arms: Vec<Arm> = counts
            .iter()
            .enumerate()
            .map(|(at, (n, share))| {
                let won = (0..*n).filter(|i| real(*i) < share * real(*n)).count();
                arm(&format!("arm {at}"), *n, u64::try_from(won).unwrap())
            })
            .collect();
        let report = compare(&arms, &Plan::default()).unwrap();
        let best: Vec<f64> = report.arms.iter().filter_map(|arm| arm.prob_best).collect();
        prop_assert!(best.is_empty() || (best.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        for figures in &report.arms {
            prop_assert!(figures.expected_loss.is_none_or(|loss| (0.0..=1.0).contains(&loss)));
            let inside = |(low, high): (f64, f64)| 0.0 <= low && low < high && high <= 1.0;
            prop_assert!(figures.credible.is_none_or(inside));
        }
        for comparison in &report.comparisons {
            let share = |p: f64| (0.0..=1.0).contains(&p);
            prop_assert!(comparison.prob_better.is_none_or(share));
            prop_assert!(comparison.p_holm.is_none_or(share));
            if let Some(test) = comparison.always_valid {
                prop_assert!(share(test.p) && test.low < test.high);
                let told = test.low > 0.0 || test.high < 0.0;
                prop_assert_eq!(test.p < 0.05, told);
                // What holds at every look is never surer than the look itself.
                prop_assert!(test.p >= comparison.fixed.unwrap().p_unpooled.unwrap());
            }
        }
        if let [first, second] = arms.as_slice()
            && let Some(better) = report.comparisons[0].prob_better
        {
            prop_assert!((report.arms[1].prob_best.unwrap() - better).abs() < 1e-9);
            let back = compare(&[second.clone(), first.clone()], &Plan::default()).unwrap();
            prop_assert!((back.comparisons[0].prob_better.unwrap() + better - 1.0).abs() < 1e-12);
        }
    }
}
