//! Enrolments: contacts enter sequences, step by step, and leave them.

use model::ids::{ContactId, EnrolmentId};
use model::sites::Site;
pub use model::triggers::Trigger;
use serde_json::json;
use store::Tx;
use store::events::NewEvent;
use store::sequences::Sequence;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Lets a contact enter every live sequence that starts on `trigger`. One it entered before is
/// not entered again. Call [`Engine::wake`] after the commit.
pub async fn trigger(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    trigger: &Trigger,
) -> Result<()> {
    for sequence in store::sequences::live(tx, site.id).await? {
        let starts_on: Trigger = serde_json::from_str(&sequence.starts_on)
            .map_err(|e| EngineError::Fault(format!("sequence {}: {e}", sequence.slug)))?;
        if starts_on == *trigger {
            enter(engine, tx, site, contact, &sequence).await?;
        }
    }
    Ok(())
}

/// Lets a contact enter one sequence; `None` where it did so before, or there is no version yet.
pub async fn enter(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    sequence: &Sequence,
) -> Result<Option<EnrolmentId>> {
    let Some(version) = sequence.version_id else { return Ok(None) };
    let now = engine.now();
    let id = EnrolmentId(engine.next_id());
    let entered =
        store::enrolments::insert(tx, site.id, id, (sequence.id, version), contact, now, now)
            .await?;
    if !entered {
        return Ok(None);
    }
    let data = json!({ "sequence": sequence.slug });
    let event = NewEvent {
        kind: "sequence.entered",
        contact_id: Some(contact),
        subject_id: Some(sequence.id.0),
        data: &data,
    };
    engine.record(tx, site.id, event).await?;
    Ok(Some(id))
}
