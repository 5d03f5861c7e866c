//! Time zones by their IANA name.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::refused::Refused;
use crate::times::UtcMs;

/// A zone that the bundled tables know. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    tz: TimeZone,
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), tz: TimeZone::UTC }
    }

    /// Reads a name such as `Europe/Berlin`.
    ///
    /// # Errors
    /// `zone_unknown`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let name = text.trim();
        let refuse =
            || Refused::new("zone_unknown", "give a time zone by its name, as in Europe/Berlin");
        if name.eq_ignore_ascii_case("utc") {
            return Ok(Self::utc());
        }
        let tz = TimeZone::get(name).map_err(|_| refuse())?;
        let name = tz.iana_name().ok_or_else(refuse)?.to_owned();
        Ok(Self { name, tz })
    }

    /// The contact's zone where it is known and good, else the site's.
    pub fn of_contact(contact: Option<&str>, site: &Self) -> Self {
        contact.and_then(|name| Self::parse(name).ok()).unwrap_or_else(|| site.clone())
    }

    /// Its IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What clocks on the wall there show at `at`.
    pub fn local(&self, at: UtcMs) -> DateTime {
        self.tz.to_datetime(at.timestamp())
    }

    /// The instant clocks there show `local`. RFC 5545's rule: a time that the clocks leap over
    /// moves forward by the leap; of a time they show twice it is the first.
    pub fn instant(&self, local: DateTime) -> UtcMs {
        self.tz.to_ambiguous_timestamp(local).compatible().map_or_else(
            // Beyond the calendar's range: hold at its end, as `UtcMs::timestamp` does.
            |_| {
                let max = local.year() > 0;
                UtcMs::from(if max { jiff::Timestamp::MAX } else { jiff::Timestamp::MIN })
            },
            UtcMs::from,
        )
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Zone {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        Self::parse(text)
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.name)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_go_by_their_names() {
        assert_eq!(Zone::parse("europe/berlin").unwrap().name(), "Europe/Berlin");
        assert_eq!(Zone::parse("UTC").unwrap(), Zone::utc());
        for text in ["", "Berlin", "CET+1", "Europe/Atlantis", "../etc/passwd"] {
            assert_eq!(Zone::parse(text).unwrap_err().code, "zone_unknown", "{text}");
        }
        let site = Zone::parse("Asia/Tokyo").unwrap();
        assert_eq!(Zone::of_contact(Some("nowhere"), &site), site);
        assert_eq!(Zone::of_contact(Some("America/Lima"), &site).name(), "America/Lima");
    }
}
