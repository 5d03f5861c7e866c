//! Days and times as files write them.

use jiff::civil::Date;

/// Seconds of a day.
pub const DAY_S: i64 = 86_400;
/// Rows looked at to tell `3/4/2024` from `4/3/2024`.
pub const LOOKED_AT: usize = 1_000;

/// Which part of `a/b/2024` is the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// `12/31/2024`, and where nothing speaks against it.
    #[default]
    MonthFirst,
    /// `31/12/2024`.
    DayFirst,
}

/// An instant on the clock of the file: seconds since 1970-01-01 00:00 as its own zone counts, or
/// of UTC where it names an offset.
pub type Seconds = i64;

/// Reads a cell: ISO 8601, `20240131`, `31.12.2024`, `12/31/2024 8:26`, `Dec 31, 2024`,
/// `31 Dec 2024`, or Unix seconds or milliseconds. `None` where it is none of these.
pub fn parse(text: &str, order: Order) -> Option<Seconds> {
    let text = text.trim();
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return of_digits(text);
    }
    let (day, rest) = day(text, order)?;
    let rest = rest.trim_start_matches([' ', 'T', 't', ',']);
    Some(day * DAY_S + if rest.is_empty() { 0 } else { time(rest)? })
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

/// Which part is the month, by the first rows: one day beyond the twelfth decides.
pub fn order_of<'a>(cells: impl Iterator<Item = &'a str>) -> Order {
    for cell in cells {
        let mut parts = cell.split(['/', '-']).map(str::trim);
        let first = parts.next().and_then(|part| part.parse::<i64>().ok());
        let second = parts.next().and_then(|part| part.parse::<i64>().ok());
        match (first, second) {
            (Some(13..=31), Some(1..=12)) => return Order::DayFirst,
            (Some(1..=12), Some(13..=31)) => return Order::MonthFirst,
            _ => {}
        }
    }
    Order::MonthFirst
}

fn of_digits(text: &str) -> Option<Seconds> {
    let number: i64 = text.parse().ok()?;
    match text.len() {
        8 => of_parts(number / 10_000, number / 100 % 100, number % 100).map(|day| day * DAY_S),
        9 | 10 => Some(number),
        12 | 13 => Some(number / 1_000),
        _ => None,
    }
}

