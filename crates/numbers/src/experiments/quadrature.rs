//! Integrals of smooth functions over panels: Gauss and Legendre's rule of 16 points, halved where
//! two halves say something else than the whole.

/// The nodes and weights on [−1, 1] of the positive half (Abramowitz and Stegun, table 25.4).
const NODES: [(f64, f64); 8] = [
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_096),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_89),
    (0.865_631_202_387_831_8, 0.095_158_511_682_492_79),
    (0.755_404_408_355_003, 0.124_628_971_255_533_88),
    (0.617_876_244_402_643_7, 0.149_595_988_816_576_74),
    (0.458_016_777_657_227_4, 0.169_156_519_395_002_54),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_6),
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
];

/// What two halves may differ from the whole by: of the whole, and at all.
const OFF_MAX: (f64, f64) = (1e-11, 1e-17);

/// Halvings of one panel; past these the function is not smooth, and more would not help.
const HALVINGS_MAX: u8 = 12;

/// The points and weights of one panel.
pub(crate) fn panel(low: f64, high: f64) -> impl Iterator<Item = (f64, f64)> {
    let (middle, half) = (0.5 * (low + high), 0.5 * (high - low));
    NODES.into_iter().flat_map(move |(node, weight)| {
        [(middle - half * node, half * weight), (middle + half * node, half * weight)]
    })
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
        let weights: f64 = NODES.iter().map(|(_, weight)| 2.0 * weight).sum();
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
