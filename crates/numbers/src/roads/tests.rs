//! What roads must come to.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::test_data::{journeys, text};

fn channel(name: &str) -> Place {
    Place::Channel(name.to_owned())
}

fn find<'a>(edges: &'a [Edge], from: &Place, to: &Place) -> Option<&'a Edge> {
    edges.iter().find(|edge| edge.from == *from && edge.to == *to)
}

#[test]
fn equal_paths_are_one_and_the_best_come_first() {
    let journeys = journeys(&[
        ("search > mail", 2.0, 30.0, 1.0),
        ("social", 2.0, 90.0, 5.0),
        ("search > mail", 1.0, 5.0, 0.0),
        ("direct", 0.0, 0.0, 9.0),
        ("mail", 1.0, 7.0, 0.0),
    ]);
    let got = roads(&journeys, View { paths_max: 2, ..View::default() });
    assert_eq!(got.paths.len(), 2);
    assert_eq!(got.paths[0].path, ["search", "mail"]);
    assert_eq!((got.paths[0].orders, got.paths[0].value, got.paths[0].lost), (3.0, 35.0, 1.0));
    assert_eq!(got.paths[0].rate(), Some(0.75));
    let other = Outcomes { conversions: 1.0, value: 7.0, nulls: 0.0 };
    assert_eq!(got.other, Some(other), "direct sold nothing and is no road to an order");
    assert_eq!(roads(&journeys, View::default()).other, None);
}

#[test]
fn each_step_says_how_many_came_bought_and_were_lost() {
    let journeys =
        journeys(&[("a > b > c", 1.0, 10.0, 2.0), ("a > b", 0.0, 0.0, 4.0), ("b", 3.0, 6.0, 0.0)]);
    let steps = roads(&journeys, View::default()).steps;
    let table: Vec<(f64, f64, f64, f64)> =
        steps.iter().map(|step| (step.reached, step.ordered, step.lost, step.went_on())).collect();
    assert_eq!(table, [(10.0, 3.0, 0.0, 7.0), (7.0, 0.0, 4.0, 3.0), (3.0, 1.0, 2.0, 0.0)]);
    assert_eq!(steps[1].drop_off(), Some(4.0 / 7.0));
    assert_eq!((steps[0].touch, steps[2].value), (1, 10.0));
}

#[test]
fn edges_go_from_the_start_to_an_order_or_nowhere() {
    let journeys = journeys(&[("a > b > a", 1.0, 10.0, 2.0), ("a > b", 1.0, 4.0, 0.0)]);
    let got = roads(&journeys, View { flow_touches_max: 2, ..View::default() });
    let both = find(&got.edges, &channel("a"), &channel("b")).unwrap();
    assert_eq!((both.journeys, both.orders, both.value, both.step), (4.0, 2.0, 14.0, None));
    assert_eq!(find(&got.edges, &Place::Start, &channel("a")).unwrap().journeys, 4.0);
    assert_eq!(find(&got.edges, &channel("a"), &Place::Order).unwrap().value, 10.0);
    assert_eq!(find(&got.edges, &channel("a"), &Place::Lost).unwrap().journeys, 2.0);
    assert_eq!(find(&got.edges, &channel("b"), &Place::Lost), None);
    let further = find(&got.flow, &channel("b"), &Place::Further).unwrap();
    assert_eq!((further.step, further.journeys), (Some(2), 3.0));
    assert_eq!(find(&got.flow, &Place::Further, &Place::Order).unwrap().step, Some(3));
    assert_eq!(find(&got.flow, &channel("b"), &Place::Order).unwrap().step, Some(2));
}

#[test]
fn repeats_are_one_step_where_asked_for() {
    let journeys = journeys(&[("a > a > b", 1.0, 0.0, 0.0), ("a > b > b", 1.0, 0.0, 0.0)]);
    assert_eq!(roads(&journeys, View::default()).paths.len(), 2);
    let got = roads(&journeys, View { repeats: Repeats::Collapsed, ..View::default() });
    assert_eq!((got.paths.len(), got.paths[0].orders, got.steps.len()), (1, 2.0, 2));
}

#[test]
fn no_journeys_make_no_roads() {
    assert_eq!(roads(&Journeys::default(), View::default()), Roads::default());
    let idle = journeys(&[("a", 0.0, 0.0, 0.0)]);
    assert_eq!(roads(&idle, View::default()), Roads::default());
}

#[test]
fn the_flows_of_the_path_data_lose_nobody() {
    let Some(rows) = text("attribution/pathdata.csv.gz") else { return };
    let journeys = crate::test_data::paths(&rows);
    let got = roads(&journeys, View::default());
    assert!(got.paths.len() == 20 && got.other.is_some());
    let totals = journeys.totals();
    let near = |got: f64, wanted: f64| (got - wanted).abs() < 1e-6;
    for edges in [&got.edges, &got.flow] {
        let into = |place: &Place, of: fn(&Edge) -> f64| {
            edges.iter().filter(|edge| edge.to == *place).map(of).sum::<f64>()
        };
        assert!(near(into(&Place::Order, |edge| edge.journeys), totals.conversions));
        assert!(near(into(&Place::Order, |edge| edge.value), totals.value));
        assert!(near(into(&Place::Lost, |edge| edge.journeys), totals.nulls));
    }
    assert!(near(got.steps[0].reached, totals.journeys()));
    assert!(near(got.steps.iter().map(|step| step.ordered).sum(), totals.conversions));
    // What comes into a place of the drawing goes out of it.
    for (step, place) in got.flow.iter().map(|edge| (edge.step.unwrap(), &edge.to)) {
        if matches!(place, Place::Channel(_) | Place::Further) {
            let sum = |of: &dyn Fn(&Edge) -> bool| {
                got.flow.iter().filter(|edge| of(edge)).map(|edge| edge.journeys).sum::<f64>()
            };
            let came = sum(&|edge| edge.step == Some(step) && edge.to == *place);
            let went = sum(&|edge| edge.step == Some(step + 1) && edge.from == *place);
            assert!(near(came, went), "{place:?} at {step}");
        }
    }
}

