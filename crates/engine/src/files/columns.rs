//! The columns of files with a fixed set of names, what came of such a file, and the cells that
//! several of them share.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use model::exports::csv_plain;
use model::spans::{moved, start_of};
use model::{Refused, UtcMs, Zone};
use serde::Serialize;

use super::tables::{Table, plain};

/// Lines told of; beyond it a file is the wrong one.
pub const ERRORS_MAX: usize = 1_000;

/// Where each known column stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns(BTreeMap<&'static str, usize>);

impl Columns {
    /// Finds `names` among the headers of a table: by `map` (header to name) where it says so, else
    /// by the header itself. Case, accents and spaces do not matter.
    ///
    /// # Errors
    /// A column of `needed` is missing; `map` names a header or a column that there is not.
    pub fn of(
        table: &Table,
        names: &[&'static str],
        needed: &[&'static str],
        map: &BTreeMap<String, String>,
    ) -> Result<Self, Refused> {
        for (header, name) in map {
            if !table.headers.iter().any(|known| plain(known) == plain(header)) {
                let message = format!("the file has no column \"{header}\"");
                return Err(Refused::new("map_column", message).at("map"));
            }
            if !names.contains(&name.as_str()) {
                let all = names.join(", ");
                let message = format!("\"{name}\" is nothing a column can be here: use {all}");
                return Err(Refused::new("map_unknown", message).at("map"));
            }
        }
        let mut places = BTreeMap::new();
        for (at, header) in table.headers.iter().enumerate() {
            let said = map.iter().find(|(name, _)| plain(name) == plain(header));
            let wanted = said.map_or(header.as_str(), |(_, name)| name.as_str());
            if let Some(name) = names.iter().find(|name| plain(name) == plain(wanted)) {
                places.entry(*name).or_insert(at);
            }
        }
        for name in needed {
            if !places.contains_key(name) {
                let message = format!("the first line must name the columns; `{name}` is missing");
                return Err(Refused::new("column_missing", message).at("file"));
            }
        }
        Ok(Self(places))
    }

    /// The cell of a column, without the apostrophe that keeps a spreadsheet from reading it as a
    /// formula; empty where there is none.
    pub fn cell<'c>(&self, cells: &'c [String], name: &str) -> &'c str {
        let cell = self.0.get(name).and_then(|at| cells.get(*at));
        cell.map(|cell| csv_plain(cell.trim())).unwrap_or_default()
    }
}

/// What came of a file, or would come of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Lines that held something.
    pub rows: usize,
    /// New ones.
    pub created: usize,
    /// Changed ones.
    pub updated: usize,
    /// Known already, just so.
    pub unchanged: usize,
    /// Left out.
    pub rejected: usize,
    /// Why; at most [`ERRORS_MAX`] of them.
    pub errors: Vec<LineError>,
    /// What else there is to know of the file, in sentences.
    pub notes: Vec<String>,
}

/// A line that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineError {
    /// Its number in the file, from 1.
    pub line: i64,
    /// The column, or empty.
    pub field: String,
    /// One sentence.
    pub message: String,
}

/// What becomes of what a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is new.
    New,
    /// What was there is changed.
    Changed,
    /// It was there, just so.
    Known,
}

impl Taken {
    /// Counts one.
    pub(crate) fn count(&mut self, fate: Fate) {
        match fate {
            Fate::New => self.created += 1,
            Fate::Changed => self.updated += 1,
            Fate::Known => self.unchanged += 1,
        }
    }

    /// Counts what a part of the file came to.
    pub(crate) fn add(&mut self, part: &Self) {
        self.created += part.created;
        self.updated += part.updated;
        self.unchanged += part.unchanged;
        self.rejected += part.rejected;
        let free = ERRORS_MAX.saturating_sub(self.errors.len());
        self.errors.extend(part.errors.iter().take(free).cloned());
        self.notes.extend(part.notes.iter().cloned());
    }

    /// Notes that a line is left out.
    pub fn reject(&mut self, line: i64, why: Refused) {
        self.rejected += 1;
        if self.errors.len() < ERRORS_MAX {
            let field = why.field.as_deref().unwrap_or_default().to_owned();
            self.errors.push(LineError { line, field, message: why.message });
        }
    }
}

/// Which instant of a bare day is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Its first.
    Begin,
    /// The first after it: a thing that ends on a day lasts through it.
    End,
}

/// An instant as a file writes it: RFC 3339, `2026-11-21 08:00:00` in UTC, or a day in `zone`.
/// Nothing where the cell is empty. A day in any other order is refused, not guessed.
///
/// # Errors
/// `instant_invalid`.
pub fn instant(text: &str, zone: &Zone, edge: Edge) -> Result<Option<UtcMs>, Refused> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Some(at.into()));
    }
    let refuse = || {
        let message = "write the day as 2026-11-21, or with a time as 2026-11-21T08:00:00Z";
        Refused::new("instant_invalid", message)
    };
    if let Some(day) = text.parse::<Date>().ok().filter(|day| day.to_string() == text) {
        let day = if edge == Edge::End { moved(day, 1) } else { day };
        return Ok(Some(start_of(day, zone)));
    }
    let local: DateTime = text.parse().map_err(|_| refuse())?;
    Ok(Some(Zone::utc().instant(local)))
}

/// A whole number above zero; nothing where the cell is empty.
///
/// # Errors
/// `number_invalid`.
pub fn count(text: &str) -> Result<Option<i64>, Refused> {
    match text.trim() {
        "" => Ok(None),
        digits => match digits.parse::<i64>() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(Refused::new("number_invalid", "write a whole number above zero")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_or_as_said_and_a_missing_one_is_named() {
        let table = Table::read(b"\xef\xbb\xbfE-Mail;Grund\na@x.test;'=1+1\n").unwrap();
        let names = ["email", "reason"];
        let none = BTreeMap::new();
        let found = Columns::of(&table, &names, &["email"], &none).unwrap();
        let row = table.rows().next().unwrap().cells.unwrap();
        assert_eq!((found.cell(&row, "email"), found.cell(&row, "reason")), ("a@x.test", ""));
        let code = |map: &[(&str, &str)]| {
            let map = map.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            Columns::of(&table, &names, &["reason"], &map).map_err(|e| e.code)
        };
        assert_eq!(code(&[]), Err("column_missing"));
        assert_eq!(code(&[("x", "reason")]), Err("map_column"));
        assert_eq!(code(&[("grund", "why")]), Err("map_unknown"));
        assert_eq!(code(&[("GRUND", "reason")]).unwrap().cell(&row, "reason"), "=1+1");
    }

    #[test]
    fn i12_a_day_is_read_in_its_zone_and_one_in_another_order_is_refused() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let at = |text: &str, edge| instant(text, &berlin, edge).map(|at| at.map(UtcMs::rfc3339));
        let said = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(at("", Edge::Begin), Ok(None));
        assert_eq!(at("2026-07-01", Edge::Begin), said("2026-06-30T22:00:00Z"));
        assert_eq!(at("2026-07-01", Edge::End), said("2026-07-01T22:00:00Z"));
        assert_eq!(at("2026-07-01 08:00:00", Edge::End), said("2026-07-01T08:00:00Z"));
        assert_eq!(at("2026-07-01T08:00:00+02:00", Edge::End), said("2026-07-01T06:00:00Z"));
        for wrong in ["01/02/03", "1.7.2026", "2026-7-1", "tomorrow", "2026-02-30"] {
            assert_eq!(at(wrong, Edge::Begin).unwrap_err().code, "instant_invalid", "{wrong}");
        }
    }
}
