//! What an import does to a contact, kept so that it can be taken back.

use std::collections::BTreeMap;

use model::SiteId;
use model::contacts::{Contact, Status};
use model::ids::{ContactId, ImportId, TopicId};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::import_changes::Line;

use crate::contacts;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Before and after.
type Pair = (String, String);

/// What an import did to one contact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    /// The contact was not there before.
    #[serde(default, skip_serializing_if = "is_false")]
    pub made: bool,
    /// The address was not suppressed before.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suppressed: bool,
    /// The list says that they left: that is never taken back from who was here before.
    #[serde(default, skip_serializing_if = "is_false")]
    pub left: bool,
    /// How it stood before the list's consent made it confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_from: Option<Before>,
    /// Names, language and time zone that it wrote.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, Pair>,
    /// Fields that it wrote; empty before where there was none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Pair>,
    /// The id in another program that it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Tags that it put on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Topics that it joined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<TopicId>,
}

/// How a contact stood: what a consent changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    pub status: Status,
    pub confirmed_at: Option<i64>,
    pub unsubscribed_at: Option<i64>,
    pub paused_until: Option<i64>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// The columns that a file may write, as text.
pub(super) fn columns_of(contact: &Contact) -> [(&'static str, String); 4] {
    [
        ("first_name", contact.first_name.clone()),
        ("last_name", contact.last_name.clone()),
        ("language", contact.language.clone().unwrap_or_default()),
        ("timezone", contact.timezone.clone().unwrap_or_default()),
    ]
}

impl Change {
    /// Before a row is taken: who was known, how the row stands, whether the address was barred.
    pub fn begin(known: Option<&Contact>, status: Status, barred: bool) -> Self {
        Self {
            made: known.is_none(),
            suppressed: status == Status::Suppressed && !barred,
            ..Self::default()
        }
    }

    /// After it was taken: writes down what is different now.
    pub async fn keep(
        mut self,
        engine: &Engine,
        tx: &mut Tx<'_>,
        site: SiteId,
        import: ImportId,
        id: ContactId,
        known: Option<&Contact>,
    ) -> Result<()> {
        if let Some(before) = known {
            let after = contacts::get(tx, site, id).await?;
            self.compare(before, &after);
        }
        let change = serde_json::to_string(&self)
            .map_err(|e| EngineError::Fault(format!("a change could not be kept: {e}")))?;
        let line = Line { contact: id, id: engine.next_id(), change };
        Ok(store::import_changes::put(tx, site, import, &line).await?)
    }

    fn compare(&mut self, before: &Contact, after: &Contact) {
        for ((name, was), (_, is)) in columns_of(before).into_iter().zip(columns_of(after)) {
            if was != is {
                self.columns.insert(name.to_owned(), (was, is));
            }
        }
        for (key, is) in &after.fields {
            let was = before.fields.get(key).cloned().unwrap_or_default();
            if was != *is {
                self.fields.insert(key.clone(), (was, is.clone()));
            }
        }
        if before.external_id != after.external_id {
            self.external_id.clone_from(&after.external_id);
        }
        if before.status == after.status {
            return;
        }
        if after.status == Status::Confirmed {
            self.confirmed_from = Some(Before {
                status: before.status,
                confirmed_at: before.confirmed_at.map(|at| at.0),
                unsubscribed_at: before.unsubscribed_at.map(|at| at.0),
                paused_until: before.paused_until.map(|at| at.0),
            });
        } else {
            self.left = true;
        }
    }
}
