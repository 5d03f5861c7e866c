//! What credits must come to.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::real::ratio;
use crate::test_data::{journeys, paths, text};

/// As promised for every figure of the reference.
const WITHIN: f64 = 1e-9;

fn close(got: f64, wanted: f64, what: &str) {
    assert!((got - wanted).abs() <= WITHIN * wanted.abs().max(1.0), "{what}: {got} not {wanted}");
}

fn order(k: usize) -> NonZeroUsize {
    NonZeroUsize::new(k).unwrap()
}

/// Every channel of the reference, and zero for one it does not name.
fn compare(journeys: &Journeys, got: &[f64], wanted: &Value, what: &str) {
    let mut named = 0;
    for (channel, got) in journeys.channels().iter().zip(got) {
        let figure = wanted.get(channel).map(|figure| figure.as_f64().unwrap());
        named += usize::from(figure.is_some());
        close(*got, figure.unwrap_or(0.0), &format!("{what} {channel}"));
    }
    assert_eq!((got.len(), named), (journeys.channels().len(), wanted.as_object().unwrap().len()));
}

fn columns(credits: &[Credit]) -> (Vec<f64>, Vec<f64>) {
    credits.iter().map(|credit| (credit.conversions, credit.value)).unzip()
}

fn compare_credits(journeys: &Journeys, credits: &[Credit], wanted: (&Value, &Value), what: &str) {
    let (conversions, values) = columns(credits);
    compare(journeys, &conversions, wanted.0, what);
    compare(journeys, &values, wanted.1, &format!("{what} value"));
}

fn compare_rules(journeys: &Journeys, wanted: &Value) {
    for (rule, name) in [
        (Rule::First, "first"),
        (Rule::Last, "last"),
        (Rule::Linear, "linear"),
        (Rule::Position, "position_40_20_40"),
        (Rule::TimeDecay, "time_decay_halflife1step"),
    ] {
        let credits = by_rule(journeys, rule, HalfLife::default());
        let wanted = (&wanted[name]["conv"], &wanted[name]["value"]);
        compare_credits(journeys, &credits, wanted, name);
    }
    // The set game shares a conversion alike among distinct channels.
    let wanted = &wanted["linear_dedup"];
    compare_credits(journeys, &shapley(journeys), (&wanted["conv"], &wanted["value"]), "distinct");
}

fn compare_markov(journeys: &Journeys, k: usize, wanted: &Value) {
    let got = markov(journeys, order(k)).unwrap();
    let what = format!("markov {k}");
    assert_eq!(got.states, usize::try_from(wanted["n_states"].as_u64().unwrap()).unwrap());
    close(got.conversion_rate.unwrap(), wanted["p_conv"].as_f64().unwrap(), &what);
    close(got.value_rate.unwrap(), wanted["exp_value"].as_f64().unwrap(), &what);
    let credits = (&wanted["attributed"], &wanted["attributed_value"]);
    compare_credits(journeys, &got.credits, credits, &what);
    let removals: Vec<f64> =
        got.removals.iter().map(|removal| removal.conversions.unwrap()).collect();
    compare(journeys, &removals, &wanted["removal_effect"], &what);
    let removals: Vec<f64> = got.removals.iter().map(|removal| removal.value.unwrap()).collect();
    compare(journeys, &removals, &wanted["removal_effect_value"], &what);
}

#[test]
fn the_cases_made_by_hand_come_out() {
    let Some(expected) = text("expected/attribution_tiny.json") else { return };
    let cases: Vec<Value> = serde_json::from_str(&expected).unwrap();
    for case in &cases {
        let number = |row: &Value, key: &str| row[key].as_f64().unwrap();
        let rows: Vec<(&str, f64, f64, f64)> = case["paths"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let path = row["path"].as_str().unwrap();
                (path, number(row, "conversions"), number(row, "value"), number(row, "null"))
            })
            .collect();
        let journeys = journeys(&rows);
        compare_rules(&journeys, &case["heuristics"]);
        compare(&journeys, &columns(&shapley(&journeys)).0, &case["shapley_sets"], "shapley");
        for (k, wanted) in case["markov"].as_object().unwrap() {
            compare_markov(&journeys, k.parse().unwrap(), wanted);
        }
    }
    assert_eq!(cases.len(), 4);
}

