//! Tests that may be looked at as often as one likes.
//!
//! * The asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024,
//!   *Time-uniform Central Limit Theory and Asymptotic Confidence Sequences*, Annals of Statistics
//!   52): estimate ± se √(2(nρ² + 1)/(nρ²) · ln(√(nρ² + 1)/α)), narrowest near `tuning` visitors by
//!   ρ² = (−2 ln α + ln(1 − 2 ln α))/tuning. With probability 1 − α it holds the truth at *every*
//!   n at once.
//! * Its p = min(1, √(nρ² + 1) · exp(−t² nρ²/(2(nρ² + 1)))) with t = estimate/se.
//! * The relative difference by Fieller's theorem (1954, *Some Problems in Interval Estimation*,
//!   JRSS B 16): all θ for which m₂ − (1 + θ) m₁ is not told from zero. Not by the delta method:
//!   peeked at from the first visitor on, that one errs in up to 19 % of A/A tests instead of 5 %,
//!   since a share of few conversions is far from normal. At θ = 0 it is the test of the difference
//!   itself.
//! * mSPRT (Robbins 1970; Johari, Koomen, Pekelis and Walsh 2017, *Peeking at A/B Tests*):
//!   Λ = √(V/(V + τ²)) · exp(τ²d²/(2V(V + τ²))), p = min(1, 1/Λ).

use super::fixed::Estimate;
use crate::real::{real, real_len};

/// A test that holds at every look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlwaysValid {
    /// Its p: below α exactly where the interval leaves zero out. Where several challengers share
    /// α (Bonferroni) it is multiplied by how many they are, so that it is held against the whole.
    pub p: f64,
    /// Lower end of the interval for the difference.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// An asymptotic confidence sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sequence {
    alpha: f64,
    rho_square: f64,
    /// How many tests share the error that is allowed.
    tests: f64,
}

impl Sequence {
    /// Errors with probability `alpha` at most, narrowest near `tuning` visitors of both arms.
    /// Nothing unless 0 < alpha < 1 and tuning is above zero.
    pub fn new(alpha: f64, tuning: f64) -> Option<Self> {
        if !(alpha > 0.0 && alpha < 1.0 && tuning > 0.0 && tuning.is_finite()) {
            return None;
        }
        let log = -2.0 * alpha.ln();
        Some(Self { alpha, rho_square: (log + log.ln_1p()) / tuning, tests: 1.0 })
    }

    /// One of so many `tests` that together err with probability `alpha` at most. Nothing where
    /// there are none.
    pub fn one_of(tests: usize, alpha: f64, tuning: f64) -> Option<Self> {
        let tests = real_len(tests);
        Some(Self { tests, ..Self::new(alpha / tests, tuning)? })
    }

    /// ρ, by which the sequence is usually known.
    pub fn rho(self) -> f64 {
        self.rho_square.sqrt()
    }

    /// Half the width of the interval in standard errors, after `n` visitors.
    pub fn half_width(self, n: u64) -> f64 {
        let size = real(n) * self.rho_square;
        (2.0 * (size + 1.0) / size * (0.5 * size.ln_1p() - self.alpha.ln())).sqrt()
    }

    /// The test of a difference seen over `n` visitors of both arms; nothing where its standard
    /// error is not known.
    pub fn test(self, of: Estimate, n: u64) -> Option<AlwaysValid> {
        let se = of.se.filter(|se| *se > 0.0 && se.is_finite())?;
        if n == 0 || !of.value.is_finite() {
            return None;
        }
        let size = real(n) * self.rho_square;
        let t = of.value / se;
        let log = 0.5 * size.ln_1p() - 0.5 * t * t * size / (size + 1.0);
        let half = se * self.half_width(n);
        let p = (self.tests * log.exp()).min(1.0);
        Some(AlwaysValid { p, low: of.value - half, high: of.value + half })
    }
}

impl Sequence {
    /// The same test of the relative difference m₂/m₁ − 1, each mean with the variance of it, after
    /// `n` visitors of both arms. Its p is that of the difference. Nothing where a variance is not
    /// known, or the first mean is not yet told from zero: then any ratio is possible.
    pub fn test_ratio(
        self,
        (m1, v1): (f64, Option<f64>),
        (m2, v2): (f64, Option<f64>),
        n: u64,
    ) -> Option<AlwaysValid> {
        let (v1, v2) = (v1?, v2?);
        let told = self.test(Estimate { value: m2 - m1, se: Some((v1 + v2).sqrt()) }, n)?;
        let half = self.half_width(n);
        let square = half * half;
        // (m₂ − k m₁)² ≤ h² (v₂ + k² v₁), solved for k = 1 + θ.
        let (a, b, c) = (m1 * m1 - square * v1, m1 * m2, m2 * m2 - square * v2);
        let root = (b * b - a * c).sqrt();
        if !(a > 0.0 && root.is_finite()) {
            return None;
        }
        Some(AlwaysValid { p: told.p, low: (b - root) / a - 1.0, high: (b + root) / a - 1.0 })
    }
}

/// The p of the mixture sequential probability ratio test for a difference `of`, with `tau` the
/// standard deviation of the effects mixed over. Nothing where the variance is not known or tau not
/// above zero.
pub fn msprt_p(of: Estimate, tau: f64) -> Option<f64> {
    let ratio = msprt_log_ratio(of, tau)?;
    Some((-ratio).exp().min(1.0))
}

/// ln Λ of the same test.
pub fn msprt_log_ratio(of: Estimate, tau: f64) -> Option<f64> {
    let se = of.se.filter(|se| *se > 0.0 && se.is_finite())?;
    if !(tau > 0.0 && tau.is_finite() && of.value.is_finite()) {
        return None;
    }
    let (v, mixed) = (se * se, se * se + tau * tau);
    Some(0.5 * (v / mixed).ln() + tau * tau * of.value * of.value / (2.0 * v * mixed))
}
