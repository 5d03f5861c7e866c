//! Spend: money paid to be seen, by channel and campaign, over a range of days.

use jiff::civil::Date;

use crate::emails::is_invisible;
use crate::ids::SpendId;
use crate::notes::clean_line;
use crate::spans::{day_of, moved};
use crate::{Refused, UtcMs, Zone};

/// The columns of a file of amounts.
pub const HEADERS: [&str; 8] =
    ["date", "channel", "campaign", "amount", "currency", "clicks", "impressions", "note"];
/// Longer words and notes are slips.
const TEXT_MAX: usize = 300;
/// Amounts of more digits are slips too.
const AMOUNT_MAX: i64 = 1_000_000_000_000;
/// More clicks, or times shown, than all people there are could make in the days of an amount.
const COUNT_MAX: i64 = 10_000_000_000;
/// Earlier days are slips: a year of two digits, most often.
const YEAR_MIN: i16 = 2_000;
/// Days ahead for which money may be paid: a year, in any zone.
const DAYS_AHEAD: i64 = 367;

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
    /// Its words as they are kept: on one line, with nothing that controls or hides.
    #[must_use]
    pub fn cleaned(self) -> Self {
        Self {
            channel: clean_line(&self.channel).to_lowercase(),
            campaign: clean_line(&self.campaign).to_lowercase(),
            note: clean_line(&self.note),
            ..self
        }
    }

    /// Checks the days and the amount, as it is written down `now`.
    ///
    /// # Errors
    /// A day is no date or far from now, the last comes before the first, or the amount is not
    /// above zero.
    pub fn check(&self, now: UtcMs) -> Result<(), Refused> {
        let from = day(&self.from_day, now, "from_day")?;
        let to = day(&self.to_day, now, "to_day")?;
        if to < from {
            let why = "the last day comes before the first";
            return Err(Refused::new("days_reversed", why).at("to_day"));
        }
        if self.amount_minor <= 0 {
            return Err(Refused::new("amount_invalid", "write an amount above zero").at("amount"));
        }
        if self.amount_minor > AMOUNT_MAX {
            return Err(Refused::new("amount_too_large", "this amount is too large").at("amount"));
        }
        for (count, field) in [(self.clicks, "clicks"), (self.impressions, "impressions")] {
            if count.is_some_and(|count| !(0..=COUNT_MAX).contains(&count)) {
                return Err(Refused::new("number_too_large", "this number is too large").at(field));
            }
        }
        if !has_letters(&self.channel) {
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

/// Whether anything of a word can be seen.
pub fn has_letters(word: &str) -> bool {
    word.chars().any(|c| !c.is_whitespace() && !c.is_control() && !is_invisible(c))
}

fn day(text: &str, now: UtcMs, field: &'static str) -> Result<Date, Refused> {
    let date = match text.parse::<Date>() {
        Ok(date) if date.to_string() == text => date,
        _ => return Err(Refused::new("day_invalid", "write the day as 2026-11-21").at(field)),
    };
    if date.year() < YEAR_MIN {
        let why = "write a year of four digits, 2000 or later";
        return Err(Refused::new("day_too_early", why).at(field));
    }
    if date > moved(day_of(now, &Zone::utc()), DAYS_AHEAD) {
        let why = "this day is more than a year ahead";
        return Err(Refused::new("day_too_late", why).at(field));
    }
    Ok(date)
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
    }

    #[test]
    fn what_nobody_can_mean_is_refused() {
        let now: UtcMs = "2026-03-31T12:00:00Z".parse::<jiff::Timestamp>().unwrap().into();
        let good = Spend {
            id: SpendId(1),
            channel: "google".to_owned(),
            campaign: String::new(),
            from_day: "2026-03-30".to_owned(),
            to_day: "2027-03-30".to_owned(),
            amount_minor: 1_000,
            currency: "USD".to_owned(),
            clicks: Some(10_000_000_000),
            impressions: None,
            note: String::new(),
            created_at: now,
        };
        assert_eq!(good.check(now), Ok(()));
        let days = |from: &str, to: &str| Spend {
            from_day: from.to_owned(),
            to_day: to.to_owned(),
            ..good.clone()
        };
        for (bad, code) in [
            (Spend { amount_minor: 0, ..good.clone() }, "amount_invalid"),
            (Spend { note: "x".repeat(301), ..good.clone() }, "text_too_long"),
            (Spend { channel: "\u{200c}".to_owned(), ..good.clone() }, "channel_missing"),
            (Spend { clicks: Some(10_000_000_001), ..good.clone() }, "number_too_large"),
            (Spend { impressions: Some(i64::MAX), ..good.clone() }, "number_too_large"),
            (days("0026-11-01", "0026-11-01"), "day_too_early"),
            (days("0001-01-01", "9999-12-31"), "day_too_early"),
            (days("-000001-01-01", "2026-01-01"), "day_too_early"),
            (days("2026-03-30", "9999-12-31"), "day_too_late"),
            (days("2026-03-30", "2026-03-29"), "days_reversed"),
        ] {
            assert_eq!(bad.check(now).map_err(|refused| refused.code), Err(code), "{bad:?}");
        }
        let dirty = Spend { channel: " Goo\0gle\u{202e} ".to_owned(), ..good };
        assert_eq!(dirty.cleaned().channel, "google");
    }
}
