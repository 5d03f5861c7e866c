//! Journeys out of a file: whole paths with what came of them, or single touches of contacts.

use std::borrow::Cow;

use numbers::journeys::{Journeys, Outcomes, Touch, Unusable};

use super::amounts::{self, Decimal};
use super::answers;
use super::columns::{Columns, Role};
use super::currencies::{self, Currencies};
use super::dates::{self, Ways};
use super::formats::{Looked, Said, said};
use super::left_out::LeftOut;
use super::names::Names;
use super::people;
use super::source::{Row, Source};
use crate::cli::TableFile;
use crate::output::{refused, usage};

/// What a file of journeys holds.
#[derive(Debug)]
pub struct Read {
    /// All of them.
    pub journeys: Journeys,
    /// What was left out.
    pub left_out: LeftOut,
    /// Which column was taken for what.
    pub told: String,
}

/// Reads a file of paths where it has a column of them, else of touches.
///
/// # Errors
/// A column is missing, the file cannot be read, or no row of it is of a journey.
pub fn read(table: &TableFile, separator: &str) -> anyhow::Result<Read> {
    let mut source = Source::open(&table.file)?;
    let mut columns = Columns::mapped(source.headers(), &table.map)?;
    let said = said(table)?;
    let mut journeys = Journeys::default();
    let left_out = if columns.find(Role::Path).is_some() {
        paths(&mut source, &mut columns, (said, separator), &mut journeys)?
    } else {
        touches(&mut source, &mut columns, said, &mut journeys)?
    };
    if journeys.totals().journeys() <= 0.0 {
        let mut why = vec![format!("{}: there is no journey in it", source.name())];
        why.extend(left_out.counted());
        return Err(refused(why.join("; ")));
    }
    Ok(Read { journeys, left_out, told: columns.told() })
}

fn paths(
    source: &mut Source,
    columns: &mut Columns,
    (said, separator): (Said, &str),
    journeys: &mut Journeys,
) -> anyhow::Result<LeftOut> {
    let path = columns.need(Role::Path)?;
    let figures = [Role::Conversions, Role::Value, Role::Nulls].map(|role| columns.find(role));
    let mut currencies = OfValues::of(columns, figures[1]);
    let written = Looked { date: None, figures: &figures }.at(source, said)?;
    let mut left_out = LeftOut::with(written.notes);
    // A file without such a column lists paths that converted.
    let unsaid = if matches!(figures, [None, ..]) { 1.0 } else { 0.0 };
    while let Some(row) = source.next_row()? {
        let numbers = figures.map(|at| figure(row, at, written.decimal));
        let [Ok(conversions), Ok(value), Ok(nulls)] = numbers else {
            let cell = numbers.into_iter().find_map(Result::err).unwrap_or_default();
            left_out.unreadable(NO_NUMBER, row.line, &cell);
            continue;
        };
        let outcomes = Outcomes {
            conversions: conversions.unwrap_or(unsaid),
            value: value.unwrap_or(0.0),
            nulls: nulls.unwrap_or(0.0),
        };
        let path = row.cell(path);
        if outcomes == Outcomes::default() {
            left_out.unreadable(NOTHING, row.line, &path);
            continue;
        }
        if currencies.is_other(row, outcomes.value) {
            left_out.count(currencies::OTHER);
            continue;
        }
        if let Err(why) = journeys.add_written(&apart(&path, separator), separator, outcomes) {
            left_out.unreadable(reason(why), row.line, &path);
        }
    }
    source.settle(&mut left_out)?;
    left_out.notes.extend(currencies.all.note());
    Ok(left_out)
}

/// Arrows that stand between channels as `>` does.
const ARROWS: [&str; 6] = ["-->", "==>", "->", "=>", "→", "⇒"];

/// A path with one mark between its channels, where nobody said another.
fn apart<'a>(path: &'a str, separator: &str) -> Cow<'a, str> {
    if separator != ">" || !path.contains(['-', '=', '→', '⇒']) {
        return Cow::Borrowed(path);
    }
    Cow::Owned(ARROWS.iter().fold(path.to_owned(), |path, arrow| path.replace(arrow, ">")))
}

