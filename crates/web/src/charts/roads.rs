//! Roads to an order: one drawing for the page, the gallery and the command.

use numbers::journeys::Journeys;
use numbers::roads::{Edge, Place, Repeats, View};

use super::{Flow, FlowWords, Size, flow};

/// Touches drawn one by one, where there is room and where there is not.
const WIDE: usize = 4;
const NARROW: usize = 2;

/// Which journeys are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// All, wherever they ended.
    All,
    /// Those that ended in an order.
    Orders,
}

/// Draws journeys from touch to touch; touches of one channel in a row are one.
pub fn roads(journeys: &Journeys, words: &FlowWords<'_>, ends: Ends, size: Size) -> String {
    let touches = if size == Size::Wide { WIDE } else { NARROW };
    let view = View { repeats: Repeats::Collapsed, flow_touches_max: touches, ..View::default() };
    let mut edges = numbers::roads::roads(journeys, view).flow;
    if ends == Ends::Orders {
        edges = ordered(edges);
    }
    if size == Size::Narrow {
        // No room for what comes after the further touches; the table has it.
        edges.retain(|edge| edge.from != Place::Further);
    }
    flow(&Flow::of(&edges, words), size)
}

/// The same flow without those who did not order.
fn ordered(edges: Vec<Edge>) -> Vec<Edge> {
    let all = edges.into_iter().filter(|edge| edge.to != Place::Lost && edge.orders > 0.0);
    all.map(|edge| Edge { journeys: edge.orders, ..edge }).collect()
}
