//! Coupons: their codes, their rules, and what they take off a basket.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::{CouponId, ProductId};
use crate::money::{Currency, Money, Rate, split_largest_remainder};
use crate::refused::Refused;
use crate::times::UtcMs;

/// Longer codes are pasted text.
pub const CODE_MAX: usize = 40;

/// What is typed at the checkout: capital ASCII letters, digits, hyphens and underscores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CouponCode(String);

impl CouponCode {
    /// Reads a code as typed: trimmed, in either case.
    ///
    /// # Errors
    /// `coupon_code_missing`, `coupon_code_invalid`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Refused::new("coupon_code_missing", "type the code of the coupon"));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if text.len() > CODE_MAX || !text.bytes().all(fits) {
            return Err(Refused::new(
                "coupon_code_invalid",
                "a coupon code has plain letters, digits, - and _ only: please check it",
            ));
        }
        Ok(Self(text.to_ascii_uppercase()))
    }

    /// The code, in capitals.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CouponCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CouponCode {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        Self::parse(text)
    }
}

impl Serialize for CouponCode {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CouponCode {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// What a coupon takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Cut {
    /// A share of the price.
    Percent(Rate),
    /// An amount, at most the price.
    Fixed(Money),
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(rate) => write!(f, "{rate} off"),
            Self::Fixed(amount) => write!(f, "{} off", amount.human()),
        }
    }
}

/// A coupon and its rules. A rule that is absent does not hold anyone back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coupon {
    /// Which.
    pub id: CouponId,
    /// Its code.
    pub code: CouponCode,
    /// What it takes off.
    pub cut: Cut,
    /// Switched off by hand where false.
    pub active: bool,
    /// Not before this instant.
    pub starts_at: Option<UtcMs>,
    /// Not at or after this one.
    pub ends_at: Option<UtcMs>,
    /// Uses in all, paid and reserved.
    pub uses_max: Option<i64>,
    /// Uses by one contact.
    pub per_contact_max: Option<i64>,
    /// The least the products it is good for must cost together.
    pub minimum: Option<Money>,
    /// Good for these alone; for all where empty.
    pub products: Vec<ProductId>,
    /// For a first order only.
    pub first_order: bool,
    /// For those who bought before.
    pub customers_only: bool,
}

/// What the rules are held against, apart from the basket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asking {
    /// When.
    pub now: UtcMs,
    /// Uses so far, paid and reserved.
    pub used: i64,
    /// Of them by this contact.
    pub used_by_contact: i64,
    /// Paid orders of this contact so far.
    pub paid_orders: i64,
}

/// A line as a coupon sees it: what, and its price times its quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Priced {
    /// The product.
    pub product: ProductId,
    /// Price times quantity, in minor units of the basket's currency.
    pub minor: i64,
}

impl Coupon {
    /// What this coupon takes off each of `lines`, in minor units: sums to the whole cut, and no
    /// line goes below zero.
    ///
    /// # Errors
    /// The first rule that does not hold: `coupon_off`, `coupon_not_yet`, `coupon_over`,
    /// `coupon_used_up`, `coupon_used_by_you`, `coupon_first_order`, `coupon_customers_only`,
    /// `coupon_currency`, `coupon_products`, `coupon_minimum`.
    pub fn evaluate(
        &self,
        asking: &Asking,
        currency: Currency,
        lines: &[Priced],
    ) -> Result<Vec<i64>, Refused> {
        self.check_asking(asking)?;
        let weights: Vec<i64> = lines
            .iter()
            .map(|line| if self.is_for(line.product) { line.minor.max(0) } else { 0 })
            .collect();
        if !lines.iter().any(|line| self.is_for(line.product)) {
            return Err(Refused::new(
                "coupon_products",
                "this coupon is not for anything in your order",
            ));
        }
        let base = weights.iter().fold(0_i64, |sum, weight| sum.saturating_add(*weight));
        if let Some(minimum) = self.minimum {
            same_currency(minimum, currency)?;
            if base < minimum.minor {
                return Err(Refused::new(
                    "coupon_minimum",
                    format!("this coupon needs an order of {} or more", minimum.human()),
                ));
            }
        }
        let cut = match self.cut {
            Cut::Percent(rate) => rate.of(base),
            Cut::Fixed(amount) => {
                same_currency(amount, currency)?;
                amount.minor
            }
        };
        if base == 0 {
            return Ok(vec![0; lines.len()]);
        }
        Ok(split_largest_remainder(cut.clamp(0, base), &weights))
    }

