//! A mail as a test looks at it: decoded.

use mail::transport::Kept;
use mail_parser::MessageParser;

/// A mail that was sent.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The recipient of the envelope.
    pub to: String,
    /// The subject, decoded.
    pub subject: String,
    /// The text part, decoded.
    pub text: String,
    /// The HTML part, decoded; empty where there is none.
    pub html: String,
    /// As it went over the wire, dots not doubled.
    pub source: String,
}

impl Mail {
    pub(crate) fn of(kept: &Kept) -> Self {
        Self::read(kept.envelope.to.as_str(), &kept.message)
    }

    /// Decodes a mail that a sink received.
    pub fn read(to: &str, bytes: &[u8]) -> Self {
        let parsed = MessageParser::default().parse(bytes).expect("a mail that parses");
        Self {
            to: to.to_owned(),
            subject: parsed.subject().unwrap_or_default().to_owned(),
            text: parsed.body_text(0).unwrap_or_default().into_owned(),
            html: parsed.body_html(0).unwrap_or_default().into_owned(),
            source: String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    /// A header, unfolded, as it stands.
    pub fn header(&self, name: &str) -> Option<String> {
        let parsed = MessageParser::default().parse(self.source.as_bytes())?;
        let raw = parsed.header_raw(name)?.replace("\r\n", "");
        Some(raw.trim().to_owned())
    }

    /// The first address of the text part that contains `part`.
    pub fn link(&self, part: &str) -> String {
        let words = self.text.split(|c: char| c.is_whitespace() || "<>()".contains(c));
        let found = words.into_iter().find(|word| word.starts_with("http") && word.contains(part));
        found.unwrap_or_else(|| panic!("no link with {part} in:\n{}", self.text)).to_owned()
    }

    /// The path and query of that address: what a request to the test site asks for.
    pub fn path(&self, part: &str) -> String {
        let link = self.link(part);
        let rest = link.split_once("://").map_or(link.as_str(), |(_, rest)| rest);
        rest.find('/').map_or_else(|| "/".to_owned(), |at| rest[at..].to_owned())
    }
}
