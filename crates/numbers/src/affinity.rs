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

pub mod holdings;
mod rules;

pub use rules::{AssociationRule, RuleLimits, TooManySets, association_rules};

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
    /// Each pair from both of its ends, so that the partners of one product are at hand.
    partners: BTreeMap<T, BTreeMap<T, u64>>,
}

impl<T: Ord + Clone> Default for PairCounts<T> {
    fn default() -> Self {
        Self { baskets: 0, items: BTreeMap::new(), partners: BTreeMap::new() }
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
                self.pair(a, b);
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
            take_one(&mut self.items, a);
            for b in items.iter().skip(at + 1) {
                self.part(a, b);
                self.part(b, a);
            }
        }
    }

    /// Counts many baskets at once: the same as [`Self::add`] for each, and much faster.
    pub fn from_baskets<B: AsRef<[T]>>(baskets: &[B]) -> Self {
        let baskets = as_sets(baskets);
        let places = Places::new(&baskets);
        let mut counts = Self { baskets: length(baskets.len()), ..Self::default() };
        let mut with = vec![0_u64; places.names.len()];
        for (place, holders) in places.holders.iter().enumerate() {
            with.fill(0);
            for other in holders.iter().filter_map(|basket| places.baskets.get(*basket)).flatten() {
                with.get_mut(*other).into_iter().for_each(|count| *count += 1);
            }
            with.get_mut(place).into_iter().for_each(|count| *count = 0);
            let Some(name) = places.names.get(place) else { continue };
            counts.items.insert((*name).clone(), length(holders.len()));
            let named = places.names.iter().zip(&with).filter(|(_, count)| **count > 0);
            let partners: BTreeMap<T, u64> =
                named.map(|(name, count)| ((*name).clone(), *count)).collect();
            if !partners.is_empty() {
                counts.partners.insert((*name).clone(), partners);
            }
        }
        counts
    }

    /// Counts taken from elsewhere: a table that is kept in step with orders.
    pub fn from_counts(
        baskets: u64,
        items: impl IntoIterator<Item = (T, u64)>,
        pairs: impl IntoIterator<Item = (T, T, u64)>,
    ) -> Self {
        let mut counts =
            Self { baskets, items: items.into_iter().collect(), partners: BTreeMap::new() };
        for (a, b, together) in pairs.into_iter().filter(|(a, b, _)| a != b) {
            counts.partners.entry(a.clone()).or_default().insert(b.clone(), together);
            counts.partners.entry(b).or_default().insert(a, together);
        }
        counts
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
        self.partners.iter().flat_map(move |(a, partners)| {
            let later = partners.iter().filter(move |(b, _)| a < *b);
            later.map(move |(b, together)| (a, b, self.counts_of(a, b, *together)))
        })
    }

    /// The counts of two products.
    pub fn counts(&self, a: &T, b: &T) -> Counts {
        let together = self.partners.get(a).and_then(|partners| partners.get(b)).copied();
        self.counts_of(a, b, together.unwrap_or(0))
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
        self.partners
            .keys()
            .map(|item| (item.clone(), self.also_bought_with(item, measure, top, together_min)))
            .filter(|(_, list)| !list.is_empty())
            .collect()
    }

    /// The list of one product, as in [`Self::also_bought`]; empty where nothing goes with it.
    ///
    /// After an order, count it in and ask for the lists of its products: these are the ones that
    /// changed by more than one basket among all. Where scores go by shares of baskets (lift, LLR)
    /// the others move in the last digits, and wait for the next whole pass.
    pub fn also_bought_with(
        &self,
        item: &T,
        measure: Measure,
        top: usize,
        together_min: u64,
    ) -> Vec<Scored<T>> {
        let mut list: Vec<Scored<T>> = Vec::new();
        for (other, together) in self.partners.get(item).into_iter().flatten() {
            let counts = self.counts_of(item, other, *together);
            if counts.together < together_min.max(1) || !counts.attracts() {
                continue;
            }
            let Some(score) = counts.score(measure) else { continue };
            list.push(Scored { item: other.clone(), score, together: *together });
        }
        list.sort_by(|x, y| {
            y.score
                .total_cmp(&x.score)
                .then(y.together.cmp(&x.together))
                .then_with(|| x.item.cmp(&y.item))
        });
        list.truncate(top);
        list
    }

    /// Counts a pair in once, from both ends.
    fn pair(&mut self, a: &T, b: &T) {
        for (from, to) in [(a, b), (b, a)] {
            // Looked up before it is entered: most pairs are old, and need no copy of their key.
            let partners = match self.partners.get_mut(from) {
                Some(partners) => partners,
                None => self.partners.entry(from.clone()).or_default(),
            };
            match partners.get_mut(to) {
                Some(count) => *count += 1,
                None => drop(partners.insert(to.clone(), 1)),
            }
        }
    }

    /// Counts a pair out once, from the end of `from`.
    fn part(&mut self, from: &T, to: &T) {
        let Some(partners) = self.partners.get_mut(from) else { return };
        take_one(partners, to);
        if partners.is_empty() {
            self.partners.remove(from);
        }
    }
}

/// Baskets with products as places in the sorted list of all, and for each place the baskets that
/// hold it.
struct Places<'a, T> {
    names: Vec<&'a T>,
    baskets: Vec<Vec<usize>>,
    holders: Vec<Vec<usize>>,
}

impl<'a, T: Ord> Places<'a, T> {
    fn new(baskets: &[Vec<&'a T>]) -> Self {
        let mut names: Vec<&T> = baskets.iter().flatten().copied().collect();
        names.sort_unstable();
        names.dedup();
        let place = |name: &&T| names.binary_search(name).ok();
        let baskets: Vec<Vec<usize>> =
            baskets.iter().map(|basket| basket.iter().filter_map(place).collect()).collect();
        let mut holders = vec![Vec::new(); names.len()];
        for (at, basket) in baskets.iter().enumerate() {
            for place in basket {
                holders.get_mut(*place).into_iter().for_each(|held: &mut Vec<usize>| held.push(at));
            }
        }
        Self { names, baskets, holders }
    }
}

fn length(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn as_set<T: Ord>(basket: &[T]) -> Vec<&T> {
    let mut items: Vec<&T> = basket.iter().collect();
    items.sort_unstable();
    items.dedup();
    items
}

/// Those of `baskets` that hold anything, as sets.
fn as_sets<T: Ord, B: AsRef<[T]>>(baskets: &[B]) -> Vec<Vec<&T>> {
    let sets = baskets.iter().map(|basket| as_set(basket.as_ref()));
    sets.filter(|set| !set.is_empty()).collect()
}

fn take_one<K: Ord>(counts: &mut BTreeMap<K, u64>, key: &K) {
    match counts.get_mut(key) {
        Some(count) if *count > 1 => *count -= 1,
        Some(_) => drop(counts.remove(key)),
        None => {}
    }
}

#[cfg(test)]
mod tests;
