//! Coupons and their redemptions. `used` counts what is reserved and what is used; the guard and
//! the redemption's row are one transaction.

use model::coupons::Coupon;
use model::ids::{ContactId, CouponId, OrderId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Json, Result, Row, Session, Tx};

const FIND: &str = "select rules, active, used, contact_id, note, created_at, updated_at
    from coupons where site_id = $1 and id = $2";
const FIND_BY_CODE: &str = "select rules, active, used, contact_id, note, created_at, updated_at
    from coupons where site_id = $1 and code = $2";
const LIST: &str = "select rules, active, used, contact_id, note, created_at, updated_at
    from coupons where site_id = $1 and id < $2 order by id desc limit $3";
const LIST_OPEN: &str = "select rules, active, used, contact_id, note, created_at, updated_at
    from coupons where site_id = $1 and id < $2 and contact_id is null
    order by id desc limit $3";
const LIST_GIVEN: &str = "select rules, active, used, contact_id, note, created_at, updated_at
    from coupons where site_id = $1 and id < $2 and contact_id is not null
    order by id desc limit $3";
const UPSERT: &str = "insert into coupons (site_id, id, code, rules, active, max_uses, contact_id,
    note, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (site_id, id) do update set code = excluded.code, rules = excluded.rules,
        active = excluded.active, max_uses = excluded.max_uses,
        contact_id = excluded.contact_id, note = excluded.note,
        updated_at = excluded.updated_at";
const TAKE: &str = "update coupons set used = used + 1
    where site_id = $1 and id = $2 and active and (max_uses is null or used < max_uses)";
const GIVE_BACK: &str = "update coupons set used = used - 1 where site_id = $1 and id = $2";
const USES_OF: &str = "select n from coupon_redemptions
    where site_id = $1 and coupon_id = $2 and address_hmac = $3 order by n";
const REDEEM: &str = "insert into coupon_redemptions (site_id, id, coupon_id, order_id,
    address_hmac, n, state, amount_minor, created_at)
    values ($1, $2, $3, $4, $5, $6, 'reserved', $7, $8) on conflict do nothing";
const OF_ORDER: &str = "select coupon_id, amount_minor from coupon_redemptions
    where site_id = $1 and order_id = $2 and state = 'reserved'";
const USE: &str = "update coupon_redemptions set state = 'used'
    where site_id = $1 and order_id = $2 and state = 'reserved'";
const RELEASE: &str = "delete from coupon_redemptions
    where site_id = $1 and order_id = $2 and state = 'reserved'";

/// A coupon as it stands in its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CouponRow {
    /// The coupon and its rules.
    pub coupon: Coupon,
    /// Uses, reserved ones included.
    pub used: i64,
    /// Minted for this contact alone.
    pub contact_id: Option<ContactId>,
    /// What the operator wrote beside it.
    pub note: String,
    /// When it was made.
    pub created_at: UtcMs,
    /// When it was last changed.
    pub updated_at: UtcMs,
}

impl FromRow for CouponRow {
    fn from_row(row: &mut Row) -> Result<Self> {
        let mut coupon: Coupon = row.json()?;
        coupon.active = row.take()?;
        Ok(Self {
            coupon,
            used: row.take()?,
            contact_id: row.take()?,
            note: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }
}

/// The coupon with this id.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    id: CouponId,
) -> Result<Option<CouponRow>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// The coupon with this code (in capitals).
pub async fn find_by_code(
    session: &mut Session<'_>,
    site: SiteId,
    code: &str,
) -> Result<Option<CouponRow>> {
    session.query(FIND_BY_CODE).bind(site).bind(code).maybe().await
}

/// Coupons, newest first, from before `before`.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    before: CouponId,
    limit: i64,
) -> Result<Vec<CouponRow>> {
    session.query(LIST).bind(site).bind(before).bind(limit).all().await
}

