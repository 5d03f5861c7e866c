//! Purchases to come, discounted to now.

use crate::quadrature::panel;

/// The continuous weekly rate ln(1+d)/52 of a yearly discount `d`; .15 is 15 %. Nothing where `d`
/// is not above −1.
pub fn weekly_rate(yearly: f64) -> Option<f64> {
    (yearly > -1.0 && yearly.is_finite()).then(|| yearly.ln_1p() / 52.0)
}

/// ∫ e^(−δu) dE(u) over the next `weeks`, for E the purchases `expected` by then. By parts it is
/// e^(−δh) E(h) + δ ∫ e^(−δu) E(u) du. E is smooth in ln(1 + u/`scale`).
pub(super) fn purchases(expected: impl Fn(f64) -> f64, scale: f64, rate: f64, weeks: f64) -> f64 {
    let mut sum = (-rate * weeks).exp() * expected(weeks);
    if rate == 0.0 {
        return sum;
    }
    let mut low = 0.0;
    // Beyond e⁻⁴⁵ nothing is left to add.
    while low < weeks && rate * low < 45.0 {
        // A factor of at most e in time, and of e⁵ in the discount: there the rule is exact.
        let high = (low + (scale + low) * 1.7).min(low + 5.0 / rate.abs()).min(weeks);
        for (at, weight) in panel(low, high) {
            sum += rate * weight * (-rate * at).exp() * expected(at);
        }
        low = if high > low { high } else { weeks };
    }
    sum
}
