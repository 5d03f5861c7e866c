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
/// No shop of ours has earlier days.
const FIRST: Date = Date::constant(1970, 1, 1);
/// Days ahead of today that may be asked for: what is spent on a month or a year still to come. No
/// figure lies further on, and the end of the calendar is not gone to day by day.
const AHEAD_DAYS: i64 = 366;
/// More than lie between any two days; the calendar is twenty thousand years long.
const DAYS_OF_CALENDAR: i64 = 7_304_483;

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
    /// the other, and at last up to today. Days before 1970 and more than a year ahead have no
    /// figures: the span is held between them.
    ///
    /// # Errors
    /// A day is no date, the last comes before the first, or ten years lie between them.
    pub fn parse(from: &str, to: &str, today: Date) -> Result<Self, Refused> {
        let asked = match (day(from, "from")?, day(to, "to")?) {
            (None, None) => Self::ending(today, DEFAULT_DAYS),
            (None, Some(to)) => Self::ending(to, DEFAULT_DAYS),
            (Some(from), None) => Self { from, to: today.max(from) },
            (Some(from), Some(to)) => Self { from, to },
        };
        let last = moved(today, AHEAD_DAYS);
        let span = Self { from: asked.from.max(FIRST), to: asked.to.min(last) };
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

    /// Parted, first to last, into spans of `days`; the last may be shorter.
    pub fn parts(self, days: i64) -> impl Iterator<Item = Self> {
        let step = days.max(1);
        let firsts = (0..self.days()).step_by(usize::try_from(step).unwrap_or(usize::MAX));
        firsts.map(move |n| Self {
            from: moved(self.from, n),
            to: moved(self.from, n.saturating_add(step - 1)).min(self.to),
        })
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
    let days = day.since(FIRST).map_or(0, |span| span.get_days());
    i64::from(days)
}

/// The day of a number counted from 1970-01-01.
pub fn day_numbered(number: i64) -> Date {
    moved(FIRST, number)
}

/// A day moved by days, held at the ends of the calendar.
pub fn moved(day: Date, days: i64) -> Date {
    day.saturating_add(days.clamp(-DAYS_OF_CALENDAR, DAYS_OF_CALENDAR).days())
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
    fn a_span_is_held_to_days_that_can_have_figures() {
        let today = date(2026, 11, 21);
        let far = Span::parse("2026-11-01", "9999-12-31", today).unwrap();
        assert_eq!(far, Span { from: date(2026, 11, 1), to: date(2027, 11, 22) });
        for (from, to, code) in [
            ("0001-01-01", "9999-12-31", "span_too_long"),
            ("9999-12-31", "9999-12-31", "days_reversed"),
            ("9999-12-31", "", "days_reversed"),
            ("0001-01-01", "0001-01-31", "days_reversed"),
            ("", "0001-01-31", "days_reversed"),
        ] {
            assert_eq!(Span::parse(from, to, today).unwrap_err().code, code, "{from} {to}");
        }
        assert_eq!(moved(Date::MAX, 1), Date::MAX);
        assert_eq!(moved(today, i64::MIN), Date::MIN);
        assert_eq!(moved(today, i64::MAX), Date::MAX);
    }

    #[test]
    fn a_span_comes_in_parts_that_end_at_the_end_of_the_calendar_too() {
        let span = Span { from: date(2026, 1, 1), to: date(2026, 3, 5) };
        let parts: Vec<Span> = span.parts(31).collect();
        assert_eq!(parts.iter().map(|part| part.days()).collect::<Vec<_>>(), [31, 31, 2]);
        assert_eq!((parts[0].from, parts[2].to), (span.from, span.to));
        assert_eq!(parts[1].from, date(2026, 2, 1));
        let last = Span { from: date(9999, 12, 30), to: Date::MAX };
        assert_eq!(last.parts(31).collect::<Vec<_>>(), [last]);
        assert_eq!(Span { from: span.to, to: span.from }.parts(31).count(), 0);
    }

    #[test]
    fn days_are_numbered_from_1970() {
        assert_eq!(day_number(date(1970, 1, 2)), 1);
        assert_eq!(day_number(date(2026, 11, 22)), 20_779);
        assert_eq!(day_number(date(1969, 12, 31)), -1);
        assert_eq!(day_numbered(20_779), date(2026, 11, 22));
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
