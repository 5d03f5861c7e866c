//! What is bought together: counts of pairs, kept up order by order, and how strong each pair is.
//!
//! With `n` baskets, `a` and `b` of them holding either product and `ab` holding both:
//!
//! * lift = ab·n / (a·b): how many times more often together than by chance.
//! * cosine = ab / √(a·b) (Ochiai).
//! * Jaccard = ab / (a + b − ab).
//! * LLR = 2 Σ k·ln(k·n / (row·column)) over the four cells, Dunning 1993, *Accurate Methods for
//!   the Statistics of Surprise and Coincidence*, Computational Linguistics 19(1); equal to
//!   2(H(rows) + H(columns) − H(cells)). Rare pairs do not fool it, so it ranks by default.

use std::collections::BTreeMap;

use crate::real::real;

/// How to rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Log-likelihood ratio.
    Llr,
    /// Ochiai's coefficient.
    Cosine,
    /// Times more often than by chance.
    Lift,
    /// Shared over either.
    Jaccard,
}

impl Measure {
    /// Reads the word used on the command line.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "llr" => Some(Self::Llr),
            "cosine" => Some(Self::Cosine),
            "lift" => Some(Self::Lift),
            "jaccard" => Some(Self::Jaccard),
            _ => None,
        }
    }
}

/// The counts of one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Baskets with both.
    pub together: u64,
    /// Baskets with the first.
    pub a: u64,
    /// Baskets with the second.
    pub b: u64,
    /// All baskets.
    pub baskets: u64,
}

impl Counts {
    /// Times more often together than by chance; nothing where either is in no basket.
    pub fn lift(self) -> Option<f64> {
        let chance = real(self.a) * real(self.b);
        (chance > 0.0).then(|| real(self.together) * real(self.baskets) / chance)
    }

    /// Ochiai's coefficient, from 0 to 1; nothing where either is in no basket.
    pub fn cosine(self) -> Option<f64> {
        let product = real(self.a) * real(self.b);
        (product > 0.0).then(|| real(self.together) / product.sqrt())
    }

    /// Shared over either, from 0 to 1; nothing where neither is in any basket.
    pub fn jaccard(self) -> Option<f64> {
        let either = self.a.saturating_add(self.b).saturating_sub(self.together);
        (either > 0).then(|| real(self.together) / real(either))
    }

    /// The log-likelihood ratio of the four cells; never negative. Tells how sure it is that the
    /// two have to do with one another, not whether they attract: see [`Self::attracts`].
    pub fn llr(self) -> f64 {
        let only_a = self.a.saturating_sub(self.together);
        let only_b = self.b.saturating_sub(self.together);
        let neither = self.baskets.saturating_sub(self.together + only_a + only_b);
        llr(self.together, only_a, only_b, neither)
    }

    /// Whether they are together more often than by chance.
    pub fn attracts(self) -> bool {
        self.lift().is_some_and(|lift| lift > 1.0)
    }

    /// The figure by `measure`.
    pub fn score(self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::Llr => Some(self.llr()),
            Measure::Cosine => self.cosine(),
            Measure::Lift => self.lift(),
            Measure::Jaccard => self.jaccard(),
        }
    }
}

/// Dunning's log-likelihood ratio of a two by two table: both, only the first, only the second,
/// neither.
pub fn llr(both: u64, only_a: u64, only_b: u64, neither: u64) -> f64 {
    let [k11, k12, k21, k22] = [both, only_a, only_b, neither].map(real);
    let n = k11 + k12 + k21 + k22;
    let cell = |k: f64, row: f64, column: f64| {
        if k > 0.0 { k * (k * n / (row * column)).ln() } else { 0.0 }
    };
    let sum = cell(k11, k11 + k12, k11 + k21)
        + cell(k12, k11 + k12, k12 + k22)
        + cell(k21, k21 + k22, k11 + k21)
        + cell(k22, k21 + k22, k12 + k22);
    (2.0 * sum).max(0.0)
}

/// Counts of products and pairs over baskets, kept up as orders come and go. A basket is a set:
/// a product twice on one order counts once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairCounts<T: Ord + Clone> {
    baskets: u64,
    items: BTreeMap<T, u64>,
    pairs: BTreeMap<(T, T), u64>,
}

impl<T: Ord + Clone> Default for PairCounts<T> {
    fn default() -> Self {
        Self { baskets: 0, items: BTreeMap::new(), pairs: BTreeMap::new() }
    }
}

