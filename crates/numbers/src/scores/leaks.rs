//! Fields that know the outcome because they were written after it.
//!
//! Nothing in a table says when a cell was filled. What is looked for is what such fields look
//! like, each alone on held-out cases:
//!
//! * it tells nearly everything (AUC ≥ .95),
//! * whether it is filled at all tells most of it (AUC ≥ .8),
//! * it alone tells more than all other fields together, which tell something (AUC ≥ .6), and with
//!   it the whole gains .1 of AUC or more. One good field among noise is no wonder.
//!
//! Each is a question to a person, never a reason to drop the field unasked: only they know when it
//! is written.

use std::collections::BTreeMap;

use super::table::{Cell, Field};
use super::{Warning, metrics};
use crate::real::real;

/// From here on a field alone is too good.
const TOO_GOOD: f64 = 0.95;

/// From here on its being filled is.
const FILL_TOO_GOOD: f64 = 0.8;

/// A field that alone reaches less than this is not asked about, however weak the others are.
pub(super) const STRONG: f64 = 0.7;

/// Others that reach less than this tell next to nothing, and any honest field outweighs them.
pub(super) const OTHERS_LEAST: f64 = 0.6;

/// What the field must add to the whole to be asked about as the strongest of all.
pub(super) const GAIN: f64 = 0.1;

/// How well one field alone ranks the held-out cases, whichever way round; nothing where that
/// cannot be told.
fn alone(field: &Field, outcome: &[bool], train: &[bool]) -> Option<f64> {
    let mut rates: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let mut all = (0.0, 0.0);
    for ((cell, y), train) in field.cells().zip(outcome).zip(train) {
        if let (Cell::Word(word), true) = (cell, *train) {
            let rate = rates.entry(word).or_default();
            for sum in [rate, &mut all] {
                sum.0 += f64::from(*y);
                sum.1 += 1.0;
            }
        }
    }
    let base = crate::real::ratio(all.0, all.1).unwrap_or(0.0);
    let held_out = field.cells().zip(outcome).zip(train).filter(|(_, train)| !**train);
    let (scores, outcome): (Vec<f64>, Vec<bool>) = held_out
        .filter_map(|((cell, y), _)| match cell {
            Cell::Number(number) => Some((number, *y)),
            Cell::Word(word) => {
                // One case more at the base rate, so that a word seen once does not count as sure.
                let (won, n) = rates.get(word).copied().unwrap_or_default();
                Some(((won + base) / (n + 1.0), *y))
            }
            Cell::Missing => None,
        })
        .unzip();
    either_way(&scores, &outcome)
}

fn either_way(scores: &[f64], outcome: &[bool]) -> Option<f64> {
    let area = metrics::auc(scores, outcome)?.value;
    Some(area.max(1.0 - area))
}

/// How well being filled alone ranks all cases.
fn fill(field: &Field, outcome: &[bool]) -> Option<f64> {
    let filled: Vec<f64> = field.cells().map(|cell| f64::from(cell != Cell::Missing)).collect();
    either_way(&filled, outcome)
}

/// Cases of either class below which a field that ranks them without fault may do so by chance.
const CASES_MIN: u64 = 8;

/// Asks about fields that are too good, and names the strongest with its area.
pub(super) fn ask<'a>(
    fields: &'a [Field],
    outcome: &[bool],
    train: &[bool],
    warnings: &mut Vec<Warning>,
) -> Option<(&'a str, f64)> {
    let positives = real(u64::try_from(outcome.iter().filter(|y| **y).count()).ok()?);
    let others = real(u64::try_from(outcome.len()).ok()?) - positives;
    let few = positives.min(others) < real(CASES_MIN);
    let mut strongest: Option<(&str, f64)> = None;
    for field in fields {
        let name = || field.name.clone();
        let area = alone(field, outcome, train);
        if let Some(area) = area
            && strongest.is_none_or(|(_, best)| area > best)
        {
            strongest = Some((&field.name, area));
        }
        if few {
            continue;
        }
        if let Some(auc) = area.filter(|area| *area >= TOO_GOOD) {
            warnings.push(Warning::TellsAll { field: name(), auc });
        } else if let Some(auc) = fill(field, outcome).filter(|area| *area >= FILL_TOO_GOOD) {
            warnings.push(Warning::FillTells { field: name(), auc });
        }
    }
    strongest
}
