//! Distributions that more than one room needs: normal, chi-square, beta, hypergeometric.
//!
//! The gamma functions are those of statrs. Its error function is good to ten digits, which tails
//! and bounds here do not leave room for, so that one is summed here. The beta and the
//! hypergeometric distribution are our own too: a difference of log-gammas loses as many digits as
//! the counts have, and a hundred thousand visitors must not cost the ninth decimal. They stand on
//! the saddle-point form of the binomial, which keeps full precision at any size: Loader 2000,
//! *Fast and Accurate Computation of Binomial Probabilities*.

use statrs::function::{erf, gamma};

use crate::real::real;

mod ends;

/// The 97.5 % quantile of the standard normal distribution: for intervals of 95 %.
pub(crate) const Z_95: f64 = 1.959_963_984_540_054;

/// ½ ln 2π.
const LN_SQRT_TWO_PI: f64 = 0.918_938_533_204_672_8;

/// Where Stirling's series reaches full precision with the terms given here.
const STIRLING_FROM: f64 = 15.0;

/// Laplace's continued fraction has all its digits at 3 with this many terms, beyond with fewer.
const FRACTION_TERMS: u32 = 80;

/// The continued fraction of the beta needs about √max(a, b) steps; past this many the counts are
/// not real.
const FRACTION_STEPS_MAX: u32 = 200_000;

/// The density of the standard normal distribution at `z`.
pub(crate) fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z - LN_SQRT_TWO_PI).exp()
}

/// P(Z ≤ z) for a standard normal Z.
pub(crate) fn normal_below(z: f64) -> f64 {
    normal_above(-z)
}

/// P(Z > z) for a standard normal Z; keeps its digits far out.
pub(crate) fn normal_above(z: f64) -> f64 {
    if z.is_nan() {
        return z;
    }
    let tail = upper_tail(z.abs());
    if z < 0.0 { 1.0 - tail } else { tail }
}

/// P(Z > z) for z ≥ 0: by the series of the middle (Abramowitz and Stegun 26.2.11) up to 3, by
/// Laplace's continued fraction (26.2.14) beyond.
fn upper_tail(z: f64) -> f64 {
    let density = normal_density(z);
    if z < 3.0 {
        let (mut term, mut sum, mut odd) = (z, z, 1.0);
        while term > sum * 1e-17 {
            odd += 2.0;
            term *= z * z / odd;
            sum += term;
        }
        return 0.5 - density * sum;
    }
    let fraction = (1..=FRACTION_TERMS).rev().fold(z, |below, k| z + f64::from(k) / below);
    density / fraction
}

/// The `z` that a standard normal variable exceeds with probability `p`.
pub(crate) fn normal_upper_quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -normal_upper_quantile(1.0 - p);
    }
    let mut z = std::f64::consts::SQRT_2 * erf::erfc_inv(2.0 * p);
    if z.is_finite() {
        for _ in 0..2_u8 {
            z += (normal_above(z) - p) / normal_density(z);
        }
    }
    z
}

/// The two-sided p of a normal statistic.
pub(crate) fn two_sided(z: f64) -> f64 {
    2.0 * normal_above(z.abs())
}

/// P(X > x) of a chi-square variable with `df` degrees of freedom.
pub(crate) fn chi_square_above(x: f64, df: f64) -> Option<f64> {
    if x <= 0.0 {
        return (df > 0.0).then_some(1.0);
    }
    if (df - 1.0).abs() < f64::EPSILON {
        return Some(two_sided(x.sqrt()));
    }
    gamma::checked_gamma_ur(df / 2.0, x / 2.0).ok()
}

/// P(|T| > t) of Student's t with `df` degrees of freedom, by the beta distribution.
pub(crate) fn student_two_sided(t: f64, df: f64) -> Option<f64> {
    let tail = Beta::new(df / 2.0, 0.5)?;
    let square = t * t;
    if !square.is_finite() {
        return None;
    }
    Some(tail.tails(df / (df + square), square / (df + square)).0)
}

/// The `t` that |T| exceeds with probability `p`.
pub(crate) fn student_two_sided_quantile(p: f64, df: f64) -> Option<f64> {
    let tail = Beta::new(df / 2.0, 0.5)?;
    let (x, rest) = tail.quantile_pair(p);
    (x > 0.0).then(|| (df * rest / x).sqrt())
}

