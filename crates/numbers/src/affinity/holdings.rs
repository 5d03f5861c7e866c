//! The strongest partners of every product at once, and of a few after one more order.
//!
//! Baskets and products are small whole numbers here, so that both ways round (which products a
//! basket holds, which baskets hold a product) are flat lists. The pairs of one product are counted
//! into one row that is used again for the next; no table of all pairs is ever made. Each pass over
//! `b` baskets of `k` products takes b·k² steps.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Counts, Measure};
use crate::real::real;

/// Products a worker takes at a time: small enough that no worker waits long for the last.
const AT_ONCE: usize = 32;
/// Rounding, beyond which one cosine is less than another.
const SAME: f64 = 1e-9;

/// Which partners are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// What ranks them.
    pub measure: Measure,
    /// How many of each product.
    pub top: usize,
    /// Together in so many baskets at least.
    pub together_min: u64,
    /// Only pairs that are together more often than by chance.
    pub beyond_chance: bool,
}

/// One product that goes with another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Partner {
    /// Which.
    pub item: u32,
    /// Baskets with both.
    pub together: u64,
    /// By the measure asked for.
    pub score: f64,
}

/// Which baskets hold which products.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    /// The products of all baskets one after another, and where each basket's begin.
    items: Vec<u32>,
    starts: Vec<usize>,
    /// Baskets that came or grew since: theirs are here, whole.
    grown: BTreeMap<u32, Vec<u32>>,
    /// The baskets of each product.
    holders: Vec<Vec<u32>>,
    /// How many these are: small enough to stay at hand while pairs are weighed.
    sizes: Vec<u32>,
    baskets: u64,
    /// n·ln n up to the number of baskets, for log-likelihood ratios.
    n_ln_n: Vec<f64>,
}

impl Holdings {
    /// From pairs of a basket and a product in it, in any order; a pair twice counts once.
    pub fn new(pairs: &[(u32, u32)]) -> Self {
        let baskets = pairs.iter().map(|(basket, _)| place(*basket) + 1).max().unwrap_or(0);
        let mut sizes = vec![0_usize; baskets];
        for (basket, _) in pairs {
            sizes.get_mut(place(*basket)).into_iter().for_each(|size| *size += 1);
        }
        let mut at = 0;
        let mut next: Vec<usize> = Vec::with_capacity(baskets);
        for size in &sizes {
            next.push(at);
            at += size;
        }
        let mut sorted = vec![0_u32; pairs.len()];
        for (basket, item) in pairs {
            let Some(next) = next.get_mut(place(*basket)) else { continue };
            sorted.get_mut(*next).into_iter().for_each(|slot| *slot = *item);
            *next += 1;
        }
        let mut holdings = Self::default();
        holdings.items.reserve(pairs.len());
        let mut from = 0;
        for (basket, size) in (0_u32..).zip(sizes) {
            holdings.starts.push(holdings.items.len());
            let basket_items = sorted.get_mut(from..from + size).unwrap_or_default();
            basket_items.sort_unstable();
            let first = holdings.items.len();
            for item in basket_items.iter() {
                let is_new = holdings.items.len() == first || holdings.items.last() != Some(item);
                if is_new {
                    holdings.items.push(*item);
                    holdings.hold(*item, basket);
                }
            }
            holdings.baskets += u64::from(size > 0);
            from += size;
        }
        holdings.starts.push(holdings.items.len());
        holdings.know_logs();
        holdings
    }

    /// Counts products into a basket, new or known.
    pub fn add(&mut self, basket: u32, items: &[u32]) {
        let before = self.of(basket).to_vec();
        let mut after = before.clone();
        for item in items {
            if !after.contains(item) {
                after.push(*item);
                self.hold(*item, basket);
            }
        }
        self.baskets += u64::from(before.is_empty() && !after.is_empty());
        self.grown.insert(basket, after);
        self.know_logs();
    }

    /// Baskets with anything in them.
    pub fn baskets(&self) -> u64 {
        self.baskets
    }

    /// One past the largest product.
    pub fn items(&self) -> usize {
        self.holders.len()
    }

    /// Baskets that hold a product.
    pub fn count(&self, item: u32) -> u64 {
        self.holders.get(place(item)).map_or(0, |holders| length(holders.len()))
    }

