//! Where the reference data for tests lies. Tests that find it absent say so and pass.

use std::io::{Read, Write};
use std::path::PathBuf;

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