/// The currencies of what conversions were worth.
struct OfValues {
    value: Option<usize>,
    currency: Option<usize>,
    all: Currencies,
}

impl OfValues {
    fn of(columns: &mut Columns, value: Option<usize>) -> Self {
        let currency = value.and_then(|_| columns.find(Role::Currency));
        Self { value, currency, all: Currencies::default() }
    }

    /// Whether a row's value is in another currency than the first.
    fn is_other(&mut self, row: Row<'_>, value: f64) -> bool {
        let cell = |at: Option<usize>| at.map_or(Cow::Borrowed(""), |at| row.cell(at));
        value > 0.0 && self.all.is_other(&cell(self.currency), &cell(self.value))
    }
}

const NOTHING: &str = "neither a conversion nor a journey without one";
const NO_NUMBER: &str = "not a number";
const BELOW_ZERO: &str = "a figure below zero";

fn reason(why: Unusable) -> &'static str {
    match why {
        Unusable::NotCounted(_) => BELOW_ZERO,
        Unusable::NoChannel => "no channel",
        Unusable::ValueAlone => "a value without a conversion",
    }
}

/// One touch, kept until all are there: a file is in any order.
struct Kept {
    contact: u32,
    /// Of the contact, by name.
    rank: u32,
    channel: u32,
    at_ms: i64,
    conversions: f64,
    value: f64,
}

/// Where the cells of a touch stand.
struct Places {
    contact: usize,
    time: usize,
    channel: usize,
    conversion: Option<usize>,
    value: Option<usize>,
}

impl Places {
    fn of(source: &mut Source, columns: &mut Columns) -> anyhow::Result<Self> {
        let contact = people::column(source, columns, Role::Contact)?;
        let (time, channel) = (columns.need(Role::Time)?, columns.need(Role::Channel)?);
        let (conversion, value) = (columns.find(Role::Conversion), columns.find(Role::Value));
        if conversion.is_none() && value.is_none() {
            return Err(usage(format!(
                "no column says what came of a touch: say which with --map conversion=NAME or \
                 value=NAME (there are {})",
                columns.all()
            )));
        }
        Ok(Self { contact, time, channel, conversion, value })
    }

    /// How many conversions a touch was, and what they brought; or the cell that is neither.
    fn outcome(&self, row: Row<'_>, decimal: Decimal) -> Result<(f64, f64), String> {
        let value = figure(row, self.value, decimal)?.unwrap_or(0.0);
        let Some(at) = self.conversion else {
            return Ok((if value > 0.0 { 1.0 } else { 0.0 }, value));
        };
        let cell = row.cell(at);
        let conversions = match amounts::parse(&cell, decimal) {
            Some(number) => number,
            None if answers::yes(&cell).ok_or_else(|| cell.into_owned())? => 1.0,
            None => 0.0,
        };
        // What a touch is worth that did not convert is not known.
        Ok((conversions, if conversions > 0.0 { value } else { 0.0 }))
    }
}

fn touches(
    source: &mut Source,
    columns: &mut Columns,
    said: Said,
    journeys: &mut Journeys,
) -> anyhow::Result<LeftOut> {
    let places = Places::of(source, columns)?;
    let mut currencies = OfValues::of(columns, places.value);
    let looked = Looked { date: Some(places.time), figures: &[places.conversion, places.value] };
    let written = looked.at(source, said)?;
    let mut left_out = LeftOut::with(written.notes);
    let (mut contacts, mut channels) = (Names::default(), Names::default());
    let mut ways = Ways::default();
    let mut kept = Vec::new();
    while let Some(row) = source.next_row()? {
        let contact = people::person(row.cell(places.contact));
        if contact.is_empty() {
            left_out.count("nobody is named");
            continue;
        }
        let cell = row.cell(places.time);
        let Some(at) = dates::parse(&cell, written.dates) else {
            ways.not_read(&cell);
            left_out.unreadable("not a time", row.line, &cell);
            continue;
        };
        ways.read();
        let (conversions, value) = match places.outcome(row, written.decimal) {
            Ok(outcome) => outcome,
            Err(cell) => {
                left_out.unreadable(NO_NUMBER, row.line, &cell);
                continue;
            }
        };
        if conversions < 0.0 || value < 0.0 {
            left_out.count(BELOW_ZERO);
            continue;
        }
        if currencies.is_other(row, value) {
            left_out.count(currencies::OTHER);
            continue;
        }
        let channel = row.cell(places.channel);
        if channel.is_empty() && conversions <= 0.0 {
            left_out.count("no channel");
            continue;
        }
        let (contact, channel) = (contacts.place(&contact), channels.place(&channel));
        let at_ms = at.saturating_mul(1_000);
        kept.push(Kept { contact, rank: 0, channel, at_ms, conversions, value });
    }
    source.settle(&mut left_out)?;
    left_out.notes.extend(currencies.all.note());
    let name = source.name();
    if let Some(why) = ways.doubt() {
        return Err(refused(format!("{name}: {why}")));
    }
    let failed = |why: Unusable| refused(format!("{name}: {why}"));
    add(journeys, kept, &contacts.into_list(), &channels.into_list()).map_err(failed)?;
    Ok(left_out)
}

