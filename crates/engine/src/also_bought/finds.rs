//! What is suggested beside products. A batch of mails asks for many readers: each product is looked
//! beside once, and each offer looked up once, however many of them bought the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::SiteId;
use model::ids::{ContactId, ProductId};
use store::Session;

use super::{SHOWN, Suggestion, Why, beside, suggestion};
use crate::fault::Result;

/// What was found on one site, and is not asked for again.
#[derive(Default)]
pub(super) struct Finds {
    /// What stands beside a product, the first first.
    ranked: BTreeMap<ProductId, Arc<[(ProductId, Why)]>>,
    /// What a product is suggested as; nothing where it cannot be had.
    suggested: BTreeMap<ProductId, Option<Suggestion>>,
}

impl Finds {
    /// What is suggested to a contact beside several products: what is pinned to any of them, then
    /// what goes with one of them most. Neither those products nor anything the contact has.
    pub(super) async fn beside_all(
        &mut self,
        session: &mut Session<'_>,
        site: SiteId,
        contact: ContactId,
        products: &[ProductId],
    ) -> Result<Vec<Suggestion>> {
        let mut exclude = store::entitlements::owned(session, site, contact).await?;
        exclude.extend(products);
        let mut found: Vec<Suggestion> = Vec::new();
        for product in products {
            for one in self.of_product(session, site, *product, &exclude, SHOWN).await? {
                if !found.iter().any(|known| known.product == one.product) {
                    found.push(one);
                }
            }
        }
        // The sort is stable: what is as good as another stays in the order of the products.
        found.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
        found.truncate(SHOWN);
        Ok(found)
    }

    /// What is suggested beside one product: see [`super::for_product`].
    pub(super) async fn of_product(
        &mut self,
        session: &mut Session<'_>,
        site: SiteId,
        product: ProductId,
        exclude: &[ProductId],
        limit: usize,
    ) -> Result<Vec<Suggestion>> {
        let mut found: Vec<Suggestion> = Vec::new();
        for (other, why) in self.ranked(session, site, product).await?.iter() {
            if found.len() >= limit {
                break;
            }
            if exclude.contains(other) || found.iter().any(|known| known.product == *other) {
                continue;
            }
            if let Some(one) = self.suggested(session, site, *other).await? {
                found.push(Suggestion { why: *why, ..one });
            }
        }
        Ok(found)
    }

    async fn ranked(
        &mut self,
        session: &mut Session<'_>,
        site: SiteId,
        product: ProductId,
    ) -> Result<Arc<[(ProductId, Why)]>> {
        if let Some(known) = self.ranked.get(&product) {
            return Ok(Arc::clone(known));
        }
        let pins = store::products::pins(session, site, product).await?;
        let pinned = pins.into_iter().filter(|pin| *pin != product).map(|pin| (pin, Why::Pinned));
        let bought = beside(session, site, product).await?;
        let bought = bought.into_iter().map(|one| (one.other, Why::Bought(one)));
        let ranked: Arc<[_]> = pinned.chain(bought).collect();
        self.ranked.insert(product, Arc::clone(&ranked));
        Ok(ranked)
    }

    async fn suggested(
        &mut self,
        session: &mut Session<'_>,
        site: SiteId,
        product: ProductId,
    ) -> Result<Option<Suggestion>> {
        if let Some(known) = self.suggested.get(&product) {
            return Ok(known.clone());
        }
        // Why it is suggested is another thing beside each product, and said there.
        let found = suggestion(session, site, product, Why::Pinned).await?;
        self.suggested.insert(product, found.clone());
        Ok(found)
    }
}

fn rank(one: &Suggestion) -> f64 {
    match one.why {
        Why::Pinned => f64::INFINITY,
        Why::Bought(beside) => beside.score.unwrap_or(-1.0),
    }
}
