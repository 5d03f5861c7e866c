//! The pen: builds SVG text and escapes what is written on it.

use crate::words::escaped;

/// Where a text hangs on its point.
#[derive(Clone, Copy)]
pub(super) enum Hang {
    Start,
    Middle,
    End,
}

/// A drawing being made.
pub(super) struct Canvas {
    svg: String,
}

impl Canvas {
    /// An empty drawing; `title` names it to a screen reader, `about` says what it shows.
    pub(super) fn new(class: &str, width: f64, height: f64, title: &str, about: &str) -> Self {
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart {class}\" \
             viewBox=\"0 0 {width} {height:.0}\" role=\"img\"><title>{}</title><desc>{}</desc>",
            escaped(title),
            escaped(about)
        );
        Self { svg }
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.svg.push_str(&format!(
            "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    pub(super) fn text(&mut self, class: &str, at: (f64, f64), hang: Hang, text: &str) {
        let anchor = match hang {
            Hang::Start => "start",
            Hang::Middle => "middle",
            Hang::End => "end",
        };
        self.svg.push_str(&format!(
            "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            at.0,
            at.1,
            escaped(text)
        ));
    }

    /// A rectangle with a word that shows when the pointer rests on it.
    pub(super) fn rect(&mut self, class: &str, at: (f64, f64), size: (f64, f64), hint: &str) {
        self.svg.push_str(&format!(
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" \
             rx=\"2\">",
            at.0,
            at.1,
            size.0.max(0.0),
            size.1.max(0.0)
        ));
        self.hint(hint);
        self.svg.push_str("</rect>");
    }

    /// A cell whose depth of colour is `share` (0 to 1).
    pub(super) fn cell(&mut self, at: (f64, f64), size: (f64, f64), share: f64, hint: &str) {
        self.svg.push_str(&format!(
            "<rect class=\"c-heat\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" \
             rx=\"3\" fill-opacity=\"{share:.2}\">",
            at.0, at.1, size.0, size.1
        ));
        self.hint(hint);
        self.svg.push_str("</rect>");
    }

    pub(super) fn dot(&mut self, class: &str, at: (f64, f64), radius: f64, hint: &str) {
        self.svg.push_str(&format!(
            "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\">",
            at.0, at.1
        ));
        self.hint(hint);
        self.svg.push_str("</circle>");
    }

    pub(super) fn path(&mut self, class: &str, steps: &str) {
        self.svg.push_str(&format!("<path class=\"{class}\" d=\"{steps}\"/>"));
    }

    /// A path that says what it is where a pointer rests on it.
    pub(super) fn area(&mut self, class: &str, steps: &str, hint: &str) {
        self.svg.push_str(&format!("<path class=\"{class}\" d=\"{steps}\">"));
        self.hint(hint);
        self.svg.push_str("</path>");
    }

    pub(super) fn polygon(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut steps = polyline(points);
        steps.push('Z');
        self.path(class, &steps);
    }

    /// A closed shape with a word that shows when the pointer rests on it.
    pub(super) fn shape(&mut self, class: &str, points: &[(f64, f64)], hint: &str) {
        let steps = polyline(points);
        self.svg.push_str(&format!("<path class=\"{class}\" d=\"{steps}Z\">"));
        self.hint(hint);
        self.svg.push_str("</path>");
    }

    pub(super) fn finish(mut self) -> String {
        self.svg.push_str("</svg>");
        self.svg
    }

    fn hint(&mut self, hint: &str) {
        if !hint.is_empty() {
            self.svg.push_str(&format!("<title>{}</title>", escaped(hint)));
        }
    }
}

/// Points as the steps of a path.
pub(super) fn polyline(points: &[(f64, f64)]) -> String {
    let mut steps = String::new();
    for (at, (x, y)) in points.iter().enumerate() {
        let letter = if at == 0 { 'M' } else { 'L' };
        steps.push_str(&format!("{letter}{x:.1} {y:.1}"));
    }
    steps
}
