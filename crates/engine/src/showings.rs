//! What a reader was shown: a person's click in a mail is the moment they first saw the offers of
//! the page behind it, so deadlines that run from the first showing begin there. Asking for a page
//! begins nothing: machines open mail as well, and a click is judged before it counts.

use model::UtcMs;
use model::blocks::Block;
use model::ids::ContactId;
use model::sites::Site;
use store::{Session, Tx};

use crate::fault::{EngineError, Result};
use crate::links::{Showing, showing};
use crate::offers;

/// Keeps until when each offer stands that `contact` saw behind `address` at `at`. What was told
/// before stays as it was told.
pub(crate) async fn begin(
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    address: &str,
    at: UtcMs,
) -> Result<()> {
    let slugs = match showing(site, address) {
        Some(Showing::Checkout(slug)) => vec![slug.to_owned()],
        Some(Showing::Page(slug)) => of_page(tx, site, slug).await?,
        None => return Ok(()),
    };
    let Some(contact) = store::contacts::find(tx, site.id, contact).await? else { return Ok(()) };
    if contact.is_erased() {
        return Ok(());
    }
    for slug in slugs {
        match offers::state_for(tx, site.id, &slug, Some(&contact), at).await {
            Ok(state) if state.open => {
                offers::tell(tx, site.id, &state.offer, &contact, at).await?;
            }
            Ok(_) | Err(EngineError::Missing { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

/// The offers a page shows, as it is published now; a button that leads to one shows it not.
async fn of_page(session: &mut Session<'_>, site: &Site, slug: &str) -> Result<Vec<String>> {
    let slug = if slug.is_empty() { site.home_slug() } else { slug };
    let Some(page) = store::pages::find_by_slug(session, site.id, slug).await? else {
        return Ok(Vec::new());
    };
    let Some(version) = page.published_version.filter(|_| page.retired_at.is_none()) else {
        return Ok(Vec::new());
    };
    let content = store::pages::content(session, site.id, page.id, version).await?;
    let blocks = content.iter().flat_map(|content| &content.blocks);
    Ok(blocks.filter_map(Block::shows_offer).map(str::to_owned).collect())
}
