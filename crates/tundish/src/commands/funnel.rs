//! `tundish plan`, `tundish apply` and `tundish export funnel`.

use std::path::Path;

use anyhow::Context;
use engine::funnel::{self, Action, Change, Rest};
use engine::{Engine, files};
use model::sites::Site;

use super::{Call, site};
use crate::cli::{Apply, Plan};
use crate::install;
use crate::output::{Output, refused};

/// Says what a file would change.
///
/// # Errors
/// Something in the file cannot be used; with its line.
pub async fn plan(call: &Call, flags: &Plan) -> anyhow::Result<()> {
    let installation = install::beside(&call.config).await?;
    let planned = async {
        let site = site::find(&installation.engine, flags.site.as_deref()).await?;
        let rest = rest(flags.prune);
        Ok::<_, anyhow::Error>(
            funnel::plan(&installation.engine, &site, &flags.file, rest).await?.changes,
        )
    };
    let planned = planned.await;
    installation.close().await?;
    let changes = planned?;
    show(call.output, &changes)?;
    if changes.is_empty() {
        call.output.say("nothing would change");
    }
    Ok(())
}

/// Makes a site as a file says.
///
/// # Errors
/// As [`plan`], or something breaks a rule: then nothing was changed.
pub async fn apply(call: &Call, flags: &Apply) -> anyhow::Result<()> {
    let installation = install::beside(&call.config).await?;
    let done = apply_in(call, flags, &installation.engine).await;
    installation.close().await?;
    done
}

async fn apply_in(call: &Call, flags: &Apply, engine: &Engine) -> anyhow::Result<()> {
    let site = site::find(engine, flags.site.as_deref()).await?;
    let plan = funnel::plan(engine, &site, &flags.file, rest(flags.prune)).await?;
    let retired = plan.changes.iter().filter(|change| change.action == Action::Retire).count();
    if flags.dry_run {
        return show(call.output, &plan.changes);
    }
    if retired > 0 {
        let question = format!("{retired} things that the file leaves out will be retired.");
        call.output.confirm(flags.yes, &question)?;
    }
    let changes = funnel::apply(engine, &site, plan).await?;
    show(call.output, &changes)?;
    call.output.say(format!("{} changes were made to {}", changes.len(), site.name));
    Ok(())
}

/// Writes a site out as a file, to standard output or into a new folder with all it names.
///
/// # Errors
/// The folder is there already, or cannot be written.
pub async fn export(
    call: &Call,
    engine: &Engine,
    site: &Site,
    to: Option<&Path>,
) -> anyhow::Result<()> {
    let mut document = funnel::export(engine, site).await?;
    let Some(dir) = to else {
        let text = funnel::to_toml(&document)?;
        return call.output.line(text.trim_end());
    };
    if dir.exists() {
        return Err(refused(format!("{} is there already; name a new folder", dir.display())));
    }
    std::fs::create_dir_all(dir.join("files"))
        .with_context(|| format!("{} cannot be made", dir.display()))?;
    for (name, id) in funnel::files(engine, site).await? {
        let (_, bytes) = files::read(engine, site.id, id).await?;
        // Stored names are safe as file names: that is seen to when they are stored.
        std::fs::write(dir.join("files").join(&name), bytes)?;
        document.files.insert(name.clone(), format!("files/{name}"));
    }
    std::fs::write(dir.join("funnel.toml"), funnel::to_toml(&document)?)?;
    call.output.say(format!("{} was written", dir.join("funnel.toml").display()));
    Ok(())
}

fn rest(prune: bool) -> Rest {
    if prune { Rest::Retired } else { Rest::Kept }
}

fn show(output: Output, changes: &[Change]) -> anyhow::Result<()> {
    let lines = |change: &Change| {
        let sign = match change.action {
            Action::Make => '+',
            Action::Change => '~',
            Action::Retire => '-',
        };
        let mut lines = vec![format!("{sign} {} {}", change.kind, change.slug)];
        lines.extend(change.members.iter().map(|member| format!("    {member}")));
        lines
    };
    output.either(&changes, || changes.iter().flat_map(lines).collect())
}
