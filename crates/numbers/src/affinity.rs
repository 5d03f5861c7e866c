//! What is bought together: counts of pairs ([`Holdings`]), kept up order by order, and how strong
//! each pair is.
//!
//! With `n` baskets, `a` and `b` of them holding either product and `ab` holding both:
//!
//! * lift = ab·n / (a·b): how many times more often together than by chance.
//! * cosine = ab / √(a·b) (Ochiai).
//! * Jaccard = ab / (a + b − ab).
//! * LLR = 2 Σ k·ln(k·n / (row·column)) over the four cells, Dunning 1993, *Accurate Methods for
//!   the Statistics of Surprise and Coincidence*, Computational Linguistics 19(1); equal to
//!   2(H(rows) + H(columns) − H(cells)). Rare pairs do not fool it, so it ranks by default.

use crate::real::real;

mod holdings;
mod rules;

pub use holdings::{Holdings, Partner, Wish};
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

#[cfg(test)]
mod tests;
