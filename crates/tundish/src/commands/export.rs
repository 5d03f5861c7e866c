//! `tundish export`.

use super::{Call, funnel, site};
use crate::cli::Export;
use crate::install;
use crate::output::usage;

/// What can be written out.
const TABLES: &[&str] = &["funnel"];

/// Writes out what was asked for.
///
/// # Errors
/// There is no such table, or standard output is closed or full.
pub async fn run(call: &Call, flags: &Export) -> anyhow::Result<()> {
    if !TABLES.contains(&flags.what.as_str()) {
        let near = model::spelling::nearest(&flags.what, TABLES.iter().copied());
        let hint = near.map_or(String::new(), |near| format!(" (did you mean {near}?)"));
        let what = &flags.what;
        return Err(usage(format!("{what} cannot be exported{hint}: {}", TABLES.join(", "))));
    }
    let installation = install::beside(&call.config).await?;
    let engine = &installation.engine;
    let done = async {
        let site = site::find(engine, flags.site.as_deref()).await?;
        funnel::export(call, engine, &site, flags.to.as_deref()).await
    };
    let done = done.await;
    installation.close().await?;
    done
}