fn path_data() -> Option<(Journeys, Value)> {
    let rows = text("attribution/pathdata.csv.gz")?;
    let expected = text("expected/attribution_pathdata.json")?;
    Some((paths(&rows), serde_json::from_str(&expected).unwrap()))
}

#[test]
fn the_rules_and_shapley_on_the_path_data_are_those_of_the_reference() {
    let Some((journeys, expected)) = path_data() else { return };
    close(journeys.totals().conversions, expected["total_conversions"].as_f64().unwrap(), "all");
    close(journeys.totals().value, expected["total_value"].as_f64().unwrap(), "value");
    close(journeys.totals().nulls, expected["total_null"].as_f64().unwrap(), "nulls");
    compare_rules(&journeys, &expected["heuristics"]);
    let wanted = (&expected["shapley_sets"], &expected["shapley_sets_value"]);
    compare_credits(&journeys, &shapley(&journeys), wanted, "shapley");
    compare(&journeys, &columns(&set_rates(&journeys)).0, &expected["shapley_rate"], "rates");
}

#[test]
fn the_chains_of_the_path_data_are_those_of_the_reference() {
    let Some((journeys, expected)) = path_data() else { return };
    for k in 1..=4 {
        compare_markov(&journeys, k, &expected[format!("markov_order{k}")]);
    }
}

#[test]
fn at_every_order_the_chain_of_the_path_data_converts_as_often_as_its_journeys() {
    let Some((journeys, _)) = path_data() else { return };
    let totals = journeys.totals();
    for k in [1, 2, 3, 5, 8, 89, 1_000] {
        let got = markov(&journeys, order(k)).unwrap();
        close(got.conversion_rate.unwrap(), totals.conversions / totals.journeys(), "rate");
        close(got.value_rate.unwrap(), totals.value / totals.journeys(), "value");
    }
}

#[test]
fn time_decay_halves_in_seven_days_where_times_are_known_and_in_a_step_where_not() {
    let day = 86_400_000;
    let one = Outcomes { conversions: 1.0, value: 300.0, nulls: 0.0 };
    let mut timed = Journeys::default();
    // Given out of order; one week between them.
    timed.add_timed(&[("late", 10 * day), ("early", 3 * day)], one).unwrap();
    let credits = by_rule(&timed, Rule::TimeDecay, HalfLife::default());
    close(credits[0].value, 100.0, "early");
    close(credits[1].value, 200.0, "late");
    assert_eq!(timed.channels(), ["early", "late"].map(str::to_owned).as_slice());
}

#[test]
fn a_half_life_is_above_zero() {
    for days in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(HalfLife::default().with_days(days), None);
        assert_eq!(HalfLife::new(1.0, days), None);
    }
    let weeks = HalfLife::new(14.0, 1.0).unwrap();
    assert_eq!(HalfLife::default().with_days(14.0), Some(weeks));
}

#[test]
fn nothing_comes_of_nothing() {
    let empty = Journeys::default();
    for model in all(&empty, Settings::default()).unwrap() {
        assert!(model.credits.is_empty(), "{}", model.model);
    }
    let none = markov(&empty, order(3)).unwrap();
    assert_eq!((none.conversion_rate, none.value_rate, none.states), (None, None, 0));
    assert!(set_rates(&empty).is_empty() && pooled_rates(&empty, 9, &mut || 7).is_empty());
}

#[test]
fn without_a_conversion_nothing_is_shared_out_and_no_effect_is_known() {
    let journeys = journeys(&[("a > b", 0.0, 0.0, 5.0), ("c", 0.0, 0.0, 0.0)]);
    for model in all(&journeys, Settings::default()).unwrap() {
        assert_eq!(model.credits, [Credit::default(); 3], "{}", model.model);
        for removal in model.removals.into_iter().flatten() {
            assert_eq!(removal, Removal::default());
        }
    }
    let got = markov(&journeys, order(2)).unwrap();
    assert_eq!((got.conversion_rate, got.states), (Some(0.0), 1));
}

