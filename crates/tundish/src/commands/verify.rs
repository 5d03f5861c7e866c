//! `tundish verify`.

use engine::verify;

use super::Call;
use crate::install;
use crate::output::refused;

/// Checks everything that must always hold.
///
/// # Errors
/// Something does not: exit 1, with every finding printed.
pub async fn run(call: &Call) -> anyhow::Result<()> {
    let installation = install::beside(&call.config).await?;
    let found = verify::run(&installation.engine.reader()).await;
    installation.close().await?;
    let findings = found?;
    call.output.either(&findings, || {
        findings
            .iter()
            .map(|f| format!("{} ({}): {}; {}", f.check, f.subject, f.found, f.promise))
            .collect()
    })?;
    if !findings.is_empty() {
        return Err(refused(format!("{} promises are broken, as listed", findings.len())));
    }
    call.output.say(format!("{} promises hold", verify::promises().len()));
    Ok(())
}
