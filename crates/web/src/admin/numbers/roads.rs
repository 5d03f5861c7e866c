//! `/admin/numbers/roads`: the many ways that led to an order, and where the others ended.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use model::roads;
use numbers::journeys::Journeys;
use numbers::real::{ratio, real_signed};
use numbers::roads::{Place, Roads, Step, View, roads as drawn};
use numbers::stages::share;
use store::road_sums::{RoadSum, WAIT_DAYS};

use super::compare::{Compared, Delta, Good};
use super::journeys::{self, LENGTHS, ORDERED, Read, path_name, step_name};
use super::narrow;
use super::report::{Note, Picture, Report, Select, Tile, filter};
use super::sheet::{Cell, Sheet, columns, rounded};
use super::{Asked, Period, link, natural};
use crate::charts::{self, Ends, FlowWords};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;
use crate::words::money_text;

const PATH: &str = "/admin/numbers/roads";
const ORDERS: &str = "/admin/numbers/roads/orders";
const OPEN: &str = "/admin/numbers/roads/open";
/// Roads that are listed one by one on the page; a file holds all.
const PATHS: usize = 15;
const LOST: &str = "No order yet";

/// Roads to orders.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let mut read = journeys::read(&state, &who, &asked).await?;
    let mut earlier = journeys::read_before(&state, &who, &asked).await?;
    let channels = channels(&read);
    narrowed(&mut read, &asked);
    if let Some((_, earlier)) = &mut earlier {
        narrowed(earlier, &asked);
    }
    let query = read.query(&asked);
    let mut report = Report::new(
        who.frame("roads"),
        "Roads",
        "The touches that led to an order, one after another, and where the other journeys ended.",
    );
    report.filter =
        Some(filter(PATH, &read.period, &LENGTHS, &query, selects(&read, channels, &asked)));
    report.notes = read.notes(&state, &who);
    if let Some((compared, _)) = &earlier {
        report.notes.push(Note::info(format!("Compared with {}.", compared.words())));
    }
    let total = read.total();
    if total.orders + total.nulls == 0 {
        report.empty = Some(journeys::empty());
    } else {
        fill(&mut report, &read, earlier.as_ref(), (&asked, &query));
    }
    report.answer(PATH, &asked, &query)
}

/// Leaves the journeys that are asked for.
fn narrowed(read: &mut Read, asked: &Asked) {
    if !asked.channel.is_empty() {
        let held =
            |path: &str| roads::steps(path).any(|step| roads::parts(step).0 == asked.channel);
        read.sums.retain(|path, _| held(path));
    }
    if asked.by == ORDERED {
        read.leave_out_open();
    }
}

fn selects(read: &Read, channels: Vec<String>, asked: &Asked) -> Vec<Select> {
    let mut selects = read.selects(asked);
    selects.insert(1, through(channels, asked));
    let to_an_order = (ORDERED.to_owned(), "Those to an order".to_owned());
    selects.push(narrow::choice(("by", "Journeys", "All"), [to_an_order], &asked.by));
    selects.push(Compared::select(asked));
    selects
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
    let named = channels.into_iter().map(|word| {
        let name = step_name(&word);
        (word, name)
    });
    narrow::choice(("channel", "Through", "Any channel"), named, &asked.channel)
}

/// The days it is compared with, and what came of them.
type Earlier = (Compared, Read);

