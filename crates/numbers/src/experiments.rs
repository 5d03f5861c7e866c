//! Experiments: which of several arms converts better, whether that is known yet, and what a wrong
//! choice would cost.
//!
//! [`compare`] gives all of it for counts of conversions, [`revenue::compare`] for revenue per
//! visitor. The first arm is the control. The verdict goes by the test that may be looked at as
//! often as one likes ([`sequential`]), on the difference of rates; the fixed test stands beside it
//! and differs on purpose. In this order:
//!
//! 1. *srm*: the split is off, so nothing else means anything.
//! 2. *better*, *worse*: the always-valid interval leaves zero out. With several challengers each
//!    has its share of alpha (Bonferroni), and its p is multiplied by their number; one better is
//!    enough, worse must be all.
//! 3. *no difference*: every interval lies within the smallest effect that matters.
//! 4. *too early*: none of these, yet.

pub mod bayes;
pub mod cuped;
pub mod fixed;
pub mod group;
pub mod moments;
pub mod power;
pub mod revenue;
pub mod sequential;
pub mod srm;
pub mod thompson;

use crate::distributions::Beta;
use crate::real::{ratio, real};
use sequential::{AlwaysValid, Sequence};

/// Visitors of both arms at which the always-valid interval is narrowest.
pub const TUNING: f64 = 1_000.0;

/// A split this unlikely is taken for a fault and not for chance: looked at every day, a page that
/// cried at 5 % would cry in most sound experiments.
pub const SRM_P: f64 = 0.001;

/// The smallest effect that matters where the plan names none: a fifth of the control's rate, about
/// what a small shop's traffic can show at all.
pub const SMALLEST_EFFECT: f64 = 0.2;

/// More visitors than this are a mistake in the counts, and exact sums over them would take
/// minutes.
pub const VISITORS_MAX: u64 = 1_000_000_000;

/// One arm of an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm {
    /// Its name.
    pub name: String,
    /// Who saw it.
    pub n: u64,
    /// Who of them converted.
    pub conversions: u64,
}

impl Arm {
    /// Its rate and the variance of it; nothing where nobody saw it.
    fn mean_and_variance(&self) -> Option<(f64, Option<f64>)> {
        let rate = ratio(real(self.conversions), real(self.n))?;
        Some((rate, Some(rate * (1.0 - rate) / real(self.n))))
    }
}

/// How an experiment is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The share of visitors meant for each arm, of any sum; empty means even.
    pub weights: Vec<f64>,
    /// The error allowed over all looks and all challengers.
    pub alpha: f64,
    /// Visitors at which the always-valid interval is narrowest.
    pub tuning: f64,
    /// Smaller effects than this share of the control's rate do not matter.
    pub smallest_effect: f64,
    /// Below this p the split is taken for faulty.
    pub srm_p: f64,
    /// Amounts of money above this quantile count as it.
    pub winsor_quantile: f64,
    /// The prior of every rate, as the two parameters of a beta distribution.
    pub prior: (f64, f64),
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            weights: Vec::new(),
            alpha: 0.05,
            tuning: TUNING,
            smallest_effect: SMALLEST_EFFECT,
            srm_p: SRM_P,
            winsor_quantile: 0.99,
            prior: (1.0, 1.0),
        }
    }
}

/// What of the input cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistake {
    /// More converted, or paid, than saw the arm.
    MoreThanVisited(String),
    /// More than [`VISITORS_MAX`] saw it.
    TooMany(String),
    /// An amount of the arm is not a finite number.
    NotFinite(String),
    /// As many weights as arms are needed, each above zero.
    Weights,
    /// A setting of the plan lies outside what it may be.
    Plan(&'static str),
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MoreThanVisited(arm) => {
                write!(f, "{arm}: more converted than saw it; count each visitor once")
            }
            Self::TooMany(arm) => {
                write!(f, "{arm}: over a thousand million visitors; check the count")
            }
            Self::NotFinite(arm) => write!(f, "{arm}: an amount is not a number; leave it out"),
            Self::Weights => f.write_str("give one weight above zero for each arm, or none"),
            Self::Plan(what) => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for Mistake {}

/// What is known of a challenger, or of the whole experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Better than the control.
    Better,
    /// Worse than the control.
    Worse,
    /// Any difference is too small to matter.
    NoDifference,
    /// Not known yet.
    TooEarly,
    /// The split is off.
    Srm,
}

