//! Whether the visitors were split as they were meant to be.
//!
//! χ² = Σ (observed − expected)²/expected over the arms, with one degree of freedom less than arms
//! (Pearson 1900). A split that is off says that something loses visitors of one arm, and then no
//! comparison means anything (Fabijan et al. 2019, *Diagnosing Sample Ratio Mismatch in Online
//! Controlled Experiments*, KDD).

use crate::distributions::chi_square_above;
use crate::real::{real, real_len};

/// The test of a split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Srm {
    /// Pearson's statistic.
    pub chi_square: f64,
    /// Degrees of freedom.
    pub df: u64,
    /// The probability of a split at least so far off by chance.
    pub p: f64,
}

/// Tests visitors by arm against weights of any sum. Nothing below two arms, without visitors, or
/// where a weight is not above zero or missing.
pub fn srm(visitors: &[u64], weights: &[f64]) -> Option<Srm> {
    let fit = weights.len() == visitors.len() && weights.iter().all(|w| *w > 0.0 && w.is_finite());
    let all: f64 = visitors.iter().map(|n| real(*n)).sum();
    if !fit || visitors.len() < 2 || all <= 0.0 {
        return None;
    }
    let weight: f64 = weights.iter().sum();
    let chi_square = visitors
        .iter()
        .zip(weights)
        .map(|(n, w)| {
            let expected = all * w / weight;
            (real(*n) - expected).powi(2) / expected
        })
        .sum();
    let df = visitors.len() - 1;
    let p = chi_square_above(chi_square, real_len(df))?;
    Some(Srm { chi_square, df: u64::try_from(df).ok()?, p })
}
