//! Reads the values of settings, and says what was expected where one cannot be read.

use std::net::SocketAddr;
use std::time::Duration;

use super::keys::Kind;

const KB: u64 = 1_000;
const SIZES: &[(&str, u64)] = &[
    ("TB", KB * KB * KB * KB),
    ("GB", KB * KB * KB),
    ("MB", KB * KB),
    ("kB", KB),
    ("KB", KB),
    ("B", 1),
];
const SPANS: &[(&str, u64)] = &[
    ("ms", 1),
    ("seconds", 1_000),
    ("second", 1_000),
    ("minutes", 60_000),
    ("minute", 60_000),
    ("hours", 3_600_000),
    ("hour", 3_600_000),
    ("min", 60_000),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
];

/// `text` as it holds under `kind`, and a message where it was changed to hold; or what was
/// expected instead.
pub fn check(kind: Kind, text: &str) -> Result<(String, Option<String>), String> {
    let as_is = || Ok((text.to_owned(), None));
    match kind {
        Kind::Text | Kind::Secret => as_is(),
        Kind::Database => {
            let known = ["", "sqlite:", "postgres://", "postgresql://"];
            if text.is_empty() || known.iter().skip(1).any(|scheme| text.starts_with(scheme)) {
                as_is()
            } else {
                Err("is a database address: sqlite:PATH or postgres://USER@HOST/NAME".to_owned())
            }
        }
        Kind::Listen => match text.parse::<SocketAddr>() {
            Ok(_) => as_is(),
            Err(_) => Err("is an address and a port, such as 127.0.0.1:8095".to_owned()),
        },
        Kind::Host if text.bytes().all(is_of_a_name) => as_is(),
        Kind::Host => Err("is the name of a host in small letters, such as \
                           admin.shop.example, without https:// and port"
            .to_owned()),
        Kind::Whole { min, max } => whole(text, min, max),
        Kind::Size => match size(text) {
            Some(_) => as_is(),
            None => Err("is a size with its unit, such as \"10 MB\" or \"1 GB\"".to_owned()),
        },
        Kind::Span => match span(text) {
            Some(_) => as_is(),
            None => Err("is a time with its unit, such as \"30 s\" or \"2 minutes\"".to_owned()),
        },
        Kind::Choice(words) if words.contains(&text) => as_is(),
        Kind::Choice(words) => Err(format!("is one of {}", words.join(", "))),
    }
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.' || byte == b'-'
}

fn whole(text: &str, min: i64, max: i64) -> Result<(String, Option<String>), String> {
    match text.parse::<i64>() {
        Ok(number) if number > max => {
            Ok((max.to_string(), Some(format!("was {number}, more than {max} is of no use"))))
        }
        Ok(number) if number >= min => Ok((number.to_string(), None)),
        Ok(_) | Err(_) => Err(format!("is a whole number from {min} to {max}")),
    }
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (unit, times) =
        units.iter().find(|(unit, _)| text.strip_suffix(unit).is_some_and(ends_in_digits))?;
    text.strip_suffix(unit)?.trim().parse::<u64>().ok()?.checked_mul(*times)
}

fn ends_in_digits(rest: &str) -> bool {
    rest.trim_end().ends_with(|c: char| c.is_ascii_digit())
}

/// A number of bytes: `10 MB`. Units are powers of a thousand.
pub fn size(text: &str) -> Option<u64> {
    with_unit(text, SIZES)
}

/// A length of time: `30 s`.
pub fn span(text: &str) -> Option<Duration> {
    with_unit(text, SPANS).map(Duration::from_millis)
}

/// A database address without its password.
pub fn redact_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((who, place)) = rest.rsplit_once('@') else { return url.to_owned() };
    match who.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:***@{place}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_need_their_unit() {
        assert_eq!(size("10 MB"), Some(10_000_000));
        assert_eq!(size("1GB"), Some(1_000_000_000));
        for wrong in ["1e9", "-1", "yes", "10", "MB", "1.5 GB", ""] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
        assert_eq!(span("30 s"), Some(Duration::from_secs(30)));
        assert_eq!(span("500 ms"), Some(Duration::from_millis(500)));
        assert_eq!(span("2 minutes"), Some(Duration::from_secs(120)));
        for wrong in ["30", "-1 s", "s", "soon"] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_password_in_a_database_address_is_never_shown() {
        let url = "postgres://shop:s3cret@db.example/shop";
        assert_eq!(redact_url(url), "postgres://shop:***@db.example/shop");
        assert_eq!(redact_url("sqlite:/data/x.db"), "sqlite:/data/x.db");
    }
}
