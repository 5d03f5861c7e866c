//! Spend: money paid to be seen, by channel and campaign, over a range of days.

use crate::ids::SpendId;
use crate::{Refused, UtcMs};

/// An amount spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// Its id.
    pub id: SpendId,
    /// Where: the same word as a contact's source.
    pub channel: String,
    /// For what, where known.
    pub campaign: String,
    /// First day, ISO: `2026-11-21`.
    pub from_day: String,
    /// Last day, ISO.
    pub to_day: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Clicks it brought, where told.
    pub clicks: Option<i64>,
    /// Times it was shown, where told.
    pub impressions: Option<i64>,
    /// Anything to remember.
    pub note: String,
    /// When it was written down.
    pub created_at: UtcMs,
}

impl Spend {
    /// Checks the days and the amount.
    ///
    /// # Errors
    /// A day is no date, the last comes before the first, or the amount is not above zero.
    pub fn check(&self) -> Result<(), Refused> {
        day(&self.from_day, "from_day")?;
        day(&self.to_day, "to_day")?;
        if self.to_day < self.from_day {
            let why = "the last day comes before the first";
            return Err(Refused::new("days_reversed", why).at("to_day"));
        }
        if self.amount_minor <= 0 {
            return Err(Refused::new("amount_invalid", "write an amount above zero").at("amount"));
        }
        if self.channel.trim().is_empty() {
            return Err(Refused::new("channel_missing", "say where it was spent").at("channel"));
        }
        Ok(())
    }
}

fn day(text: &str, field: &'static str) -> Result<(), Refused> {
    let parsed = text.parse::<jiff::civil::Date>();
    match parsed {
        Ok(date) if date.to_string() == text => Ok(()),
        _ => Err(Refused::new("day_invalid", "write the day as 2026-11-21").at(field)),
    }
}