    /// Whether it is good for `product`.
    pub fn is_for(&self, product: ProductId) -> bool {
        self.products.is_empty() || self.products.contains(&product)
    }

    fn check_asking(&self, asking: &Asking) -> Result<(), Refused> {
        let refuse = |code, message: &str| Err(Refused::new(code, message));
        if !self.active {
            return refuse("coupon_off", "this coupon is no longer in use");
        }
        if self.starts_at.is_some_and(|starts| asking.now < starts) {
            return refuse("coupon_not_yet", "this coupon is not valid yet");
        }
        if self.ends_at.is_some_and(|ends| asking.now >= ends) {
            return refuse("coupon_over", "this coupon has expired");
        }
        if self.uses_max.is_some_and(|max| asking.used >= max) {
            return refuse("coupon_used_up", "this coupon has been used up");
        }
        if self.per_contact_max.is_some_and(|max| asking.used_by_contact >= max) {
            return refuse("coupon_used_by_you", "you have used this coupon already");
        }
        if self.first_order && asking.paid_orders > 0 {
            return refuse("coupon_first_order", "this coupon is for a first order only");
        }
        if self.customers_only && asking.paid_orders == 0 {
            return refuse(
                "coupon_customers_only",
                "this coupon is for customers: use the address you ordered with",
            );
        }
        Ok(())
    }

    /// Checks a coupon before it is stored.
    ///
    /// # Errors
    /// `coupon_cut`, `coupon_dates`, `coupon_limit`, `coupon_contradicts`, and those of prices.
    pub fn check(&self) -> Result<(), Refused> {
        let nothing = match self.cut {
            Cut::Percent(rate) => rate.ppm == 0 || rate.ppm > crate::money::WHOLE_PPM,
            Cut::Fixed(amount) => amount.as_price()?.is_zero(),
        };
        if nothing {
            return Err(Refused::new("coupon_cut", "say how much it takes off").at("value"));
        }
        if let (Some(starts), Some(ends)) = (self.starts_at, self.ends_at)
            && starts >= ends
        {
            return Err(Refused::new("coupon_dates", "let it start before it ends").at("ends_at"));
        }
        for (field, limit) in
            [("uses_max", self.uses_max), ("per_contact_max", self.per_contact_max)]
        {
            if limit.is_some_and(|limit| limit < 1) {
                return Err(
                    Refused::new("coupon_limit", "use 1 or more, or leave it out").at(field)
                );
            }
        }
        if self.first_order && self.customers_only {
            return Err(Refused::new(
                "coupon_contradicts",
                "no one is a customer and orders for the first time: choose one of the two",
            ));
        }
        if let Some(minimum) = self.minimum {
            minimum.as_price().map_err(|refused| refused.at("minimum"))?;
        }
        Ok(())
    }
}

