//! What of a file was not counted, and why; and what else to know of how it was read.

use std::collections::BTreeMap;

use serde::Serialize;

use super::words::some;

/// What was left out, and why.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LeftOut {
    /// Rows by reason.
    #[serde(flatten)]
    pub reasons: BTreeMap<&'static str, u64>,
    /// Lines of the first rows that could not be read.
    #[serde(skip)]
    unreadable: Vec<(u64, String)>,
    /// What was taken for granted where the file did not say: a sentence each.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// Lines that are named at most.
const NAMED_MAX: usize = 5;
/// Letters of a cell that are shown: a broken file may have them all in one.
const SHOWN_MAX: usize = 40;

impl LeftOut {
    /// None yet, with what is known from the beginning.
    pub fn with(notes: Vec<String>) -> Self {
        Self { notes, ..Self::default() }
    }

    /// Counts a row that was left out.
    pub fn count(&mut self, reason: &'static str) {
        self.add(reason, 1);
    }

    /// Counts rows that were left out, if any were.
    pub fn add(&mut self, reason: &'static str, rows: usize) {
        if rows > 0 {
            let rows = u64::try_from(rows).unwrap_or(u64::MAX);
            *self.reasons.entry(reason).or_default() += rows;
        }
    }

    /// Counts a row because of a cell that stands on a line.
    pub fn unreadable(&mut self, reason: &'static str, line: u64, cell: &str) {
        self.count(reason);
        if self.unreadable.len() < NAMED_MAX {
            self.unreadable.push((line, format!("{reason}: {}", shown(cell))));
        }
    }

    /// Takes over what another part of the reading left out.
    pub fn absorb(&mut self, other: &Self) {
        for (reason, rows) in &other.reasons {
            *self.reasons.entry(reason).or_default() += rows;
        }
        let more = NAMED_MAX.saturating_sub(self.unreadable.len());
        self.unreadable.extend(other.unreadable.iter().take(more).cloned());
    }

    /// In words, a line each, and what else to know.
    pub fn told(&self) -> Vec<String> {
        let mut lines = self.counted();
        lines.extend(self.notes.iter().map(|note| format!("! {note}")));
        lines
    }

    /// In words, a line each.
    pub fn counted(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .reasons
            .iter()
            .map(|(why, rows)| format!("left out: {} ({why})", some(*rows, "row")))
            .collect();
        lines.extend(self.unreadable.iter().map(|(line, why)| format!("  line {line}: {why}")));
        lines
    }
}

/// A cell in quotation marks, the beginning of a long one.
pub fn shown(cell: &str) -> String {
    let begin: String = cell.chars().take(SHOWN_MAX).collect();
    let more = if begin.len() < cell.len() { "…" } else { "" };
    format!("{begin:?}{more}")
}
