//! When things are due: waits, windows for sending, weekly slots, and caps, in a time zone.
//!
//! Local times follow RFC 5545 across changes of the clock (see [`Zone::instant`]): nine o'clock
//! stays nine o'clock.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::{Span, ToSpan};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::messages::{Class, LESS_OFTEN_DAYS, SALES_EVERY_DAYS};
use crate::refused::Refused;
use crate::times::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};
use crate::zones::Zone;

/// Ten years: longer waits are mistakes.
pub const WAIT_MAX_DAYS: i64 = 3_650;

/// How long to wait: whole minutes, hours or days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wait {
    /// Minutes by the clock.
    Minutes(i64),
    /// Hours by the clock.
    Hours(i64),
    /// Days: of the calendar, or of 24 hours, as [`Wait::after`] is told.
    Days(i64),
}

/// What a day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayMeans {
    /// The same time of day on a later date, in the zone.
    Calendar,
    /// 24 hours.
    Hours24,
}

impl Wait {
    /// No wait at all.
    pub const NONE: Self = Self::Minutes(0);

    /// Reads `"2 days"`, `"3 hours"`, `"30 minutes"`, `"1 week"`.
    ///
    /// # Errors
    /// `wait_invalid`, `wait_too_long`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let refuse = || Refused::new("wait_invalid", "write a wait as in 2 days or 3 hours");
        let (number, unit) = text.trim().split_once(' ').ok_or_else(refuse)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refuse());
        }
        let number: i64 = number.parse().map_err(|_| refuse())?;
        let wait = match unit.trim_start() {
            "minute" | "minutes" => Self::Minutes(number),
            "hour" | "hours" => Self::Hours(number),
            "day" | "days" => Self::Days(number),
            "week" | "weeks" => Self::Days(number.saturating_mul(7)),
            _ => return Err(refuse()),
        };
        if wait.about_ms() > WAIT_MAX_DAYS * DAY_MS {
            return Err(Refused::new("wait_too_long", "wait no longer than ten years"));
        }
        Ok(wait)
    }

    /// Its length, a day taken as 24 hours.
    pub fn about_ms(self) -> i64 {
        match self {
            Self::Minutes(n) => n.saturating_mul(MINUTE_MS),
            Self::Hours(n) => n.saturating_mul(HOUR_MS),
            Self::Days(n) => n.saturating_mul(DAY_MS),
        }
    }

    /// The instant this long after `from`.
    pub fn after(self, from: UtcMs, zone: &Zone, day: DayMeans) -> UtcMs {
        match (self, day) {
            (Self::Days(days), DayMeans::Calendar) => {
                let local = zone.local(from);
                let date = later(local.date(), days);
                zone.instant(date.to_datetime(local.time()))
            }
            _ => from.plus_ms(self.about_ms()),
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = match *self {
            Self::Minutes(n) => (n, "minute"),
            Self::Hours(n) => (n, "hour"),
            Self::Days(n) => (n, "day"),
        };
        write!(f, "{number} {unit}{}", if number == 1 { "" } else { "s" })
    }
}

/// Days of the week, Monday first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Weekdays(u8);

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl Weekdays {
    /// All seven.
    pub const ALL: Self = Self(0b111_1111);

    /// Reads `"mon-fri"`, `"tue,thu"`, `"mon-wed,sat"`, `"all"`.
    ///
    /// # Errors
    /// `weekdays_invalid`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let refuse = || Refused::new("weekdays_invalid", "write weekdays as in mon-fri or tue,thu");
        if text.trim() == "all" {
            return Ok(Self::ALL);
        }
        let place = |name: &str| {
            let name = name.trim().to_ascii_lowercase();
            DAYS.iter().position(|(short, _)| *short == name).ok_or_else(refuse)
        };
        let mut bits = 0_u8;
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (place(first)?, place(last)?);
            if first > last {
                return Err(refuse());
            }
            for day in first..=last {
                bits |= 1 << day;
            }
        }
        Ok(Self(bits))
    }

    /// Whether `day` is one of them.
    pub fn has(self, day: Weekday) -> bool {
        self.0 & (1 << day.to_monday_zero_offset()) != 0
    }
}

impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("all");
        }
        let mut runs: Vec<(&str, &str, usize)> = Vec::new();
        for (at, (name, day)) in DAYS.iter().enumerate().filter(|(_, (_, day))| self.has(*day)) {
            let _ = day;
            match runs.last_mut() {
                Some((_, last, end)) if *end + 1 == at => (*last, *end) = (name, at),
                _ => runs.push((name, name, at)),
            }
        }
        let texts: Vec<String> = runs
            .into_iter()
            .map(
                |(first, last, _)| {
                    if first == last { first.to_owned() } else { format!("{first}-{last}") }
                },
            )
            .collect();
        f.write_str(&texts.join(","))
    }
}

/// Reads `"09:00"`; `"24:00"` is the end of the day.
fn parse_time(text: &str) -> Result<Time, Refused> {
    let refuse = || Refused::new("time_invalid", "write a time of day as in 09:00");
    if text.trim() == "24:00" {
        return Ok(Time::MAX);
    }
    let (hour, minute) = text.trim().split_once(':').ok_or_else(refuse)?;
    if hour.len() != 2 || minute.len() != 2 {
        return Err(refuse());
    }
    let number = |text: &str| text.parse::<i8>().map_err(|_| refuse());
    Time::new(number(hour)?, number(minute)?, 0, 0).map_err(|_| refuse())
}

