//! Two rates or two means compared once, at a number of visitors fixed beforehand.
//!
//! * z = (p₂ − p₁)/√(p̄q̄(1/n₁ + 1/n₂)), p two-sided; the unpooled z stands beside it, named.
//! * Wald's interval p₂ − p₁ ± z √(p₁q₁/n₁ + p₂q₂/n₂), and Newcombe's from two Wilson intervals
//!   (Newcombe 1998, Statistics in Medicine 17, method 10), which holds for small counts too.
//! * Fisher's exact p, which holds for any counts: the probability of a table no likelier than this
//!   one with its margins (Fisher 1935, *The Logic of Inductive Inference*, JRSS 98).
//! * Means by Welch 1947, *The Generalization of Student's Problem*, Biometrika 34; relative
//!   differences by the delta method: V = v₂/m₁² + v₁ m₂²/m₁⁴ with v the variance of each mean.
//! * Several challengers: Holm 1979, *A Simple Sequentially Rejective Multiple Test Procedure*.
//!
//! Looked at again and again, these p values are too small; see [`super::sequential`].

use super::moments::Moments;
use crate::distributions::{
    Urn, normal_upper_quantile, student_two_sided, student_two_sided_quantile, two_sided,
};
use crate::real::{ratio, real};
use crate::stages;

/// An estimate of a difference with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The difference, second less first.
    pub value: f64,
    /// Its standard error; nothing where the variance is not known.
    pub se: Option<f64>,
}

/// Two rates compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Second rate less first.
    pub difference: Estimate,
    /// The difference as a share of the first rate, by the delta method: for a fixed number of
    /// visitors with some conversions in each arm. Nothing where the first rate is zero.
    pub relative: Option<Estimate>,
    /// The statistic with one variance for both, which the p of this page goes by.
    pub z_pooled: Option<f64>,
    /// Its two-sided p.
    pub p_pooled: Option<f64>,
    /// The statistic with a variance for each.
    pub z_unpooled: Option<f64>,
    /// Its two-sided p.
    pub p_unpooled: Option<f64>,
    /// Fisher's exact p.
    pub p_fisher: f64,
    /// Wald's interval of 95 % for the difference.
    pub wald: Option<(f64, f64)>,
    /// Newcombe's interval of 95 % for the difference.
    pub newcombe: (f64, f64),
}

/// Compares `x2` of `n2` with `x1` of `n1`. Nothing where an arm is empty or more convert than
/// there are.
pub fn rates((x1, n1): (u64, u64), (x2, n2): (u64, u64)) -> Option<Rates> {
    if x1 > n1 || x2 > n2 {
        return None;
    }
    let (p1, p2) = (ratio(real(x1), real(n1))?, ratio(real(x2), real(n2))?);
    let (v1, v2) = (p1 * (1.0 - p1) / real(n1), p2 * (1.0 - p2) / real(n2));
    let value = p2 - p1;
    let se = known((v1 + v2).sqrt());
    let both = (real(x1) + real(x2)) / (real(n1) + real(n2));
    let pooled = known((both * (1.0 - both) * (1.0 / real(n1) + 1.0 / real(n2))).sqrt());
    let z_pooled = pooled.map(|se| value / se);
    let z_unpooled = se.map(|se| value / se);
    let z = normal_upper_quantile(0.025);
    let (first, second) = (stages::share(x1, n1)?, stages::share(x2, n2)?);
    let apart = |a: f64, b: f64| a.hypot(b);
    Some(Rates {
        difference: Estimate { value, se },
        relative: relative((p1, Some(v1)), (p2, Some(v2))),
        z_pooled,
        p_pooled: z_pooled.map(two_sided),
        z_unpooled,
        p_unpooled: z_unpooled.map(two_sided),
        p_fisher: Urn { marked: n1, plain: n2, drawn: x1.saturating_add(x2) }.as_unlikely_as(x1),
        wald: se.map(|se| (value - z * se, value + z * se)),
        newcombe: (
            value - apart(p2 - second.low, first.high - p1),
            value + apart(second.high - p2, p1 - first.low),
        ),
    })
}

/// The second mean as a share of the first, less one, from each mean and the variance of it.
fn relative((m1, v1): (f64, Option<f64>), (m2, v2): (f64, Option<f64>)) -> Option<Estimate> {
    let value = ratio(m2, m1)? - 1.0;
    let se = v1.zip(v2).and_then(|(v1, v2)| {
        known((v2 / (m1 * m1) + v1 * (m2 / m1) * (m2 / m1) / (m1 * m1)).sqrt())
    });
    Some(Estimate { value, se })
}

/// A standard error, where it is one.
fn known(se: f64) -> Option<f64> {
    (se > 0.0 && se.is_finite()).then_some(se)
}

/// Two means compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Means {
    /// Second mean less first.
    pub difference: Estimate,
    /// The difference as a share of the first mean; nothing where that is zero.
    pub relative: Option<Estimate>,
    /// Welch's t.
    pub t: Option<f64>,
    /// Its degrees of freedom (Satterthwaite).
    pub df: Option<f64>,
    /// Its two-sided p.
    pub p: Option<f64>,
    /// The interval of 95 % for the difference.
    pub interval: Option<(f64, f64)>,
}

/// Compares two means. Nothing where either has no values; the test is missing where a variance
/// is.
pub fn means(first: &Moments, second: &Moments) -> Option<Means> {
    let (m1, m2) = (first.mean()?, second.mean()?);
    let (v1, v2) = (first.variance_of_mean(), second.variance_of_mean());
    let value = m2 - m1;
    let se = v1.zip(v2).and_then(|(v1, v2)| known((v1 + v2).sqrt()));
    let df = v1.zip(v2).and_then(|(v1, v2)| {
        let part = |v: f64, n: u64| v * v / (real(n) - 1.0);
        ratio((v1 + v2) * (v1 + v2), part(v1, first.n()) + part(v2, second.n()))
    });
    let t = se.map(|se| value / se);
    let half = se.zip(df).and_then(|(se, df)| Some(se * student_two_sided_quantile(0.05, df)?));
    Some(Means {
        difference: Estimate { value, se },
        relative: relative((m1, v1), (m2, v2)),
        t,
        df,
        p: t.zip(df).and_then(|(t, df)| student_two_sided(t, df)),
        interval: half.map(|half| (value - half, value + half)),
    })
}

/// p values made fit to be read side by side: Holm's, in the order given.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = p.iter().copied().enumerate().collect();
    order.sort_by(|x, y| x.1.total_cmp(&y.1));
    let mut left = crate::real::real_len(p.len());
    let mut so_far = 0.0_f64;
    let mut adjusted: Vec<(usize, f64)> = order
        .into_iter()
        .map(|(at, p)| {
            so_far = so_far.max((p * left).min(1.0));
            left -= 1.0;
            (at, so_far)
        })
        .collect();
    adjusted.sort_by_key(|(at, _)| *at);
    adjusted.into_iter().map(|(_, p)| p).collect()
}
