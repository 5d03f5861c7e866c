//! Cells as programs write them.

use super::*;

#[test]
fn every_usual_way_to_write_a_day_is_read() {
    let day = parse("2024-12-31", Order::Usual).unwrap();
    for text in [
        "20241231",
        "12/31/2024",
        "31.12.2024",
        "12/31/24",
        "Dec 31, 2024",
        "31 December 2024",
        "31-Dec-2024",
        "31-Dec-24",
        "Tue, 31 Dec 2024",
        "31. Dezember 2024",
        "mar. 31 déc. 2024",
        "31 de diciembre de 2024",
        "2024/12/31",
    ] {
        assert_eq!(parse(text, Order::Usual), Some(day), "{text}");
    }
    assert_eq!(parse("31/12/2024", Order::DayFirst), Some(day));
    assert_eq!(parse("12.31.2024", Order::MonthFirst), Some(day));
    assert_eq!(parse("1er août 2024", Order::Usual), parse("2024-08-01", Order::Usual));
    assert_eq!(parse("5. März 24", Order::Usual), parse("2024-03-05", Order::Usual));
    let noon = day + 12 * 3_600 + 1_560;
    for text in [
        "2024-12-31 12:26",
        "2024-12-31T12:26:00Z",
        "2024-12-31T12:26:00.250+00:00",
        "2024-12-31 14:26:00 +0200",
        "2024-12-31T13:26:00+01:00[Europe/Berlin]",
        "12/31/2024 12:26 PM",
        "Dec 31, 2024 at 12:26 PM",
        "Dec 31, 2024 4:26:00 a.m. PST",
        "31 Dec 2024 12:26 UTC",
        "Tue Dec 31 2024 14:26:00 GMT+0200 (Eastern European Time)",
        "202412311226",
        "20241231122600",
        "1735647960",
        "1735647960.25",
        "1735647960000",
    ] {
        assert_eq!(parse(text, Order::Usual), Some(noon), "{text}");
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
        "2024-12-31 12:26 5",
        "20241301",
        "n/a",
    ] {
        assert_eq!(parse(text, Order::Usual), None, "{text}");
        assert_eq!(civil_day(text, Order::Usual), None, "{text}");
    }
    assert_eq!(iso(day_of(day)), "2024-12-31");
}

#[test]
fn an_hour_of_an_analytics_export_is_no_count_of_seconds() {
    let noon = parse("2024-01-31 12:00", Order::Usual);
    assert_eq!(parse("2024013112", Order::Usual), noon);
    assert_eq!(parse("202401311226", Order::Usual), noon.map(|at| at + 1_560));
    // No such hour, and no such year.
    assert_eq!(parse("1700000099", Order::Usual), Some(1_700_000_099));
    assert_eq!(parse("2024013199", Order::Usual), Some(2_024_013_199));
}

#[test]
fn a_sale_is_of_the_day_that_is_written_and_a_touch_of_its_instant() {
    let day = parse("2024-12-31", Order::Usual).map(day_of).unwrap();
    for text in ["2024-12-31T23:30:00-08:00", "2024-12-31 00:30 +0200", "2024-12-31 23:30 NZDT"] {
        assert_eq!(civil_day(text, Order::Usual), Some(day), "{text}");
    }
    let after = parse("2024-12-31T23:30:00-08:00", Order::Usual).unwrap();
    assert_eq!(iso(day_of(after)), "2025-01-01");
    assert_eq!(parse("2024-12-31 23:30 NZDT", Order::Usual), None);
}