impl Verdict {
    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::NoDifference => "no_difference",
            Self::TooEarly => "too_early",
            Self::Srm => "srm",
        }
    }
}

/// What came of one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Its name.
    pub name: String,
    /// Who saw it.
    pub n: u64,
    /// Who of them converted.
    pub conversions: u64,
    /// The share; nothing where nobody saw it.
    pub rate: Option<f64>,
    /// The interval of 95 % of the posterior, as much outside on either side.
    pub credible: Option<(f64, f64)>,
    /// The probability that it is the best of those that were seen.
    pub prob_best: Option<f64>,
    /// How much of the rate choosing it is expected to give away.
    pub expected_loss: Option<f64>,
}

/// One challenger against the control.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The challenger.
    pub arm: String,
    /// P(challenger > control).
    pub prob_better: Option<f64>,
    /// The comparison at a fixed number of visitors.
    pub fixed: Option<fixed::Rates>,
    /// Its pooled p, corrected for several challengers (Holm).
    pub p_holm: Option<f64>,
    /// The test of the difference of rates that holds at every look; the verdict goes by it.
    pub always_valid: Option<AlwaysValid>,
    /// The same of the relative difference; nothing where the control's rate is not yet told from
    /// zero.
    pub always_valid_relative: Option<AlwaysValid>,
    /// The verdict on this challenger.
    pub verdict: Verdict,
}

/// An experiment judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The arms in the order given; the first is the control.
    pub arms: Vec<Figures>,
    /// The split; nothing below two arms or without visitors.
    pub srm: Option<srm::Srm>,
    /// Each other arm against the first.
    pub comparisons: Vec<Comparison>,
    /// The verdict on all.
    pub verdict: Verdict,
}

impl Report {
    /// The comparison to show first: of the challengers that the verdict on all is of, the one with
    /// the highest rate.
    pub fn leading(&self) -> Option<&Comparison> {
        leading(&self.comparisons, self.verdict, |one| {
            (one.verdict, one.fixed.map(|fixed| fixed.difference.value))
        })
    }
}

/// Of `comparisons` those whose verdict is that on all, or else all of them; and of these the one
/// with the highest figure. One seen by few may be ahead of the one that is known to be better.
fn leading<T>(
    comparisons: &[T],
    overall: Verdict,
    of: impl Fn(&T) -> (Verdict, Option<f64>),
) -> Option<&T> {
    let mut best: Option<(&T, (bool, Option<f64>))> = None;
    for one in comparisons {
        let (verdict, value) = of(one);
        let rank = (verdict == overall, value);
        if best.is_none_or(|(_, known)| rank > known) {
            best = Some((one, rank));
        }
    }
    best.map(|(one, _)| one)
}

/// Judges an experiment by its counts.
///
/// # Errors
///
/// Where more converted than saw an arm, or the plan does not fit the arms.
pub fn compare(arms: &[Arm], plan: &Plan) -> Result<Report, Mistake> {
    let sequence = plan.sequence(arms.len())?;
    let weights = plan.weights(arms.len())?;
    let prior = plan.prior()?;
    if let Some(arm) = arms.iter().find(|arm| arm.conversions > arm.n) {
        return Err(Mistake::MoreThanVisited(arm.name.clone()));
    }
    if let Some(arm) = arms.iter().find(|arm| arm.n > VISITORS_MAX) {
        return Err(Mistake::TooMany(arm.name.clone()));
    }
    let visitors: Vec<u64> = arms.iter().map(|arm| arm.n).collect();
    let split = srm::srm(&visitors, &weights);
    let mut comparisons: Vec<Comparison> = Vec::new();
    if let Some(control) = arms.first() {
        let control_rate = ratio(real(control.conversions), real(control.n));
        for arm in arms.iter().skip(1) {
            let fixed = fixed::rates((control.conversions, control.n), (arm.conversions, arm.n));
            let n = control.n.saturating_add(arm.n);
            let always_valid = fixed.and_then(|fixed| sequence.test(fixed.difference, n));
            let relative = fixed.and_then(|_| {
                sequence.test_ratio(control.mean_and_variance()?, arm.mean_and_variance()?, n)
            });
            comparisons.push(Comparison {
                arm: arm.name.clone(),
                prob_better: fixed.and_then(|_| {
                    let first = bayes::posterior(prior, control.conversions, control.n)?;
                    let second = bayes::posterior(prior, arm.conversions, arm.n)?;
                    Some(bayes::beats(first, second))
                }),
                fixed,
                p_holm: None,
                always_valid,
                always_valid_relative: relative,
                verdict: plan.verdict(always_valid, control_rate),
            });
        }
    }
    let p: Vec<f64> =
        comparisons.iter().filter_map(|comparison| comparison.fixed?.p_pooled).collect();
    let mut holm = fixed::holm(&p).into_iter();
    for comparison in &mut comparisons {
        if comparison.fixed.is_some_and(|fixed| fixed.p_pooled.is_some()) {
            comparison.p_holm = holm.next();
        }
    }
    let verdict = plan.overall(split, comparisons.iter().map(|comparison| comparison.verdict));
    Ok(Report { arms: figures(arms, prior), srm: split, comparisons, verdict })
}

