//! The folder of real data and reference answers that tests read, where it is there.

use std::io::Write;
use std::path::PathBuf;

/// `TUNDISH_TEST_DATA`, or `../shared/data` seen from the workspace.
pub fn dir() -> PathBuf {
    std::env::var_os("TUNDISH_TEST_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    )
}

/// The file at `path` within the folder; where the folder is absent, a line says that `test` was
/// skipped.
pub fn file(test: &str, path: &str) -> Option<PathBuf> {
    let file = dir().join(path);
    if file.exists() {
        return Some(file);
    }
    skipped(test, &format!("{path} of the test data is absent (TUNDISH_TEST_DATA)"));
    None
}

/// Says on the terminal that a test was skipped, past the harness that would swallow it.
pub fn skipped(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped {test}: {why}");
}
