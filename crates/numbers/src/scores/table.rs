//! Fields of cases, and how they become columns.
//!
//! Numbers are standardised by the mean and the population's standard deviation of the training
//! part. Words become one column for each but the alphabetically first. What is missing is not
//! zero: it is a column of its own, and the number stands at its mean.

use std::collections::BTreeMap;

use super::Warning;
use super::gram::Rows;
use super::kept::Stands;
use crate::real::{real, real_len};

/// More different words than this do not describe a case but name it.
pub const WORDS_MAX: usize = 60;

/// The values of one field, case by case; nothing where one is not known.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers, all finite.
    Numbers(Vec<Option<f64>>),
    /// Words.
    Words(Vec<Option<String>>),
}

/// A field of all cases.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Values,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// A number.
    Number(f64),
    /// A word.
    Word(&'a str),
    /// Not known.
    Missing,
}

impl std::fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => f.write_str(word),
            Self::Missing => f.write_str("not known"),
        }
    }
}

impl Field {
    /// From cells of text: the field is of numbers where everything in it is one or is not known
    /// ([`is_missing`]). Among words, only an empty cell is not known: `NA` may be one of them.
    pub fn read<'a>(name: &str, cells: impl Iterator<Item = &'a str> + Clone) -> Self {
        let numbers: Option<Vec<Option<f64>>> = cells
            .clone()
            .map(|cell| match cell.trim() {
                cell if is_missing(cell) => Some(None),
                cell => cell.parse().ok().filter(|n: &f64| n.is_finite()).map(Some),
            })
            .collect();
        let values = match numbers {
            Some(numbers) if numbers.iter().any(Option::is_some) => Values::Numbers(numbers),
            _ => Values::Words(
                cells.map(str::trim).map(|c| (!c.is_empty()).then(|| c.to_owned())).collect(),
            ),
        };
        Self { name: name.to_owned(), values }
    }

    /// How many cases.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Numbers(numbers) => numbers.len(),
            Values::Words(words) => words.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values case by case.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        let (numbers, words) = match &self.values {
            Values::Numbers(numbers) => (Some(numbers), None),
            Values::Words(words) => (None, Some(words)),
        };
        let numbers = numbers.into_iter().flatten();
        let words = words.into_iter().flatten();
        numbers
            .map(|n| n.filter(|n| n.is_finite()).map_or(Cell::Missing, Cell::Number))
            .chain(words.map(|w| w.as_deref().map_or(Cell::Missing, Cell::Word)))
    }
}

/// How one field becomes columns.
#[derive(Debug, Clone, PartialEq)]
struct Code {
    field: String,
    /// Mean and standard deviation, where it is a number that varies.
    scale: Option<(f64, f64)>,
    /// The words with a column each, and which.
    words: BTreeMap<String, usize>,
    /// Whether what is missing has a column.
    missing: bool,
}

impl Code {
    fn width(&self) -> usize {
        usize::from(self.scale.is_some()) + self.words.len() + usize::from(self.missing)
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let number = self.scale.map(|_| self.field.clone());
        let words = self.words.keys().map(|word| format!("{}={word}", self.field));
        let missing = self.missing.then(|| format!("{}=(not known)", self.field));
        number.into_iter().chain(words).chain(missing)
    }

    fn push(&self, cell: Cell<'_>, onto: &mut Vec<f64>) {
        if let Some((mean, sd)) = self.scale {
            let at = if let Cell::Number(n) = cell { (n - mean) / sd } else { 0.0 };
            onto.push(at.clamp(-FAR, FAR));
        }
        let hit = if let Cell::Word(word) = cell { self.words.get(word).copied() } else { None };
        onto.extend((0..self.words.len()).map(|at| f64::from(hit == Some(at))));
        if self.missing {
            onto.push(f64::from(cell == Cell::Missing));
        }
    }
}

/// Standard deviations from the mean beyond which a case is no further away: with more, sums would
/// have no end.
const FAR: f64 = 1e9;

/// How all fields become columns, as learned from the training part.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Coding {
    codes: Vec<Code>,
}

