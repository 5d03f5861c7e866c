//! The maximum of a smooth function by Newton's method, damped where the function is not concave.
//!
//! The step solves (−H + μD) s = g with the smallest μ of a ladder for which the matrix is positive
//! definite (Levenberg 1944; Marquardt 1963), is cut to a length, and halved until the function
//! rises enough (Armijo 1966). Parameters are logarithms, so a step of 1 is a factor of e.

/// No step moves a parameter by more than this factor's logarithm.
const STEP_MAX: f64 = 2.0;
/// The square of the distance to the top, in standard errors, at which the search ends. The last
/// step squares what is left.
const NEAR_ENOUGH: f64 = 1e-9;
/// A curvature too small to see: what would be known if a parameter lay within e to the ten
/// thousandth either way.
const FLAT: f64 = 1e-8;
/// A search that comes as near to a known peak in every parameter, a third, would end on it.
const SAME_PEAK: f64 = 0.3;
/// What a sum over many customers may lose, of its size.
const ROUNDING: f64 = 1e-13;
/// Searches end within some twenty steps; a flat ridge takes one step per factor of e.
const STEPS_MAX: usize = 200;
/// Halvings of one step before it is given up: by then it is below the rounding of its parameter.
const HALVINGS_MAX: usize = 50;

/// A function at one place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    /// Its value.
    pub value: f64,
    /// Its gradient.
    pub gradient: Vec<f64>,
    /// Its matrix of second derivatives.
    pub hessian: Vec<Vec<f64>>,
}

impl Point {
    fn is_finite(&self) -> bool {
        self.value.is_finite()
            && self.gradient.iter().all(|g| g.is_finite())
            && self.hessian.iter().flatten().all(|h| h.is_finite())
    }
}

/// Where a search ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Peak {
    /// The place.
    pub at: Vec<f64>,
    /// The value there.
    pub value: f64,
    /// Standard error of each parameter from the inverse of −H; very large along a flat direction.
    /// Nothing where −H is not positive definite.
    pub errors: Option<Vec<f64>>,
}

impl Peak {
    /// Whether a search at this place would end on this peak.
    fn is_near(&self, at: &[f64]) -> bool {
        self.at.iter().zip(at).all(|(peak, at)| (peak - at).abs() < SAME_PEAK)
    }
}

/// The best peak that searches from several places find; nothing where none settles. A search that
/// comes near a peak already found is not gone on with.
pub(super) fn best<const N: usize>(
    starts: &[[f64; N]],
    mut function: impl FnMut(&[f64]) -> Point,
) -> Option<Peak> {
    let mut peaks: Vec<Peak> = Vec::new();
    for start in starts {
        let found = search(start, &peaks, &mut function);
        peaks.extend(found);
    }
    peaks.into_iter().max_by(|a, b| a.value.total_cmp(&b.value))
}

/// The peak that the search from `start` finds; nothing where the function is not finite at the
/// start, or the search does not settle.
pub(super) fn maximise(start: &[f64], mut function: impl FnMut(&[f64]) -> Point) -> Option<Peak> {
    search(start, &[], &mut function)
}

fn search(
    start: &[f64],
    found: &[Peak],
    function: &mut impl FnMut(&[f64]) -> Point,
) -> Option<Peak> {
    let mut at = start.to_vec();
    let mut here = function(&at);
    if !here.is_finite() {
        return None;
    }
    for _ in 0..STEPS_MAX {
        if found.iter().any(|peak| peak.is_near(&at)) {
            return None;
        }
        let step = uphill(&here)?;
        let rise = dot(&here.gradient, &step);
        let near = rise < NEAR_ENOUGH;
        let next = if near {
            // So near the top that the value's own rounding hides the rise: the step is trusted,
            // unless it is one far out along a flat ridge.
            (longest(&step) < STEP_MAX)
                .then(|| moved(&at, &step, 1.0, function))
                .flatten()
                .filter(|(_, there)| there.value >= here.value - 1e-10 * here.value.abs())
        } else {
            climb(&at, &here, &step, rise, function)
        };
        let settled = near || next.is_none();
        if let Some((place, there)) = next {
            (at, here) = (place, there);
        }
        if settled {
            return (rise < NEAR_ENOUGH.sqrt()).then(|| peak(at, &here));
        }
    }
    None
}

/// The first of ever shorter steps with which the function rises as it should.
fn climb(
    at: &[f64],
    here: &Point,
    step: &[f64],
    rise: f64,
    function: &mut impl FnMut(&[f64]) -> Point,
) -> Option<(Vec<f64>, Point)> {
    let mut length = (STEP_MAX / longest(step)).min(1.0);
    let least = here.value - ROUNDING * here.value.abs();
    for _ in 0..HALVINGS_MAX {
        let next = moved(at, step, length, function)
            .filter(|(_, there)| there.value >= least + 1e-4 * length * rise);
        if next.is_some() {
            return next;
        }
        length /= 2.0;
    }
    None
}

/// The largest move of a parameter.
fn longest(step: &[f64]) -> f64 {
    step.iter().fold(0.0_f64, |most, s| most.max(s.abs()))
}

