//! Count, mean and spread of values, gathered in one pass (Welford 1962, *Note on a Method for
//! Calculating Corrected Sums of Squares and Products*).

use crate::real::{ratio, real};

/// Count, mean and sum of squared deviations.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    n: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Of values; nothing where one is not a finite number.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut moments = Self::default();
        for value in values {
            if !value.is_finite() {
                return None;
            }
            moments.add(*value);
        }
        Some(moments)
    }

    /// Of a count, a sum and a sum of squares, as a report of another program has them. Nothing
    /// where they cannot belong together.
    pub fn of_sums(n: u64, sum: f64, sum_squares: f64) -> Option<Self> {
        if n == 0 || !sum.is_finite() || !sum_squares.is_finite() {
            return None;
        }
        let mean = sum / real(n);
        let squares = sum_squares - sum * mean;
        // Rounding may leave a hair below zero; more than that is a contradiction.
        (squares >= -1e-9 * sum_squares.abs()).then(|| Self { n, mean, squares: squares.max(0.0) })
    }

    /// Of parts computed elsewhere in this room.
    pub(super) fn of_parts(n: u64, mean: f64, squares: f64) -> Self {
        Self { n, mean, squares }
    }

    /// Counts one value in.
    pub fn add(&mut self, value: f64) {
        self.n += 1;
        let off = value - self.mean;
        self.mean += off / real(self.n);
        self.squares += off * (value - self.mean);
    }

    /// Counts in `n` zeros: visitors who bought nothing.
    pub fn add_zeros(&mut self, n: u64) {
        if n == 0 {
            return;
        }
        let (had, new) = (real(self.n), real(n));
        self.squares += self.mean * self.mean * had * new / (had + new);
        self.mean *= had / (had + new);
        self.n += n;
    }

    /// How many.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Their mean; nothing of nothing.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then_some(self.mean)
    }

    /// Their variance with n − 1; nothing below two values.
    pub fn variance(&self) -> Option<f64> {
        if self.n < 2 {
            return None;
        }
        ratio(self.squares, real(self.n) - 1.0)
    }

    /// The variance of their mean.
    pub fn variance_of_mean(&self) -> Option<f64> {
        Some(self.variance()? / real(self.n))
    }
}
