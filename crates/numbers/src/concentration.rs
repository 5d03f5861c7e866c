//! Concentration: how unevenly revenue is spread over customers.
//!
//! * Gini = Σ (2i − n − 1)·xᵢ / (n · Σ xᵢ), where xᵢ is what the i-th customer brought in rising
//!   order, the first being i = 1 (Gini 1912, *Variabilità e mutabilità*; in this form Sen 1973):
//!   zero where all brought the same, (n − 1)/n where one brought all.
//! * The share of the best: what the best p of customers brought of all, the one at the edge in
//!   part, so that the figure does not jump with the number of customers.

use crate::real::{ratio, real_len};

/// The Gini coefficient of `revenues`, one a customer, in any order; from 0 to below 1. Nothing
/// where there are no customers, or no revenue, or any of it is below zero or no number: then it
/// has no meaning.
pub fn gini(revenues: &[f64]) -> Option<f64> {
    let sorted = rising(revenues)?;
    let n = real_len(sorted.len());
    let weighted = sorted.iter().zip(1..).map(|(x, i)| (2.0 * real_len(i) - n - 1.0) * x);
    let part = weighted.sum::<f64>();
    ratio(part, n * sorted.iter().sum::<f64>()).map(|gini| gini.max(0.0))
}

/// What the best `part` of customers (0.2 for the best fifth) brought of all, from `part` to 1.
/// Nothing as for [`gini`], or where `part` is not from 0 to 1.
pub fn share_of_best(revenues: &[f64], part: f64) -> Option<f64> {
    let sorted = rising(revenues)?;
    if !(0.0..=1.0).contains(&part) {
        return None;
    }
    let mut left = part * real_len(sorted.len());
    let mut brought = 0.0;
    for revenue in sorted.iter().rev() {
        brought += revenue * left.clamp(0.0, 1.0);
        left -= 1.0;
    }
    ratio(brought, sorted.iter().sum::<f64>()).map(|share| share.min(1.0))
}

/// In rising order; nothing where one is below zero or no number.
fn rising(revenues: &[f64]) -> Option<Vec<f64>> {
    if revenues.iter().any(|revenue| !revenue.is_finite() || *revenue < 0.0) {
        return None;
    }
    let mut sorted = revenues.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(sorted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(got: Option<f64>, wanted: f64) {
        assert!((got.unwrap() - wanted).abs() < 1e-12, "{got:?} is not {wanted}");
    }

    #[test]
    fn equal_revenue_is_zero_and_one_of_many_nearly_one() {
        close(gini(&[5.0; 4]), 0.0);
        close(gini(&[0.0, 0.0, 0.0, 8.0]), 0.75);
        close(gini(&[3.0, 1.0, 2.0]), 4.0 / 18.0);
        close(gini(&[7.0]), 0.0);
    }

    #[test]
    fn the_best_part_is_cut_within_a_customer() {
        let revenues = [1.0, 2.0, 3.0, 4.0];
        close(share_of_best(&revenues, 0.5), 0.7);
        close(share_of_best(&revenues, 0.375), 0.55);
        close(share_of_best(&revenues, 1.0), 1.0);
        close(share_of_best(&revenues, 0.0), 0.0);
        assert_eq!(share_of_best(&revenues, 1.5), None);
        assert_eq!(share_of_best(&revenues, f64::NAN), None);
    }

    #[test]
    fn what_has_no_meaning_has_no_figure() {
        for revenues in [&[][..], &[0.0, 0.0], &[1.0, -2.0], &[f64::NAN], &[f64::INFINITY]] {
            assert_eq!((gini(revenues), share_of_best(revenues, 0.2)), (None, None));
        }
    }

    proptest! {
        #[test]
        fn the_coefficient_is_half_the_mean_difference_over_the_mean(
            revenues in prop::collection::vec(0.0_f64..1e6, 1..40),
        ) {
            let n = real_len(revenues.len());
            let mean = revenues.iter().sum::<f64>() / n;
            prop_assume!(mean > 0.0);
            let differences: f64 =
                revenues.iter().flat_map(|x| revenues.iter().map(move |y| (x - y).abs())).sum();
            let got = gini(&revenues).unwrap();
            prop_assert!((got - differences / (2.0 * n * n * mean)).abs() < 1e-9);
            prop_assert!(share_of_best(&revenues, 0.2).unwrap() >= 0.2 - 1e-12);
        }
    }
}
