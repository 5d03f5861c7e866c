//! What several ways of reckoning say of the same things: from the lowest to the highest of each.

use super::axis::Unit;
use super::canvas::{Canvas, Hang};
use super::rank::fitting;
use super::{Size, real};

/// Rows of several values each, one of them chosen.
#[derive(Debug, Clone)]
pub struct Spread {
    /// What is shown.
    pub title: String,
    /// What there is to see in it, in one sentence.
    pub about: String,
    /// The ways of reckoning.
    pub names: Vec<String>,
    /// Which of them is chosen.
    pub chosen: usize,
    /// In the order to be drawn.
    pub rows: Vec<SpreadRow>,
    /// What the values are.
    pub unit: Unit,
}

/// One row.
#[derive(Debug, Clone)]
pub struct SpreadRow {
    /// Its name.
    pub label: String,
    /// A value for each way, not below zero.
    pub values: Vec<f64>,
}

const ROW: f64 = 48.0;
/// Where the dots of a row are, below its name.
const LINE: f64 = 30.0;

/// Draws `spec`: one filled dot for the way that is chosen, a ring for each other.
pub fn spread(spec: &Spread, size: Size) -> String {
    let width = size.width();
    let height = ROW * real(spec.rows.len()) + 4.0;
    let mut canvas = Canvas::new("chart-spread", width, height, &spec.title, &spec.about);
    let all = spec.rows.iter().flat_map(|row| row.values.iter().copied());
    let most = all.fold(0.0, f64::max);
    let most = if most > 0.0 { most } else { 1.0 };
    let x = |value: f64| 6.0 + value.max(0.0) / most * (width - 12.0);
    for (at, row) in spec.rows.iter().enumerate() {
        let (top, line) = (ROW * real(at), ROW * real(at) + LINE);
        let low = row.values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = row.values.iter().copied().fold(0.0, f64::max);
        let Some(chosen) = row.values.get(spec.chosen).copied() else { continue };
        let text = format!(
            "{} · {} to {}",
            spec.unit.short(chosen),
            spec.unit.short(low),
            spec.unit.short(high)
        );
        canvas.text("c-name", (0.0, top + 16.0), Hang::Start, &fitting(&row.label, width, &text));
        canvas.text("c-value", (width, top + 16.0), Hang::End, &text);
        canvas.rect("c-track", (0.0, line - 2.0), (width, 4.0), "");
        canvas.rect("c-between", (x(low), line - 4.0), ((x(high) - x(low)).max(1.0), 8.0), "");
        for (nth, value) in row.values.iter().enumerate().filter(|(nth, _)| *nth != spec.chosen) {
            let name = spec.names.get(nth).map_or("", String::as_str);
            let hint = format!("{}, {name}: {}", row.label, spec.unit.full(*value));
            canvas.dot("c-other", (x(*value), line), 4.5, &hint);
        }
        let name = spec.names.get(spec.chosen).map_or("", String::as_str);
        let hint = format!("{}, {name}: {}", row.label, spec.unit.full(chosen));
        canvas.dot("c-fill c-fill1 c-dot", (x(chosen), line), 7.0, &hint);
    }
    canvas.finish()
}
