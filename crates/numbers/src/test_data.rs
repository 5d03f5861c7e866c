//! Where the reference data for tests lies. Tests that find it absent say so and pass.

use std::io::{Read, Write};
use std::path::PathBuf;

use crate::cohorts::Month;

/// The text of a file of the reference data, unpacked where its name ends in `.gz`; nothing, with a
/// line on stderr, where it is absent.
pub(crate) fn text(path: &str) -> Option<String> {
    let root = std::env::var_os("TUNDISH_TEST_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let Ok(bytes) = std::fs::read(root.join(path)) else {
        // Straight to stderr: the harness swallows `println!`.
        let _ = writeln!(std::io::stderr(), "skipped: no test data at {path}");
        return None;
    };
    let mut text = String::new();
    if path.ends_with(".gz") {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    } else {
        text.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    Some(text)
}

/// The cells of one CSV line; quotes may hold commas.
pub(crate) fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cells.last_mut().unwrap().push(c),
        }
    }
    cells
}

/// Days of a date as `2011-03-31` since some day.
pub(crate) fn day(date: &str) -> i64 {
    let part = |at: usize| date.split('-').nth(at).unwrap().parse::<i64>().unwrap();
    let month = Month::new(i32::try_from(part(0)).unwrap(), u8::try_from(part(1)).unwrap());
    // Years begin in March, so that the leap day is the last.
    let (year, of_year) = ((month.0 - 2).div_euclid(12), (month.0 - 2).rem_euclid(12));
    let (year, of_year) = (i64::from(year), i64::from(of_year));
    year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (of_year * 153 + 2) / 5
        + part(2)
}

#[test]
fn days_are_counted() {
    for (from, to, days) in [
        ("1997-01-01", "1997-09-30", 272),
        ("2004-02-28", "2004-03-01", 2),
        ("1999-12-31", "2000-03-01", 61),
        ("1900-02-28", "1900-03-01", 1),
    ] {
        assert_eq!(day(to) - day(from), days, "{from}");
    }
}

/// Minor units of an amount as `12.3`.
pub(crate) fn minor(amount: &str) -> i64 {
    let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
    let whole: i64 = whole.parse().unwrap();
    whole * 100 + format!("{part:0<2}").parse::<i64>().unwrap()
}

/// The journeys of a table of paths with conversions, value and nulls.
pub(crate) fn paths(table: &str) -> crate::journeys::Journeys {
    let mut journeys = crate::journeys::Journeys::default();
    for line in table.lines().skip(1) {
        let row = cells(line);
        let number = |at: usize| row[at].parse::<f64>().unwrap();
        let (conversions, value, nulls) = (number(1), number(2), number(3));
        let outcomes = crate::journeys::Outcomes { conversions, value, nulls };
        journeys.add_written(&row[0], ">", outcomes).unwrap();
    }
    journeys
}

/// Journeys by path, conversions, value and nulls.
pub(crate) fn journeys(rows: &[(&str, f64, f64, f64)]) -> crate::journeys::Journeys {
    let mut journeys = crate::journeys::Journeys::default();
    for (path, conversions, value, nulls) in rows {
        let outcomes =
            crate::journeys::Outcomes { conversions: *conversions, value: *value, nulls: *nulls };
        journeys.add_written(path, ">", outcomes).unwrap();
    }
    journeys
}
