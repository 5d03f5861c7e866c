//! `tundish verify`.

use engine::verify::{self, Finding};

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
    let audits = engine::audits::check(&installation.engine).await;
    let rollups = verify::rollups(&installation.engine).await;
    installation.close().await?;
    let mut findings = found?;
    findings.extend(rollups?);
    findings.extend(audits?.into_iter().map(|found| Finding {
        check: "audit log",
        promise: "nothing in the audit log is changed or taken out",
        site: 0,
        subject: String::new(),
        found,
    }));
    call.output.either(&findings, || {
        findings
            .iter()
            .map(|f| format!("{} ({}): {}; {}", f.check, f.subject, f.found, f.promise))
            .collect()
    })?;
    if !findings.is_empty() {
        let broken = match findings.len() {
            1 => "1 promise is broken".to_owned(),
            n => format!("{n} promises are broken"),
        };
        return Err(refused(format!("{broken}, as listed")));
    }
    call.output.say(format!("{} promises hold", verify::promises().len()));
    Ok(())
}