fn moved(
    at: &[f64],
    step: &[f64],
    length: f64,
    function: &mut impl FnMut(&[f64]) -> Point,
) -> Option<(Vec<f64>, Point)> {
    let next: Vec<f64> = at.iter().zip(step).map(|(a, s)| a + length * s).collect();
    let there = function(&next);
    there.is_finite().then_some((next, there))
}

fn peak(at: Vec<f64>, here: &Point) -> Peak {
    let mut curvature = damped(&here.hessian, 0.0);
    // Where the top is flat along some direction, the rest is known all the same.
    for (k, row) in curvature.iter_mut().enumerate() {
        row.iter_mut().skip(k).take(1).for_each(|cell| *cell += FLAT);
    }
    let errors = cholesky(&curvature).map(|lower| {
        let unit = |k: usize| (0..at.len()).map(|i| if i == k { 1.0 } else { 0.0 }).collect();
        let variance = |k: usize| solve(&lower, unit(k)).get(k).copied().unwrap_or(f64::NAN);
        (0..at.len()).map(|k| variance(k).sqrt()).collect()
    });
    Peak { value: here.value, at, errors }
}

/// A step that rises: Newton's own where the function is concave.
fn uphill(here: &Point) -> Option<Vec<f64>> {
    let mut damping = 0.0;
    for _ in 0..60 {
        if let Some(lower) = cholesky(&damped(&here.hessian, damping)) {
            let step = solve(&lower, here.gradient.clone());
            if step.iter().all(|s| s.is_finite()) {
                return Some(step);
            }
        }
        damping = if damping == 0.0 { 1e-3 } else { damping * 4.0 };
    }
    None
}

/// −H with its diagonal raised.
fn damped(hessian: &[Vec<f64>], damping: f64) -> Vec<Vec<f64>> {
    let largest = hessian.iter().flatten().fold(0.0_f64, |most, h| most.max(h.abs()));
    let floor = (largest * 1e-12).max(f64::MIN_POSITIVE);
    hessian
        .iter()
        .enumerate()
        .map(|(i, row)| {
            row.iter()
                .enumerate()
                .map(|(j, h)| if i == j { damping * h.abs().max(floor) - h } else { -h })
                .collect()
        })
        .collect()
}

/// The lower triangle L with L Lᵀ = `matrix`, row by row; nothing where that is not positive
/// definite.
fn cholesky(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let mut lower: Vec<Vec<f64>> = Vec::with_capacity(matrix.len());
    for (i, source) in matrix.iter().enumerate() {
        let mut row: Vec<f64> = Vec::with_capacity(i + 1);
        for (value, above) in source.iter().zip(&lower) {
            row.push((value - dot(&row, above)) / above.last()?);
        }
        let pivot = source.get(i)? - dot(&row, &row);
        // A pivot that rounding alone may have made is none.
        if pivot.is_nan() || pivot <= 1e-14 * source.get(i)?.abs() {
            return None;
        }
        row.push(pivot.sqrt());
        lower.push(row);
    }
    Some(lower)
}

/// x with L Lᵀ x = `right`.
fn solve(lower: &[Vec<f64>], right: Vec<f64>) -> Vec<f64> {
    let mut forward: Vec<f64> = Vec::with_capacity(lower.len());
    for (row, value) in lower.iter().zip(right) {
        let diagonal = row.last().copied().unwrap_or(f64::NAN);
        forward.push((value - dot(&forward, row)) / diagonal);
    }
    let mut backward = Vec::with_capacity(lower.len());
    for row in lower.iter().rev() {
        let diagonal = row.last().copied().unwrap_or(f64::NAN);
        let value = forward.pop().unwrap_or(f64::NAN) / diagonal;
        for (rest, cell) in forward.iter_mut().zip(row) {
            *rest -= cell * value;
        }
        backward.push(value);
    }
    backward.reverse();
    backward
}

/// Over the shorter of the two.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_bent_ridge_is_found_with_its_errors() {
        // Rosenbrock's valley, upside down: at its top, (1, 1), −H = (802, −400; −400, 200).
        let peak = maximise(&[-1.2, 1.0], |at| {
            let (x, y) = (at[0], at[1]);
            Point {
                value: -(100.0 * (y - x * x).powi(2) + (1.0 - x).powi(2)),
                gradient: vec![400.0 * x * (y - x * x) + 2.0 * (1.0 - x), -200.0 * (y - x * x)],
                hessian: vec![
                    vec![400.0 * (y - 3.0 * x * x) - 2.0, 400.0 * x],
                    vec![400.0 * x, -200.0],
                ],
            }
        })
        .unwrap();
        assert!((peak.at[0] - 1.0).abs() < 1e-8 && (peak.at[1] - 1.0).abs() < 1e-8);
        let errors = peak.errors.unwrap();
        assert!((errors[0] - 0.5_f64.sqrt()).abs() < 1e-6, "{errors:?}");
        assert!((errors[1] - 2.005_f64.sqrt()).abs() < 1e-6, "{errors:?}");
    }

    #[test]
    fn a_function_that_is_not_finite_has_no_peak() {
        let broken =
            |_: &[f64]| Point { value: f64::NAN, gradient: vec![0.0], hessian: vec![vec![-1.0]] };
        assert_eq!(maximise(&[0.0], broken), None);
    }
}
