//! What a command prints: data on stdout, talk on stderr, and how it ends.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// A command was used wrongly, or was refused, or another server runs already.
#[derive(Debug)]
pub struct Stop {
    /// The exit code: 1, 2 or 75.
    pub code: u8,
    /// One sentence.
    pub sentence: String,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Stop {}

/// Refused or failed: exit 1.
pub fn refused(sentence: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Stop { code: 1, sentence: sentence.into() })
}

/// Used wrongly: exit 2.
pub fn usage(sentence: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Stop { code: 2, sentence: sentence.into() })
}

/// Somebody else is at it already, try later: exit 75 (`EX_TEMPFAIL`).
pub fn running(sentence: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Stop { code: 75, sentence: sentence.into() })
}

/// How a command talks.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// Data as JSON, nothing else on stdout.
    pub json: bool,
    /// Nothing on stderr but errors.
    pub quiet: bool,
}

impl Output {
    /// A line of data.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn line(self, text: impl fmt::Display) -> anyhow::Result<()> {
        writeln!(io::stdout(), "{text}")?;
        Ok(())
    }

    /// Data as one line of JSON.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub fn data(self, value: &impl Serialize) -> anyhow::Result<()> {
        self.line(serde_json::to_string(value)?)
    }

    /// `value` as JSON where that was asked for, else `human` lines.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub fn either(
        self,
        value: &impl Serialize,
        human: impl FnOnce() -> Vec<String>,
    ) -> anyhow::Result<()> {
        if self.json {
            return self.data(value);
        }
        human().into_iter().try_for_each(|line| self.line(line))
    }

    /// A sentence for the person: on stderr, unless `--quiet`.
    pub fn say(self, text: impl fmt::Display) {
        if !self.quiet {
            // Nobody is there to be told that nobody could be told.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Asks before something that cannot be undone; `--yes` answers for the person.
    ///
    /// # Errors
    /// There is no terminal to ask on, or the answer is no.
    pub fn confirm(self, yes: bool, question: &str) -> anyhow::Result<()> {
        if yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(refused(format!("{question} Add --yes to say so.")));
        }
        let _ = write!(io::stderr(), "{question} [y/N] ");
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(refused("nothing was done")),
        }
    }
}

/// Columns as wide as their widest cell, two spaces between.
pub fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Says why the command ended and with which code.
pub fn end(result: anyhow::Result<()>) -> u8 {
    let Err(error) = result else { return 0 };
    let broken_pipe = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe);
    if broken_pipe {
        // Whoever read us has read enough (`tundish export … | head`).
        return 0;
    }
    let code = error.chain().find_map(|cause| cause.downcast_ref::<Stop>()).map_or(1, |s| s.code);
    let parts: Vec<String> = error.chain().map(ToString::to_string).collect();
    let sentence = parts.join(": ").replace(['\n', '\r'], " ");
    let _ = writeln!(io::stderr(), "tundish: {sentence}");
    code
}