impl Coding {
    /// Learns from the cases that `train` says. Fields that say nothing are left out, with a word.
    pub(super) fn learn(fields: &[Field], train: &[bool], warnings: &mut Vec<Warning>) -> Self {
        let mut codes = Vec::new();
        for field in fields {
            let seen: Vec<Cell<'_>> =
                field.cells().zip(train).filter(|(_, train)| **train).map(|(c, _)| c).collect();
            let missing = seen.iter().filter(|cell| **cell == Cell::Missing).count();
            let mut words: Vec<&str> = seen
                .iter()
                .filter_map(|cell| if let Cell::Word(word) = cell { Some(*word) } else { None })
                .collect();
            words.sort_unstable();
            words.dedup();
            let mut code = Code {
                field: field.name.clone(),
                scale: scale(&seen),
                words: BTreeMap::new(),
                missing: missing > 0 && missing < seen.len(),
            };
            if words.len() > WORDS_MAX {
                warnings.push(Warning::TooManyWords { field: code.field.clone() });
                code.missing = false;
            } else {
                let named = words.iter().skip(1).enumerate();
                code.words = named.map(|(at, word)| ((*word).to_owned(), at)).collect();
            }
            if code.width() == 0 && words.len() <= WORDS_MAX {
                warnings.push(Warning::Constant { field: code.field.clone() });
            }
            codes.push(code);
        }
        Self { codes }
    }

    /// Columns, the intercept included.
    pub(super) fn width(&self) -> usize {
        1 + self.codes.iter().map(Code::width).sum::<usize>()
    }

    /// Their names, `const` first.
    pub(super) fn names(&self) -> Vec<String> {
        let of_fields = self.codes.iter().flat_map(Code::names);
        std::iter::once("const".to_owned()).chain(of_fields).collect()
    }

    /// The name of each field with how many columns it has, in order.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, usize)> {
        self.codes.iter().map(|code| (code.field.as_str(), code.width()))
    }

    /// Each field with what its columns stand for, in their order.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&str, Vec<Stands>)> {
        self.codes.iter().map(|code| {
            let number = code.scale.map(|(mean, sd)| Stands::Number { mean, sd });
            let words = code.words.keys().cloned().map(Stands::Word);
            let missing = code.missing.then_some(Stands::Missing);
            (code.field.as_str(), number.into_iter().chain(words).chain(missing).collect())
        })
    }

    /// The same from such parts.
    pub(super) fn of_parts<'a, P>(fields: impl Iterator<Item = (&'a str, P)>) -> Self
    where
        P: Iterator<Item = &'a Stands>,
    {
        let codes = fields.map(|(name, parts)| {
            let mut code = Code {
                field: name.to_owned(),
                scale: None,
                words: BTreeMap::new(),
                missing: false,
            };
            for part in parts {
                match part {
                    Stands::Number { mean, sd } => code.scale = Some((*mean, *sd)),
                    Stands::Word(word) => {
                        code.words.insert(word.clone(), code.words.len());
                    }
                    Stands::Missing => code.missing = true,
                }
            }
            code
        });
        Self { codes: codes.collect() }
    }

    /// One case as columns.
    pub(super) fn push<'a>(&self, cells: impl Iterator<Item = Cell<'a>>, onto: &mut Vec<f64>) {
        onto.push(1.0);
        for (code, cell) in self.codes.iter().zip(cells) {
            code.push(cell, onto);
        }
    }

    /// All cases as columns.
    pub(super) fn rows(&self, fields: &[Field], cases: usize) -> Rows {
        let mut rows = Rows::new(self.width());
        let mut columns: Vec<_> = fields.iter().map(Field::cells).collect();
        for _ in 0..cases {
            let cells = columns.iter_mut().map(|cells| cells.next().unwrap_or(Cell::Missing));
            rows.push(|onto| self.push(cells, onto));
        }
        rows
    }
}

/// Mean and population standard deviation of the numbers known; nothing where they do not vary.
fn scale(seen: &[Cell<'_>]) -> Option<(f64, f64)> {
    let numbers =
        || seen.iter().filter_map(|cell| if let Cell::Number(n) = cell { Some(*n) } else { None });
    let n = real_len(numbers().count());
    if n < 1.0 {
        return None;
    }
    let mean = numbers().sum::<f64>() / n;
    let sd = (numbers().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
    // A spread within rounding of the mean is none.
    (sd > 1e-12 * mean.abs() && sd.is_finite()).then_some((mean, sd))
}

/// What programs write among numbers where there is none.
const MISSING: [&str; 14] = [
    "", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nil", "missing", "?", "-", ".", "\\n",
];

/// Whether a cell among numbers says that there is none: `NA`, `null`, `?`, or nothing.
pub fn is_missing(cell: &str) -> bool {
    let cell = cell.trim();
    cell.len() <= 7 && MISSING.iter().any(|word| cell.eq_ignore_ascii_case(word))
}

/// Whether case `row`, counted from 0, is held out: row · 2654435761 mod 2³² below .3 · 2³². A
/// fixed rule, so that the same file always gives the same figures (Knuth, *The Art of Computer
/// Programming* 3, §6.4).
pub fn is_held_out(row: u64) -> bool {
    real(row.wrapping_mul(2_654_435_761) & 0xffff_ffff) < 0.3 * 4_294_967_296.0
}
