//! The curve that says "we lose on the first sale and earn on the second": margin per customer,
//! less what the customer cost, added up day by day.

use super::Size;
use super::axis::{Plot, Unit};
use super::canvas::{Canvas, Hang, polyline};

/// Cumulative margin per customer over the days since they were won.
#[derive(Debug, Clone)]
pub struct Payback {
    /// What is shown.
    pub title: String,
    /// What there is to see in it, in one sentence.
    pub about: String,
    /// Day and cumulative margin in minor units, cost of winning the customer taken off; days
    /// rising.
    pub points: Vec<(f64, f64)>,
    /// The same of those it is compared with, drawn dashed; empty where there are none.
    pub before: Vec<(f64, f64)>,
    /// The day from which the curve stays at or above zero; `None` if it has not yet.
    pub break_even: Option<f64>,
    /// Where the average first and second orders fall.
    pub marks: Vec<Mark>,
    /// The currency of the values (ISO 4217).
    pub currency: String,
}

/// A moment on the curve.
#[derive(Debug, Clone)]
pub struct Mark {
    /// Its day.
    pub day: f64,
    /// Its name (`"second order"`).
    pub label: String,
}

/// Draws `spec`: loss and gain as areas on either side of a strong zero line, the day it turns
/// even named in words.
pub fn payback(spec: &Payback, size: Size) -> String {
    let unit = Unit::Money(spec.currency.clone());
    let mut canvas =
        Canvas::new("chart-payback", size.width(), size.height() + 18.0, &spec.title, &spec.about);
    let both = || spec.points.iter().chain(&spec.before);
    let plot = Plot::new(size, 34.0, both().map(|point| point.1), &unit);
    plot.draw(&mut canvas, &unit);
    let last_day = both().map(|point| point.0).fold(1.0, f64::max);
    let x = |day: f64| plot.left + 6.0 + (plot.right - plot.left - 12.0) * day / last_day;
    for (class, area) in areas(&spec.points) {
        let drawn: Vec<(f64, f64)> =
            area.iter().map(|(day, value)| (x(*day), plot.y(*value))).collect();
        canvas.polygon(class, &drawn);
    }
    let zero = plot.y(0.0);
    canvas.line("c-zero c-zero-strong", (plot.left, zero), (plot.right, zero));
    for (class, points) in [("c-line c-line2", &spec.before), ("c-line c-line1", &spec.points)] {
        let curve: Vec<(f64, f64)> =
            points.iter().map(|(day, value)| (x(*day), plot.y(*value))).collect();
        if !curve.is_empty() {
            canvas.path(class, &polyline(&curve));
        }
    }
    days_below(&mut canvas, size, &plot, last_day, x);
    draw_marks(&mut canvas, spec, &plot, &unit, x);
    draw_even(&mut canvas, spec, &plot, x);
    canvas.finish()
}

fn days_below(canvas: &mut Canvas, size: Size, plot: &Plot, last_day: f64, x: impl Fn(f64) -> f64) {
    let wanted = if size == Size::Wide { 6 } else { 4 };
    for day in super::axis::ticks(0.0, last_day, wanted) {
        if day <= last_day {
            canvas.text("c-tick", (x(day), plot.bottom + 20.0), Hang::Middle, &format!("{day:.0}"));
        }
    }
    let middle = (plot.left + plot.right) / 2.0;
    canvas.text("c-tick", (middle, plot.bottom + 40.0), Hang::Middle, "days since the first order");
}

/// First and later orders: a ring on the curve, its name and what stands there by then.
fn draw_marks(
    canvas: &mut Canvas,
    spec: &Payback,
    plot: &Plot,
    unit: &Unit,
    x: impl Fn(f64) -> f64,
) {
    for mark in &spec.marks {
        let value = value_at(&spec.points, mark.day);
        let at = (x(mark.day), plot.y(value));
        let text = format!("{}: {}", mark.label, unit.full(value));
        canvas.dot("c-ring", at, 5.5, &text);
        let long = 6.8 * super::real(text.chars().count());
        let fits = at.0 + 12.0 + long < plot.right;
        let (hang, left) = if fits {
            (Hang::Start, at.0 + 10.0)
        } else if at.0 - 10.0 - long > plot.left {
            (Hang::End, at.0 - 10.0)
        } else {
            // On a phone neither side may have the room: not over the figures of the axis.
            (Hang::End, plot.right)
        };
        let zero = plot.y(0.0);
        let below = at.1 + 20.0;
        // Not on the zero line, which carries the meaning of the picture.
        let below = if (zero - 8.0..zero + 18.0).contains(&below) { zero + 18.0 } else { below };
        let y = if below > plot.bottom - 4.0 { at.1 - 10.0 } else { below };
        canvas.text("c-note", (left, y), hang, &text);
    }
}

/// The day the money is back: a line from top to zero with its words at the head.
fn draw_even(canvas: &mut Canvas, spec: &Payback, plot: &Plot, x: impl Fn(f64) -> f64) {
    let Some(day) = spec.break_even else {
        let text = "not earned back in these days";
        canvas.text("c-strong", (plot.left + 4.0, 18.0), Hang::Start, text);
        return;
    };
    let here = x(day);
    canvas.line("c-even", (here, 26.0), (here, plot.y(0.0)));
    canvas.dot("c-even-dot", (here, plot.y(0.0)), 5.0, "");
    let text = if day <= 0.0 {
        "earned back by the first order".to_owned()
    } else {
        format!("earned back on day {day:.0}")
    };
    let half = 3.8 * super::real(text.chars().count());
    let middle = here.clamp(plot.left.min(half) + half - plot.left.min(half), plot.right - half);
    canvas.text("c-strong", (middle.max(half), 18.0), Hang::Middle, &text);
}

/// The curve's height on any day, straight between its points.
fn value_at(points: &[(f64, f64)], day: f64) -> f64 {
    let mut before: Option<(f64, f64)> = None;
    for point in points {
        if point.0 >= day {
            return match before {
                Some(before) if point.0 > before.0 => {
                    before.1 + (point.1 - before.1) * (day - before.0) / (point.0 - before.0)
                }
                _ => point.1,
            };
        }
        before = Some(*point);
    }
    before.map_or(0.0, |point| point.1)
}

/// The surfaces between curve and zero, parted where the curve crosses it.
fn areas(points: &[(f64, f64)]) -> Vec<(&'static str, Vec<(f64, f64)>)> {
    let mut parts = Vec::new();
    let mut open: Vec<(f64, f64)> = Vec::new();
    let mut before: Option<(f64, f64)> = None;
    for point in points {
        if let Some(before) = before
            && before.1 * point.1 < 0.0
        {
            let crossing = before.0 + (point.0 - before.0) * before.1 / (before.1 - point.1);
            open.push((crossing, 0.0));
            parts.push(std::mem::take(&mut open));
            open.push((crossing, 0.0));
        }
        open.push(*point);
        before = Some(*point);
    }
    parts.push(open);
    parts.retain(|part| part.len() > 1);
    parts.into_iter().map(closed).collect()
}

fn closed(mut part: Vec<(f64, f64)>) -> (&'static str, Vec<(f64, f64)>) {
    let sum: f64 = part.iter().map(|point| point.1).sum();
    let class = if sum < 0.0 { "c-loss" } else { "c-gain" };
    let (first, last) = (part.first().copied(), part.last().copied());
    if let (Some(first), Some(last)) = (first, last) {
        part.push((last.0, 0.0));
        part.push((first.0, 0.0));
    }
    (class, part)
}
