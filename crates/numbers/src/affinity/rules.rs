//! Association rules: who has these in the basket has that as well.
//!
//! Of `n` baskets, for sets of products X and Y without a product in common:
//!
//! * support(X ⇒ Y) = baskets with X and Y / n
//! * confidence = baskets with X and Y / baskets with X
//! * lift = confidence · n / baskets with Y
//!
//! Agrawal, Imieliński & Swami 1993, *Mining Association Rules between Sets of Items in Large
//! Databases*. Frequent sets are found depth first by intersecting the lists of the baskets that
//! hold each product (Zaki 2000, *Scalable Algorithms for Association Mining*).

use std::collections::HashMap;
use std::fmt;

use crate::real::{ratio, real, real_len};

/// Frequent sets beyond which the search is given up: no page shows so many, and memory ends.
const SETS_MAX: usize = 250_000;

/// Products that one set may have at most; subsets are told apart by the bits of a number.
const ITEMS_MAX: usize = 16;

/// A share times a count may come out a hair above the whole number that was meant.
const SLACK: f64 = 1.0 - 1e-12;

/// Which rules to look for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RuleLimits {
    /// The least share of baskets that hold all of the rule.
    pub support_min: f64,
    /// The least confidence.
    pub confidence_min: f64,
    /// The most products in a rule, both sides together; 16 at most.
    pub items_max: usize,
    /// The most products on the right.
    pub right_max: usize,
}

impl Default for RuleLimits {
    /// One basket in a hundred, every second one of them, ten products, one of them on the right.
    fn default() -> Self {
        Self { support_min: 0.01, confidence_min: 0.5, items_max: 10, right_max: 1 }
    }
}

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub struct AssociationRule<T> {
    /// What is in the basket, the smaller key first; never empty.
    pub left: Vec<T>,
    /// What is in it as well; never empty.
    pub right: Vec<T>,
    /// Baskets with both.
    pub together: u64,
    /// The share of all baskets with both, from 0 to 1.
    pub support: f64,
    /// The share of the baskets with the left side that have the right one too, from 0 to 1.
    pub confidence: f64,
    /// How many times more often than by chance.
    pub lift: f64,
}

/// More than 250,000 sets of products are as frequent as that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManySets;

impl fmt::Display for TooManySets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many sets of products are that frequent: ask for more support")
    }
}

impl std::error::Error for TooManySets {}

/// The rules of `baskets` within `limits`, the highest lift first, then confidence, then support,
/// then by name. A basket is a set; an empty one is none.
///
/// # Errors
/// [`TooManySets`] where the support asked for is so low that nobody could read the answer.
pub fn association_rules<T: Ord + Clone, B: AsRef<[T]>>(
    baskets: &[B],
    limits: RuleLimits,
) -> Result<Vec<AssociationRule<T>>, TooManySets> {
    let baskets = as_sets(baskets);
    let places = Places::new(&baskets);
    let n = real_len(baskets.len());
    let support_min = limits.support_min * n * SLACK;
    let enough = |count: usize| count > 0 && real_len(count) >= support_min;
    let mut search = Search {
        sets: HashMap::new(),
        items_max: limits.items_max.min(ITEMS_MAX),
        enough: &enough,
    };
    let single: Vec<(usize, Vec<usize>)> = places
        .holders
        .into_iter()
        .enumerate()
        .filter(|(_, holders)| enough(holders.len()))
        .collect();
    search.extend(&mut Vec::new(), &single)?;
    let mut rules = Vec::new();
    for (set, together) in &search.sets {
        split(set, *together, &search.sets, limits, |left, right, counts| {
            let named = |side: &[usize]| -> Vec<T> {
                side.iter()
                    .filter_map(|at| places.names.get(*at))
                    .map(|name| (*name).clone())
                    .collect()
            };
            let (Some(confidence), Some(chance)) =
                (ratio(real(*together), real(counts.0)), ratio(real(counts.1), n))
            else {
                return;
            };
            rules.push(AssociationRule {
                left: named(left),
                right: named(right),
                together: *together,
                support: real(*together) / n,
                confidence,
                lift: confidence / chance,
            });
        });
    }
    rules.sort_by(|x, y| {
        y.lift
            .total_cmp(&x.lift)
            .then(y.confidence.total_cmp(&x.confidence))
            .then(y.together.cmp(&x.together))
            .then_with(|| (&x.left, &x.right).cmp(&(&y.left, &y.right)))
    });
    Ok(rules)
}

