//! Every command line that the manual shows is one that the program takes.

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::Cli;

/// README, the manual, the examples and the benches.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = vec![root.join("README.md"), root.join("SECURITY.md")];
    let mut folders = vec![root.join("docs"), root.join("examples"), root.join("bench")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

/// The words of a command line: up to a comment, a pipe or a redirection.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut any) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => (quote, any) = (Some(c), true),
            (None, '#' | '|' | '>' | ';' | '&') if word.is_empty() => break,
            (None, ' ') => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (None, c) => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

/// The command lines of a page: lines of code blocks, and code within a sentence (`true`).
fn lines(text: &str) -> Vec<(String, bool)> {
    let (mut found, mut in_block, mut sentence) = (Vec::new(), false, String::new());
    let joined = text.replace("\\\n", " ");
    for line in joined.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            let line = line.trim().trim_start_matches("$ ");
            let line = line.strip_prefix("cargo run --release -- ").map_or_else(
                || line.trim_start_matches("target/release/").to_owned(),
                |rest| format!("tundish {rest}"),
            );
            if line.starts_with("tundish ") {
                found.push((line, false));
            }
        } else {
            sentence.push_str(line);
            sentence.push(' ');
        }
    }
    let code = sentence.split('`').skip(1).step_by(2);
    found.extend(code.filter(|code| code.starts_with("tundish ")).map(|c| (c.to_owned(), true)));
    found
}

#[test]
fn the_definition_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_line_of_the_manual_is_taken() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for page in pages() {
        let Ok(text) = std::fs::read_to_string(&page) else { continue };
        for (line, in_sentence) in lines(&text) {
            count += 1;
            let mut words = words(&line);
            // Within a sentence a command is named, not typed: what is left out is no mistake.
            words.retain(|word| !word.contains('…'));
            let Err(error) = Cli::try_parse_from(&words) else { continue };
            let named = matches!(
                error.kind(),
                ErrorKind::MissingRequiredArgument
                    | ErrorKind::MissingSubcommand
                    | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                    | ErrorKind::ValueValidation
                    | ErrorKind::InvalidValue
                    | ErrorKind::DisplayHelp
            );
            if !(in_sentence && named) {
                let said = error.to_string();
                let first = said.lines().next().unwrap_or_default().to_owned();
                wrong.push(format!("{}: {line}: {first}", page.display()));
            }
        }
    }
    assert!(count > 20, "the pages were found: {count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
