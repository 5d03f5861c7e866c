//! Whose visit it is: a visitor of the day, told by what the browser says, and the contact it turns
//! out to be.

use engine::views::{self, By, OwnAct};
use engine::{Engine, EngineError};
use model::ids::{ContactId, OrderId};
use model::sites::Site;
use model::spans::day_of;

use crate::extract::asker::Asker;

/// A contact did something in this browser.
pub(crate) fn acted(engine: &Engine, site: &Site, asker: &Asker, contact: ContactId, by: By) {
    let Some(visitor) = asker.visitor() else { return };
    let at = engine.now();
    let day = day_of(at, &engine::rollups::zone_of(site));
    views::acted(engine, site.id, OwnAct { at, day, visitor, contact, by });
}

/// An order was placed in this browser.
pub(crate) async fn ordered(
    engine: &Engine,
    site: &Site,
    asker: &Asker,
    order: OrderId,
) -> Result<(), EngineError> {
    if asker.visitor().is_none() {
        return Ok(());
    }
    let id = site.id;
    let found = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::orders::find(session, id, order).await?) })
        })
        .await?;
    if let Some(order) = found {
        acted(engine, site, asker, order.contact_id, By::Order(order.id));
    }
    Ok(())
}
