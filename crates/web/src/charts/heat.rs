//! Cells shaded by value: cohorts, one row each and one cell a period, deeper where more came back;
//! or any two things against one another.

use super::axis::Unit;
use super::canvas::{Canvas, Hang};
use super::real;

/// A table of cells shaded by value.
#[derive(Debug, Clone)]
pub struct Heat {
    /// What is shown.
    pub title: String,
    /// What there is to see in it, in one sentence.
    pub about: String,
    /// Over the first column (`"Cohort"`).
    pub corner: String,
    /// Over the cells (`"0"`, `"1"` …).
    pub columns: Vec<String>,
    /// One a cohort.
    pub rows: Vec<HeatRow>,
    /// What the values are.
    pub unit: Unit,
}

/// One cohort.
#[derive(Debug, Clone)]
pub struct HeatRow {
    /// When it began.
    pub label: String,
    /// How many were in it, in words.
    pub size: String,
    /// One value a column; `None` where the period has not come yet.
    pub cells: Vec<Option<f64>>,
}

/// The cohort itself, and the palest and deepest of what follows. Between `DEEPEST` and `FULL`
/// lie the shades on which neither light nor dark words can be read in both themes.
const FULL: f64 = 1.0;
const DEEPEST: f64 = 0.46;
const PALEST: f64 = 0.05;
const CELL: (f64, f64) = (58.0, 32.0);
const NAMES: f64 = 130.0;
/// Room for what stands over the columns.
const HEAD: f64 = 46.0;

/// Draws `spec`, whose first column is the whole of each row. The drawing grows with its columns;
/// where it does not fit, it is scrolled.
pub fn heat(spec: &Heat) -> String {
    draw(spec, 1)
}

/// Draws `spec`, all of whose columns are of one kind.
pub fn grid(spec: &Heat) -> String {
    draw(spec, 0)
}

/// `whole` columns are the rows themselves: all of each, which would drown the others.
fn draw(spec: &Heat, whole: usize) -> String {
    let width = NAMES + CELL.0 * real(spec.columns.len());
    let height = HEAD + CELL.1 * real(spec.rows.len());
    let mut canvas = Canvas::new("chart-heat", width, height, &spec.title, &spec.about);
    canvas.text("c-tick", (0.0, 13.0), Hang::Start, &spec.corner);
    for (at, column) in spec.columns.iter().enumerate() {
        let x = NAMES + CELL.0 * (real(at) + 0.5);
        canvas.text("c-tick", (x, 36.0), Hang::Middle, column);
    }
    let most = spec
        .rows
        .iter()
        .flat_map(|row| row.cells.iter().skip(whole).flatten())
        .copied()
        .fold(0.0, f64::max);
    let most = if most > 0.0 { most } else { 1.0 };
    for (nth, row) in spec.rows.iter().enumerate() {
        let y = HEAD + CELL.1 * real(nth);
        canvas.text("c-name", (0.0, y + 20.0), Hang::Start, &row.label);
        canvas.text("c-tick", (NAMES - 12.0, y + 20.0), Hang::End, &row.size);
        for (at, (cell, column)) in row.cells.iter().zip(&spec.columns).enumerate() {
            let Some(value) = cell else { continue };
            let share = (value / most).clamp(0.0, 1.0);
            let share = if at < whole { FULL } else { PALEST + (DEEPEST - PALEST) * share };
            let x = NAMES + CELL.0 * real(at);
            let hint = format!("{}, {column}: {}", row.label, spec.unit.full(*value));
            canvas.cell((x + 1.0, y + 1.0), (CELL.0 - 2.0, CELL.1 - 2.0), share, &hint);
            let class = if share > DEEPEST { "c-on-deep" } else { "c-on-light" };
            let text = match spec.unit {
                Unit::Share => format!("{:.0}%", value * 100.0),
                _ => spec.unit.short(*value),
            };
            canvas.text(class, (x + CELL.0 / 2.0, y + 20.0), Hang::Middle, &text);
        }
    }
    canvas.finish()
}
