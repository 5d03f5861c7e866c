//! Things by size: one row each, the longest first as given.

use super::Size;
use super::axis::Unit;
use super::canvas::{Canvas, Hang};
use super::real;

/// Rows of one value each.
#[derive(Debug, Clone)]
pub struct Rank {
    /// What is shown.
    pub title: String,
    /// What there is to see in it, in one sentence.
    pub about: String,
    /// In the order to be drawn.
    pub items: Vec<RankItem>,
    /// What the values are.
    pub unit: Unit,
}

/// One row.
#[derive(Debug, Clone)]
pub struct RankItem {
    /// Its name.
    pub label: String,
    /// Its value, not below zero.
    pub value: f64,
    /// A word after the value, such as a share.
    pub note: Option<String>,
}

const ROW: f64 = 44.0;

/// Draws `spec`: the name above its bar, so that long names fit a phone.
pub fn rank(spec: &Rank, size: Size) -> String {
    let width = size.width();
    let height = ROW * real(spec.items.len()) + 4.0;
    let mut canvas = Canvas::new("chart-rank", width, height, &spec.title, &spec.about);
    let most = spec.items.iter().map(|item| item.value).fold(0.0, f64::max);
    let most = if most > 0.0 { most } else { 1.0 };
    for (at, item) in spec.items.iter().enumerate() {
        let y = ROW * real(at);
        let figure = spec.unit.full(item.value);
        let text = match &item.note {
            Some(note) => format!("{figure} · {note}"),
            None => figure.clone(),
        };
        canvas.text("c-name", (0.0, y + 16.0), Hang::Start, &fitting(&item.label, width, &text));
        canvas.text("c-value", (width, y + 16.0), Hang::End, &text);
        canvas.rect("c-track", (0.0, y + 24.0), (width, 10.0), "");
        let long = (item.value.max(0.0) / most * width).max(2.0);
        let hint = format!("{}: {figure}", item.label);
        canvas.rect("c-fill c-fill1", (0.0, y + 24.0), (long, 10.0), &hint);
    }
    canvas.finish()
}

/// A name cut so that it does not run into its value; the table beside has it whole.
pub(super) fn fitting(label: &str, width: f64, value: &str) -> String {
    let room = width - 16.0 - 7.4 * real(value.chars().count());
    let fits = (1..=label.chars().count()).rev().find(|n| 7.2 * real(*n) <= room).unwrap_or(1);
    if fits >= label.chars().count() {
        return label.to_owned();
    }
    let cut: String = label.chars().take(fits.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}
