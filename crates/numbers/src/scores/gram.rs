//! Rows of cases and the symmetric systems made of them, which a fit solves by Cholesky's method.
//! Tables that are asked for cell by cell are `crate::matrix`.

/// Rows of equal width, one after another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rows {
    width: usize,
    cells: Vec<f64>,
}

impl Rows {
    /// None yet; `width` is at least 1.
    pub(super) fn new(width: usize) -> Self {
        Self { width: width.max(1), cells: Vec::new() }
    }

    /// One more; `fill` must add exactly `width` cells.
    pub(super) fn push(&mut self, fill: impl FnOnce(&mut Vec<f64>)) {
        let wanted = self.cells.len() + self.width;
        fill(&mut self.cells);
        self.cells.resize(wanted, 0.0);
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.cells.chunks_exact(self.width)
    }

    /// Cells of a row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Only the columns wanted, in their order.
    pub(super) fn columns(&self, wanted: &[bool]) -> Self {
        let width = wanted.iter().filter(|wanted| **wanted).count();
        let mut rows = Self::new(width);
        for row in self.iter() {
            rows.cells
                .extend(row.iter().zip(wanted).filter(|(_, wanted)| **wanted).map(|(x, _)| *x));
        }
        rows
    }
}

/// a·b; what one has more of is left out.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Σ w x xᵀ over rows: the lower triangle, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gram {
    rows: Vec<Vec<f64>>,
}

impl Gram {
    /// Zero, of the given size.
    pub(super) fn new(size: usize) -> Self {
        Self { rows: (1..=size).map(|length| vec![0.0; length]).collect() }
    }

    /// Adds w x xᵀ.
    pub(super) fn add(&mut self, x: &[f64], w: f64) {
        for (row, x_i) in self.rows.iter_mut().zip(x) {
            let scaled = w * x_i;
            for (cell, x_j) in row.iter_mut().zip(x) {
                *cell += scaled * x_j;
            }
        }
    }

    /// Adds to the diagonal.
    pub(super) fn add_diagonal(&mut self, with: impl Iterator<Item = f64>) {
        for (row, extra) in self.rows.iter_mut().zip(with) {
            if let Some(cell) = row.last_mut() {
                *cell += extra;
            }
        }
    }

    /// Its Cholesky factor; nothing where a pivot is no more than `least` of its diagonal: the
    /// column says nothing that those before it do not say.
    pub(super) fn factor(&self, least: f64) -> Option<Factor> {
        let mut done: Vec<Vec<f64>> = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let (factored, diagonal, pivot) = eliminate(row, &done);
            // Not `<=`: a pivot that is no number must stop here too.
            if !(pivot > least * diagonal.abs() && pivot.is_finite()) {
                return None;
            }
            let mut factored = factored;
            factored.push(pivot.sqrt());
            done.push(factored);
        }
        Some(Factor { rows: done })
    }

    /// Which columns are independent of those before them.
    pub(super) fn independent(&self, least: f64) -> Vec<bool> {
        let mut done: Vec<Vec<f64>> = Vec::new();
        let mut kept: Vec<bool> = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            // Only cells of kept columns count from here on.
            let (last, before) = match row.split_last() {
                Some((last, before)) => (*last, before),
                None => continue,
            };
            let mut cells: Vec<f64> =
                before.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(x, _)| *x).collect();
            cells.push(last);
            let (mut factored, diagonal, pivot) = eliminate(&cells, &done);
            let keep = pivot > least * diagonal.abs() && pivot.is_finite();
            if keep {
                factored.push(pivot.sqrt());
                done.push(factored);
            }
            kept.push(keep);
        }
        kept
    }
}

/// One row of the factor without its diagonal, the diagonal as it was, and what is left of it.
fn eliminate(row: &[f64], done: &[Vec<f64>]) -> (Vec<f64>, f64, f64) {
    let mut factored: Vec<f64> = Vec::with_capacity(row.len());
    for (cell, above) in row.iter().zip(done) {
        let rest = cell - dot(&factored, above);
        factored.push(rest / above.last().copied().unwrap_or(1.0));
    }
    let diagonal = row.last().copied().unwrap_or(0.0);
    let pivot = diagonal - dot(&factored, &factored);
    (factored, diagonal, pivot)
}

/// A Cholesky factor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Factor {
    rows: Vec<Vec<f64>>,
}

impl Factor {
    /// The solution of the system for the right side `b`.
    pub(super) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut forward: Vec<f64> = Vec::with_capacity(b.len());
        for (row, b) in self.rows.iter().zip(b) {
            let rest = b - dot(&forward, row);
            forward.push(rest / row.last().copied().unwrap_or(1.0));
        }
        let mut solved: Vec<f64> = Vec::with_capacity(b.len());
        for row in self.rows.iter().rev() {
            let Some(rest) = forward.pop() else { break };
            let value = rest / row.last().copied().unwrap_or(1.0);
            for (before, cell) in forward.iter_mut().zip(row) {
                *before -= cell * value;
            }
            solved.push(value);
        }
        solved.reverse();
        solved
    }

    /// The diagonal of the inverse: variances.
    pub(super) fn inverse_diagonal(&self) -> Vec<f64> {
        let size = self.rows.len();
        (0..size)
            .map(|at| {
                let mut unit = vec![0.0; size];
                if let Some(cell) = unit.get_mut(at) {
                    *cell = 1.0;
                }
                self.solve(&unit).get(at).copied().unwrap_or(f64::NAN)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved_and_a_repeated_column_found() {
        let mut gram = Gram::new(3);
        let x = [[1.0, 2.0, 0.0], [1.0, 0.0, 3.0], [1.0, -1.0, 1.0], [1.0, 5.0, 2.0]];
        for row in &x {
            gram.add(row, 1.0);
        }
        let wanted = [0.5, -2.0, 3.0];
        // XᵀX β by hand.
        let b: Vec<f64> =
            (0..3).map(|j| x.iter().map(|row| row[j] * dot(row, &wanted)).sum()).collect();
        let factor = gram.factor(1e-12).unwrap();
        for (got, wanted) in factor.solve(&b).iter().zip(wanted) {
            assert!((got - wanted).abs() < 1e-12);
        }
        let variance = factor.inverse_diagonal();
        assert!(variance.iter().all(|v| *v > 0.0));
        let mut gram = Gram::new(4);
        for row in &x {
            gram.add(&[row[0], row[1], row[1] * 2.0 + 1.0, row[2]], 1.0);
        }
        assert_eq!(gram.independent(1e-9), [true, true, false, true]);
        assert_eq!(gram.factor(1e-9), None);
    }
}
