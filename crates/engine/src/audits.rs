//! The audit log: written with what it tells of, in one transaction; checked as a whole.

use std::collections::HashMap;
use std::path::Path;

use model::SiteId;
use model::audits::Actor;
use serde::Serialize;
use store::Tx;
use store::audits::NewAudit;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Where actions go that concern no single site: operators, sign-ins.
pub const INSTALLATION: SiteId = SiteId(0);
/// Where the head of every chain is noted once a day, outside of the database: who rewrites the
/// end of a chain, with fresh hashes, would have to know of this file, and of the log, which says
/// the same and may be read elsewhere.
pub(crate) const HEADS: &str = "audit-heads.txt";
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

/// A line as it was noted: its site and number, and then the day and its hash.
type Noted = HashMap<(i64, i64), (String, String)>;

/// Notes the head of every chain, once a day: a line each of day, site, number and hash.
pub(crate) async fn note_heads(engine: &Engine) -> Result<()> {
    let day: String = engine.now().rfc3339().chars().take(10).collect();
    let path = engine.data_dir().join(HEADS);
    let before = read_heads(&path).await?;
    if before.lines().next_back().is_some_and(|line| line.starts_with(&day)) {
        return Ok(());
    }
    let heads = engine
        .reader()
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move {
                let mut heads = Vec::new();
                for site in store::audits::sites(session).await? {
                    heads.extend(store::audits::head(session, site).await?.map(|h| (site, h)));
                }
                Ok(heads)
            })
        })
        .await?;
    let mut lines = before;
    for (site, (number, hash)) in heads {
        tracing::info!(%day, site = site.0, number, %hash, "the audit log reaches to here");
        lines.push_str(&format!("{day} {} {number} {hash}\n", site.0));
    }
    let beside = path.with_extension("part");
    let kept = async {
        tokio::fs::write(&beside, lines).await?;
        tokio::fs::rename(&beside, &path).await
    };
    kept.await.map_err(|e| EngineError::Fault(format!("{} cannot be kept: {e}", path.display())))
}

async fn read_heads(path: &Path) -> Result<String> {
    match tokio::fs::read_to_string(path).await {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(e) => Err(EngineError::Fault(format!("{} cannot be read: {e}", path.display()))),
    }
}

async fn noted(engine: &Engine) -> Result<Noted> {
    let text = read_heads(&engine.data_dir().join(HEADS)).await?;
    let line = |line: &str| {
        let mut words = line.split(' ');
        let (day, site) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        Some(((site, words.next()?.parse().ok()?), (day, words.next()?.to_owned())))
    };
    Ok(text.lines().filter_map(line).collect())
}

/// Reads every chain from its beginning; a sentence for each line that was changed, is missing, or
/// is not what it was when the heads were noted.
pub async fn check(engine: &Engine) -> Result<Vec<String>> {
    let noted = noted(engine).await?;
    engine
        .reader()
        .read(|session| {
            Box::pin(async move {
                let mut wrong = Vec::new();
                for site in store::audits::sites(session).await? {
                    check_site(session, site, &noted, &mut wrong).await?;
                }
                Ok(wrong)
            })
        })
        .await
}

async fn check_site(
    session: &mut store::Session<'_>,
    site: SiteId,
    noted: &Noted,
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
            if let Some((day, hash)) = noted.get(&(site.0, line.number))
                && *hash != line.hash
            {
                let number = line.number;
                wrong.push(format!("audit line {number} of {site} is not that of {day}"));
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
    let of_site = noted.iter().filter(|((of, at), _)| *of == site.0 && *at > number);
    if let Some(((_, at), (day, _))) = of_site.max_by_key(|((_, at), _)| *at) {
        wrong.push(format!("audit lines up to {at} of {site}, noted on {day}, are missing"));
    }
    Ok(())
}
