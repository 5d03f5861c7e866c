//! Published results of the field, and results that others computed by independent means, beside
//! what Tundish answers: from the command line on the raw files where there is a command for it,
//! from `numbers` else. The test `published_results_come_out` holds every line; `cargo xtask
//! references` prints them.
#![allow(
    clippy::inconsistent_digit_grouping,
    reason = "digits behind the point stand as the sources print them"
)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

mod experiments;
mod lifetime;
mod orders;
mod roads;
mod scores;

/// One figure.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it is of: data and model.
    pub of: &'static str,
    /// Its name.
    pub what: String,
    /// Who published or computed it.
    pub source: &'static str,
    /// What it is there.
    pub wanted: f64,
    /// What Tundish says.
    pub got: f64,
    /// How far the two may lie apart.
    pub within: f64,
}

impl Line {
    /// Whether Tundish says the same.
    pub fn holds(&self) -> bool {
        (self.got - self.wanted).abs() <= self.within
    }
}

/// Asks the program `tundish` about files of the reference data.
#[derive(Debug)]
pub struct References<'a> {
    binary: &'a Path,
    lines: Vec<Line>,
}

/// Whose result a run of lines is.
#[derive(Debug, Clone, Copy)]
struct From {
    of: &'static str,
    source: &'static str,
}

/// Every line; nothing where the reference data is absent.
///
/// # Panics
/// The program does not answer, or a file is missing from data that is there.
pub fn all(binary: &Path) -> Vec<Line> {
    let mut all = References { binary, lines: Vec::new() };
    lifetime::add(&mut all);
    orders::add(&mut all);
    roads::add(&mut all);
    experiments::add(&mut all);
    scores::add(&mut all);
    all.lines
}

impl References<'_> {
    /// What `tundish analyze question file …` says; nothing where the data is absent.
    fn ask(&self, question: &str, file: &str, flags: &str) -> Option<Value> {
        let path = crate::data::file("references", file)?;
        Some(self.answer(&[question, path.to_str().unwrap()], flags))
    }

    fn answer(&self, first: &[&str], flags: &str) -> Value {
        let told = Command::new(self.binary)
            .arg("analyze")
            .args(first)
            .args(flags.split_whitespace())
            .arg("--json")
            .output()
            .unwrap();
        let why = String::from_utf8_lossy(&told.stderr);
        assert!(told.status.success(), "{first:?} {flags}: {why}");
        serde_json::from_slice(&told.stdout).unwrap()
    }

    /// Figures of one answer by their pointers, each to a part of what is wanted.
    fn relative(&mut self, from: From, answer: &Value, wanted: &[(&str, f64)], part: f64) {
        for (pointer, wanted) in wanted {
            self.line(from, pointer, *wanted, found(answer, pointer), wanted.abs() * part);
        }
    }

    /// The same, each to a distance.
    fn near(&mut self, from: From, answer: &Value, wanted: &[(&str, f64)], within: f64) {
        for (pointer, wanted) in wanted {
            self.line(from, pointer, *wanted, found(answer, pointer), within);
        }
    }

    fn line(&mut self, from: From, what: &str, wanted: f64, got: f64, within: f64) {
        let From { of, source } = from;
        let what = what.trim_start_matches('/').replace('/', " ");
        self.lines.push(Line { of, what, source, wanted, got, within });
    }
}

fn found(answer: &Value, pointer: &str) -> f64 {
    let value = answer.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in the answer"));
    value.as_f64().unwrap_or_else(|| panic!("{pointer} is {value}, no number"))
}

/// The cells of a small table without quotes, below its head.
fn rows(file: &str) -> Option<Vec<Vec<String>>> {
    let path = crate::data::file("references", file)?;
    let bytes = std::fs::read(path).unwrap();
    let text = if file.ends_with(".gz") { unpacked(&bytes) } else { bytes };
    let text = String::from_utf8(text).unwrap();
    let cells = |line: &str| line.split(',').map(str::to_owned).collect();
    Some(text.lines().skip(1).map(cells).collect())
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut all).unwrap();
    all
}
