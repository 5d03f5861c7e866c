//! Goes on with the imports that run, a few batches at a time.

use model::SiteId;
use model::ids::ImportId;

use super::rows::Reader;
use super::{Plan, batches, get, read_plan, set_state};
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::files::{self, tables::Table};

/// Batches of one sweep: other work gets its turn in between.
const BATCHES_A_SWEEP: usize = 10;

/// Does some batches of an import that runs; how many.
pub(crate) async fn sweep(engine: &Engine) -> Result<usize> {
    let next = engine
        .reader()
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move {
                let Some((site, id)) = store::imports::running(session).await? else {
                    return Ok(None);
                };
                Ok(store::sites::find(session, site).await?.map(|site| (site, id)))
            })
        })
        .await?;
    let Some((site, id)) = next else { return Ok(0) };
    match open(engine, site.id, id).await {
        Ok((plan, table)) => {
            let most = BATCHES_A_SWEEP;
            match batches(engine, &site, id, &table, &plan, most, &mut |_| ()).await {
                Ok(done) => Ok(done),
                Err(error) => broke_off(engine, site.id, id, error).await,
            }
        }
        // It would break off in every round, and keep the imports behind it waiting.
        Err(error) => stop(engine, site.id, id, &error).await,
    }
}

async fn open(engine: &Engine, site: SiteId, id: ImportId) -> Result<(Plan, Table)> {
    let import = get(engine, site, id).await?;
    let plan = read_plan(&import)?;
    let (_, bytes) = files::read(engine, site, import.file_id).await?;
    let table = Table::read(&bytes)?;
    Reader::new(&table, &plan)?;
    Ok((plan, table))
}

/// What broke off once is tried once more: the database may have been busy. Twice at the same line
/// it would be so for ever, and keep the imports behind it waiting.
async fn broke_off(
    engine: &Engine,
    site: SiteId,
    id: ImportId,
    error: EngineError,
) -> Result<usize> {
    let now = engine.now();
    let again = engine
        .write(move |tx| {
            Box::pin(async move {
                let import = store::imports::find(tx, site, id).await?;
                let Some(import) = import.filter(|import| import.state == "running") else {
                    return Ok(false);
                };
                let here = format!("it broke off where line {} is next", import.next_line);
                if import.why.as_ref() == Some(&here) {
                    return Ok(true);
                }
                store::imports::set_state(tx, site, id, "running", Some(&here), now).await?;
                Ok(false)
            })
        })
        .await?;
    if again { stop(engine, site, id, &error).await } else { Err(error) }
}

async fn stop(engine: &Engine, site: SiteId, id: ImportId, error: &EngineError) -> Result<usize> {
    tracing::error!(import = %id, %error, "an import cannot go on; it is paused");
    let why = format!("it could not go on: {error}");
    set_state(engine, site, id, "paused", Some(&why)).await.map(|()| 1)
}