    /// The partners of every product, by its number, worked out by so many threads.
    pub fn lists(&self, wish: &Wish, threads: NonZeroUsize) -> Vec<Vec<Partner>> {
        let next = AtomicUsize::new(0);
        let mut lists: Vec<Vec<Partner>> = vec![Vec::new(); self.items()];
        let work = || {
            let mut row = Row::of(self.items());
            let mut done = Vec::new();
            loop {
                let from = next.fetch_add(AT_ONCE, Ordering::Relaxed);
                let part: Range<usize> = from..self.items().min(from.saturating_add(AT_ONCE));
                if part.is_empty() {
                    return done;
                }
                for item in part {
                    done.push((item, self.list_with(item, wish, &mut row)));
                }
            }
        };
        let done: Vec<(usize, Vec<Partner>)> = if threads.get() == 1 {
            work()
        } else {
            std::thread::scope(|scope| {
                let workers: Vec<_> = (0..threads.get()).map(|_| scope.spawn(work)).collect();
                workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
            })
        };
        for (item, list) in done {
            if let Some(slot) = lists.get_mut(item) {
                *slot = list;
            }
        }
        lists
    }

    /// The partners of some products, as after an order that held them.
    pub fn lists_of(&self, items: &[u32], wish: &Wish) -> Vec<Vec<Partner>> {
        let mut row = Row::of(self.items());
        items.iter().map(|item| self.list_with(place(*item), wish, &mut row)).collect()
    }

    fn list_with(&self, item: usize, wish: &Wish, row: &mut Row) -> Vec<Partner> {
        let Some(holders) = self.holders.get(item) else { return Vec::new() };
        for basket in holders {
            row.count(self.of(*basket));
        }
        let own = length(holders.len());
        let mut best = Best { top: wish.top, list: Vec::with_capacity(wish.top + 1) };
        for other in row.met.drain(..) {
            let Some(count) = row.with.get_mut(place(other)) else { continue };
            let together = u64::from(std::mem::take(count));
            if place(other) == item || together < wish.together_min.max(1) {
                continue;
            }
            let counts = Counts {
                together,
                a: own,
                b: self.sizes.get(place(other)).copied().map_or(0, u64::from),
                baskets: self.baskets,
            };
            // Most are worse than the worst that is kept: told without a root or a quotient.
            let square = real(counts.together) * real(counts.together);
            let worst = best.worst() * best.worst() * (1.0 - SAME);
            let is_beaten = square < worst * real(counts.a) * real(counts.b);
            if wish.measure == Measure::Cosine && is_beaten {
                continue;
            }
            if wish.beyond_chance && !counts.attracts() {
                continue;
            }
            if let Some(score) = self.score(counts, wish.measure) {
                best.offer(Partner { item: other, together, score });
            }
        }
        best.list
    }

    fn score(&self, counts: Counts, measure: Measure) -> Option<f64> {
        if measure != Measure::Llr {
            return counts.score(measure);
        }
        // The same as `llr` with its logarithms looked up: Σ cells − Σ rows − Σ columns + whole.
        let Counts { together, a, b, baskets } = counts;
        let known = |n: u64| {
            usize::try_from(n).ok().and_then(|n| self.n_ln_n.get(n)).copied().unwrap_or(0.0)
        };
        let neither = (baskets + together).saturating_sub(a + b);
        let cells = known(together) + known(a - together) + known(b - together) + known(neither);
        let sides = known(a) + known(baskets - a) + known(b) + known(baskets - b);
        Some((2.0 * (cells - sides + known(baskets))).max(0.0))
    }

    /// The products of a basket.
    fn of(&self, basket: u32) -> &[u32] {
        if !self.grown.is_empty()
            && let Some(items) = self.grown.get(&basket)
        {
            return items;
        }
        let at = place(basket);
        let (Some(from), Some(to)) = (self.starts.get(at), self.starts.get(at + 1)) else {
            return &[];
        };
        self.items.get(*from..*to).unwrap_or_default()
    }

    fn hold(&mut self, item: u32, basket: u32) {
        if self.holders.len() <= place(item) {
            self.holders.resize(place(item) + 1, Vec::new());
            self.sizes.resize(place(item) + 1, 0);
        }
        self.holders.get_mut(place(item)).into_iter().for_each(|holders| holders.push(basket));
        self.sizes.get_mut(place(item)).into_iter().for_each(|size| *size += 1);
    }

    fn know_logs(&mut self) {
        for n in length(self.n_ln_n.len())..=self.baskets {
            self.n_ln_n.push(if n < 2 { 0.0 } else { real(n) * real(n).ln() });
        }
    }
}

