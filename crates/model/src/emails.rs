//! Mail addresses: what we accept, how they go on the wire, and when two are the same.
//!
//! The grammar is the `Mailbox` of RFC 5321 with RFC 6531's non-ASCII local parts, less what no
//! real contact has: comments, folding, IP literals, names without a dot. A value of
//! [`EmailAddr`] can never hold a control character, so it can never break a header.

use std::fmt;
use std::str::FromStr;

use icu_normalizer::ComposingNormalizerBorrowed;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::refused::Refused;

/// RFC 5321 §4.5.3.1.3: a path holds 256 octets, two of them the angle brackets.
pub const ADDRESS_MAX: usize = 254;
/// RFC 5321 §4.5.3.1.1.
pub const LOCAL_MAX: usize = 64;
/// Hosts whose mailboxes ignore dots, and which are one another.
const DOTS_IGNORED: [&str; 2] = ["gmail.com", "googlemail.com"];

/// A syntactically valid address: local part in NFC as typed, domain as A-label in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddr {
    local: String,
    domain: String,
    wire: String,
}

impl EmailAddr {
    /// Reads what a person typed. Spaces around it are dropped, nothing else is mended.
    ///
    /// # Errors
    /// `address_missing`, `address_control`, `address_invalid`, `address_too_long`,
    /// `address_ip`, `address_dotless`, `address_domain`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let text = text.trim_matches(' ');
        if text.is_empty() {
            return Err(Refused::new("address_missing", "please type your e-mail address"));
        }
        refuse_hidden(text)?;
        let (local, domain) = text
            .rsplit_once('@')
            .ok_or_else(|| invalid("an e-mail address needs an @, as in name@example.com"))?;
        let local = read_local(local)?;
        let domain = read_domain(domain)?;
        let wire = format!("{local}@{domain}");
        if wire.len() > ADDRESS_MAX {
            return Err(Refused::new(
                "address_too_long",
                format!("this address is too long: {ADDRESS_MAX} bytes is the most mail can carry"),
            ));
        }
        Ok(Self { local, domain, wire })
    }

    /// What goes on the wire, in `RCPT TO` and in headers.
    pub fn as_str(&self) -> &str {
        &self.wire
    }

    /// The part before the `@`, as typed (NFC).
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The part after the `@`: A-labels, lower case.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// What makes two addresses one contact: the whole in lower case, needless quotes dropped.
    pub fn key(&self) -> String {
        format!("{}@{}", self.plain_local(), self.domain)
    }

    /// What rate limits count by: [`Self::key`] with the plus tag and Gmail's dots folded away.
    pub fn rate_key(&self) -> String {
        let local = self.plain_local();
        let base = match local.split_once('+') {
            Some((base, _)) if !base.is_empty() && !local.starts_with('"') => base.to_owned(),
            _ => local,
        };
        if DOTS_IGNORED.contains(&self.domain.as_str()) {
            return format!("{}@gmail.com", base.replace('.', ""));
        }
        format!("{base}@{}", self.domain)
    }

    /// For pages that must not show the address: `a…@e…e.com`.
    pub fn masked(&self) -> String {
        let first = self.local.trim_start_matches('"').chars().next().unwrap_or('…');
        let (hosts, top) = self.domain.rsplit_once('.').unwrap_or(("", &self.domain));
        let hosts: Vec<String> = hosts.split('.').map(mask_label).collect();
        format!("{first}…@{}.{top}", hosts.join("."))
    }

    /// Whether the receiving server must speak SMTPUTF8 (RFC 6531) to take this address.
    pub fn needs_smtputf8(&self) -> bool {
        !self.local.is_ascii()
    }

    /// The local part in lower case, without quotes it does not need.
    fn plain_local(&self) -> String {
        let lower = nfc(&self.local.to_lowercase());
        let Some(inner) = lower.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            return lower;
        };
        let mut plain = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            plain.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
        }
        if is_dot_atom(&plain) { plain } else { lower }
    }
}

impl fmt::Display for EmailAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.wire)
    }
}

impl AsRef<str> for EmailAddr {
    fn as_ref(&self) -> &str {
        &self.wire
    }
}

