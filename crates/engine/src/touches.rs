//! Touches: how a contact came, kept with the first form, order or link that tells.

use model::channels::channel_of;
use model::ids::{ContactId, TouchId};
use model::sites::Site;
use model::sources::{StoredTouch, Touch};
use store::Tx;

use crate::engine::Engine;
use crate::fault::Result;

/// Which of a contact's meetings it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meeting {
    /// The one it came by: always kept, even if it only says *direct*.
    First,
    /// A later one: kept where it says anything.
    Later,
}

/// Keeps a touch within the transaction of what it led to.
pub async fn record(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    touch: Touch,
    meeting: Meeting,
) -> Result<()> {
    if meeting == Meeting::Later && touch.is_direct() {
        return Ok(());
    }
    let rules = store::channel_rules::list(tx, site.id).await?;
    let stored = StoredTouch {
        contact_id: contact,
        id: TouchId(engine.next_id()),
        is_first: meeting == Meeting::First,
        channel: channel_of(&rules, &touch),
        touch,
    };
    Ok(store::touches::insert(tx, site.id, &stored).await?)
}
