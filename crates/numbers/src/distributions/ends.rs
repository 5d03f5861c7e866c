//! A beta distribution by two of its quantiles.

use super::{Beta, from_logit, normal_upper_quantile};

/// Beyond so many cases a sum of the beta's tails takes long, and with so many of either kind
/// among them the normal distribution with its skew is the same to a millionth of the width.
const SIZE_MAX: f64 = 1e8;
const EITHER_MIN: f64 = 1e6;
/// ln of the number of cases: from next to none, where nearly all lies at 0 and at 1.
const SIZES: (f64, f64) = (-12.0, 21.0);
/// Logits of the mean that are looked at.
const LOGITS: (f64, f64) = (-60.0, 60.0);

impl Beta {
    /// The distribution of which `outside` lies below `low` and as much above `high`. Nothing unless
    /// 0 < low < high < 1 and 0 < outside < ½, or where no beta distribution has such ends.
    ///
    /// For a number of cases a + b, the mean is found at which `outside` lies below `low`; then the
    /// number at which as much lies above `high`. Both only ever fall, so that halving finds them.
    pub fn with_ends(low: f64, high: f64, outside: f64) -> Option<Self> {
        if !(0.0 < low && low < high && high < 1.0 && 0.0 < outside && outside < 0.5) {
            return None;
        }
        let normal = Self::normal_with_ends(low, high, outside);
        if let Some(normal) = normal.filter(|it| it.is_nearly_normal()) {
            return Some(normal);
        }
        let at = |ln_size: f64| {
            let size = ln_size.exp();
            let of = |logit: f64| {
                let (mean, rest) = from_logit(logit);
                Self::new(size * mean, size * rest)
            };
            let below =
                |logit| of(logit).map_or(1.0, |beta| beta.tails(low, 1.0 - low).0) - outside;
            of(falling_root(LOGITS, below)?)
        };
        let above =
            |ln_size| at(ln_size).map_or(1.0, |beta| beta.tails(high, 1.0 - high).1) - outside;
        // Where more cases are needed than are searched for, the normal one is as near as needed.
        let many = || normal.filter(|it| it.a + it.b > SIZE_MAX);
        falling_root(SIZES, above).and_then(at).or_else(many)
    }

    fn is_nearly_normal(&self) -> bool {
        self.a + self.b > SIZE_MAX && self.a.min(self.b) > EITHER_MIN
    }

    /// As wide as a normal distribution with such ends, and its mean off the middle by what the
    /// skew moves both ends: the first two terms of Cornish and Fisher (1938), by which the quantile
    /// z deviations away is mean + deviation · (z + skew · (z² − 1) / 6).
    fn normal_with_ends(low: f64, high: f64, outside: f64) -> Option<Self> {
        let z = normal_upper_quantile(outside);
        let middle = f64::midpoint(low, high);
        let deviation = (high - low) / (2.0 * z);
        // A wide one may have no size: the search needs none to begin with.
        let size = (middle * (1.0 - middle) / (deviation * deviation) - 1.0).max(1e-3);
        // skew · deviation of a beta distribution is 2 (1 − 2 mean) / (size + 2).
        let mean = middle - (1.0 - 2.0 * middle) * z.mul_add(z, -1.0) / (3.0 * (size + 2.0));
        Self::new(mean * size, (1.0 - mean) * size)
    }
}

/// Where a function that falls from above zero to below it is zero: by the secant, with weights
/// halved on the side that stays (the Illinois method), and every third step in the middle.
fn falling_root((mut low, mut high): (f64, f64), of: impl Fn(f64) -> f64) -> Option<f64> {
    let (mut above, mut below) = (of(low), of(high));
    if !(above >= 0.0 && below <= 0.0) {
        return None;
    }
    for step in 0..200_u32 {
        let secant = (low * below - high * above) / (below - above);
        let middle = f64::midpoint(low, high);
        let inside = secant > low && secant < high && step % 3 != 2;
        let at = if inside { secant } else { middle };
        let value = of(at);
        if value >= 0.0 {
            (low, above) = (at, value);
            below *= 0.5;
        } else {
            (high, below) = (at, value);
            above *= 0.5;
        }
        if high - low <= 1e-13 * (1.0 + at.abs()) || value.abs() < 1e-14 {
            return Some(at);
        }
    }
    Some(f64::midpoint(low, high))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ends_that_cannot_be_are_refused() {
        for (low, high) in [(0.0, 0.5), (0.5, 1.0), (0.3, 0.3), (0.4, 0.3), (f64::NAN, 0.5)] {
            assert_eq!(Beta::with_ends(low, high, 0.05), None, "{low} {high}");
        }
        assert_eq!(Beta::with_ends(0.1, 0.2, 0.5), None);
        assert_eq!(Beta::with_ends(0.1, 0.2, 0.0), None);
    }

    #[test]
    fn next_to_no_width_is_next_to_the_middle() {
        let beta = Beta::with_ends(0.2, 0.200_001, 0.05).unwrap();
        let width = beta.quantile(0.95) - beta.quantile(0.05);
        assert!((width / 1e-6 - 1.0).abs() < 1e-3, "{width}");
    }

    /// Between the two ways of finding them: by the search and as nearly normal.
    #[test]
    fn narrow_and_lopsided_ends_come_back() {
        let lopsided = [(0.694_134_1, 0.694_250_2), (0.96, 0.960_09), (0.011, 0.011_01)];
        for (low, high) in lopsided.into_iter().chain([(0.3, 0.300_3), (0.04, 0.040_1)]) {
            let beta = Beta::with_ends(low, high, 0.005).unwrap();
            let off = |p: f64, wanted: f64| (beta.quantile(p) - wanted).abs() / (high - low);
            assert!(off(0.005, low) < 1e-6, "{low} {}", beta.quantile(0.005));
            assert!(off(0.995, high) < 1e-6, "{high} {}", beta.quantile(0.995));
        }
    }

    #[test]
    fn a_very_small_rate_known_very_well_is_taken() {
        let beta = Beta::with_ends(1e-5, 1.01e-5, 0.05).unwrap();
        let mean = beta.a / (beta.a + beta.b);
        assert!((mean / 1.005e-5 - 1.0).abs() < 1e-5, "{mean}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn the_quantiles_come_back(
            low in 0.000_1_f64..0.999,
            magnitude in -4.0_f64..-0.1,
            outside in prop::sample::select(vec![0.005, 0.05, 0.25]),
        ) {
            let high = low + 10_f64.powf(magnitude);
            prop_assume!(high < 0.999_9);
            let beta = Beta::with_ends(low, high, outside);
            let beta = beta.ok_or_else(|| TestCaseError::fail(format!("{low} {high}")))?;
            let off = |p: f64, wanted: f64| (beta.quantile(p) - wanted).abs() / (high - low);
            prop_assert!(off(outside, low) < 1e-6, "{} {}", beta.quantile(outside), low);
            prop_assert!(off(1.0 - outside, high) < 1e-6, "{} {high}", beta.quantile(1.0 - outside));
        }
    }
}
