//! The catalogue (U6): every product that can be bought at any time.

use model::SiteId;
use model::products::ProductState;
use store::Session;
use store::offers::Offer;
use store::products::Product;

use crate::also_bought::standing_offer;
use crate::fault::Result;

/// One product and the offer it is bought by.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The product.
    pub product: Product,
    /// The oldest offer without an end.
    pub offer: Offer,
}

/// Every product that can be bought at any time, by name.
pub async fn list(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for product in store::products::list(session, site).await? {
        if product.state != ProductState::Active {
            continue;
        }
        if let Some(offer) = standing_offer(session, site, product.id).await? {
            entries.push(Entry { product, offer });
        }
    }
    Ok(entries)
}
