//! Scales, sensible ticks, and how figures are written on them.

use numbers::real::rounded;

use super::canvas::{Canvas, Hang};
use super::{Size, real};
use crate::words::{grouped, money_text};

/// What the values of a drawing are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// Things that are counted.
    Count,
    /// Money in minor units of this currency (ISO 4217).
    Money(String),
    /// Fractions of one, written as percentages.
    Share,
}

impl Unit {
    /// A value in full, as it stands beside a point.
    pub(super) fn full(&self, value: f64) -> String {
        match self {
            Self::Count => signed(value, grouped(rounded(value).unsigned_abs())),
            Self::Share => signed(value, format!("{:.1}%", value.abs() * 100.0)),
            Self::Money(currency) => money_text(rounded(value), currency),
        }
    }

    /// A value on an axis: as short as it can be without being another one.
    pub(crate) fn short(&self, value: f64) -> String {
        let size = value.abs();
        match self {
            Self::Count => signed(value, thousands(size)),
            Self::Share => {
                let percent = size * 100.0;
                let text = if (percent - percent.round()).abs() < 0.05 {
                    format!("{percent:.0}%")
                } else {
                    format!("{percent:.1}%")
                };
                signed(value, text)
            }
            Self::Money(currency) => {
                let one = money_text(0, currency);
                let digits = one.chars().filter(char::is_ascii_digit).count().saturating_sub(1);
                let unit = 10_f64.powi(i32::try_from(digits).unwrap_or(2));
                // A part of the unit is written whole: $2.50, not $2.5.
                if size < 999.5 * unit && (size / unit).fract() > 0.0 {
                    return self.full(value);
                }
                let sign: String = one.chars().take_while(|c| !c.is_ascii_digit()).collect();
                signed(value, format!("{sign}{}", thousands(size / unit)))
            }
        }
    }
}

fn signed(value: f64, text: String) -> String {
    if value < 0.0 && text.chars().any(|c| c.is_ascii_digit() && c != '0') {
        format!("\u{2212}{text}")
    } else {
        text
    }
}

fn thousands(size: f64) -> String {
    let (figure, letter) = match size {
        _ if size >= 999_500.0 => (size / 1_000_000.0, "M"),
        _ if size >= 999.5 => (size / 1_000.0, "k"),
        _ => (size, ""),
    };
    let text = format!("{figure:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{letter}")
}

/// Round values that span `low` to `high`: steps of 1, 2, 2.5 or 5 times a power of ten.
pub(super) fn ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let (low, high) = if low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 1.0) };
    let span = if high > low { high - low } else { 1.0 };
    let rough = span / real(wanted.max(1));
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(power * 10.0);
    let first = (low / step).floor() * step;
    let mut values = Vec::new();
    let mut value = first;
    while values.len() < 64 {
        values.push(if value.abs() < step * 1e-9 { 0.0 } else { value });
        if value >= high - step * 1e-9 {
            break;
        }
        value = first + step * real(values.len());
    }
    values
}

/// The part of a drawing inside its axes, and the scale up its side.
pub(super) struct Plot {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Plot {
    /// Room for labels at the left and below; the scale holds every value and zero.
    pub(super) fn new(
        size: Size,
        top: f64,
        values: impl Iterator<Item = f64>,
        unit: &Unit,
    ) -> Self {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for value in values.filter(|value| value.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if *unit == Unit::Count && high < 4.0 && low >= 0.0 {
            high = 4.0;
        }
        let ticks = ticks(low, high, if size == Size::Wide { 5 } else { 4 });
        let longest = ticks.iter().map(|t| unit.short(*t).chars().count()).max().unwrap_or(1);
        Self {
            left: 14.0 + 7.2 * real(longest),
            right: size.width() - 12.0,
            top,
            bottom: size.height() - 30.0,
            low: ticks.first().copied().unwrap_or(0.0),
            high: ticks.last().copied().unwrap_or(1.0),
            ticks,
        }
    }

    /// The height at which `value` stands.
    pub(super) fn y(&self, value: f64) -> f64 {
        let span = if self.high > self.low { self.high - self.low } else { 1.0 };
        self.bottom - (value - self.low) / span * (self.bottom - self.top)
    }

    /// Grid lines with their values; zero drawn stronger.
    pub(super) fn draw(&self, canvas: &mut Canvas, unit: &Unit) {
        for tick in &self.ticks {
            let y = self.y(*tick);
            let class = if *tick == 0.0 { "c-zero" } else { "c-grid" };
            canvas.line(class, (self.left, y), (self.right, y));
            canvas.text("c-tick", (self.left - 8.0, y + 4.0), Hang::End, &unit.short(*tick));
        }
    }

    /// Words under the drawing, thinned until they fit; `x` gives where the n-th belongs.
    pub(super) fn words_below(
        &self,
        canvas: &mut Canvas,
        size: Size,
        labels: &[String],
        x: impl Fn(usize) -> f64,
    ) {
        let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(1);
        let room = (self.right - self.left) / (7.0 * real(longest.max(3)) + 12.0);
        let fit = (2..=size.labels()).rev().find(|n| real(*n) <= room).unwrap_or(2);
        let every = labels.len().div_ceil(fit).max(1);
        let last = labels.len().saturating_sub(1);
        for (at, label) in labels.iter().enumerate() {
            // Counted from the newest, which people look for first.
            if last.saturating_sub(at) % every != 0 {
                continue;
            }
            let here = x(at);
            let half = 3.4 * real(label.chars().count());
            let hang = match () {
                () if here + half > self.right + 10.0 => Hang::End,
                () if here - half < 0.0 => Hang::Start,
                () => Hang::Middle,
            };
            let here = if matches!(hang, Hang::End) { self.right + 8.0 } else { here };
            canvas.text("c-tick", (here, self.bottom + 20.0), hang, label);
        }
    }
}

/// Which colour belongs to which name, in rows above the drawing. Gives the height it took.
pub(super) fn legend(canvas: &mut Canvas, size: Size, names: &[&str], key: &str) -> f64 {
    if names.len() < 2 {
        return 12.0;
    }
    let (mut x, mut y) = (4.0, 14.0);
    for (at, name) in names.iter().enumerate() {
        let width = 30.0 + 7.2 * real(name.chars().count());
        if x + width > size.width() && x > 4.0 {
            x = 4.0;
            y += 20.0;
        }
        let class = format!("{key} {key}{}", at % 6 + 1);
        if key == "c-line" {
            canvas.line(&class, (x, y - 4.0), (x + 18.0, y - 4.0));
        } else {
            canvas.rect(&class, (x + 2.0, y - 10.0), (12.0, 12.0), "");
        }
        canvas.text("c-name", (x + 24.0, y), Hang::Start, name);
        x += width + 14.0;
    }
    y + 16.0
}
