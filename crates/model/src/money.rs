//! Money: whole minor units and their currency. No floats; products are formed in 128 bits.
//!
//! What is taxed and by how much stands in [`crate::taxes`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::refused::Refused;

/// The most one price or one charge may be, in minor units: payment providers take eight digits.
pub const PRICE_MAX_MINOR: i64 = 99_999_999;
/// A whole, in parts per million.
pub const WHOLE_PPM: u32 = 1_000_000;

/// An ISO 4217 currency that has minor units; metals, funds and test codes have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// United States dollar.
    pub const USD: Self = Self(iso_currency::Currency::USD);
    /// Euro.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);
    /// Pound sterling.
    pub const GBP: Self = Self(iso_currency::Currency::GBP);
    /// Japanese yen.
    pub const JPY: Self = Self(iso_currency::Currency::JPY);

    /// Reads a code of three letters, in either case.
    ///
    /// # Errors
    /// `currency_unknown`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        iso_currency::Currency::from_code(&text.trim().to_ascii_uppercase())
            .filter(|currency| currency.exponent().is_some())
            .map(Self)
            .ok_or_else(|| {
                Refused::new(
                    "currency_unknown",
                    "this is no currency we know: give its code of three letters, as in USD",
                )
            })
    }

    /// Three capital letters.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Its English name.
    pub fn name(self) -> String {
        self.0.name().to_owned()
    }

    /// How many decimals it has: 2 for most, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }

    /// Minor units in one unit: 100 for most.
    pub fn minor_per_unit(self) -> i64 {
        10_i64.saturating_pow(self.exponent())
    }

    /// The sign shown before an amount. Dollars that are not those of the United States say whose.
    pub fn sign(self) -> Option<&'static str> {
        Some(match self.code() {
            "USD" => "$",
            "EUR" => "€",
            "GBP" => "£",
            "JPY" => "¥",
            "CNY" => "CN¥",
            "INR" => "₹",
            "KRW" => "₩",
            "BRL" => "R$",
            "CAD" => "CA$",
            "AUD" => "A$",
            "NZD" => "NZ$",
            "HKD" => "HK$",
            "TWD" => "NT$",
            "MXN" => "MX$",
            "ILS" => "₪",
            "VND" => "₫",
            "PHP" => "₱",
            "UAH" => "₴",
            "TRY" => "₺",
            _ => return None,
        })
    }

    /// The least a payment provider will charge (Stripe's table of minimum charge amounts); one
    /// minor unit where it names none.
    pub fn minimum_charge(self) -> Money {
        let minor = match self.code() {
            "USD" | "EUR" | "AUD" | "BRL" | "CAD" | "CHF" | "INR" | "NZD" | "SGD" => 50,
            "GBP" => 30,
            "AED" | "MYR" | "PLN" | "RON" => 200,
            "BGN" => 100,
            "CZK" => 1_500,
            "DKK" => 250,
            "HKD" => 400,
            "HUF" => 17_500,
            "JPY" => 50,
            "MXN" | "THB" => 1_000,
            "NOK" | "SEK" => 300,
            _ => 1,
        };
        Money { minor, currency: self }
    }

    /// The smallest step a card can be charged in, in minor units. Providers round three-decimal
    /// currencies to tens, and keep two decimals that must be 00 for some that dropped them.
    pub fn charge_step(self) -> i64 {
        match (self.code(), self.exponent()) {
            ("MGA", _) => 100,
            (_, 3) => 10,
            _ => 1,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        Self::parse(text)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// An amount. As JSON `{"amount": 1900, "currency": "USD"}`, as text `19.00 USD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units; may be negative in ledgers.
    #[serde(rename = "amount")]
    pub minor: i64,
    /// Whose.
    pub currency: Currency,
}

impl Money {
    /// `minor` units of `currency`.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads `"19.00 USD"`, `"19 usd"`, `"1900 JPY"`, `"-3.50 EUR"`.
    ///
    /// # Errors
    /// `money_invalid`, `money_decimals` (more than the currency has), `currency_unknown`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let (amount, currency) = text
            .trim()
            .rsplit_once(char::is_whitespace)
            .ok_or_else(|| not_an_amount("write an amount as in 19.00 USD"))?;
        Self::parse_amount(amount.trim_end(), Currency::parse(currency)?)
    }

    /// Reads an amount whose currency is known: `"19"`, `"19.5"`, `"19.00"`.
    ///
    /// # Errors
    /// `money_invalid`, `money_decimals`.
    pub fn parse_amount(amount: &str, currency: Currency) -> Result<Self, Refused> {
        let amount = amount.trim();
        let (negative, digits) = match amount.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, amount),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(part) || digits.ends_with('.') {
            return Err(not_an_amount("write the amount in digits, with a dot for decimals"));
        }
        let decimals = usize::try_from(currency.exponent()).unwrap_or(0);
        if part.len() > decimals {
            return Err(Refused::new(
                "money_decimals",
                match decimals {
                    0 => format!("{currency} has no decimals: write a whole amount"),
                    n => format!("{currency} has {n} decimals: write no more than that"),
                },
            ));
        }
        let minor: i64 = format!("{whole}{part:0<decimals$}")
            .parse()
            .map_err(|_| Refused::new("money_too_large", "this amount is too large"))?;
        Ok(Self { minor: if negative { -minor } else { minor }, currency })
    }

    /// This amount as a price or a charge: not negative and of eight digits at most.
    ///
    /// # Errors
    /// `price_negative`, `price_too_large`.
    pub fn as_price(self) -> Result<Self, Refused> {
        if self.minor < 0 {
            return Err(Refused::new("price_negative", "a price cannot be below zero"));
        }
        if self.minor > PRICE_MAX_MINOR {
            let most = Self::new(PRICE_MAX_MINOR, self.currency);
            return Err(Refused::new(
                "price_too_large",
                format!("the most a price can be is {}: write a smaller one", most.human()),
            ));
        }
        Ok(self)
    }

    /// Whether it is nothing at all.
    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// For people, the same in every language: `$19.00`, `¥1,900`, `CHF 12.50`, `-€3.00`.
    pub fn human(self) -> String {
        let (whole, part) = self.digits();
        let mut grouped = String::with_capacity(whole.len() + whole.len() / 3);
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let minus = if self.minor < 0 { "-" } else { "" };
        match self.currency.sign() {
            Some(sign) => format!("{minus}{sign}{grouped}{part}"),
            None => format!("{minus}{}\u{a0}{grouped}{part}", self.currency),
        }
    }

    /// The sum.
    ///
    /// # Errors
    /// `money_currencies` where they differ, `money_too_large`.
    pub fn checked_add(self, other: Self) -> Result<Self, Refused> {
        self.same_currency(other)?;
        self.exact(i128::from(self.minor) + i128::from(other.minor))
    }

    /// The difference.
    ///
    /// # Errors
    /// As [`Self::checked_add`].
    pub fn checked_sub(self, other: Self) -> Result<Self, Refused> {
        self.same_currency(other)?;
        self.exact(i128::from(self.minor) - i128::from(other.minor))
    }

    /// `quantity` times this.
    ///
    /// # Errors
    /// `money_too_large`.
    pub fn checked_mul(self, quantity: i64) -> Result<Self, Refused> {
        self.exact(i128::from(self.minor) * i128::from(quantity))
    }

    /// The sum of `amounts`, all in `currency`.
    ///
    /// # Errors
    /// As [`Self::checked_add`].
    pub fn sum(
        currency: Currency,
        amounts: impl IntoIterator<Item = Self>,
    ) -> Result<Self, Refused> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::checked_add)
    }

    fn same_currency(self, other: Self) -> Result<(), Refused> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(Refused::new(
            "money_currencies",
            format!("{} and {} cannot be put together", self.currency, other.currency),
        ))
    }

    fn exact(self, minor: i128) -> Result<Self, Refused> {
        i64::try_from(minor)
            .map(|minor| Self { minor, currency: self.currency })
            .map_err(|_| Refused::new("money_too_large", "this amount is too large"))
    }

    /// The digits before the dot, and the dot with the digits after it (empty without decimals).
    fn digits(self) -> (String, String) {
        let per_unit = self.currency.minor_per_unit().unsigned_abs().max(1);
        let amount = self.minor.unsigned_abs();
        let whole = (amount / per_unit).to_string();
        let decimals = usize::try_from(self.currency.exponent()).unwrap_or(0);
        let part = match decimals {
            0 => String::new(),
            _ => format!(".{:0>decimals$}", amount % per_unit),
        };
        (whole, part)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = self.digits();
        let minus = if self.minor < 0 { "-" } else { "" };
        write!(f, "{minus}{whole}{part} {}", self.currency)
    }
}

