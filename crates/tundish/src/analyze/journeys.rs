//! Journeys out of a file: whole paths with what came of them, or single touches of contacts.

use numbers::journeys::{Journeys, Outcomes, Touch};

use super::amounts::{self, Decimal};
use super::columns::{Columns, Role};
use super::dates::{self, Order};
use super::source::{Row, Source};
use crate::cli::TableFile;
use crate::output::refused;

/// Reads a file of paths where it has a column of them, else of touches; and says which column was
/// taken for what.
///
/// # Errors
/// A column is missing, or a row cannot be read: with its line.
pub fn read(table: &TableFile, separator: &str) -> anyhow::Result<(Journeys, String)> {
    let mut source = Source::open(&table.file)?;
    let mut columns = Columns::mapped(source.headers(), &table.map)?;
    let mut journeys = Journeys::default();
    if columns.find(Role::Path).is_some() {
        paths(&mut source, &mut columns, separator, &mut journeys)?;
    } else {
        touches(&mut source, &mut columns, &mut journeys)?;
    }
    if journeys.totals().journeys() <= 0.0 {
        return Err(refused(format!("{}: there is no journey in it", source.name())));
    }
    Ok((journeys, columns.told()))
}

fn paths(
    source: &mut Source,
    columns: &mut Columns,
    separator: &str,
    journeys: &mut Journeys,
) -> anyhow::Result<()> {
    let path = columns.need(Role::Path)?;
    let conversions = columns.find(Role::Conversions);
    let (value, nulls) = (columns.find(Role::Value), columns.find(Role::Nulls));
    let name = source.name().to_owned();
    while let Some(row) = source.next_row()? {
        let outcomes = Outcomes {
            // A file without such a column lists paths that converted.
            conversions: number(&name, row, conversions, 1.0)?,
            value: number(&name, row, value, 0.0)?,
            nulls: number(&name, row, nulls, 0.0)?,
        };
        journeys
            .add_written(&row.cell(path), separator, outcomes)
            .map_err(|why| refused(format!("{name}, line {}: {why}", row.line)))?;
    }
    Ok(())
}

/// One touch, kept until all are there: a file is in any order.
struct Kept {
    contact: String,
    at_ms: i64,
    channel: String,
    conversions: f64,
    value: f64,
}

fn touches(
    source: &mut Source,
    columns: &mut Columns,
    journeys: &mut Journeys,
) -> anyhow::Result<()> {
    let contact = columns.need(Role::Contact)?;
    let (time, channel) = (columns.need(Role::Time)?, columns.need(Role::Channel)?);
    let (conversion, value) = (columns.find(Role::Conversion), columns.find(Role::Value));
    let name = source.name().to_owned();
    let mut kept = Vec::new();
    while let Some(row) = source.next_row()? {
        let cell = row.cell(time);
        let at = dates::parse(&cell, Order::MonthFirst)
            .ok_or_else(|| refused(format!("{name}, line {}: {cell:?} is not a time", row.line)))?;
        kept.push(Kept {
            contact: row.cell(contact).into_owned(),
            at_ms: at.saturating_mul(1_000),
            channel: row.cell(channel).into_owned(),
            conversions: happened(&name, row, conversion)?,
            value: number(&name, row, value, 0.0)?,
        });
    }
    let touches: Vec<Touch<'_>> = kept
        .iter()
        .map(|one| Touch {
            contact: &one.contact,
            at_ms: one.at_ms,
            channel: (!one.channel.is_empty()).then_some(one.channel.as_str()),
            conversions: one.conversions,
            // What a touch is worth that did not convert is not known.
            value: if one.conversions > 0.0 { one.value } else { 0.0 },
        })
        .collect();
    journeys.add_touches(&touches).map_err(|why| refused(format!("{name}: {why}")))
}

fn number(name: &str, row: Row<'_>, column: Option<usize>, absent: f64) -> anyhow::Result<f64> {
    let Some(column) = column else { return Ok(absent) };
    let cell = row.cell(column);
    if cell.is_empty() {
        return Ok(0.0);
    }
    amounts::parse(&cell, Decimal::Point)
        .ok_or_else(|| refused(format!("{name}, line {}: {cell:?} is not a number", row.line)))
}

/// A number of conversions, or a word that says there was one.
fn happened(name: &str, row: Row<'_>, column: Option<usize>) -> anyhow::Result<f64> {
    let Some(at) = column else { return Ok(0.0) };
    match row.cell(at).to_lowercase().as_str() {
        "true" | "yes" | "y" | "t" => Ok(1.0),
        "false" | "no" | "n" | "f" => Ok(0.0),
        _ => number(name, row, column, 0.0),
    }
}