/// P(|T| > t) of the noncentral t with `df` degrees of freedom and noncentrality `shift` ≥ 0, for
/// t > 0 (Lenth 1989, *Algorithm AS 243*, Applied Statistics 38).
pub(crate) fn noncentral_student_two_sided(t: f64, df: f64, shift: f64) -> Option<f64> {
    let (x, q) = (t * t / (df + t * t), df / (df + t * t));
    let half = 0.5 * shift * shift;
    // From the middle of the Poisson weights so far out that what is left out is rounding.
    let far = half + 40.0 + 12.0 * half.sqrt();
    let (mut sum, mut j) = (0.0, 0.0);
    while j < far {
        let weight = |a: f64| {
            let log = if half > 0.0 { j * half.ln() } else { 0.0 };
            if half > 0.0 || j <= 0.0 { (log - half - gamma::ln_gamma(a)).exp() } else { 0.0 }
        };
        // Both sides together: the odd terms of the two tails cancel.
        sum += weight(j + 1.0) * Beta::new(j + 0.5, df / 2.0)?.tails(x, q).1;
        j += 1.0;
    }
    Some(sum.clamp(0.0, 1.0))
}

/// Stirling's error: ln Γ(n + 1) − ((n + ½) ln n − n + ½ ln 2π).
fn stirling_error(n: f64) -> f64 {
    if n <= STIRLING_FROM {
        return gamma::ln_gamma(n + 1.0) - (n + 0.5) * n.ln() + n - LN_SQRT_TWO_PI;
    }
    let square = n * n;
    let series = [1.0 / 1188.0, -1.0 / 1680.0, 1.0 / 1260.0, -1.0 / 360.0, 1.0 / 12.0];
    series.iter().fold(0.0, |sum, term| term + sum / square) / n
}

/// x ln(x/m) + m − x without the cancellation near x = m (Loader's `bd0`), where `off` = x − m.
fn deviance(x: f64, m: f64, off: f64) -> f64 {
    if off.abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() - off;
    }
    let v = off / (x + m);
    let mut sum = off * v;
    let mut term = 2.0 * x * v;
    for j in 1..1_000_u32 {
        term *= v * v;
        let next = sum + term / f64::from(2 * j + 1);
        if next.total_cmp(&sum).is_eq() {
            break;
        }
        sum = next;
    }
    sum
}

/// The binomial probability of `x` in `n` at rate `p`, where `q` = 1 − p; `x` and `n` may be real.
fn binomial(x: f64, n: f64, p: f64, q: f64) -> f64 {
    let rest = n - x;
    if x <= 0.0 || rest <= 0.0 {
        let (exponent, rate, other) = if x <= 0.0 { (n, q, p) } else { (n, p, q) };
        let log = if other < 0.5 { (-other).ln_1p() } else { rate.ln() };
        return if exponent > 0.0 { (exponent * log).exp() } else { 1.0 };
    }
    if p <= 0.0 || q <= 0.0 {
        return 0.0;
    }
    // The smaller rate has the more digits: of 1 − 10⁻⁶ six are gone.
    let off = if p < q { x - n * p } else { n * q - rest };
    let log = stirling_error(n)
        - stirling_error(x)
        - stirling_error(rest)
        - deviance(x, n * p, off)
        - deviance(rest, n * q, -off);
    log.exp() * (n / (2.0 * std::f64::consts::PI * x * rest)).sqrt()
}

/// A beta distribution: what is believed of a rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beta {
    a: f64,
    b: f64,
}

impl Beta {
    /// Beta(a, b); nothing unless both are finite and above zero.
    pub fn new(a: f64, b: f64) -> Option<Self> {
        (a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite()).then_some(Self { a, b })
    }

    /// The first parameter: successes and what the prior counts as such.
    pub fn a(self) -> f64 {
        self.a
    }

    /// The second parameter: failures and what the prior counts as such.
    pub fn b(self) -> f64 {
        self.b
    }

    /// Its mean, a / (a + b).
    pub fn mean(self) -> f64 {
        self.a / (self.a + self.b)
    }

