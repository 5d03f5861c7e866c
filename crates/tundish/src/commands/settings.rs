//! `tundish config …`.

use serde::Serialize;

use super::Call;
use crate::cli::ConfigCommand;
use crate::output::table;

#[derive(Serialize)]
struct Shown {
    name: &'static str,
    value: String,
    origin: String,
}

/// Shows every setting, secrets left out.
///
/// # Errors
/// Standard output is closed or full.
pub fn run(call: &Call, command: &ConfigCommand) -> anyhow::Result<()> {
    let ConfigCommand::Show { origin } = command;
    let shown: Vec<Shown> = call
        .config
        .shown()
        .into_iter()
        .map(|(name, value, from)| Shown { name, value, origin: from.to_string() })
        .collect();
    call.output.either(&shown, || {
        let rows: Vec<Vec<String>> = shown
            .iter()
            .map(|setting| {
                let mut row = vec![setting.name.to_owned(), format!("= {:?}", setting.value)];
                if *origin {
                    row.push(format!("# {}", setting.origin));
                }
                row
            })
            .collect();
        table(&rows)
    })
}
