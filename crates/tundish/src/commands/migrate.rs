//! `tundish migrate`.

use store::{Db, Options, Schema};

use super::Call;
use crate::cli::Migrate;
use crate::folder::{self, Lock};
use crate::install;
use crate::output::refused;

/// Brings the tables up to date, or only says what is missing.
///
/// # Errors
/// A server is running, the database is newer than the program, or something is missing
/// (`--check`).
pub async fn run(call: &Call, flags: &Migrate) -> anyhow::Result<()> {
    let config = &call.config;
    let dir = config.data();
    folder::prepare(&dir)?;
    // What only looks needs no lock.
    let _lock = if flags.check { None } else { Some(Lock::take(&dir)?) };
    let db = Db::connect_as_is(&config.database_url(), &Options::main()).await?;
    let views = Db::connect_as_is(&install::views_url(config), &Options::views()).await?;
    let mut missing = db.pending(Schema::Main).await?;
    missing.extend(views.pending(Schema::Views).await?);
    if flags.check {
        call.output.either(&missing, || missing.iter().map(ToString::to_string).collect())?;
        return match missing.len() {
            0 => Ok(()),
            count => Err(refused(format!("{count} migrations are missing: `tundish migrate`"))),
        };
    }
    db.up(Schema::Main).await?;
    views.up(Schema::Views).await?;
    views.close().await;
    db.close().await;
    call.output.say(format!("{} migrations were applied", missing.len()));
    Ok(())
}
