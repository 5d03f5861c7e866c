//! What each column of a file is, as an operator sees and says it before the file is taken.

use std::collections::BTreeMap;

use model::ids::ImportId;
use model::{Refused, SiteId};
use serde::Serialize;
use store::imports::Import;

use super::columns::{NO_ADDRESS, Preset, Role, guess, key_of, roles};
use super::{Plan, get, plan_text, read_plan};
use crate::engine::Engine;
use crate::fault::Result;
use crate::files;
use crate::files::tables::{Table, plain};

/// Rows shown beside the columns.
const SAMPLE_ROWS: usize = 3;
/// Letters of a cell that are shown.
const SAMPLE_MAX: usize = 60;

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name in the file.
    pub name: String,
    /// What it is taken for: a word of [`Role`].
    pub word: String,
    /// The word for a further field of its own name.
    pub own_field: String,
    /// Whether it says where a person was, and is never taken.
    pub is_dropped: bool,
    /// What stands in it in the first rows.
    pub samples: Vec<String>,
}

/// The columns of the file of an import, `bytes`, and what each is taken for so far.
///
/// # Errors
/// It is no table.
pub fn columns(import: &Import, bytes: &[u8]) -> Result<Vec<Column>> {
    Ok(columns_of(&Table::read(bytes)?, &read_plan(import)?))
}

fn columns_of(table: &Table, plan: &Plan) -> Vec<Column> {
    let preset = Preset::of(&table.headers);
    let known = roles(preset, &table.headers, &plan.map).ok();
    let rows: Vec<Vec<String>> =
        table.rows().filter_map(|row| row.cells.ok()).take(SAMPLE_ROWS).collect();
    let column = |(at, name): (usize, &String)| {
        let guessed = guess(preset, name);
        let role = known.as_ref().and_then(|roles| roles.get(at)).unwrap_or(&guessed);
        let cells = rows.iter().filter_map(|row| row.get(at));
        let samples = cells.map(|cell| cell.trim().chars().take(SAMPLE_MAX).collect());
        Column {
            name: name.clone(),
            word: role.word(),
            own_field: Role::Field(key_of(name)).word(),
            is_dropped: guessed == Role::Dropped,
            // What is never taken need not be looked at either.
            samples: samples
                .filter(|cell: &String| !cell.is_empty() && guessed != Role::Dropped)
                .collect(),
        }
    };
    table.headers.iter().enumerate().map(column).collect()
}

/// Says what the columns of a file are, by their place, before it is taken.
///
/// # Errors
/// The import has begun; a word is none; two columns are the same thing; none holds the address.
pub async fn set_columns(
    engine: &Engine,
    site: SiteId,
    id: ImportId,
    words: &BTreeMap<usize, String>,
) -> Result<()> {
    let import = get(engine, site, id).await?;
    if import.state != "ready" {
        let message = "the import has begun: its columns stay as they are";
        return Err(Refused::new("import_begun", message).into());
    }
    let (_, bytes) = files::read(engine, site, import.file_id).await?;
    let table = Table::read(&bytes)?;
    let map = read(&table, words)?;
    roles(Preset::of(&table.headers), &table.headers, &map).map_err(|refused| {
        if refused.code != NO_ADDRESS {
            return refused;
        }
        let message = "no column holds the address: choose \"Address\" for the one that does";
        Refused::new(NO_ADDRESS, message).at("column-0")
    })?;
    let text = plan_text(&Plan { map, ..read_plan(&import)? })?;
    engine
        .write(move |tx| {
            Box::pin(async move { Ok(store::imports::set_plan(tx, site, id, &text).await?) })
        })
        .await
}

/// Header to word. A refusal stands at the select of its column.
fn read(
    table: &Table,
    words: &BTreeMap<usize, String>,
) -> std::result::Result<BTreeMap<String, String>, Refused> {
    let preset = Preset::of(&table.headers);
    let mut map = BTreeMap::new();
    let mut taken: Vec<Role> = Vec::new();
    for (at, header) in table.headers.iter().enumerate() {
        let Some(word) = words.get(&at).filter(|_| guess(preset, header) != Role::Dropped) else {
            continue;
        };
        let field = || format!("column-{at}");
        let role = Role::parse(word).map_err(|refused| refused.at(field()))?;
        let once = !matches!(role, Role::Field(_) | Role::Ignored);
        if once && taken.contains(&role) {
            let message = format!("two columns cannot both be {word}: leave one out");
            return Err(Refused::new("map_twice", message).at(field()));
        }
        let twin = map.keys().any(|known: &String| plain(known) == plain(header));
        if !twin {
            map.insert(header.clone(), word.clone());
        }
        taken.push(role);
    }
    Ok(map)
}
