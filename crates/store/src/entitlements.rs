//! What buyers may have: granted when paid, revoked when paid back.

use model::ids::{ContactId, EntitlementId, LineId, OrderId, ProductId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const GRANT: &str = "insert into entitlements (site_id, id, contact_id, product_id, order_id,
    line_id, quantity, granted_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (site_id, line_id) do nothing";
const FIND: &str = "select id, contact_id, product_id, order_id, line_id, quantity, downloads,
    granted_at, revoked_at from entitlements where site_id = $1 and id = $2";
const OF_ORDER: &str = "select id, contact_id, product_id, order_id, line_id, quantity, downloads,
    granted_at, revoked_at from entitlements where site_id = $1
    and line_id in (select l.id from order_lines l where l.site_id = $1 and l.order_id = $2)
    order by id";
const OWNED: &str = "select distinct product_id from entitlements
    where site_id = $1 and contact_id = $2 and revoked_at is null";
const LAST_BOUGHT: &str = "select product_id from entitlements
    where site_id = $1 and contact_id = $2 and revoked_at is null
    and order_id = (select order_id from entitlements where site_id = $1 and contact_id = $2
        and revoked_at is null and (product_id = $3 or $3 = cast(0 as bigint))
        order by granted_at desc, id desc limit 1)
    order by id limit $4";
const REVOKE: &str = "update entitlements set revoked_at = $3
    where site_id = $1 and line_id = $2 and revoked_at is null";
const COUNT_DOWNLOAD: &str = "update entitlements set downloads = downloads + 1
    where site_id = $1 and id = $2 and revoked_at is null and downloads < $3";

/// What a buyer may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// Its id.
    pub id: EntitlementId,
    /// Who.
    pub contact_id: ContactId,
    /// What.
    pub product_id: ProductId,
    /// By which order.
    pub order_id: OrderId,
    /// By which line of it.
    pub line_id: LineId,
    /// How many.
    pub quantity: i64,
    /// How often its files were taken.
    pub downloads: i64,
    /// Since when.
    pub granted_at: UtcMs,
    /// Until when, where it was paid back.
    pub revoked_at: Option<UtcMs>,
}

impl FromRow for Entitlement {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            contact_id: row.take()?,
            product_id: row.take()?,
            order_id: row.take()?,
            line_id: row.take()?,
            quantity: row.take()?,
            downloads: row.take()?,
            granted_at: row.take()?,
            revoked_at: row.take()?,
        })
    }
}

/// Grants once a line; `false` where it was granted.
pub async fn grant(tx: &mut Tx<'_>, site: SiteId, new: &Entitlement) -> Result<bool> {
    let made = tx
        .query(GRANT)
        .bind(site)
        .bind(new.id)
        .bind(new.contact_id)
        .bind(new.product_id)
        .bind(new.order_id)
        .bind(new.line_id)
        .bind(new.quantity)
        .bind(new.granted_at)
        .run()
        .await?;
    Ok(made == 1)
}

/// The entitlement with this id.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    id: EntitlementId,
) -> Result<Option<Entitlement>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// What an order granted.
pub async fn of_order(
    session: &mut Session<'_>,
    site: SiteId,
    order: OrderId,
) -> Result<Vec<Entitlement>> {
    session.query(OF_ORDER).bind(site).bind(order).all().await
}

/// The products a contact has.
pub async fn owned(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<ProductId>> {
    session.query(OWNED).bind(site).bind(contact).all().await
}

/// What a contact got by their last order and still has, `limit` at most; where `with` is given, by
/// their last order that held it.
pub async fn last_bought(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    with: Option<ProductId>,
    limit: i64,
) -> Result<Vec<ProductId>> {
    let with = with.map_or(0, |product| product.0);
    session.query(LAST_BOUGHT).bind(site).bind(contact).bind(with).bind(limit).all().await
}

/// Takes back what a line granted.
pub async fn revoke(tx: &mut Tx<'_>, site: SiteId, line: LineId, now: UtcMs) -> Result<bool> {
    Ok(tx.query(REVOKE).bind(site).bind(line).bind(now).run().await? == 1)
}

/// Counts a download; `false` where it was revoked or the limit is reached.
pub async fn count_download(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: EntitlementId,
    max: i64,
) -> Result<bool> {
    Ok(tx.query(COUNT_DOWNLOAD).bind(site).bind(id).bind(max).run().await? == 1)
}
