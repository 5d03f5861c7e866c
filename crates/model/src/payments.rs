//! Payments: who takes the money, how long things wait, and the words of what stands beside an
//! order. The states of orders and attempts stand in [`crate::orders`].

use crate::times::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::words::words;

/// How long stock and coupons are held for an order that is not paid.
pub const HOLD_MS: i64 = 30 * MINUTE_MS;
/// How long an order by bank transfer waits for its money.
pub const OFFLINE_HOLD_MS: i64 = 14 * DAY_MS;
/// How long one-click offers stay open after the payment.
pub const UPSELL_WINDOW_MS: i64 = 30 * MINUTE_MS;
/// From here on a key may have been forgotten by the provider: look, never send again.
pub const RESEND_MAX_MS: i64 = 20 * HOUR_MS;
/// How long an attempt rests between two looks.
pub const CHECK_EVERY_MS: i64 = MINUTE_MS;
/// An attempt younger than this is still being made by the request that began it.
pub const FRESH_MS: i64 = 30_000;

words! {
    /// Who takes the money.
    Provider "provider" {
        /// Built in: its cards succeed, decline, ask for a challenge, or time out after charging.
        Test = "test",
        /// Bank transfer or cash: the operator says when it came.
        Offline = "offline",
        /// Nothing to pay.
        Free = "free",
    }
}

words! {
    /// What the test provider's card does. Named buttons, never a number field.
    TestMethod "test_method" {
        /// Charges.
        Succeeds = "succeeds",
        /// Is declined.
        Declines = "declines",
        /// Asks the buyer to confirm on a page of the bank.
        Asks = "asks",
        /// Charges, but the answer is lost on the way.
        TimesOut = "times_out",
        /// Charges now, and is declined at a one-click offer.
        SucceedsThenDeclines = "succeeds_then_declines",
        /// Charges now, and asks at a one-click offer.
        SucceedsThenAsks = "succeeds_then_asks",
    }
}

impl TestMethod {
    /// What the same card, saved, does when it is charged again.
    #[must_use]
    pub fn saved(self) -> Self {
        match self {
            Self::SucceedsThenDeclines => Self::Declines,
            Self::SucceedsThenAsks => Self::Asks,
            Self::Asks => Self::Succeeds,
            other => other,
        }
    }
}

words! {
    /// Where a line stands.
    LineState "line_state" {
        /// Not paid yet.
        Pending = "pending",
        /// Paid: the buyer has it.
        Paid = "paid",
        /// Paid back.
        Refunded = "refunded",
        /// Its attempt came to nothing.
        Cancelled = "cancelled",
    }
}

words! {
    /// Whether stock stands behind a line.
    StockState "stock_state" {
        /// None is counted, or none is held yet.
        None = "none",
        /// Held until it is paid.
        Held = "held",
        /// Sold.
        Sold = "sold",
        /// Let go again.
        Released = "released",
    }
}

words! {
    /// What became of an offer made after an order.
    OrderOfferState "order_offer_state" {
        /// Shown.
        Offered = "offered",
        /// Taken; its payment is under way.
        Accepted = "accepted",
        /// Taken and paid.
        Paid = "paid",
        /// Refused, or its payment came to nothing.
        Declined = "declined",
        /// Its window closed.
        Expired = "expired",
    }
}

words! {
    /// What became of a recommendation.
    ReferralState "referral_state" {
        /// Bought; waits until the time for refunds is over.
        Held = "held",
        /// Counted and rewarded.
        Credited = "credited",
        /// Not counted: recommended themself, or no stranger.
        Refused = "refused",
        /// The order was paid back.
        Reversed = "reversed",
    }
}

/// The idempotency key of an operation on an attempt: the same for every retry of one decision.
pub fn idempotency_key(id: i64, operation: &str) -> String {
    format!("t1.{id}.{operation}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_card_that_asked_once_charges_the_next_time() {
        assert_eq!(TestMethod::Asks.saved(), TestMethod::Succeeds);
        assert_eq!(TestMethod::SucceedsThenAsks.saved(), TestMethod::Asks);
        assert_eq!(idempotency_key(7, "pi-create"), "t1.7.pi-create");
    }
}
