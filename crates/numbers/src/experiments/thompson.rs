//! Thompson sampling: each visitor goes to the arm whose drawn rate is the highest (Thompson 1933,
//! *On the Likelihood That One Unknown Probability Exceeds Another*, Biometrika 25).

use crate::distributions::Beta;
use crate::draws;
use crate::real::real;

/// The arm for the next visitor: its place among `posteriors`. Nothing where there are none.
/// `uniform` gives numbers from 0 up to but not 1.
pub fn next_arm(posteriors: &[Beta], uniform: &mut impl FnMut() -> f64) -> Option<usize> {
    let mut best = None;
    for (at, posterior) in posteriors.iter().enumerate() {
        let drawn = draws::beta(*posterior, uniform);
        if best.is_none_or(|(_, so_far)| drawn > so_far) {
            best = Some((at, drawn));
        }
    }
    best.map(|(at, _)| at)
}

/// How a bandit fared.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Conversions given away against the best arm, in expectation: Σ (best rate − rate pulled).
    pub regret: f64,
    /// What an even split would have given away.
    pub regret_even: f64,
    /// Visitors by arm.
    pub visitors: Vec<u64>,
    /// Conversions by arm.
    pub conversions: Vec<u64>,
}

/// Lets `visitors` come to arms whose true rates are known, from Beta(1, 1). Nothing where there is
/// no arm or a rate lies outside 0 to 1.
pub fn simulate(rates: &[f64], visitors: u64, uniform: &mut impl FnMut() -> f64) -> Option<Run> {
    if rates.is_empty() || !rates.iter().all(|rate| (0.0..=1.0).contains(rate)) {
        return None;
    }
    let best = rates.iter().copied().fold(0.0, f64::max);
    let even: f64 = rates.iter().map(|rate| best - rate).sum();
    let mut posteriors: Vec<Beta> = rates.iter().filter_map(|_| Beta::new(1.0, 1.0)).collect();
    let mut run = Run {
        regret: 0.0,
        regret_even: even * real(visitors) / crate::real::real_len(rates.len()),
        visitors: vec![0; rates.len()],
        conversions: vec![0; rates.len()],
    };
    for _ in 0..visitors {
        let at = next_arm(&posteriors, uniform)?;
        let rate = *rates.get(at)?;
        let posterior = posteriors.get_mut(at)?;
        let converted = uniform() < rate;
        let (won, lost) = if converted { (1.0, 0.0) } else { (0.0, 1.0) };
        *posterior = Beta::new(posterior.a() + won, posterior.b() + lost)?;
        run.regret += best - rate;
        *run.visitors.get_mut(at)? += 1;
        *run.conversions.get_mut(at)? += u64::from(converted);
    }
    Some(run)
}
