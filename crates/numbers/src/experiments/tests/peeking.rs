//! Looking at every visitor, the always-valid interval errs as often as it says and no more.

use crate::draws::tests::seeded;
use crate::experiments::fixed::rates;
use crate::experiments::sequential::Sequence;

const TESTS: u32 = 10_000;
const VISITORS: u64 = 2_000;

/// How many of [`TESTS`] A/A tests at a rate are ever called by a look after each pair of
/// visitors: by the sequence, and by the fixed test.
fn called(rate: f64, seed: u64) -> (f64, f64) {
    let sequence = Sequence::new(0.05, 1_000.0).unwrap();
    let mut uniform = seeded(seed);
    let (mut always, mut fixed) = (0_u32, 0_u32);
    for _ in 0..TESTS {
        let (mut a, mut b) = (0_u64, 0_u64);
        let (mut always_called, mut fixed_called) = (false, false);
        for n in 1..=VISITORS {
            a += u64::from(uniform() < rate);
            b += u64::from(uniform() < rate);
            // A fast way round what is far from any bound: z² below 3.
            let (apart, both) = (a.abs_diff(b), a + b);
            if apart * apart * 2 * n < 3 * both * (2 * n - both) {
                continue;
            }
            let told = rates((a, n), (b, n)).unwrap();
            fixed_called |= told.p_pooled.is_some_and(|p| p < 0.05);
            if sequence.test(told.difference, 2 * n).is_some_and(|test| test.p < 0.05) {
                always_called = true;
                break;
            }
        }
        always += u32::from(always_called);
        fixed += u32::from(fixed_called);
    }
    (f64::from(always) / f64::from(TESTS), f64::from(fixed) / f64::from(TESTS))
}

#[test]
fn intervals_keep_their_error_under_continuous_peeking() {
    for (rate, seed) in [(0.03, 1), (0.6, 2)] {
        let (always, fixed) = called(rate, seed);
        // Four standard errors of a share of 5 % among 10,000.
        assert!(always <= 0.05 + 0.0087, "at {rate}: {always}");
        assert!(fixed > 0.15, "at {rate} the fixed test is called {fixed}");
    }
}
