//! `tundish analyze score`: who will buy, learned from a table of cases and judged on those held
//! out.

use numbers::scores::metrics::Bin;
use numbers::scores::table::Field;
use numbers::scores::{self, Report};
use serde::Serialize;
use web::charts::{self, Lines, Series, Size, Unit};

use super::plot;
use super::source::Source;
use super::words::{count, figure, percent};
use crate::cli::Score;
use crate::output::{Output, refused, table, usage};

#[derive(Debug, Serialize)]
struct Answer {
    cases: u64,
    positives: u64,
    held_out: u64,
    auc: Option<f64>,
    auc_interval: Option<(f64, f64)>,
    brier: Option<f64>,
    log_loss: Option<f64>,
    ks: Option<f64>,
    ece: Option<f64>,
    top_decile_lift: Option<f64>,
    /// Of the part learned from.
    training_auc: Option<f64>,
    log_likelihood: Option<f64>,
    calibration: Vec<Part>,
    coefficients: Vec<Coefficient>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Part {
    n: u64,
    predicted: f64,
    observed: f64,
}

#[derive(Debug, Serialize)]
struct Coefficient {
    name: String,
    value: Option<f64>,
    se: Option<f64>,
}

/// Answers.
///
/// # Errors
/// The file cannot be read, a column is not there, or there is nothing to learn from.
pub fn run(output: Output, flags: &Score) -> anyhow::Result<()> {
    let mut source = Source::open(&flags.file)?;
    let headers = source.headers().to_vec();
    let place = |name: &str| {
        headers.iter().position(|header| header == name).ok_or_else(|| {
            usage(format!("there is no column {name:?}: there are {}", headers.join(", ")))
        })
    };
    let target = place(&flags.target)?;
    let mut left_out = vec![target];
    for name in &flags.exclude {
        left_out.push(place(name.trim())?);
    }
    let used: Vec<usize> = (0..headers.len()).filter(|at| !left_out.contains(at)).collect();
    let mut cells: Vec<Vec<String>> = vec![Vec::new(); used.len()];
    let mut outcome = Vec::new();
    while let Some(row) = source.next_row()? {
        outcome.push(*row.cell(target) == *flags.positive);
        for (kept, at) in cells.iter_mut().zip(&used) {
            kept.push(row.cell(*at).into_owned());
        }
    }
    if !outcome.contains(&true) {
        let (target, positive) = (&flags.target, &flags.positive);
        return Err(refused(format!(
            "no row has {positive:?} in {target}: say its value with --positive"
        )));
    }
    let name = |at: &usize| headers.get(*at).map_or("", String::as_str);
    let fields: Vec<Field> = used
        .iter()
        .zip(&cells)
        .map(|(at, cells)| Field::read(name(at), cells.iter().map(String::as_str)))
        .collect();
    let report = scores::learn(&fields, &outcome, 0.0).map_err(|why| refused(why.to_string()))?;
    let answer = answer(&report, &outcome);
    plot::write(output, &flags.picture, || charts::lines(&drawn(&answer), Size::Wide))?;
    output.either(&answer, || human(&answer))
}

fn answer(report: &Report, outcome: &[bool]) -> Answer {
    let held_out = &report.held_out;
    let whole = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Answer {
        cases: whole(outcome.len()),
        positives: whole(outcome.iter().filter(|positive| **positive).count()),
        held_out: held_out.n,
        auc: held_out.auc.map(|auc| auc.value),
        auc_interval: held_out.auc.and_then(|auc| auc.interval),
        brier: held_out.brier,
        log_loss: held_out.log_loss,
        ks: held_out.ks,
        ece: held_out.ece,
        top_decile_lift: held_out.top_decile_lift,
        training_auc: report.training.auc.map(|auc| auc.value),
        log_likelihood: report.log_likelihood,
        calibration: held_out.reliability.iter().map(part).collect(),
        coefficients: report
            .coefficients
            .iter()
            .map(|one| Coefficient { name: one.name.clone(), value: one.value, se: one.se })
            .collect(),
        warnings: report.warnings.iter().map(ToString::to_string).collect(),
    }
}

fn part(bin: &Bin) -> Part {
    Part { n: bin.n, predicted: bin.predicted, observed: bin.observed.rate }
}

/// What was said beside what came, from the least likely tenth to the likeliest.
fn drawn(answer: &Answer) -> Lines {
    let parts = || answer.calibration.iter();
    Lines {
        title: "What the score says, and what came".to_owned(),
        about: format!("Of {} cases that were held out", count(answer.held_out)),
        labels: (1..=answer.calibration.len()).map(|nth| nth.to_string()).collect(),
        series: vec![
            Series::new("said", parts().map(|part| part.predicted)),
            Series::new("came", parts().map(|part| part.observed)),
        ],
        unit: Unit::Share,
    }
}

fn human(answer: &Answer) -> Vec<String> {
    let maybe = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), figure);
    let mut lines = vec![
        format!(
            "{} cases, {} of them hoped for; judged on {} that were held out",
            count(answer.cases),
            count(answer.positives),
            count(answer.held_out),
        ),
        format!(
            "area under the curve {}{}; {} on the part learned from",
            maybe(answer.auc),
            answer.auc_interval.map_or_else(String::new, |(low, high)| format!(
                " ({} to {})",
                figure(low),
                figure(high)
            )),
            maybe(answer.training_auc),
        ),
        format!(
            "Brier {}, log loss {}, top tenth {} × the average",
            maybe(answer.brier),
            maybe(answer.log_loss),
            maybe(answer.top_decile_lift),
        ),
        String::new(),
    ];
    let mut rows = vec![["said", "came", "cases"].map(str::to_owned).to_vec()];
    rows.extend(
        answer
            .calibration
            .iter()
            .map(|part| vec![percent(part.predicted), percent(part.observed), count(part.n)]),
    );
    lines.extend(table(&rows));
    lines.push(String::new());
    let mut by_size: Vec<&Coefficient> =
        answer.coefficients.iter().filter(|one| one.name != "const").collect();
    by_size.sort_by(|a, b| b.value.unwrap_or(0.0).abs().total_cmp(&a.value.unwrap_or(0.0).abs()));
    let mut rows = vec![["field", "weight", "±"].map(str::to_owned).to_vec()];
    rows.extend(
        by_size.into_iter().map(|one| vec![one.name.clone(), maybe(one.value), maybe(one.se)]),
    );
    lines.extend(table(&rows));
    lines.extend(answer.warnings.iter().map(|warning| format!("! {warning}")));
    lines
}
