//! The strongest partners of products.

use std::cmp::Ordering;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{self, AtomicUsize};

use super::{Holdings, Row, usized};
use crate::affinity::{Counts, Measure};

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

impl Holdings {
    /// The partners of every product, by its number, the best first; worked out by so many threads.
    /// Equal scores fall to the more frequent pair, then to the smaller number, so that the answer
    /// is the same every time.
    pub fn lists(&self, wish: &Wish, threads: NonZeroUsize) -> Vec<Vec<Partner>> {
        let next = AtomicUsize::new(0);
        let places = self.items.len();
        let work = || {
            let mut row = Row::of(places);
            let mut lists = Lists::of(self, wish);
            loop {
                let from = next.fetch_add(AT_ONCE, atomic::Ordering::Relaxed);
                let part: Range<usize> = from..places.min(from.saturating_add(AT_ONCE));
                if part.is_empty() {
                    return lists.best;
                }
                for place in part.filter_map(|place| u32::try_from(place).ok()) {
                    self.count_later(place, &mut row);
                    row.take(|other, together| lists.meet(place, other, together));
                }
            }
        };
        let best = if threads.get() == 1 {
            work()
        } else {
            std::thread::scope(|scope| {
                let workers: Vec<_> = (0..threads.get()).map(|_| scope.spawn(work)).collect();
                let parts = workers.into_iter().filter_map(|worker| worker.join().ok());
                parts.reduce(|all, part| merged(all, part, wish.top)).unwrap_or_default()
            })
        };
        let mut lists = vec![Vec::new(); self.items()];
        for ((place, item), best) in (0_u32..).zip(&self.items).zip(best) {
            let list = self.settled(place, best, wish.measure);
            if let Some(slot) = lists.get_mut(usized(*item)) {
                *slot = list;
            }
        }
        lists
    }

    /// The partners of some products, as after an order that held them.
    pub fn lists_of(&self, items: &[u32], wish: &Wish) -> Vec<Vec<Partner>> {
        let mut row = Row::of(self.items.len());
        let mut list = |item: &u32| {
            self.place(*item).map_or_else(Vec::new, |place| self.list_with(place, wish, &mut row))
        };
        items.iter().map(&mut list).collect()
    }

    fn list_with(&self, place: u32, wish: &Wish, row: &mut Row) -> Vec<Partner> {
        for basket in self.holders_of(place) {
            row.count(self.of(*basket).iter());
        }
        let mut best = Best::default();
        row.take(|other, together| {
            if other != place
                && let Some(partner) = self.weigh(wish, (place, other), together)
            {
                best.offer(partner, wish.top);
            }
        });
        self.settled(place, best, wish.measure)
    }

    /// The second of a pair as a partner of the first, where it is wanted.
    fn weigh(&self, wish: &Wish, (a, b): (u32, u32), together: u32) -> Option<Partner> {
        let counts = self.counts_at(a, b, u64::from(together));
        if counts.together < wish.together_min || (wish.beyond_chance && !counts.attracts()) {
            return None;
        }
        let score = match wish.measure {
            Measure::Llr => self.llr_looked_up(counts),
            other => counts.score(other)?,
        };
        let item = self.items.get(usized(b)).copied()?;
        Some(Partner { item, together: counts.together, score })
    }

    /// The same as `llr` with its logarithms looked up: Σ cells − Σ rows − Σ columns + whole.
    fn llr_looked_up(&self, Counts { together, a, b, baskets }: Counts) -> f64 {
        let known = |n: u64| {
            usize::try_from(n).ok().and_then(|n| self.n_ln_n.get(n)).copied().unwrap_or(0.0)
        };
        let neither = (baskets + together).saturating_sub(a + b);
        let cells = known(together) + known(a - together) + known(b - together) + known(neither);
        let sides = known(a) + known(baskets - a) + known(b) + known(baskets - b);
        (2.0 * (cells - sides + known(baskets))).max(0.0)
    }

    /// Scores that were looked up are good to rank by; those that are kept get all their digits.
    fn settled(&self, place: u32, best: Best, measure: Measure) -> Vec<Partner> {
        let mut list = best.0;
        if measure == Measure::Llr {
            for one in &mut list {
                let other = self.place(one.item).unwrap_or(place);
                one.score = self.counts_at(place, other, one.together).llr();
            }
            list.sort_by(|x, y| y.rank(x));
        }
        list
    }
}

/// The best partners of every product so far.
struct Lists<'a> {
    holdings: &'a Holdings,
    wish: &'a Wish,
    best: Vec<Best>,
    bars: Vec<Bar>,
}

/// What a product asks of a partner by cosine: t² ≥ `floor` · `size` of the other.
#[derive(Clone, Copy)]
struct Bar {
    size: f64,
    floor: f64,
}

impl<'a> Lists<'a> {
    fn of(holdings: &'a Holdings, wish: &'a Wish) -> Self {
        let bar = |size: &u32| Bar { size: f64::from(*size), floor: 0.0 };
        let bars = holdings.sizes.iter().map(bar).collect();
        Self { holdings, wish, best: vec![Best::default(); holdings.items.len()], bars }
    }

    /// Offers the two of a pair to one another.
    fn meet(&mut self, place: u32, other: u32, together: u32) {
        let bar = |of: u32| self.bars.get(usized(of)).copied();
        let (Some(one), Some(two)) = (bar(place), bar(other)) else { return };
        // Most are worse than the worst that is kept: told without a root or a quotient.
        let square = f64::from(together) * f64::from(together);
        if square < (one.floor * two.size).min(two.floor * one.size) {
            return;
        }
        let Some(partner) = self.holdings.weigh(self.wish, (place, other), together) else {
            return;
        };
        let Some(item) = self.holdings.items.get(usized(place)).copied() else { return };
        self.offer(place, partner);
        self.offer(other, Partner { item, ..partner });
    }

    fn offer(&mut self, to: u32, partner: Partner) {
        let (Some(best), Some(bar)) =
            (self.best.get_mut(usized(to)), self.bars.get_mut(usized(to)))
        else {
            return;
        };
        if best.offer(partner, self.wish.top) && self.wish.measure == Measure::Cosine {
            let worst = best.worst(self.wish.top);
            bar.floor = worst * worst * bar.size * (1.0 - SAME);
        }
    }
}

fn merged(mut all: Vec<Best>, part: Vec<Best>, top: usize) -> Vec<Best> {
    for (best, more) in all.iter_mut().zip(part) {
        for one in more.0 {
            best.offer(one, top);
        }
    }
    all
}

/// The best so far, the best first.
#[derive(Debug, Clone, Default)]
struct Best(Vec<Partner>);

impl Best {
    /// The score that a partner must reach to be kept; nothing while there is room.
    fn worst(&self, top: usize) -> f64 {
        self.0.last().filter(|_| self.0.len() >= top).map_or(0.0, |last| last.score)
    }

    /// Whether it was kept.
    fn offer(&mut self, new: Partner, top: usize) -> bool {
        if self.0.len() >= top && self.0.last().is_none_or(|last| !new.is_before(last)) {
            return false;
        }
        let at = self.0.partition_point(|known| known.is_before(&new));
        self.0.truncate(top.saturating_sub(1));
        self.0.insert(at, new);
        true
    }
}

impl Partner {
    /// Greater is better. Equal scores fall to the more frequent pair, then to the smaller number.
    fn rank(&self, other: &Self) -> Ordering {
        self.score
            .total_cmp(&other.score)
            .then(self.together.cmp(&other.together))
            .then(other.item.cmp(&self.item))
    }

    fn is_before(&self, other: &Self) -> bool {
        self.rank(other).is_gt()
    }
}