/// Cuts the touches of one contact after another, in the order of their names.
fn add(
    journeys: &mut Journeys,
    mut kept: Vec<Kept>,
    contacts: &[String],
    channels: &[String],
) -> Result<(), Unusable> {
    let name = |names: &'_ [String], place: u32| -> usize {
        usize::try_from(place).unwrap_or(usize::MAX).min(names.len())
    };
    let mut by_name: Vec<usize> = (0..contacts.len()).collect();
    by_name.sort_unstable_by_key(|place| contacts.get(*place));
    let mut ranks = vec![0_usize; contacts.len()];
    for (rank, place) in by_name.into_iter().enumerate() {
        if let Some(at) = ranks.get_mut(place) {
            *at = rank;
        }
    }
    for one in &mut kept {
        let rank = ranks.get(name(contacts, one.contact)).copied().unwrap_or(usize::MAX);
        one.rank = u32::try_from(rank).unwrap_or(u32::MAX);
    }
    // Stable: of two rows of one contact the one that came first stays the first.
    kept.sort_by_key(|one| one.rank);
    for own in kept.chunk_by(|a, b| a.contact == b.contact) {
        let touch = |one: &Kept| Touch {
            contact: contacts.get(name(contacts, one.contact)).map_or("", String::as_str),
            at_ms: one.at_ms,
            channel: channels
                .get(name(channels, one.channel))
                .map(String::as_str)
                .filter(|channel| !channel.is_empty()),
            conversions: one.conversions,
            value: one.value,
        };
        let own: Vec<Touch<'_>> = own.iter().map(touch).collect();
        journeys.add_touches(&own)?;
    }
    Ok(())
}

