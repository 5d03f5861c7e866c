//! `/admin/numbers/roads`: the many ways that led to an order, and where the others ended.

use axum::extract::{Query, State};
use model::roads;
use numbers::journeys::Journeys;
use numbers::real::{ratio, real_signed};
use numbers::roads::{Edge, Place, Repeats, Roads, Step, View, roads as drawn};
use numbers::stages::share;
use store::road_sums::{RoadSum, WAIT_DAYS};

use super::journeys::{self, LENGTHS, Read, path_name, step_name};
use super::report::{Note, Picture, Report, Select, Tile, filter};
use super::sheet::{Cell, Sheet, columns, rounded};
use super::{Asked, link};
use crate::charts::{self, Flow, FlowWords, Size};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;
use crate::words::money_text;

const PATH: &str = "/admin/numbers/roads";
const ORDERS: &str = "/admin/numbers/roads/orders";
const OPEN: &str = "/admin/numbers/roads/open";
/// Roads that are listed one by one on the page; a file holds all.
const PATHS: usize = 15;
/// Touches drawn one by one, where there is room and where there is not.
const WIDE: usize = 4;
const NARROW: usize = 2;
const LOST: &str = "No order yet";
/// The view of journeys to an order alone.
const ORDERED: &str = "orders";

/// Roads to orders.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let mut read = journeys::read(&state, &who, &asked).await?;
    let channels = channels(&read);
    if !asked.channel.is_empty() {
        let held =
            |path: &str| roads::steps(path).any(|step| roads::parts(step).0 == asked.channel);
        read.sums.retain(|path, _| held(path));
    }
    let query = read.query(&asked);
    let mut report = Report::new(
        who.frame("roads"),
        "Roads",
        "The touches that led to an order, one after another, and where the other journeys ended.",
    );
    let mut selects = read.selects(&asked);
    selects.insert(1, through(channels, &asked));
    selects.push(Select {
        name: "by",
        label: "Journeys",
        options: vec![
            (String::new(), "All".to_owned()),
            (ORDERED.to_owned(), "Those to an order".to_owned()),
        ],
        value: asked.by.clone(),
    });
    report.filter = Some(filter(PATH, &read.period, &LENGTHS, &query, selects));
    report.notes = read.notes();
    let total = read.total();
    if total.orders + total.nulls == 0 {
        report.empty = Some(journeys::empty());
    } else {
        fill(&mut report, &read, &asked, &query);
    }
    report.answer(PATH, &asked, &query)
}

/// Every channel that a journey holds.
fn channels(read: &Read) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for path in read.sums.keys() {
        for touch in roads::touches(path) {
            let channel = roads::parts(touch).0;
            if !all.iter().any(|known| known == channel) {
                all.push(channel.to_owned());
            }
        }
    }
    all.sort();
    all
}

fn through(mut channels: Vec<String>, asked: &Asked) -> Select {
    if !asked.channel.is_empty() && !channels.contains(&asked.channel) {
        channels.push(asked.channel.clone());
    }
    let mut options = vec![(String::new(), "Any channel".to_owned())];
    options.extend(channels.into_iter().map(|word| (word.clone(), step_name(&word))));
    Select { name: "channel", label: "Through", options, value: asked.channel.clone() }
}

