//! Files that are no lists of contacts: orders, amounts spent, suppressed addresses, coupons. Each
//! line is taken or left with its reason, and a file that is taken twice changes nothing the second
//! time.

use std::collections::BTreeMap;

use anyhow::Context;
use engine::files::columns::{LineError, Taken};
use engine::files::tables::{Table, plain};
use engine::{Engine, coupons, orders, spends, suppressions};
use model::Refused;
use model::audits::Actor;
use model::exports::csv_row;
use model::sites::Site;
use serde_json::json;

use super::sentence;
use crate::cli::Import;
use crate::commands::Call;
use crate::output::usage;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Orders,
    Spend,
    Suppression,
    Coupons,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Orders, Self::Spend, Self::Suppression, Self::Coupons];

    fn word(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Spend => "spend",
            Self::Suppression => "suppression",
            Self::Coupons => "coupons",
        }
    }

    /// The columns without which it is something else.
    fn marks(self) -> &'static [&'static str] {
        match self {
            Self::Orders => &["order_id", "email", "product", "unit_price"],
            Self::Spend => &["date", "channel", "amount"],
            Self::Suppression => &["email_or_hash"],
            Self::Coupons => &["code", "kind", "value"],
        }
    }

    /// What `preset` says, or with `auto` the names of the columns; nothing where the file is a
    /// list of contacts.
    ///
    /// # Errors
    /// It is no table.
    pub fn of(preset: &str, bytes: &[u8]) -> Result<Option<Self>, Refused> {
        if preset != "auto" {
            return Ok(Self::ALL.into_iter().find(|kind| kind.word() == preset));
        }
        let headers = Table::read(bytes)?.headers;
        let names: Vec<String> = headers.iter().map(|name| plain(name)).collect();
        let has = |mark: &&str| names.contains(&plain(mark));
        Ok(Self::ALL.into_iter().find(|kind| kind.marks().iter().all(has)))
    }
}

/// Takes a file, or with `--dry-run` only looks at it.
///
/// # Errors
/// It cannot be read, or a column is missing.
pub async fn run(
    call: &Call,
    engine: &Engine,
    site: &Site,
    flags: &Import,
    kind: Kind,
    bytes: &[u8],
) -> anyhow::Result<()> {
    if flags.consent.is_some() || !flags.tag.is_empty() {
        return Err(usage("--consent and --tag are for files of contacts"));
    }
    let map = &super::plan_of(flags)?.map;
    let name = flags.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let taken = take(engine, site, (&name, bytes), kind, map, flags.dry_run).await;
    let taken = taken.map_err(sentence)?;
    if let Some(path) = &flags.errors {
        std::fs::write(path, errors_csv(&taken.errors))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let found = json!({
        "preset": kind.word(), "name": name, "dry_run": flags.dry_run, "rows": taken.rows,
        "created": taken.created, "updated": taken.updated, "unchanged": taken.unchanged,
        "rejected": taken.rejected, "errors": taken.errors, "notes": taken.notes,
    });
    call.output.either(&found, || {
        let would = if flags.dry_run { "would be " } else { "" };
        let mut lines = vec![
            format!("{} rows of {name}", taken.rows),
            format!("{} {would}new, {} {would}changed", taken.created, taken.updated),
            format!("{} as they were, {} rejected", taken.unchanged, taken.rejected),
        ];
        let line = |e: &LineError| match e.field.as_str() {
            "" => format!("line {}: {}", e.line, e.message),
            field => format!("line {}, {field}: {}", e.line, e.message),
        };
        lines.extend(taken.notes.iter().cloned());
        lines.extend(taken.errors.iter().map(line));
        lines
    })
}

async fn take(
    engine: &Engine,
    site: &Site,
    (name, bytes): (&str, &[u8]),
    kind: Kind,
    map: &BTreeMap<String, String>,
    dry_run: bool,
) -> engine::Result<Taken> {
    let by = Actor::Console;
    match (kind, dry_run) {
        (Kind::Orders, true) => orders::look(engine, site, bytes, map).await,
        (Kind::Orders, false) => orders::import(engine, by, site, bytes, map).await,
        (Kind::Spend, true) => spends::look(engine, site, bytes, (map, "")).await,
        (Kind::Spend, false) => spends::import(engine, by, site, bytes, (map, "")).await,
        (Kind::Suppression, true) => suppressions::look(engine, site, bytes, map).await,
        (Kind::Suppression, false) => {
            suppressions::import(engine, by, site, (name, bytes), map).await
        }
        (Kind::Coupons, true) => coupons::look(engine, site, bytes, map).await,
        (Kind::Coupons, false) => coupons::import(engine, by, site, bytes, map).await,
    }
}

/// What was left out, as a table that is safe for spreadsheets.
fn errors_csv(errors: &[LineError]) -> String {
    let mut text = csv_row(&["line", "field", "message"]);
    for error in errors {
        let line = error.line.to_string();
        text.push_str(&csv_row(&[&line, &error.field, &error.message]));
    }
    text
}