/// The number of a cell: nothing where it is not known or there is no column, the cell where it is
/// none.
fn figure(row: Row<'_>, column: Option<usize>, decimal: Decimal) -> Result<Option<f64>, String> {
    let Some(at) = column else { return Ok(None) };
    let cell = row.cell(at);
    if answers::is_missing(&cell) {
        return Ok(None);
    }
    match amounts::parse(&cell, decimal) {
        Some(number) => Ok(Some(number)),
        None => Err(cell.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> anyhow::Result<(Journeys, LeftOut)> {
        let text = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        let mut source = Source::read("a.csv".to_owned(), text)?;
        let mut columns = Columns::mapped(source.headers(), &[])?;
        let mut journeys = Journeys::default();
        let said = Said::default();
        let left_out = match columns.find(Role::Path) {
            Some(_) => paths(&mut source, &mut columns, (said, ">"), &mut journeys)?,
            None => touches(&mut source, &mut columns, said, &mut journeys)?,
        };
        Ok((journeys, left_out))
    }

    #[test]
    fn a_file_is_read_in_the_way_of_its_country() {
        let (journeys, left_out) = of("contact;time;channel;value\n\
             Ada@X.test;13.01.2024 10:00;mail;\n\
             ada@x.test;14/01/2024;search;1.019,90 €\n\
             bo@x.test;02/01/2024;mail;19,90\n")
        .unwrap();
        let totals = journeys.totals();
        assert_eq!((totals.conversions, totals.nulls, journeys.iter().count()), (2.0, 0.0, 2));
        assert!((totals.value - 1_039.8).abs() < 1e-9, "{}", totals.value);
        assert!(left_out.reasons.is_empty(), "{left_out:?}");
        assert_eq!(left_out.notes, ["1 amount without a currency: it is counted as EUR"]);
        let first = journeys.iter().next().unwrap();
        assert_eq!(first.steps.len(), 2, "both of Ada's, however she is written");
    }

    #[test]
    fn what_converted_is_told_by_a_column_or_by_its_value_or_not_at_all() {
        let told = of("contact,time,channel,conversion,value\n\
             a,2024-01-01,mail,ja,5\na,2024-01-02,mail,NA,7\nb,2024-01-01,ad,2,\n")
        .unwrap();
        let totals = told.0.totals();
        assert_eq!((totals.conversions, totals.value, totals.nulls), (3.0, 5.0, 1.0));
        let both = "contact,time,channel,value\na,1/31/2024,ad,5\na,31/1/2024,ad,5\n";
        let why = of(both).unwrap_err().to_string();
        assert!(why.contains("1 of 2 dates"), "{why}");
        let why = of("contact,time,channel\na,2024-01-01,mail\n").unwrap_err().to_string();
        assert!(why.contains("--map conversion=NAME"), "{why}");
    }

    #[test]
    fn arrows_of_all_kinds_stand_between_channels() {
        let (journeys, _) =
            of("path,conversions\n\"a>b\",1\na -> b,1\na → b,1\na => b,1\na --> b,1\n\
             e-mail > b,1\n")
            .unwrap();
        assert_eq!(journeys.channels(), ["a", "b", "e-mail"]);
    }

    #[test]
    fn values_of_other_currencies_are_not_added_up() {
        let (journeys, left_out) = of("contact,time,channel,conversion,value,currency\n\
             u,2024-03-10,a,1,10,USD\nv,2024-03-10,b,1,3000,JPY\nw,2024-03-10,b,1,5,\n\
             x,2024-03-10,b,0,,JPY\n")
        .unwrap();
        let totals = journeys.totals();
        assert_eq!((totals.value, totals.conversions, totals.nulls), (15.0, 2.0, 1.0));
        assert_eq!(left_out.reasons.get(currencies::OTHER), Some(&1));
        assert!(left_out.notes[0].contains("1 amount without a currency"), "{left_out:?}");
        let (journeys, left_out) = of("path,conversions,value\na,1,$10\nb,1,€7\n").unwrap();
        assert_eq!((journeys.totals().value, left_out.reasons.len()), (10.0, 1));
    }

    #[test]
    fn a_channel_of_rows_that_were_left_out_is_none() {
        let (journeys, left_out) = of("path,conversions\na > b,-3\nb,nan\nc,0\nd,1.5\n").unwrap();
        assert_eq!(journeys.channels(), ["d"]);
        assert_eq!(left_out.reasons.values().sum::<u64>(), 3);
    }

    #[test]
    fn rows_that_are_of_no_journey_are_counted() {
        let (journeys, left_out) = of("contact,time,channel,value\n\
             a,2024-01-01,mail,5\n,2024-01-01,mail,5\na,soon,mail,5\na,2024-01-01,,\n\
             a,2024-01-01,mail,-5\na,2024-01-01,mail,much\n")
        .unwrap();
        assert_eq!(journeys.totals().journeys(), 1.0);
        let reasons: Vec<&str> = left_out.reasons.keys().copied().collect();
        let wanted = [BELOW_ZERO, "no channel", "nobody is named", NO_NUMBER, "not a time"];
        assert_eq!(reasons, wanted);
        let (journeys, left_out) =
            of("path,conversions,value,nulls\na > b,1,\"1,5\",NA\n,1,1,0\na,x,1,0\na,0,3,1\n")
                .unwrap();
        assert_eq!((journeys.totals().value, left_out.reasons.len()), (1.5, 3));
    }
}
