//! Consents: an append-only ledger of who agreed to what, in which words, where, and until when.

use serde::{Deserialize, Serialize};

use crate::ids::{TopicId, WordingId};
use crate::refused::Refused;
use crate::times::UtcMs;
use crate::words::words;

/// Longer wordings are contracts.
pub const WORDING_MAX: usize = 2_000;

words! {
    /// Where a consent was given.
    ConsentSource "consent_source" {
        /// A form.
        Form = "form",
        /// The box at the checkout.
        Checkout = "checkout",
        /// The contact's own preference page.
        Preferences = "preferences",
        /// A list that was brought along, with the operator's attestation.
        Import = "import",
        /// Told to an operator.
        Operator = "operator",
        /// An API key, for another system.
        Api = "api",
    }
}

words! {
    /// How a consent ended.
    WithdrawnBy "withdrawn_by" {
        /// The one-click POST or the button in a mail.
        Unsubscribe = "unsubscribe",
        /// The preference page.
        Preferences = "preferences",
        /// A complaint to the mail provider.
        Complaint = "complaint",
        /// A reply that says so.
        Reply = "reply",
        /// An operator on the contact's word.
        Operator = "operator",
    }
}

/// One consent, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// To what.
    pub topic: TopicId,
    /// In which words.
    pub wording: WordingId,
    /// Where it was given.
    pub source: ConsentSource,
    /// Which form, file or page, and what shows it (a message id, a file hash). No IP address.
    pub proof: String,
    /// When it was given.
    pub given_at: UtcMs,
    /// When the address was confirmed; a consent counts from then on.
    pub confirmed_at: Option<UtcMs>,
    /// When and how it ended.
    pub withdrawn: Option<(UtcMs, WithdrawnBy)>,
}

impl Consent {
    /// Whether it holds: confirmed, and not withdrawn.
    pub fn holds(&self) -> bool {
        self.confirmed_at.is_some() && self.withdrawn.is_none()
    }
}

/// Whether any consent of the ledger covers `topic`.
pub fn covers(ledger: &[Consent], topic: TopicId) -> bool {
    ledger.iter().any(|consent| consent.topic == topic && consent.holds())
}

/// Checks the words of a consent before a version of them is stored.
///
/// # Errors
/// `wording_missing`, `wording_too_long`.
pub fn check_wording(text: &str) -> Result<String, Refused> {
    let text = crate::notes::clean_text(text);
    let text = text.trim().to_owned();
    if text.is_empty() {
        return Err(Refused::new("wording_missing", "say in plain words what one agrees to"));
    }
    if text.chars().count() > WORDING_MAX {
        return Err(Refused::new(
            "wording_too_long",
            format!("say it in {WORDING_MAX} characters or fewer: no one reads more"),
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consent_counts_once_confirmed_and_until_withdrawn() {
        let mut consent = Consent {
            topic: TopicId(1),
            wording: WordingId(1),
            source: ConsentSource::Form,
            proof: "free-chapter".to_owned(),
            given_at: UtcMs(1),
            confirmed_at: None,
            withdrawn: None,
        };
        assert!(!covers(&[consent.clone()], TopicId(1)));
        consent.confirmed_at = Some(UtcMs(2));
        assert!(covers(&[consent.clone()], TopicId(1)));
        assert!(!covers(&[consent.clone()], TopicId(2)));
        let again = consent.clone();
        consent.withdrawn = Some((UtcMs(3), WithdrawnBy::Unsubscribe));
        assert!(!covers(&[consent.clone()], TopicId(1)));
        assert!(covers(&[consent, again], TopicId(1)), "given anew");
        assert_eq!(check_wording(" \n").unwrap_err().code, "wording_missing");
        assert_eq!(check_wording(" Yes,\r\nsend it. ").unwrap(), "Yes,\nsend it.");
    }
}
