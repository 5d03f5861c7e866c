//! Stages: from a visit to a recommendation, how many came how far.
//!
//! Rates come with the Wilson score interval (Wilson 1927, *Probable Inference*, JASA 22), so that
//! 2 of 3 does not look like 200 of 300.

use crate::distributions::Z_95;
use crate::real::{ratio, real};

/// A stage and how many reached it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its word.
    pub name: &'static str,
    /// How many reached it.
    pub count: u64,
    /// Of those who reached the stage before; nothing for the first, or where none did.
    pub of_previous: Option<Share>,
    /// Of those who reached the first.
    pub of_first: Option<Share>,
}

/// A share with its interval of 95 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// The share itself. Above 1 where more reached a stage than the one before: some came by
    /// another road (an order without an opt-in).
    pub rate: f64,
    /// Lower end of the interval; the rate itself where it is above 1.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// `count` of `of`; nothing where `of` is none.
pub fn share(count: u64, of: u64) -> Option<Share> {
    let rate = ratio(real(count), real(of))?;
    if count > of {
        return Some(Share { rate, low: rate, high: rate });
    }
    let n = real(of);
    let z2 = Z_95 * Z_95;
    let middle = (rate + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_95 / (1.0 + z2 / n) * (rate * (1.0 - rate) / n + z2 / (4.0 * n * n)).sqrt();
    // The ends are exact where all or none did; rounding must not push them past.
    let low = if count == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if count == of { 1.0 } else { (middle + half).min(1.0) };
    Some(Share { rate, low, high })
}

/// The stages in order with their rates.
pub fn stages(counts: &[(&'static str, u64)]) -> Vec<Stage> {
    let first = counts.first().map(|(_, count)| *count);
    let previous = std::iter::once(None).chain(counts.iter().map(|(_, count)| Some(*count)));
    counts
        .iter()
        .zip(previous)
        .map(|((name, count), previous)| Stage {
            name,
            count: *count,
            of_previous: previous.and_then(|of| share(*count, of)),
            of_first: first.and_then(|of| share(*count, of)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, wanted: f64) {
        assert!((got - wanted).abs() < 1e-6, "{got} is not {wanted}");
    }

    #[test]
    fn rates_are_of_the_stage_before_and_of_the_first() {
        let told = stages(&[("visit", 1_000), ("lead", 200), ("confirmed", 150), ("order", 0)]);
        assert_eq!(told[0].of_previous, None);
        close(told[1].of_previous.unwrap().rate, 0.2);
        close(told[2].of_previous.unwrap().rate, 0.75);
        close(told[2].of_first.unwrap().rate, 0.15);
        let none = told[3].of_previous.unwrap();
        close(none.rate, 0.0);
        close(none.low, 0.0);
        assert!(none.high > 0.0 && none.high < 0.03);
        assert!(stages(&[]).is_empty());
        assert_eq!(stages(&[("visit", 0), ("lead", 0)])[1].of_previous, None);
    }

    #[test]
    fn wilsons_interval_is_the_published_one() {
        // Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263, 15 of 148, 0 of 20, 1 of
        // 29.
        for (count, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let share = share(count, of).unwrap();
            assert!((share.low - low).abs() < 5e-5, "{count} of {of}: {share:?}");
            assert!((share.high - high).abs() < 5e-5, "{count} of {of}: {share:?}");
        }
    }

    #[test]
    fn more_than_all_is_said_and_not_hidden() {
        close(share(3, 2).unwrap().rate, 1.5);
    }
}