#[test]
fn one_channel_gets_all_and_all_is_lost_without_it() {
    let journeys = journeys(&[("a > a > a", 3.0, 30.0, 1.0), ("a", 1.0, 0.0, 5.0)]);
    for k in [1, 2, 9] {
        let settings = Settings { order: order(k), ..Settings::default() };
        for model in all(&journeys, settings).unwrap() {
            close(model.credits[0].conversions, 4.0, model.model);
            close(model.credits[0].value, 30.0, model.model);
            for removal in model.removals.into_iter().flatten() {
                close(removal.conversions.unwrap(), 1.0, model.model);
            }
        }
    }
}

#[test]
fn conversions_without_value_leave_the_value_unknown() {
    let got = markov(&journeys(&[("a > b", 2.0, 0.0, 1.0)]), order(1)).unwrap();
    assert_eq!(got.removals[0], Removal { conversions: Some(1.0), value: None });
    assert_eq!(got.value_rate, Some(0.0));
}

#[test]
fn what_few_came_by_is_as_exact_as_the_rest() {
    // Once in 10¹² journeys; the difference of two rates would have four digits left.
    let rare = [("rare > common", 1.0, 0.0, 0.0), ("common", 1e11, 0.0, 9e11)];
    for k in [1, 2] {
        let got = markov(&journeys(&rare), order(k)).unwrap();
        // At order 1 "rare" leads to "common", which converts one in ten.
        let wanted = if k == 1 { 1e-12 } else { 1e-11 };
        let effect = got.removals[0].conversions.unwrap();
        assert!((effect / wanted - 1.0).abs() < 1e-9, "order {k}: {effect}");
    }
}

#[test]
fn journeys_that_go_round_for_long_are_solved_all_the_same() {
    let round = ["a", "b", "c"].repeat(2_000);
    let one = |conversions, nulls| Outcomes { conversions, value: conversions, nulls };
    let mut journeys = Journeys::default();
    journeys.add(&round, one(3.0, 1.0)).unwrap();
    journeys.add(&["b", "d"], one(1.0, 1.0)).unwrap();
    for k in [1, 2, 3] {
        let got = markov(&journeys, order(k)).unwrap();
        close(got.conversion_rate.unwrap(), 4.0 / 6.0, "rate");
        close(got.credits.iter().map(|credit| credit.conversions).sum(), 4.0, "sum");
    }
}

#[test]
fn sweeps_and_reduction_say_the_same() {
    let Some((journeys, _)) = path_data() else { return };
    let chain = chain::Chain::new(&journeys, order(2));
    let outcomes = markov::outcomes(&chain, None).unwrap();
    let swept = markov::lost_by_channel(&chain, &outcomes).unwrap();
    for (channel, swept) in swept.into_iter().enumerate() {
        let exact = markov::lost_exactly(&chain, &outcomes, channel).unwrap();
        assert!((swept.0 / exact.0 - 1.0).abs() < 1e-12, "{swept:?} {exact:?}");
        assert!((swept.1 / exact.1 - 1.0).abs() < 1e-12, "{swept:?} {exact:?}");
    }
}

#[test]
fn one_visitor_without_end_among_many_does_not_spoil_the_chain() {
    let Some(rows) = text("attribution/pathdata.csv.gz") else { return };
    let mut journeys = paths(&rows);
    let one = Outcomes { conversions: 1.0, value: 1.0, nulls: 0.0 };
    journeys.add(&["alpha", "robot"].repeat(50_000), one).unwrap();
    let totals = journeys.totals();
    // At one order the sweeps come to rest, at the other states are taken out one by one.
    for k in [3, 4] {
        let got = markov(&journeys, order(k)).unwrap();
        close(got.conversion_rate.unwrap(), totals.conversions / totals.journeys(), "rate");
        close(columns(&got.credits).0.iter().sum(), totals.conversions, "sum");
        // It holds one conversion of all, and nobody else met it.
        let robot = got.removals.last().unwrap().conversions.unwrap();
        close(robot * totals.conversions, 1.0, "robot");
    }
}

