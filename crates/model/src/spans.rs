//! Spans: whole days in a site's zone, and the span of the same length before, to compare with.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::Refused;
use crate::times::UtcMs;
use crate::zones::Zone;

/// The span shown where nobody asks for another.
pub const DEFAULT_DAYS: i64 = 30;
/// A longer span is a slip of the keyboard.
const DAYS_MAX: i64 = 3_660;

/// Days from `from` to `to`, both in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
}

impl Span {
    /// The `days` days that end with `last`.
    pub fn ending(last: Date, days: i64) -> Self {
        Self { from: moved(last, 1 - days.max(1)), to: last }
    }

    /// A span as typed, two ISO dates; where one is missing, the default length before or after
    /// the other, and at last up to today.
    ///
    /// # Errors
    /// A day is no date, or the last comes before the first.
    pub fn parse(from: &str, to: &str, today: Date) -> Result<Self, Refused> {
        let span = match (day(from, "from")?, day(to, "to")?) {
            (None, None) => Self::ending(today, DEFAULT_DAYS),
            (None, Some(to)) => Self::ending(to, DEFAULT_DAYS),
            (Some(from), None) => Self { from, to: today.max(from) },
            (Some(from), Some(to)) => Self { from, to },
        };
        if span.to < span.from {
            let why = "the last day comes before the first";
            return Err(Refused::new("days_reversed", why).at("to"));
        }
        if span.days() > DAYS_MAX {
            return Err(Refused::new("span_too_long", "give at most ten years").at("from"));
        }
        Ok(span)
    }

    /// How many days.
    pub fn days(self) -> i64 {
        let days = self.from.until(self.to).map_or(0, |gap| i64::from(gap.get_days()));
        days.saturating_add(1)
    }

    /// As many days just before.
    #[must_use]
    pub fn before(self) -> Self {
        Self::ending(moved(self.from, -1), self.days())
    }

    /// The same days a year earlier; the 29th of February becomes the 28th.
    #[must_use]
    pub fn year_before(self) -> Self {
        let earlier = |day: Date| day.checked_sub(1.year()).unwrap_or(day);
        Self { from: earlier(self.from), to: earlier(self.to) }
    }

    /// From the first instant of it to the first after it, in a zone.
    pub fn bounds(self, zone: &Zone) -> (UtcMs, UtcMs) {
        (start_of(self.from, zone), start_of(moved(self.to, 1), zone))
    }

    /// Its days, first to last.
    pub fn each(self) -> impl Iterator<Item = Date> {
        (0..self.days()).map(move |n| moved(self.from, n))
    }
}

/// The first instant of a day in a zone.
pub fn start_of(day: Date, zone: &Zone) -> UtcMs {
    zone.instant(day.at(0, 0, 0, 0))
}

/// The day on the wall of a zone.
pub fn day_of(at: UtcMs, zone: &Zone) -> Date {
    zone.local(at).date()
}

/// The month a day lies in, as `2026-11`.
pub fn month_of(day: Date) -> String {
    day.strftime("%Y-%m").to_string()
}

/// The first day of a month named as `2026-01`; nothing where it is none.
pub fn month_named(month: &str) -> Option<Date> {
    format!("{month}-01").parse().ok()
}

/// A day as its number, counted from 1970-01-01.
pub fn day_number(day: Date) -> i64 {
    let days = day.since(Date::constant(1970, 1, 1)).map_or(0, |span| span.get_days());
    i64::from(days)
}

/// The day of a number counted from 1970-01-01.
pub fn day_numbered(number: i64) -> Date {
    moved(Date::constant(1970, 1, 1), number)
}

/// A day moved by days, held at the ends of the calendar.
pub fn moved(day: Date, days: i64) -> Date {
    day.checked_add(days.clamp(-400_000, 400_000).days()).unwrap_or(day)
}

/// The first day of the month that lies `months` after that of `day`.
pub fn month_start(day: Date, months: i64) -> Date {
    day.first_of_month().checked_add(months.clamp(-12_000, 12_000).months()).unwrap_or(day)
}

fn day(text: &str, field: &'static str) -> Result<Option<Date>, Refused> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
    let refuse = || Refused::new("day_invalid", "write the day as 2026-11-21").at(field);
    parsed.map(Some).ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_span_is_whole_days_and_the_one_before_is_as_long() {
        let today = date(2026, 11, 21);
        let span = Span::parse("", "", today).unwrap();
        assert_eq!((span.from, span.to, span.days()), (date(2026, 10, 23), today, 30));
        assert_eq!(span.before(), Span { from: date(2026, 9, 23), to: date(2026, 10, 22) });
        let leap = Span { from: date(2024, 2, 29), to: date(2024, 3, 1) }.year_before();
        assert_eq!(leap, Span { from: date(2023, 2, 28), to: date(2023, 3, 1) });
        let one = Span::parse("2026-03-29", "2026-03-29", today).unwrap();
        assert_eq!((one.days(), one.each().count()), (1, 1));
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let (start, end) = one.bounds(&berlin);
        assert_eq!(end.since_ms(start), 23 * 3_600_000, "the clocks leap that night");
        assert_eq!(start.rfc3339(), "2026-03-28T23:00:00Z");
    }

    #[test]
    fn what_is_no_span_is_refused_by_field() {
        let today = date(2026, 11, 21);
        for (from, to, code, field) in [
            ("2026-02-30", "", "day_invalid", "from"),
            ("", "yesterday", "day_invalid", "to"),
            ("2026-03-02", "2026-03-01", "days_reversed", "to"),
            ("0001-01-01", "2026-03-01", "span_too_long", "from"),
        ] {
            let refused = Span::parse(from, to, today).unwrap_err();
            assert_eq!((refused.code, refused.field.as_deref()), (code, Some(field)), "{from}");
        }
        assert_eq!(Span::parse("2027-01-01", "", today).unwrap().days(), 1);
    }

    #[test]
    fn months_go_by_their_first_day() {
        assert_eq!(month_start(date(2026, 1, 31), 1), date(2026, 2, 1));
        assert_eq!(month_start(date(2026, 1, 31), -1), date(2025, 12, 1));
        assert_eq!(month_of(date(2026, 1, 31)), "2026-01");
        assert_eq!(month_named("2026-02"), Some(date(2026, 2, 1)));
        assert_eq!((month_named("2026-13"), month_named("2026")), (None, None));
    }
}
