//! Integrals of smooth functions: Gauss and Legendre's rule of 16 points on panels, cut where the
//! function asks for it.
//!
//! | the function | go to |
//! |---|---|
//! | falls away from its top, its slope known | [`visit`] |
//! | any, between edges | [`integrals`] |
//!
//! Nodes and weights: Abramowitz & Stegun 1964, table 25.4, n = 16.

/// The rule's positive nodes on [−1, 1] with their weights.
const RULE: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_6),
    (0.458_016_777_657_227_4, 0.169_156_519_395_002_54),
    (0.617_876_244_402_643_7, 0.149_595_988_816_576_73),
    (0.755_404_408_355_003, 0.124_628_971_255_533_87),
    (0.865_631_202_387_831_7, 0.095_158_511_682_492_79),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_89),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_096),
];

/// The logarithm of the integrand changes by no more than about this over a panel: there the rule
/// is exact to rounding.
const CHANGE_MAX: f64 = 10.0;
/// Panels end where the integrand has fallen by a factor of e to this below its top.
const FALLEN: f64 = 45.0;
/// More panels than any integral here has; a bound, so that no input makes a loop without end.
const PANELS_MAX: usize = 100_000;

/// What two halves may differ from the whole by: of the whole, and at all.
const OFF_MAX: (f64, f64) = (1e-11, 1e-17);

/// Halvings of one panel; past these the function is not smooth, and more would not help.
const HALVINGS_MAX: u8 = 12;

/// The nodes of the rule on [`low`, `high`] with their weights.
pub(crate) fn panel(low: f64, high: f64) -> impl Iterator<Item = (f64, f64)> {
    let (middle, half) = (f64::midpoint(low, high), (high - low) / 2.0);
    RULE.into_iter().flat_map(move |(node, weight)| {
        [(middle - half * node, half * weight), (middle + half * node, half * weight)]
    })
}

/// Visits the nodes of ∫ exp(f) over [0, `end`], where f is concave, with their weights. `slope`
/// is f′. No panel is longer than `widest`, which the caller takes from how far the nearest
/// singularity of f lies off the real line.
pub(crate) fn visit(
    end: f64,
    widest: f64,
    slope: impl Fn(f64) -> f64,
    mut node: impl FnMut(f64, f64),
) {
    let mut low = 0.0;
    // f relative to the place where it began, and the highest it has been.
    let (mut level, mut top) = (0.0_f64, 0.0_f64);
    let mut near = slope(low);
    for _ in 0..PANELS_MAX {
        let mut high = (low + widest).min(end);
        let mut far = slope(high);
        // The slope only falls, so those at the two ends bound it. A panel whose far end alone is
        // steep is cut shorter than it need be.
        let length = CHANGE_MAX / near.abs().max(far.abs());
        if length < high - low && low + length > low {
            high = low + length;
            far = slope(high);
        }
        panel(low, high).for_each(|(at, weight)| node(at, weight));
        level += f64::midpoint(near, far) * (high - low);
        top = top.max(level);
        if high >= end || (far < 0.0 && level < top - FALLEN) {
            return;
        }
        (low, near) = (high, far);
    }
}

/// The integrals of all components of `f` between the first and the last of `edges`, which must
/// ascend. `f` adds its values at a point, times the weight given, to what it is handed.
pub(crate) fn integrals(
    edges: &[f64],
    components: usize,
    f: &impl Fn(f64, f64, &mut [f64]),
) -> Vec<f64> {
    let mut sums = vec![0.0; components];
    for (low, high) in edges.iter().zip(edges.iter().skip(1)) {
        let whole = over(*low, *high, components, f);
        refine((*low, *high), &whole, HALVINGS_MAX, f, &mut sums);
    }
    sums
}

fn over(low: f64, high: f64, components: usize, f: &impl Fn(f64, f64, &mut [f64])) -> Vec<f64> {
    let mut sums = vec![0.0; components];
    for (x, weight) in panel(low, high) {
        f(x, weight, &mut sums);
    }
    sums
}

fn refine(
    (low, high): (f64, f64),
    whole: &[f64],
    halvings: u8,
    f: &impl Fn(f64, f64, &mut [f64]),
    sums: &mut [f64],
) {
    let middle = 0.5 * (low + high);
    let left = over(low, middle, whole.len(), f);
    let right = over(middle, high, whole.len(), f);
    let agrees = whole.iter().zip(left.iter().zip(&right)).all(|(whole, (left, right))| {
        (left + right - whole).abs() <= OFF_MAX.0 * whole.abs() + OFF_MAX.1
    });
    if agrees || halvings == 0 {
        for (sum, (left, right)) in sums.iter_mut().zip(left.iter().zip(&right)) {
            *sum += left + right;
        }
    } else {
        refine((low, middle), &left, halvings - 1, f, sums);
        refine((middle, high), &right, halvings - 1, f, sums);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooth_and_sharp_functions_are_integrated() {
        let weights: f64 = RULE.iter().map(|(_, weight)| 2.0 * weight).sum();
        assert!((weights - 2.0).abs() < 1e-15);
        let told = integrals(&[0.0, 1.0, 3.0], 2, &|x, weight, sums| {
            sums[0] += weight * x.powi(31);
            sums[1] += weight / (1e-4 + (x - 0.7).powi(2));
        });
        assert!((told[0] / (3.0_f64.powi(32) / 32.0) - 1.0).abs() < 1e-13);
        let wanted = 100.0 * ((230.0_f64).atan() + (70.0_f64).atan());
        assert!((told[1] / wanted - 1.0).abs() < 1e-10, "{told:?}");
    }
}
