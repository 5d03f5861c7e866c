//! Journeys from touch to touch: which way they went, and where they ended.

use std::collections::BTreeMap;

use numbers::roads::{Edge, Place};

use super::axis::Unit;
use super::canvas::{Canvas, Hang};
use super::rank::fitting;
use super::{Size, real};

/// Columns of places, and what flows from each to the next.
#[derive(Debug, Clone)]
pub struct Flow {
    /// What is shown.
    pub title: String,
    /// What there is to see in it, in one sentence.
    pub about: String,
    /// Over each column.
    pub heads: Vec<String>,
    /// The places, in the order in which a column has them from above.
    pub nodes: Vec<FlowNode>,
    /// What goes from one to another, in the column after it.
    pub links: Vec<FlowLink>,
}

/// One place of one column.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowNode {
    /// Which column, from 0.
    pub column: usize,
    /// Its name.
    pub label: String,
    /// How it is coloured.
    pub kind: FlowKind,
    /// How many came here.
    pub count: f64,
}

/// What a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlowKind {
    /// The end that is wanted.
    Order,
    /// One of the channels, by its rank from 0.
    Channel(usize),
    /// Everything that is not told apart.
    Other,
    /// The end that is not.
    Lost,
}

/// What goes from one place to another.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowLink {
    /// Place in [`Flow::nodes`].
    pub from: usize,
    /// Place in [`Flow::nodes`].
    pub to: usize,
    /// How many.
    pub count: f64,
    /// Of these, how many came to the wanted end.
    pub ordered: f64,
}

/// Words of a flow of journeys.
#[derive(Debug, Clone)]
pub struct FlowWords<'a> {
    /// What is shown.
    pub title: &'a str,
    /// What there is to see in it.
    pub about: &'a str,
    /// The name of a channel.
    pub name: fn(&str) -> String,
    /// Over the end that is not the wanted one.
    pub lost: &'a str,
}

/// Channels told apart by name; the others are taken together.
const CHANNELS_MAX: usize = 5;

impl Flow {
    /// The flow of [`numbers::roads::Roads::flow`].
    pub fn of(edges: &[Edge], words: &FlowWords<'_>) -> Self {
        let ranks = ranks(edges);
        let kind = |place: &Place| match place {
            Place::Channel(name) => match ranks.get(name.as_str()) {
                Some(rank) => (FlowKind::Channel(*rank), (words.name)(name)),
                None => (FlowKind::Other, "Other channels".to_owned()),
            },
            Place::Further | Place::Start => (FlowKind::Other, "Further".to_owned()),
            Place::Order => (FlowKind::Order, "Order".to_owned()),
            Place::Lost => (FlowKind::Lost, words.lost.to_owned()),
        };
        let mut found: BTreeMap<(usize, FlowKind), (String, f64)> = BTreeMap::new();
        for edge in edges {
            let Some(step) = edge.step else { continue };
            let (kind, label) = kind(&edge.to);
            found.entry((step, kind)).or_insert((label, 0.0)).1 += edge.journeys;
        }
        let places: BTreeMap<(usize, FlowKind), usize> =
            found.keys().enumerate().map(|(at, key)| (*key, at)).collect();
        let mut links: BTreeMap<(usize, usize), (f64, f64)> = BTreeMap::new();
        for edge in edges.iter().filter(|edge| edge.from != Place::Start) {
            let Some(step) = edge.step else { continue };
            let from = places.get(&(step.wrapping_sub(1), kind(&edge.from).0));
            let to = places.get(&(step, kind(&edge.to).0));
            if let (Some(from), Some(to)) = (from, to) {
                let sum = links.entry((*from, *to)).or_default();
                *sum = (sum.0 + edge.journeys, sum.1 + edge.orders);
            }
        }
        let columns = found.keys().map(|(column, _)| column + 1).max().unwrap_or(0);
        Self {
            title: words.title.to_owned(),
            about: words.about.to_owned(),
            heads: (0..columns).map(|column| head(column, columns, &found)).collect(),
            nodes: found
                .into_iter()
                .map(|((column, kind), (label, count))| FlowNode { column, label, kind, count })
                .collect(),
            links: links
                .into_iter()
                .map(|((from, to), (count, ordered))| FlowLink { from, to, count, ordered })
                .collect(),
        }
    }
}

