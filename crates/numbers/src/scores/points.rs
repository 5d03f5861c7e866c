//! Points by rule: each thing that happened is worth some points, less and less with its age.
//!
//! A thing of age `t` under a half-life `h` is worth points · 2^(−t/h) (`f64::exp2`): exactly half
//! after `h`, a quarter after `2h`. Without a half-life it keeps its worth. Where only some of many
//! count, the newest do, so that whoever comes back is worth what they were the first time. A cap in
//! points holds for what the rule comes to now, on the side of its sign.

use crate::real::{real_len, real_signed};

/// Milliseconds of a day.
const DAY_MS: f64 = 86_400_000.0;

/// What one thing is worth, and how it adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Points when it happens; below zero they are taken away.
    pub points: i64,
    /// Days after which half of it is left.
    pub half_life_days: Option<i64>,
    /// How many of them count: the newest.
    pub times_max: Option<usize>,
    /// How many points they come to at most, whichever the sign.
    pub points_max: Option<i64>,
}

/// What a rule comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Sum {
    /// Points, after the cap.
    pub points: f64,
    /// Points before the cap.
    pub uncapped: f64,
    /// What each thing adds, in the order given; nothing for those beyond the number that counts.
    pub each: Vec<Option<f64>>,
}

impl Terms {
    /// What one thing of an age in milliseconds is worth. Nothing is younger than new.
    pub fn worth(&self, age_ms: i64) -> f64 {
        let points = real_signed(self.points);
        match self.half_life_days {
            Some(days) if days > 0 => {
                let halves = real_signed(age_ms.max(0)) / (real_signed(days) * DAY_MS);
                points * (-halves).exp2()
            }
            _ => points,
        }
    }

    /// What things of these ages come to, the newest first.
    pub fn sum(&self, ages_ms: &[i64]) -> Sum {
        let counting = self.times_max.unwrap_or(usize::MAX);
        let each: Vec<Option<f64>> = ages_ms
            .iter()
            .enumerate()
            .map(|(place, age)| (place < counting).then(|| self.worth(*age)))
            .collect();
        let uncapped: f64 = match self.half_life_days {
            // Whole points add up to whole points, however many.
            None => real_signed(self.points) * real_len(each.iter().flatten().count()),
            Some(_) => each.iter().flatten().sum(),
        };
        let points = match self.points_max.map(real_signed) {
            Some(most) => uncapped.clamp(-most.abs(), most.abs()),
            None => uncapped,
        };
        Sum { points, uncapped, each }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;
    const PLAIN: Terms =
        Terms { points: 10, half_life_days: None, times_max: None, points_max: None };

    #[test]
    fn points_halve_with_every_half_life() {
        let fading = Terms { half_life_days: Some(30), ..PLAIN };
        for (days, wanted) in [(0, 10.0), (30, 5.0), (60, 2.5), (300, 10.0 / 1024.0)] {
            assert!((fading.worth(days * DAY) - wanted).abs() < 1e-12, "{days}");
        }
        // 15 days of 30: 10/√2.
        assert!((fading.worth(15 * DAY) - 7.071_067_811_865_475).abs() < 1e-12);
        assert!((fading.worth(-DAY) - 10.0).abs() < 1e-12, "nothing is younger than new");
        assert!((PLAIN.worth(10_000 * DAY) - 10.0).abs() < 1e-12);
    }

    #[test]
    fn the_newest_count_and_the_rest_is_shown_without_points() {
        let twice = Terms { times_max: Some(2), half_life_days: Some(1), ..PLAIN };
        let sum = twice.sum(&[0, DAY, 2 * DAY]);
        assert_eq!(sum.each, vec![Some(10.0), Some(5.0), None]);
        assert!((sum.points - 15.0).abs() < 1e-12);
    }

    #[test]
    fn a_cap_holds_on_the_side_of_the_sign() {
        let capped = Terms { points_max: Some(25), ..PLAIN };
        let sum = capped.sum(&[0; 9]);
        assert!((sum.points - 25.0).abs() < 1e-12 && (sum.uncapped - 90.0).abs() < 1e-12);
        let against = Terms { points: -10, points_max: Some(25), ..PLAIN };
        assert!((against.sum(&[0; 9]).points + 25.0).abs() < 1e-12);
        assert!(capped.sum(&[]).points.abs() < 1e-12);
    }

    #[test]
    fn what_fades_never_grows_and_never_changes_sign() {
        for points in [-1000, -1, 1, 1000] {
            let fading = Terms { points, half_life_days: Some(7), ..PLAIN };
            let mut before = f64::INFINITY;
            for days in 0..5_000 {
                let worth = fading.worth(days * DAY);
                assert!(worth.abs() <= before && worth * real_signed(points) >= 0.0);
                before = worth.abs();
            }
        }
    }
}
