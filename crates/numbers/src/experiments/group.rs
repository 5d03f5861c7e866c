//! Bounds for a number of looks planned beforehand.
//!
//! Between looks the statistic moves like Brownian motion, so the density of what has not crossed
//! is carried from look to look by integration (Armitage, McPherson and Rowe 1969; Jennison and
//! Turnbull 2000, *Group Sequential Methods*, ch. 19). All tests are two-sided and symmetric.
//!
//! * Pocock 1977: |Z| ≥ c at every look.
//! * O'Brien and Fleming 1979: |Z| ≥ c √(1/t) at information share t.
//! * Lan and DeMets 1983: bounds that spend, on each side, 2 − 2Φ(z(α/4)/√t) (like O'Brien and
//!   Fleming) or (α/2) ln(1 + (e − 1)t) (like Pocock) by share t, at whatever times one looks.

use crate::distributions::{normal_above, normal_density, normal_upper_quantile};
use crate::quadrature::panel;
use crate::real::real_len;

/// More looks than this want a test without a plan: see [`super::sequential`].
pub const LOOKS_MAX: usize = 60;

/// Beyond this many standard deviations no mass is left that a sum could hold.
const FAR: f64 = 9.0;

/// No bound lies further out; what one may spend there is less than any number.
const BOUND_MAX: f64 = 39.0;

/// How the error is spent over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// Little at first, most at the end.
    ObrienFleming,
    /// About the same at every look.
    Pocock,
}

impl Spending {
    /// What both sides together may have spent by information share `t`.
    pub fn spent(self, alpha: f64, t: f64) -> f64 {
        let t = t.clamp(0.0, 1.0);
        match self {
            Self::ObrienFleming if t > 0.0 => {
                4.0 * normal_above(normal_upper_quantile(alpha / 4.0) / t.sqrt())
            }
            Self::ObrienFleming => 0.0,
            Self::Pocock => alpha * ((std::f64::consts::E - 1.0) * t).ln_1p(),
        }
    }
}

/// What has not crossed before a look: points of Z, each with its mass.
struct Inside {
    time: f64,
    points: Vec<(f64, f64)>,
}

impl Inside {
    fn start() -> Self {
        Self { time: 0.0, points: vec![(0.0, 1.0)] }
    }

    /// The probability of crossing ±`bound` at time `t`, under a drift of the statistic.
    fn crosses(&self, t: f64, bound: f64, drift: f64) -> f64 {
        let step = (t - self.time).sqrt();
        let (now, before, moved) = (t.sqrt(), self.time.sqrt(), drift * (t - self.time));
        self.points
            .iter()
            .map(|(z, mass)| {
                let up = (bound * now - z * before - moved) / step;
                let down = (bound * now + z * before + moved) / step;
                mass * (normal_above(up) + normal_above(down))
            })
            .sum()
    }

    /// What stays inside ±`bound` at time `t`.
    fn stays(&self, t: f64, bound: f64, drift: f64) -> Self {
        let step = (t - self.time).sqrt();
        let (now, before, moved) = (t.sqrt(), self.time.sqrt(), drift * (t - self.time));
        let centre = drift * now;
        let (low, high) = ((-bound).max(centre - FAR), bound.min(centre + FAR));
        let mut points = Vec::new();
        if low < high {
            // Panels no wider than twice what the statistic moves between two looks.
            let width = (2.0 * step / now).min(1.0);
            let mut panels = 1_u32;
            while (high - low) / f64::from(panels) > width {
                panels += 1;
            }
            let each = (high - low) / f64::from(panels);
            for at in 0..panels {
                let from = low + each * f64::from(at);
                for (z, weight) in panel(from, from + each) {
                    let density: f64 = self
                        .points
                        .iter()
                        .map(|(u, mass)| {
                            mass * normal_density((z * now - u * before - moved) / step)
                        })
                        .sum();
                    points.push((z, weight * density * now / step));
                }
            }
        }
        Self { time: t, points }
    }
}

/// The probability of crossing at each look for the first time, in order. `times` are shares of the
/// whole information, ascending from above 0 to 1; `drift` is the mean of Z at the end: 0 gives the
/// error, z(α/2) + z(β) of a fixed test about its power. Nothing where times and bounds do not fit.
pub fn crossings(times: &[f64], bounds: &[f64], drift: f64) -> Option<Vec<f64>> {
    if !sound(times) || bounds.len() != times.len() || !drift.is_finite() {
        return None;
    }
    let mut inside = Inside::start();
    let mut each = Vec::new();
    for (t, bound) in times.iter().zip(bounds) {
        each.push(inside.crosses(*t, *bound, drift));
        inside = inside.stays(*t, *bound, drift);
    }
    Some(each)
}