fn same_currency(amount: Money, currency: Currency) -> Result<(), Refused> {
    if amount.currency == currency {
        return Ok(());
    }
    Err(Refused::new(
        "coupon_currency",
        format!("this coupon is for orders in {}", amount.currency),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMs = UtcMs(1_800_000_000_000);
    const ASKING: Asking = Asking { now: NOW, used: 0, used_by_contact: 0, paid_orders: 0 };

    fn coupon(cut: Cut) -> Coupon {
        Coupon {
            id: CouponId(1),
            code: CouponCode::parse("SAVE10").unwrap(),
            cut,
            active: true,
            starts_at: None,
            ends_at: None,
            uses_max: None,
            per_contact_max: None,
            minimum: None,
            products: Vec::new(),
            first_order: false,
            customers_only: false,
        }
    }

    fn percent(text: &str) -> Cut {
        Cut::Percent(Rate::parse(text).unwrap())
    }

    fn lines(minors: &[i64]) -> Vec<Priced> {
        (1..)
            .zip(minors)
            .map(|(id, minor)| Priced { product: ProductId(id), minor: *minor })
            .collect()
    }

    #[test]
    fn c05_codes_are_trimmed_folded_and_plain() {
        assert_eq!(CouponCode::parse(" save10 ").unwrap().as_str(), "SAVE10");
        assert_eq!(CouponCode::parse("").unwrap_err().code, "coupon_code_missing");
        for text in ["S\u{410}VE10", "save 10", "ＳＡＶＥ", "x'--", &"a".repeat(41)] {
            assert_eq!(CouponCode::parse(text).unwrap_err().code, "coupon_code_invalid", "{text}");
        }
    }

    #[test]
    fn c05_each_rule_refuses_with_its_reason() {
        let refused = |change: fn(&mut Coupon), asking: Asking| {
            let mut coupon = coupon(percent("10%"));
            change(&mut coupon);
            coupon.evaluate(&asking, Currency::USD, &lines(&[1000])).map_err(|refused| refused.code)
        };
        let ok = Ok(vec![100]);
        assert_eq!(refused(|_| {}, ASKING), ok);
        assert_eq!(refused(|c| c.active = false, ASKING), Err("coupon_off"));
        assert_eq!(refused(|c| c.starts_at = Some(NOW.plus_ms(1)), ASKING), Err("coupon_not_yet"));
        assert_eq!(refused(|c| c.starts_at = Some(NOW), ASKING), ok);
        assert_eq!(refused(|c| c.ends_at = Some(NOW), ASKING), Err("coupon_over"));
        assert_eq!(refused(|c| c.ends_at = Some(NOW.plus_ms(1)), ASKING), ok);
        let used = Asking { used: 5, used_by_contact: 2, ..ASKING };
        assert_eq!(refused(|c| c.uses_max = Some(5), used), Err("coupon_used_up"));
        assert_eq!(refused(|c| c.uses_max = Some(6), used), ok);
        assert_eq!(refused(|c| c.per_contact_max = Some(2), used), Err("coupon_used_by_you"));
        let customer = Asking { paid_orders: 1, ..ASKING };
        assert_eq!(refused(|c| c.first_order = true, customer), Err("coupon_first_order"));
        assert_eq!(refused(|c| c.first_order = true, ASKING), ok);
        assert_eq!(refused(|c| c.customers_only = true, ASKING), Err("coupon_customers_only"));
        assert_eq!(refused(|c| c.customers_only = true, customer), ok);
        assert_eq!(refused(|c| c.products = vec![ProductId(9)], ASKING), Err("coupon_products"));
        let minimum = |minor| Some(Money::new(minor, Currency::USD));
        assert_eq!(
            refused(|c| c.minimum = Some(Money::new(1, Currency::EUR)), ASKING),
            Err("coupon_currency")
        );
        let mut least = coupon(percent("10%"));
        least.minimum = minimum(1001);
        let refusal = least.evaluate(&ASKING, Currency::USD, &lines(&[1000])).unwrap_err();
        assert_eq!(refusal.message, "this coupon needs an order of $10.01 or more");
        let euros = coupon(Cut::Fixed(Money::new(500, Currency::EUR)));
        let refusal = euros.evaluate(&ASKING, Currency::USD, &lines(&[1000])).unwrap_err();
        assert_eq!(refusal.code, "coupon_currency");
    }

    #[test]
    fn a_cut_falls_on_what_it_is_for_and_never_below_zero() {
        let off = |cut, minors: &[i64]| {
            coupon(cut).evaluate(&ASKING, Currency::USD, &lines(minors)).unwrap()
        };
        let fixed = |minor| Cut::Fixed(Money::new(minor, Currency::USD));
        assert_eq!(off(percent("10%"), &[1900, 700, 333]), [190, 70, 33]);
        assert_eq!(off(fixed(500), &[1000, 500]), [333, 167]);
        assert_eq!(off(fixed(5_000), &[1000, 500]), [1000, 500]);
        assert_eq!(off(percent("100%"), &[1000, 0]), [1000, 0]);
        assert_eq!(off(fixed(500), &[0]), [0]);
        let mut one = coupon(fixed(5_000));
        one.products = vec![ProductId(2)];
        assert_eq!(one.evaluate(&ASKING, Currency::USD, &lines(&[1000, 500])).unwrap(), [0, 500]);
    }

    #[test]
    fn a_coupon_that_cannot_be_right_is_not_stored() {
        let code = |change: fn(&mut Coupon)| {
            let mut coupon = coupon(percent("10%"));
            change(&mut coupon);
            coupon.check().map_err(|refused| refused.code)
        };
        assert_eq!(code(|_| {}), Ok(()));
        assert_eq!(code(|c| c.cut = Cut::Percent(Rate::ZERO)), Err("coupon_cut"));
        assert_eq!(code(|c| c.uses_max = Some(0)), Err("coupon_limit"));
        assert_eq!(
            code(|c| (c.starts_at, c.ends_at) = (Some(NOW), Some(NOW))),
            Err("coupon_dates")
        );
        assert_eq!(
            code(|c| (c.first_order, c.customers_only) = (true, true)),
            Err("coupon_contradicts")
        );
        assert_eq!(percent("12.5%").to_string(), "12.5% off");
    }
}
