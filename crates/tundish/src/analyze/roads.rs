//! `tundish analyze roads`: by which roads orders came.

use numbers::journeys::Journeys;
use numbers::roads::{self as maths, Place, Repeats, View};
use serde::Serialize;
use web::charts::{self, Ends, FlowWords, Size};

use super::journeys::{self, Read};
use super::left_out::LeftOut;
use super::plot;
use super::words::{figure, percent};
use crate::cli::Roads;
use crate::output::{Output, table};

#[derive(Debug, Serialize)]
struct Answer {
    paths: Vec<Road>,
    edges: Vec<Edge>,
    steps: Vec<Step>,
    left_out: LeftOut,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Road {
    path: Vec<String>,
    orders: f64,
    value: f64,
    lost: f64,
}

#[derive(Debug, Serialize)]
struct Edge {
    from: String,
    to: String,
    journeys: f64,
    orders: f64,
}

#[derive(Debug, Serialize)]
struct Step {
    touch: usize,
    reached: f64,
    ordered: f64,
    lost: f64,
}

/// Answers.
///
/// # Errors
/// The file holds no journeys.
pub fn run(output: Output, flags: &Roads) -> anyhow::Result<()> {
    let Read { journeys, left_out, told } = journeys::read(&flags.table, &flags.separator)?;
    let repeats = if flags.collapse { Repeats::Collapsed } else { Repeats::Kept };
    let view = View { repeats, paths_max: flags.top, ..View::default() };
    let roads = maths::roads(&journeys, view);
    let answer = Answer {
        paths: roads
            .paths
            .into_iter()
            .map(|road| Road {
                path: road.path,
                orders: road.orders,
                value: road.value,
                lost: road.lost,
            })
            .collect(),
        edges: roads
            .edges
            .into_iter()
            .map(|edge| Edge {
                from: name(edge.from),
                to: name(edge.to),
                journeys: edge.journeys,
                orders: edge.orders,
            })
            .collect(),
        steps: roads
            .steps
            .into_iter()
            .map(|step| Step {
                touch: step.touch,
                reached: step.reached,
                ordered: step.ordered,
                lost: step.lost,
            })
            .collect(),
        notes: left_out.notes.clone(),
        left_out,
    };
    output.say(told);
    plot::write(output, &flags.picture, || drawn(&journeys))?;
    output.either(&answer, || human(&answer))
}

fn name(place: Place) -> String {
    match place {
        Place::Start => "(start)".to_owned(),
        Place::Channel(name) => name,
        Place::Further => "(further)".to_owned(),
        Place::Order => "(order)".to_owned(),
        Place::Lost => "(no order)".to_owned(),
    }
}

/// The flow that the page of roads draws.
fn drawn(journeys: &Journeys) -> String {
    let words = FlowWords {
        title: "Roads to an order",
        about: "Journeys from touch to touch, to an order or to none; the answer has every figure",
        name: str::to_owned,
        lost: "No order",
    };
    charts::roads(journeys, &words, Ends::All, Size::Wide)
}

fn human(answer: &Answer) -> Vec<String> {
    let head = ["orders", "value", "no order", "order rate", "road"].map(str::to_owned).to_vec();
    let mut rows = vec![head];
    rows.extend(answer.paths.iter().map(|road| {
        let all = road.orders + road.lost;
        vec![
            figure(road.orders),
            figure(road.value),
            figure(road.lost),
            if all > 0.0 { percent(road.orders / all) } else { String::new() },
            road.path.join(" > "),
        ]
    }));
    let mut lines = table(&rows);
    lines.push(String::new());
    let head = ["touch", "reached", "ordered", "left"].map(str::to_owned).to_vec();
    let mut rows = vec![head];
    rows.extend(answer.steps.iter().take(12).map(|step| {
        vec![step.touch.to_string(), figure(step.reached), figure(step.ordered), figure(step.lost)]
    }));
    lines.extend(table(&rows));
    lines.extend(answer.left_out.told());
    lines
}