/// The figures of each arm. Which is best is asked of those that were seen; one alone is not best.
fn figures(arms: &[Arm], prior: Beta) -> Vec<Figures> {
    let posteriors: Vec<Option<Beta>> = arms
        .iter()
        .map(|arm| if arm.n == 0 { None } else { bayes::posterior(prior, arm.conversions, arm.n) })
        .collect();
    let seen: Vec<Beta> = posteriors.iter().flatten().copied().collect();
    let best = bayes::best(&seen);
    let several = seen.len() > 1;
    let mut best = best.probability.into_iter().zip(best.loss);
    arms.iter()
        .zip(posteriors)
        .map(|(arm, posterior)| {
            let told = posterior.and_then(|_| best.next()).filter(|_| several);
            Figures {
                name: arm.name.clone(),
                n: arm.n,
                conversions: arm.conversions,
                rate: ratio(real(arm.conversions), real(arm.n)),
                credible: posterior.map(|beta| (beta.quantile(0.025), beta.quantile(0.975))),
                prob_best: told.map(|(probability, _)| probability.clamp(0.0, 1.0)),
                expected_loss: told.map(|(_, loss)| loss),
            }
        })
        .collect()
}

impl Plan {
    /// The weights of `arms` arms.
    fn weights(&self, arms: usize) -> Result<Vec<f64>, Mistake> {
        if self.weights.is_empty() {
            return Ok(vec![1.0; arms]);
        }
        let sound = self.weights.iter().all(|weight| *weight > 0.0 && weight.is_finite());
        if sound && self.weights.len() == arms {
            Ok(self.weights.clone())
        } else {
            Err(Mistake::Weights)
        }
    }

    /// The prior as a distribution.
    fn prior(&self) -> Result<Beta, Mistake> {
        Beta::new(self.prior.0, self.prior.1)
            .ok_or(Mistake::Plan("both parameters of the prior must be above zero"))
    }

    /// The sequence for each of the challengers of `arms` arms.
    fn sequence(&self, arms: usize) -> Result<Sequence, Mistake> {
        if !(self.smallest_effect >= 0.0 && self.smallest_effect.is_finite()) {
            return Err(Mistake::Plan("the smallest effect that matters must not be negative"));
        }
        Sequence::one_of(arms.saturating_sub(1).max(1), self.alpha, self.tuning)
            .ok_or(Mistake::Plan("alpha must lie between 0 and 1, and tuning above 0"))
    }

    /// The verdict on one challenger, against the control's rate or mean.
    fn verdict(&self, test: Option<AlwaysValid>, control: Option<f64>) -> Verdict {
        let Some((test, control)) = test.zip(control) else { return Verdict::TooEarly };
        let small = self.smallest_effect * control.abs();
        if test.low > 0.0 {
            Verdict::Better
        } else if test.high < 0.0 {
            Verdict::Worse
        } else if test.low >= -small && test.high <= small {
            Verdict::NoDifference
        } else {
            Verdict::TooEarly
        }
    }

    /// The verdict on the whole, from the split and the challengers' verdicts.
    fn overall(&self, split: Option<srm::Srm>, each: impl Iterator<Item = Verdict>) -> Verdict {
        if split.is_some_and(|split| split.p < self.srm_p) {
            return Verdict::Srm;
        }
        let each: Vec<Verdict> = each.collect();
        let all = |of: &[Verdict]| !each.is_empty() && each.iter().all(|v| of.contains(v));
        if each.contains(&Verdict::Better) {
            Verdict::Better
        } else if all(&[Verdict::Worse]) {
            Verdict::Worse
        } else if all(&[Verdict::NoDifference, Verdict::Worse]) {
            Verdict::NoDifference
        } else {
            Verdict::TooEarly
        }
    }
}

#[cfg(test)]
mod tests;
