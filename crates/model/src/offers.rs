//! Offers: a product at a price, until when, and how many at once.

use serde::{Deserialize, Serialize};

use crate::refused::Refused;
use crate::schedule::{DayMeans, Wait};
use crate::times::UtcMs;
use crate::words::words;
use crate::zones::Zone;

/// The most of one product in one order, where the product does not say less.
pub const QUANTITY_MAX: i64 = 999;
/// How long a one-click offer stands after its page was shown (payments §5).
pub const ONE_CLICK_MS: i64 = 30 * crate::times::MINUTE_MS;

words! {
    /// From what moment of a contact an evergreen deadline runs. It never runs twice.
    Since "deadline_since" {
        /// The address was confirmed.
        Confirmed = "confirmed",
        /// The sequence was joined.
        Enrolled = "enrolled",
        /// The offer was first shown to the contact.
        Shown = "shown",
        /// The first order was paid.
        Bought = "bought",
    }
}

/// Until when an offer stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Deadline {
    /// It does not end.
    #[default]
    None,
    /// The same instant for all.
    Fixed {
        /// When it ends.
        at: UtcMs,
    },
    /// Each contact's own, counted from one event and never reset.
    Evergreen {
        /// From when.
        since: Since,
        /// For how long.
        lasts: Wait,
    },
}

/// When an offer closes for one contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closes {
    /// Never.
    Never,
    /// At this instant: closed from then on.
    At(UtcMs),
    /// Its event has not happened for this contact, so it is not open to them.
    NotStarted,
}

impl Deadline {
    /// When it closes for a contact whose event was at `since` (looked at for evergreen ones
    /// only). Days are of 24 hours: what was promised was a length of time.
    pub fn closes_at(self, since: Option<UtcMs>) -> Closes {
        match (self, since) {
            (Self::None, _) => Closes::Never,
            (Self::Fixed { at }, _) => Closes::At(at),
            (Self::Evergreen { lasts, .. }, Some(since)) => {
                Closes::At(lasts.after(since, &Zone::utc(), DayMeans::Hours24))
            }
            (Self::Evergreen { .. }, None) => Closes::NotStarted,
        }
    }
}

impl Closes {
    /// Whether the offer is open at `now`.
    pub fn is_open(self, now: UtcMs) -> bool {
        match self {
            Self::Never => true,
            Self::At(at) => now < at,
            Self::NotStarted => false,
        }
    }

    /// The instant, if there is one.
    pub fn instant(self) -> Option<UtcMs> {
        match self {
            Self::At(at) => Some(at),
            Self::Never | Self::NotStarted => None,
        }
    }

    /// Refuses where the offer is not open, and says so honestly.
    ///
    /// # Errors
    /// `offer_over`, `offer_not_open`.
    pub fn check(self, now: UtcMs) -> Result<(), Refused> {
        match self {
            open if open.is_open(now) => Ok(()),
            Self::NotStarted => Err(Refused::new(
                "offer_not_open",
                "this offer is made by mail: use the link in it",
            )),
            Self::Never | Self::At(_) => Err(Refused::new("offer_over", "this offer has ended")),
        }
    }
}

/// Reads a quantity: a whole number in plain digits, from 1 to `max`.
///
/// # Errors
/// `quantity_invalid`, `quantity_too_large`.
pub fn parse_quantity(text: &str, max: i64) -> Result<i64, Refused> {
    let text = text.trim();
    let max = max.clamp(1, QUANTITY_MAX);
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Digits without end are a large number, not a strange one.
    let number = if plain { Some(text.parse::<i64>().unwrap_or(i64::MAX)) } else { None };
    match number {
        Some(number) if number > max => {
            Err(Refused::new("quantity_too_large", format!("you can order {max} at most"))
                .at("quantity"))
        }
        Some(number) if number > 0 => Ok(number),
        _ => Err(Refused::new("quantity_invalid", "give a whole number, 1 or more").at("quantity")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::times::HOUR_MS;

    #[test]
    fn c04_quantities_are_whole_plain_and_within_the_limit() {
        assert_eq!(parse_quantity(" 3 ", 10).unwrap(), 3);
        for (text, code) in [
            ("0", "quantity_invalid"),
            ("-1", "quantity_invalid"),
            ("+1", "quantity_invalid"),
            ("1.5", "quantity_invalid"),
            ("1e9", "quantity_invalid"),
            ("１", "quantity_invalid"),
            ("", "quantity_invalid"),
            ("11", "quantity_too_large"),
            ("99999999999999999999999", "quantity_too_large"),
        ] {
            assert_eq!(parse_quantity(text, 10).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn an_evergreen_deadline_runs_from_its_event_and_closes_on_the_dot() {
        let since = UtcMs(1_800_000_000_000);
        let deadline =
            Deadline::Evergreen { since: Since::Confirmed, lasts: Wait::parse("3 days").unwrap() };
        let closes = deadline.closes_at(Some(since));
        let end = since.plus_ms(72 * HOUR_MS);
        assert_eq!(closes, Closes::At(end));
        assert!(closes.is_open(end.plus_ms(-1)) && !closes.is_open(end));
        assert_eq!(closes.check(end).unwrap_err().code, "offer_over");
        assert_eq!(deadline.closes_at(None).check(since).unwrap_err().code, "offer_not_open");
        assert!(Deadline::None.closes_at(None).is_open(end));
        assert_eq!(Deadline::Fixed { at: end }.closes_at(None).instant(), Some(end));
        let json = serde_json::to_string(&deadline).unwrap();
        assert_eq!(json, r#"{"kind":"evergreen","since":"confirmed","lasts":"3 days"}"#);
        assert_eq!(serde_json::from_str::<Deadline>(&json).unwrap(), deadline);
    }
}
