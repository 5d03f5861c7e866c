//! Days and times as files write them.

mod clock;
mod names;
mod parts;
mod ways;

use jiff::civil::Date;

pub use parts::Parts;
pub use ways::Ways;

/// Seconds of a day.
pub const DAY_S: i64 = 86_400;

/// Which part of `a/b/2024` is the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// `12/31/2024`, but `31.12.2024`, as most who write dots mean it.
    #[default]
    Usual,
    /// `12/31/2024` and `12.31.2024`.
    MonthFirst,
    /// `31/12/2024`.
    DayFirst,
}

impl Order {
    /// By its word, `dmy` or `mdy`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "dmy" => Some(Self::DayFirst),
            "mdy" => Some(Self::MonthFirst),
            _ => None,
        }
    }

    /// In words.
    pub fn told(self) -> &'static str {
        match self {
            Self::Usual | Self::MonthFirst => "month/day/year",
            Self::DayFirst => "day/month/year",
        }
    }
}

/// An instant on the clock of the file: seconds since 1970-01-01 00:00 as its own zone counts, or
/// of UTC where it names an offset.
pub type Seconds = i64;

/// Reads a cell: ISO 8601, `20240131`, `2024013112`, `31.12.2024`, `12/31/2024 8:26`,
/// `Dec 31, 2024`, `31 Dec 24`, or Unix seconds or milliseconds. `None` where it is none of these.
pub fn parse(text: &str, order: Order) -> Option<Seconds> {
    let (at, offset) = written(text.trim(), order)?;
    Some(at - offset?)
}

/// The day a cell names, in days since 1970-01-01, as it stands there: half past eleven at night is
/// of that day wherever the shop is.
pub fn civil_day(text: &str, order: Order) -> Option<i64> {
    written(text.trim(), order).map(|(at, _)| day_of(at))
}

/// What is written, and how many seconds east of UTC; no answer to that where a zone is named that
/// nobody knows.
fn written(text: &str, order: Order) -> Option<(Seconds, Option<i64>)> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return of_digits(text).map(|at| (at, Some(0)));
    }
    let Some((day, rest)) = day(text, order) else { return of_fraction(text) };
    let rest = rest.trim_start_matches([' ', 'T', 't', ',']);
    let rest = ["at ", "um ", "à "].iter().find_map(|word| rest.strip_prefix(word)).unwrap_or(rest);
    if rest.is_empty() {
        return Some((day * DAY_S, Some(0)));
    }
    let (time, offset) = clock::time(rest)?;
    Some((day * DAY_S + time, offset))
}

/// The day an instant lies on, in days since 1970-01-01.
pub fn day_of(at: Seconds) -> i64 {
    at.div_euclid(DAY_S)
}

/// The date of a day, as `2024-12-31`.
pub fn iso(day: i64) -> String {
    date(day).map_or_else(|| "?".to_owned(), |date| date.to_string())
}

/// The calendar date of a day since 1970-01-01.
pub fn date(day: i64) -> Option<Date> {
    let days = i32::try_from(day).ok()?;
    Date::constant(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}

/// Digits alone: a date, with an hour and minutes or without, or seconds or milliseconds since 1970.
fn of_digits(text: &str) -> Option<Seconds> {
    let number: i64 = text.parse().ok()?;
    let unix = match text.len() {
        8 | 14 => None,
        9 | 10 => Some(number),
        12 | 13 => Some(number / 1_000),
        _ => return None,
    };
    let dated = match text.len() {
        8 => compact(number * 1_000_000, 1_900..=2_200),
        10 => compact(number * 10_000, LIKELY),
        12 => compact(number * 100, LIKELY),
        14 => compact(number, LIKELY),
        _ => None,
    };
    dated.or(unix)
}

/// Years in which `2024013112` is a date: as seconds since 1970 these are far ahead.
const LIKELY: std::ops::RangeInclusive<i64> = 1_990..=2_100;

/// `20240131122600`.
fn compact(number: i64, years: std::ops::RangeInclusive<i64>) -> Option<Seconds> {
    let (day, time) = (number / 1_000_000, number % 1_000_000);
    let (hours, minutes, seconds) = (time / 10_000, time / 100 % 100, time % 100);
    let year = day / 10_000;
    if !years.contains(&year) || hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let day = of_parts(year, day / 100 % 100, day % 100)?;
    Some(day * DAY_S + hours * 3_600 + minutes * 60 + seconds)
}

/// `1735647960.25`: seconds since 1970 with parts of one.
fn of_fraction(text: &str) -> Option<(Seconds, Option<i64>)> {
    let (whole, parts) = text.split_once('.')?;
    let are_digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    let is_unix = matches!(whole.len(), 9 | 10) && are_digits(whole) && are_digits(parts);
    is_unix.then(|| whole.parse().ok()).flatten().map(|at| (at, Some(0)))
}

/// The day at the start, and what comes behind it.
fn day(text: &str, order: Order) -> Option<(i64, &str)> {
    // Most cells of most files.
    if let Some(day) = iso_day(text.as_bytes()) {
        return Some((day, text.get(10..)?));
    }
    let (first, rest) = digits(text);
    if first.is_empty() {
        return names::day(text);
    }
    let mark = rest.chars().next()?;
    if !matches!(mark, '-' | '/' | '.') {
        return names::day(text);
    }
    let (second, rest) = digits(rest.get(1..)?);
    if second.is_empty() {
        // 31-Dec-2024
        return names::day(text);
    }
    let (third, rest) = digits(rest.strip_prefix(mark)?);
    let (a, b, c): (i64, i64, i64) =
        (first.parse().ok()?, second.parse().ok()?, third.parse().ok()?);
    let day = match (first.len(), mark, order) {
        (4, _, _) => of_parts(a, b, c),
        (_, _, Order::DayFirst) | (_, '.', Order::Usual) => {
            of_parts(full_year(c, third.len()), b, a)
        }
        _ => of_parts(full_year(c, third.len()), a, b),
    };
    Some((day?, rest))
}

/// `2024-12-31` at the start.
fn iso_day(text: &[u8]) -> Option<i64> {
    let [a, b, c, d, b'-', e, f, b'-', g, h, rest @ ..] = text else { return None };
    if rest.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i64, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    of_parts(number(&[*a, *b, *c, *d])?, number(&[*e, *f])?, number(&[*g, *h])?)
}

fn full_year(year: i64, digits: usize) -> i64 {
    match digits {
        2 if year < 70 => 2_000 + year,
        2 => 1_900 + year,
        _ => year,
    }
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn of_parts(year: i64, month: i64, day: i64) -> Option<i64> {
    // Year 1 and year 9999 stand in exports for what is not known.
    if !(1_900..=2_200).contains(&year) {
        return None;
    }
    let date =
        Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    let date = date.ok()?;
    // Howard Hinnant's days_from_civil: a span for each of ten million rows would be slow.
    let (year, month, day) =
        (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests;
