//! Paths: which offer follows which.

use model::ids::{CouponId, OfferId, PathId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const FIND: &str = "select id, slug, name, main_offer_id, bump_offer_id, back_end_offer_id,
    back_end_coupon_id, state = 'active', version, created_at, updated_at
    from paths where site_id = $1 and id = $2";
const FIND_BY_SLUG: &str = "select id, slug, name, main_offer_id, bump_offer_id,
    back_end_offer_id, back_end_coupon_id, state = 'active', version, created_at, updated_at
    from paths where site_id = $1 and slug = $2";
const FIND_OF_MAIN: &str = "select id, slug, name, main_offer_id, bump_offer_id,
    back_end_offer_id, back_end_coupon_id, state = 'active', version, created_at, updated_at
    from paths where site_id = $1 and main_offer_id = $2 and state = 'active'
    order by id desc limit 1";
const LIST: &str = "select id, slug, name, main_offer_id, bump_offer_id, back_end_offer_id,
    back_end_coupon_id, state = 'active', version, created_at, updated_at
    from paths where site_id = $1 order by name, id";
const UPSERT: &str = "insert into paths (site_id, id, slug, name, main_offer_id, bump_offer_id,
    back_end_offer_id, back_end_coupon_id, state, version, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict (site_id, id) do update set slug = excluded.slug, name = excluded.name,
        main_offer_id = excluded.main_offer_id, bump_offer_id = excluded.bump_offer_id,
        back_end_offer_id = excluded.back_end_offer_id,
        back_end_coupon_id = excluded.back_end_coupon_id, state = excluded.state,
        version = excluded.version, updated_at = excluded.updated_at";
const LEVELS: &str = "select level, upsell_offer_id, downsell_offer_id from path_levels
    where site_id = $1 and path_id = $2 order by level";
const DELETE_LEVELS: &str = "delete from path_levels where site_id = $1 and path_id = $2";
const ADD_LEVEL: &str = "insert into path_levels
    (site_id, path_id, level, upsell_offer_id, downsell_offer_id) values ($1, $2, $3, $4, $5)";

/// Levels of one path at most (U1).
pub const LEVELS_MAX: usize = 5;

/// One level after the payment: an upsell, and what follows where it is declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// From 1.
    pub level: i64,
    /// Offered first.
    pub upsell: OfferId,
    /// Offered where the upsell is declined.
    pub downsell: Option<OfferId>,
}

impl FromRow for Level {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { level: row.take()?, upsell: row.take()?, downsell: row.take()? })
    }
}

/// Which offer follows which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Its id.
    pub id: PathId,
    /// Its name in files.
    pub slug: String,
    /// Its name for the operator.
    pub name: String,
    /// What is bought first.
    pub main: OfferId,
    /// Ticked beside it.
    pub bump: Option<OfferId>,
    /// Shown on the thank-you page and in the receipt.
    pub back_end_offer: Option<OfferId>,
    /// Given to the customer there.
    pub back_end_coupon: Option<CouponId>,
    /// Whether new orders follow it.
    pub active: bool,
    /// Grows with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcMs,
    /// When it was last changed.
    pub updated_at: UtcMs,
    /// What follows the payment, in order; [`LEVELS_MAX`] at most.
    pub levels: Vec<Level>,
}

impl FromRow for Path {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            slug: row.take()?,
            name: row.take()?,
            main: row.take()?,
            bump: row.take()?,
            back_end_offer: row.take()?,
            back_end_coupon: row.take()?,
            active: row.take()?,
            version: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
            levels: Vec::new(),
        })
    }
}

async fn with_levels(
    session: &mut Session<'_>,
    site: SiteId,
    path: Option<Path>,
) -> Result<Option<Path>> {
    let Some(mut path) = path else { return Ok(None) };
    path.levels = session.query(LEVELS).bind(site).bind(path.id).all().await?;
    Ok(Some(path))
}

/// The path with this id.
pub async fn find(session: &mut Session<'_>, site: SiteId, id: PathId) -> Result<Option<Path>> {
    let path = session.query(FIND).bind(site).bind(id).maybe().await?;
    with_levels(session, site, path).await
}

/// The path with this slug.
pub async fn find_by_slug(
    session: &mut Session<'_>,
    site: SiteId,
    slug: &str,
) -> Result<Option<Path>> {
    let path = session.query(FIND_BY_SLUG).bind(site).bind(slug).maybe().await?;
    with_levels(session, site, path).await
}

/// The path that begins with this offer: the youngest active one.
pub async fn find_of_main(
    session: &mut Session<'_>,
    site: SiteId,
    offer: OfferId,
) -> Result<Option<Path>> {
    let path = session.query(FIND_OF_MAIN).bind(site).bind(offer).maybe().await?;
    with_levels(session, site, path).await
}

/// Every path of a site by name, with its levels.
pub async fn list(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Path>> {
    let mut paths: Vec<Path> = session.query(LIST).bind(site).all().await?;
    for path in &mut paths {
        path.levels = session.query(LEVELS).bind(site).bind(path.id).all().await?;
    }
    Ok(paths)
}

/// Writes a path with its levels, new or changed.
pub async fn put(tx: &mut Tx<'_>, site: SiteId, path: &Path, now: UtcMs) -> Result<()> {
    tx.query(UPSERT)
        .bind(site)
        .bind(path.id)
        .bind(&path.slug)
        .bind(&path.name)
        .bind(path.main)
        .bind(path.bump)
        .bind(path.back_end_offer)
        .bind(path.back_end_coupon)
        .bind(if path.active { "active" } else { "retired" })
        .bind(path.version)
        .bind(path.created_at)
        .bind(now)
        .run()
        .await?;
    tx.query(DELETE_LEVELS).bind(site).bind(path.id).run().await?;
    for level in &path.levels {
        let q = tx.query(ADD_LEVEL).bind(site).bind(path.id).bind(level.level);
        q.bind(level.upsell).bind(level.downsell).run().await?;
    }
    Ok(())
}