    /// Its variance, ab / ((a + b)²(a + b + 1)).
    pub fn variance(self) -> f64 {
        let n = self.a + self.b;
        (self.a / n) * (self.b / n) / (n + 1.0)
    }

    /// xᵃqᵇ / B(a, b), where `q` = 1 − x: the density on the logit scale.
    pub(crate) fn mass(self, x: f64, q: f64) -> f64 {
        let n = self.a + self.b;
        // Γ(a+b)/(Γ(a)Γ(b)) is ab/(a+b) of the binomial's coefficient.
        self.a * (self.b / n) * binomial(self.a, n, x, q)
    }

    /// P(X ≤ x) and P(X > x), where `q` = 1 − x; both keep their digits.
    pub(crate) fn tails(self, x: f64, q: f64) -> (f64, f64) {
        if x <= 0.0 {
            return (0.0, 1.0);
        }
        if q <= 0.0 {
            return (1.0, 0.0);
        }
        if x <= q {
            self.by_the_smaller_side(x, q)
        } else {
            let (above, below) = Self { a: self.b, b: self.a }.by_the_smaller_side(q, x);
            (below, above)
        }
    }

    /// The tails where x ≤ q: the sum keeps every digit but needs many terms far above the mean,
    /// the fraction is quick there and loses digits near the mean of a small rate.
    fn by_the_smaller_side(self, x: f64, q: f64) -> (f64, f64) {
        let mass = self.mass(x, q);
        if x < self.mean() + 2.0 * self.variance().sqrt() {
            let below = (mass * series(self.a, self.b, x) / self.a).clamp(0.0, 1.0);
            (below, 1.0 - below)
        } else {
            let above = (mass * fraction(self.b, self.a, q, x) / self.b).clamp(0.0, 1.0);
            (1.0 - above, above)
        }
    }

    /// The `x` with P(X ≤ x) = p.
    pub fn quantile(self, p: f64) -> f64 {
        self.quantile_pair(p).0
    }

    /// The quantile and one less it. Newton's method on the logit scale inside a bracket.
    fn quantile_pair(self, p: f64) -> (f64, f64) {
        if p <= 0.0 {
            return (0.0, 1.0);
        }
        if p >= 1.0 {
            return (1.0, 0.0);
        }
        let (mut low, mut high) = (-700.0_f64, 700.0_f64);
        let mut at = (self.a / self.b).ln().clamp(low, high);
        for _ in 0..200_u32 {
            let (x, q) = from_logit(at);
            let (below, above) = self.tails(x, q);
            let off = if p < 0.5 { below - p } else { (1.0 - p) - above };
            if off > 0.0 {
                high = at;
            } else {
                low = at;
            }
            let step = off / self.mass(x, q);
            let wanted = at - step;
            let next = if wanted > low && wanted < high { wanted } else { 0.5 * (low + high) };
            let moved = (next - at).abs();
            at = next;
            if moved <= 1e-15 * at.abs().max(1.0) {
                break;
            }
        }
        from_logit(at)
    }
}

/// x and 1 − x at logit `u`.
pub(crate) fn from_logit(u: f64) -> (f64, f64) {
    (1.0 / (1.0 + (-u).exp()), 1.0 / (1.0 + u.exp()))
}

/// 1 + Σ Π (a + b + j) x / (a + 1 + j): no term is negative (Abramowitz and Stegun 26.5.4).
fn series(a: f64, b: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut j) = (1.0, 1.0, 0.0);
    while term > sum * 1e-17 {
        term *= (a + b + j) * x / (a + 1.0 + j);
        sum += term;
        j += 1.0;
    }
    sum
}

/// The continued fraction of the incomplete beta function by Lentz's method (Press et al.,
/// *Numerical Recipes*, §6.4), where `q` = 1 − x; quick where x is below the mean.
fn fraction(a: f64, b: f64, x: f64, q: f64) -> f64 {
    let tiny = 1e-300_f64;
    let guard = |value: f64| if value.abs() < tiny { tiny } else { value };
    // 1 − (a + b)x / (a + 1), from whichever of x and q has the more digits.
    let first = if x < q { a + 1.0 - (a + b) * x } else { 1.0 - b + (a + b) * q };
    let mut c = 1.0;
    let mut d = 1.0 / guard(first / (a + 1.0));
    let mut value = d;
    for m in 1..FRACTION_STEPS_MAX {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        let change = d * c;
        value *= change;
        if (change - 1.0).abs() < 3e-16 {
            break;
        }
    }
    value
}

