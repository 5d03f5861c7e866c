//! Lead scores: from what is known of cases whose outcome is known, how likely the others are.
//!
//! [`learn`] splits the cases by a fixed rule, fits a logistic regression to one part and judges it
//! on the other, and says what a person should look at before believing it. The figures of the
//! held-out part are the ones to show; how well the probabilities are calibrated stands beside how
//! well they rank. [`Model::explain`] takes one score apart, field by field.

mod gram;
pub mod kept;
mod leaks;
mod logistic;
pub mod metrics;
pub mod points;
pub mod table;

use gram::{Gram, Rows, dot};
use logistic::Fit;
use metrics::{Auc, Metrics};
use table::{Cell, Coding, Field};

use crate::real::{ratio, real, real_len};

/// A column of which so little is left after those before it says the same as they do.
const INDEPENDENT_LEAST: f64 = 1e-9;

/// The penalty for scores where the outcomes are separated and no maximum is finite: the one most
/// programs take unasked.
const RIDGE: f64 = 1.0;

/// Below so many of the rarer outcome for each column, coefficients are mostly noise (Peduzzi et
/// al. 1996, *A Simulation Study of the Number of Events per Variable*).
const EVENTS_PER_COLUMN: f64 = 10.0;

/// What a person should look at.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// The field is the same for all cases of the training part.
    Constant {
        /// Which.
        field: String,
    },
    /// The field has more different words than [`table::WORDS_MAX`].
    TooManyWords {
        /// Which.
        field: String,
    },
    /// The column says the same as those before it.
    Repeats {
        /// Which.
        column: String,
    },
    /// The field alone tells nearly everything.
    TellsAll {
        /// Which.
        field: String,
        /// Its own area under the curve.
        auc: f64,
    },
    /// Whether the field is filled tells most of it.
    FillTells {
        /// Which.
        field: String,
        /// The area of its being filled.
        auc: f64,
    },
    /// The field alone tells more than all others together.
    Outweighs {
        /// Which.
        field: String,
        /// Its own area.
        alone: f64,
        /// The area of all others together.
        others: f64,
    },
    /// These columns tell the outcomes apart without fault: no finite parameters exist.
    Separated {
        /// Which.
        columns: Vec<String>,
    },
    /// The fit did not settle.
    NotFound,
    /// Fewer cases of the rarer outcome than ten for each column.
    FewCases {
        /// Cases of the rarer outcome in the training part.
        cases: u64,
        /// Columns, the intercept left out.
        columns: u64,
    },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Constant { field } => {
                write!(f, "{field} is the same everywhere and was left out")
            }
            Self::TooManyWords { field } => {
                write!(f, "{field} has too many different words to learn from and was left out")
            }
            Self::Repeats { column } => {
                write!(f, "{column} says the same as columns before it and was left out")
            }
            Self::TellsAll { field, auc } => write!(
                f,
                "{field} alone nearly tells the outcome (auc {auc:.3}): if it is filled after the \
                 outcome it leaks; leave it out"
            ),
            Self::FillTells { field, auc } => write!(
                f,
                "whether {field} is filled tells the outcome (auc {auc:.3}): if it is filled after \
                 the outcome it leaks; leave it out"
            ),
            Self::Outweighs { field, alone, others } => write!(
                f,
                "{field} alone (auc {alone:.3}) tells more than all other fields together (auc \
                 {others:.3}): if it is known only after the outcome it leaks; leave it out"
            ),
            Self::Separated { columns } => write!(
                f,
                "{} tell the outcomes apart without fault: the parameters have no finite value and \
                 are not shown; look for a leak, or gather more cases",
                columns.join(", ")
            ),
            Self::NotFound => f.write_str("no fit was found; look for extreme values"),
            Self::FewCases { cases, columns } => {
                let s = |n: u64| if n == 1 { "" } else { "s" };
                write!(
                    f,
                    "only {cases} case{} of the rarer outcome for {columns} column{}; take fewer \
                     fields or gather more cases",
                    s(*cases),
                    s(*columns)
                )
            }
        }
    }
}

