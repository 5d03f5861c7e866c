//! Everything weighed anew: what every customer had is read once, and the partners of every product
//! that changed are written.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use model::SiteId;
use model::ids::{ContactId, ProductId};
use numbers::affinity::{Holdings, Partner, Wish};

use super::{KEPT, MEASURE, PAIRED_MAX, TOGETHER_MIN};
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Rows read at once.
const PAGE: i64 = 20_000;
/// Products whose partners are written in one transaction.
const PRODUCTS_AT_ONCE: usize = 50;
/// Scores nearer than this are the same: they are told apart by nobody.
const SAME: f64 = 1e-6;

/// Weighs every pair of a site; how many products' partners changed.
///
/// # Errors
/// The database fails.
pub async fn rebuild(engine: &Engine, site: SiteId) -> Result<usize> {
    let (pairs, products) = held(engine, site).await?;
    if products.len() < 2 {
        return Ok(0);
    }
    let wish = Wish {
        measure: MEASURE,
        top: usize::try_from(KEPT).unwrap_or(0),
        together_min: TOGETHER_MIN,
        beyond_chance: true,
    };
    // Seconds of arithmetic on a large site: not on a thread that others wait for.
    let lists =
        tokio::task::spawn_blocking(move || Holdings::new(&pairs).lists(&wish, NonZeroUsize::MIN))
            .await
            .map_err(|e| EngineError::Fault(format!("the pairs could not be weighed: {e}")))?;
    let mut changed = 0;
    let each: Vec<(ProductId, Vec<Partner>)> = products.iter().copied().zip(lists).collect();
    for part in each.chunks(PRODUCTS_AT_ONCE) {
        let (part, products) = (part.to_vec(), products.clone());
        changed += engine
            .write(move |tx| {
                Box::pin(async move {
                    let mut changed = 0;
                    for (product, list) in part {
                        let named = |one: &Partner| {
                            let at = usize::try_from(one.item).unwrap_or(usize::MAX);
                            products.get(at).map(|other| (*other, one.score))
                        };
                        let fresh: BTreeMap<ProductId, f64> =
                            list.iter().filter_map(named).collect();
                        changed += usize::from(replace(tx, site, product, &fresh).await?);
                    }
                    Ok(changed)
                })
            })
            .await?;
    }
    Ok(changed)
}

/// Puts the partners of a product in the place of those that are kept; whether any changed.
async fn replace(
    tx: &mut store::Tx<'_>,
    site: SiteId,
    product: ProductId,
    fresh: &BTreeMap<ProductId, f64>,
) -> Result<bool> {
    let kept = store::product_pairs::kept(tx, site, product).await?;
    let mut changed = false;
    for (other, _) in kept.iter().filter(|(other, _)| !fresh.contains_key(other)) {
        store::product_pairs::put_top(tx, site, (product, *other), None).await?;
        changed = true;
    }
    for (other, score) in fresh {
        let before = kept.iter().find(|(known, _)| known == other).map(|(_, score)| *score);
        if before.is_none_or(|before| (before - score).abs() > SAME) {
            store::product_pairs::put_top(tx, site, (product, *other), Some(*score)).await?;
            changed = true;
        }
    }
    Ok(changed)
}

/// Customers and products as small numbers, who had what, and the products in their order.
type Held = (Vec<(u32, u32)>, Vec<ProductId>);

/// Who ever had what. A customer's products beyond the number that is paired are left out, as they
/// are in the counts.
async fn held(engine: &Engine, site: SiteId) -> Result<Held> {
    let mut places: BTreeMap<ProductId, u32> = BTreeMap::new();
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    let mut after = (ContactId(0), ProductId(0));
    let (mut customer, mut its) = (0_u32, 0_i64);
    loop {
        let from = after;
        let rows = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(
                    async move { Ok(store::product_pairs::held(session, site, from, PAGE).await?) },
                )
            })
            .await?;
        for (contact, product) in &rows {
            if *contact != after.0 {
                customer += 1;
                its = 0;
            }
            after = (*contact, *product);
            its += 1;
            if its <= PAIRED_MAX {
                let next = u32::try_from(places.len()).unwrap_or(u32::MAX);
                pairs.push((customer, *places.entry(*product).or_insert(next)));
            }
        }
        if i64::try_from(rows.len()).unwrap_or(0) < PAGE {
            break;
        }
    }
    let mut products: Vec<(u32, ProductId)> =
        places.into_iter().map(|(product, place)| (place, product)).collect();
    products.sort_unstable();
    Ok((pairs, products.into_iter().map(|(_, product)| product).collect()))
}