/// An urn with `marked` and `plain` balls of which `drawn` are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Urn {
    pub(crate) marked: u64,
    pub(crate) plain: u64,
    pub(crate) drawn: u64,
}

impl Urn {
    /// The probability of exactly `x` marked balls (Loader 2000, §5).
    fn exactly(self, x: u64) -> f64 {
        let all = self.marked.saturating_add(self.plain);
        let (Some(drawn_plain), true) = (self.drawn.checked_sub(x), x <= self.marked) else {
            return 0.0;
        };
        if drawn_plain > self.plain || self.drawn > all || all == 0 {
            return 0.0;
        }
        let p = real(self.drawn) / real(all);
        let q = real(all - self.drawn) / real(all);
        binomial(real(x), real(self.marked), p, q)
            * binomial(real(drawn_plain), real(self.plain), p, q)
            / binomial(real(self.drawn), real(all), p, q)
    }

    /// P(X ≥ x) and P(X < x). Sums the shorter tail outwards, so that both keep their digits.
    pub(crate) fn tails(self, x: u64) -> (f64, f64) {
        let all = self.marked.saturating_add(self.plain);
        let mean = real(self.drawn) * (real(self.marked) / real(all.max(1)));
        if real(x) > mean {
            let above = self.sum_up(x);
            (above, 1.0 - above)
        } else {
            let below = x.checked_sub(1).map_or(0.0, |last| self.sum_down(last));
            (1.0 - below, below)
        }
    }

    /// The likeliest number of marked balls: likeliness rises to it and falls after it.
    fn mode(self) -> u64 {
        let [marked, plain, drawn] = [self.marked, self.plain, self.drawn].map(u128::from);
        let mode = (drawn + 1) * (marked + 1) / (marked + plain + 2);
        u64::try_from(mode).unwrap_or(u64::MAX).min(self.marked).min(self.drawn)
    }

    /// The probability of a draw no likelier than `x` marked balls, on either side.
    pub(crate) fn as_unlikely_as(self, x: u64) -> f64 {
        let mode = self.mode();
        // What is as likely but for rounding counts too.
        let limit = self.exactly(x) * (1.0 + 1e-7);
        let unlikely = |y: u64| self.exactly(y) <= limit;
        // The other side is cut where it gets as unlikely, which halving finds.
        let sum = if x < mode {
            let (mut low, mut high) = (mode, self.marked.min(self.drawn) + 1);
            while low < high {
                let middle = low + (high - low) / 2;
                (low, high) = if unlikely(middle) { (low, middle) } else { (middle + 1, high) };
            }
            self.sum_down(x) + self.sum_up(low)
        } else if x > mode {
            let (mut low, mut high) = (self.drawn.saturating_sub(self.plain), mode + 1);
            while low < high {
                let middle = low + (high - low) / 2;
                (low, high) = if unlikely(middle) { (middle + 1, high) } else { (low, middle) };
            }
            self.sum_up(x) + low.checked_sub(1).map_or(0.0, |last| self.sum_down(last))
        } else {
            1.0
        };
        sum.min(1.0)
    }

    fn sum_up(self, from: u64) -> f64 {
        let (marked, plain, drawn) = (real(self.marked), real(self.plain), real(self.drawn));
        let mut x = real(from);
        let mut term = self.exactly(from);
        let mut sum = term;
        while term > sum * 1e-18 {
            term *= (marked - x) * (drawn - x) / ((x + 1.0) * (plain - drawn + x + 1.0));
            sum += term;
            x += 1.0;
        }
        sum.clamp(0.0, 1.0)
    }

    fn sum_down(self, from: u64) -> f64 {
        let (marked, plain, drawn) = (real(self.marked), real(self.plain), real(self.drawn));
        let mut x = real(from);
        let mut term = self.exactly(from);
        let mut sum = term;
        while term > sum * 1e-18 {
            term *= x * (plain - drawn + x) / ((marked - x + 1.0) * (drawn - x + 1.0));
            sum += term;
            x -= 1.0;
        }
        sum.clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests;
