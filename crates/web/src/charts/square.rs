//! A square of cells by two scores, deeper where there is more.

use super::canvas::{Canvas, Hang};
use super::{Size, real};

/// Cells by row and column.
#[derive(Debug, Clone)]
pub struct Square {
    /// What is shown.
    pub title: String,
    /// What there is to see in it, in one sentence.
    pub about: String,
    /// What the rows are, over their names.
    pub down: String,
    /// What the columns are, over theirs.
    pub across: String,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, best first.
    pub rows: Vec<SquareRow>,
}

/// One row.
#[derive(Debug, Clone)]
pub struct SquareRow {
    /// Its name.
    pub label: String,
    /// One cell a column.
    pub cells: Vec<SquareCell>,
}

/// One cell.
#[derive(Debug, Clone)]
pub struct SquareCell {
    /// What it is shaded by; below zero is as pale as nothing.
    pub value: f64,
    /// What stands in it.
    pub text: String,
    /// A second line, for wide drawings.
    pub note: String,
}

/// Deeper than this neither light nor dark words can be read in both themes.
const DEEPEST: f64 = 0.46;
const PALEST: f64 = 0.05;
/// Room for what stands over the columns.
const HEAD: f64 = 46.0;

/// Draws `spec`.
pub fn square(spec: &Square, size: Size) -> String {
    let (names, tall) = match size {
        Size::Wide => (150.0, 58.0),
        Size::Narrow => (78.0, 46.0),
    };
    let width = size.width();
    let height = HEAD + tall * real(spec.rows.len());
    let mut canvas = Canvas::new("chart-square", width, height, &spec.title, &spec.about);
    let cell = (width - names) / real(spec.columns.len().max(1));
    canvas.text("c-tick", (0.0, 34.0), Hang::Start, &spec.down);
    canvas.text("c-tick", (names, 13.0), Hang::Start, &spec.across);
    for (at, column) in spec.columns.iter().enumerate() {
        canvas.text("c-tick", (names + cell * (real(at) + 0.5), 34.0), Hang::Middle, column);
    }
    let all = spec.rows.iter().flat_map(|row| &row.cells).map(|cell| cell.value);
    let most = all.fold(0.0, f64::max);
    for (nth, row) in spec.rows.iter().enumerate() {
        let y = HEAD + tall * real(nth);
        canvas.text("c-name", (0.0, y + tall / 2.0 + 4.0), Hang::Start, &row.label);
        for (at, one) in row.cells.iter().enumerate() {
            let x = names + cell * real(at);
            let part = if most > 0.0 { (one.value / most).clamp(0.0, 1.0) } else { 0.0 };
            let share = PALEST + (DEEPEST - PALEST) * part;
            let column = spec.columns.get(at).map_or("", String::as_str);
            let hint = format!("{}, {column}: {} {}", row.label, one.text, one.note);
            canvas.cell((x + 1.0, y + 1.0), (cell - 2.0, tall - 2.0), share, &hint);
            let middle = x + cell / 2.0;
            let two_lines = size == Size::Wide && !one.note.is_empty();
            let high = if two_lines { y + tall / 2.0 - 3.0 } else { y + tall / 2.0 + 4.0 };
            canvas.text("c-name", (middle, high), Hang::Middle, &one.text);
            if two_lines {
                canvas.text("c-on-light", (middle, high + 18.0), Hang::Middle, &one.note);
            }
        }
    }
    canvas.finish()
}