impl FromStr for Money {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        Self::parse(text)
    }
}

fn not_an_amount(message: &str) -> Refused {
    Refused::new("money_invalid", message)
}

/// A share of a whole in parts per million: a tax rate, a percent coupon, a commission.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Rate {
    /// Parts per million; at most [`WHOLE_PPM`] where parsed.
    pub ppm: u32,
}

impl Rate {
    /// Nothing.
    pub const ZERO: Self = Self { ppm: 0 };

    /// Reads `"19%"`, `"8.875 %"`, at most four decimals and a hundred percent.
    ///
    /// # Errors
    /// `rate_invalid`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let refuse = || {
            Refused::new("rate_invalid", "write a rate in percent, as in 19% or 8.875%, up to 100%")
        };
        let number = text.trim().strip_suffix('%').ok_or_else(refuse)?.trim_end();
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || part.len() > 4 || !is_number(whole) || !is_number(part) {
            return Err(refuse());
        }
        match format!("{whole}{part:0<4}").parse() {
            Ok(ppm) if ppm <= WHOLE_PPM => Ok(Self { ppm }),
            _ => Err(refuse()),
        }
    }

    /// This share of `minor`, half a unit rounded up (away from zero where negative, so that a
    /// refund mirrors its sale).
    pub fn of(self, minor: i64) -> i64 {
        half_up(i128::from(minor) * i128::from(self.ppm), i128::from(WHOLE_PPM))
    }

    /// The tax to put on top of `net`.
    pub fn on_top(self, net: i64) -> i64 {
        self.of(net)
    }

    /// The tax that is already in `gross`: gross · rate / (1 + rate), rounded half up.
    pub fn within(self, gross: i64) -> i64 {
        half_up(
            i128::from(gross) * i128::from(self.ppm),
            i128::from(WHOLE_PPM) + i128::from(self.ppm),
        )
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.ppm / 10_000, self.ppm % 10_000);
        if part == 0 {
            return write!(f, "{whole}%");
        }
        write!(f, "{whole}.{}%", format!("{part:0>4}").trim_end_matches('0'))
    }
}

