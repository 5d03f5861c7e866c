//! Figures side by side on one scale, each with the interval it lies in: versions, channels under
//! several models, what is against what could be.

use super::axis::{Unit, ticks};
use super::canvas::{Canvas, Hang};
use super::rank::fitting;
use super::{Size, real};

/// Rows over one scale.
#[derive(Debug, Clone)]
pub struct Ranges {
    /// What is shown.
    pub title: String,
    /// What there is to see in it, in one sentence.
    pub about: String,
    /// Names of the points of a row; at most six, told apart by shape as well as colour.
    pub series: Vec<String>,
    /// From above.
    pub rows: Vec<RangeRow>,
    /// What the values are.
    pub unit: Unit,
}

/// One row.
#[derive(Debug, Clone)]
pub struct RangeRow {
    /// Its name.
    pub label: String,
    /// Its figure in words.
    pub text: String,
    /// The interval, drawn as a band.
    pub range: Option<(f64, f64)>,
    /// One a series; `None` where it is not known.
    pub points: Vec<Option<f64>>,
}

const ROW: f64 = 46.0;
/// Where the middle of a row's band lies below its top.
const MIDDLE: f64 = 32.0;
/// Room for the figures of the scale.
const FOOT: f64 = 26.0;
const SIDE: f64 = 18.0;

/// Draws `spec`: the name above its band, so that long names fit a phone.
pub fn ranges(spec: &Ranges, size: Size) -> String {
    let width = size.width();
    let head = legend_height(spec, width);
    let bottom = head + ROW * real(spec.rows.len());
    let mut canvas = Canvas::new("chart-ranges", width, bottom + FOOT, &spec.title, &spec.about);
    legend(&mut canvas, spec, width);
    let values = spec.rows.iter().flat_map(|row| {
        let ends = row.range.into_iter().flat_map(|(low, high)| [low, high]);
        row.points.iter().flatten().copied().chain(ends)
    });
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let ticks = ticks(low, high, if size == Size::Wide { 6 } else { 4 });
    let low = ticks.first().copied().unwrap_or(0.0);
    let high = ticks.last().copied().unwrap_or(1.0);
    let span = if high > low { high - low } else { 1.0 };
    let x = |value: f64| SIDE + (value - low) / span * (width - 2.0 * SIDE);
    for tick in &ticks {
        let class = if *tick == 0.0 { "c-zero" } else { "c-grid" };
        canvas.line(class, (x(*tick), head), (x(*tick), bottom));
        canvas.text("c-tick", (x(*tick), bottom + 18.0), Hang::Middle, &spec.unit.short(*tick));
    }
    for (at, row) in spec.rows.iter().enumerate() {
        let top = head + ROW * real(at);
        let y = top + MIDDLE;
        // The words stand on a ground of their own: the lines of the scale run behind them.
        canvas.text(
            "c-note",
            (0.0, top + 16.0),
            Hang::Start,
            &fitting(&row.label, width, &row.text),
        );
        canvas.text("c-note", (width, top + 16.0), Hang::End, &row.text);
        canvas.rect("c-track", (x(low), y - 1.0), (x(high) - x(low), 2.0), "");
        if let Some((from, to)) = row.range {
            let hint = format!("{}: {} to {}", row.label, spec.unit.full(from), spec.unit.full(to));
            let long = (x(to) - x(from)).max(2.0);
            canvas.rect("c-range", (x(from), y - 5.0), (long, 10.0), &hint);
        }
        for (nth, value) in row.points.iter().enumerate() {
            let Some(value) = value else { continue };
            let name = spec.series.get(nth).map_or("", String::as_str);
            let hint = format!("{}: {name} {}", row.label, spec.unit.full(*value));
            mark(&mut canvas, nth, (x(*value), y), &hint);
        }
    }
    canvas.finish()
}

/// The n-th series by shape and colour: one of the two is enough to know it.
fn mark(canvas: &mut Canvas, nth: usize, (x, y): (f64, f64), hint: &str) {
    let class = format!("c-mark c-fill{}", nth % 6 + 1);
    let r = 5.5;
    let corners: &[(f64, f64)] = match nth % 6 {
        0 => return canvas.dot(&class, (x, y), r, hint),
        1 => &[(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)],
        2 => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        3 => &[(0.0, -1.2), (1.2, 1.0), (-1.2, 1.0)],
        4 => &[(-1.2, -1.0), (1.2, -1.0), (0.0, 1.2)],
        _ => &[(-0.5, -1.4), (0.5, -1.4), (0.5, 1.4), (-0.5, 1.4)],
    };
    let points: Vec<(f64, f64)> =
        corners.iter().map(|(right, down)| (x + right * r, y + down * r)).collect();
    canvas.shape(&class, &points, hint);
}

/// Where the names of the series stand; one alone needs none.
fn places(spec: &Ranges, width: f64) -> Vec<(f64, f64)> {
    if spec.series.len() < 2 {
        return Vec::new();
    }
    let (mut x, mut y) = (0.0, 14.0);
    let mut places = Vec::with_capacity(spec.series.len());
    for name in &spec.series {
        let long = 24.0 + 7.4 * real(name.chars().count());
        if x + long > width && x > 0.0 {
            (x, y) = (0.0, y + 20.0);
        }
        places.push((x, y));
        x += long + 14.0;
    }
    places
}

fn legend_height(spec: &Ranges, width: f64) -> f64 {
    places(spec, width).last().map_or(0.0, |(_, y)| y + 14.0)
}

fn legend(canvas: &mut Canvas, spec: &Ranges, width: f64) {
    for (nth, ((x, y), name)) in places(spec, width).into_iter().zip(&spec.series).enumerate() {
        mark(canvas, nth, (x + 8.0, y - 4.0), "");
        canvas.text("c-name", (x + 20.0, y), Hang::Start, name);
    }
}
