//! What counts of pairs and lists of partners must come to.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use proptest::prelude::*;

use super::*;
use crate::affinity::Measure;

const MEASURES: [Measure; 4] = [Measure::Llr, Measure::Cosine, Measure::Lift, Measure::Jaccard];
const ONE: NonZeroUsize = NonZeroUsize::MIN;

/// Baskets of a few of `items` products, the lower numbers oftener.
fn baskets(count: u32, items: u32) -> Vec<Vec<u32>> {
    let mut state = 7_u64;
    let mut next = |below: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040);
        u32::try_from((state >> 33) % u64::from(below)).unwrap()
    };
    (0..count)
        .map(|_| {
            let size = 1 + next(6);
            (0..size).map(|_| next(items).min(next(items))).collect()
        })
        .collect()
}

fn held(baskets: &[Vec<u32>]) -> Holdings {
    let each = (0..).zip(baskets);
    let pairs = each.flat_map(|(at, basket)| basket.iter().map(move |item| (at, *item)));
    Holdings::new(&pairs.collect::<Vec<(u32, u32)>>())
}

/// The counts of two products, the long way.
fn counted(baskets: &[Vec<u32>], a: u32, b: u32) -> Counts {
    let with = |wanted: &[u32]| {
        let all = baskets.iter().filter(|basket| wanted.iter().all(|item| basket.contains(item)));
        length(all.count())
    };
    let filled = baskets.iter().filter(|basket| !basket.is_empty());
    let baskets = length(filled.count());
    Counts { together: with(&[a, b]), a: with(&[a]), b: with(&[b]), baskets }
}

/// The partners of one product, the long way.
fn listed(baskets: &[Vec<u32>], item: u32, wish: &Wish) -> Vec<Partner> {
    let others: BTreeSet<u32> = baskets.iter().flatten().copied().collect();
    let mut list: Vec<Partner> = others
        .into_iter()
        .filter(|other| *other != item)
        .filter_map(|other| {
            let counts = counted(baskets, item, other);
            let often = counts.together >= wish.together_min.max(1);
            let wanted = often && (counts.attracts() || !wish.beyond_chance);
            let score = counts.score(wish.measure).filter(|_| wanted)?;
            Some(Partner { item: other, together: counts.together, score })
        })
        .collect();
    list.sort_by(|x, y| {
        let by_number = x.item.cmp(&y.item);
        y.score.total_cmp(&x.score).then(y.together.cmp(&x.together)).then(by_number)
    });
    list.truncate(wish.top);
    list
}

#[test]
fn the_lists_are_those_counted_the_long_way_by_every_measure_and_number_of_threads() {
    let all = baskets(400, 30);
    let holdings = held(&all);
    let every: Vec<u32> = (0..30).take(holdings.items()).collect();
    for measure in MEASURES {
        for (top, beyond_chance) in [(5, true), (3, false), (40, true), (0, true)] {
            let wish = Wish { measure, top, together_min: 2, beyond_chance };
            let lists = holdings.lists(&wish, ONE);
            assert!(lists == holdings.lists(&wish, NonZeroUsize::new(3).unwrap()), "{wish:?}");
            assert!(lists == holdings.lists_of(&every, &wish), "{wish:?}");
            for (item, list) in (0_u32..).zip(&lists) {
                assert_eq!(*list, listed(&all, item, &wish), "{wish:?} {item}");
            }
        }
    }
}

#[test]
fn a_list_leaves_out_what_repels_and_breaks_ties_the_same_way() {
    let holdings = held(&[vec![0, 1, 1], vec![0, 1], vec![0, 2], vec![3], vec![3], vec![]]);
    assert_eq!((holdings.baskets(), holdings.items()), (5, 4));
    let list = |measure, top, together_min| {
        let wish = Wish { measure, top, together_min, beyond_chance: true };
        holdings.lists(&wish, ONE)
    };
    let lists = list(Measure::Llr, 6, 1);
    assert_eq!(lists[0].iter().map(|one| one.item).collect::<Vec<u32>>(), [1, 2]);
    assert_eq!((lists[0][0].together, lists[3].len()), (2, 0));
    assert_eq!(list(Measure::Cosine, 1, 2)[1].len(), 1);
    assert!(list(Measure::Lift, 6, 3).iter().all(Vec::is_empty));
}

#[test]
fn an_order_more_gives_the_lists_of_a_whole_new_pass() {
    let mut all = baskets(300, 25);
    let mut holdings = held(&all);
    all.push(vec![3, 1, 3, 29]);
    holdings.add(300, &[3, 1, 3, 29]);
    all[7].extend([2, 9]);
    holdings.add(7, &[2, 9]);
    let whole = held(&all);
    let wish = Wish { measure: Measure::Llr, top: 6, together_min: 1, beyond_chance: true };
    assert_eq!(holdings.baskets(), whole.baskets());
    let every: Vec<u32> = (0..30).collect();
    assert_eq!(holdings.lists_of(&every, &wish), whole.lists(&wish, ONE));
    assert_eq!(holdings.lists(&wish, ONE), whole.lists(&wish, ONE));
}

#[test]
fn nothing_and_next_to_nothing_have_no_partners() {
    let wish = Wish { measure: Measure::Cosine, top: 6, together_min: 1, beyond_chance: false };
    assert!(Holdings::new(&[]).lists(&wish, ONE).is_empty());
    assert_eq!(Holdings::new(&[(0, 0)]).lists(&wish, ONE), vec![Vec::new()]);
    assert!(Holdings::new(&[(5, 2)]).lists_of(&[9], &wish)[0].is_empty());
    let two = Holdings::new(&[(0, 0), (0, 1), (0, 1)]);
    assert_eq!(two.lists(&wish, ONE)[0], [Partner { item: 1, together: 1, score: 1.0 }]);
    assert_eq!((two.count(9), two.counts(0, 9).together), (0, 0));
}

proptest! {
    #[test]
    fn pairs_are_those_counted_the_long_way_whatever_the_order_they_came_in(
        all in proptest::collection::vec(proptest::collection::vec(0_u32..12, 0..6), 1..20),
        later in 0_usize..20,
    ) {
        let whole = held(&all);
        let later = later.min(all.len());
        let mut grown = held(&all[..later]);
        for (at, basket) in (0_u32..).zip(&all).skip(later) {
            grown.add(at, basket);
        }
        for holdings in [&whole, &grown] {
            let mut found = Vec::new();
            holdings.pairs(1, |a, b, counts| found.push((a, b, counts)));
            found.sort_unstable_by_key(|(a, b, _)| (*a, *b));
            let every = (0..12).flat_map(|a| (a + 1..12).map(move |b| (a, b)));
            let wanted: Vec<(u32, u32, Counts)> = every
                .map(|(a, b)| (a, b, counted(&all, a, b)))
                .filter(|(_, _, counts)| counts.together > 0)
                .collect();
            prop_assert_eq!(&found, &wanted);
            for (a, b, counts) in found {
                prop_assert_eq!(holdings.counts(b, a), Counts { a: counts.b, b: counts.a, ..counts });
                prop_assert!(counts.llr() >= 0.0 && counts.llr().is_finite());
                prop_assert!(counts.cosine().unwrap() <= 1.0 + 1e-12);
            }
        }
    }
}