/// The day at the start, and what comes behind it.
fn day(text: &str, order: Order) -> Option<(i64, &str)> {
    // Most cells of most files.
    if let Some(day) = iso_day(text.as_bytes()) {
        return Some((day, text.get(10..)?));
    }
    let (first, rest) = digits(text);
    if first.is_empty() {
        return by_month_name(text);
    }
    let mark = rest.chars().next()?;
    if !matches!(mark, '-' | '/' | '.') {
        return by_month_name(text);
    }
    let (second, rest) = digits(rest.get(1..)?);
    if second.is_empty() {
        // 31-Dec-2024
        return by_month_name(text);
    }
    let (third, rest) = digits(rest.strip_prefix(mark)?);
    let (a, b, c): (i64, i64, i64) =
        (first.parse().ok()?, second.parse().ok()?, third.parse().ok()?);
    let day = match (first.len(), mark, order) {
        (4, _, _) => of_parts(a, b, c),
        (_, '.', _) | (_, _, Order::DayFirst) => of_parts(full_year(c, third), b, a),
        _ => of_parts(full_year(c, third), a, b),
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

fn full_year(year: i64, written: &str) -> i64 {
    match written.len() {
        2 if year < 70 => 2_000 + year,
        2 => 1_900 + year,
        _ => year,
    }
}

/// `Dec 31, 2024 …`, `31 Dec 2024 …`, `31-Dec-2024 …`, with any weekday before it.
fn by_month_name(text: &str) -> Option<(i64, &str)> {
    let mut month = None;
    let mut numbers: Vec<(i64, usize)> = Vec::with_capacity(2);
    let mut rest = text;
    while numbers.len() < 2 || month.is_none() {
        rest = rest.trim_start_matches([' ', ',', '-', '.', '/']);
        let (number, after) = digits(rest);
        if number.is_empty() {
            let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
            let (word, after) = rest.split_at_checked(end).filter(|(word, _)| !word.is_empty())?;
            month = month.or_else(|| month_named(word));
            rest = after;
        } else {
            numbers.push((number.parse().ok()?, number.len()));
            rest = ["st", "nd", "rd", "th"]
                .iter()
                .find_map(|end| after.strip_prefix(end))
                .unwrap_or(after);
        }
        if numbers.len() > 2 {
            return None;
        }
    }
    let [(a, a_len), (b, _)] = numbers.as_slice() else { return None };
    let (year, day) = if *a_len == 4 { (*a, *b) } else { (*b, *a) };
    Some((of_parts(year, month?, day)?, rest))
}

fn month_named(word: &str) -> Option<i64> {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let word = word.to_lowercase();
    let at = NAMES.iter().position(|name| word.starts_with(name))?;
    i64::try_from(at + 1).ok()
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

/// `8:26`, `08:26:00.123`, `8:26 PM`, with `Z`, an offset or `UTC` behind it.
fn time(text: &str) -> Option<i64> {
    let (hours, rest) = digits(text);
    let (minutes, mut rest) = digits(rest.strip_prefix(':')?);
    let mut seconds = "0";
    if let Some(more) = rest.strip_prefix(':') {
        (seconds, rest) = digits(more);
        if let Some(fraction) = rest.strip_prefix(['.', ',']) {
            rest = digits(fraction).1;
        }
    }
    let (mut hours, minutes, seconds): (i64, i64, i64) =
        (hours.parse().ok()?, minutes.parse().ok()?, seconds.parse().ok()?);
    let mut rest = rest.trim();
    for (word, later) in [("am", 0), ("pm", 12)] {
        if rest.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(word)) {
            hours = hours % 12 + later;
            rest = rest.get(2..).unwrap_or_default().trim();
        }
    }
    if hours > 24 || minutes > 59 || seconds > 60 {
        return None;
    }
    Some(hours * 3_600 + minutes * 60 + seconds - offset(rest)?)
}

/// Seconds east of UTC that a time ends with; nothing said is nought.
fn offset(text: &str) -> Option<i64> {
    let sign = match text.chars().next() {
        None => return Some(0),
        Some('+') => 1,
        Some('-') => -1,
        Some('Z' | 'z') if text.len() == 1 => return Some(0),
        Some(_) if text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("gmt") => {
            return Some(0);
        }
        Some(_) => return None,
    };
    let (hours, rest) = digits(text.get(1..)?);
    let (hours, minutes) = match (hours.len(), rest.strip_prefix(':')) {
        (1 | 2, Some(minutes)) => (hours, minutes),
        (4, None) => hours.split_at_checked(2)?,
        (1 | 2, None) => (hours, "0"),
        _ => return None,
    };
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    Some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_way_to_write_a_day_is_read() {
        let day = parse("2024-12-31", Order::MonthFirst).unwrap();
        for text in [
            "20241231",
            "12/31/2024",
            "31.12.2024",
            "12/31/24",
            "Dec 31, 2024",
            "31 December 2024",
            "31-Dec-2024",
            "Tue, 31 Dec 2024",
            "2024/12/31",
        ] {
            assert_eq!(parse(text, Order::MonthFirst), Some(day), "{text}");
        }
        assert_eq!(parse("31/12/2024", Order::DayFirst), Some(day));
        let noon = day + 12 * 3_600 + 1_560;
        for text in [
            "2024-12-31 12:26",
            "2024-12-31T12:26:00Z",
            "2024-12-31T12:26:00.250+00:00",
            "2024-12-31 14:26:00 +0200",
            "12/31/2024 12:26 PM",
            "31 Dec 2024 12:26 UTC",
            "1735647960",
            "1735647960000",
        ] {
            assert_eq!(parse(text, Order::MonthFirst), Some(noon), "{text}");
        }
        for text in [
            "",
            "0001-01-01",
            "9999-12-31",
            "yesterday",
            "2024-13-01",
            "2024-02-30",
            "12",
            "2024-12-31 25:00",
            "n/a",
        ] {
            assert_eq!(parse(text, Order::MonthFirst), None, "{text}");
        }
        assert_eq!(iso(day_of(day)), "2024-12-31");
    }

    #[test]
    fn one_day_beyond_the_twelfth_tells_which_part_is_the_month() {
        assert_eq!(order_of(["1/2/2024", "3/25/2024"].into_iter()), Order::MonthFirst);
        assert_eq!(order_of(["1/2/2024", "25/3/2024"].into_iter()), Order::DayFirst);
    }
}
