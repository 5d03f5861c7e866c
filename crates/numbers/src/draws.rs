//! Draws from distributions, given a source of uniform ones.
//!
//! The source is a closure that gives numbers from 0 up to but not 1: chance is a parameter, and
//! the same seed gives the same answer.

use crate::distributions::Beta;
use crate::real::real;

/// A uniform draw above 0, so that its logarithm is finite.
fn above_zero(uniform: &mut impl FnMut() -> f64) -> f64 {
    uniform().max(f64::MIN_POSITIVE)
}

/// A standard normal draw (Box and Muller 1958, *A Note on the Generation of Random Normal
/// Deviates*).
pub(crate) fn normal(uniform: &mut impl FnMut() -> f64) -> f64 {
    let radius = (-2.0 * above_zero(uniform).ln()).sqrt();
    radius * (2.0 * std::f64::consts::PI * uniform()).cos()
}

/// The logarithm of a gamma draw of the given shape and scale 1 (Marsaglia and Tsang 2000, *A
/// Simple Method for Generating Gamma Variables*). The logarithm, because a shape far below 1 gives
/// draws smaller than any number.
fn ln_gamma(shape: f64, uniform: &mut impl FnMut() -> f64) -> f64 {
    if shape < 1.0 {
        return ln_gamma(shape + 1.0, uniform) + above_zero(uniform).ln() / shape;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(uniform);
        let root = 1.0 + c * x;
        if root <= 0.0 {
            continue;
        }
        let v = root * root * root;
        if above_zero(uniform).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d.ln() + v.ln();
        }
    }
}

/// A gamma draw of the given shape and scale, both above zero.
pub(crate) fn gamma(shape: f64, scale: f64, uniform: &mut impl FnMut() -> f64) -> f64 {
    scale * ln_gamma(shape, uniform).exp()
}

/// A draw of a rate.
pub(crate) fn beta(of: Beta, uniform: &mut impl FnMut() -> f64) -> f64 {
    let (a, b) = (ln_gamma(of.a(), uniform), ln_gamma(of.b(), uniform));
    1.0 / (1.0 + (b - a).exp())
}

/// Student's t with `df` degrees of freedom.
pub(crate) fn student(df: f64, uniform: &mut impl FnMut() -> f64) -> f64 {
    normal(uniform) / (gamma(df / 2.0, 2.0, uniform) / df).sqrt()
}

/// Below this many, each is drawn by itself.
const ONE_BY_ONE_MAX: u64 = 24;

/// How many of `n` happen at rate `p`: exact, in about log n steps. The middle of `n` uniform draws
/// has a beta distribution; what lies on the far side of it is counted at once (Devroye 1986,
/// *Non-Uniform Random Variate Generation*, §X.4.4).
pub(crate) fn binomial(n: u64, p: f64, uniform: &mut impl FnMut() -> f64) -> u64 {
    let (mut left, mut p, mut count) = (n, p, 0_u64);
    while left > ONE_BY_ONE_MAX && p > 0.0 && p < 1.0 {
        let a = 1 + left / 2;
        let b = left + 1 - a;
        let Some(middle) = Beta::new(real(a), real(b)) else { break };
        let x = beta(middle, uniform);
        if x <= p {
            count += a;
            left = b - 1;
            p = (p - x) / (1.0 - x);
        } else {
            left = a - 1;
            p /= x;
        }
    }
    if p >= 1.0 {
        return count + left;
    }
    for _ in 0..left {
        if uniform() < p {
            count += 1;
        }
    }
    count
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Uniform draws from a seed (Steele, Lea and Flood 2014, SplitMix64): enough for tests.
    pub(crate) fn seeded(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            crate::real::unit(z ^ (z >> 31))
        }
    }

    const DRAWS: u32 = 40_000;

    /// Mean and variance of many draws lie within five standard errors of what is wanted.
    fn has(mean: f64, variance: f64, mut draw: impl FnMut() -> f64) {
        let n = f64::from(DRAWS);
        let draws: Vec<f64> = (0..DRAWS).map(|_| draw()).collect();
        let got = draws.iter().sum::<f64>() / n;
        let spread = draws.iter().map(|x| (x - got).powi(2)).sum::<f64>() / n;
        assert!((got - mean).abs() < 5.0 * (variance / n).sqrt(), "mean {got}, not {mean}");
        assert!((spread / variance - 1.0).abs() < 0.12, "variance {spread}, not {variance}");
    }

    #[test]
    fn draws_have_the_mean_and_the_variance_they_should() {
        let mut uniform = seeded(7);
        has(0.5, 1.0 / 12.0, &mut uniform);
        has(0.0, 1.0, || normal(&mut uniform));
        has(7.5, 11.25, || gamma(5.0, 1.5, &mut uniform));
        has(0.4, 0.4, || gamma(0.4, 1.0, &mut uniform));
        for (a, b) in [(0.5, 0.5), (11.0, 91.0), (2.0, 1.0), (5_001.0, 95_001.0)] {
            let of = Beta::new(a, b).unwrap();
            has(of.mean(), of.variance(), || beta(of, &mut uniform));
        }
        has(0.0, 10.0 / 8.0, || student(10.0, &mut uniform));
        for (n, p) in [(10, 0.3), (1_000, 0.02), (1_000_000, 0.7)] {
            has(real(n) * p, real(n) * p * (1.0 - p), || real(binomial(n, p, &mut uniform)));
        }
    }

    #[test]
    fn what_never_or_always_happens_is_drawn_so() {
        let mut uniform = seeded(1);
        assert_eq!(binomial(1_000, 0.0, &mut uniform), 0);
        assert_eq!(binomial(1_000, 1.0, &mut uniform), 1_000);
        assert_eq!(binomial(0, 0.5, &mut uniform), 0);
        let tiny = Beta::new(1e-3, 1e-3).unwrap();
        assert!((0..100).all(|_| (0.0..=1.0).contains(&beta(tiny, &mut uniform))));
    }
}
