//! Baskets and what is in them: how often any two products stand together, the strongest partners
//! of every product at once, and of a few after one more order.
//!
//! Baskets and products are small whole numbers here, so that both ways round (which products a
//! basket holds, which baskets hold a product) are flat lists. The pairs of one product are counted
//! into one row that is used again for the next; no table of all pairs is ever made. Each pass over
//! `b` baskets of `k` products takes b·k²/2 steps: a pair is met at the rarer of its products, and
//! weighed once for both.

use std::collections::BTreeMap;

use super::Counts;
use crate::real::real;

mod lists;

pub use lists::{Partner, Wish};

/// Which baskets hold which products.
///
/// Products have a place of their own in here, the rarest first: then whatever goes best with a
/// product is met before what everybody buys, and most of the rest is told at once to be no better.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    /// The places of the products of all baskets one after another, rising in each, and where each
    /// basket begins.
    held: Vec<u32>,
    starts: Vec<usize>,
    /// Baskets that came or grew since: theirs are here, whole and rising.
    grown: BTreeMap<u32, Vec<u32>>,
    /// The number of the product at each place, and the place of each number; [`NOWHERE`] without.
    items: Vec<u32>,
    places: Vec<u32>,
    /// The baskets of the product at each place.
    holders: Vec<Vec<u32>>,
    /// How many these are: small enough to stay at hand while pairs are weighed.
    sizes: Vec<u32>,
    baskets: u64,
    /// n·ln n up to the number of baskets, for log-likelihood ratios.
    n_ln_n: Vec<f64>,
}

/// The place of a product that is in no basket.
const NOWHERE: u32 = u32::MAX;

impl Holdings {
    /// From pairs of a basket and a product in it, in any order; a pair twice counts once.
    pub fn new(pairs: &[(u32, u32)]) -> Self {
        let baskets = pairs.iter().map(|(basket, _)| usized(*basket) + 1).max().unwrap_or(0);
        let mut holdings = Self::with_places(pairs);
        let mut next = vec![0_usize; baskets + 1];
        for (basket, _) in pairs {
            next.get_mut(usized(*basket) + 1).into_iter().for_each(|size| *size += 1);
        }
        let mut sum = 0;
        for start in &mut next {
            sum += *start;
            *start = sum;
        }
        let starts = next.clone();
        let mut sorted = vec![0_u32; pairs.len()];
        for (basket, item) in pairs {
            let Some(next) = next.get_mut(usized(*basket)) else { continue };
            let slot = sorted.get_mut(*next);
            slot.into_iter().for_each(|slot| *slot = holdings.place(*item).unwrap_or(NOWHERE));
            *next += 1;
        }
        holdings.held.reserve(pairs.len());
        for (basket, ends) in (0_u32..).zip(starts.windows(2)) {
            let &[from, to] = ends else { continue };
            holdings.starts.push(holdings.held.len());
            let places = sorted.get_mut(from..to).unwrap_or_default();
            places.sort_unstable();
            let mut last = None;
            for place in places.iter().copied().filter(|place| last.replace(*place) != Some(*place))
            {
                holdings.held.push(place);
                holdings.hold(place, basket);
            }
            holdings.baskets += u64::from(from < to);
        }
        holdings.starts.push(holdings.held.len());
        holdings.know_logs();
        holdings
    }

    /// The products of some pairs at their places, held by no basket yet.
    fn with_places(pairs: &[(u32, u32)]) -> Self {
        let items = pairs.iter().map(|(_, item)| usized(*item) + 1).max().unwrap_or(0);
        let mut rows = vec![0_usize; items];
        for (_, item) in pairs {
            rows.get_mut(usized(*item)).into_iter().for_each(|rows| *rows += 1);
        }
        let mut rare: Vec<(usize, u32)> = rows.into_iter().zip(0..).collect();
        rare.retain(|(rows, _)| *rows > 0);
        rare.sort_unstable();
        let mut holdings = Self::default();
        for (_, item) in rare {
            holdings.place_anew(item);
        }
        holdings
    }

    /// Counts products into a basket, new or known.
    pub fn add(&mut self, basket: u32, items: &[u32]) {
        let mut all = self.of(basket).to_vec();
        let was_empty = all.is_empty();
        for item in items {
            let place = self.place(*item).unwrap_or_else(|| self.place_anew(*item));
            if !all.contains(&place) {
                all.push(place);
                self.hold(place, basket);
            }
        }
        all.sort_unstable();
        self.baskets += u64::from(was_empty && !all.is_empty());
        self.grown.insert(basket, all);
        self.know_logs();
    }

    /// Baskets with anything in them.
    pub fn baskets(&self) -> u64 {
        self.baskets
    }

