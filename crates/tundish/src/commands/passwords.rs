//! Where a password comes from: a file, the environment, or standard input. Never an argument.

use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use crate::cli::PasswordFrom;
use crate::output::refused;

impl PasswordFrom {
    /// The password.
    ///
    /// # Errors
    /// The file cannot be read, or nothing was typed.
    pub fn read(&self) -> anyhow::Result<String> {
        let text = match &self.password_file {
            Some(path) => super::read(path)?.1,
            None => match std::env::var("TUNDISH_PASSWORD") {
                Ok(password) => password,
                Err(_) => typed()?,
            },
        };
        let password = text.trim_end_matches(['\n', '\r']).to_owned();
        if password.is_empty() {
            let say = "give the password on standard input, in TUNDISH_PASSWORD or by \
                       --password-file";
            return Err(refused(say));
        }
        Ok(password)
    }
}

fn typed() -> anyhow::Result<String> {
    let mut line = String::new();
    if !io::stdin().is_terminal() {
        io::stdin().read_line(&mut line)?;
        return Ok(line);
    }
    write!(io::stderr(), "Password: ")?;
    echo(false);
    let read = io::stdin().read_line(&mut line);
    echo(true);
    writeln!(io::stderr())?;
    read?;
    Ok(line)
}

/// Shows or hides what is typed. Where that cannot be had, the password is seen, not lost.
fn echo(on: bool) {
    let word = if on { "echo" } else { "-echo" };
    if Command::new("stty").arg(word).stdin(Stdio::inherit()).status().is_err() {
        tracing::warn!("the terminal cannot hide what is typed");
    }
}