/// A generator good enough to draw orders from: Weyl's sequence, mixed (splitmix64).
fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[test]
fn pooled_rates_are_shapleys_by_the_book() {
    // v(a) = 1/2, v(b) = 1/4, v(ab) = 4/8 by hand.
    let rows = [("a", 1.0, 0.0, 1.0), ("b > b", 1.0, 0.0, 3.0), ("b > a", 2.0, 0.0, 0.0)];
    let got = pooled_rates(&journeys(&rows), 1, &mut || 0);
    close(got[0].rate.conversions, (0.5 + 0.25) / 2.0, "a");
    close(got[1].rate.conversions, 0.25 / 2.0, "b");
    assert_eq!(got[0].standard_error, None);
}

#[test]
fn above_fifteen_channels_rates_are_drawn_and_lie_within_their_errors() {
    let mut rows = Vec::new();
    let paths: Vec<String> =
        (0..15_u32).map(|at| format!("c{at} > c{} > c{}", (at * 7) % 15, (at * 4) % 15)).collect();
    for (at, path) in (1_u32..).zip(&paths) {
        rows.push((path.as_str(), f64::from(at % 4), 0.0, f64::from(at)));
    }
    let exact = pooled_rates(&journeys(&rows), 1, &mut || 0);
    // A sixteenth channel that nobody came by changes no game, but asks for drawing.
    rows.push(("idle", 0.0, 0.0, 0.0));
    let more = journeys(&rows);
    let drawn = pooled_rates(&more, 4_000, &mut random(7));
    for (drawn, exact) in drawn.iter().zip(&exact) {
        let error = drawn.standard_error.unwrap().conversions;
        let off = (drawn.rate.conversions - exact.rate.conversions).abs();
        assert!(off <= 4.5 * error + 1e-12, "{off} with a standard error of {error}");
    }
    let sum: f64 = drawn.iter().map(|drawn| drawn.rate.conversions).sum();
    close(sum, more.totals().conversions / more.totals().journeys(), "each order adds up");
    assert_eq!(drawn[15].rate, Credit::default());
    let rates: Vec<Credit> = drawn.iter().map(|drawn| drawn.rate).collect();
    let credits = rate_credits(&more, &rates);
    close(columns(&credits).0.iter().sum(), more.totals().conversions, "as credits");
    assert!(pooled_rates(&more, 1, &mut random(7))[0].standard_error.is_none());
}

type Rows = Vec<(Vec<usize>, u32, u32, u32)>;

fn any_rows() -> impl Strategy<Value = Rows> {
    let row = (prop::collection::vec(0_usize..6, 1..9), 0_u32..4, 0_u32..1_000, 0_u32..5);
    prop::collection::vec(row, 0..12)
}

fn from_rows(rows: &Rows, collapse: bool) -> Journeys {
    let mut journeys = Journeys::default();
    for (path, conversions, value, nulls) in rows {
        let value = if *conversions > 0 { f64::from(*value) } else { 0.0 };
        let outcomes =
            Outcomes { conversions: f64::from(*conversions), value, nulls: f64::from(*nulls) };
        let mut path = path.clone();
        if collapse {
            path.dedup();
        }
        let names: Vec<&str> = path.iter().map(|at| ["a", "b", "c", "d", "e", "f"][*at]).collect();
        journeys.add(&names, outcomes).unwrap();
    }
    journeys
}

/// The chain's answer the long way: with a channel taken out, by walking until next to nobody is
/// left on the way.
fn removal_by_walking(journeys: &Journeys, k: usize, without: Option<usize>) -> f64 {
    let chain = chain::Chain::new(journeys, order(k));
    let out =
        |at: usize| without.is_some_and(|channel| chain.states[at].channels.contains(&channel));
    let mut here: BTreeMap<usize, f64> =
        chain.states.iter().enumerate().map(|(at, state)| (at, state.start)).collect();
    let mut converted = 0.0;
    for _ in 0..20_000 {
        let mut next: BTreeMap<usize, f64> = BTreeMap::new();
        for (at, share) in here.into_iter().filter(|(at, _)| !out(*at)) {
            let state = &chain.states[at];
            converted += share * state.conversion;
            for (to, probability) in &state.next {
                *next.entry(*to).or_default() += share * probability;
            }
        }
        here = next;
        if here.values().sum::<f64>() < 1e-15 {
            break;
        }
    }
    converted
}