    /// One past the largest product.
    pub fn items(&self) -> usize {
        self.places.len()
    }

    /// Baskets that hold a product.
    pub fn count(&self, item: u32) -> u64 {
        self.place(item).map_or(0, |place| self.size(place))
    }

    /// The counts of two products.
    pub fn counts(&self, a: u32, b: u32) -> Counts {
        let (Some(first), Some(second)) = (self.place(a), self.place(b)) else {
            return Counts {
                together: 0,
                a: self.count(a),
                b: self.count(b),
                baskets: self.baskets,
            };
        };
        let (rare, other) = (first.min(second), first.max(second));
        let both = self.holders_of(rare).iter();
        let both = both.filter(|basket| self.of(**basket).binary_search(&other).is_ok());
        self.counts_at(first, second, length(both.count()))
    }

    /// Tells every two products that are together in `together_min` baskets or more, and in one at
    /// least: the smaller number, the larger, and their counts. In no order that means anything.
    pub fn pairs(&self, together_min: u64, mut found: impl FnMut(u32, u32, Counts)) {
        let mut row = Row::of(self.items.len());
        for (rare, a) in (0_u32..).zip(&self.items) {
            self.count_later(rare, &mut row);
            row.take(|other, together| {
                let together = u64::from(together);
                let Some(b) = self.items.get(usized(other)).filter(|_| together >= together_min)
                else {
                    return;
                };
                if a < b {
                    found(*a, *b, self.counts_at(rare, other, together));
                } else {
                    found(*b, *a, self.counts_at(other, rare, together));
                }
            });
        }
    }

    fn place(&self, item: u32) -> Option<u32> {
        self.places.get(usized(item)).copied().filter(|place| *place != NOWHERE)
    }

    fn place_anew(&mut self, item: u32) -> u32 {
        let place = u32::try_from(self.items.len()).unwrap_or(NOWHERE);
        if self.places.len() <= usized(item) {
            self.places.resize(usized(item) + 1, NOWHERE);
        }
        self.places.get_mut(usized(item)).into_iter().for_each(|known| *known = place);
        self.items.push(item);
        self.holders.push(Vec::new());
        self.sizes.push(0);
        place
    }

    fn size(&self, place: u32) -> u64 {
        self.sizes.get(usized(place)).copied().map_or(0, u64::from)
    }

    fn counts_at(&self, a: u32, b: u32, together: u64) -> Counts {
        Counts { together, a: self.size(a), b: self.size(b), baskets: self.baskets }
    }

    fn holders_of(&self, place: u32) -> &[u32] {
        self.holders.get(usized(place)).map_or(&[], Vec::as_slice)
    }

    /// Counts into `row` what stands beside a product and has a later place.
    fn count_later(&self, place: u32, row: &mut Row) {
        for basket in self.holders_of(place) {
            row.count(self.of(*basket).iter().rev().take_while(|other| **other > place));
        }
    }

    /// The places of the products of a basket, rising.
    fn of(&self, basket: u32) -> &[u32] {
        if !self.grown.is_empty()
            && let Some(places) = self.grown.get(&basket)
        {
            return places;
        }
        let at = usized(basket);
        let (Some(from), Some(to)) = (self.starts.get(at), self.starts.get(at + 1)) else {
            return &[];
        };
        self.held.get(*from..*to).unwrap_or_default()
    }

    fn hold(&mut self, place: u32, basket: u32) {
        self.holders.get_mut(usized(place)).into_iter().for_each(|holders| holders.push(basket));
        self.sizes.get_mut(usized(place)).into_iter().for_each(|size| *size += 1);
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
    /// Those met, as many as `known`; one place more than there are products.
    met: Vec<u32>,
    known: usize,
}

impl Row {
    fn of(items: usize) -> Self {
        Self { with: vec![0; items], met: vec![0; items + 1], known: 0 }
    }

    /// Whether a product is met for the first time cannot be foreseen, so there is no branch on it:
    /// each is written down, and the next writes over it where it was known.
    fn count<'a>(&mut self, items: impl Iterator<Item = &'a u32>) {
        for item in items {
            let (Some(count), Some(slot)) =
                (self.with.get_mut(usized(*item)), self.met.get_mut(self.known))
            else {
                continue;
            };
            *slot = *item;
            self.known += usize::from(*count == 0);
            *count += 1;
        }
    }

    /// Tells what was counted, and begins anew.
    fn take(&mut self, mut each: impl FnMut(u32, u32)) {
        for item in self.met.iter().take(self.known) {
            if let Some(count) = self.with.get_mut(usized(*item)) {
                each(*item, std::mem::take(count));
            }
        }
        self.known = 0;
    }
}

fn usized(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn length(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
