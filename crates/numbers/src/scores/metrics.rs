//! How good scores are, on cases that the model has not seen.
//!
//! * AUC = P(a positive scores above another) + ½ P(equal), by mid-ranks (Mann and Whitney 1947).
//! * Its variance by DeLong, DeLong and Clarke-Pearson 1988, *Comparing the Areas under Two or More
//!   Correlated Receiver Operating Characteristic Curves*, Biometrics 44, in the fast form of Sun
//!   and Xu 2014.
//! * Brier = mean (p − y)², log loss = −mean ln of the probability given to what happened.
//! * KS = the largest distance between the two cumulative distributions.
//! * ECE₁₀ = Σ n_k/n |mean p − share positive| over ten bins of equal width, [0, .1) to [.9, 1].
//! * Lift of a tenth = its share positive over the share of all.

use crate::distributions::{Z_95, two_sided};
use crate::experiments::moments::Moments;
use crate::real::{ratio, real, real_len};
use crate::stages::{Share, share};

/// A probability of exactly 0 or 1 is taken for this far from it in the log loss, so that one
/// mistake does not cost more than all the rest.
const PROBABILITY_LEAST: f64 = 1e-15;

/// The area under the curve with its interval of 95 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Auc {
    /// The area, from 0 to 1.
    pub value: f64,
    /// DeLong's interval; nothing where a class has one case, or the variance is zero.
    pub interval: Option<(f64, f64)>,
}

/// One tenth of the cases, or one bin of probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Cases.
    pub n: u64,
    /// Those of them that were positive.
    pub positives: u64,
    /// The mean of the probabilities given.
    pub predicted: f64,
    /// The share that was positive, with its interval.
    pub observed: Share,
    /// That share over the share of all; nothing where none was positive.
    pub lift: Option<f64>,
}

/// All of it. What cannot be told of so few cases is nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// Cases.
    pub n: u64,
    /// Positive ones.
    pub positives: u64,
    /// Whether positives come first.
    pub auc: Option<Auc>,
    /// Mean squared error of the probabilities.
    pub brier: Option<f64>,
    /// Mean surprise.
    pub log_loss: Option<f64>,
    /// Kolmogorov and Smirnov's distance.
    pub ks: Option<f64>,
    /// Expected calibration error over ten bins of equal width.
    pub ece: Option<f64>,
    /// Lift of the tenth with the highest scores.
    pub top_decile_lift: Option<f64>,
    /// Ten equal parts, the highest scores first.
    pub deciles: Vec<Bin>,
    /// Bins of equal width, the lowest probabilities first; empty ones left out.
    pub reliability: Vec<Bin>,
}