/// The channels that are named, by how many journeys passed there.
fn ranks(edges: &[Edge]) -> BTreeMap<&str, usize> {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for edge in edges {
        if let Place::Channel(name) = &edge.to {
            *sums.entry(name).or_default() += edge.journeys;
        }
    }
    let mut sums: Vec<(&str, f64)> = sums.into_iter().collect();
    sums.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    // Where one is left over it may as well be named.
    let most = if sums.len() == CHANNELS_MAX + 1 { CHANNELS_MAX + 1 } else { CHANNELS_MAX };
    sums.into_iter().take(most).enumerate().map(|(rank, (name, _))| (name, rank)).collect()
}

fn head(
    column: usize,
    columns: usize,
    found: &BTreeMap<(usize, FlowKind), (String, f64)>,
) -> String {
    let touched = found.iter().any(|((of, kind), (label, _))| {
        *of == column
            && (matches!(kind, FlowKind::Channel(_)) || label.as_str() == "Other channels")
    });
    match column {
        0 => "1st touch".to_owned(),
        _ if !touched && column + 1 == columns => "Then".to_owned(),
        _ if !touched => "Later".to_owned(),
        1 => "2nd touch".to_owned(),
        2 => "3rd touch".to_owned(),
        nth => format!("{}th touch", nth + 1),
    }
}

/// Units down for all journeys together, places without their gaps.
const TALL: f64 = 230.0;
/// From one line of words to the next.
const LINE: f64 = 14.0;
/// Between two places of a column.
const GAP: f64 = 8.0;
/// Where the places begin, under the heads.
const TOP: f64 = 28.0;
/// How wide a place is.
const BAR: f64 = 9.0;

/// Where a place is drawn.
#[derive(Clone, Copy, Default)]
struct Spot {
    x: f64,
    y: f64,
    height: f64,
}

/// Draws `spec` from left to right: heights are counts, the darker part of a band is what came to
/// an order in the end.
pub fn flow(spec: &Flow, size: Size) -> String {
    let scale = scale(spec);
    let step = size.width() / real(spec.heads.len().max(1));
    let words: Vec<Vec<String>> =
        spec.nodes.iter().map(|node| lines_of(&node.label, step - BAR - 8.0)).collect();
    let (spots, bottom) = spots(spec, &words, step, scale);
    let mut canvas = Canvas::new("chart-flow", size.width(), bottom, &spec.title, &spec.about);
    for (column, head) in spec.heads.iter().enumerate() {
        canvas.text("c-tick", (step * real(column), 14.0), Hang::Start, head);
    }
    bands(&mut canvas, spec, &spots, scale);
    for (node, spot) in spec.nodes.iter().zip(&spots) {
        let hint = format!("{}: {}", node.label, Unit::Count.full(node.count));
        canvas.rect(&bar_class(node.kind), (spot.x, spot.y), (BAR, spot.height), &hint);
    }
    // Words last, so that no band lies over them.
    for ((node, spot), words) in spec.nodes.iter().zip(&spots).zip(&words) {
        let x = spot.x + BAR + 5.0;
        let mut y = spot.y + 12.0;
        for line in words {
            canvas.text("c-note", (x, y), Hang::Start, line);
            y += LINE;
        }
        canvas.text("c-count", (x, y), Hang::Start, &Unit::Count.short(node.count));
    }
    canvas.finish()
}

/// A name on one line, or on two where it is too long; what is longer still is cut, the table
/// beside has it whole.
fn lines_of(label: &str, room: f64) -> Vec<String> {
    let fits = |text: &str| 7.0 * real(text.chars().count()) <= room;
    if fits(label) {
        return vec![label.to_owned()];
    }
    let breaks = label.rmatch_indices(' ').filter_map(|(at, _)| label.split_at_checked(at));
    let mut fitted = breaks.filter(|(before, _)| fits(before));
    // `fitting` keeps a margin of its own.
    let cut = |text: &str| fitting(text, room + 16.0, "");
    match fitted.next() {
        Some((before, after)) => vec![before.to_owned(), cut(after.trim_start())],
        None => vec![cut(label)],
    }
}