/// The products of baskets in order, and for each the baskets that hold it.
struct Places<'a, T> {
    names: Vec<&'a T>,
    holders: Vec<Vec<usize>>,
}

impl<'a, T: Ord> Places<'a, T> {
    fn new(baskets: &[Vec<&'a T>]) -> Self {
        let mut names: Vec<&T> = baskets.iter().flatten().copied().collect();
        names.sort_unstable();
        names.dedup();
        let mut holders = vec![Vec::new(); names.len()];
        for (at, basket) in baskets.iter().enumerate() {
            for place in basket.iter().filter_map(|name| names.binary_search(name).ok()) {
                holders.get_mut(place).into_iter().for_each(|held: &mut Vec<usize>| held.push(at));
            }
        }
        Self { names, holders }
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

/// The frequent sets found so far, by their places, rising, each with the baskets that hold it.
struct Search<'a> {
    sets: HashMap<Vec<usize>, u64>,
    items_max: usize,
    enough: &'a dyn Fn(usize) -> bool,
}

impl Search<'_> {
    /// Counts `set` with each of `more` added, and goes on from there. `more` are the products that
    /// come after those of the set, each with the baskets that hold it and all of the set.
    fn extend(
        &mut self,
        set: &mut Vec<usize>,
        more: &[(usize, Vec<usize>)],
    ) -> Result<(), TooManySets> {
        if set.len() >= self.items_max {
            return Ok(());
        }
        for (at, (place, holders)) in more.iter().enumerate() {
            set.push(*place);
            if self.sets.len() >= SETS_MAX {
                return Err(TooManySets);
            }
            self.sets.insert(set.clone(), length(holders.len()));
            let next: Vec<(usize, Vec<usize>)> = more
                .iter()
                .skip(at + 1)
                .map(|(other, others)| (*other, shared(holders, others)))
                .filter(|(_, both)| (self.enough)(both.len()))
                .collect();
            self.extend(set, &next)?;
            set.pop();
        }
        Ok(())
    }
}

/// What two rising lists have in common.
fn shared(a: &[usize], b: &[usize]) -> Vec<usize> {
    let mut both = Vec::new();
    let mut rest = b.iter().peekable();
    for x in a {
        while rest.next_if(|y| *y < x).is_some() {}
        if rest.next_if_eq(&x).is_some() {
            both.push(*x);
        }
    }
    both
}

/// Every way to part `set` into two sides that is confident enough, with the baskets of each side.
fn split(
    set: &[usize],
    together: u64,
    sets: &HashMap<Vec<usize>, u64>,
    limits: RuleLimits,
    mut found: impl FnMut(&[usize], &[usize], (u64, u64)),
) {
    let right_max = u32::try_from(limits.right_max).unwrap_or(u32::MAX);
    for bits in 1..(1_usize << set.len()) - 1 {
        if bits.count_ones() > right_max {
            continue;
        }
        let side = |of: usize| -> Vec<usize> {
            let mine = set.iter().enumerate().filter(|(at, _)| (bits >> at) & 1 == of);
            mine.map(|(_, place)| *place).collect()
        };
        let (left, right) = (side(0), side(1));
        // Every part of a frequent set is frequent, and so on record.
        let (Some(lefts), Some(rights)) = (sets.get(&left), sets.get(&right)) else { continue };
        if real(together) >= limits.confidence_min * real(*lefts) * SLACK {
            found(&left, &right, (*lefts, *rights));
        }
    }
}
