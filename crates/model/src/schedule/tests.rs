//! What schedules must do.

use jiff::civil::{DateTime, date};

use super::*;

fn utc(text: &str) -> UtcMs {
    UtcMs::from(text.parse::<jiff::Timestamp>().unwrap())
}

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

#[test]
fn local_times_keep_to_rfc_5545_where_clocks_change() {
    for (name, local, instant, shown) in [
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30Z", "2026-03-08T03:30:00"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30Z", "2026-11-01T01:30:00"),
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30Z", "2026-03-29T03:30:00"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30Z", "2026-10-25T02:30:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45Z", "2026-10-04T02:45:00"),
        ("Africa/Cairo", "2026-04-24T00:00", "2026-04-23T22:00Z", "2026-04-24T01:00:00"),
        ("America/Santiago", "2026-09-06T00:00", "2026-09-06T04:00Z", "2026-09-06T01:00:00"),
        ("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T19:00Z", "2011-12-31T09:00:00"),
    ] {
        let at = zone(name).instant(local.parse::<DateTime>().unwrap());
        assert_eq!(at, utc(instant), "{name} {local}");
        assert_eq!(zone(name).local(at).to_string(), shown);
    }
}

#[test]
fn waits_read_and_print() {
    for (text, wait, shown) in [
        ("2 days", Wait::Days(2), "2 days"),
        ("1 day", Wait::Days(1), "1 day"),
        ("3 hours", Wait::Hours(3), "3 hours"),
        ("1 week", Wait::Days(7), "7 days"),
        ("0 minutes", Wait::NONE, "0 minutes"),
    ] {
        assert_eq!(Wait::parse(text).unwrap(), wait);
        assert_eq!(wait.to_string(), shown);
        assert_eq!(Wait::parse(shown).unwrap(), wait);
    }
    for text in ["", "2", "days", "-2 days", "2days", "1.5 days", "2 months", "２ days"] {
        assert_eq!(Wait::parse(text).unwrap_err().code, "wait_invalid", "{text}");
    }
    assert_eq!(Wait::parse("99999999999 days").unwrap_err().code, "wait_too_long");
}

#[test]
fn a_calendar_day_keeps_its_hour_and_a_day_of_24_hours_does_not() {
    let berlin = zone("Europe/Berlin");
    let saturday = utc("2026-03-28T08:00Z");
    let days = Wait::Days(2);
    assert_eq!(days.after(saturday, &berlin, DayMeans::Calendar), utc("2026-03-30T07:00Z"));
    assert_eq!(days.after(saturday, &berlin, DayMeans::Hours24), utc("2026-03-30T08:00Z"));
}

#[test]
fn weekdays_and_windows_read_and_print() {
    for text in ["mon-fri", "tue,thu", "mon-wed,sat", "sun", "all"] {
        assert_eq!(Weekdays::parse(text).unwrap().to_string(), text);
    }
    for text in ["", "fri-mon", "monday", "mon,,tue"] {
        assert_eq!(Weekdays::parse(text).unwrap_err().code, "weekdays_invalid", "{text}");
    }
    for text in ["mon-fri 09:00-17:00", "09:00-17:00", "tue,thu 00:00-24:00"] {
        assert_eq!(Window::parse(text).unwrap().to_string(), text);
    }
    for (text, code) in [
        ("17:00-09:00", "window_empty"),
        ("9-17", "weekdays_invalid"),
        ("mon 9:00-17:00", "time_invalid"),
        ("09:00", "time_invalid"),
    ] {
        assert_eq!(Window::parse(text).unwrap_err().code, code, "{text}");
    }
    assert_eq!(Weekly::parse("tue 09:00").unwrap().to_string(), "tue 09:00");
    assert!(Weekly::parse("tue 25:00").is_err());
}

