//! Orders: their states, the attempts to be paid for them, and what a basket comes to.

use serde::{Deserialize, Serialize};

use crate::coupons::Priced;
use crate::ids::{OfferId, ProductId};
use crate::money::{Currency, Money};
use crate::refused::Refused;
use crate::taxes::{TaxMode, TaxRule};
use crate::words::words;

words! {
    /// Where an order stands. Disputed and under review are marks beside it, not states.
    OrderState "order_state" {
        /// Checked out; no attempt to pay yet.
        Open = "open",
        /// An attempt to pay is under way, or an offline payment is awaited.
        Pending = "pending",
        /// Paid in full.
        Paid = "paid",
        /// Paid, and some of it given back.
        PartiallyRefunded = "partially_refunded",
        /// All of it given back.
        Refunded = "refunded",
        /// Not paid in time.
        Expired = "expired",
        /// Called off.
        Cancelled = "cancelled",
    }
}

impl OrderState {
    /// Whether its goods are granted.
    pub fn is_paid(self) -> bool {
        matches!(self, Self::Paid | Self::PartiallyRefunded)
    }

    /// Whether money that comes may still pay it. An expired order opens again for late money.
    pub fn may_be_paid(self) -> bool {
        self.may_become(Self::Paid)
    }

    /// Whether the move is one that orders make.
    pub fn may_become(self, next: Self) -> bool {
        use OrderState::{Cancelled, Expired, Open, Paid, PartiallyRefunded, Pending, Refunded};
        match self {
            Open => matches!(next, Pending | Paid | Expired | Cancelled),
            Pending => matches!(next, Paid | Expired | Cancelled),
            Expired => matches!(next, Paid),
            Paid => matches!(next, PartiallyRefunded | Refunded),
            // A refund that fails at the provider is taken back.
            PartiallyRefunded => matches!(next, Refunded | Paid),
            Refunded => matches!(next, PartiallyRefunded | Paid),
            Cancelled => false,
        }
    }
}

words! {
    /// Where one attempt to be paid stands.
    AttemptState "attempt_state" {
        /// Written down before the provider is asked.
        Creating = "creating",
        /// The provider knows it.
        Created = "created",
        /// The buyer must confirm it at the bank.
        RequiresAction = "requires_action",
        /// The provider is working on it.
        Processing = "processing",
        /// The money came.
        Succeeded = "succeeded",
        /// It will not.
        Failed = "failed",
        /// It was called off.
        Cancelled = "cancelled",
        /// We do not know what the provider did.
        Unknown = "unknown",
    }
}

impl AttemptState {
    /// How far along: news of a lower rank than what is known is old news. `unknown` has none.
    pub fn rank(self) -> Option<u8> {
        match self {
            Self::Creating => Some(0),
            Self::Created => Some(1),
            Self::RequiresAction => Some(2),
            Self::Processing => Some(3),
            Self::Failed | Self::Cancelled => Some(4),
            Self::Succeeded => Some(5),
            Self::Unknown => None,
        }
    }

    /// Whether the attempt is over.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// Whether news of state `next` moves it: only upward in rank, so that news in any order ends
    /// in the same state. Nothing leaves `succeeded`; `unknown` comes of what is not over and goes
    /// to whatever is found.
    pub fn may_become(self, next: Self) -> bool {
        match (self.rank(), next.rank()) {
            (None, next) => next.is_some(),
            (Some(_), None) => !self.is_final(),
            (Some(here), Some(there)) => there > here,
        }
    }
}

words! {
    /// Where a refund stands.
    RefundState "refund_state" {
        /// Written down before the provider is asked.
        Creating = "creating",
        /// The provider took it.
        Pending = "pending",
        /// The money went back.
        Succeeded = "succeeded",
        /// It did not.
        Failed = "failed",
        /// We do not know what the provider did.
        Unknown = "unknown",
    }
}

words! {
    /// What an attempt is for.
    AttemptPurpose "attempt_purpose" {
        /// The order itself.
        Initial = "initial",
        /// An offer accepted by one click after it.
        Upsell = "upsell",
    }
}

words! {
    /// How a line came to be on the order.
    LineRole "line_role" {
        /// What the buyer came for.
        Main = "main",
        /// Ticked at the checkout.
        Bump = "bump",
        /// Accepted after paying.
        Upsell = "upsell",
        /// Accepted after declining an upsell.
        Downsell = "downsell",
        /// Bought from a receipt, the catalogue or a customer's mail.
        BackEnd = "back-end",
    }
}

/// More lines than this in one order is a mistake.
pub const LINES_MAX: usize = 50;