/// Units for one journey: the fullest column is as tall as may be.
fn scale(spec: &Flow) -> f64 {
    let mut columns: BTreeMap<usize, f64> = BTreeMap::new();
    for node in &spec.nodes {
        *columns.entry(node.column).or_default() += node.count.max(0.0);
    }
    let most = columns.values().copied().fold(0.0, f64::max);
    if most > 0.0 { TALL / most } else { 0.0 }
}

/// Where each place is, and where the drawing ends below.
fn spots(spec: &Flow, words: &[Vec<String>], step: f64, scale: f64) -> (Vec<Spot>, f64) {
    let mut next: BTreeMap<usize, f64> = BTreeMap::new();
    let mut spots = Vec::with_capacity(spec.nodes.len());
    for (node, words) in spec.nodes.iter().zip(words) {
        let y = next.entry(node.column).or_insert(TOP);
        let height = (node.count.max(0.0) * scale).max(2.0);
        spots.push(Spot { x: step * real(node.column), y: *y, height });
        // Never lower than its words with the count below them.
        *y += height.max(6.0 + LINE * real(words.len().saturating_add(1))) + GAP;
    }
    let bottom = next.values().copied().fold(TOP + LINE, f64::max);
    (spots, bottom)
}

/// The bands between places, stacked at both of their ends in the order of the places.
fn bands(canvas: &mut Canvas, spec: &Flow, spots: &[Spot], scale: f64) {
    let mut out: Vec<f64> = spots.iter().map(|spot| spot.y).collect();
    let mut into = out.clone();
    for link in &spec.links {
        let (Some(from), Some(to)) = (spots.get(link.from), spots.get(link.to)) else { continue };
        let (Some(source), Some(target)) = (spec.nodes.get(link.from), spec.nodes.get(link.to))
        else {
            continue;
        };
        let (Some(left), Some(right)) = (out.get_mut(link.from), into.get_mut(link.to)) else {
            continue;
        };
        let height = (link.count.max(0.0) * scale).max(0.4);
        let (start, end) = ((from.x + BAR, *left), (to.x, *right));
        let hint = format!(
            "{} → {}: {}, {} of them to an order",
            source.label,
            target.label,
            Unit::Count.full(link.count),
            Unit::Count.full(link.ordered)
        );
        let class = band_class(source.kind);
        canvas.area(&class, &band(start, end, height), &hint);
        let share =
            if link.count > 0.0 { (link.ordered / link.count).clamp(0.0, 1.0) } else { 0.0 };
        if share > 0.0 {
            canvas.area(&format!("{class} c-sold"), &band(start, end, height * share), &hint);
        }
        *left += height;
        *right += height;
    }
}

/// A band of one height that leaves and comes in level.
fn band(start: (f64, f64), end: (f64, f64), height: f64) -> String {
    let middle = f64::midpoint(start.0, end.0);
    format!(
        "M{:.1} {:.1}C{middle:.1} {:.1} {middle:.1} {:.1} {:.1} {:.1}V{:.1}C{middle:.1} {:.1} \
         {middle:.1} {:.1} {:.1} {:.1}Z",
        start.0,
        start.1,
        start.1,
        end.1,
        end.0,
        end.1,
        end.1 + height,
        end.1 + height,
        start.1 + height,
        start.0,
        start.1 + height
    )
}

fn bar_class(kind: FlowKind) -> String {
    match kind {
        FlowKind::Order => "c-end-order".to_owned(),
        FlowKind::Channel(rank) => format!("c-fill c-fill{}", rank % 6 + 1),
        FlowKind::Other => "c-end-other".to_owned(),
        FlowKind::Lost => "c-end-lost".to_owned(),
    }
}

fn band_class(kind: FlowKind) -> String {
    match kind {
        FlowKind::Channel(rank) => format!("c-band c-fill{}", rank % 6 + 1),
        _ => "c-band c-end-other".to_owned(),
    }
}