/// How often each product was met beside one, and which were met at all.
struct Row {
    with: Vec<u32>,
    met: Vec<u32>,
}

impl Row {
    fn of(items: usize) -> Self {
        Self { with: vec![0; items], met: Vec::with_capacity(items) }
    }

    fn count(&mut self, items: &[u32]) {
        for item in items {
            let Some(count) = self.with.get_mut(place(*item)) else { continue };
            if *count == 0 {
                self.met.push(*item);
            }
            *count += 1;
        }
    }
}

/// The best so far, the best first; equal scores fall to the more frequent pair, then to the
/// smaller number, so that the answer is the same every time.
struct Best {
    top: usize,
    list: Vec<Partner>,
}

impl Best {
    /// What a partner must reach to be kept; nothing while there is room.
    fn worst(&self) -> f64 {
        let last = self.list.last().filter(|_| self.list.len() >= self.top);
        last.map_or(0.0, |last| last.score)
    }

    fn offer(&mut self, new: Partner) {
        let is_before = |one: &Partner, other: &Partner| {
            one.score
                .total_cmp(&other.score)
                .then(one.together.cmp(&other.together))
                .then(other.item.cmp(&one.item))
                .is_gt()
        };
        if self.list.len() >= self.top && self.list.last().is_none_or(|last| !is_before(&new, last))
        {
            return;
        }
        let at = self.list.partition_point(|known| is_before(known, &new));
        self.list.insert(at, new);
        self.list.truncate(self.top);
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn length(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::PairCounts;
    use super::*;

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

    fn pairs(baskets: &[Vec<u32>]) -> Vec<(u32, u32)> {
        let each = (0..).zip(baskets);
        each.flat_map(|(at, basket)| basket.iter().map(move |item| (at, *item))).collect()
    }

    const ONE: NonZeroUsize = NonZeroUsize::MIN;

    #[test]
    fn the_lists_are_those_of_the_counts_by_every_measure_and_number_of_threads() {
        let all = baskets(400, 30);
        let holdings = Holdings::new(&pairs(&all));
        let counts = PairCounts::from_baskets(&all);
        for measure in [Measure::Llr, Measure::Cosine, Measure::Lift, Measure::Jaccard] {
            let wish = Wish { measure, top: 5, together_min: 2, beyond_chance: true };
            let wanted = counts.also_bought(measure, 5, 2);
            let lists = holdings.lists(&wish, ONE);
            assert_eq!(lists, holdings.lists(&wish, NonZeroUsize::new(3).unwrap()));
            for (item, list) in (0_u32..).zip(&lists) {
                let wanted = wanted.get(&item).cloned().unwrap_or_default();
                assert_eq!(list.len(), wanted.len(), "{measure:?} {item}");
                for (one, other) in list.iter().zip(&wanted) {
                    let same = (one.score - other.score).abs() < 1e-9 * other.score.max(1.0);
                    assert!(same, "{measure:?} {item}: {one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn an_order_more_gives_the_lists_of_a_whole_new_pass() {
        let mut all = baskets(300, 25);
        let mut holdings = Holdings::new(&pairs(&all));
        all.push(vec![3, 1, 3, 29]);
        holdings.add(300, &[3, 1, 3, 29]);
        all[7].extend([2, 9]);
        holdings.add(7, &[2, 9]);
        let whole = Holdings::new(&pairs(&all));
        let wish = Wish { measure: Measure::Llr, top: 6, together_min: 1, beyond_chance: true };
        assert_eq!(holdings.baskets(), whole.baskets());
        let every: Vec<u32> = (0..30).collect();
        assert_eq!(holdings.lists_of(&every, &wish), whole.lists(&wish, ONE));
    }

    #[test]
    fn nothing_and_next_to_nothing_have_no_partners() {
        let wish = Wish { measure: Measure::Cosine, top: 6, together_min: 1, beyond_chance: false };
        assert!(Holdings::new(&[]).lists(&wish, ONE).is_empty());
        assert_eq!(Holdings::new(&[(0, 0)]).lists(&wish, ONE), vec![Vec::new()]);
        assert!(Holdings::new(&[(5, 2)]).lists_of(&[9], &wish)[0].is_empty());
        let two = Holdings::new(&[(0, 0), (0, 1), (0, 1)]);
        assert_eq!(two.lists(&wish, ONE)[0], [Partner { item: 1, together: 1, score: 1.0 }]);
    }
}
