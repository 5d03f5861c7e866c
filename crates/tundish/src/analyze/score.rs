//! `tundish analyze score`: who will buy, learned from a table of cases and judged on those held
//! out.

use numbers::scores::metrics::Bin;
use numbers::scores::table::{Field, Values, is_held_out, is_missing};
use numbers::scores::{self, Report};
use serde::Serialize;
use web::charts::{self, Lines, Series, Size, Unit};

use super::amounts::{self, Decimal, Marks};
use super::columns::{self, Columns, Role};
use super::formats::{self, Said};
use super::left_out::LeftOut;
use super::plot;
use super::source::Source;
use super::words::{count, figure, percent, some};
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
    left_out: LeftOut,
    notes: Vec<String>,
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
    let said = Said::of(None, flags.decimal.as_deref())?;
    let mut source = Source::open(&flags.file)?;
    let columns = Columns::mapped(source.headers(), &flags.map)?;
    let cases = Cases::read(&mut source, &columns, flags)?;
    let (fields, notes) = fields(&cases, source.headers(), said, source.separator());
    usable(&fields, &cases).map_err(|why| refused(format!("{}: {why}", source.name())))?;
    let report = scores::learn_apart(&fields, &cases.outcome, &cases.train, 0.0)
        .map_err(|why| refused(why.to_string()))?;
    output.say(format!("target = {}", cases.target));
    let answer = answer(&report, cases, notes);
    plot::write(output, &flags.picture, || charts::lines(&drawn(&answer), Size::Wide))?;
    output.either(&answer, || human(&answer))
}

/// What a file holds of cases whose outcome is known.
struct Cases {
    /// The name of the column of outcomes.
    target: String,
    /// Columns that are facts.
    used: Vec<usize>,
    /// The cells of each of them.
    cells: Vec<Vec<String>>,
    outcome: Vec<bool>,
    /// On which line each stands.
    lines: Vec<u64>,
    /// Which are learned from; by their place in the file, whatever was left out before them.
    train: Vec<bool>,
    left_out: LeftOut,
}

impl Cases {
    fn read(source: &mut Source, columns: &Columns, flags: &Score) -> anyhow::Result<Self> {
        let headers = source.headers().to_vec();
        let target = match &flags.target {
            Some(name) => columns::find(&headers, name)?,
            None => columns.said(Role::Target).ok_or_else(|| {
                let all = columns::listed(&headers);
                usage(format!(
                    "say which column has the outcome, with --target NAME (there are {all})"
                ))
            })?,
        };
        let mut excluded = vec![target];
        for name in &flags.exclude {
            excluded.push(columns::find(&headers, name)?);
        }
        // Who or what a case is is no fact about it.
        let named = [Role::Customer, Role::Contact, Role::Order];
        excluded.extend(named.into_iter().filter_map(|role| columns.said(role)));
        let used: Vec<usize> = (0..headers.len()).filter(|at| !excluded.contains(at)).collect();
        let mut cells: Vec<Vec<String>> = vec![Vec::new(); used.len()];
        let (mut outcome, mut train, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        let mut left_out = LeftOut::default();
        while let Some(row) = source.next_row()? {
            let came = row.cell(target);
            let is_positive = *came == *flags.positive;
            if !is_positive && is_missing(&came) {
                left_out.count("what came of it is not known");
                continue;
            }
            outcome.push(is_positive);
            train.push(!is_held_out(row.nth));
            lines.push(row.line);
            for (kept, at) in cells.iter_mut().zip(&used) {
                kept.push(row.cell(*at).into_owned());
            }
        }
        source.settle(&mut left_out)?;
        let target = headers.get(target).cloned().unwrap_or_default();
        if !outcome.contains(&true) {
            let positive = &flags.positive;
            return Err(refused(format!(
                "no row has {positive:?} in {target}: say its value with --positive"
            )));
        }
        Ok(Self { target, used, cells, outcome, lines, train, left_out })
    }
}

/// The facts as fields: of numbers where all the cells of a column are, in whatever way the file
/// writes them.
fn fields(
    cases: &Cases,
    headers: &[String],
    said: Said,
    separator: char,
) -> (Vec<Field>, Vec<String>) {
    let known = |cells: &[String]| -> Vec<String> {
        cells.iter().filter(|cell| !is_missing(cell)).cloned().collect()
    };
    let is_number = |cell: &String| amounts::number(cell, Decimal::Point).is_some();
    let are_numbers: Vec<bool> =
        cases.cells.iter().map(|cells| known(cells).iter().all(is_number)).collect();
    let mut marks = Marks::default();
    let numeric = cases.cells.iter().zip(&are_numbers).filter(|(_, numbers)| **numbers);
    for (column, (cells, _)) in numeric.enumerate() {
        cells.iter().for_each(|cell| marks.see(column, cell));
    }
    let settled = formats::decimal(&marks, said, separator);
    let field = |((at, cells), are_numbers): ((&usize, &Vec<String>), &bool)| {
        let name = headers.get(*at).map_or("", String::as_str);
        let is_plain = settled.decimal == Decimal::Point
            && known(cells).iter().all(|cell| cell.parse::<f64>().is_ok());
        if is_plain || !are_numbers {
            return Field::read(name, cells.iter().map(String::as_str));
        }
        let number = |cell: &String| {
            if is_missing(cell) { None } else { amounts::number(cell, settled.decimal) }
        };
        let numbers = cells.iter().map(number).collect();
        Field { name: name.to_owned(), values: Values::Numbers(numbers) }
    };
    let fields = cases.used.iter().zip(&cases.cells).zip(&are_numbers).map(field).collect();
    (fields, settled.notes)
}

/// Beyond this the square of a number is none any more.
const LARGEST: f64 = 1e100;

/// Why nothing can be learned from these.
fn usable(fields: &[Field], cases: &Cases) -> Result<(), String> {
    if fields.is_empty() {
        return Err("no column is left to learn from: exclude fewer".to_owned());
    }
    for field in fields {
        let Values::Numbers(numbers) = &field.values else { continue };
        let is_beyond = |number: &Option<f64>| number.is_some_and(|n| n.abs() > LARGEST);
        let Some(at) = numbers.iter().position(is_beyond) else { continue };
        let line = cases.lines.get(at).copied().unwrap_or_default();
        let name = &field.name;
        return Err(format!(
            "line {line}: {name} is beyond all use; mend it, or leave the column out with --exclude \
             {name:?}"
        ));
    }
    Ok(())
}

fn answer(report: &Report, cases: Cases, notes: Vec<String>) -> Answer {
    let Cases { outcome, mut left_out, .. } = cases;
    left_out.notes.clone_from(&notes);
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
        left_out,
        notes,
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
        about: format!("Of {} held out", some(answer.held_out, "case")),
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
            "{}, {} of them hoped for; judged on {} that were held out",
            some(answer.cases, "case"),
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
    lines.extend(answer.left_out.told());
    lines
}
