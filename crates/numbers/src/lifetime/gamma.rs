//! lnΓ and its first two derivatives, by Stirling's series after a shift upwards.
//!
//! Abramowitz & Stegun 1964, 6.1.40, 6.3.18 and 6.4.12. With the shift to 12 the first term that is
//! left out is below 1e-17.

/// Above this the series is exact.
const HIGH: f64 = 12.0;

/// lnΓ(z), ψ(z) and ψ′(z), for z > 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LnGamma {
    /// lnΓ(z).
    pub value: f64,
    /// ψ(z).
    pub first: f64,
    /// ψ′(z).
    pub second: f64,
}

impl LnGamma {
    /// At `z` > 0.
    pub fn of(z: f64) -> Self {
        let (mut at, mut product, mut inverse, mut square) = (z, 1.0, 0.0, 0.0);
        while at < HIGH {
            product *= at;
            inverse += at.recip();
            square += (at * at).recip();
            at += 1.0;
        }
        let (one, two) = (at.recip(), (at * at).recip());
        let ln = at.ln();
        let value =
            (at - 0.5) * ln - at + HALF_LN_TWO_PI + one * series(two, &VALUE) - f64::ln(product);
        let first = ln - 0.5 * one - two * series(two, &FIRST) - inverse;
        let second = one + 0.5 * two + one * two * series(two, &SECOND) + square;
        Self { value, first, second }
    }
}

const HALF_LN_TWO_PI: f64 = 0.918_938_533_204_672_8;
/// B₂ₖ/(2k(2k−1)).
const VALUE: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1_260.0,
    -1.0 / 1_680.0,
    1.0 / 1_188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3_617.0 / 122_400.0,
];
/// B₂ₖ/(2k).
const FIRST: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 120.0,
    1.0 / 252.0,
    -1.0 / 240.0,
    1.0 / 132.0,
    -691.0 / 32_760.0,
    1.0 / 12.0,
    -3_617.0 / 8_160.0,
];
/// B₂ₖ.
const SECOND: [f64; 8] = [
    1.0 / 6.0,
    -1.0 / 30.0,
    1.0 / 42.0,
    -1.0 / 30.0,
    5.0 / 66.0,
    -691.0 / 2_730.0,
    7.0 / 6.0,
    -3_617.0 / 510.0,
];

/// Horner's scheme.
fn series(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_thirty_digits() {
        for (z, value, first, second) in [
            (0.001, 6.907_178_885_383_853, -1_000.575_571_931_810_3, 1_000_001.642_533_195_9),
            (0.1, 2.252_712_651_734_206, -10.423_754_940_411_078, 101.433_299_150_792_76),
            (0.5, 0.572_364_942_924_700_1, -1.963_510_026_021_423_5, 4.934_802_200_544_679),
            (1.0, 0.0, -0.577_215_664_901_532_9, 1.644_934_066_848_226_4),
            (1.5, -0.120_782_237_635_245_22, 0.036_489_973_978_576_52, 0.934_802_200_544_679_3),
            (2.0, 0.0, 0.422_784_335_098_467_13, 0.644_934_066_848_226_4),
            (3.7, 1.428_072_326_665_387_9, 1.167_153_539_361_511_3, 0.310_037_857_670_038_33),
            (12.0, 17.502_307_845_873_887, 2.442_661_679_975_812, 0.086_901_872_871_768_38),
            (100.25, 360.284_559_637_764_23, 4.602_671_243_274_712, 0.010_024_978_698_123_367),
            (12_345.6, 103_959.185_066_168_46, 9.421_014_502_465_397, 8.100379903388379e-5),
        ] {
            let got = LnGamma::of(z);
            for (got, wanted) in [(got.value, value), (got.first, first), (got.second, second)] {
                let far = (got - wanted).abs();
                assert!(far <= 1e-14 * f64::max(wanted.abs(), 1.0), "{z}: {got} is not {wanted}");
            }
        }
    }
}
