//! Paths: which offer follows which, made and changed.

use model::ids::{CouponId, OfferId, PathId};
use model::notes::clean_line;
use model::{Refused, SiteId, Slug};
use store::Tx;
use store::paths::{LEVELS_MAX, Level, Path};

use crate::audits;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// A path as an operator or a file writes it: offers by slug.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Which; none: a new one.
    pub id: Option<PathId>,
    /// The version that was edited: another one is a conflict. None: whatever stands.
    pub version: Option<i64>,
    /// Its name in files; from its name where empty.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What is bought first.
    pub main: String,
    /// Ticked beside it; empty: none.
    pub bump: String,
    /// What follows the payment: upsell, and the downsell where it is declined (empty: none).
    pub levels: Vec<(String, String)>,
    /// Shown on the thank-you page and in the receipt; empty: none.
    pub back_end_offer: String,
    /// The code of the coupon given there; empty: none.
    pub back_end_coupon: String,
    /// Whether new orders follow it.
    pub active: bool,
}

/// Writes a path, new or changed.
///
/// # Errors
/// A field that must be mended, or a change by somebody else.
pub async fn put(engine: &Engine, site: SiteId, draft: Draft) -> Result<PathId> {
    let of = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                let id = put_in(&of, tx, site, draft).await?;
                audits::note(&of, tx, site, "path.saved", id, &()).await?;
                Ok(id)
            })
        })
        .await
}

/// The same within a transaction.
pub(crate) async fn put_in(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    draft: Draft,
) -> Result<PathId> {
    let name = clean_line(&draft.name);
    if name.is_empty() {
        return Err(Refused::new("name_missing", "give the path a name").at("name").into());
    }
    let slug = match draft.slug.trim() {
        "" => Slug::suggest(&name)
            .ok_or_else(|| Refused::new("slug_missing", "give it a short name").at("slug"))?,
        typed => Slug::parse(typed).map_err(|refused| refused.at("slug"))?,
    };
    let new_id = PathId(engine.next_id());
    let now = engine.now();
    let known = match draft.id {
        Some(id) => store::paths::find(tx, site, id).await?,
        None => None,
    };
    let newer = |known: &Path| draft.version.is_some_and(|v| v != known.version);
    if known.as_ref().is_some_and(newer) {
        return Err(EngineError::Conflict(
            "somebody else changed this path meanwhile: look at theirs, then save yours again"
                .to_owned(),
        ));
    }
    let mut path = read(tx, site, &draft).await?;
    path.id = known.as_ref().map_or(new_id, |known| known.id);
    path.version = known.as_ref().map_or(1, |known| known.version + 1);
    path.created_at = known.as_ref().map_or(now, |known| known.created_at);
    (path.slug, path.name) = (slug.to_string(), name);
    let taken = store::paths::find_by_slug(tx, site, &path.slug).await?;
    if taken.is_some_and(|other| other.id != path.id) {
        let refused = Refused::new("slug_taken", "another path has this name");
        return Err(refused.at("slug").into());
    }
    store::paths::put(tx, site, &path, now).await?;
    Ok(path.id)
}

async fn read(tx: &mut Tx<'_>, site: SiteId, draft: &Draft) -> Result<Path> {
    let Some(main) = offer(tx, site, &draft.main, "main").await? else {
        return Err(Refused::new("main_missing", "choose what is bought first").at("main").into());
    };
    if draft.levels.len() > LEVELS_MAX {
        let message = format!("a path has {LEVELS_MAX} levels at most");
        return Err(Refused::new("path_too_long", message).at("levels").into());
    }
    let mut levels = Vec::new();
    let mut seen = vec![main];
    for (number, (upsell, downsell)) in (1_i64..).zip(&draft.levels) {
        let Some(upsell) = offer(tx, site, upsell, "levels").await? else { continue };
        let downsell = offer(tx, site, downsell, "levels").await?;
        for id in [Some(upsell), downsell].into_iter().flatten() {
            if seen.contains(&id) {
                let message = "the same offer stands twice on this path: an order is offered \
                               each thing once";
                return Err(Refused::new("path_repeats", message).at("levels").into());
            }
            seen.push(id);
        }
        levels.push(Level { level: number, upsell, downsell });
    }
    Ok(Path {
        id: PathId(0),
        slug: String::new(),
        name: String::new(),
        main,
        bump: offer(tx, site, &draft.bump, "bump").await?,
        back_end_offer: offer(tx, site, &draft.back_end_offer, "back_end_offer").await?,
        back_end_coupon: coupon(tx, site, &draft.back_end_coupon).await?,
        active: draft.active,
        version: 1,
        created_at: model::UtcMs(0),
        updated_at: model::UtcMs(0),
        levels,
    })
}

async fn offer(
    tx: &mut Tx<'_>,
    site: SiteId,
    slug: &str,
    field: &'static str,
) -> Result<Option<OfferId>> {
    let slug = slug.trim();
    if slug.is_empty() {
        return Ok(None);
    }
    match store::offers::find_by_slug(tx, site, slug).await? {
        Some(offer) => Ok(Some(offer.id)),
        None => {
            let message = format!("there is no offer called {slug}");
            Err(Refused::new("offer_unknown", message).at(field).into())
        }
    }
}

async fn coupon(tx: &mut Tx<'_>, site: SiteId, code: &str) -> Result<Option<CouponId>> {
    if code.trim().is_empty() {
        return Ok(None);
    }
    let code = model::coupons::CouponCode::parse(code).map_err(|r| r.at("back_end_coupon"))?;
    match store::coupons::find_by_code(tx, site, code.as_str()).await? {
        Some(row) => Ok(Some(row.coupon.id)),
        None => {
            let message = format!("there is no coupon {code}");
            Err(Refused::new("coupon_unknown", message).at("back_end_coupon").into())
        }
    }
}
