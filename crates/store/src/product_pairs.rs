//! How many customers have a product (a pair with itself), and how many have two of them. Counted
//! as orders are paid; [`count_anew`] is the same from the rows. And of each product the
//! partners that go with it best.

use model::SiteId;
use model::ids::{ContactId, OrderId, ProductId};

use crate::{Result, Session, Tx};

const ADD: &str = "insert into product_pairs (site_id, product_id, other_id, together)
    values ($1, $2, $3, $4) on conflict (site_id, product_id, other_id)
    do update set together = product_pairs.together + $4";
const CLEAR: &str = "delete from product_pairs
    where site_id = $1 and product_id = $2 and other_id = $3 and together = 0";
const HAS: &str = "select count(*) from (select id from entitlements
    where site_id = $1 and contact_id = $2 and product_id = $3 limit 1) q";
const OF_PRODUCT: &str = "select p.other_id, p.together, own.together from product_pairs p
    join product_pairs own on own.site_id = p.site_id and own.product_id = p.other_id
        and own.other_id = p.other_id
    where p.site_id = $1 and p.product_id = $2 and p.other_id <> $2
    order by p.together desc, p.other_id desc limit $3";
const TOPS: &str = "select t.other_id, p.together, own.together from product_tops t
    join product_pairs p on p.site_id = t.site_id and p.product_id = t.product_id
        and p.other_id = t.other_id
    join product_pairs own on own.site_id = t.site_id and own.product_id = t.other_id
        and own.other_id = t.other_id
    where t.site_id = $1 and t.product_id = $2
    order by t.score desc, t.other_id desc limit $3";
const TOGETHER: &str = "select coalesce(max(together), 0) from product_pairs
    where site_id = $1 and product_id = $2 and other_id = $3";
const KEPT: &str = "select other_id, score from product_tops
    where site_id = $1 and product_id = $2 order by other_id";
const PUT_TOP: &str = "insert into product_tops (site_id, product_id, other_id, score)
    values ($1, $2, $3, $4) on conflict (site_id, product_id, other_id)
    do update set score = excluded.score";
const DROP_TOP: &str = "delete from product_tops
    where site_id = $1 and product_id = $2 and other_id = $3";
const PRUNE: &str = "delete from product_tops where site_id = $1 and product_id = $2
    and score < (select min(score) from (select score from product_tops
        where site_id = $1 and product_id = $2 order by score desc limit $3) q)";
const HELD: &str = "select distinct contact_id, product_id from entitlements
    where site_id = $1 and contact_id >= $2 and (contact_id > $2 or product_id > $3)
    order by contact_id, product_id limit $4";
const BUYERS_OF: &str = "select distinct e.contact_id from entitlements e
    where e.site_id = $1 and e.product_id = $2 and e.contact_id > $3
    order by e.contact_id limit $4";
const BUYERS_OF_BOTH: &str = "select distinct e.contact_id from entitlements e
    where e.site_id = $1 and e.product_id = $2 and e.contact_id > $3
    and exists (select 1 from entitlements o where o.site_id = e.site_id
        and o.contact_id = e.contact_id and o.product_id = $5)
    order by e.contact_id limit $4";
const CUSTOMERS: &str = "select distinct contact_id from entitlements
    where site_id = $1 and contact_id > $2 order by contact_id limit $3";
const ORDERS_OF: &str = "select product_id, min(order_id) from entitlements
    where site_id = $1 and contact_id = $2 and (product_id = $3 or product_id = $4)
    group by product_id order by product_id";
const BUYERS: &str = "select coalesce(max(together), 0) from product_pairs
    where site_id = $1 and product_id = $2 and other_id = $2";
const LIST: &str = "select product_id, other_id, together from product_pairs
    where site_id = $1 order by product_id, other_id";
const PRODUCTS_OF: &str = "select distinct product_id from entitlements
    where site_id = $1 and contact_id = $2 order by product_id limit $3";
const COUNT_BUYERS: &str = "select product_id, product_id, count(distinct contact_id)
    from entitlements where site_id = $1 group by product_id
    union all select cast(0 as bigint), cast(0 as bigint), count(distinct contact_id)
    from entitlements where site_id = $1";
const COUNT_PAIRS: &str = "select a.product_id, b.product_id, count(*)
    from (select distinct contact_id, product_id from entitlements where site_id = $1) a
    join (select distinct contact_id, product_id from entitlements where site_id = $1) b
        on b.contact_id = a.contact_id and b.product_id <> a.product_id
    group by a.product_id, b.product_id";
const MOST_HELD: &str = "select coalesce(max(q.held), 0) from (select count(distinct product_id)
    as held from entitlements where site_id = $1 group by contact_id) q";

