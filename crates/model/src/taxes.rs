//! Tax: one rate a country, and whether prices hold it already.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::money::Rate;
use crate::refused::Refused;
use crate::words::words;

/// An ISO 3166 country by its two capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// Reads a code of two letters, in either case.
    ///
    /// # Errors
    /// `country_unknown`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let code = text.trim().to_ascii_uppercase();
        let known = code.len() == 2 && iso_currency::Country::from_str(&code).is_ok();
        match (known, code.as_bytes().first_chunk::<2>()) {
            (true, Some(letters)) => Ok(Self(*letters)),
            _ => Err(Refused::new(
                "country_unknown",
                "give the country by its code of two letters, as in DE",
            )),
        }
    }

    /// Two capital letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Country {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        Self::parse(text)
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

words! {
    /// Whether a price holds its tax.
    TaxMode "tax_mode" {
        /// The price is what one pays; tax is within it.
        Inclusive = "inclusive",
        /// Tax comes on top.
        Exclusive = "exclusive",
    }
}

/// How one order is taxed: rounded half up on each line, and what its invoice says is the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxRule {
    /// The rate.
    pub rate: Rate,
    /// Within prices or on top.
    pub mode: TaxMode,
}

impl TaxRule {
    /// The tax on `amount` after discounts.
    pub fn tax_on(self, amount: i64) -> i64 {
        match self.mode {
            TaxMode::Inclusive => self.rate.within(amount),
            TaxMode::Exclusive => self.rate.on_top(amount),
        }
    }
}

/// The key under which the rate of every other country stands.
pub const OTHERS: &str = "*";

/// Reads a table as a person types it: a country and a rate on each line (`DE 19%`), `*` for
/// every other country. In parts per million, as the settings keep it.
///
/// # Errors
/// `country_unknown`, `rate_invalid`, `tax_twice`, with the line.
pub fn read_table(text: &str) -> Result<BTreeMap<String, i64>, Refused> {
    let mut table = BTreeMap::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let on_line = |refused: Refused| Refused {
            message: format!("line {}: {}", at + 1, refused.message),
            ..refused
        };
        let (country, rate) = line.trim().split_once([' ', '\t', '=', ':']).unwrap_or((line, ""));
        let country = match country.trim() {
            OTHERS => OTHERS.to_owned(),
            code => Country::parse(code).map_err(on_line)?.to_string(),
        };
        let rate = rate.trim_matches([' ', '\t', '=', ':', '%']);
        let rate = Rate::parse(&format!("{rate}%")).map_err(on_line)?;
        if table.insert(country, i64::from(rate.ppm)).is_some() {
            let twice = Refused::new("tax_twice", "this country stands here twice; keep one line");
            return Err(on_line(twice));
        }
    }
    Ok(table)
}

/// The table as [`read_table`] reads it.
pub fn write_table(table: &BTreeMap<String, i64>) -> String {
    let line = |(country, ppm): (&String, &i64)| {
        format!("{country} {}", Rate { ppm: u32::try_from(*ppm).unwrap_or(0) })
    };
    table.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_read_by_its_code_alone() {
        assert_eq!(Country::parse(" de ").unwrap().as_str(), "DE");
        for text in ["", "D", "DEU", "XX", "ß"] {
            assert_eq!(Country::parse(text).unwrap_err().code, "country_unknown", "{text}");
        }
    }

    #[test]
    fn a_typed_table_is_read_and_written_back() {
        let table = read_table("DE 19%\nat: 20 %\n\n* 0").unwrap();
        assert_eq!(table.get("DE"), Some(&190_000));
        assert_eq!(read_table(&write_table(&table)).unwrap(), table);
        assert!(read_table("DE 19\nXX 5").unwrap_err().message.starts_with("line 2"));
        assert_eq!(read_table("DE 19\nDE 7").unwrap_err().code, "tax_twice");
    }
}