fn fill(report: &mut Report, read: &Read, asked: &Asked, query: &[(&'static str, String)]) {
    let journeys = read.journeys();
    let whole = drawn(&journeys, View { paths_max: 0, ..View::default() });
    report.tiles = tiles(read, query);
    if journeys.totals().journeys() > 0.0 {
        report.figures.push(picture(read, &journeys, asked));
    }
    report.sheets.push(paths(read, asked, query));
    if read.product.0 == 0 {
        report.sheets.push(steps(&whole.steps));
        report.sheets.push(ends(&whole, query));
    }
    if report.figures.is_empty() {
        let text = "No touch came before any of these orders, so there is no road to draw.";
        report.notes.push(Note::info(text));
    }
}

/// The class in which the middle one of the orders is, as people say it.
fn median_wait(sum: &RoadSum) -> Option<(usize, String)> {
    let all: i64 = sum.waits.iter().sum();
    let mut so_far = 0;
    let class = sum.waits.iter().position(|count| {
        so_far += count;
        *count > 0 && so_far * 2 >= all
    })?;
    Some((class, wait_text(class)))
}

fn wait_text(class: usize) -> String {
    let from = class.checked_sub(1).and_then(|before| WAIT_DAYS.get(before)).copied().unwrap_or(0);
    match WAIT_DAYS.get(class) {
        Some(1) => "under a day".to_owned(),
        Some(until) if until - from == 1 => {
            if from == 1 {
                "1 day".to_owned()
            } else {
                format!("{from} days")
            }
        }
        Some(until) => format!("{from} to {} days", until - 1),
        None => format!("over {} days", from - 1),
    }
}

/// The median number of touches of the orders that had any; of a shortened road, what is kept.
fn median_touches(read: &Read) -> Option<i64> {
    let mut lengths: Vec<(usize, i64)> = read
        .sums
        .iter()
        .filter(|(path, sum)| !path.is_empty() && sum.orders > 0)
        .map(|(path, sum)| (roads::touches(path).count(), sum.orders))
        .collect();
    lengths.sort_unstable();
    let all: i64 = lengths.iter().map(|(_, orders)| orders).sum();
    let mut so_far = 0;
    let middle = lengths.iter().find(|(_, orders)| {
        so_far += orders;
        so_far * 2 >= all
    })?;
    i64::try_from(middle.0).ok()
}

fn tiles(read: &Read, query: &[(&'static str, String)]) -> Vec<Tile> {
    let total = read.total();
    let tile = |label: &str, value: String, href: Option<String>, note: &str| Tile {
        label: label.to_owned(),
        value,
        href,
        note: Some(note.to_owned()),
    };
    let list = |path: &str| Some(link(path, &rows_query(query, &[])));
    let dash = || "–".to_owned();
    let wait = median_wait(&total).map_or_else(dash, |(_, text)| text);
    let touches = median_touches(read).map_or_else(dash, |touches| touches.to_string());
    let revenue = money_text(total.revenue_minor, &read.currency);
    let mut tiles = vec![
        tile("Orders", Cell::count(total.orders).text, list(ORDERS), "paid in these days"),
        tile("Revenue", revenue, list(ORDERS), "paid without tax − given back"),
        tile("Time to the order", wait, list(ORDERS), "median, from the first touch"),
        tile("Touches to the order", touches, list(ORDERS), "median"),
    ];
    if read.product.0 == 0 {
        let value = Cell::count(total.nulls).text;
        tiles.push(tile(LOST, value, list(OPEN), "journeys that ended in these days"));
    }
    tiles
}

/// What a list of rows is to be about.
fn rows_query(
    query: &[(&'static str, String)],
    more: &[(&'static str, String)],
) -> Vec<(&'static str, String)> {
    let mut all = query.to_vec();
    all.retain(|(name, _)| *name != "by");
    all.extend(more.iter().cloned());
    all
}

fn picture(read: &Read, journeys: &Journeys, asked: &Asked) -> Picture {
    let only_ordered = asked.by == ORDERED || read.product.0 != 0;
    let flow = |size: Size| {
        let touches = if size == Size::Wide { WIDE } else { NARROW };
        let view =
            View { repeats: Repeats::Collapsed, flow_touches_max: touches, ..View::default() };
        let mut edges = drawn(journeys, view).flow;
        if only_ordered {
            edges = ordered(edges);
        }
        if size == Size::Narrow {
            // No room for what comes after the further touches; the table has it.
            edges.retain(|edge| edge.from != Place::Further);
        }
        let words = FlowWords {
            title: "Roads",
            about: "Journeys from touch to touch, to an order or to none yet; the table of roads \
                    has every figure",
            name: step_name,
            lost: LOST,
        };
        charts::flow(&Flow::of(&edges, &words), size)
    };
    Picture {
        title: "From touch to touch".to_owned(),
        note: Some(
            "Left to right, as high as they are many. The darker part of each band came to an \
             order in the end. Touches of one channel in a row are drawn as one."
                .to_owned(),
        ),
        svg: charts::both(flow),
        formula: Some(journeys::RULE.to_owned()),
    }
}

/// The same flow without those who did not order.
fn ordered(edges: Vec<Edge>) -> Vec<Edge> {
    let all = edges.into_iter().filter(|edge| edge.to != Place::Lost && edge.orders > 0.0);
    all.map(|edge| Edge { journeys: edge.orders, ..edge }).collect()
}

fn paths(read: &Read, asked: &Asked, query: &[(&'static str, String)]) -> Sheet {
    let with_nulls = read.product.0 == 0;
    let mut all: Vec<(&String, &RoadSum)> =
        read.sums.iter().filter(|(_, sum)| sum.orders > 0).collect();
    all.sort_by(|a, b| {
        let by = |sum: &RoadSum| (sum.orders, sum.revenue_minor);
        by(b.1).cmp(&by(a.1)).then(a.0.cmp(b.0))
    });
    let most = if asked.format == "csv" { all.len() } else { PATHS };
    let rest = all.split_off(most.min(all.len()));
    let line = |(path, sum): &(&String, &RoadSum)| {
        let one = [("path", (*path).clone())];
        let at = |list: &str| link(list, &rows_query(query, &one));
        let touches = i64::try_from(roads::touches(path).count()).unwrap_or(0);
        road(read, Cell::text(path_name(path)), sum, Some((at(ORDERS), at(OPEN))), Some(touches))
    };
    let mut rows: Vec<Vec<Cell>> = all.iter().map(line).collect();
    if !rest.is_empty() {
        let mut sum = RoadSum::default();
        rest.iter().for_each(|(_, more)| sum.add(more, 1));
        let name = Cell::text(format!("{} further roads", rest.len())).note("in the file");
        rows.push(road(read, name, &sum, None, None));
    }
    let lost = read.sums.values().filter(|sum| sum.orders == 0);
    let mut never = RoadSum::default();
    lost.for_each(|sum| never.add(sum, 1));
    if with_nulls && never.nulls > 0 {
        let name = Cell::text("Roads that nobody ordered by");
        rows.push(road(read, name, &never, None, None));
    }
    let total = read.total();
    let list = |path: &str| link(path, &rows_query(query, &[]));
    rows.push(road(read, Cell::text("All"), &total, Some((list(ORDERS), list(OPEN))), None));
    let mut labels = vec!["Road", "#Orders", "#Revenue", "#Per order", "#Margin"];
    if with_nulls {
        labels.extend(["#No order yet", "#Order rate"]);
    }
    labels.extend(["#Touches", "#Median time"]);
    Sheet {
        title: "Roads to an order".to_owned(),
        note: Some("The most taken first; each opens to its orders.".to_owned()),
        formula: Some(format!(
            "order rate = orders / (orders + journeys of the same road without one), with the 95% \
             interval; margin = revenue − cost of goods; time = from the first touch to the \
             payment; {}",
            journeys::RULE
        )),
        columns: columns(&labels),
        rows,
        ..Sheet::default()
    }
}

/// One line of the table of roads.
fn road(
    read: &Read,
    name: Cell,
    sum: &RoadSum,
    lists: Option<(String, String)>,
    touches: Option<i64>,
) -> Vec<Cell> {
    let money = |minor| Cell::money(minor, &read.currency);
    let (orders, open) = lists.unzip();
    let opening = |cell: Cell, href: Option<String>| match href {
        Some(href) => cell.to(href),
        None => cell,
    };
    let each = ratio(real_signed(sum.revenue_minor), real_signed(sum.orders));
    let mut cells = vec![
        name,
        opening(Cell::count(sum.orders), orders),
        money(sum.revenue_minor),
        Cell::mean(each, &read.currency),
        money(sum.margin_minor),
    ];
    if read.product.0 == 0 {
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        cells.push(opening(Cell::count(sum.nulls), open.filter(|_| sum.nulls > 0)));
        // Who was not met has no journey that could have ended without an order.
        let rate = share(count(sum.orders), count(sum.orders + sum.nulls));
        cells.push(Cell::share(rate.filter(|_| touches != Some(0))));
    }
    cells.push(touches.filter(|touches| *touches > 0).map_or_else(Cell::unknown, Cell::count));
    let wait = median_wait(sum).map(|(_, text)| Cell::text(text));
    cells.push(wait.unwrap_or_else(Cell::unknown));
    cells
}

fn steps(steps: &[Step]) -> Sheet {
    let row = |step: &Step| {
        let count = |x: f64| Cell::count(rounded(x));
        let whole = |x: f64| u64::try_from(rounded(x)).unwrap_or(0);
        vec![
            Cell::count(i64::try_from(step.touch).unwrap_or(0)),
            count(step.reached),
            count(step.ordered),
            count(step.went_on()),
            count(step.lost),
            Cell::share(share(whole(step.lost), whole(step.reached))),
        ]
    };
    Sheet {
        title: "Drop-off, touch by touch".to_owned(),
        note: Some(
            "A journey that ended here may still go on: its contact is only not back yet."
                .to_owned(),
        ),
        formula: Some(
            "drop-off = ended here without an order / came so far, with the 95% interval"
                .to_owned(),
        ),
        columns: columns(&[
            "#Touch",
            "#Came so far",
            "#Ordered",
            "#Went on",
            "#Ended here",
            "#Drop-off",
        ]),
        rows: steps.iter().map(row).collect(),
        empty: "No journey with a touch ended in these days.".to_owned(),
        ..Sheet::default()
    }
}

/// By the channel at which journeys ended.
fn ends(all: &Roads, query: &[(&'static str, String)]) -> Sheet {
    let mut ends: Vec<(&str, f64, f64)> = Vec::new();
    for edge in &all.edges {
        let Place::Channel(name) = &edge.from else { continue };
        let (ordered, lost) = match edge.to {
            Place::Order => (edge.journeys, 0.0),
            Place::Lost => (0.0, edge.journeys),
            _ => continue,
        };
        match ends.iter_mut().find(|end| end.0 == name) {
            Some(end) => *end = (end.0, end.1 + ordered, end.2 + lost),
            None => ends.push((name, ordered, lost)),
        }
    }
    ends.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(b.0)));
    let row = |(name, ordered, lost): &(&str, f64, f64)| {
        let whole = |x: f64| u64::try_from(rounded(x)).unwrap_or(0);
        let at = |list: &str| link(list, &rows_query(query, &[("last", (*name).to_owned())]));
        vec![
            Cell::text(step_name(name)),
            Cell::count(rounded(ordered + lost)),
            Cell::count(rounded(*ordered)).to(at(ORDERS)),
            Cell::count(rounded(*lost)).to(at(OPEN)),
            Cell::share(share(whole(*lost), whole(ordered + lost))),
        ]
    };
    Sheet {
        title: "Where journeys ended".to_owned(),
        note: Some("By the channel of the last touch.".to_owned()),
        formula: Some("drop-off = ended here without an order / ended here".to_owned()),
        columns: columns(&["Last touch", "#Ended here", "#With an order", "#Without", "#Drop-off"]),
        rows: ends.iter().map(row).collect(),
        empty: "No journey with a touch ended in these days.".to_owned(),
        ..Sheet::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_as_the_class_it_falls_in() {
        let told: Vec<String> = (0..=WAIT_DAYS.len()).map(wait_text).collect();
        assert_eq!(
            told,
            [
                "under a day",
                "1 day",
                "2 to 3 days",
                "4 to 7 days",
                "8 to 14 days",
                "15 to 30 days",
                "31 to 90 days",
                "over 90 days"
            ]
        );
        let sum = RoadSum { waits: [3, 0, 0, 2, 0, 0, 0, 1], ..RoadSum::default() };
        assert_eq!(median_wait(&sum).unwrap().1, "under a day");
        assert_eq!(median_wait(&RoadSum::default()), None);
    }
}
