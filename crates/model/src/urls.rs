//! Addresses a link may lead to.

use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::emails::is_invisible;
use crate::refused::Refused;
use crate::words::words;

/// Longer ones do not survive mail programs.
pub const URL_MAX: usize = 2_000;

words! {
    /// What an operator should know of a destination that is allowed.
    Warning "url_warning" {
        /// The host has letters beyond ASCII, which may look like others.
        Idn = "idn",
        /// It hands something of the contact to that host.
        HandsOver = "hands_over",
        /// It goes without encryption.
        Plain = "plain",
    }
}

/// Where a link leads: an absolute `http`, `https`, `mailto` or `tel` address, its host in
/// A-labels. It may hold template expressions, but not in its scheme or host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    text: String,
    host: Option<String>,
    idn: bool,
}

impl Destination {
    /// Reads a destination before it is stored.
    ///
    /// # Errors
    /// `url_missing`, `url_too_long`, `url_control`, `url_scheme`, `url_user`, `url_host`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let text = text.trim_matches(' ');
        if text.is_empty() {
            return Err(Refused::new("url_missing", "say where the link leads"));
        }
        if text.len() > URL_MAX {
            return Err(Refused::new(
                "url_too_long",
                format!("keep it below {URL_MAX} characters"),
            ));
        }
        let hidden = |c: char| c.is_control() || is_invisible(c) || c == '\\';
        if text.contains(hidden) || outside_expressions(text).contains(char::is_whitespace) {
            return Err(Refused::new(
                "url_control",
                "this address holds a blank, a line break, a backslash or an invisible character",
            ));
        }
        let refuse_scheme =
            || Refused::new("url_scheme", "begin with https://, http://, mailto: or tel:");
        let (scheme, rest) = text.split_once(':').ok_or_else(refuse_scheme)?;
        match scheme.to_ascii_lowercase().as_str() {
            scheme @ ("http" | "https") => {
                let rest = rest.strip_prefix("//").ok_or_else(refuse_scheme)?;
                Self::with_host(scheme, rest)
            }
            scheme @ ("mailto" | "tel") if !rest.is_empty() && !rest.starts_with('/') => {
                Ok(Self { text: format!("{scheme}:{rest}"), host: None, idn: false })
            }
            _ => Err(refuse_scheme()),
        }
    }

    fn with_host(scheme: &str, rest: &str) -> Result<Self, Refused> {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(Refused::new(
                "url_user",
                "an address with a name before an @ misleads about where it goes: leave it out",
            ));
        }
        let refuse_host =
            || Refused::new("url_host", "the host is not a valid name, as www.example.com is");
        let (name, port) = authority.split_once(':').unwrap_or((authority, ""));
        if name.is_empty() || (authority.contains(':') && port.parse::<u16>().is_err()) {
            return Err(refuse_host());
        }
        let host = Uts46::new()
            .to_ascii(name.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, DnsLength::Verify)
            .map_err(|_| refuse_host())?;
        if host.contains(['{', '}', '%']) {
            return Err(refuse_host());
        }
        let port = if port.is_empty() { String::new() } else { format!(":{port}") };
        Ok(Self {
            text: format!("{scheme}://{host}{port}{path}"),
            idn: host.split('.').any(|label| label.starts_with("xn--")),
            host: Some(host.into_owned()),
        })
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host in lower case, where there is one.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Whether it holds template expressions, whose values are encoded when it is rendered.
    pub fn has_expressions(&self) -> bool {
        self.text.contains("{{")
    }

    /// What the operator should know. `own_host` is the site's, to which nothing is handed over.
    pub fn warnings(&self, own_host: &str) -> Vec<Warning> {
        let elsewhere = self.host().is_some_and(|host| host != own_host);
        let mut warnings = Vec::new();
        if self.idn {
            warnings.push(Warning::Idn);
        }
        if elsewhere && self.has_expressions() {
            warnings.push(Warning::HandsOver);
        }
        if elsewhere && self.text.starts_with("http:") {
            warnings.push(Warning::Plain);
        }
        warnings
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Destination {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// The text without its `{{ … }}`.
fn outside_expressions(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        rest = after.split_once("}}").map_or("", |(_, after)| after);
    }
    out + rest
}

/// A path on the site itself, `/p/thanks?x=1#top`: what a form or block may lead to without
/// naming a host.
///
/// # Errors
/// `path_invalid`.
pub fn parse_path(text: &str) -> Result<String, Refused> {
    let text = text.trim_matches(' ');
    let hidden = |c: char| c.is_control() || c.is_whitespace() || is_invisible(c) || c == '\\';
    let own = text.starts_with('/') && !text.starts_with("//") && text.len() <= URL_MAX;
    let climbs = text.split(['/', '?', '#']).any(|part| part == "..");
    if !own || climbs || text.contains(hidden) {
        return Err(Refused::new("path_invalid", "begin with one slash, as in /p/thanks"));
    }
    Ok(text.to_owned())
}

/// Percent-encodes a value for a query: everything but unreserved characters (RFC 3986 §2.3).
pub fn encode_component(value: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot go wrong.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    #[test]
    fn l05_only_safe_destinations_are_stored() {
        for (text, code) in [
            ("javascript:alert(1)", "url_scheme"),
            ("JaVaScript:alert(1)", "url_scheme"),
            ("data:text/html,x", "url_scheme"),
            ("file:///etc/passwd", "url_scheme"),
            ("//x.test", "url_scheme"),
            ("/p/x", "url_scheme"),
            ("https:/x.test", "url_scheme"),
            ("mailto://x", "url_scheme"),
            ("https://user@x.test/", "url_user"),
            ("https://shop.example@evil.test", "url_user"),
            ("https://x.test/\r\nSet-Cookie: a", "url_control"),
            ("https://x.test/a b", "url_control"),
            ("https:\\\\x.test", "url_control"),
            ("java\tscript:x", "url_control"),
            ("https://x.test/\u{202e}", "url_control"),
            ("https://", "url_host"),
            ("https://x.test:99999/", "url_host"),
            ("https://{{host}}/", "url_host"),
            ("https://a..b/", "url_host"),
            ("", "url_missing"),
        ] {
            assert_eq!(Destination::parse(text).unwrap_err().code, code, "{text:?}");
        }
        for (text, stored) in [
            ("HTTPS://Shop.Example/Path?q=1#x", "https://shop.example/Path?q=1#x"),
            ("https://例え.jp/a", "https://xn--r8jz45g.jp/a"),
            ("mailto:ann@x.test?subject=hi", "mailto:ann@x.test?subject=hi"),
            ("tel:+4930123", "tel:+4930123"),
            ("http://localhost:8095/p/x", "http://localhost:8095/p/x"),
        ] {
            assert_eq!(Destination::parse(text).unwrap().as_str(), stored);
        }
        let lookalike = Destination::parse("https://ex\u{430}mple.com/").unwrap();
        assert_eq!(lookalike.warnings("shop.example"), [Warning::Idn]);
    }

    #[test]
    fn l06_what_hands_data_to_another_host_warns() {
        let to = Destination::parse("https://x.test/?e={{ contact.email }}").unwrap();
        assert_eq!(to.warnings("shop.example"), [Warning::HandsOver]);
        assert_eq!(to.warnings("x.test"), []);
        assert_eq!(Destination::parse("http://x.test").unwrap().warnings("a"), [Warning::Plain]);
        assert_eq!(encode_component("a+b@x.test &é"), "a%2Bb%40x.test%20%26%C3%A9");
    }

    #[test]
    fn own_paths_stay_on_the_site() {
        assert_eq!(parse_path(" /p/thanks?x=1 ").unwrap(), "/p/thanks?x=1");
        for text in ["", "p/x", "//evil.test", "/\\evil.test", "/../x", "/a\nb", "https://x.test"] {
            assert_eq!(parse_path(text).unwrap_err().code, "path_invalid", "{text:?}");
        }
    }

    #[test]
    fn the_flanker_list_of_bad_urls_is_refused() {
        let Some(list) = test_data::text("email/flanker/url_invalid.txt") else { return };
        for url in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            assert!(Destination::parse(url).is_err(), "{url}");
        }
    }
}
