//! What a user's template may be written in: `{{ … }}`, `if` and `for`. Everything that could
//! build a large text out of a small one is refused when the template is saved.

use model::Refused;

/// The only statements.
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// `line 3, column 14`, of an octet offset.
pub fn place(source: &str, offset: usize) -> String {
    let before = source.get(..offset).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}")
}

/// One piece of template code in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code<'a> {
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// With its braces.
    pub text: &'a str,
    /// Whether it is a statement or a comment, and so gives no text of its own.
    pub silent: bool,
}

/// Every piece of template code, first to last.
///
/// # Errors
/// One that is not closed.
pub fn pieces<'a>(source: &'a str, field: &'static str) -> Result<Vec<Code<'a>>, Refused> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((start, close)) = next_open(source, at) {
        let end = end_of(source, start + 2, close).ok_or_else(|| {
            let message = format!("{}: this is never closed by {close}", place(source, start));
            Refused::new("template_invalid", message).at(field)
        })?;
        let text = source.get(start..end).unwrap_or_default();
        found.push(Code { start, end, text, silent: close != "}}" });
        at = end;
    }
    Ok(found)
}

fn next_open(source: &str, from: usize) -> Option<(usize, &'static str)> {
    let rest = source.get(from..)?;
    let opens = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];
    opens
        .iter()
        .filter_map(|(open, close)| rest.find(open).map(|at| (from + at, *close)))
        .min_by_key(|(at, _)| *at)
}

/// Where the code that began ends, quotes regarded (not in comments).
fn end_of(source: &str, from: usize, close: &str) -> Option<usize> {
    let rest = source.get(from..)?;
    if close == "#}" {
        return rest.find(close).map(|at| from + at + close.len());
    }
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if rest.get(at..).is_some_and(|rest| rest.starts_with(close)) => {
                return Some(from + at + close.len());
            }
            None => {}
        }
    }
    None
}

/// Refuses statements and operators that users' templates do not have.
///
/// # Errors
/// `template_invalid` with line and column.
pub fn check(source: &str, field: &'static str) -> Result<(), Refused> {
    for code in pieces(source, field)? {
        let refuse = |message: String| {
            let message = format!("{}: {message}", place(source, code.start));
            Err(Refused::new("template_invalid", message).at(field))
        };
        if code.text.starts_with("{#") {
            continue;
        }
        if code.silent {
            let inside = code.text.trim_start_matches(['{', '%', '-', '+', ' ', '\n', '\t']);
            let word: String =
                inside.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !STATEMENTS.contains(&word.as_str()) {
                return refuse(format!(
                    "there is no {{% {word} %}} in mails; use if, elif, else and for"
                ));
            }
        }
        if outside_quotes(code.text).any(|c| c == '~') {
            return refuse("texts are not joined with ~ here; write them side by side".to_owned());
        }
    }
    Ok(())
}

fn outside_quotes(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut quote: Option<char> = None;
    let mut escaped = false;
    text.chars().filter(move |c| match quote {
        Some(_) if escaped => {
            escaped = false;
            false
        }
        Some(_) if *c == '\\' => {
            escaped = true;
            false
        }
        Some(open) => {
            if *c == open {
                quote = None;
            }
            false
        }
        None if *c == '"' || *c == '\'' => {
            quote = Some(*c);
            false
        }
        None => true,
    })
}
