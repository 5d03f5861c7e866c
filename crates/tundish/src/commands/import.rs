//! `tundish import`: lists from other programs, looked at first, then taken in batches that a
//! second call goes on with where the first broke off; and the tables of [`tables`].

mod tables;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use engine::Engine;
use engine::imports::{self, Plan, Preview, Report};
use model::audits::Actor;
use model::ids::ImportId;
use model::sites::Site;
use serde_json::json;

use super::{Call, site};
use crate::cli::Import;
use crate::install;
use crate::output::{refused, usage};

/// Files that are known by their exact columns.
const PRESETS: [&str; 9] =
    ["undo", "auto", "contacts", "mailchimp", "kit", "orders", "spend", "suppression", "coupons"];

/// Of those who stay when an import is taken back, how many are named to people.
const STAYING_SHOWN: usize = 20;
/// In the place of a preset: the file is then the id of an import, or `last`.
const UNDO: &str = "undo";

/// Takes a file, or only looks at it.
///
/// # Errors
/// It cannot be read, is of another program than was said, or lacks a statement of consent.
pub async fn run(call: &Call, flags: &Import) -> anyhow::Result<()> {
    if !PRESETS.contains(&flags.preset.as_str()) {
        let preset = &flags.preset;
        let near = model::spelling::nearest(preset, PRESETS.iter().copied());
        let hint = near.map_or(String::new(), |near| format!(" (did you mean {near}?)"));
        let all = PRESETS.join(", ");
        return Err(usage(format!("{preset} cannot be imported{hint}: {all}")));
    }
    if flags.preset == UNDO {
        return undo(call, flags).await;
    }
    let plan = plan_of(flags)?;
    let bytes = read(&flags.file)?;
    let installation = install::beside(&call.config).await?;
    let engine = &installation.engine;
    let kind = tables::Kind::of(&flags.preset, &bytes).map_err(|why| refused(why.to_string()))?;
    let done = async {
        let site = site::find(engine, flags.site.as_deref()).await?;
        if let Some(kind) = kind {
            return tables::run(call, engine, &site, flags, kind, &bytes).await;
        }
        let preview = imports::look(engine, site.id, &bytes, &plan).await.map_err(sentence)?;
        let found = preview.preset.split(' ').next().unwrap_or_default();
        if flags.preset != "auto" && flags.preset != found {
            let message = format!("the file has the columns of {found}, not of {}", flags.preset);
            return Err(refused(message));
        }
        if flags.dry_run {
            return call.output.either(&preview, || told(&preview));
        }
        take(call, engine, &site, flags, bytes, &plan).await
    };
    let done = done.await;
    installation.close().await?;
    done
}

/// Takes an import back.
async fn undo(call: &Call, flags: &Import) -> anyhow::Result<()> {
    let installation = install::beside(&call.config).await?;
    let engine = &installation.engine;
    let done = async {
        let site = site::find(engine, flags.site.as_deref()).await?;
        let id = which(engine, &site, &flags.file.to_string_lossy()).await?;
        let undone = if flags.dry_run {
            imports::undo::look(engine, site.id, id).await
        } else {
            imports::undo::run(engine, Actor::Console, &site, id).await
        };
        let undone = undone.map_err(sentence)?;
        let found = json!({ "import": id, "undone": undone });
        call.output.either(&found, || {
            let (gone, stay) = (undone.taken_back, undone.kept);
            let mut lines = vec![if flags.dry_run {
                format!("{gone} contacts would be taken back, {stay} stay as they are")
            } else {
                format!("{gone} contacts taken back, {stay} stay as they are")
            }];
            let shown = undone.reasons.iter().take(STAYING_SHOWN);
            lines.extend(shown.map(|one| format!("  {}: {}", one.email, one.why)));
            lines
        })
    };
    let done = done.await;
    installation.close().await?;
    done
}

/// The import that was named by its id, or the newest.
async fn which(engine: &Engine, site: &Site, word: &str) -> anyhow::Result<ImportId> {
    if word != "last" {
        return word.parse().map_err(|_| {
            usage(format!("{word} is no import: write its id, as in imp_0123456789abc, or last"))
        });
    }
    let newest = imports::newest(engine, site.id).await?;
    newest.ok_or_else(|| refused("nothing was imported yet"))
}

fn plan_of(flags: &Import) -> anyhow::Result<Plan> {
    let mut map = BTreeMap::new();
    for pair in &flags.map {
        let (column, word) = pair
            .split_once('=')
            .ok_or_else(|| usage(format!("{pair:?} is no pair: write --map COLUMN=FIELD")))?;
        map.insert(column.to_owned(), word.to_owned());
    }
    let consent = flags.consent.clone().unwrap_or_default();
    Ok(Plan { map, consent, tags: flags.tag.clone() })
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let about = || format!("{} cannot be read", path.display());
    let size = std::fs::metadata(path).with_context(about)?.len();
    if size > u64::try_from(engine::files::BYTES_MAX).unwrap_or(u64::MAX) {
        return Err(refused("the file is too large: 100 MB is the most; take it in parts"));
    }
    std::fs::read(path).with_context(about)
}

async fn take(
    call: &Call,
    engine: &Engine,
    site: &Site,
    flags: &Import,
    bytes: Vec<u8>,
    plan: &Plan,
) -> anyhow::Result<()> {
    let name = flags.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let output = call.output;
    let tell = move |rows: i64| output.say(format!("{rows} rows"));
    let report = imports::run(engine, site, &name, bytes, plan, tell).await.map_err(sentence)?;
    if let Some(path) = &flags.errors {
        let text = imports::errors_csv(engine, site.id, report.import.id).await?;
        std::fs::write(path, text)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let Report { import, dropped } = report;
    let found = json!({
        "import": import.id, "preset": import.preset, "state": import.state,
        "rows": import.rows, "created": import.created, "updated": import.updated,
        "unchanged": import.unchanged, "skipped": import.skipped, "rejected": import.rejected,
        "dropped_columns": dropped,
    });
    call.output.either(&found, || {
        vec![
            format!("{} rows of {}", import.rows, import.name),
            format!("{} new, {} changed", import.created, import.updated),
            format!("{} as they were, {} left alone", import.unchanged, import.skipped),
            format!("{} rejected (--errors FILE says why)", import.rejected),
            format!("columns not taken: {}", dropped.join(", ")),
            format!("to take it back: tundish import undo {}", import.id),
        ]
    })
}

fn told(preview: &Preview) -> Vec<String> {
    let mut lines = vec![
        format!("{} in {}, {} rows", preview.preset, preview.encoding, preview.rows),
        format!("{} can be taken, {} cannot", preview.valid, preview.invalid),
        format!("{} are known already, {} repeat", preview.existing, preview.duplicate),
        format!("{} unsubscribed here, and stay so", preview.unsubscribed),
    ];
    lines.extend(preview.columns.iter().map(|(name, word)| format!("  {name} -> {word}")));
    lines.extend(preview.errors.iter().cloned());
    lines
}

fn sentence(error: engine::EngineError) -> anyhow::Error {
    match error {
        engine::EngineError::Refused(why) => refused(why.to_string()),
        other => other.into(),
    }
}
