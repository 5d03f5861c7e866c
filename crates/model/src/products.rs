//! Products: what is sold, and which part of the business they are.

use crate::words::words;

words! {
    /// Which part of the business a product is (U10): what is sold first may lose money, as long
    /// as what is sold afterwards earns it back.
    Role "product_role" {
        /// Sold to strangers.
        Front = "front",
        /// Sold to customers.
        Back = "back",
        /// Both.
        Both = "both",
    }
}

words! {
    /// Whether a product is still sold.
    ProductState "product_state" {
        /// Sold.
        Active = "active",
        /// Sold no more; its buyers keep it.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// Whether an offer can still be taken.
    OfferState "offer_state" {
        /// As far as its deadline and stock go.
        Active = "active",
        /// Ended by hand.
        Ended = "ended",
    }
}
