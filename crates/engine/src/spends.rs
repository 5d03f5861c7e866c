//! Writes down what was spent to be seen, by hand or from a file.

use model::SiteId;
use model::ids::SpendId;
use model::spends::Spend;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Writes amounts down, all or none. One with the key of an earlier one counts once; how many
/// were new.
///
/// # Errors
/// An amount must be mended.
pub async fn add(engine: &Engine, site: SiteId, spends: Vec<(String, Spend)>) -> Result<usize> {
    for (_, spend) in &spends {
        spend.check()?;
    }
    let engine_too = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let now = engine_too.now();
                let mut made = 0;
                for (key, mut spend) in spends {
                    spend.id = SpendId(engine_too.next_id());
                    if store::spends::insert(tx, site, &spend, &key, now).await? {
                        made += 1;
                    }
                }
                Ok(made)
            })
        })
        .await
}

/// Takes an amount away.
pub async fn remove(engine: &Engine, site: SiteId, id: SpendId) -> Result<()> {
    engine
        .write(move |tx| {
            Box::pin(async move {
                if store::spends::delete(tx, site, id).await? {
                    Ok(())
                } else {
                    Err(EngineError::missing("spend", id))
                }
            })
        })
        .await
}
