//! One or several values over time.

use super::axis::{Plot, Unit, legend};
use super::canvas::{Canvas, polyline};
use super::{Size, real};

/// Values over a row of labels.
#[derive(Debug, Clone)]
pub struct Lines {
    /// What is shown.
    pub title: String,
    /// What there is to see in it, in one sentence.
    pub about: String,
    /// One label a step (`"2 Nov"`); thinned where they do not fit.
    pub labels: Vec<String>,
    /// At most six.
    pub series: Vec<Series>,
    /// What the values are.
    pub unit: Unit,
}

/// One line.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// One value a label; `None` where it is not known, which leaves a gap.
    pub values: Vec<Option<f64>>,
}

impl Series {
    /// A line without gaps.
    pub fn new(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        Self { name: name.into(), values: values.into_iter().map(Some).collect() }
    }
}

/// Draws `spec`: an area under a single line, lines told apart by dashes as well as colour.
pub fn lines(spec: &Lines, size: Size) -> String {
    let mut canvas =
        Canvas::new("chart-lines", size.width(), size.height(), &spec.title, &spec.about);
    let names: Vec<&str> = spec.series.iter().map(|series| series.name.as_str()).collect();
    let top = legend(&mut canvas, size, &names, "c-line");
    let values = spec.series.iter().flat_map(|series| series.values.iter().flatten().copied());
    let plot = Plot::new(size, top, values, &spec.unit);
    plot.draw(&mut canvas, &spec.unit);
    let steps = spec.labels.len().saturating_sub(1).max(1);
    let x = |at: usize| plot.left + 6.0 + (plot.right - plot.left - 12.0) * real(at) / real(steps);
    plot.words_below(&mut canvas, size, &spec.labels, x);
    for (nth, series) in spec.series.iter().enumerate() {
        let class = format!("c-line c-line{}", nth % 6 + 1);
        for run in runs(&series.values, x, |value| plot.y(value)) {
            if spec.series.len() == 1
                && let (Some(first), Some(last)) = (run.first(), run.last())
            {
                let mut area = run.clone();
                area.push((last.0, plot.y(0.0)));
                area.push((first.0, plot.y(0.0)));
                canvas.polygon("c-area", &area);
            }
            canvas.path(&class, &polyline(&run));
        }
        let dots = spec.labels.len() <= 40;
        for (at, (value, label)) in series.values.iter().zip(&spec.labels).enumerate() {
            let Some(value) = value else { continue };
            let hint = format!("{label}: {} {}", series.name, spec.unit.full(*value));
            let radius = if dots && spec.labels.len() <= 16 { 3.0 } else { 1.5 };
            canvas.dot(
                &format!("c-dot c-fill{}", nth % 6 + 1),
                (x(at), plot.y(*value)),
                radius,
                &hint,
            );
        }
    }
    canvas.finish()
}

/// The stretches of a line between its gaps.
fn runs(
    values: &[Option<f64>],
    x: impl Fn(usize) -> f64,
    y: impl Fn(f64) -> f64,
) -> Vec<Vec<(f64, f64)>> {
    let mut runs = vec![Vec::new()];
    for (at, value) in values.iter().enumerate() {
        match value {
            Some(value) => {
                if let Some(run) = runs.last_mut() {
                    run.push((x(at), y(*value)));
                }
            }
            None => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}