/// The hours and weekdays in which a mail may go out. As text `"mon-fri 09:00-17:00"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// On these days,
    pub weekdays: Weekdays,
    /// from this time of day,
    pub from: Time,
    /// to before this one.
    pub until: Time,
}

impl Window {
    /// Reads `"mon-fri 09:00-17:00"`, `"09:00-17:00"` (every day), `"tue,thu"` (all day).
    ///
    /// # Errors
    /// `weekdays_invalid`, `time_invalid`, `window_empty`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let text = text.trim();
        let (days, hours) = match text.rsplit_once(' ') {
            Some((days, hours)) => (days, hours),
            None if text.contains(':') => ("all", text),
            None => (text, "00:00-24:00"),
        };
        let (from, until) = hours.split_once('-').unwrap_or((hours, ""));
        let window = Self {
            weekdays: Weekdays::parse(days)?,
            from: parse_time(from)?,
            until: parse_time(until)?,
        };
        if window.from >= window.until {
            return Err(Refused::new("window_empty", "let the window begin before it ends"));
        }
        Ok(window)
    }

    /// `at` itself if it lies in the window, else when the window next opens.
    pub fn next(self, at: UtcMs, zone: &Zone) -> UtcMs {
        let today = zone.local(at).date();
        for days in 0..=7 {
            let date = later(today, days);
            if !self.weekdays.has(date.weekday()) {
                continue;
            }
            let opens = zone.instant(date.to_datetime(self.from));
            // A window inside the hour the clocks leap over still opens, for an instant.
            let closes = zone.instant(date.to_datetime(self.until)).max(opens.plus_ms(1));
            if at < closes {
                return at.max(opens);
            }
        }
        at
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.weekdays != Weekdays::ALL {
            write!(f, "{} ", self.weekdays)?;
        }
        let time = |time: Time| match time {
            Time::MAX => "24:00".to_owned(),
            time => format!("{:02}:{:02}", time.hour(), time.minute()),
        };
        write!(f, "{}-{}", time(self.from), time(self.until))
    }
}

/// A weekly hour: `"tue 09:00"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Weekly {
    /// On this day,
    pub weekday: Weekday,
    /// at this time of day.
    pub time: Time,
}

/// One occurrence of a weekly hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// When.
    pub at: UtcMs,
    /// Its date there: what makes it one occurrence, though the clock may show its hour twice.
    pub date: Date,
}

impl Weekly {
    /// Reads `"tue 09:00"`.
    ///
    /// # Errors
    /// `weekdays_invalid`, `time_invalid`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let refuse = || Refused::new("weekdays_invalid", "write a weekly hour as in tue 09:00");
        let (day, time) = text.trim().split_once(' ').ok_or_else(refuse)?;
        let day = day.to_ascii_lowercase();
        let (_, weekday) = DAYS.iter().find(|(name, _)| *name == day).ok_or_else(refuse)?;
        Ok(Self { weekday: *weekday, time: parse_time(time)? })
    }

    /// The first occurrence at or after `at`.
    pub fn next(self, at: UtcMs, zone: &Zone) -> Occurrence {
        let today = zone.local(at).date();
        // A day early: a missing hour or day may push yesterday's occurrence into today.
        let first = later(today, -1);
        let mut date = first;
        for days in 0..=9 {
            date = later(first, days);
            if date.weekday() == self.weekday {
                let on = zone.instant(date.to_datetime(self.time));
                if on >= at {
                    return Occurrence { at: on, date };
                }
            }
        }
        Occurrence { at, date }
    }
}

impl fmt::Display for Weekly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name =
            DAYS.iter().find(|(_, day)| *day == self.weekday).map_or("mon", |(name, _)| name);
        write!(f, "{name} {:02}:{:02}", self.time.hour(), self.time.minute())
    }
}

/// When a contact was last sent what the caps count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastSent {
    /// The last sales or back-end mail; where a site allows N of them in seven days, the N-th
    /// last, since it must have left the seven days.
    pub sales: Option<UtcMs>,
    /// The last value mail.
    pub value: Option<UtcMs>,
    /// Whether the contact asked for mail less often.
    pub less_often: bool,
}

/// The earliest instant at which a mail of `class` may go to a contact; `now` if at once. Days are
/// those of the calendar in the contact's zone, so that a weekly mail is not put off by an hour
/// when the clocks change.
pub fn allowed_at(class: Class, last: LastSent, now: UtcMs, zone: &Zone) -> UtcMs {
    let after = |sent: Option<UtcMs>, days: i64| {
        sent.map(|at| Wait::Days(days).after(at, zone, DayMeans::Calendar))
    };
    let sales = if class.is_sales() { after(last.sales, SALES_EVERY_DAYS) } else { None };
    let seldom = if last.less_often && class.is_capped() {
        after(last.sales.max(last.value), LESS_OFTEN_DAYS)
    } else {
        None
    };
    [sales, seldom].into_iter().flatten().fold(now, UtcMs::max)
}

fn later(date: Date, days: i64) -> Date {
    let span: Span = days.clamp(-WAIT_MAX_DAYS, WAIT_MAX_DAYS).days();
    date.saturating_add(span)
}

macro_rules! as_text {
    ($($name:ident)+) => {$(
        impl FromStr for $name {
            type Err = Refused;

            fn from_str(text: &str) -> Result<Self, Refused> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
            }
        }
    )+};
}

as_text! { Wait Weekdays Window Weekly }

#[cfg(test)]
mod tests;
