//! The folder of real data and reference answers that tests read, where it is there; and the one
//! way for a test to say that it was skipped.

use std::io::Write;
use std::path::PathBuf;

/// Set by `.ci/run`: what a test may skip elsewhere must be there.
pub const DEMAND: &str = "TUNDISH_TEST_DEMAND";

/// `TUNDISH_TEST_DATA`, or `../shared/data` seen from the workspace.
pub fn dir() -> PathBuf {
    std::env::var_os("TUNDISH_TEST_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    )
}

/// The file at `path` within the folder; where the folder is absent, a line says that `test` was
/// skipped. A file that is missing from a folder that is there is a mistake.
pub fn file(test: &str, path: &str) -> Option<PathBuf> {
    if !dir().exists() {
        print_skipped(test, "the test data folder is absent (TUNDISH_TEST_DATA)");
        return None;
    }
    let file = dir().join(path);
    assert!(file.exists(), "{path} is missing from the test data");
    Some(file)
}

/// Says that a test was skipped for want of a program or a server; where those are demanded, the
/// test fails instead.
pub fn skipped(test: &str, why: &str) {
    assert!(std::env::var_os(DEMAND).is_none(), "{test} may not be skipped here: {why}");
    print_skipped(test, why);
}

/// Says that a test was skipped for want of what no one demands. Straight to the terminal, past the
/// harness that would swallow it.
pub fn print_skipped(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped {test}: {why}");
}
