//! Reads a funnel file, and knows on which line each of its members stands.

use std::collections::BTreeMap;

use model::Refused;
use model::spelling::nearest;
use toml::de::{DeTable, DeValue};

use super::document::Document;

/// A document and the lines of its members.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// What the file says.
    pub document: Document,
    /// The file's name, for messages.
    pub name: String,
    lines: BTreeMap<String, usize>,
}

/// Reads the text of a funnel file called `name`.
///
/// # Errors
/// `funnel_invalid`: what is wrong, with its line.
pub fn parse(text: &str, name: &str) -> Result<Parsed, Refused> {
    let refuse = |message: &str, at: usize| {
        let message = message.lines().next().unwrap_or_default();
        Refused::new("funnel_invalid", format!("{name}: {message} (line {})", line_of(text, at)))
    };
    let table = DeTable::parse(text)
        .map_err(|e| refuse(e.message(), e.span().map_or(0, |span| span.start)))?;
    let mut lines = BTreeMap::new();
    for (key, value) in table.get_ref() {
        note(text, key.get_ref(), key.span().start, value.get_ref(), &mut lines);
    }
    let document = toml::from_str::<Document>(text)
        .map_err(|e| refuse(&meant(e.message()), e.span().map_or(0, |span| span.start)))?;
    Ok(Parsed { document, name: name.to_owned(), lines })
}

impl Parsed {
    /// `refused` with the file's name and the line of `path` in its message.
    pub fn at(&self, path: &str, refused: &Refused) -> Refused {
        let line = self.line(path);
        let message = format!("{}: {path}: {} (line {line})", self.name, refused.message);
        Refused::new("funnel_invalid", message).at(path.to_owned())
    }

    /// The line of a member, or of the nearest one around it that is there.
    pub fn line(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            match path.rsplit_once('.') {
                Some((around, _)) => path = around,
                None => return 1,
            }
        }
    }
}

fn note(
    text: &str,
    path: &str,
    at: usize,
    value: &DeValue<'_>,
    lines: &mut BTreeMap<String, usize>,
) {
    lines.entry(path.to_owned()).or_insert_with(|| line_of(text, at));
    match value {
        DeValue::Table(table) => {
            for (key, value) in table {
                let path = format!("{path}.{}", key.get_ref());
                note(text, &path, key.span().start, value.get_ref(), lines);
            }
        }
        DeValue::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                let path = format!("{path}.{place}");
                note(text, &path, item.span().start, item.get_ref(), lines);
            }
        }
        _ => {}
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// The reader's `unknown field` in our words, with what was probably meant.
fn meant(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let Some((word, known)) = quoted.split_first() else { return message.to_owned() };
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return message.to_owned();
    }
    match nearest(word, known.iter().copied()) {
        Some(meant) => format!("there is no {word} here; did you mean {meant}?"),
        None => format!("there is no {word} here; one of: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "# a shop\n[site]\nname = \"Shop\"\n\n[offers.book]\nproduct = \"book\"\n\
        price = \"19.00 USD\"\n\n[pages.home]\nkind = \"landing\"\ntitle = \"Home\"\n\
        [[pages.home.blocks]]\ntype = \"text\"\ntext = \"Hello\"\n";

    #[test]
    fn a_member_is_found_by_its_line() {
        let parsed = parse(SMALL, "f.toml").unwrap();
        assert_eq!(parsed.line("offers.book.price"), 7);
        assert_eq!(parsed.line("pages.home.blocks.0.text"), 14);
        assert_eq!(parsed.line("offers.book.deadline"), 5, "the noun, where the member is absent");
        let refused = parsed.at("offers.book.product", &Refused::new("x", "there is no product"));
        assert!(refused.message.contains("f.toml: offers.book.product: there is no product"));
        assert!(refused.message.ends_with("(line 6)"), "{}", refused.message);
    }

    #[test]
    fn a_slip_of_the_finger_is_told_with_its_line_and_what_was_meant() {
        let wrong = SMALL.replace("product = ", "prodcut = ");
        let refused = parse(&wrong, "f.toml").unwrap_err();
        assert!(refused.message.contains("did you mean product?"), "{}", refused.message);
        assert!(refused.message.contains("(line 6)"), "{}", refused.message);
        let wrong = SMALL.replace("[site]", "[sites]");
        let refused = parse(&wrong, "f.toml").unwrap_err();
        assert!(refused.message.contains("did you mean site? (line 2)"), "{}", refused.message);
    }

    #[test]
    fn what_is_not_toml_is_told_with_its_line() {
        let refused = parse("[site]\nname = Shop\n", "f.toml").unwrap_err();
        assert!(refused.message.contains("(line 2)"), "{}", refused.message);
    }
}
