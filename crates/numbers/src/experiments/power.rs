//! How many visitors an experiment needs, and what it can see with those it has.
//!
//! Per arm, for rates p₁ and p₂ = p₁ + δ, two-sided α and power 1 − β, a = z(α/2), b = z(β). The
//! usual conventions differ by several percent, so each is named:
//!
//! * unpooled: (a + b)² (p₁q₁ + p₂q₂)/δ²
//! * pooled: (a √(2p̄q̄) + b √(p₁q₁ + p₂q₂))²/δ² (Fleiss, *Statistical Methods for Rates and
//!   Proportions*, without continuity correction; `power.prop.test` of R)
//! * control only: (a √(2p₁q₁) + b √(p₁q₁ + p₂q₂))²/δ² (the calculator of Evan Miller)
//! * arcsine: 2 d²/h², h = 2 asin √p₂ − 2 asin √p₁, with d where Φ(d − a) + Φ(−d − a) = 1 − β:
//!   a + b but for the far side, which this convention counts (Cohen 1988; `pwr.2p.test` of R)
//!
//! For means: 2 σ² (a + b)²/δ², or by the noncentral t where the spread will be estimated too
//! (`power.t.test` of R).

use crate::distributions::{
    noncentral_student_two_sided, normal_below, normal_density, normal_upper_quantile,
    student_two_sided_quantile,
};
use crate::real::real;

/// By which convention a number of visitors is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convention {
    /// A variance for each arm.
    Unpooled,
    /// One variance for both arms under no difference (Fleiss).
    Pooled,
    /// The control's variance for both arms under no difference (Evan Miller).
    ControlOnly,
    /// Cohen's h, the difference of arcsines.
    Arcsine,
}

impl Convention {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Unpooled, Self::Pooled, Self::ControlOnly, Self::Arcsine];

    /// Its name for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unpooled => "unpooled variance",
            Self::Pooled => "pooled variance (Fleiss)",
            Self::ControlOnly => "control's variance (Evan Miller)",
            Self::Arcsine => "arcsine (Cohen's h)",
        }
    }
}

/// What an experiment is to see.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aim {
    /// The rate of the control, above 0 and below 1.
    pub control: f64,
    /// The rate of the challenger that must not be missed.
    pub challenger: f64,
    /// The two-sided error allowed.
    pub alpha: f64,
    /// The probability of seeing it.
    pub power: f64,
}

impl Aim {
    fn sound(&self) -> bool {
        let inside = |x: f64| x > 0.0 && x < 1.0;
        [self.control, self.challenger, self.alpha, self.power].into_iter().all(inside)
            && (self.control - self.challenger).abs() > 0.0
    }
}

/// Visitors needed in each arm, not rounded: round up before use. Nothing where the aim is no aim:
/// a rate, error or power outside 0 to 1, or no difference.
pub fn sample_size(aim: &Aim, by: Convention) -> Option<f64> {
    if !aim.sound() {
        return None;
    }
    let (p1, p2) = (aim.control, aim.challenger);
    let (a, b) = (normal_upper_quantile(aim.alpha / 2.0), normal_upper_quantile(1.0 - aim.power));
    let delta = p2 - p1;
    let apart = p1 * (1.0 - p1) + p2 * (1.0 - p2);
    let both = 0.5 * (p1 + p2);
    let sum = match by {
        Convention::Unpooled => (a + b) * apart.sqrt() / delta,
        Convention::Pooled => (a * (2.0 * both * (1.0 - both)).sqrt() + b * apart.sqrt()) / delta,
        Convention::ControlOnly => (a * (2.0 * p1 * (1.0 - p1)).sqrt() + b * apart.sqrt()) / delta,
        Convention::Arcsine => {
            let h = 2.0 * (p2.sqrt().asin() - p1.sqrt().asin());
            std::f64::consts::SQRT_2 * with_far_side(a, b, aim.power) / h
        }
    };
    Some(sum * sum)
}

/// The shift seen with `power` by a two-sided test at ±`a`, both sides counted: Newton's method
/// from a + b, which is a hair too far.
fn with_far_side(a: f64, b: f64, power: f64) -> f64 {
    let mut shift = a + b;
    for _ in 0..20_u8 {
        let off = normal_below(shift - a) + normal_below(-shift - a) - power;
        let slope = normal_density(shift - a) - normal_density(shift + a);
        if slope <= 0.0 {
            break;
        }
        shift -= off / slope;
    }
    shift
}

/// The probability of seeing the aim's difference with `n` visitors in each arm, with a variance
/// for each arm and both sides counted. `aim.power` is not looked at.
pub fn power(aim: &Aim, n: u64) -> Option<f64> {
    let aim = Aim { power: 0.5, ..*aim };
    if !aim.sound() || n == 0 {
        return None;
    }
    let (p1, p2) = (aim.control, aim.challenger);
    let se = ((p1 * (1.0 - p1) + p2 * (1.0 - p2)) / real(n)).sqrt();
    let z = normal_upper_quantile(aim.alpha / 2.0);
    let off = (p2 - p1).abs() / se;
    Some(normal_below(off - z) + normal_below(-off - z))
}

/// Values needed in each arm to see the means differ by `delta` where values have the standard
/// deviation `sd`.
pub fn sample_size_of_means(delta: f64, sd: f64, alpha: f64, power: f64) -> Option<f64> {
    let inside = |x: f64| x > 0.0 && x < 1.0;
    let positive = |x: f64| x > 0.0 && x.is_finite();
    if !(inside(alpha) && inside(power) && positive(delta.abs()) && positive(sd)) {
        return None;
    }
    let sum = normal_upper_quantile(alpha / 2.0) + normal_upper_quantile(1.0 - power);
    Some(2.0 * (sum * sd / delta).powi(2))
}

/// The same where the test will be Student's: exact, and a little more.
pub fn sample_size_of_means_by_t(delta: f64, sd: f64, alpha: f64, power: f64) -> Option<f64> {
    let start = sample_size_of_means(delta, sd, alpha, power)?;
    let off = |n: f64| {
        let df = 2.0 * n - 2.0;
        let t = student_two_sided_quantile(alpha, df)?;
        let shift = (delta / sd).abs() * (n / 2.0).sqrt();
        Some(noncentral_student_two_sided(t, df, shift)? - power)
    };
    // The power rises with n; the normal answer is too small, and twice it with some more enough.
    let (mut low, mut high) = (start.max(1.01), 2.0 * start + 30.0);
    if off(low)? > 0.0 {
        return Some(low);
    }
    for _ in 0..60_u8 {
        let middle = 0.5 * (low + high);
        if off(middle)? > 0.0 {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}