/// One line of a basket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What.
    pub product: ProductId,
    /// By which offer.
    pub offer: OfferId,
    /// How it came here.
    pub role: LineRole,
    /// The price of one.
    pub unit_price: Money,
    /// How many.
    pub quantity: i64,
}

/// What is about to be bought, all in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basket {
    /// The currency of every line.
    pub currency: Currency,
    /// The lines, in order.
    pub lines: Vec<Line>,
}

/// What one line comes to, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineTotals {
    /// Price times quantity.
    pub subtotal: i64,
    /// Taken off by the coupon; not negative.
    pub discount: i64,
    /// The tax, within the total.
    pub tax: i64,
    /// What is paid for it.
    pub total: i64,
}

/// What a basket comes to: each figure is the sum of its lines'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Of every figure here.
    pub currency: Currency,
    /// One for each line of the basket, in its order.
    pub lines: Vec<LineTotals>,
    /// Prices times quantities.
    pub subtotal: i64,
    /// Taken off.
    pub discount: i64,
    /// Tax, within the total.
    pub tax: i64,
    /// What is paid.
    pub total: i64,
}

impl Totals {
    /// What is paid, as money.
    pub fn to_pay(&self) -> Money {
        Money::new(self.total, self.currency)
    }

    /// Whether the free road is taken: nothing to pay.
    pub fn is_free(&self) -> bool {
        self.total == 0
    }

    /// Refuses a sum that no provider takes. Nothing at all is fine: it takes the free road.
    ///
    /// # Errors
    /// `total_too_small`, `price_too_large`.
    pub fn check_charge(&self) -> Result<(), Refused> {
        let least = self.currency.minimum_charge();
        if !self.is_free() && self.total < least.minor {
            return Err(Refused::new(
                "total_too_small",
                format!("{} is the least that can be charged", least.human()),
            ));
        }
        self.to_pay().as_price().map(|_| ())
    }
}

impl Basket {
    /// The lines as a coupon sees them.
    ///
    /// # Errors
    /// As [`Self::totals`].
    pub fn priced(&self) -> Result<Vec<Priced>, Refused> {
        self.lines
            .iter()
            .map(|line| Ok(Priced { product: line.product, minor: self.subtotal_of(line)? }))
            .collect()
    }

    /// What it comes to. `discounts` has one entry a line, from
    /// [`crate::coupons::Coupon::evaluate`], or none at all.
    ///
    /// # Errors
    /// `basket_empty`, `basket_too_long`, `quantity_invalid`, `price_negative`,
    /// `price_too_large`, `money_currencies`.
    pub fn totals(&self, discounts: &[i64], tax: TaxRule) -> Result<Totals, Refused> {
        if self.lines.is_empty() {
            return Err(Refused::new("basket_empty", "there is nothing in your order"));
        }
        if self.lines.len() > LINES_MAX {
            return Err(Refused::new(
                "basket_too_long",
                format!("an order has {LINES_MAX} lines at most"),
            ));
        }
        let mut lines = Vec::with_capacity(self.lines.len());
        for (at, line) in self.lines.iter().enumerate() {
            let subtotal = self.subtotal_of(line)?;
            // A cut larger than the line takes the line and no more.
            let discount = discounts.get(at).copied().unwrap_or(0).clamp(0, subtotal);
            lines.push(LineTotals { subtotal, discount, tax: 0, total: subtotal - discount });
        }
        apply_tax(&mut lines, tax);
        let sum =
            |pick: fn(&LineTotals) -> i64| lines.iter().map(pick).fold(0_i64, i64::saturating_add);
        let totals = Totals {
            currency: self.currency,
            subtotal: sum(|line| line.subtotal),
            discount: sum(|line| line.discount),
            tax: sum(|line| line.tax),
            total: sum(|line| line.total),
            lines,
        };
        totals.to_pay().as_price()?;
        Ok(totals)
    }

    fn subtotal_of(&self, line: &Line) -> Result<i64, Refused> {
        if line.quantity < 1 {
            return Err(Refused::new("quantity_invalid", "give a whole number, 1 or more"));
        }
        let subtotal = line.unit_price.as_price()?.checked_mul(line.quantity)?;
        Money::zero(self.currency).checked_add(subtotal.as_price()?).map(|sum| sum.minor)
    }
}

/// Puts its tax on each line, and where tax comes on top, adds it to the line's total.
fn apply_tax(lines: &mut [LineTotals], rule: TaxRule) {
    for line in lines.iter_mut() {
        line.tax = rule.tax_on(line.total);
        if rule.mode == TaxMode::Exclusive {
            line.total = line.total.saturating_add(line.tax);
        }
    }
}

#[cfg(test)]
mod tests;
