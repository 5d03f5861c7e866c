//! Also bought: six products that customers of one have too, the strongest beyond chance first.
//!
//! A basket is a customer with all they ever had. How many have a product, and how many have two,
//! is counted as orders are paid; with each order the partners of its products are weighed anew
//! ([`numbers::affinity`], by [`MEASURE`]) and the best are kept, so that a page reads fifty rows
//! however large the catalogue is. An order more moves the scores of all other pairs in their last
//! digits; once a day [`rebuild`] weighs everything.

use std::collections::BTreeSet;

use model::SiteId;
use model::ids::{ContactId, FileId, OfferId, ProductId};
use model::money::Money;
use model::products::ProductState;
use numbers::affinity::{Counts, Measure};
use store::product_pairs::NOTHING;
use store::{Session, Tx};

use crate::fault::Result;

mod anew;
mod counts;
mod finds;
pub(crate) mod mails;

pub use anew::rebuild;
pub use counts::{mend, wrong};
use finds::Finds;
pub use mails::place_of;

/// How many are shown (U5).
pub const SHOWN: usize = 6;
/// What ranks: Dunning's log-likelihood ratio. Lift alone is fooled by two people who bought two
/// rare things, and cosine shows what everybody buys anyway; this one asks for evidence.
pub const MEASURE: Measure = Measure::Llr;
/// Customers who have both, below which a pair may be chance whatever its score.
pub const TOGETHER_MIN: u64 = 2;
/// Products of one customer that are paired: the cost of one more order.
const PAIRED_MAX: i64 = 100;
/// Partners of a product that are kept.
pub const KEPT: i64 = 50;

/// Counts products for a customer who had them not, with everything they have, and weighs what
/// changed. Before they are granted. Always in one order, so that two orders at once wait for each
/// other and never cross.
pub(crate) async fn count(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    products: &[ProductId],
) -> Result<()> {
    let mut had = store::product_pairs::products_of(tx, site, contact, PAIRED_MAX).await?;
    let is_first = had.is_empty();
    let mut pairs: BTreeSet<(ProductId, ProductId)> = BTreeSet::new();
    for product in products {
        // Asked of each by itself: a customer may have more than are read here.
        if had.contains(product) || store::product_pairs::has(tx, site, contact, *product).await? {
            continue;
        }
        pairs.insert((*product, *product));
        for other in &had {
            pairs.insert((*product, *other));
            pairs.insert((*other, *product));
        }
        had.push(*product);
    }
    if is_first && !pairs.is_empty() {
        pairs.insert((NOTHING, NOTHING));
    }
    for (product, other) in &pairs {
        store::product_pairs::add(tx, site, (*product, *other), 1).await?;
    }
    let new: BTreeSet<ProductId> = pairs.iter().filter(|(a, b)| a == b).map(|(a, _)| *a).collect();
    weigh(tx, site, &new, &pairs).await
}

/// Weighs pairs that changed, and keeps the best partners of each product among them.
async fn weigh(
    tx: &mut Tx<'_>,
    site: SiteId,
    new: &BTreeSet<ProductId>,
    pairs: &BTreeSet<(ProductId, ProductId)>,
) -> Result<()> {
    let customers = store::product_pairs::customers(tx, site).await?;
    let mut weighed: BTreeSet<ProductId> = BTreeSet::new();
    for (product, other) in pairs.iter().filter(|(a, b)| a != b && new.contains(a)) {
        let counts = Counts {
            together: whole(store::product_pairs::together(tx, site, *product, *other).await?),
            a: whole(store::product_pairs::buyers(tx, site, *product).await?),
            b: whole(store::product_pairs::buyers(tx, site, *other).await?),
            baskets: whole(customers),
        };
        let score = score(counts);
        for pair in [(*product, *other), (*other, *product)] {
            store::product_pairs::put_top(tx, site, pair, score).await?;
        }
        weighed.extend([*product, *other]);
    }
    for product in weighed {
        store::product_pairs::prune(tx, site, product, KEPT).await?;
    }
    Ok(())
}

/// How strongly a pair goes together; nothing where it does not beyond chance.
fn score(counts: Counts) -> Option<f64> {
    let is_known = counts.together >= TOGETHER_MIN && counts.attracts();
    is_known.then(|| counts.score(MEASURE)).flatten()
}

fn whole(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// A product beside another, with all that is known of the two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beside {
    /// The other product.
    pub other: ProductId,
    /// How many have both, either, and anything at all.
    pub counts: Counts,
    /// By [`MEASURE`], where they go together beyond chance.
    pub score: Option<f64>,
}

/// What customers of a product have too: first what goes with it beyond chance, the strongest
/// first, then what most of them have.
///
/// # Errors
/// The database fails.
pub async fn beside(
    session: &mut Session<'_>,
    site: SiteId,
    product: ProductId,
) -> Result<Vec<Beside>> {
    let own = whole(store::product_pairs::buyers(session, site, product).await?);
    let baskets = whole(store::product_pairs::customers(session, site).await?);
    let kept = store::product_pairs::tops(session, site, product, KEPT).await?;
    let most = store::product_pairs::of_product(session, site, product, KEPT).await?;
    let mut found: Vec<Beside> = Vec::new();
    for (other, together, its) in kept.into_iter().chain(most) {
        if found.iter().any(|known| known.other == other) {
            continue;
        }
        let counts = Counts { together: whole(together), a: own, b: whole(its), baskets };
        found.push(Beside { other, counts, score: score(counts) });
    }
    found.sort_by(|x, y| {
        let by_score = y.score.unwrap_or(-1.0).total_cmp(&x.score.unwrap_or(-1.0));
        by_score.then(y.counts.together.cmp(&x.counts.together)).then(x.other.cmp(&y.other))
    });
    Ok(found)
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
    /// Why it is shown.
    pub why: Why,
}

/// Why a product is shown beside another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Why {
    /// It was pinned by hand.
    Pinned,
    /// Customers of the one have the other.
    Bought(Beside),
}

/// What is shown beside `product`: pins first, then what goes with it most beyond chance, then what
/// most of its customers have. What is in `exclude`, withdrawn, or not on offer is left out.
pub async fn for_product(
    session: &mut Session<'_>,
    site: SiteId,
    product: ProductId,
    exclude: &[ProductId],
    limit: usize,
) -> Result<Vec<Suggestion>> {
    Finds::default().of_product(session, site, product, exclude, limit).await
}

async fn suggestion(
    session: &mut Session<'_>,
    site: SiteId,
    id: ProductId,
    why: Why,
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
        why,
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