fn sound(times: &[f64]) -> bool {
    let ascends = times.iter().zip(times.iter().skip(1)).all(|(a, b)| a < b);
    let inside = times.iter().all(|t| *t > 0.0 && *t <= 1.0);
    ascends && inside && !times.is_empty() && times.len() <= LOOKS_MAX
}

/// The times of looks evenly spaced.
pub fn even_times(looks: usize) -> Vec<f64> {
    (1..=looks).map(|look| real_len(look) / real_len(looks)).collect()
}

/// Pocock's bound, the same at each of `looks` even looks. Nothing for no look, more than
/// [`LOOKS_MAX`], or an alpha outside 0 to 1.
pub fn pocock(looks: usize, alpha: f64) -> Option<f64> {
    constant(looks, alpha, |_| 1.0)
}

/// O'Brien and Fleming's bounds at each of `looks` even looks; the last is the constant of their
/// table.
pub fn obrien_fleming(looks: usize, alpha: f64) -> Option<Vec<f64>> {
    let c = constant(looks, alpha, |t| t.sqrt().recip())?;
    Some(even_times(looks).into_iter().map(|t| c / t.sqrt()).collect())
}

/// The constant that makes bounds of a given shape cross with probability `alpha`.
fn constant(looks: usize, alpha: f64, shape: impl Fn(f64) -> f64) -> Option<f64> {
    if !(alpha > 0.0 && alpha < 1.0 && (1..=LOOKS_MAX).contains(&looks)) {
        return None;
    }
    let times = even_times(looks);
    let over = |c: f64| {
        let bounds: Vec<f64> = times.iter().map(|t| c * shape(*t)).collect();
        let spent: f64 = crossings(&times, &bounds, 0.0).into_iter().flatten().sum();
        spent - alpha
    };
    // One look alone needs this much; all looks with an even share of alpha need no more.
    let low = normal_upper_quantile(alpha / 2.0);
    let high = normal_upper_quantile(alpha / (2.0 * real_len(looks)));
    Some(falling_root(low, high, over))
}

/// Bounds that spend `alpha` over `times`, the last of which need not be 1. Nothing where the times
/// do not ascend from above 0 to at most 1, or alpha lies outside 0 to 1.
pub fn spending(times: &[f64], alpha: f64, by: Spending) -> Option<Vec<f64>> {
    if !(alpha > 0.0 && alpha < 1.0 && sound(times)) {
        return None;
    }
    let mut inside = Inside::start();
    let mut spent = 0.0;
    let mut bounds = Vec::new();
    for t in times {
        let by_now = by.spent(alpha, *t);
        let share = by_now - spent;
        spent = by_now;
        let bound = if inside.crosses(*t, BOUND_MAX, 0.0) >= share {
            BOUND_MAX
        } else {
            // On the scale of logarithms, since the first shares may be 1e-12.
            falling_root(0.0, BOUND_MAX, |c| inside.crosses(*t, c, 0.0).ln() - share.ln())
        };
        bounds.push(bound);
        inside = inside.stays(*t, bound, 0.0);
    }
    Some(bounds)
}

/// Where a falling function crosses zero between `low` and `high`: the Illinois method (Dowell and
/// Jarratt 1971), which keeps its bracket.
fn falling_root(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (low, high);
    let (mut at_low, mut at_high) = (f(low), f(high));
    let mut last = 0_i8;
    for _ in 0..200_u8 {
        if at_low <= 0.0 {
            return low;
        }
        if at_high >= 0.0 || high - low < 1e-11 {
            return high;
        }
        let secant = low + (high - low) * at_low / (at_low - at_high);
        let inside = secant > low && secant < high;
        let middle = if inside { secant } else { 0.5 * (low + high) };
        let value = f(middle);
        if value.abs() < 1e-13 {
            return middle;
        }
        if value > 0.0 {
            (low, at_low) = (middle, value);
            if last == 1 {
                at_high *= 0.5;
            }
            last = 1;
        } else {
            (high, at_high) = (middle, value);
            if last == -1 {
                at_low *= 0.5;
            }
            last = -1;
        }
    }
    0.5 * (low + high)
}
