//! Also bought: six products that customers of one have too, by how much more often than chance.
//! Counted customer by customer as orders are paid.

use std::collections::BTreeSet;

use model::SiteId;
use model::ids::{ContactId, FileId, OfferId, ProductId};
use model::money::Money;
use model::products::ProductState;
use store::{Session, Tx};

use crate::fault::Result;

/// How many are shown (U5).
pub const SHOWN: usize = 6;
/// Products of one customer that are paired: the cost of one more order.
const PAIRED_MAX: i64 = 100;
/// Candidates that are weighed.
const CANDIDATES: i64 = 50;

/// Counts products for a customer who had them not, with everything they have. Before they are
/// granted. Always in one order, so that two orders at once wait for each other and never cross.
pub(crate) async fn count(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    products: &[ProductId],
) -> Result<()> {
    let mut had = store::product_pairs::products_of(tx, site, contact, PAIRED_MAX).await?;
    let mut pairs: BTreeSet<(ProductId, ProductId)> = BTreeSet::new();
    for product in products {
        if had.contains(product) {
            continue;
        }
        pairs.insert((*product, *product));
        for other in &had {
            pairs.insert((*product, *other));
            pairs.insert((*other, *product));
        }
        had.push(*product);
    }
    for (product, other) in pairs {
        store::product_pairs::add(tx, site, product, other).await?;
    }
    Ok(())
}

/// One product shown beside another.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// Which.
    pub product: ProductId,
    /// Its name.
    pub name: String,
    /// One or two sentences.
    pub summary: String,
    /// Its picture.
    pub image: Option<FileId>,
    /// The offer it can be had by.
    pub offer: OfferId,
    /// The name of that offer in addresses.
    pub offer_slug: String,
    /// Its price.
    pub price: Money,
    /// How many customers have both.
    pub together: i64,
    /// The cosine of the two, in thousandths; pins have none.
    pub score_permille: i64,
    /// Whether it was pinned by hand.
    pub is_pinned: bool,
}

/// What is shown beside `product`: pins first, then what is bought together most beyond chance.
/// What is in `exclude`, withdrawn, or not on offer is left out.
pub async fn for_product(
    session: &mut Session<'_>,
    site: SiteId,
    product: ProductId,
    exclude: &[ProductId],
    limit: usize,
) -> Result<Vec<Suggestion>> {
    let mut found: Vec<Suggestion> = Vec::new();
    for pin in store::products::pins(session, site, product).await? {
        if found.len() < limit && !exclude.contains(&pin) && pin != product {
            found.extend(suggestion(session, site, pin, (0, 0), true).await?);
        }
    }
    let own = store::product_pairs::buyers(session, site, product).await?;
    let rows = store::product_pairs::of_product(session, site, product, CANDIDATES).await?;
    let mut weighed: Vec<(i64, ProductId, i64)> = rows
        .into_iter()
        .map(|(other, together, its)| (cosine_permille(together, own, its), other, together))
        .collect();
    weighed.sort_by(|a, b| b.0.cmp(&a.0).then(b.2.cmp(&a.2)).then(a.1.cmp(&b.1)));
    for (score, other, together) in weighed {
        if found.len() >= limit {
            break;
        }
        let is_out = exclude.contains(&other) || found.iter().any(|s| s.product == other);
        if !is_out {
            found.extend(suggestion(session, site, other, (together, score), false).await?);
        }
    }
    Ok(found)
}

/// together / √(a · b) in thousandths, in whole numbers: √ of the square in millionths.
fn cosine_permille(together: i64, a: i64, b: i64) -> i64 {
    let product = i128::from(a.max(1)) * i128::from(b.max(1));
    let square = i128::from(together) * i128::from(together) * 1_000_000 / product;
    i64::try_from(square.max(0).isqrt()).unwrap_or(0)
}

async fn suggestion(
    session: &mut Session<'_>,
    site: SiteId,
    id: ProductId,
    (together, score_permille): (i64, i64),
    is_pinned: bool,
) -> Result<Option<Suggestion>> {
    let Some(product) = store::products::find(session, site, id).await? else { return Ok(None) };
    if product.state != ProductState::Active {
        return Ok(None);
    }
    let Some(offer) = standing_offer(session, site, id).await? else { return Ok(None) };
    Ok(Some(Suggestion {
        product: id,
        name: product.name,
        summary: product.summary,
        image: product.image,
        offer: offer.id,
        offer_slug: offer.slug,
        price: Money::new(offer.price_minor, offer.currency),
        together,
        score_permille,
        is_pinned,
    }))
}

/// The offer a product is shown with in lists: the oldest that anybody can take, without an end.
pub(crate) async fn standing_offer(
    session: &mut Session<'_>,
    site: SiteId,
    product: ProductId,
) -> Result<Option<store::offers::Offer>> {
    let offers = store::offers::list_of_product(session, site, product).await?;
    Ok(offers.into_iter().find(|offer| {
        offer.state == model::products::OfferState::Active
            && offer.deadline == model::offers::Deadline::None
            && offer.stock_left() != Some(0)
    }))
}

/// What is shown to a customer: beside what they bought last, without what they have.
pub async fn for_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    product: ProductId,
    limit: usize,
) -> Result<Vec<Suggestion>> {
    let owned = store::entitlements::owned(session, site, contact).await?;
    for_product(session, site, product, &owned, limit).await
}

#[cfg(test)]
mod tests {
    use super::cosine_permille;

    #[test]
    fn the_cosine_is_one_where_all_have_both_and_nothing_where_none_has() {
        assert_eq!(cosine_permille(10, 10, 10), 1000);
        assert_eq!(cosine_permille(5, 10, 10), 500);
        assert_eq!(cosine_permille(0, 10, 10), 0);
        assert_eq!(cosine_permille(1, 0, 0), 1000);
        assert_eq!(cosine_permille(3, 4, 16), 375);
    }
}
