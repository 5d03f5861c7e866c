//! What lets a contact enter a sequence.

use serde::{Deserialize, Serialize};

use crate::ids::{FormId, ProductId};

/// Something that happened to a contact, and what a sequence starts on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "when", content = "of", rename_all = "snake_case")]
pub enum Trigger {
    /// Only by hand or from another place.
    Manual,
    /// An address was confirmed that had been left at this form.
    FormConfirmed(FormId),
    /// An address was confirmed, wherever it had been left.
    Confirmed,
    /// A tag was added.
    TagAdded(String),
    /// A product was bought.
    OrderPaid(ProductId),
    /// A product's price was given back.
    Refunded(ProductId),
}
