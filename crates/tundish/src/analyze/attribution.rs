//! `tundish analyze attribution`: how much of the orders each channel is given credit for.

use std::collections::BTreeMap;

use numbers::attribution::{self as models, Attribution as Model, HalfLife, Settings};
use numbers::journeys::Journeys;
use serde::Serialize;
use web::charts::{self, RangeRow, Ranges, Size, Unit};

use super::journeys::{self, Read};
use super::left_out::LeftOut;
use super::plot;
use super::words::{figure, figures};
use crate::cli::Attribution;
use crate::output::{Output, refused, table, usage};

#[derive(Debug, Serialize)]
struct Answer {
    total_conversions: f64,
    total_value: f64,
    journeys: f64,
    /// Conversions that no touch came before: in no channel's credit.
    untouched: f64,
    /// Which game the Shapley values are of.
    shapley_game: &'static str,
    models: BTreeMap<&'static str, Credits>,
    left_out: LeftOut,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Credits {
    credits: BTreeMap<String, f64>,
    values: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removal_effects: Option<BTreeMap<String, Option<f64>>>,
}

/// Answers.
///
/// # Errors
/// The file holds no journeys, or a flag is no use.
pub fn run(output: Output, flags: &Attribution) -> anyhow::Result<()> {
    let half_life = HalfLife::default()
        .with_days(flags.half_life_days)
        .ok_or_else(|| usage("--half-life-days: give a number of days above zero"))?;
    let Read { journeys, left_out, told } = journeys::read(&flags.table, &flags.separator)?;
    let settings = Settings { order: flags.order, half_life };
    let all = models::all(&journeys, settings).map_err(|why| refused(why.to_string()))?;
    let answer = Answer {
        total_conversions: journeys.totals().conversions,
        total_value: journeys.totals().value,
        journeys: journeys.totals().journeys(),
        untouched: journeys.untouched().conversions,
        shapley_game: models::SET_GAME,
        models: all.iter().map(|model| (model.model, credits(&journeys, model))).collect(),
        notes: left_out.notes.clone(),
        left_out,
    };
    output.say(told);
    plot::write(output, &flags.picture, || charts::ranges(&drawn(&journeys, &all), Size::Wide))?;
    output.either(&answer, || human(&answer, &journeys, &all))
}

fn credits(journeys: &Journeys, model: &Model) -> Credits {
    let channels = || journeys.channels().iter().cloned();
    Credits {
        credits: channels().zip(model.credits.iter().map(|one| one.conversions)).collect(),
        values: channels().zip(model.credits.iter().map(|one| one.value)).collect(),
        removal_effects: model
            .removals
            .as_ref()
            .map(|all| channels().zip(all.iter().map(|one| one.conversions)).collect()),
    }
}

/// Channels that are drawn, and the models beside one another: time decay is in the table.
const DRAWN_MAX: usize = 12;
const DRAWN: [&str; 6] = ["first", "last", "linear", "position", "markov", "shapley"];

fn credit(model: &Model, place: usize) -> f64 {
    model.credits.get(place).map_or(0.0, |credit| credit.conversions)
}

/// The places of the channels, those with the most credit by the Markov chain first.
fn ranked(journeys: &Journeys, all: &[Model]) -> Vec<usize> {
    let markov = all.iter().find(|model| model.model == "markov");
    let by = |place: &usize| markov.map_or(0.0, |model| credit(model, *place));
    let mut places: Vec<usize> = (0..journeys.channels().len()).collect();
    places.sort_by(|a, b| by(b).total_cmp(&by(a)));
    places
}

fn drawn(journeys: &Journeys, all: &[Model]) -> Ranges {
    let models: Vec<&Model> =
        DRAWN.iter().filter_map(|word| all.iter().find(|model| model.model == *word)).collect();
    let row = |place: usize| {
        let points: Vec<f64> = models.iter().map(|model| credit(model, place)).collect();
        let low = points.iter().copied().fold(f64::INFINITY, f64::min);
        let high = points.iter().copied().fold(0.0, f64::max);
        RangeRow {
            label: journeys.name(place).to_owned(),
            text: format!("{} to {}", figure(low.round()), figure(high.round())),
            range: Some((low, high)),
            points: points.into_iter().map(Some).collect(),
        }
    };
    Ranges {
        title: "Conversions each channel is given credit for".to_owned(),
        about: format!("{}, by six models", figures(journeys.totals().conversions, "conversion")),
        series: models.iter().map(|model| model.model.to_owned()).collect(),
        rows: ranked(journeys, all).into_iter().take(DRAWN_MAX).map(row).collect(),
        unit: Unit::Count,
    }
}

fn human(answer: &Answer, journeys: &Journeys, all: &[Model]) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{} in {}, worth {}",
            figures(answer.total_conversions, "conversion"),
            figures(answer.journeys, "journey"),
            figure(answer.total_value),
        ),
        String::new(),
    ];
    let head = std::iter::once("channel".to_owned());
    let mut rows =
        vec![head.chain(all.iter().map(|model| model.model.replace('_', " "))).collect()];
    for place in ranked(journeys, all) {
        let mut row: Vec<String> = vec![journeys.name(place).to_owned()];
        row.extend(all.iter().map(|model| figure(credit(model, place))));
        rows.push(row);
    }
    lines.extend(table(&rows));
    lines.push(String::new());
    lines.push(format!("Shapley: {}.", answer.shapley_game));
    if answer.untouched > 0.0 {
        let untouched = figures(answer.untouched, "conversion");
        lines.push(format!("{untouched} without a touch before: in no credit."));
    }
    lines.push("These are conventions; only an experiment shows what a channel causes.".to_owned());
    lines.extend(answer.left_out.told());
    lines
}