/// Coupons anyone may use, newest first, from before `before`.
pub async fn list_open(
    session: &mut Session<'_>,
    site: SiteId,
    before: CouponId,
    limit: i64,
) -> Result<Vec<CouponRow>> {
    session.query(LIST_OPEN).bind(site).bind(before).bind(limit).all().await
}

/// Coupons given to one contact each, newest first, from before `before`.
pub async fn list_given(
    session: &mut Session<'_>,
    site: SiteId,
    before: CouponId,
    limit: i64,
) -> Result<Vec<CouponRow>> {
    session.query(LIST_GIVEN).bind(site).bind(before).bind(limit).all().await
}

/// Writes a coupon, new or changed; its uses stay as they are.
pub async fn put(tx: &mut Tx<'_>, site: SiteId, row: &CouponRow, now: UtcMs) -> Result<()> {
    tx.query(UPSERT)
        .bind(site)
        .bind(row.coupon.id)
        .bind(row.coupon.code.as_str())
        .bind(Json(&row.coupon))
        .bind(row.coupon.active)
        .bind(row.coupon.uses_max)
        .bind(row.contact_id)
        .bind(&row.note)
        .bind(row.created_at)
        .bind(now)
        .run()
        .await
        .map(drop)
}

/// How often this address has used the coupon, reserved uses included.
pub async fn uses_of(
    session: &mut Session<'_>,
    site: SiteId,
    id: CouponId,
    address_hmac: &str,
) -> Result<Vec<i64>> {
    session.query(USES_OF).bind(site).bind(id).bind(address_hmac).all().await
}

/// A use of a coupon about to be reserved.
#[derive(Debug, Clone, Copy)]
pub struct Redemption<'a> {
    /// Its row.
    pub id: i64,
    /// Of which coupon.
    pub coupon: CouponId,
    /// For which order.
    pub order: OrderId,
    /// By whom, as a keyed hash.
    pub address_hmac: &'a str,
    /// Which use of this address, from 1.
    pub n: i64,
    /// What it takes off.
    pub amount_minor: i64,
}

/// Counts one more use, and with it holds the coupon's row; `false` where none is left in all.
pub async fn take(tx: &mut Tx<'_>, site: SiteId, coupon: CouponId) -> Result<bool> {
    Ok(tx.query(TAKE).bind(site).bind(coupon).run().await? == 1)
}

/// Counts one use less.
pub async fn give_back(tx: &mut Tx<'_>, site: SiteId, coupon: CouponId) -> Result<()> {
    tx.query(GIVE_BACK).bind(site).bind(coupon).run().await.map(drop)
}

/// Writes a use that was taken; `false` where the order, or this address for the same time, has
/// one.
pub async fn redeem(
    tx: &mut Tx<'_>,
    site: SiteId,
    use_: Redemption<'_>,
    now: UtcMs,
) -> Result<bool> {
    let made = tx
        .query(REDEEM)
        .bind(site)
        .bind(use_.id)
        .bind(use_.coupon)
        .bind(use_.order)
        .bind(use_.address_hmac)
        .bind(use_.n)
        .bind(use_.amount_minor)
        .bind(now)
        .run()
        .await?;
    Ok(made == 1)
}

/// Turns an order's reservation into a use; which coupon, and what it took off.
pub async fn use_reserved(
    tx: &mut Tx<'_>,
    site: SiteId,
    order: OrderId,
) -> Result<Option<(CouponId, i64)>> {
    let found = tx.query(OF_ORDER).bind(site).bind(order).maybe().await?;
    tx.query(USE).bind(site).bind(order).run().await?;
    Ok(found)
}

/// Frees an order's reservation.
pub async fn release(tx: &mut Tx<'_>, site: SiteId, order: OrderId) -> Result<()> {
    let found: Option<(CouponId, i64)> = tx.query(OF_ORDER).bind(site).bind(order).maybe().await?;
    if let Some((coupon, _)) = found
        && tx.query(RELEASE).bind(site).bind(order).run().await? == 1
    {
        give_back(tx, site, coupon).await?;
    }
    Ok(())
}
