//! Where the reference data for tests lies. Tests that find it absent say so and pass.

use std::io::Write;
use std::path::PathBuf;

/// The text of a file of the reference data, or nothing, with a line on stderr, where it is absent.
pub(crate) fn text(path: &str) -> Option<String> {
    let root = std::env::var_os("TUNDISH_TEST_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let found = std::fs::read_to_string(root.join(path)).ok();
    if found.is_none() {
        // Straight to stderr: the harness swallows `println!`.
        let _ = writeln!(std::io::stderr(), "skipped: no test data at {path}");
    }
    found
}
