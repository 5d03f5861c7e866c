//! Revenue per visitor, where one large order can outweigh a thousand small ones.
//!
//! The rule: amounts above the 99 % quantile (type 7 of Hyndman and Fan 1996) of all amounts that
//! are not zero, of all arms together, count as that quantile. One cap for all arms, found without
//! looking at which arm an amount belongs to. Zeros are left out of the quantile, or with few
//! buyers the cap would be zero. Both figures are shown; the verdict goes by the capped one.

use super::bayes::NormalBelief;
use super::fixed::{Means, means};
use super::moments::Moments;
use super::sequential::AlwaysValid;
use super::{Mistake, Plan, Verdict, srm};
use crate::quantiles::quantile;

/// An arm: how many saw it and what those who paid paid, in minor units or any other.
#[derive(Debug, Clone, PartialEq)]
pub struct RevenueArm {
    /// Its name.
    pub name: String,
    /// All who saw it.
    pub visitors: u64,
    /// The revenue of each visitor who paid; the others count as zero.
    pub amounts: Vec<f64>,
}

/// What came of one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct RevenueFigures {
    /// Its name.
    pub name: String,
    /// All who saw it.
    pub visitors: u64,
    /// Revenue per visitor as it was; nothing without visitors.
    pub mean: Option<f64>,
    /// Revenue per visitor with amounts capped.
    pub mean_capped: Option<f64>,
    /// Amounts that were above the cap.
    pub capped: u64,
}

/// One challenger against the control.
#[derive(Debug, Clone, PartialEq)]
pub struct RevenueComparison {
    /// The challenger.
    pub arm: String,
    /// As it was.
    pub plain: Option<Means>,
    /// With amounts capped.
    pub capped: Option<Means>,
    /// The test that holds at every look, of the plain difference.
    pub always_valid_plain: Option<AlwaysValid>,
    /// The same with amounts capped; the verdict goes by it.
    pub always_valid: Option<AlwaysValid>,
    /// The same of the relative difference; nothing where the control's mean is not yet told from
    /// zero.
    pub always_valid_relative: Option<AlwaysValid>,
    /// What is believed of the capped difference, from a flat prior.
    pub belief: Option<NormalBelief>,
    /// The verdict on this challenger.
    pub verdict: Verdict,
}

/// Revenue per visitor by arm.
#[derive(Debug, Clone, PartialEq)]
pub struct RevenueReport {
    /// The cap; nothing where nobody paid.
    pub cap: Option<f64>,
    /// The arms in the order given; the first is the control.
    pub arms: Vec<RevenueFigures>,
    /// The split of visitors.
    pub srm: Option<srm::Srm>,
    /// Each other arm against the first.
    pub comparisons: Vec<RevenueComparison>,
    /// The verdict on all.
    pub verdict: Verdict,
}

impl RevenueReport {
    /// The comparison to show first, as [`super::Report::leading`]: by the capped figure.
    pub fn leading(&self) -> Option<&RevenueComparison> {
        super::leading(&self.comparisons, self.verdict, |one| {
            (one.verdict, one.capped.map(|means| means.difference.value))
        })
    }
}

/// Compares the revenue per visitor of every arm with that of the first.
///
/// # Errors
///
/// Where more paid than visited, an amount is not a finite number, or the plan does not fit the
/// arms.
pub fn compare(arms: &[RevenueArm], plan: &Plan) -> Result<RevenueReport, Mistake> {
    let sequence = plan.sequence(arms.len())?;
    let weights = plan.weights(arms.len())?;
    for arm in arms {
        if u64::try_from(arm.amounts.len()).map_or(true, |paid| paid > arm.visitors) {
            return Err(Mistake::MoreThanVisited(arm.name.clone()));
        }
        if !arm.amounts.iter().all(|amount| amount.is_finite()) {
            return Err(Mistake::NotFinite(arm.name.clone()));
        }
    }
    let mut paid: Vec<f64> =
        arms.iter().flat_map(|arm| &arm.amounts).copied().filter(|a| a.abs() > 0.0).collect();
    paid.sort_unstable_by(f64::total_cmp);
    let cap = quantile(&paid, plan.winsor_quantile);
    let plain: Vec<Moments> = arms.iter().map(|arm| moments(arm, None)).collect();
    let capped: Vec<Moments> = arms.iter().map(|arm| moments(arm, cap)).collect();
    let visitors: Vec<u64> = arms.iter().map(|arm| arm.visitors).collect();
    let split = srm::srm(&visitors, &weights);
    let mut comparisons = Vec::new();
    let controls = plain.first().zip(capped.first());
    for ((arm, plain), capped) in arms.iter().zip(&plain).zip(&capped).skip(1) {
        let Some((control_plain, control)) = controls else { break };
        let n = control.n().saturating_add(capped.n());
        let of = |moments: &Moments| Some((moments.mean()?, moments.variance_of_mean()));
        let always_valid_relative =
            of(control).zip(of(capped)).and_then(|(a, b)| sequence.test_ratio(a, b, n));
        let plain = means(control_plain, plain);
        let capped = means(control, capped);
        let test = |of: &Option<Means>| sequence.test(of.as_ref()?.difference, n);
        let always_valid = test(&capped);
        comparisons.push(RevenueComparison {
            arm: arm.name.clone(),
            always_valid_plain: test(&plain),
            belief: capped
                .and_then(|c| NormalBelief::after(c.difference.value, c.difference.se, None)),
            verdict: plan.verdict(always_valid, control.mean()),
            plain,
            capped,
            always_valid,
            always_valid_relative,
        });
    }
    let verdict = plan.overall(split, comparisons.iter().map(|comparison| comparison.verdict));
    let figures = arms.iter().zip(plain.iter().zip(&capped)).map(|(arm, (plain, capped))| {
        let above = arm.amounts.iter().filter(|amount| cap.is_some_and(|cap| **amount > cap));
        RevenueFigures {
            name: arm.name.clone(),
            visitors: arm.visitors,
            mean: plain.mean(),
            mean_capped: capped.mean(),
            capped: u64::try_from(above.count()).unwrap_or(u64::MAX),
        }
    });
    Ok(RevenueReport { cap, arms: figures.collect(), srm: split, comparisons, verdict })
}

fn moments(arm: &RevenueArm, cap: Option<f64>) -> Moments {
    let mut moments = Moments::default();
    for amount in &arm.amounts {
        moments.add(cap.map_or(*amount, |cap| amount.min(cap)));
    }
    let paid = u64::try_from(arm.amounts.len()).unwrap_or(u64::MAX);
    moments.add_zeros(arm.visitors.saturating_sub(paid));
    moments
}
