//! The shape of a series at the size of a word.

/// Width of the drawing in its own units.
const WIDTH: f64 = 96.0;
/// Height of the drawing in its own units.
const HEIGHT: f64 = 28.0;
/// Room for the stroke and the end point.
const EDGE: f64 = 3.0;

/// `values` as one line with its last point marked; nothing for fewer than two.
pub fn sparkline(values: &[f64]) -> String {
    let last = match values {
        [] | [_] => return String::new(),
        [.., last] => *last,
    };
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = if high > low { high - low } else { 1.0 };
    let step = (WIDTH - 2.0 * EDGE) / super::real(values.len().saturating_sub(1));
    let y = |value: f64| HEIGHT - EDGE - (value - low) / span * (HEIGHT - 2.0 * EDGE);
    let mut line = String::new();
    let mut x = EDGE;
    for (at, value) in values.iter().enumerate() {
        let letter = if at == 0 { 'M' } else { 'L' };
        line.push_str(&format!("{letter}{x:.1} {:.1}", y(*value)));
        x += step;
    }
    format!(
        "<svg class=\"spark\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         preserveAspectRatio=\"xMinYMid\" aria-hidden=\"true\" \
         focusable=\"false\"><path class=\"spark-area\" d=\"{line}V{HEIGHT}H{EDGE}Z\"/>\
         <path class=\"spark-line\" d=\"{line}\"/><circle class=\"spark-dot\" cx=\"{:.1}\" \
         cy=\"{:.1}\" r=\"2.5\"/></svg>",
        WIDTH - EDGE,
        y(last)
    )
}