fn fill(
    report: &mut Report,
    read: &Read,
    earlier: Option<&Earlier>,
    (asked, query): (&Asked, &[(&'static str, String)]),
) {
    let journeys = read.journeys();
    let whole = drawn(&journeys, View { paths_max: 0, ..View::default() });
    report.tiles = tiles(read, query);
    if let Some((_, earlier)) = earlier {
        report.deltas = deltas(read, earlier);
    }
    if journeys.totals().journeys() > 0.0 {
        report.figures.push(picture(read, &journeys));
    }
    report.sheets.push(paths(read, earlier, (asked, query)));
    if !read.only_ordered {
        report.sheets.push(steps(&whole.steps));
        report.sheets.push(ends(&whole, query));
    }
    if report.figures.is_empty() {
        let text = "No touch came before any of these orders, so there is no road to draw.";
        report.notes.push(Note::info(text));
    }
}

fn deltas(read: &Read, earlier: &Read) -> BTreeMap<String, Delta> {
    let (now, was) = (read.total(), earlier.total());
    let show = |minor: f64| money_text(rounded(minor), &read.currency);
    let (revenue, before) = (real_signed(now.revenue_minor), real_signed(was.revenue_minor));
    let all = [
        ("Orders", Delta::count(now.orders, was.orders, Good::More)),
        ("Revenue", Delta::new(revenue, Some(before), was.orders, Good::More, show)),
        (LOST, Delta::count(now.nulls, was.nulls, Good::Neither)),
    ];
    all.into_iter().map(|(label, delta)| (label.to_owned(), delta)).collect()
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
    if !read.only_ordered {
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

fn picture(read: &Read, journeys: &Journeys) -> Picture {
    let ends = if read.only_ordered { Ends::Orders } else { Ends::All };
    let words = FlowWords {
        title: "Roads",
        about: "Journeys from touch to touch, to an order or to none yet; the table of roads has \
                every figure",
        name: step_name,
        lost: LOST,
    };
    Picture {
        title: "From touch to touch".to_owned(),
        note: Some(
            "Left to right, as high as they are many. The darker part of each band came to an \
             order in the end. Touches of one channel in a row are drawn as one."
                .to_owned(),
        ),
        svg: charts::both(|size| charts::roads(journeys, &words, ends, size)),
        formula: Some(journeys::RULE.to_owned()),
    }
}

/// One line of the table of roads.
#[derive(Default)]
struct Line {
    name: Cell,
    sum: RoadSum,
    /// Orders of the earlier days.
    was: i64,
    /// More of the address of its rows than the page's own; nothing where they are several roads.
    at: Option<Vec<(&'static str, String)>>,
    touches: Option<i64>,
}

/// The roads that were ordered by, the most taken first, `most` of them; then what the others come
/// to, what nobody ordered by, and all.
fn lines(read: &Read, earlier: Option<&Earlier>, most: usize) -> Vec<Line> {
    let was =
        |path: &str| earlier.and_then(|(_, read)| read.sums.get(path)).map_or(0, |sum| sum.orders);
    let mut all: Vec<(&String, RoadSum)> =
        read.sums.iter().map(|(path, sum)| (path, *sum)).collect();
    let gone = earlier.into_iter().flat_map(|(_, earlier)| earlier.sums.keys());
    all.extend(gone.filter(|path| !read.sums.contains_key(*path)).map(|p| (p, RoadSum::default())));
    // What was ordered by in the earlier days alone has a line too: else they would not add up.
    let (mut all, never): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(path, sum)| sum.orders > 0 || was(path) > 0);
    all.sort_by(|a, b| {
        let by = |sum: &RoadSum| (sum.orders, sum.revenue_minor);
        by(&b.1).cmp(&by(&a.1)).then(a.0.cmp(b.0))
    });
    let rest = all.split_off(most.min(all.len()));
    let mut lines: Vec<Line> = all
        .into_iter()
        .map(|(path, sum)| Line {
            name: Cell::text(path_name(path)),
            sum,
            was: was(path),
            at: Some(vec![("path", path.clone())]),
            touches: Some(i64::try_from(roads::touches(path).count()).unwrap_or(0)),
        })
        .collect();
    let together = |name: Cell, of: &[(&String, RoadSum)]| {
        let mut sum = RoadSum::default();
        of.iter().for_each(|(_, more)| sum.add(more, 1));
        let was = of.iter().map(|(path, _)| was(path)).sum();
        Line { name, sum, was, ..Line::default() }
    };
    if !rest.is_empty() {
        let name = Cell::text(format!("{} further roads", rest.len())).note("in the file");
        lines.push(together(name, &rest));
    }
    let never = together(Cell::text("Roads that nobody ordered by"), &never);
    if !read.only_ordered && never.sum.nulls > 0 {
        lines.push(never);
    }
    lines.push(Line {
        name: Cell::text("All"),
        sum: read.total(),
        was: earlier.map_or(0, |(_, earlier)| earlier.total().orders),
        at: Some(Vec::new()),
        touches: None,
    });
    lines
}

fn paths(
    read: &Read,
    earlier: Option<&Earlier>,
    (asked, query): (&Asked, &[(&'static str, String)]),
) -> Sheet {
    let most = if asked.format == "csv" { usize::MAX } else { PATHS };
    let lines = lines(read, earlier, most);
    let mut labels = vec!["Road", "#Orders"];
    labels.extend(earlier.map(|(compared, _)| compared.head()));
    labels.extend(["#Revenue", "#Per order", "#Margin"]);
    if !read.only_ordered {
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
        rows: lines.iter().map(|line| road(read, earlier, line, query)).collect(),
        ..Sheet::default()
    }
}

fn road(
    read: &Read,
    earlier: Option<&Earlier>,
    line: &Line,
    query: &[(&'static str, String)],
) -> Vec<Cell> {
    let Line { sum, touches, .. } = line;
    let money = |minor| Cell::money(minor, &read.currency);
    let opening = |cell: Cell, list: &str, period: &Period| match &line.at {
        Some(more) => {
            let mut all = rows_query(query, more);
            all.retain(|(name, _)| !matches!(*name, "from" | "to"));
            all.extend(period.query());
            cell.to(link(list, &all))
        }
        None => cell,
    };
    let each = ratio(real_signed(sum.revenue_minor), real_signed(sum.orders));
    let mut cells = vec![line.name.clone(), opening(Cell::count(sum.orders), ORDERS, &read.period)];
    cells.extend(
        earlier.map(|(_, earlier)| opening(Cell::count(line.was), ORDERS, &earlier.period)),
    );
    cells.extend([
        money(sum.revenue_minor),
        Cell::mean(each, &read.currency).few(sum.orders),
        money(sum.margin_minor),
    ]);
    if !read.only_ordered {
        let nulls = Cell::count(sum.nulls);
        cells.push(if sum.nulls > 0 { opening(nulls, OPEN, &read.period) } else { nulls });
        // Who was not met has no journey that could have ended without an order.
        let rate = share(natural(sum.orders), natural(sum.orders + sum.nulls));
        cells.push(Cell::share(rate.filter(|_| *touches != Some(0))));
    }
    cells.push(touches.filter(|touches| *touches > 0).map_or_else(Cell::unknown, Cell::count));
    let wait = median_wait(sum).map(|(_, text)| Cell::text(text));
    cells.push(wait.unwrap_or_else(Cell::unknown));
    cells
}

fn steps(steps: &[Step]) -> Sheet {
    let row = |step: &Step| {
        let count = |x: f64| Cell::count(rounded(x));
        let whole = |x: f64| natural(rounded(x));
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
        let whole = |x: f64| natural(rounded(x));
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