impl FromStr for Rate {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        Self::parse(text)
    }
}

/// `numerator / denominator` to the nearest whole, half away from zero, held at the ends of i64.
fn half_up(numerator: i128, denominator: i128) -> i64 {
    let rounded = (numerator.abs() * 2 + denominator) / (denominator * 2);
    let signed = if numerator < 0 { -rounded } else { rounded };
    i64::try_from(signed).unwrap_or(if signed < 0 { i64::MIN } else { i64::MAX })
}

/// Splits `total` in proportion to `weights` so that the parts add up to it exactly: each gets the
/// whole part of its share, and the units left over go to the largest remainders, the earlier of
/// equals first (the method of Hamilton). Weights below zero count as zero; where all are zero the
/// parts are as even as can be. No part exceeds its weight where the total does not exceed theirs.
pub fn split_largest_remainder(total: i64, weights: &[i64]) -> Vec<i64> {
    let mut weights: Vec<i128> = weights.iter().map(|weight| i128::from(*weight).max(0)).collect();
    if weights.iter().all(|weight| *weight == 0) {
        weights.fill(1);
    }
    let sum: i128 = weights.iter().sum();
    if sum == 0 {
        return Vec::new();
    }
    let size = i128::from(total).abs();
    let mut parts: Vec<i128> = weights.iter().map(|weight| size * weight / sum).collect();
    let mut by_remainder: Vec<(i128, usize)> =
        weights.iter().enumerate().map(|(at, weight)| (size * weight % sum, at)).collect();
    by_remainder.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let left = size - parts.iter().sum::<i128>();
    for (_, at) in by_remainder.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        if let Some(part) = parts.get_mut(at) {
            *part += 1;
        }
    }
    let sign = if total < 0 { -1 } else { 1 };
    parts.into_iter().map(|part| i64::try_from(sign * part).unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests;
