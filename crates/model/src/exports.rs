//! What leaves in CSV files (RFC 4180), and comes in again as it was.

use std::borrow::Cow;

/// One cell of text: what a spreadsheet would take for a formula gets an apostrophe, and what
/// needs quotation marks gets them. What is stored stays as it was typed.
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    if is_marked(text) {
        Cow::Owned(csv_quoted(&format!("'{text}")).into_owned())
    } else {
        csv_quoted(text)
    }
}

/// One cell of what we wrote ourselves, such as a figure: in quotation marks where it needs them,
/// but `-5` stays a number.
pub fn csv_quoted(text: &str) -> Cow<'_, str> {
    if text.contains([',', '"', '\r', '\n']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}

/// One line of text cells, with its end.
pub fn csv_row<T: AsRef<str>>(cells: &[T]) -> String {
    let cells: Vec<Cow<'_, str>> = cells.iter().map(|cell| csv_cell(cell.as_ref())).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell as it was before [`csv_cell`] put an apostrophe in front of it.
pub fn csv_plain(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_marked(rest)).unwrap_or(cell)
}

/// Whether an apostrophe goes before it; also where it has some of its own, or those would be taken
/// for ours when it comes in again.
fn is_marked(text: &str) -> bool {
    is_formula(text.trim_start_matches('\''))
}

/// Whether a spreadsheet would compute it.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i07_formulas_leave_as_text_and_come_in_as_they_were() {
        for cell in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "'=1", "''-x"] {
            assert_eq!(csv_cell(cell), format!("'{cell}"));
            assert_eq!(csv_plain(&csv_cell(cell)), cell);
        }
        assert_eq!(csv_cell("\r=1"), "\"'\r=1\"");
        for cell in ["", "Ann", "a=b", "'", "19.00", "'tis"] {
            assert_eq!(csv_cell(cell), cell);
        }
        for (cell, plain) in [("'=1", "=1"), ("'tis", "'tis"), ("=1", "=1"), ("'", "'")] {
            assert_eq!(csv_plain(cell), plain);
        }
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let cells = ["a", "b,c", "say \"x\"", "two\r\nlines", "-1,5", ""];
        let wanted = "a,\"b,c\",\"say \"\"x\"\"\",\"two\r\nlines\",\"'-1,5\",\r\n";
        assert_eq!(csv_row(&cells), wanted);
        assert_eq!(csv_quoted("-5"), "-5");
        assert_eq!(csv_quoted("-1,5"), "\"-1,5\"");
    }
}
