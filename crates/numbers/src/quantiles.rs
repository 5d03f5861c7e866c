//! Quantiles of what was seen: type 7 of Hyndman & Fan 1996, *Sample Quantiles in Statistical
//! Packages*, The American Statistician 50(4).

use crate::real::real_len;

/// The quantile of ascending values at `share` by linear interpolation between the two nearest, at
/// the place (n − 1)·share counted from 0; nothing where there are none or `share` is not from 0 to
/// 1.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&share) {
        return None;
    }
    let place = real_len(sorted.len().checked_sub(1)?) * share;
    // The place in whole numbers without a cast; (n − 1)·share may miss a whole number by rounding,
    // and then ties would fall to the wrong side.
    let fuzz = 4.0 * f64::EPSILON * real_len(sorted.len());
    let (low, value) =
        sorted.iter().enumerate().rev().find(|(n, _)| real_len(*n) <= place + fuzz)?;
    let part = place - real_len(low);
    let next = sorted.get(low + 1).unwrap_or(value);
    let between = part > fuzz && next > value;
    Some(if between { (1.0 - part) * value + part * next } else { *value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_type_seven() {
        let sorted = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (share, wanted) in [(0.0, 1.0), (0.2, 1.8), (0.5, 4.0), (0.6, 5.6), (1.0, 16.0)] {
            assert!((quantile(&sorted, share).unwrap() - wanted).abs() < 1e-12);
        }
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&sorted, 1.5), None);
        assert_eq!(quantile(&sorted, f64::NAN), None);
        assert_eq!(quantile(&[7.0], 0.8), Some(7.0));
        // (n − 1)·share is 199.00000000000003 in floating point; the quantile must stay a tie.
        let many: Vec<f64> = (0..996_u32).map(|n| f64::from(n / 200)).collect();
        assert_eq!(quantile(&many, 0.2), Some(0.0));
    }
}
