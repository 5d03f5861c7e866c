//! The counts of who has what, compared with what was granted, and mended.

use std::collections::BTreeMap;

use model::SiteId;
use model::ids::ProductId;
use store::Session;

use super::PAIRED_MAX;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Counts mended in one transaction.
const AT_ONCE: usize = 500;

/// What is to be added to each count.
type Lacking = BTreeMap<(ProductId, ProductId), i64>;

/// How many counts are not what was granted.
///
/// # Errors
/// The database fails.
pub async fn wrong(engine: &Engine, site: SiteId) -> Result<usize> {
    Ok(lacking_twice(engine, site).await?.len())
}

/// Puts on the counts what they lack; how many that were.
///
/// # Errors
/// The database fails.
pub async fn mend(engine: &Engine, site: SiteId) -> Result<usize> {
    let lacking: Vec<_> = lacking_twice(engine, site).await?.into_iter().collect();
    for part in lacking.chunks(AT_ONCE) {
        let part = part.to_vec();
        engine
            .write(move |tx| {
                Box::pin(async move {
                    for (pair, more) in part {
                        store::product_pairs::add(tx, site, pair, more).await?;
                    }
                    Ok(())
                })
            })
            .await?;
    }
    Ok(lacking.len())
}

/// Counted twice: what orders change meanwhile is not the same both times, and is no fault.
async fn lacking_twice(engine: &Engine, site: SiteId) -> Result<Lacking> {
    let first = lacking(engine, site).await?;
    if first.is_empty() {
        return Ok(first);
    }
    let mut again = lacking(engine, site).await?;
    again.retain(|pair, more| first.get(pair) == Some(more));
    Ok(again)
}

async fn lacking(engine: &Engine, site: SiteId) -> Result<Lacking> {
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| Box::pin(async move { of(session, site).await }))
        .await
}

/// Which of many products of one customer were paired cannot be told from what was granted: where
/// someone has more than are paired, only the customers of each product are compared.
async fn of(session: &mut Session<'_>, site: SiteId) -> Result<Lacking> {
    let with_pairs = store::product_pairs::most_held(session, site).await? <= PAIRED_MAX;
    let mut lacking = Lacking::new();
    for (product, other, together) in
        store::product_pairs::count_anew(session, site, with_pairs).await?
    {
        *lacking.entry((product, other)).or_default() += together;
    }
    for (product, other, together) in store::product_pairs::list(session, site).await? {
        if with_pairs || product == other {
            *lacking.entry((product, other)).or_default() -= together;
        }
    }
    lacking.retain(|_, more| *more != 0);
    Ok(lacking)
}
