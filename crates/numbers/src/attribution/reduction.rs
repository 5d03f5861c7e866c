//! The chain solved exactly, by taking out one state after the other.
//!
//! State reduction after Grassmann, Taksar & Heyman 1985, *Regenerative Analysis and Steady State
//! Distributions for Markov Chains*, Operations Research 33(5): Gaussian elimination of I − Q whose
//! pivots are not subtracted but summed from what still leaves a state. Nothing is ever subtracted,
//! so even what is small comes out with almost all its digits, however slowly the chain ends.

use crate::matrix::Matrix;

/// I − Q as factors: below the diagonal the steps to states that are taken out later, above it the
/// share of each column's state that is handed on when it is taken out.
pub(super) struct Reduced {
    /// Row i holds the steps from i; only those to the left of the diagonal are of use.
    steps: Matrix,
    /// Row k holds, for each i left of it, what part of state k's sum goes to i.
    handed: Matrix,
    /// What leaves each state when it is taken out.
    leaves: Vec<f64>,
}

impl Reduced {
    /// Takes out the states of `steps`, a square of probabilities whose diagonal is not looked at;
    /// `ends` are the probabilities to leave the chain altogether. About n³/3 multiplications.
    pub(super) fn new(mut steps: Matrix, mut ends: Vec<f64>) -> Self {
        let size = steps.rows().min(ends.len());
        let mut handed = Matrix::zeros(size, size);
        let mut leaves = vec![0.0; size];
        for k in (0..size).rev() {
            let end = ends.get(k).copied().unwrap_or(0.0);
            let pivot: f64 = end + steps.row(k).iter().take(k).sum::<f64>();
            leaves.iter_mut().skip(k).take(1).for_each(|leave| *leave = pivot);
            if pivot <= 0.0 {
                continue; // nothing leaves it, so nothing comes of it either
            }
            for (i, more) in ends.iter_mut().enumerate().take(k) {
                let part = steps.get(i, k) / pivot;
                if part <= 0.0 {
                    continue;
                }
                handed.set(k, i, part);
                *more += part * end;
                let (row, out) = steps.upper_and_lower(i, k);
                for (cell, step) in row.iter_mut().zip(out).take(k) {
                    *cell += part * step;
                }
            }
        }
        Self { steps, handed, leaves }
    }

    /// The x of x = Qx + `source`: what each state expects to collect where `source` is what each
    /// visit brings.
    pub(super) fn collected(&self, source: &[f64]) -> Vec<f64> {
        let mut sums = source.to_vec();
        self.hand_on(&mut sums);
        let mut solution = Vec::with_capacity(sums.len());
        for (k, sum) in sums.iter().enumerate() {
            let next = self.solve_row(k, *sum, &solution);
            solution.push(next);
        }
        solution
    }

    /// How often a journey that is in `state` is there in all, this time counted: the cell of
    /// (I − Q)⁻¹ on the diagonal.
    pub(super) fn visits(&self, state: usize) -> f64 {
        let mut sums = vec![0.0; state + 1];
        sums.iter_mut().skip(state).for_each(|sum| *sum = 1.0);
        self.hand_on(&mut sums);
        let mut solution = Vec::with_capacity(sums.len());
        for (k, sum) in sums.iter().enumerate() {
            let next = self.solve_row(k, *sum, &solution);
            solution.push(next);
        }
        solution.last().copied().unwrap_or(0.0)
    }

    fn hand_on(&self, sums: &mut [f64]) {
        for k in (1..sums.len()).rev() {
            let (before, from) = sums.split_at_mut(k);
            let Some(from) = from.first().filter(|from| **from > 0.0) else { continue };
            for (sum, part) in before.iter_mut().zip(self.handed.row(k)) {
                *sum += part * from;
            }
        }
    }

    fn solve_row(&self, k: usize, sum: f64, solution: &[f64]) -> f64 {
        let row = self.steps.row(k).iter().zip(solution);
        let right = sum + row.map(|(step, x)| step * x).sum::<f64>();
        match self.leaves.get(k) {
            Some(leaves) if *leaves > 0.0 => right / leaves,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(rows: &[&[f64]]) -> Matrix {
        let mut matrix = Matrix::zeros(rows.len(), rows.len());
        for (i, row) in rows.iter().enumerate() {
            matrix.row_mut(i).copy_from_slice(row);
        }
        matrix
    }

    #[test]
    fn a_small_chain_is_solved_by_hand() {
        // 0 → 1 always; 1 → 0 with a half, else the end.
        let reduced = Reduced::new(square(&[&[0.0, 1.0], &[0.5, 0.0]]), vec![0.0, 0.5]);
        assert_eq!(reduced.collected(&[0.0, 0.5]), [1.0, 1.0]);
        assert_eq!((reduced.visits(0), reduced.visits(1)), (2.0, 2.0));
        assert!(Reduced::new(Matrix::zeros(0, 0), Vec::new()).collected(&[]).is_empty());
    }

    #[test]
    fn a_chain_that_ends_once_in_a_billion_keeps_its_digits() {
        let rare = 1e-9;
        let steps = square(&[&[0.0, 1.0 - rare], &[1.0 - rare, 0.0]]);
        let reduced = Reduced::new(steps, vec![rare, rare]);
        for x in reduced.collected(&[rare, rare]) {
            assert!((x - 1.0).abs() < 1e-14, "{x}");
        }
        // Two thirds: from 0, conversion is the end of 0 and nothing the end of 1, twice as often.
        let steps = square(&[&[0.0, 1.0 - rare], &[1.0 - 2.0 * rare, 0.0]]);
        let reduced = Reduced::new(steps, vec![rare, 2.0 * rare]);
        let x = reduced.collected(&[rare, 0.0]);
        let exact = 1.0 / (1.0 + 2.0 * (1.0 - rare));
        assert!((x[0] / exact - 1.0).abs() < 1e-14, "{x:?}");
    }
}
