//! `tundish version`.

use model::UtcMs;
use serde::Serialize;

use crate::output::Output;

/// No clock shows less than this: the day this version was made, 2026-11-01T00:00:00Z.
const MADE_AT: UtcMs = UtcMs(1_793_491_200_000);

/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Serialize)]
struct Shown {
    version: &'static str,
    made_at: String,
}

/// Prints the version.
///
/// # Errors
/// Standard output is closed or full.
pub fn run(output: Output) -> anyhow::Result<()> {
    let shown = Shown { version: VERSION, made_at: MADE_AT.rfc3339() };
    output.either(&shown, || vec![format!("tundish {VERSION}")])
}

/// Why this clock cannot be right, if it cannot.
pub fn clock_is_wrong(now: UtcMs) -> Option<String> {
    (now < MADE_AT).then(|| {
        format!(
            "the clock of this machine says {}, before this program was made; pages are served, \
             and nothing is sent until the clock is right",
            now.rfc3339()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x09_a_clock_before_the_program_was_made_is_wrong_and_it_is_said_why() {
        assert_eq!(MADE_AT.rfc3339(), "2026-11-01T00:00:00Z");
        let why = clock_is_wrong(UtcMs(0)).unwrap();
        assert!(why.contains("1970-01-01") && why.contains("nothing is sent"), "{why}");
        assert_eq!(clock_is_wrong(MADE_AT.plus_days(1)), None);
    }
}
