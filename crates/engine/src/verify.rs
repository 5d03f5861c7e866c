//! Checks what must always hold, on the rows as they are: the promises of the house as queries.

use model::ids::to_base32;
use model::spans::{Span, day_of};
use model::{SiteId, UtcMs};
use serde::Serialize;
use store::Reader;
use store::verify::{CHECKS, Check};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::rollups;

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check, in short.
    pub check: &'static str,
    /// What should hold.
    pub promise: &'static str,
    /// In which site.
    pub site: i64,
    /// The row it is about, as base32.
    pub subject: String,
    /// What stands there.
    pub found: String,
}

/// Runs every check over every site. Each reads on its own, so that a long one keeps no log of
/// another; what one finds after the other may be newer.
///
/// # Errors
/// The database fails.
pub async fn run(reader: &Reader) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for check in CHECKS.iter().flat_map(|group| group.iter()) {
        findings.extend(one(reader, check).await?);
    }
    Ok(findings)
}

/// Compares every rollup with a full count of its rows.
///
/// # Errors
/// The database fails.
pub async fn rollups(engine: &Engine) -> Result<Vec<Finding>> {
    let sites = engine
        .reader()
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move { Ok(store::sites::list(session).await?) })
        })
        .await?;
    let mut findings = Vec::new();
    for site in sites {
        let zone = rollups::zone_of(&site);
        let day = |at: UtcMs| day_of(at, &zone);
        let span = Span { from: day(site.created_at), to: day(engine.now()) };
        let mut drifts = rollups::compare(engine, &site, span).await?;
        drifts.extend(rollups::compare_sums(engine, &site).await?);
        for drift in drifts {
            let (stage, rolled, counted) = (&drift.stage, drift.rolled, drift.counted);
            findings.push(Finding {
                check: "rollups",
                promise: "a rollup says what its rows come to; `tundish rebuild rollups` mends it",
                site: site.id.0,
                subject: drift.day.clone(),
                found: format!("{stage}: {rolled} rolled up, {counted} counted"),
            });
        }
    }
    Ok(findings)
}

/// The names of all checks and what each promises.
pub fn promises() -> Vec<(&'static str, &'static str)> {
    CHECKS.iter().flat_map(|group| group.iter()).map(|check| (check.name, check.promise)).collect()
}

async fn one(reader: &Reader, check: &'static Check) -> Result<Vec<Finding>> {
    let rows: Vec<(SiteId, i64, String)> = reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::verify::run(session, check).await?) })
        })
        .await?;
    let finding = |(site, subject, found): (SiteId, i64, String)| Finding {
        check: check.name,
        promise: check.promise,
        site: site.0,
        subject: to_base32(subject),
        found,
    };
    Ok(rows.into_iter().map(finding).collect())
}
