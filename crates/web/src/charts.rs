//! Pictures of figures: pure functions from numbers to SVG text, without script or inline style.
//!
//! Colours come from the classes in `assets/chart.css`, so a drawing follows the page's theme;
//! `standalone` puts that sheet inside, for a file of its own. What a picture shows must also
//! stand in a table beside it.
//!
//! ```
//! use web::charts::{self, Lines, Series, Unit};
//! let spec = Lines {
//!     title: "Revenue by week".into(),
//!     about: "Rises from €120 to €480".into(),
//!     labels: vec!["2 Nov".into(), "9 Nov".into()],
//!     series: vec![Series::new("Revenue", [12_000.0, 48_000.0])],
//!     unit: Unit::Money("EUR".into()),
//! };
//! let for_a_page = charts::both(|size| charts::lines(&spec, size));
//! let for_a_file = charts::standalone(&charts::lines(&spec, charts::Size::Wide));
//! assert!(for_a_page.contains("Revenue by week") && for_a_file.contains("<style>"));
//! ```

mod axis;
mod bars;
mod canvas;
mod flow;
mod funnel;
mod heat;
mod lines;
mod payback;
mod qr;
mod ranges;
mod rank;
mod roads;
mod sparkline;
mod spread;
mod square;

pub use axis::Unit;
pub use bars::{Bars, bars};
pub use flow::{Flow, FlowKind, FlowLink, FlowNode, FlowWords, flow};
pub use funnel::{Funnel, Stage, funnel};
pub use heat::{Heat, HeatRow, grid, heat};
pub use lines::{Lines, Series, lines};
pub use payback::{Mark, Payback, payback};
pub use qr::qr;
pub use ranges::{RangeRow, Ranges, ranges};
pub use rank::{Rank, RankItem, rank};
pub use roads::{Ends, roads};
pub use sparkline::sparkline;
pub use spread::{Spread, SpreadRow, spread};
pub use square::{Square, SquareCell, SquareRow, square};

/// For which width a drawing is made: text keeps its size, so the two differ in more than scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// A desk's screen, print, a file.
    Wide,
    /// A phone.
    Narrow,
}

impl Size {
    /// Units across; one unit is about one pixel where the drawing is shown.
    fn width(self) -> f64 {
        match self {
            Self::Wide => 760.0,
            Self::Narrow => 330.0,
        }
    }

    /// Units down, for drawings with two axes.
    fn height(self) -> f64 {
        match self {
            Self::Wide => 300.0,
            Self::Narrow => 250.0,
        }
    }

    /// How many labels fit under the drawing.
    fn labels(self) -> usize {
        match self {
            Self::Wide => 9,
            Self::Narrow => 6,
        }
    }
}

/// The same drawing for both widths; the style sheet shows the one that fits.
pub fn both(draw: impl Fn(Size) -> String) -> String {
    format!(
        "<div class=\"chart-wide\">{}</div><div class=\"chart-narrow\">{}</div>",
        draw(Size::Wide),
        draw(Size::Narrow)
    )
}

/// A drawing with its style sheet inside, readable as a file by itself.
pub fn standalone(svg: &str) -> String {
    let sheet = include_str!("../assets/chart.css");
    match svg.find('>') {
        Some(end) => {
            let (head, rest) = svg.split_at(end.saturating_add(1));
            format!("{head}<style>{}</style>{rest}\n", sheet.replace('&', "&amp;"))
        }
        None => svg.to_owned(),
    }
}

/// A count as a real number: exact below 2³², and no drawing holds more points.
pub(crate) fn real(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests;
