//! Slugs: the names of things in addresses, such as `free-chapter` in `/f/free-chapter`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::refused::Refused;

/// Long enough for a title, short enough to read out.
pub const SLUG_MAX: usize = 60;

/// First parts of our own addresses, and names browsers and proxies ask for.
const RESERVED: &[&str] = &[
    ".well-known",
    "a",
    "admin",
    "api",
    "assets",
    "buy",
    "cart",
    "catalogue",
    "confirm",
    "e",
    "f",
    "favicon.ico",
    "go",
    "health",
    "hooks",
    "l",
    "login",
    "logout",
    "m",
    "me",
    "media",
    "metrics",
    "order",
    "p",
    "preferences",
    "r",
    "ready",
    "robots.txt",
    "s",
    "setup",
    "sitemap.xml",
    "static",
    "theme.css",
    "u",
];

/// One to sixty of `a-z`, `0-9` and single hyphens between them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

impl Slug {
    /// Reads a slug as typed. A slash before it is dropped.
    ///
    /// # Errors
    /// `slug_missing`, `slug_reserved`, `slug_too_long`, `slug_not_ascii`, `slug_invalid`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let text = text.trim();
        let text = text.strip_prefix('/').unwrap_or(text);
        if text.is_empty() {
            return Err(Refused::new("slug_missing", "give it a name for its address"));
        }
        if RESERVED.contains(&text.to_ascii_lowercase().as_str()) {
            return Err(Refused::new(
                "slug_reserved",
                format!("\"{text}\" is used by the system itself: choose another name"),
            ));
        }
        if !text.is_ascii() {
            return Err(Refused::new(
                "slug_not_ascii",
                "use plain letters a to z, digits and hyphens: other letters can be mistaken for \
                 these in an address",
            ));
        }
        if text.len() > SLUG_MAX {
            return Err(Refused::new(
                "slug_too_long",
                format!("shorten it to {SLUG_MAX} characters or fewer"),
            ));
        }
        let word = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if !text.split('-').all(word) {
            return Err(Refused::new(
                "slug_invalid",
                match Self::suggest(text) {
                    Some(better) => format!("use small letters, digits and hyphens: {better}"),
                    None => "use small letters, digits and hyphens".to_owned(),
                },
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// A slug made of a title, or nothing where no letter of it can stand in an address.
    pub fn suggest(title: &str) -> Option<Self> {
        let mut text = String::new();
        for c in title.chars() {
            match c.to_ascii_lowercase() {
                c @ ('a'..='z' | '0'..='9') => text.push(c),
                '\'' | '’' => {}
                _ if text.is_empty() || text.ends_with('-') => {}
                _ => text.push('-'),
            }
        }
        let text: String = text.chars().take(SLUG_MAX).collect();
        let text = text.trim_matches('-');
        (!text.is_empty() && !RESERVED.contains(&text)).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Slug {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        Self::parse(text)
    }
}

impl Serialize for Slug {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// What becomes of a thing that is written under a slug that another has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfKnown {
    /// That one is changed.
    Change,
    /// It is refused.
    Refuse,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p05_reserved_look_alike_and_odd_slugs_are_refused_with_the_reason() {
        for (text, code) in [
            ("/admin", "slug_reserved"),
            ("Admin", "slug_reserved"),
            ("/api", "slug_reserved"),
            ("/.well-known", "slug_reserved"),
            ("аdmin", "slug_not_ascii"),
            ("free–chapter", "slug_not_ascii"),
            ("", "slug_missing"),
            ("/", "slug_missing"),
            ("Free Chapter", "slug_invalid"),
            ("a--b", "slug_invalid"),
            ("-a", "slug_invalid"),
            ("a/b", "slug_invalid"),
            ("..", "slug_invalid"),
            ("a.b", "slug_invalid"),
        ] {
            assert_eq!(Slug::parse(text).unwrap_err().code, code, "{text:?}");
        }
        assert_eq!(Slug::parse(&"a".repeat(61)).unwrap_err().code, "slug_too_long");
        assert_eq!(Slug::parse("free-chapter-2").unwrap().as_str(), "free-chapter-2");
    }

    #[test]
    fn a_title_gives_a_slug_that_parses() {
        for (title, slug) in [
            ("Free chapter", Some("free-chapter")),
            ("  The Baker's  Guide! ", Some("the-bakers-guide")),
            ("100 % rye", Some("100-rye")),
            ("パン", None),
            ("Admin", None),
        ] {
            let made = Slug::suggest(title);
            assert_eq!(made.as_ref().map(Slug::as_str), slug);
            if let Some(made) = made {
                assert!(Slug::parse(made.as_str()).is_ok());
            }
        }
    }
}
