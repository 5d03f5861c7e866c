//! Spend: money paid to be seen, by channel and campaign, over a range of days.

use jiff::civil::Date;

use crate::ids::SpendId;
use crate::{Refused, UtcMs};

/// The columns of a file of amounts.
pub const HEADERS: [&str; 8] =
    ["date", "channel", "campaign", "amount", "currency", "clicks", "impressions", "note"];
/// Longer words and notes are slips.
const TEXT_MAX: usize = 300;
/// Amounts of more digits are slips too.
const AMOUNT_MAX: i64 = 1_000_000_000_000;

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
        if self.amount_minor > AMOUNT_MAX {
            return Err(Refused::new("amount_too_large", "this amount is too large").at("amount"));
        }
        if self.channel.trim().is_empty() {
            return Err(Refused::new("channel_missing", "say where it was spent").at("channel"));
        }
        let texts =
            [(&self.channel, "channel"), (&self.campaign, "campaign"), (&self.note, "note")];
        for (text, field) in texts {
            if text.chars().count() > TEXT_MAX {
                return Err(Refused::new("text_too_long", "write this shorter").at(field));
            }
        }
        Ok(())
    }

    /// How much of it falls on the days `from ..= to`: an even share for each day, whole minor
    /// units, so that the shares of any parting of its days add up to all of it.
    pub fn share_within(&self, from: Date, to: Date) -> i64 {
        self.part(self.amount_minor, from, to)
    }

    /// How many of its clicks fall on these days, shared out as the amount is.
    pub fn clicks_within(&self, from: Date, to: Date) -> i64 {
        self.part(self.clicks.unwrap_or(0), from, to)
    }

    fn part(&self, whole: i64, from: Date, to: Date) -> i64 {
        let (Ok(first), Ok(last)) = (self.from_day.parse::<Date>(), self.to_day.parse::<Date>())
        else {
            return 0;
        };
        let all = days_until(first, last).saturating_add(1);
        let up_to = |days: i64| -> i64 {
            let part = i128::from(whole) * i128::from(days.clamp(0, all));
            i64::try_from(part / i128::from(all.max(1))).unwrap_or(0)
        };
        if to < from {
            return 0;
        }
        let until = days_until(first, to).saturating_add(1);
        up_to(until) - up_to(days_until(first, from))
    }
}

fn days_until(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |gap| i64::from(gap.get_days()))
}

fn day(text: &str, field: &'static str) -> Result<(), Refused> {
    let parsed = text.parse::<Date>();
    match parsed {
        Ok(date) if date.to_string() == text => Ok(()),
        _ => Err(Refused::new("day_invalid", "write the day as 2026-11-21").at(field)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_days_of_an_amount_share_it_and_lose_nothing() {
        let spend = Spend {
            id: SpendId(1),
            channel: "google".to_owned(),
            campaign: String::new(),
            from_day: "2026-03-30".to_owned(),
            to_day: "2026-04-01".to_owned(),
            amount_minor: 1_000,
            currency: "USD".to_owned(),
            clicks: None,
            impressions: None,
            note: String::new(),
            created_at: UtcMs(0),
        };
        let within = |from, to| spend.share_within(from, to);
        let (march, april) = (date(2026, 3, 1), date(2026, 4, 1));
        assert_eq!(within(march, date(2026, 3, 31)), 666);
        assert_eq!(within(april, date(2026, 4, 30)), 334);
        assert_eq!(within(march, date(2026, 4, 30)), 1_000);
        assert_eq!(within(date(2026, 5, 1), date(2026, 5, 31)), 0);
        assert_eq!(within(april, march), 0);
        assert!(Spend { amount_minor: 0, ..spend.clone() }.check().is_err());
        assert!(Spend { note: "x".repeat(301), ..spend }.check().is_err());
    }
}
