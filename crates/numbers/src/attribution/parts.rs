//! A whole number parted so that the parts are whole too and add up to it.

use crate::real::{real_len, real_signed, rounded};

/// `whole` in proportion to `weights`, each part a whole number: rounded down, and what is then
/// left over given one by one to those that lost most by it, the earlier of two alike. Where no
/// weight is above zero there are no parts, and all are zero.
pub fn parts(weights: &[f64], whole: i64) -> Vec<i64> {
    let usable = |weight: &f64| if weight.is_finite() { weight.max(0.0) } else { 0.0 };
    let sum: f64 = weights.iter().map(usable).sum();
    if sum <= 0.0 {
        return vec![0; weights.len()];
    }
    let size = real_signed(whole.saturating_abs());
    let exact: Vec<f64> = weights.iter().map(|weight| usable(weight) / sum * size).collect();
    let mut parts: Vec<i64> = exact.iter().map(|part| rounded(part.floor())).collect();
    let mut left = whole.saturating_abs() - parts.iter().sum::<i64>();
    let mut lost: Vec<(usize, f64)> =
        exact.iter().zip(&parts).map(|(x, part)| x - real_signed(*part)).enumerate().collect();
    lost.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    // What is left is less than one for each; rounding of the shares may make it one or two off.
    for (at, _) in lost.iter().cycle().take(weights.len().saturating_mul(2)) {
        let Some(part) = parts.get_mut(*at) else { break };
        if left == 0 {
            break;
        }
        let step = left.signum();
        *part += step;
        left -= step;
    }
    if whole < 0 {
        parts.iter_mut().for_each(|part| *part = -*part);
    }
    parts
}

/// The same for figures that are not whole: to `places` decimal places, adding up to what they
/// add up to, rounded likewise.
pub fn parts_to_places(figures: &[f64], places: u32) -> Vec<f64> {
    let unit = real_len(10_usize.saturating_pow(places));
    let sum: f64 = figures.iter().sum();
    let whole = rounded(sum.max(0.0) * unit);
    parts(figures, whole).into_iter().map(|part| real_signed(part) / unit).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_left_goes_to_who_lost_most() {
        assert_eq!(parts(&[1.0, 1.0, 1.0], 100), [34, 33, 33]);
        assert_eq!(parts(&[0.5, 0.2, 0.3], -7), [-4, -1, -2]);
        assert_eq!(parts(&[0.0, 0.0], 5), [0, 0]);
        assert_eq!(parts(&[], 5), Vec::<i64>::new());
        assert_eq!(parts(&[f64::NAN, 1.0], 5), [0, 5]);
        assert_eq!(parts_to_places(&[1.0 / 3.0, 2.0 / 3.0], 1), [0.3, 0.7]);
    }

    proptest! {
        #[test]
        fn parts_add_up(
            weights in prop::collection::vec(0.001_f64..1e6, 1..30),
            whole in -1_000_000_000_000_i64..1_000_000_000_000,
        ) {
            let parts = parts(&weights, whole);
            prop_assert_eq!(parts.iter().sum::<i64>(), whole);
            let sum: f64 = weights.iter().sum();
            for (weight, part) in weights.iter().zip(parts) {
                let exact = weight / sum * real_signed(whole);
                prop_assert!((exact - real_signed(part)).abs() <= 1.0 + 1e-6);
            }
        }
    }
}
