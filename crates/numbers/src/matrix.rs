//! A table of real numbers with rows and columns: the one place of this crate that indexes.
//!
//! Every other room asks for a cell or a row here, so that the bounds are looked after once.

/// Rows of equal length, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matrix {
    rows: usize,
    columns: usize,
    cells: Vec<f64>,
}

#[expect(
    clippy::indexing_slicing,
    reason = "a matrix is indices; a row or column beyond its size is a fault of the caller"
)]
impl Matrix {
    /// All zeros.
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, cells: vec![0.0; rows.saturating_mul(columns)] }
    }

    /// One cell.
    pub(crate) fn get(&self, row: usize, column: usize) -> f64 {
        self.row(row)[column]
    }

    /// Writes one cell.
    pub(crate) fn set(&mut self, row: usize, column: usize, to: f64) {
        self.row_mut(row)[column] = to;
    }

    /// One row.
    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.cells[row * self.columns..(row + 1) * self.columns]
    }

    /// One row, to write.
    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.cells[row * self.columns..(row + 1) * self.columns]
    }

    /// Two different rows, the upper one to write.
    pub(crate) fn upper_and_lower(&mut self, upper: usize, lower: usize) -> (&mut [f64], &[f64]) {
        debug_assert!(upper < lower, "the upper row comes first");
        let (before, after) = self.cells.split_at_mut(lower * self.columns);
        (&mut before[upper * self.columns..(upper + 1) * self.columns], &after[..self.columns])
    }

    /// How many rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_keeps_its_cells_apart() {
        let mut matrix = Matrix::zeros(2, 3);
        matrix.set(0, 2, 5.0);
        matrix.set(1, 0, 7.0);
        let (upper, lower) = matrix.upper_and_lower(0, 1);
        upper[1] += lower[0];
        assert_eq!(matrix.row(0), [0.0, 7.0, 5.0]);
        assert_eq!((matrix.rows(), matrix.columns()), (2, 3));
        assert_eq!(Matrix::zeros(0, 4).rows(), 0);
    }
}