impl FromStr for EmailAddr {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        Self::parse(text)
    }
}

impl Serialize for EmailAddr {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.wire)
    }
}

impl<'de> Deserialize<'de> for EmailAddr {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

fn invalid(message: &str) -> Refused {
    Refused::new("address_invalid", message)
}

fn nfc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

fn mask_label(label: &str) -> String {
    let mut chars = label.chars();
    match (chars.next(), chars.next_back()) {
        (Some(first), Some(last)) if label.len() > 2 => format!("{first}…{last}"),
        (Some(first), _) => format!("{first}…"),
        _ => String::new(),
    }
}

/// Refuses what cannot be seen: controls, line and paragraph separators, direction marks, and the
/// escaped line breaks that some decoder further on might undo.
fn refuse_hidden(text: &str) -> Result<(), Refused> {
    let hidden = |c: char| c.is_control() || is_invisible(c);
    let escaped = {
        let lower = text.to_ascii_lowercase();
        ["%00", "%0a", "%0d"].iter().any(|code| lower.contains(code))
    };
    if escaped || text.chars().any(hidden) {
        return Err(Refused::new(
            "address_control",
            "this address holds a line break or an invisible character: please type it again",
        ));
    }
    Ok(())
}

/// Format characters that show nothing and can make one text look like another.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

fn read_local(local: &str) -> Result<String, Refused> {
    if local.is_empty() {
        return Err(invalid("the part before the @ is missing"));
    }
    let local = nfc(local);
    if local.len() > LOCAL_MAX {
        return Err(Refused::new(
            "address_too_long",
            format!("the part before the @ is too long: {LOCAL_MAX} bytes is the most"),
        ));
    }
    if local.starts_with('"') {
        if is_quoted(&local) {
            return Ok(local);
        }
        return Err(invalid("the quotes before the @ do not match"));
    }
    if is_dot_atom(&local) {
        return Ok(local);
    }
    Err(invalid(match () {
        () if local.contains('@') => "an address has one @ only",
        () if local.contains(char::is_whitespace) => "an address has no spaces in it",
        () if local.starts_with('.') || local.ends_with('.') || local.contains("..") => {
            "the part before the @ cannot begin or end with a dot, or have two in a row"
        }
        () => "there is a character before the @ that an address cannot have",
    }))
}

/// RFC 5322 `atext`, and RFC 6531's: anything beyond ASCII that can be seen.
fn is_atext(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^' | '_'
        | '`' | '{' | '|' | '}' | '~' => true,
        c => !c.is_ascii() && !c.is_whitespace() && !c.is_control() && c != '\u{fffd}',
    }
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

/// RFC 5321 `Quoted-string`, not empty.
fn is_quoted(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return false;
    };
    let mut chars = inner.chars();
    let mut any = false;
    while let Some(c) = chars.next() {
        any = true;
        let fine = match c {
            '"' => false,
            '\\' => chars.next().is_some_and(|c| (' '..='~').contains(&c)),
            c => !c.is_control(),
        };
        if !fine {
            return false;
        }
    }
    any
}

fn read_domain(domain: &str) -> Result<String, Refused> {
    if domain.is_empty() {
        return Err(invalid("the part after the @ is missing"));
    }
    if domain.starts_with('[') {
        return Err(Refused::new(
            "address_ip",
            "we cannot write to a bare IP address: please give an address with a domain name",
        ));
    }
    if domain.ends_with('.') {
        return Err(invalid("the address ends with a dot: please leave it out"));
    }
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .map_err(|_| {
            Refused::new(
                "address_domain",
                "the part after the @ is not a valid domain name, as example.com is",
            )
        })?;
    let Some((_, top)) = ascii.rsplit_once('.') else {
        return Err(Refused::new(
            "address_dotless",
            "the part after the @ needs a dot, as in example.com",
        ));
    };
    if top.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refused::new(
            "address_ip",
            "the part after the @ ends in a number: please give a domain name",
        ));
    }
    Ok(ascii.into_owned())
}

#[cfg(test)]
mod tests;