/// Why nothing was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The fields have not as many cases as there are outcomes.
    Lengths,
    /// The training part lacks one of the outcomes.
    OneOutcome,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Lengths => "every field needs a value or a gap for every case",
            Self::OneOutcome => "cases of both outcomes are needed to learn from; gather more",
        })
    }
}

impl std::error::Error for Refusal {}

/// One parameter, on the scale of the standardised column.
#[derive(Debug, Clone, PartialEq)]
pub struct Coefficient {
    /// `const`, a field, or `field=word`.
    pub name: String,
    /// Its value; nothing where none is finite, or the column was left out.
    pub value: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
}

/// What was learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Figures of the held-out part; empty ones where nothing was held out.
    pub held_out: Metrics,
    /// The same of the part learned from: how much better that is says how much was learned by
    /// heart.
    pub training: Metrics,
    /// The log likelihood of the training part; nothing where it has no maximum.
    pub log_likelihood: Option<f64>,
    /// The same knowing only the share of positives.
    pub log_likelihood_null: f64,
    /// The parameters.
    pub coefficients: Vec<Coefficient>,
    /// What to look at.
    pub warnings: Vec<Warning>,
    /// What scores others.
    pub model: Model,
}

/// What scores a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    coding: Coding,
    beta: Vec<f64>,
    /// The mean of every column in the training part.
    means: Vec<f64>,
}

/// What one field adds to a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The field.
    pub field: String,
    /// Its value in this case, as text.
    pub value: String,
    /// Log odds it adds against the average case; below zero it takes away.
    pub adds: f64,
}

/// One score taken apart: `average` and all `adds` sum to the log odds.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The probability.
    pub probability: f64,
    /// The log odds of a case that is average in every field.
    pub average: f64,
    /// What each field adds, the weightiest first.
    pub lines: Vec<Line>,
}

