//! Columns side by side, stacked where there are several series.

use super::axis::{Plot, Unit, legend};
use super::canvas::Canvas;
use super::lines::Series;
use super::{Size, real};

/// Columns over a row of labels.
#[derive(Debug, Clone)]
pub struct Bars {
    /// What is shown.
    pub title: String,
    /// What there is to see in it, in one sentence.
    pub about: String,
    /// One label a column.
    pub labels: Vec<String>,
    /// Stacked in this order from the axis; values below zero hang under it.
    pub series: Vec<Series>,
    /// What the values are.
    pub unit: Unit,
}

/// Draws `spec`.
pub fn bars(spec: &Bars, size: Size) -> String {
    let mut canvas =
        Canvas::new("chart-bars", size.width(), size.height(), &spec.title, &spec.about);
    let names: Vec<&str> = spec.series.iter().map(|series| series.name.as_str()).collect();
    let top = legend(&mut canvas, size, &names, "c-fill");
    let sums = (0..spec.labels.len()).flat_map(|at| {
        let (up, down) = sums_at(spec, at);
        [up, down]
    });
    let plot = Plot::new(size, top, sums, &spec.unit);
    plot.draw(&mut canvas, &spec.unit);
    let slot = (plot.right - plot.left) / real(spec.labels.len().max(1));
    let width = (slot * 0.68).clamp(2.0, 56.0);
    plot.words_below(&mut canvas, size, &spec.labels, |at| plot.left + slot * (real(at) + 0.5));
    for (at, label) in spec.labels.iter().enumerate() {
        let x = plot.left + slot * (real(at) + 0.5) - width / 2.0;
        let (mut up, mut down) = (0.0, 0.0);
        for (nth, series) in spec.series.iter().enumerate() {
            let Some(value) = series.values.get(at).copied().flatten() else { continue };
            let base = if value < 0.0 { &mut down } else { &mut up };
            let (from, to) = (plot.y(*base), plot.y(*base + value));
            *base += value;
            let gap = if spec.series.len() > 1 { 1.0 } else { 0.0 };
            let hint = format!("{label}: {} {}", series.name, spec.unit.full(value));
            let class = format!("c-fill c-fill{}", nth % 6 + 1);
            let height = (from - to).abs();
            canvas.rect(&class, (x, from.min(to) + gap), (width, height - gap), &hint);
        }
    }
    canvas.finish()
}

fn sums_at(spec: &Bars, at: usize) -> (f64, f64) {
    let values = spec.series.iter().filter_map(|series| series.values.get(at).copied().flatten());
    values.fold(
        (0.0, 0.0),
        |(up, down), value| {
            if value < 0.0 { (up, down + value) } else { (up + value, down) }
        },
    )
}
