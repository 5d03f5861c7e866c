//! What pairs must come to.

use proptest::prelude::*;

use super::*;
use crate::test_data::{cells, text};

fn close(got: f64, wanted: f64, within: f64) {
    assert!((got - wanted).abs() <= within * wanted.abs().max(1.0), "{got} is not {wanted}");
}

#[test]
fn dunnings_vectors_come_out() {
    for (k, wanted) in [
        ((1, 0, 0, 1), 2.772_589),
        ((10, 0, 0, 10), 27.725_887),
        ((5, 1995, 0, 100_000), 39.330_522),
        ((1000, 1995, 1000, 100_000), 4_730.736_813),
        ((110, 2442, 111, 29_114), 270.721_877),
        ((0, 0, 0, 0), 0.0),
    ] {
        let got = llr(k.0, k.1, k.2, k.3);
        assert!((got - wanted).abs() < 1e-6, "{k:?} gives {got}");
    }
}

#[test]
fn what_is_in_no_basket_has_no_score() {
    let none = Counts { together: 0, a: 0, b: 4, baskets: 9 };
    assert_eq!((none.lift(), none.cosine()), (None, None));
    assert_eq!(Counts { together: 0, a: 0, b: 0, baskets: 9 }.jaccard(), None);
    assert!(none.llr().abs() < f64::EPSILON && !none.attracts());
}

#[test]
fn a_list_leaves_out_what_repels_and_breaks_ties_the_same_way() {
    let mut counts = PairCounts::default();
    for basket in [&["ab", "cd", "cd"][..], &["ab", "cd"], &["ab", "ef"], &["gh"], &["gh"], &[]] {
        counts.add(basket);
    }
    assert_eq!(counts.baskets(), 5);
    let lists = counts.also_bought(Measure::Llr, 6, 1);
    let names: Vec<&str> = lists["ab"].iter().map(|scored| scored.item).collect();
    assert_eq!(names, ["cd", "ef"]);
    assert_eq!(lists["ab"][0].together, 2);
    assert!(!lists.contains_key("gh"));
    assert_eq!(counts.also_bought(Measure::Cosine, 1, 2)["cd"].len(), 1);
    assert!(counts.also_bought(Measure::Lift, 6, 3).is_empty());
    assert_eq!(Measure::parse("jaccard"), Some(Measure::Jaccard));
}

#[test]
fn the_groceries_pairs_are_those_of_the_reference() {
    let Some(rows) = text("retail/groceries_long.csv.gz") else { return };
    let Some(expected) = text("expected/groceries_pairs_all.csv.gz") else { return };
    let mut baskets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in rows.lines().skip(1) {
        let [basket, item] = <[String; 2]>::try_from(cells(line)).unwrap();
        baskets.entry(basket).or_default().push(item);
    }
    let mut counts = PairCounts::default();
    for basket in baskets.values() {
        counts.add(basket);
    }
    assert_eq!((counts.baskets(), counts.items()), (9835, 169));
    let mut pairs = 0;
    for line in expected.lines().skip(1) {
        let row = cells(line);
        let number = |at: usize| row[at].parse::<f64>().unwrap();
        let pair = counts.counts(&row[0], &row[1]);
        assert_eq!(pair.together.to_string(), row[2]);
        close(pair.lift().unwrap(), number(9), 1e-9);
        close(pair.cosine().unwrap(), number(10), 1e-9);
        close(pair.jaccard().unwrap(), number(11), 1e-9);
        close(pair.llr(), number(12), 1e-9);
        pairs += 1;
    }
    assert_eq!((pairs, counts.pairs().count()), (9636, 9636));
}

proptest! {
    #[test]
    fn what_is_counted_out_leaves_no_trace(
        baskets in proptest::collection::vec(proptest::collection::vec(0_u8..12, 0..6), 1..20),
        kept in 0_usize..20,
    ) {
        let kept = kept.min(baskets.len());
        let (stay, go) = baskets.split_at(kept);
        let mut all = PairCounts::default();
        baskets.iter().for_each(|basket| all.add(basket));
        go.iter().rev().for_each(|basket| all.remove(basket));
        let mut some = PairCounts::default();
        stay.iter().for_each(|basket| some.add(basket));
        prop_assert_eq!(&all, &some);
        for (_, _, counts) in some.pairs() {
            prop_assert!(counts.llr() >= 0.0 && counts.llr().is_finite());
            prop_assert!(counts.cosine().unwrap() <= 1.0 + 1e-12);
        }
    }
}