/// Paths over five channels, each with orders, their value, and how often it was lost.
type Rows = Vec<(Vec<usize>, u32, u32, u32)>;

fn any_rows() -> impl Strategy<Value = Rows> {
    let row = (prop::collection::vec(0_usize..5, 1..9), 0_u32..4, 0_u32..1_000, 0_u32..5);
    prop::collection::vec(row, 0..14)
}

fn from_rows(rows: &Rows) -> Journeys {
    let mut journeys = Journeys::default();
    for (path, orders, value, lost) in rows {
        let value = if *orders > 0 { f64::from(*value) } else { 0.0 };
        let outcomes = Outcomes { conversions: f64::from(*orders), value, nulls: f64::from(*lost) };
        let names: Vec<&str> = path.iter().map(|at| ["a", "b", "c", "d", "e"][*at]).collect();
        journeys.add(&names, outcomes).unwrap();
    }
    journeys
}

/// What came into a place by the edges, less what went out of it: journeys, orders, value.
type Balance = BTreeMap<(Option<usize>, Place), [f64; 3]>;

/// Of all places between the start and the ends. An edge of a step leads to the places of that
/// step, and from those of the step before it.
fn balance(edges: &[Edge]) -> Balance {
    let mut sums = Balance::new();
    let mut count = |step, place: &Place, sign: f64, edge: &Edge| {
        if matches!(place, Place::Channel(_) | Place::Further) {
            let sum = sums.entry((step, place.clone())).or_default();
            let figures = [edge.journeys, edge.orders, edge.value];
            sum.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += sign * figure);
        }
    };
    for edge in edges {
        count(edge.step, &edge.to, 1.0, edge);
        count(edge.step.and_then(|step| step.checked_sub(1)), &edge.from, -1.0, edge);
    }
    sums
}

proptest! {
    #[test]
    fn nobody_is_lost_or_made_up_on_the_roads_whatever_the_order(
        rows in any_rows(),
        collapsed in any::<bool>(),
        paths_max in 0_usize..6,
        flow_touches_max in 0_usize..5,
        turn in 0_usize..14,
    ) {
        let repeats = if collapsed { Repeats::Collapsed } else { Repeats::Kept };
        let view = View { repeats, paths_max, flow_touches_max };
        let journeys = from_rows(&rows);
        let totals = journeys.totals();
        let got = roads(&journeys, view);
        let near = |got: f64, wanted: f64| (got - wanted).abs() < 1e-6;

        // Paths: every order is on one, and what it brought.
        let other = got.other.unwrap_or_default();
        let orders = got.paths.iter().map(|road| road.orders).sum::<f64>();
        let value = got.paths.iter().map(|road| road.value).sum::<f64>();
        prop_assert!(got.paths.len() <= paths_max);
        prop_assert!(near(orders + other.conversions, totals.conversions));
        prop_assert!(near(value + other.value, totals.value));

        // Flows: who comes goes on, and all end in an order or nowhere.
        for edges in [&got.edges, &got.flow] {
            let at = |place: &Place, of: fn(&Edge) -> f64, end: fn(&Edge) -> &Place| {
                edges.iter().filter(|edge| end(edge) == place).map(of).sum::<f64>()
            };
            prop_assert!(near(at(&Place::Start, |e| e.journeys, |e| &e.from), totals.journeys()));
            prop_assert!(near(at(&Place::Order, |e| e.journeys, |e| &e.to), totals.conversions));
            prop_assert!(near(at(&Place::Order, |e| e.orders, |e| &e.to), totals.conversions));
            prop_assert!(near(at(&Place::Order, |e| e.value, |e| &e.to), totals.value));
            prop_assert!(near(at(&Place::Lost, |e| e.journeys, |e| &e.to), totals.nulls));
            let kept = balance(edges);
            // Orders leave by the edge to the order alone: of those who go on, all that order do.
            prop_assert!(kept.values().flatten().all(|off| near(*off, 0.0)), "{kept:?}");
        }

        // Steps: of all who begin, some order, some are lost, and the others come to the next.
        let first = got.steps.first().map_or(0.0, |step| step.reached);
        prop_assert!(near(first, totals.journeys()));
        for (at, step) in got.steps.iter().enumerate() {
            let next = got.steps.get(at + 1).map_or(0.0, |next| next.reached);
            prop_assert!(near(step.went_on(), next));
        }
        prop_assert!(near(got.steps.iter().map(|step| step.value).sum(), totals.value));

        // In another order, the channels named in another order too, it is the same.
        let mut turned = rows.clone();
        turned.rotate_left(turn.min(rows.len()));
        turned.reverse();
        let again = roads(&from_rows(&turned), view);
        prop_assert_eq!(&again.paths, &got.paths);
        prop_assert_eq!(again.other, got.other);
        prop_assert_eq!(&again.edges, &got.edges);
        prop_assert_eq!(&again.steps, &got.steps);
        let sorted = |mut edges: Vec<Edge>| {
            edges.sort_by(|x, y| (x.step, &x.from, &x.to).cmp(&(y.step, &y.from, &y.to)));
            edges
        };
        prop_assert_eq!(sorted(again.flow), sorted(got.flow));
    }
}
