//! `tundish backup` and `tundish restore`.

use engine::backup::{self, Key, Old};

use super::Call;
use crate::cli::{Backup, Restore};
use crate::folder::{self, Lock};
use crate::install;
use crate::output::refused;

/// Copies the installation while it runs.
///
/// # Errors
/// The folder is not empty, or the copy broke off.
pub async fn run(call: &Call, flags: &Backup) -> anyhow::Result<()> {
    let installation = install::beside(&call.config).await?;
    let key = if flags.with_key { Key::Included } else { Key::LeftOut };
    let done = backup::run(&installation.engine, &flags.to, key).await;
    installation.close().await?;
    let manifest = done?;
    call.output.either(&manifest, || {
        let at = flags.to.display();
        vec![format!("{at}: 2 databases and {} files, {} bytes", manifest.files, manifest.bytes)]
    })?;
    call.output.say(if manifest.with_key {
        "the master key is in it: keep this copy as you keep a password"
    } else {
        "the master key is not in it: keep secret.key somewhere else, no copy is of use without it"
    });
    Ok(())
}

/// Puts a backup in place.
///
/// # Errors
/// It is no backup, the data folder is not empty, or a server runs on it.
pub fn restore(call: &Call, flags: &Restore) -> anyhow::Result<()> {
    let data = call.config.data();
    // Held until the end: no server starts in the folder while it is moved.
    let _lock = if data.exists() {
        folder::prepare(&data)?;
        Some(Lock::take(&data)?)
    } else {
        None
    };
    if flags.dry_run {
        let manifest = backup::manifest(&flags.from)?;
        if !flags.force && !backup::may_restore_into(&data)? {
            return Err(refused(format!("{} is not empty; add --force", data.display())));
        }
        let (made_at, version) = (&manifest.made_at, &manifest.version);
        call.output.say(format!("would restore a backup of {made_at} made by tundish {version}"));
        return Ok(());
    }
    let old = if flags.force { Old::MovedAside } else { Old::Refused };
    let restored = backup::restore(&flags.from, &data, old)?;
    call.output.either(&restored, || {
        vec![format!("{} is as it was at {}", data.display(), restored.backup.made_at)]
    })?;
    if let Some(kept_at) = &restored.kept_at {
        call.output.say(format!("what was there before is in {}", kept_at.display()));
    }
    if !restored.has_key {
        let key = folder::key_path(&data);
        call.output.say(format!("put the master key back as {} before starting", key.display()));
    }
    call.output.say("the next start holds all sending until you have said what to do with it");
    Ok(())
}
