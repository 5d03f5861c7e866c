//! What was bought, taken by signed link: until it is paid back, and a number of times that no
//! honest buyer reaches.

use model::Refused;
use model::ids::EntitlementId;
use model::sites::Site;
use model::tokens::{Purpose, Token};
use store::entitlements::Entitlement;
use store::files::File;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::files;

/// Downloads of one purchase; a shared link ends here, with a friendly page.
pub const DOWNLOADS_MAX: i64 = 50;

/// A file that a buyer may take.
#[derive(Debug, Clone)]
pub struct Download {
    /// The product it belongs to.
    pub product: String,
    /// What the link says.
    pub title: String,
    /// Where it is taken: `/m/…`.
    pub url: String,
}

/// The address of the file with this number of an entitlement's product.
fn url(engine: &Engine, site: &Site, entitlement: EntitlementId, n: u16) -> String {
    site.url(&format!("/m/{}", engine.keys().sign(Purpose::File, entitlement.0, n)))
}

/// Everything an order lets its buyer take.
///
/// # Errors
/// The database fails.
pub async fn of_order(
    engine: &Engine,
    session: &mut store::Session<'_>,
    site: &Site,
    order: model::ids::OrderId,
) -> Result<Vec<Download>> {
    let mut found = Vec::new();
    for entitlement in store::entitlements::of_order(session, site.id, order).await? {
        if entitlement.revoked_at.is_some() {
            continue;
        }
        let id = entitlement.product_id;
        let Some(product) = store::products::find(session, site.id, id).await? else { continue };
        let files = store::products::files(session, site.id, id).await?;
        for file in files {
            // No product comes to 65,536 files in its life.
            let Ok(n) = u16::try_from(file.n) else { continue };
            found.push(Download {
                product: product.name.clone(),
                title: file.title,
                url: url(engine, site, entitlement.id, n),
            });
        }
    }
    Ok(found)
}

/// What a link of a purchase leads to.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The product.
    pub product: String,
    /// The file's title.
    pub title: String,
    /// How many times it may still be taken.
    pub left: i64,
}

/// Whether `token` is a link of a purchase, and to what.
///
/// # Errors
/// It is none, it was paid back, or it was taken too often.
pub async fn open(engine: &Engine, site: &Site, token: &str) -> Result<Opened> {
    let (entitlement, _, product, title) = find(engine, site, token).await?;
    Ok(Opened { product, title, left: (DOWNLOADS_MAX - entitlement.downloads).max(0) })
}

/// Takes the file of a link: counts, then hands it over.
///
/// # Errors
/// As [`open`].
pub async fn take(engine: &Engine, site: &Site, token: &str) -> Result<(File, Vec<u8>)> {
    let (entitlement, file, _, _) = find(engine, site, token).await?;
    let (id, its_site) = (entitlement.id, site.id);
    let counted = engine
        .write(move |tx| {
            Box::pin(async move {
                let max = DOWNLOADS_MAX;
                Ok(store::entitlements::count_download(tx, its_site, id, max).await?)
            })
        })
        .await?;
    if !counted {
        return Err(used_up().into());
    }
    files::read(engine, site.id, file).await
}

fn used_up() -> Refused {
    Refused::new(
        "downloads_used_up",
        "this link has been used very often: write to us, and we will send you a new one",
    )
}

async fn find(
    engine: &Engine,
    site: &Site,
    token: &str,
) -> Result<(Entitlement, model::ids::FileId, String, String)> {
    let Token { id, what, .. } = engine.keys().open(Purpose::File, token).map_err(Refused::from)?;
    let its_site = site.id;
    let found = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let id = EntitlementId(id);
                let entitlement = store::entitlements::find(session, its_site, id)
                    .await?
                    .ok_or_else(|| EngineError::missing("purchase", id))?;
                let product = entitlement.product_id;
                let name = store::products::find(session, its_site, product)
                    .await?
                    .map(|product| product.name)
                    .unwrap_or_default();
                let files = store::products::files(session, its_site, product).await?;
                let file = files.into_iter().find(|file| file.n == i64::from(what));
                Ok((entitlement, file, name))
            })
        })
        .await?;
    let (entitlement, file, product) = found;
    if entitlement.revoked_at.is_some() {
        let message = "this purchase was paid back: its files are no longer available";
        return Err(Refused::new("purchase_revoked", message).into());
    }
    if entitlement.downloads >= DOWNLOADS_MAX {
        return Err(used_up().into());
    }
    let file = file.ok_or_else(|| EngineError::missing("file", what))?;
    Ok((entitlement, file.file_id, product, file.title))
}
