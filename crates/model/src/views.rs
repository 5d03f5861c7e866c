//! Page views: what is kept of one, which is nothing that names anybody.

use jiff::civil::Date;

use crate::times::UtcMs;

/// Where a view came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// `utm_source`, or the host that linked here, or empty.
    pub source: String,
    /// `utm_medium`, or `referral`, or empty.
    pub medium: String,
    /// `utm_campaign`, or empty.
    pub campaign: String,
}

/// One view of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// When.
    pub at: UtcMs,
    /// That day in the site's zone.
    pub day: Date,
    /// The path of the page: `/p/home`.
    pub page: String,
    /// Where it came from.
    pub origin: Origin,
    /// What tells one browser from another today (network and user agent), or `None` where the
    /// browser asks not to be told apart. Never written: only its hash with the day's salt is.
    pub visitor: Option<String>,
}

/// The number of a day: days since 1970-01-01.
pub fn day_number(day: Date) -> i64 {
    let gap = Date::new(1970, 1, 1).and_then(|first| first.until(day));
    gap.map_or(0, |gap| i64::from(gap.get_days()))
}

/// The day of a number.
pub fn day_of_number(number: i64) -> Date {
    crate::spans::moved(Date::constant(1970, 1, 1), number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn days_are_numbered_from_1970() {
        assert_eq!(day_number(date(1970, 1, 2)), 1);
        assert_eq!(day_number(date(2026, 11, 22)), 20_779);
        assert_eq!(day_number(date(1969, 12, 31)), -1);
        assert_eq!(day_of_number(20_779), date(2026, 11, 22));
    }
}