/// Judges probabilities against what happened; what one list has more of is left out.
pub fn metrics(probabilities: &[f64], outcome: &[bool]) -> Metrics {
    let mut cases: Vec<(f64, bool)> =
        probabilities.iter().copied().zip(outcome.iter().copied()).collect();
    let positives = cases.iter().filter(|(_, y)| *y).count();
    let base = ratio(real_len(positives), real_len(cases.len()));
    let mean = |of: &dyn Fn(f64, bool) -> f64| {
        ratio(cases.iter().map(|(p, y)| of(*p, *y)).sum(), real_len(cases.len()))
    };
    let brier = mean(&|p, y| if y { (1.0 - p).powi(2) } else { p * p });
    let log_loss = mean(&|p, y| {
        let given = if y { p } else { 1.0 - p };
        -given.clamp(PROBABILITY_LEAST, 1.0).ln()
    });
    let reliability = reliability(&cases, base);
    let off: f64 =
        reliability.iter().map(|bin| real(bin.n) * (bin.predicted - bin.observed.rate).abs()).sum();
    cases.sort_by(|x, y| y.0.total_cmp(&x.0));
    let deciles = deciles(&cases, base);
    Metrics {
        n: count(cases.len()),
        positives: count(positives),
        auc: auc(probabilities, outcome),
        brier,
        log_loss,
        ks: ks(&cases),
        ece: ratio(off, real_len(cases.len())),
        top_decile_lift: deciles.first().and_then(|bin| bin.lift),
        deciles,
        reliability,
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn bin(cases: &[(f64, bool)], base: Option<f64>) -> Option<Bin> {
    let positives = count(cases.iter().filter(|(_, y)| *y).count());
    let observed = share(positives, count(cases.len()))?;
    let predicted = cases.iter().map(|(p, _)| *p).sum::<f64>() / real_len(cases.len());
    let lift = base.and_then(|base| ratio(observed.rate, base));
    Some(Bin { n: count(cases.len()), positives, predicted, observed, lift })
}

fn reliability(cases: &[(f64, bool)], base: Option<f64>) -> Vec<Bin> {
    let mut bins: [Vec<(f64, bool)>; 10] = Default::default();
    for (p, y) in cases {
        let at = (1..10_u8).filter(|edge| p * 10.0 >= f64::from(*edge)).count();
        if let Some(bin) = bins.get_mut(at) {
            bin.push((*p, *y));
        }
    }
    bins.iter().filter_map(|cases| bin(cases, base)).collect()
}

/// Ten parts of cases in falling order; the first ones have one more where it does not come out.
fn deciles(cases: &[(f64, bool)], base: Option<f64>) -> Vec<Bin> {
    let (each, more) = (cases.len() / 10, cases.len() % 10);
    let mut rest = cases;
    let mut bins = Vec::new();
    for at in 0..10 {
        let size = each + usize::from(at < more);
        let Some((part, after)) = rest.split_at_checked(size) else { break };
        rest = after;
        bins.extend(bin(part, base));
    }
    bins
}

/// The largest distance of the two cumulative distributions, over cases in falling order.
fn ks(cases: &[(f64, bool)]) -> Option<f64> {
    let positives = real_len(cases.iter().filter(|(_, y)| *y).count());
    let others = real_len(cases.len()) - positives;
    if positives <= 0.0 || others <= 0.0 {
        return None;
    }
    let (mut up, mut down, mut largest) = (0.0, 0.0, 0.0_f64);
    for same in cases.chunk_by(|x, y| x.0.total_cmp(&y.0).is_eq()) {
        let here = real_len(same.iter().filter(|(_, y)| *y).count());
        up += here / positives;
        down += (real_len(same.len()) - here) / others;
        largest = largest.max((up - down).abs());
    }
    Some(largest)
}

/// Ranks from 1, equal values sharing their middle, in the order given.
fn mid_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = values.iter().copied().enumerate().collect();
    order.sort_by(|x, y| x.1.total_cmp(&y.1));
    let mut ranks: Vec<(usize, f64)> = Vec::with_capacity(values.len());
    for same in order.chunk_by(|x, y| x.1.total_cmp(&y.1).is_eq()) {
        let middle = real_len(ranks.len()) + (real_len(same.len()) + 1.0) / 2.0;
        ranks.extend(same.iter().map(|(at, _)| (*at, middle)));
    }
    ranks.sort_by_key(|(at, _)| *at);
    ranks.into_iter().map(|(_, rank)| rank).collect()
}

/// DeLong's components: for each positive the share of others below it, for each other the share of
/// positives above it. Nothing without both classes or where a score is not a number.
fn components(scores: &[f64], outcome: &[bool]) -> Option<(Vec<f64>, Vec<f64>)> {
    let of = |wanted: bool| -> Vec<f64> {
        scores.iter().zip(outcome).filter(|(_, y)| **y == wanted).map(|(s, _)| *s + 0.0).collect()
    };
    let (positives, others) = (of(true), of(false));
    if positives.is_empty() || others.is_empty() || scores.iter().any(|s| s.is_nan()) {
        return None;
    }
    let all: Vec<f64> = positives.iter().chain(&others).copied().collect();
    let ranks = mid_ranks(&all);
    let (of_positives, of_others) = ranks.split_at(positives.len());
    let (m, n) = (real_len(positives.len()), real_len(others.len()));
    let within = |ranks: &[f64], values: &[f64], out_of: f64| -> Vec<f64> {
        ranks.iter().zip(mid_ranks(values)).map(|(all, own)| (all - own) / out_of).collect()
    };
    let below = within(of_positives, &positives, n);
    let above = within(of_others, &others, m).into_iter().map(|share| 1.0 - share).collect();
    Some((below, above))
}

/// The area under the curve of any scores, higher meaning more likely. Nothing without both
/// classes.
pub fn auc(scores: &[f64], outcome: &[bool]) -> Option<Auc> {
    let (below, above) = components(scores, outcome)?;
    let value = below.iter().sum::<f64>() / real_len(below.len());
    let variance = |of: &[f64]| Moments::of(of)?.variance_of_mean();
    let se = variance(&below).zip(variance(&above)).map(|(a, b)| (a + b).sqrt());
    let interval = se
        .filter(|se| *se > 0.0)
        .map(|se| ((value - Z_95 * se).max(0.0), (value + Z_95 * se).min(1.0)));
    Some(Auc { value, interval })
}

/// Two scores of the same cases compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AucDifference {
    /// First area less second.
    pub difference: f64,
    /// DeLong's statistic.
    pub z: f64,
    /// Its two-sided p.
    pub p: f64,
}

/// Whether one score ranks better than another on the same cases (DeLong). Nothing without both
/// classes, or where the scores rank alike.
pub fn compare_auc(first: &[f64], second: &[f64], outcome: &[bool]) -> Option<AucDifference> {
    let (below, above) = components(first, outcome)?;
    let (below_other, above_other) = components(second, outcome)?;
    let apart = |x: &[f64], y: &[f64]| {
        let off: Vec<f64> = x.iter().zip(y).map(|(x, y)| x - y).collect();
        Moments::of(&off)
    };
    let (below, above) = (apart(&below, &below_other)?, apart(&above, &above_other)?);
    let difference = below.mean()?;
    let se = (below.variance_of_mean()? + above.variance_of_mean()?).sqrt();
    let z = ratio(difference, se)?;
    Some(AucDifference { difference, z, p: two_sided(z) })
}
