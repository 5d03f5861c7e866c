//! From whole numbers to real ones and back, in one place.

/// 2³², exact.
const HIGH: f64 = 4_294_967_296.0;

/// `n` as a real number; exact up to 2⁵³, to the nearest beyond.
pub fn real(n: u64) -> f64 {
    let high = u32::try_from(n >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(n & 0xffff_ffff).unwrap_or(u32::MAX);
    f64::from(high).mul_add(HIGH, f64::from(low))
}

/// The same for a signed number.
pub fn real_signed(n: i64) -> f64 {
    let size = real(n.unsigned_abs());
    if n < 0 { -size } else { size }
}

/// The length of something as a real number.
pub fn real_len(n: usize) -> f64 {
    real(u64::try_from(n).unwrap_or(u64::MAX))
}

/// The whole number nearest to `x`, halves away from zero; nothing where `x` is none or lies beyond
/// 9·10¹⁸.
pub fn nearest(x: f64) -> Option<i64> {
    // Within the bound a rounded number is a whole one that fits: the cast changes nothing.
    #[expect(clippy::as_conversions, reason = "std has no other way from f64 to i64")]
    (x.abs() <= 9e18).then_some(x.round() as i64)
}

/// A number from 0 up to but not 1 out of random bits: the 53 highest of them.
pub fn unit(bits: u64) -> f64 {
    real(bits >> 11) / 9_007_199_254_740_992.0
}

/// `a / b`, or nothing where `b` is nothing.
pub fn ratio(a: f64, b: f64) -> Option<f64> {
    (b != 0.0 && a.is_finite() && b.is_finite()).then(|| a / b)
}

/// The same for what is shown: held within ±9·10¹⁵, and 0 for no number.
pub fn rounded(x: f64) -> i64 {
    nearest(x.clamp(-9e15, 9e15)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_become_real_exactly() {
        for (n, wanted) in [
            (0, 0.0),
            (1, 1.0),
            (4_294_967_296, HIGH),
            (9_007_199_254_740_992, 9_007_199_254_740_992.0),
            (u64::MAX, 18_446_744_073_709_551_616.0),
        ] {
            assert!((real(n) - wanted).abs() < f64::EPSILON, "{n}");
        }
        assert!((real_signed(-5) + 5.0).abs() < f64::EPSILON);
        assert_eq!(ratio(1.0, 0.0), None);
        assert!(unit(0) == 0.0 && unit(1 << 63) == 0.5 && unit(u64::MAX) < 1.0);
        for (x, wanted) in [(2.5, 3), (-2.5, -3), (9e15, 9_000_000_000_000_000), (-0.2, 0)] {
            assert_eq!((nearest(x), rounded(x)), (Some(wanted), wanted), "{x}");
        }
        let ends = [f64::NAN, 1e19, f64::NEG_INFINITY].map(rounded);
        assert_eq!(ends, [0, 9_000_000_000_000_000, -9_000_000_000_000_000]);
        assert_eq!(
            (nearest(f64::NAN), nearest(1e19), nearest(f64::NEG_INFINITY)),
            (None, None, None)
        );
    }
}