#[test]
fn a_window_lets_through_what_is_inside_and_moves_the_rest_to_its_opening() {
    let berlin = zone("Europe/Berlin");
    let office = Window::parse("mon-fri 09:00-17:00").unwrap();
    for (at, goes) in [
        ("2026-06-05T07:00Z", "2026-06-05T07:00Z"), // Friday 09:00
        ("2026-06-05T14:59Z", "2026-06-05T14:59Z"),
        ("2026-06-05T15:00Z", "2026-06-08T07:00Z"), // Friday 17:00 is over
        ("2026-06-06T10:00Z", "2026-06-08T07:00Z"),
        ("2026-06-08T06:00Z", "2026-06-08T07:00Z"),
        ("2026-10-24T10:00Z", "2026-10-26T08:00Z"), // summer time ends
    ] {
        assert_eq!(office.next(utc(at), &berlin), utc(goes), "{at}");
        assert_eq!(office.next(utc(goes), &berlin), utc(goes));
    }
    let leapt = Window::parse("02:00-03:00").unwrap();
    assert_eq!(leapt.next(utc("2026-03-29T00:00Z"), &berlin), utc("2026-03-29T01:00Z"));
    let one_day = Window::parse("wed 09:00-10:00").unwrap();
    assert_eq!(one_day.next(utc("2026-06-10T08:00Z"), &berlin), utc("2026-06-17T07:00Z"));
}

#[test]
fn a_weekly_hour_keeps_its_hour_all_year_and_comes_once() {
    let new_york = zone("America/New_York");
    let slot = Weekly::parse("sun 01:30").unwrap();
    let first = slot.next(utc("2026-01-01T00:00Z"), &new_york);
    let next = |one: &Occurrence| Some(slot.next(one.at.plus_ms(1), &new_york));
    let year: Vec<Occurrence> = std::iter::successors(Some(first), next).take(52).collect();
    for pair in year.windows(2) {
        assert_eq!(pair[0].date.saturating_add(7.days()), pair[1].date);
        assert_eq!(new_york.local(pair[1].at).hour(), 1);
    }
    assert!(year.iter().any(|one| one.date == date(2026, 11, 1)));
    let tuesday = Weekly::parse("tue 09:00").unwrap();
    let at = utc("2026-06-09T13:00Z");
    assert_eq!(tuesday.next(at, &new_york).at, at, "the hour itself counts");
    let apia = zone("Pacific/Apia");
    let missing = Weekly::parse("fri 09:00").unwrap().next(utc("2011-12-30T10:00Z"), &apia);
    assert_eq!((missing.at, missing.date), (utc("2011-12-30T19:00Z"), date(2011, 12, 30)));
}

#[test]
fn one_sales_mail_in_seven_days_and_less_often_means_fourteen() {
    let berlin = zone("Europe/Berlin");
    let sent = utc("2026-03-24T08:00Z");
    let now = utc("2026-03-25T08:00Z");
    let last = LastSent { sales: Some(sent), ..LastSent::default() };
    let week = utc("2026-03-31T07:00Z"); // the same hour there, an hour earlier here
    assert_eq!(allowed_at(Class::Sales, last, now, &berlin), week);
    assert_eq!(allowed_at(Class::BackEnd, last, now, &berlin), week);
    for class in [Class::Value, Class::Promised, Class::Transactional] {
        assert_eq!(allowed_at(class, last, now, &berlin), now, "{class}");
    }
    let later = utc("2026-05-01T08:00Z");
    assert_eq!(allowed_at(Class::Sales, last, later, &berlin), later);
    let seldom = LastSent { less_often: true, ..last };
    let fortnight = utc("2026-04-07T07:00Z");
    assert_eq!(allowed_at(Class::Sales, seldom, now, &berlin), fortnight);
    assert_eq!(allowed_at(Class::Value, seldom, now, &berlin), fortnight);
    assert_eq!(allowed_at(Class::Promised, seldom, now, &berlin), now);
    let news = LastSent { value: Some(sent), less_often: true, sales: None };
    assert_eq!(allowed_at(Class::Sales, news, now, &berlin), fortnight);
}
