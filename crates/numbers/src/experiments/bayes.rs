//! What is believed after the data: which arm is best, and what a wrong choice would cost.
//!
//! * A rate with prior Beta(a, b) and x of n is Beta(a + x, b + n − x).
//! * P(B > A) for whole parameters is a tail of the hypergeometric distribution: of a₁+b₁−1 and
//!   a₂+b₂−1 uniform draws, A is the a₁-th and B the a₂-th smallest; B comes later exactly if
//!   among the a₁+a₂−1 smallest of all at least a₁ belong to A (Altham 1969, *Exact Bayesian
//!   Analysis of a 2×2 Contingency Table*, JRSS B 31). No approximation, at any size.
//! * P(i is best) = ∫ fᵢ Π F_j, and the expected loss of choosing i = E(max_j p_j − pᵢ)
//!   = ∫ Fᵢ (1 − Π F_j) dx over j ≠ i: every term is positive, so that a loss of 10⁻¹⁰ keeps its
//!   digits. Both by quadrature on the logit scale.
//! * A difference whose estimate is normal: the posterior under a flat or a normal prior, and
//!   E(δ⁺) = m Φ(m/s) + s φ(m/s).

use crate::distributions::{
    Beta, Urn, from_logit, normal_above, normal_below, normal_density, normal_upper_quantile,
};
use crate::quadrature::integrals;
use crate::real::real;

/// The largest whole number that a real one holds exactly.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// The rate after `conversions` of `n`; nothing where more convert than there are.
pub fn posterior(prior: Beta, conversions: u64, n: u64) -> Option<Beta> {
    let failed = n.checked_sub(conversions)?;
    Beta::new(prior.a() + real(conversions), prior.b() + real(failed))
}

/// P(B > A): exact where all parameters are whole, else by quadrature to about 1e-12.
pub fn beats(a: Beta, b: Beta) -> f64 {
    if let Some((urn, at_least)) = urn(a, b) {
        return urn.tails(at_least).0;
    }
    best(&[a, b]).probability.get(1).copied().unwrap_or(f64::NAN)
}

/// The urn of which P(B > A) is a tail, where the parameters are whole.
fn urn(a: Beta, b: Beta) -> Option<(Urn, u64)> {
    let first = whole(a.a())?;
    let marked = first.checked_add(whole(a.b())?)?.checked_sub(1)?;
    let second = whole(b.a())?;
    let plain = second.checked_add(whole(b.b())?)?.checked_sub(1)?;
    let drawn = first.checked_add(second)?.checked_sub(1)?;
    Some((Urn { marked, plain, drawn }, first))
}

/// The whole number that `x` is.
fn whole(x: f64) -> Option<u64> {
    if !(1.0..WHOLE_MAX).contains(&x) || x.fract() > 0.0 {
        return None;
    }
    // By halves, since a cast would hide what does not fit.
    let (mut low, mut high) = (0_u64, 1_u64 << 53);
    while low < high {
        let middle = low + (high - low) / 2;
        if real(middle) < x {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Some(low)
}

/// What is believed of several arms together, in the order they were given.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// The probability that it has the highest rate; they sum to one.
    pub probability: Vec<f64>,
    /// How much of the rate choosing it is expected to give away.
    pub loss: Vec<f64>,
}

/// Which of several rates is best and what each choice may cost.
pub fn best(posteriors: &[Beta]) -> Best {
    let arms = posteriors.len();
    let edges = edges(posteriors);
    let mut sums = integrals(&edges, 2 * arms, &|u, weight, sums| {
        let (x, q) = from_logit(u);
        let tails: Vec<(f64, f64)> = posteriors.iter().map(|beta| beta.tails(x, q)).collect();
        let (best, loss) = sums.split_at_mut(arms);
        for (at, ((sum, loss), beta)) in best.iter_mut().zip(loss).zip(posteriors).enumerate() {
            let others =
                || tails.iter().enumerate().filter(|(j, _)| *j != at).map(|(_, tails)| *tails);
            let all_below: f64 = others().map(|(below, _)| below).product();
            // 1 − Π F = Σ (1 − F_j) Π of those before: without cancellation.
            let (any_above, _) = others().fold((0.0, 1.0), |(any, before), (below, above)| {
                (any + before * above, before * below)
            });
            let below = tails.get(at).map_or(0.0, |(below, _)| *below);
            *sum += weight * beta.mass(x, q) * all_below;
            *loss += weight * below * any_above * x * q;
        }
    });
    let loss = sums.split_off(arms.min(sums.len()));
    Best { probability: sums, loss }
}

/// Where the panels begin and end: around each arm at its own scale, out to where nothing is left.
fn edges(posteriors: &[Beta]) -> Vec<f64> {
    let mut edges = Vec::new();
    for beta in posteriors {
        let (a, b) = (beta.a(), beta.b());
        let middle = (a / b).ln();
        let scale = (1.0 / a + 1.0 / b).sqrt();
        for far in [0.0, 1.0, 2.0, 3.0, 4.5, 6.0, 8.0, 10.0] {
            edges.push(middle - far * scale);
            edges.push(middle + far * scale);
        }
        // The tails fall like e^(a u) and e^(−b u); 40 of them are nothing to speak of.
        for far in [0.25, 0.5, 1.0] {
            edges.push(middle - 10.0 * scale - far * 40.0 / a);
            edges.push(middle + 10.0 * scale + far * 40.0 / b);
        }
    }
    edges.sort_by(f64::total_cmp);
    edges.dedup_by(|x, y| (*x - *y).abs() < 1e-12);
    edges
}

/// A difference that is believed to be normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalBelief {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation, above zero.
    pub sd: f64,
}

impl NormalBelief {
    /// The belief after an estimate with its standard error, under a flat prior or the normal one
    /// given. Nothing where the standard error is missing, which a zero is not an answer to.
    pub fn after(estimate: f64, se: Option<f64>, prior: Option<Self>) -> Option<Self> {
        let se = se.filter(|se| *se > 0.0 && se.is_finite())?;
        if !estimate.is_finite() {
            return None;
        }
        let Some(prior) = prior else { return Some(Self { mean: estimate, sd: se }) };
        if !(prior.sd > 0.0 && prior.sd.is_finite() && prior.mean.is_finite()) {
            return None;
        }
        let (of_prior, of_data) = (1.0 / (prior.sd * prior.sd), 1.0 / (se * se));
        let precision = of_prior + of_data;
        let mean = (of_prior * prior.mean + of_data * estimate) / precision;
        Some(Self { mean, sd: precision.sqrt().recip() })
    }

    /// The probability that it is above zero: that the second arm is the better.
    pub fn above_zero(self) -> f64 {
        normal_below(self.mean / self.sd)
    }

    /// What choosing the first arm is expected to give away: the mean of max(δ, 0).
    pub fn loss_of_first(self) -> f64 {
        let z = self.mean / self.sd;
        (self.mean * normal_below(z) + self.sd * normal_density(z)).max(0.0)
    }

    /// What choosing the second arm is expected to give away: the mean of max(−δ, 0).
    pub fn loss_of_second(self) -> f64 {
        let z = self.mean / self.sd;
        (self.sd * normal_density(z) - self.mean * normal_above(z)).max(0.0)
    }

    /// The interval that holds it with probability 1 − `alpha`, as much outside on either side.
    pub fn interval(self, alpha: f64) -> (f64, f64) {
        let half = normal_upper_quantile(alpha / 2.0) * self.sd;
        (self.mean - half, self.mean + half)
    }
}
