//! What pairs must come to.

use std::collections::{BTreeMap, BTreeSet};

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

/// The baskets of the groceries, in the order of their numbers as text.
fn groceries() -> Option<Vec<Vec<String>>> {
    let rows = text("retail/groceries_long.csv.gz")?;
    let mut baskets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in rows.lines().skip(1) {
        let [basket, item] = <[String; 2]>::try_from(cells(line)).unwrap();
        baskets.entry(basket).or_default().push(item);
    }
    Some(baskets.into_values().collect())
}

/// Baskets of products by their numbers, and the names of these.
struct Named {
    holdings: Holdings,
    names: Vec<String>,
}

impl Named {
    fn of(baskets: &[Vec<String>]) -> Self {
        let names: BTreeSet<&String> = baskets.iter().flatten().collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        let number = |name| u32::try_from(names.binary_search(name).unwrap()).unwrap();
        let each = (0..).zip(baskets);
        let pairs = each.flat_map(|(at, items)| items.iter().map(move |item| (at, number(item))));
        let holdings = Holdings::new(&pairs.collect::<Vec<(u32, u32)>>());
        Self { holdings, names }
    }

    fn counts(&self, a: &String, b: &String) -> Counts {
        let number = |name| u32::try_from(self.names.binary_search(name).unwrap()).unwrap();
        self.holdings.counts(number(a), number(b))
    }

    fn pairs(&self) -> Vec<Counts> {
        let mut all = Vec::new();
        self.holdings.pairs(1, |_, _, counts| all.push(counts));
        all
    }
}

#[test]
fn the_groceries_pairs_are_those_of_the_reference() {
    let Some(baskets) = groceries() else { return };
    let Some(expected) = text("expected/groceries_pairs_all.csv.gz") else { return };
    let counts = Named::of(&baskets);
    assert_eq!((counts.holdings.baskets(), counts.names.len()), (9835, 169));
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
    assert_eq!((pairs, counts.pairs().len()), (9636, 9636));
}

/// Baskets of the retailer by the clean rule: a customer, no cancellation, quantity and price above
/// zero, and codes that are products.
fn retail() -> Option<Vec<Vec<String>>> {
    let rows = text("retail/online_retail_2010-12_2011-03.csv.gz")?;
    let mut baskets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in rows.lines().skip(1) {
        let row = cells(line);
        let above_zero = |at: usize| row[at].parse::<f64>().unwrap() > 0.0;
        let sold = !row[6].is_empty() && !row[0].starts_with('C');
        let code = row[1].to_uppercase();
        let product = code.len() >= 5
            && code.bytes().take(5).all(|byte| byte.is_ascii_digit())
            && code.bytes().skip(5).all(|byte| byte.is_ascii_uppercase());
        if sold && product && above_zero(3) && above_zero(5) {
            baskets.entry(row[0].clone()).or_default().push(code);
        }
    }
    Some(baskets.into_values().collect())
}

#[test]
fn the_retail_pairs_are_those_of_the_reference() {
    let Some(baskets) = retail() else { return };
    let counts = Named::of(&baskets);
    let pairs = counts.pairs();
    let sizes = (counts.holdings.baskets(), counts.names.len(), pairs.len());
    assert_eq!(sizes, (4681, 2877, 806_408));
    assert_eq!(pairs.iter().map(|pair| pair.together).sum::<u64>(), 1_749_313);
    let by = |of: fn(&Counts) -> f64, together_min: u64| {
        let often = pairs.iter().filter(|pair| pair.together >= together_min);
        let mut pairs: Vec<f64> = often.map(of).collect();
        pairs.sort_by(|x, y| y.total_cmp(x));
        pairs
    };
    for (file, column, best) in [
        ("count", 2, by(|pair| real(pair.together), 1)),
        ("llr", 12, by(|pair| pair.llr(), 1)),
        ("cosine_min30", 10, by(|pair| pair.cosine().unwrap(), 30)),
        ("lift_min30", 9, by(|pair| pair.lift().unwrap(), 30)),
    ] {
        let path = format!("expected/online_retail_dev_pairs_top_{file}.csv.gz");
        let Some(expected) = text(&path) else { return };
        let mut rows = 0;
        for (line, best) in expected.lines().skip(1).zip(&best) {
            let row = cells(line);
            let number = |at: usize| row[at].parse::<f64>().unwrap();
            let pair = counts.counts(&row[0], &row[1]);
            close(*best, number(column), 1e-9);
            close(real(pair.together), number(2), 1e-9);
            close(pair.lift().unwrap(), number(9), 1e-9);
            close(pair.cosine().unwrap(), number(10), 1e-9);
            close(pair.jaccard().unwrap(), number(11), 1e-9);
            close(pair.llr(), number(12), 1e-9);
            rows += 1;
        }
        assert_eq!(rows, 300, "{file}");
    }
}

#[test]
fn the_groceries_rules_are_those_of_the_reference() {
    let Some(baskets) = groceries() else { return };
    let Some(expected) = text("expected/groceries.json") else { return };
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    let limits = |support_min, confidence_min, right_max| RuleLimits {
        support_min,
        confidence_min,
        right_max,
        ..RuleLimits::default()
    };
    let found = |limits| association_rules(&baskets, limits).unwrap();
    let sure = found(limits(0.001, 0.8, 1));
    assert_eq!(sure.len(), 410);
    assert_eq!(sure[0].left, ["liquor", "red/blush wine"]);
    assert_eq!(
        (sure[0].right.as_slice(), sure[0].together),
        (&["bottled beer".to_owned()][..], 19)
    );
    close(sure[0].confidence, 0.904_761_9, 1e-7);
    close(sure[0].lift, 11.235_27, 1e-6);
    let common = found(limits(0.006, 0.25, 1));
    assert_eq!(common.len(), 463);
    let herbs = common.iter().find(|rule| rule.left == ["herbs"]).unwrap();
    assert_eq!(herbs.right, ["root vegetables"]);
    close(herbs.support, 0.007_015_760, 1e-7);
    close(herbs.confidence, 0.431_25, 1e-9);
    close(herbs.lift, 3.956_477, 1e-6);
    // With more than one on the right as well.
    let all = found(limits(0.006, 0.25, usize::MAX));
    assert_eq!(all.len(), 467);
    let wanted = expected["groceries"]["top_rules"].as_array().unwrap();
    for (rule, wanted) in all.iter().zip(wanted) {
        assert_eq!(serde_json::json!(rule.left), wanted["lhs"]);
        assert_eq!(serde_json::json!(rule.right), wanted["rhs"]);
        close(rule.support, wanted["support"].as_f64().unwrap(), 1e-9);
        close(rule.confidence, wanted["confidence"].as_f64().unwrap(), 1e-9);
        close(rule.lift, wanted["lift"].as_f64().unwrap(), 1e-9);
    }
    assert_eq!(wanted.len(), 10);
}

#[test]
fn rules_without_baskets_or_without_end_are_said() {
    let none: [Vec<u32>; 2] = [Vec::new(), Vec::new()];
    assert_eq!(association_rules(&none, RuleLimits::default()), Ok(Vec::new()));
    let wide: Vec<u32> = (0..60).collect();
    let limits = RuleLimits { support_min: 0.0, ..RuleLimits::default() };
    assert_eq!(association_rules(std::slice::from_ref(&wide), limits), Err(TooManySets));
    let pairs = RuleLimits { items_max: 2, ..limits };
    assert_eq!(association_rules(&[wide], pairs).unwrap().len(), 60 * 59);
    assert!(TooManySets.to_string().contains("support"));
}