/// Counts so many customers more, or fewer, who have both; the same product twice counts its
/// customers.
pub async fn add(
    tx: &mut Tx<'_>,
    site: SiteId,
    (product, other): (ProductId, ProductId),
    more: i64,
) -> Result<()> {
    tx.query(ADD).bind(site).bind(product).bind(other).bind(more).run().await?;
    if more < 0 {
        tx.query(CLEAR).bind(site).bind(product).bind(other).run().await?;
    }
    Ok(())
}

/// Whether a contact ever had a product.
pub async fn has(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    product: ProductId,
) -> Result<bool> {
    let query = session.query(HAS).bind(site).bind(contact).bind(product);
    Ok(query.one::<i64>().await? > 0)
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

/// How many customers have anything: counted as the pair of no product with itself.
pub async fn customers(session: &mut Session<'_>, site: SiteId) -> Result<i64> {
    buyers(session, site, NOTHING).await
}

/// The product that stands for none.
pub const NOTHING: ProductId = ProductId(0);

/// How many customers have both.
pub async fn together(
    session: &mut Session<'_>,
    site: SiteId,
    product: ProductId,
    other: ProductId,
) -> Result<i64> {
    session.query(TOGETHER).bind(site).bind(product).bind(other).one().await
}

/// What goes best with a product, as it is kept: which, how many have both, how many have it.
pub async fn tops(
    session: &mut Session<'_>,
    site: SiteId,
    product: ProductId,
    limit: i64,
) -> Result<Vec<(ProductId, i64, i64)>> {
    session.query(TOPS).bind(site).bind(product).bind(limit).all().await
}

/// What is kept of a product, by partner.
pub async fn kept(
    session: &mut Session<'_>,
    site: SiteId,
    product: ProductId,
) -> Result<Vec<(ProductId, f64)>> {
    session.query(KEPT).bind(site).bind(product).all().await
}

/// Keeps a partner with its score, or drops it where it has none.
pub async fn put_top(
    tx: &mut Tx<'_>,
    site: SiteId,
    (product, other): (ProductId, ProductId),
    score: Option<f64>,
) -> Result<()> {
    match score {
        Some(score) => {
            let query = tx.query(PUT_TOP).bind(site).bind(product).bind(other).bind(score);
            query.run().await.map(drop)
        }
        None => tx.query(DROP_TOP).bind(site).bind(product).bind(other).run().await.map(drop),
    }
}

/// Drops all but the best `most` partners of a product; those as good as the last of them stay.
pub async fn prune(tx: &mut Tx<'_>, site: SiteId, product: ProductId, most: i64) -> Result<()> {
    tx.query(PRUNE).bind(site).bind(product).bind(most).run().await.map(drop)
}

/// Who ever had what, customer by customer, from after one of these pairs.
pub async fn held(
    session: &mut Session<'_>,
    site: SiteId,
    after: (ContactId, ProductId),
    limit: i64,
) -> Result<Vec<(ContactId, ProductId)>> {
    session.query(HELD).bind(site).bind(after.0).bind(after.1).bind(limit).all().await
}

/// Customers who ever had a product, or two, or anything at all; from after `after`.
pub async fn customers_with(
    session: &mut Session<'_>,
    site: SiteId,
    products: (Option<ProductId>, Option<ProductId>),
    after: ContactId,
    limit: i64,
) -> Result<Vec<ContactId>> {
    let query = match products {
        (Some(one), Some(other)) => {
            let query = session.query(BUYERS_OF_BOTH).bind(site).bind(one).bind(after);
            return query.bind(limit).bind(other).all().await;
        }
        (Some(one), None) | (None, Some(one)) => session.query(BUYERS_OF).bind(site).bind(one),
        (None, None) => session.query(CUSTOMERS).bind(site),
    };
    query.bind(after).bind(limit).all().await
}

/// By which orders a customer got two products first.
pub async fn orders_of(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    (one, other): (ProductId, ProductId),
) -> Result<Vec<(ProductId, OrderId)>> {
    session.query(ORDERS_OF).bind(site).bind(contact).bind(one).bind(other).all().await
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

/// The same counts from the rows of what was granted: of each product and of all, and those of
/// pairs where `with_pairs`.
pub async fn count_anew(
    session: &mut Session<'_>,
    site: SiteId,
    with_pairs: bool,
) -> Result<Vec<(ProductId, ProductId, i64)>> {
    let mut counts: Vec<(ProductId, ProductId, i64)> =
        session.query(COUNT_BUYERS).bind(site).all().await?;
    if with_pairs {
        counts.extend(session.query(COUNT_PAIRS).bind(site).all::<(_, _, _)>().await?);
    }
    counts.retain(|(_, _, together)| *together > 0);
    Ok(counts)
}

/// How many products the customer has who has the most.
pub async fn most_held(session: &mut Session<'_>, site: SiteId) -> Result<i64> {
    session.query(MOST_HELD).bind(site).one().await
}
