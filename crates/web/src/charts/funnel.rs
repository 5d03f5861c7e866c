//! Stages one after another, and how many go on from each to the next.

use super::axis::Unit;
use super::canvas::{Canvas, Hang};
use super::{Size, real};

/// Stages from the broad mouth down.
#[derive(Debug, Clone)]
pub struct Funnel {
    /// What is shown.
    pub title: String,
    /// What there is to see in it, in one sentence.
    pub about: String,
    /// In order.
    pub stages: Vec<Stage>,
}

/// One stage.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Its name.
    pub label: String,
    /// How many reached it.
    pub count: u64,
}

/// Room for one stage with the step below it.
const STEP: f64 = 76.0;
/// Height of a stage's bar.
const BAR: f64 = 34.0;

/// Draws `spec`: each width is its count against the first, so areas do not flatter.
pub fn funnel(spec: &Funnel, size: Size) -> String {
    let width = size.width();
    let height = STEP * real(spec.stages.len()) - (STEP - BAR - 22.0);
    let mut canvas = Canvas::new("chart-funnel", width, height.max(1.0), &spec.title, &spec.about);
    let counts: Vec<f64> = spec.stages.iter().map(|stage| counted(stage.count)).collect();
    let most = counts.iter().copied().fold(1.0, f64::max);
    let middle = width / 2.0;
    let half = |count: f64| (count / most * width / 2.0).max(1.5);
    for (at, (stage, count)) in spec.stages.iter().zip(&counts).enumerate() {
        let y = STEP * real(at) + 22.0;
        let reach = half(*count);
        let figure = Unit::Count.full(*count);
        canvas.text("c-name", (0.0, y - 7.0), Hang::Start, &stage.label);
        canvas.text("c-value", (width, y - 7.0), Hang::End, &figure);
        if let Some(next) = counts.get(at.saturating_add(1)) {
            let below = y + STEP;
            let (wide, slim) = (reach, half(*next));
            canvas.polygon(
                "c-flow",
                &[
                    (middle - wide, y + BAR),
                    (middle + wide, y + BAR),
                    (middle + slim, below),
                    (middle - slim, below),
                ],
            );
            if *count > 0.0 {
                let share = Unit::Share.full(next / count);
                canvas.text(
                    "c-share",
                    (middle, y + BAR + 18.0),
                    Hang::Middle,
                    &format!("{share} go on"),
                );
            }
        }
        let hint = format!("{}: {figure}", stage.label);
        canvas.rect("c-fill c-fill1", (middle - reach, y), (reach * 2.0, BAR), &hint);
    }
    canvas.finish()
}

fn counted(count: u64) -> f64 {
    real(usize::try_from(count).unwrap_or(usize::MAX))
}
