//! What would change: the difference of two documents, noun by noun.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::document::Document;
use crate::fault::{EngineError, Result};

/// What happens to a noun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is new.
    Make,
    /// It is there and differs.
    Change,
    /// It is there and not in the file (with `--prune` only).
    Retire,
}

/// One noun that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What happens.
    pub action: Action,
    /// `offers`
    pub kind: String,
    /// Its slug; `site` for the site.
    pub slug: String,
    /// `price: "19.00 USD" → "24.00 USD"`, one line a member.
    pub members: Vec<String>,
}

/// Characters of a value in a plan; the rest is cut.
const SHOWN_MAX: usize = 60;

/// What must change in `now` to be as `wanted`. Nouns that `wanted` leaves out are left alone, or
/// retired where `prune` names their kind.
///
/// # Errors
/// There is none for documents of our own making.
pub fn between(now: &Document, wanted: &Document, prune: &[&str]) -> Result<Vec<Change>> {
    let (now, wanted) = (nouns(now)?, nouns(wanted)?);
    let mut changes = Vec::new();
    for ((kind, slug), value) in &wanted {
        match now.get(&(kind.clone(), slug.clone())) {
            None => changes.push(change(Action::Make, kind, slug, Vec::new())),
            Some(old) => {
                let members = members(old, value);
                if !members.is_empty() {
                    changes.push(change(Action::Change, kind, slug, members));
                }
            }
        }
    }
    for ((kind, slug), noun) in &now {
        let left_out = !wanted.contains_key(&(kind.clone(), slug.clone()));
        if left_out && prune.contains(&kind.as_str()) && !is_over(noun) {
            changes.push(change(Action::Retire, kind, slug, Vec::new()));
        }
    }
    Ok(changes)
}

/// Whether a noun is retired already, or was never public.
fn is_over(noun: &Value) -> bool {
    let flags = ["withdrawn", "ended", "off_now", "retired", "draft"];
    flags.iter().any(|flag| noun.get(flag) == Some(&Value::Bool(true)))
}

fn change(action: Action, kind: &str, slug: &str, members: Vec<String>) -> Change {
    Change { action, kind: kind.to_owned(), slug: slug.to_owned(), members }
}

/// Every noun of a document by kind and slug.
fn nouns(document: &Document) -> Result<BTreeMap<(String, String), Value>> {
    let whole = serde_json::to_value(document)
        .map_err(|e| EngineError::Fault(format!("a funnel could not be compared: {e}")))?;
    let mut found = BTreeMap::new();
    let Value::Object(kinds) = whole else { return Ok(found) };
    for (kind, value) in kinds {
        if kind == "site" {
            found.insert((kind, "site".to_owned()), value);
            continue;
        }
        let Value::Object(nouns) = value else { continue };
        for (slug, noun) in nouns {
            found.insert((kind.clone(), slug), noun);
        }
    }
    Ok(found)
}

fn members(old: &Value, new: &Value) -> Vec<String> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return if old == new { Vec::new() } else { vec![arrow("", Some(old), Some(new))] };
    };
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| arrow(name, old.get(name), new.get(name)))
        .collect()
}

fn arrow(name: &str, old: Option<&Value>, new: Option<&Value>) -> String {
    let (old, new) = (shown(old), shown(new));
    if name.is_empty() { format!("{old} → {new}") } else { format!("{name}: {old} → {new}") }
}

fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return "nothing".to_owned(),
        Some(Value::Array(items)) => return format!("{} items", items.len()),
        Some(value) => value.to_string(),
    };
    if text.chars().count() <= SHOWN_MAX {
        return text;
    }
    let start: String = text.chars().take(SHOWN_MAX).collect();
    format!("{start}…")
}
