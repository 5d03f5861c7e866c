//! Less noise by what was known before: CUPED.
//!
//! y' = y − θ(x − x̄), θ = cov(y, x)/var(x) within the arms, x measured before the experiment; the
//! variance falls by the squared correlation and the mean does not move (Deng, Xu, Kohavi and
//! Walker 2013, *Improving the Sensitivity of Online Controlled Experiments by Utilizing
//! Pre-Experiment Data*, WSDM).
//!
//! A visitor of whom nothing was known before takes x̄, and so keeps their y: the arms are drawn by
//! lot, so this favours neither.

use super::moments::Moments;
use crate::real::{ratio, real, real_len};

/// A visitor: the outcome, and what was known before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// The outcome.
    pub outcome: f64,
    /// The same or a kindred figure from before the experiment, where there is one.
    pub before: Option<f64>,
}

/// The arms adjusted.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjusted {
    /// The slope.
    pub theta: f64,
    /// Adjusted outcomes, in the order of the arms.
    pub arms: Vec<Moments>,
    /// The share of the variance that is gone, from 0 to 1.
    pub variance_removed: f64,
}

/// Sums of squared and crossed deviations of one arm.
struct Sums {
    n: u64,
    outcome: f64,
    before: f64,
    squares: f64,
    squares_before: f64,
    crossed: f64,
}

/// Adjusts the outcomes of all arms by one slope. Nothing where a number is not finite, no arm has
/// visitors, or what was known before says nothing: it is missing or the same for all.
pub fn adjust(arms: &[&[Seen]]) -> Option<Adjusted> {
    let all = || arms.iter().flat_map(|arm| arm.iter());
    let finite = |seen: &Seen| seen.outcome.is_finite() && seen.before.is_none_or(f64::is_finite);
    if !all().all(finite) {
        return None;
    }
    let known: Vec<f64> = all().filter_map(|seen| seen.before).collect();
    let middle = ratio(known.iter().sum(), real_len(known.len()))?;
    let sums: Vec<Sums> = arms.iter().map(|arm| sums(arm, middle)).collect();
    let total = |of: fn(&Sums) -> f64| -> f64 { sums.iter().map(of).sum() };
    let spread = total(|arm| arm.squares_before);
    if spread <= 0.0 {
        return None;
    }
    let theta = total(|arm| arm.crossed) / spread;
    let removed = theta * total(|arm| arm.crossed);
    let arms = sums
        .iter()
        .map(|arm| {
            let mean = arm.outcome - theta * (arm.before - middle);
            let squares =
                arm.squares - 2.0 * theta * arm.crossed + theta * theta * arm.squares_before;
            Moments::of_parts(arm.n, mean, squares.max(0.0))
        })
        .collect();
    let variance_removed = ratio(removed, total(|arm| arm.squares))?.clamp(0.0, 1.0);
    Some(Adjusted { theta, arms, variance_removed })
}

fn sums(arm: &[Seen], middle: f64) -> Sums {
    let mut sums =
        Sums { n: 0, outcome: 0.0, before: 0.0, squares: 0.0, squares_before: 0.0, crossed: 0.0 };
    for seen in arm {
        sums.n += 1;
        let x = seen.before.unwrap_or(middle);
        let (off, off_before) = (seen.outcome - sums.outcome, x - sums.before);
        sums.outcome += off / real(sums.n);
        sums.before += off_before / real(sums.n);
        sums.squares += off * (seen.outcome - sums.outcome);
        sums.squares_before += off_before * (x - sums.before);
        sums.crossed += off * (x - sums.before);
    }
    sums
}
