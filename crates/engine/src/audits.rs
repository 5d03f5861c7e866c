//! The audit log: written with what it tells of, in one transaction; checked as a whole.

use model::SiteId;
use model::audits::Actor;
use serde::Serialize;
use store::Tx;
use store::audits::NewAudit;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Where actions go that concern no single site: operators, sign-ins.
pub const INSTALLATION: SiteId = SiteId(0);
/// Lines read at a time when the chain is checked.
const BATCH: i64 = 1_000;

/// Appends a line. `object` is an outside id; `data` holds ids and words, never an address, so
/// that erasing a person leaves the chain whole.
pub async fn record<T: Serialize + Sync>(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    actor: Actor,
    action: &str,
    object: impl ToString,
    data: &T,
) -> Result<()> {
    let data = serde_json::to_string(data)
        .map_err(|e| EngineError::Fault(format!("an audit line could not be written: {e}")))?;
    let new = NewAudit {
        at: engine.now(),
        actor: actor.to_string(),
        action: action.to_owned(),
        object: object.to_string(),
        data,
    };
    store::audits::append(tx, site, new).await?;
    Ok(())
}

/// Appends a line about what the engine's own actor does.
pub(crate) async fn note<T: Serialize + Sync>(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    action: &str,
    object: impl ToString,
    data: &T,
) -> Result<()> {
    record(engine, tx, site, engine.actor(), action, object, data).await
}

/// Reads every chain from its beginning; a sentence for each line that was changed or is missing.
pub async fn check(engine: &Engine) -> Result<Vec<String>> {
    engine
        .reader()
        .read(|session| {
            Box::pin(async move {
                let mut wrong = Vec::new();
                for site in store::audits::sites(session).await? {
                    check_site(session, site, &mut wrong).await?;
                }
                Ok(wrong)
            })
        })
        .await
}

async fn check_site(
    session: &mut store::Session<'_>,
    site: SiteId,
    wrong: &mut Vec<String>,
) -> Result<()> {
    let (mut number, mut hash) = (0, String::new());
    loop {
        let lines = store::audits::from(session, site, number, BATCH).await?;
        for line in &lines {
            if line.number != number + 1 {
                wrong.push(format!("audit lines after {number} of {site} are missing"));
            } else if line.previous != hash || line.hash != line.seal() {
                wrong.push(format!("audit line {} of {site} was changed", line.number));
            }
            number = line.number;
            hash.clone_from(&line.hash);
        }
        if lines.is_empty() {
            break;
        }
    }
    if store::audits::head(session, site).await? != Some((number, hash)) {
        wrong.push(format!("the last audit lines of {site} are missing"));
    }
    Ok(())
}
