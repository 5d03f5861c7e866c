//! Pictures of figures: pure functions from numbers to SVG text.

mod sparkline;

pub use sparkline::sparkline;

/// A count as a real number: exact below 2⁵³, and no drawing holds more points.
pub(crate) fn real(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}
