//! Checkout: what a basket comes to, and the order it becomes. Prices come from the server alone;
//! the same token is the same order, however often it is sent.

mod place;
mod quote;

use model::ids::ContactId;
use serde::{Deserialize, Serialize};

pub use place::{Placed, place, place_from};
pub use quote::{Item, Quote, quote};

/// Characters of a buyer's name.
pub const NAME_MAX: usize = 200;
/// Characters of a note to the seller.
pub const NOTES_MAX: usize = 2_000;

/// The checkout form as it was sent, every field as typed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Form {
    /// The token made when the page was first shown (P0).
    #[serde(skip_serializing)]
    pub token: String,
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// The country of the buyer, two letters.
    pub country: String,
    /// How many; 1 where empty.
    pub quantity: String,
    /// Whether the bump is ticked.
    pub bump: bool,
    /// The code of a coupon.
    pub coupon: String,
    /// Whether the newsletter is ticked.
    pub newsletter: bool,
    /// A note to the seller.
    pub notes: String,
    /// Who takes the money: a provider's word.
    pub provider: String,
    /// With what: the provider's own word.
    pub method: String,
    /// The total that was shown, in minor units.
    pub shown_total: Option<i64>,
    /// Who recommended: `code.sig` of a referral link.
    pub referral: String,
    /// Where the buyer came from: JSON of the touch.
    pub source: String,
    /// In whose mail the link here stood: their own deadline is shown, nothing else of them.
    #[serde(skip)]
    pub reader: Option<ContactId>,
}