proptest! {
    #[test]
    fn credits_add_up_whatever_the_model(rows in any_rows(), k in 1_usize..6) {
        let journeys = from_rows(&rows, false);
        let totals = journeys.totals();
        let settings = Settings { order: order(k), ..Settings::default() };
        for model in all(&journeys, settings).unwrap() {
            let (conversions, values) = columns(&model.credits);
            prop_assert!(conversions.iter().chain(&values).all(|credit| *credit >= 0.0));
            close(conversions.iter().sum(), totals.conversions, model.model);
            close(values.iter().sum(), totals.value, model.model);
        }
    }

    #[test]
    fn the_chain_converts_as_often_as_the_journeys_do(rows in any_rows(), k in 1_usize..9) {
        let journeys = from_rows(&rows, false);
        let totals = journeys.totals();
        let got = markov(&journeys, order(k)).unwrap();
        prop_assert_eq!(got.conversion_rate.is_some(), totals.journeys() > 0.0);
        if let (Some(rate), Some(value)) = (got.conversion_rate, got.value_rate) {
            close(rate, totals.conversions / totals.journeys(), "rate");
            close(value, totals.value / totals.journeys(), "value");
        }
    }

    #[test]
    fn removal_effects_are_those_of_a_chain_without_the_channel(
        rows in any_rows(),
        k in 1_usize..4,
    ) {
        let journeys = from_rows(&rows, false);
        let all = removal_by_walking(&journeys, k, None);
        let got = markov(&journeys, order(k)).unwrap();
        for (channel, removal) in got.removals.iter().enumerate() {
            match removal.conversions {
                None => prop_assert_eq!(journeys.totals().conversions, 0.0),
                Some(effect) => {
                    let without = removal_by_walking(&journeys, k, Some(channel));
                    close(effect, 1.0 - without / all, "effect");
                }
            }
        }
    }

    #[test]
    fn self_loops_change_nothing(rows in any_rows()) {
        let with = markov(&from_rows(&rows, false), order(1)).unwrap();
        let without = markov(&from_rows(&rows, true), order(1)).unwrap();
        for (with, without) in with.removals.iter().zip(&without.removals) {
            prop_assert_eq!(with.conversions.is_some(), without.conversions.is_some());
            close(with.conversions.unwrap_or(0.0), without.conversions.unwrap_or(0.0), "loops");
            close(with.value.unwrap_or(0.0), without.value.unwrap_or(0.0), "loops");
        }
    }

    #[test]
    fn an_order_above_the_longest_path_says_what_that_of_the_longest_says(rows in any_rows()) {
        let journeys = from_rows(&rows, false);
        let longest = journeys.iter().map(|journey| journey.steps.len()).max().unwrap_or(1);
        let at = markov(&journeys, order(longest)).unwrap();
        prop_assert_eq!(at, markov(&journeys, order(longest + 40)).unwrap());
    }

    #[test]
    fn the_same_journeys_in_another_order_get_the_same_credits(rows in any_rows()) {
        let journeys = from_rows(&rows, false);
        let turned = from_rows(&rows.into_iter().rev().collect(), false);
        let settings = Settings { order: order(2), ..Settings::default() };
        let pair = all(&journeys, settings).unwrap().into_iter();
        for (one, other) in pair.zip(all(&turned, settings).unwrap()) {
            for (name, credit) in journeys.channels().iter().zip(&one.credits) {
                let at = turned.channels().iter().position(|channel| channel == name).unwrap();
                close(credit.conversions, other.credits[at].conversions, one.model);
            }
        }
    }

    #[test]
    fn pooled_rates_add_up_to_the_rate_of_all(rows in any_rows()) {
        let journeys = from_rows(&rows, false);
        let totals = journeys.totals();
        let rates = pooled_rates(&journeys, 1, &mut || 0);
        let sum: f64 = rates.iter().map(|estimate| estimate.rate.conversions).sum();
        close(sum, ratio(totals.conversions, totals.journeys()).unwrap_or(0.0), "sum");
    }
}
