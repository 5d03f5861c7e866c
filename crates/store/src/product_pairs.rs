//! How many customers have a product (a pair with itself), and how many have two of them. Counted
//! as orders are paid; [`rebuild_counts`] is the same from the rows.

use model::SiteId;
use model::ids::{ContactId, ProductId};

use crate::{Result, Session, Tx};

const ADD: &str = "insert into product_pairs (site_id, product_id, other_id, together)
    values ($1, $2, $3, 1) on conflict (site_id, product_id, other_id)
    do update set together = product_pairs.together + 1";
const OF_PRODUCT: &str = "select p.other_id, p.together, own.together from product_pairs p
    join product_pairs own on own.site_id = p.site_id and own.product_id = p.other_id
        and own.other_id = p.other_id
    where p.site_id = $1 and p.product_id = $2 and p.other_id <> $2
    order by p.together desc, p.other_id limit $3";
const BUYERS: &str = "select coalesce(max(together), 0) from product_pairs
    where site_id = $1 and product_id = $2 and other_id = $2";
const LIST: &str = "select product_id, other_id, together from product_pairs
    where site_id = $1 order by product_id, other_id";
const PRODUCTS_OF: &str = "select distinct product_id from entitlements
    where site_id = $1 and contact_id = $2 order by product_id limit $3";
const REBUILD: &str = "select a.product_id, b.product_id, count(*)
    from (select distinct contact_id, product_id from entitlements where site_id = $1) a
    join (select distinct contact_id, product_id from entitlements where site_id = $1) b
        on b.contact_id = a.contact_id
    group by a.product_id, b.product_id order by a.product_id, b.product_id";

/// Counts one more customer who has both; the same product twice counts its customers.
pub async fn add(
    tx: &mut Tx<'_>,
    site: SiteId,
    product: ProductId,
    other: ProductId,
) -> Result<()> {
    tx.query(ADD).bind(site).bind(product).bind(other).run().await.map(drop)
}

/// What else the customers of a product have: which, how many have both, how many have it.
pub async fn of_product(
    session: &mut Session<'_>,
    site: SiteId,
    product: ProductId,
    limit: i64,
) -> Result<Vec<(ProductId, i64, i64)>> {
    session.query(OF_PRODUCT).bind(site).bind(product).bind(limit).all().await
}

/// How many customers have a product.
pub async fn buyers(session: &mut Session<'_>, site: SiteId, product: ProductId) -> Result<i64> {
    session.query(BUYERS).bind(site).bind(product).one().await
}

/// Every count of a site.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
) -> Result<Vec<(ProductId, ProductId, i64)>> {
    session.query(LIST).bind(site).all().await
}

/// The products a contact ever had, `limit` at most.
pub async fn products_of(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    limit: i64,
) -> Result<Vec<ProductId>> {
    session.query(PRODUCTS_OF).bind(site).bind(contact).bind(limit).all().await
}

/// The same counts from the rows of what was granted.
pub async fn rebuild_counts(
    session: &mut Session<'_>,
    site: SiteId,
) -> Result<Vec<(ProductId, ProductId, i64)>> {
    session.query(REBUILD).bind(site).all().await
}
