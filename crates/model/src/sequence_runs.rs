//! Runs: many people put into a sequence at once, because an operator asked for it.

use std::fmt;
use std::str::FromStr;

use crate::contacts;
use crate::ids::ProductId;
use crate::refused::Refused;
use crate::words::words;

/// More people than this are put in only once their number was typed: nobody counts noughts.
pub const TYPED_ABOVE: i64 = 1_000;
/// How long a run waits before it begins: a press by mistake can be taken back until then.
pub const BEGINS_AFTER_MS: i64 = crate::times::MINUTE_MS;

/// Who is put in: of those who may be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// All of them.
    Everyone,
    /// Those with a tag.
    Tagged(String),
    /// Those who have bought a product, and not given it back.
    Bought(ProductId),
    /// Those who have not.
    NotBought(ProductId),
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::Tagged(tag) => write!(f, "tag:{tag}"),
            Self::Bought(product) => write!(f, "bought:{product}"),
            Self::NotBought(product) => write!(f, "not-bought:{product}"),
        }
    }
}

impl FromStr for Audience {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let product = |id: &str| {
            let refused = Refused::new("product_missing", "choose a product").at("product");
            id.parse().map_err(|_| refused)
        };
        match text.split_once(':').unwrap_or((text, "")) {
            ("everyone", "") => Ok(Self::Everyone),
            ("tag", tag) => contacts::tag(tag)
                .map(Self::Tagged)
                .ok_or_else(|| Refused::new("tag_missing", "choose a tag").at("tag")),
            ("bought", id) => product(id).map(Self::Bought),
            ("not-bought", id) => product(id).map(Self::NotBought),
            _ => Err(Refused::new("audience_missing", "choose whom to put in").at("who")),
        }
    }
}

words! {
    /// What became of one of them.
    Outcome "run_outcome" {
        /// Entered the sequence.
        Entered = "entered",
        /// Was in it already, or went through it before.
        Already = "already",
        /// Never confirmed the address.
        Unconfirmed = "unconfirmed",
        /// Unsubscribed.
        Unsubscribed = "unsubscribed",
        /// The address must not be written to.
        Suppressed = "suppressed",
        /// Was erased meanwhile.
        Erased = "erased",
    }
}

impl Outcome {
    /// What it says of a person, as a sentence goes on after "they".
    pub const fn why(self) -> &'static str {
        match self {
            Self::Entered => "entered it",
            Self::Already => {
                "are in this sequence already, or went through it: nobody gets it twice"
            }
            Self::Unconfirmed => "have not confirmed their address: nobody is written to before",
            Self::Unsubscribed => "unsubscribed: only they themselves can ask for mail again",
            Self::Suppressed => "have an address that bounced, or complained: no mail goes there",
            Self::Erased => "were erased",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_reads_back_from_its_words() {
        let product = ProductId(7);
        for audience in [
            Audience::Everyone,
            Audience::Tagged("came: by post".to_owned()),
            Audience::Bought(product),
            Audience::NotBought(product),
        ] {
            assert_eq!(audience.to_string().parse::<Audience>().unwrap(), audience);
        }
        for wrong in ["", "everybody", "everyone:x", "tag:", "bought:", "bought:seq_1"] {
            assert!(wrong.parse::<Audience>().is_err(), "{wrong}");
        }
    }
}