impl Model {
    /// The fields it wants, in order.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.coding.fields().map(|(field, _)| field)
    }

    /// The probability of a case, its cells in the order of [`Self::fields`]; words never seen
    /// count as the base, and cells that lack as not known.
    pub fn probability(&self, cells: &[Cell<'_>]) -> f64 {
        logistic::logistic(dot(&self.columns(cells), &self.beta))
    }

    fn columns(&self, cells: &[Cell<'_>]) -> Vec<f64> {
        let mut columns = Vec::with_capacity(self.coding.width());
        let cells = cells.iter().copied().chain(std::iter::repeat(Cell::Missing));
        self.coding.push(cells, &mut columns);
        columns
    }

    /// Takes the score of a case apart.
    pub fn explain(&self, cells: &[Cell<'_>]) -> Explanation {
        let columns = self.columns(cells);
        let mut parts = columns.iter().zip(&self.beta).zip(&self.means);
        let intercept = parts.next().map_or(0.0, |((x, b), _)| x * b);
        let mut average = intercept;
        let mut lines = Vec::new();
        let values = cells.iter().copied().chain(std::iter::repeat(Cell::Missing));
        for ((field, width), value) in self.coding.fields().zip(values) {
            let mut adds = 0.0;
            for ((x, b), mean) in parts.by_ref().take(width) {
                adds += b * (x - mean);
                average += b * mean;
            }
            if width > 0 {
                lines.push(Line { field: field.to_owned(), value: value.to_string(), adds });
            }
        }
        lines.sort_by(|x, y| y.adds.abs().total_cmp(&x.adds.abs()));
        let probability = logistic::logistic(dot(&columns, &self.beta));
        Explanation { probability, average, lines }
    }

    fn probabilities(&self, rows: &Rows, which: &[bool], wanted: bool) -> Vec<f64> {
        rows.iter()
            .zip(which)
            .filter(|(_, which)| **which == wanted)
            .map(|(row, _)| logistic::logistic(dot(row, &self.beta)))
            .collect()
    }
}

/// Learns from cases, `outcome` saying which were positive, with penalty `lambda` on the squares of
/// the parameters (half of it each; 0 is the maximum likelihood). Which cases are held out is said
/// by [`table::is_held_out`].
///
/// # Errors
///
/// Where the lengths differ or the training part lacks one of the outcomes.
pub fn learn(fields: &[Field], outcome: &[bool], lambda: f64) -> Result<Report, Refusal> {
    let train: Vec<bool> = (0..).zip(outcome).map(|(row, _)| !table::is_held_out(row)).collect();
    learn_apart(fields, outcome, &train, lambda)
}

/// The same where `train` says which cases are learned from: those of a file that was not read
/// whole keep the part they had by their place in it.
///
/// # Errors
///
/// As [`learn`].
pub fn learn_apart(
    fields: &[Field],
    outcome: &[bool],
    train: &[bool],
    lambda: f64,
) -> Result<Report, Refusal> {
    let is_short = |length: usize| length != outcome.len();
    if fields.iter().any(|field| is_short(field.len())) || is_short(train.len()) {
        return Err(Refusal::Lengths);
    }
    let mut warnings = Vec::new();
    let fitted = fit(fields, outcome, train, lambda, &mut warnings)?;
    if let Some((strongest, alone)) = leaks::ask(fields, outcome, train, &mut warnings)
        && let Some(full) = fitted.held_out.auc
    {
        let asked = warnings
            .iter()
            .any(|w| matches!(w, Warning::TellsAll { field, .. } if field == strongest));
        if !asked && alone >= leaks::STRONG && fields.len() > 2 {
            warnings.extend(outweighs(fields, outcome, train, (strongest, alone), full));
        }
    }
    Ok(Report { warnings, ..fitted })
}

/// Whether the strongest field tells more than all others together.
fn outweighs(
    fields: &[Field],
    outcome: &[bool],
    train: &[bool],
    (strongest, alone): (&str, f64),
    full: Auc,
) -> Option<Warning> {
    let others: Vec<Field> =
        fields.iter().filter(|field| field.name != strongest).cloned().collect();
    // A light penalty, so that a separation elsewhere does not stop the question.
    let fitted = fit(&others, outcome, train, RIDGE, &mut Vec::new()).ok()?;
    let others = fitted.held_out.auc?.value;
    (alone > others && others >= leaks::OTHERS_LEAST && full.value - others >= leaks::GAIN)
        .then(|| Warning::Outweighs { field: strongest.to_owned(), alone, others })
}

/// Fits and judges, without asking about leaks.
fn fit(
    fields: &[Field],
    outcome: &[bool],
    train: &[bool],
    lambda: f64,
    warnings: &mut Vec<Warning>,
) -> Result<Report, Refusal> {
    let of = |wanted: bool| -> Vec<bool> {
        outcome.iter().zip(train).filter(|(_, t)| **t == wanted).map(|(y, _)| *y).collect()
    };
    let (learned, held_out) = (of(true), of(false));
    let positives = learned.iter().filter(|y| **y).count();
    let share = ratio(real_len(positives), real_len(learned.len())).unwrap_or(0.0);
    if share <= 0.0 || share >= 1.0 {
        return Err(Refusal::OneOutcome);
    }
    let coding = Coding::learn(fields, train, warnings);
    let names = coding.names();
    let all = coding.rows(fields, outcome.len());
    let (rows, means, kept) = training_rows(&all, train);
    for (column, kept) in names.iter().zip(&kept) {
        if !kept {
            warnings.push(Warning::Repeats { column: column.clone() });
        }
    }
    let columns = u64::try_from(rows.width().saturating_sub(1)).unwrap_or(u64::MAX);
    let rarer = u64::try_from(positives.min(learned.len() - positives)).unwrap_or(u64::MAX);
    if real(rarer) < EVENTS_PER_COLUMN * real(columns) {
        warnings.push(Warning::FewCases { cases: rarer, columns });
    }
    let solved = solve(&rows, &learned, lambda, (&names, &kept), warnings);
    let spread = |values: &[f64]| {
        let mut values = values.iter().copied();
        kept.iter().map(|kept| kept.then(|| values.next()).flatten()).collect::<Vec<_>>()
    };
    let beta = spread(&solved.beta).into_iter().map(|b| b.unwrap_or(0.0)).collect();
    let (values, ses) = (spread(&solved.shown.0), spread(&solved.shown.1));
    let coefficients = names
        .into_iter()
        .zip(values.into_iter().zip(ses))
        .map(|(name, (value, se))| Coefficient { name, value, se })
        .collect();
    let model = Model { coding, beta, means };
    let n = real_len(learned.len());
    Ok(Report {
        held_out: metrics::metrics(&model.probabilities(&all, train, false), &held_out),
        training: metrics::metrics(&model.probabilities(&all, train, true), &learned),
        log_likelihood: solved.log_likelihood,
        log_likelihood_null: n * (share * share.ln() + (1.0 - share) * (1.0 - share).ln()),
        coefficients,
        warnings: Vec::new(),
        model,
    })
}

/// The rows to learn from without columns that repeat others, the mean of every column, and which
/// were kept.
fn training_rows(all: &Rows, train: &[bool]) -> (Rows, Vec<f64>, Vec<bool>) {
    let mut gram = Gram::new(all.width());
    let mut sums = vec![0.0; all.width()];
    let mut n = 0.0;
    let mut rows = Rows::new(all.width());
    for (row, _) in all.iter().zip(train).filter(|(_, train)| **train) {
        gram.add(row, 1.0);
        n += 1.0;
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum += x;
        }
        rows.push(|onto| onto.extend_from_slice(row));
    }
    let kept = gram.independent(INDEPENDENT_LEAST);
    let means = sums.into_iter().map(|sum| sum / n).collect();
    let rows = if kept.iter().all(|kept| *kept) { rows } else { rows.columns(&kept) };
    (rows, means, kept)
}

/// Parameters to score by, and those to show with their standard errors.
struct Solved {
    beta: Vec<f64>,
    shown: (Vec<f64>, Vec<f64>),
    log_likelihood: Option<f64>,
}

fn solve(
    rows: &Rows,
    outcome: &[bool],
    lambda: f64,
    (names, kept): (&[String], &[bool]),
    warnings: &mut Vec<Warning>,
) -> Solved {
    match logistic::fit(rows, outcome, lambda) {
        Fit::Found { beta, se, log_likelihood } => {
            return Solved {
                shown: (beta.clone(), se),
                beta,
                log_likelihood: (lambda <= 0.0).then_some(log_likelihood),
            };
        }
        Fit::Separated { direction } => {
            let most = direction.iter().fold(0.0_f64, |most, d| most.max(d.abs()));
            let of_kept = names.iter().zip(kept).filter(|(_, kept)| **kept);
            let columns: Vec<String> = of_kept
                .zip(&direction)
                .skip(1)
                .filter(|(_, d)| d.abs() > 0.1 * most)
                .map(|((name, _), _)| name.clone())
                .collect();
            warnings.push(Warning::Separated { columns });
        }
        Fit::NotFound => warnings.push(Warning::NotFound),
    }
    let none = (Vec::new(), Vec::new());
    // Scores are still of use with a penalty, which always has a finite maximum; parameters are
    // not.
    match logistic::fit(rows, outcome, RIDGE.max(lambda)) {
        Fit::Found { beta, .. } => Solved { beta, shown: none, log_likelihood: None },
        _ => {
            let share =
                ratio(real_len(outcome.iter().filter(|y| **y).count()), real_len(outcome.len()));
            let intercept = share.map_or(0.0, |p| (p / (1.0 - p)).ln());
            let rest = std::iter::repeat_n(0.0, rows.width().saturating_sub(1));
            let beta = std::iter::once(intercept).chain(rest).collect();
            Solved { beta, shown: none, log_likelihood: None }
        }
    }
}

#[cfg(test)]
mod tests;