/// One product that goes with another.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored<T> {
    /// Which.
    pub item: T,
    /// By the measure asked for.
    pub score: f64,
    /// Baskets with both.
    pub together: u64,
}

impl<T: Ord + Clone> PairCounts<T> {
    /// Counts a basket in. An empty one is none.
    pub fn add(&mut self, basket: &[T]) {
        let items = as_set(basket);
        if items.is_empty() {
            return;
        }
        self.baskets += 1;
        for (at, a) in items.iter().enumerate() {
            *self.items.entry((*a).clone()).or_default() += 1;
            for b in items.iter().skip(at + 1) {
                *self.pairs.entry(((*a).clone(), (*b).clone())).or_default() += 1;
            }
        }
    }

    /// Counts a basket out again, as after a refund. It must have been counted in.
    pub fn remove(&mut self, basket: &[T]) {
        let items = as_set(basket);
        if items.is_empty() {
            return;
        }
        self.baskets = self.baskets.saturating_sub(1);
        for (at, a) in items.iter().enumerate() {
            take_one(&mut self.items, (*a).clone());
            for b in items.iter().skip(at + 1) {
                take_one(&mut self.pairs, ((*a).clone(), (*b).clone()));
            }
        }
    }

    /// Counts taken from elsewhere: a table that is kept in step with orders.
    pub fn from_counts(
        baskets: u64,
        items: impl IntoIterator<Item = (T, u64)>,
        pairs: impl IntoIterator<Item = (T, T, u64)>,
    ) -> Self {
        Self {
            baskets,
            items: items.into_iter().collect(),
            pairs: pairs
                .into_iter()
                .map(|(a, b, n)| if a <= b { ((a, b), n) } else { ((b, a), n) })
                .collect(),
        }
    }

    /// Baskets counted.
    pub fn baskets(&self) -> u64 {
        self.baskets
    }

    /// Products that are in any basket.
    pub fn items(&self) -> usize {
        self.items.len()
    }

    /// Every pair that was ever together, with its counts; the smaller key first.
    pub fn pairs(&self) -> impl Iterator<Item = (&T, &T, Counts)> {
        self.pairs.iter().map(|((a, b), together)| (a, b, self.counts_of(a, b, *together)))
    }

    /// The counts of two products.
    pub fn counts(&self, a: &T, b: &T) -> Counts {
        let key = if a <= b { (a.clone(), b.clone()) } else { (b.clone(), a.clone()) };
        self.counts_of(a, b, self.pairs.get(&key).copied().unwrap_or(0))
    }

    fn counts_of(&self, a: &T, b: &T, together: u64) -> Counts {
        let count = |item: &T| self.items.get(item).copied().unwrap_or(0);
        Counts { together, a: count(a), b: count(b), baskets: self.baskets }
    }

    /// For each product the `top` that go with it best: only pairs that are together more often
    /// than by chance and at least `together_min` times. Ties fall to the more frequent pair, then
    /// to the smaller key, so that the answer is the same every time.
    pub fn also_bought(
        &self,
        measure: Measure,
        top: usize,
        together_min: u64,
    ) -> BTreeMap<T, Vec<Scored<T>>> {
        let mut lists: BTreeMap<T, Vec<Scored<T>>> = BTreeMap::new();
        for (a, b, counts) in self.pairs() {
            if counts.together < together_min.max(1) || !counts.attracts() {
                continue;
            }
            let Some(score) = counts.score(measure) else { continue };
            let together = counts.together;
            let scored = |item: &T| Scored { item: item.clone(), score, together };
            lists.entry(a.clone()).or_default().push(scored(b));
            lists.entry(b.clone()).or_default().push(scored(a));
        }
        for list in lists.values_mut() {
            list.sort_by(|x, y| {
                y.score
                    .total_cmp(&x.score)
                    .then(y.together.cmp(&x.together))
                    .then_with(|| x.item.cmp(&y.item))
            });
            list.truncate(top);
        }
        lists
    }
}

fn as_set<T: Ord>(basket: &[T]) -> Vec<&T> {
    let mut items: Vec<&T> = basket.iter().collect();
    items.sort_unstable();
    items.dedup();
    items
}

fn take_one<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    if let std::collections::btree_map::Entry::Occupied(mut entry) = counts.entry(key) {
        if *entry.get() > 1 {
            *entry.get_mut() -= 1;
        } else {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests;
