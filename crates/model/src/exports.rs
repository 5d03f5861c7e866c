//! What leaves in CSV files.

use std::borrow::Cow;

/// A cell that no spreadsheet takes for a formula: an apostrophe is put before text that begins
/// like one. What is stored stays as it was typed.
pub fn csv_safe(cell: &str) -> Cow<'_, str> {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if formula { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i07_formulas_leave_as_text() {
        for cell in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert_eq!(csv_safe(cell), format!("'{cell}"));
        }
        for cell in ["", "Ann", "a=b", "'=1", "19.00"] {
            assert_eq!(csv_safe(cell), cell);
        }
    }
}
