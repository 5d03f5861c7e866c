//! Consents: who agreed to what, in which words, where, and when it was taken back.

use serde::{Deserialize, Serialize};

use crate::ids::{ConsentId, WordingId};
use crate::refused::Refused;
use crate::times::UtcMs;
use crate::words::words;

/// Longer wordings are contracts.
pub const WORDING_MAX: usize = 2_000;
/// How long a file behind `/m/…` can be had.
pub const MAGNET_DAYS: i64 = 30;
/// Downloads of one claim; beyond it, the page says to ask for a new mail.
pub const DOWNLOADS_MAX: i64 = 50;

/// The purpose that value and sales mail stand on.
pub const NEWSLETTER: &str = "newsletter";

words! {
    /// What a line of the ledger says.
    Action "consent_action" {
        /// Agreed.
        Granted = "granted",
        /// Took it back.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// Where it was said.
    Source "consent_source" {
        /// A form of ours.
        Form = "form",
        /// The box in the checkout.
        Checkout = "checkout",
        /// A file, under the operator's attestation.
        Import = "import",
        /// Another program, under its key's name.
        Api = "api",
        /// The preference page.
        Preferences = "preferences",
        /// The button of a mail program (RFC 8058).
        OneClick = "one-click",
        /// The page behind the unsubscribe link.
        UnsubscribePage = "unsubscribe-page",
        /// An unsubscribe taken back within its days.
        Undo = "undo",
        /// An operator, who says why.
        Operator = "operator",
        /// A complaint passed on by a mail provider.
        Complaint = "complaint",
        /// Erasure.
        Erasure = "erasure",
    }
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Consent {
    /// Its id; ids ascend with time.
    pub id: ConsentId,
    /// What for: `newsletter`, or a word of the site's own.
    pub purpose: String,
    /// Agreed, or taken back.
    pub action: Action,
    /// In which words.
    pub wording_id: Option<WordingId>,
    /// Where.
    pub source: Source,
    /// The raw id of the form, order, import or message.
    pub source_id: Option<i64>,
    /// What shows it: JSON, never an IP address.
    pub proof: String,
    /// When.
    pub at: UtcMs,
}

/// One version of a text people agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// Its id.
    pub id: WordingId,
    /// What for.
    pub purpose: String,
    /// Counted from 1 for each purpose.
    pub version: i64,
    /// Word for word.
    pub text: String,
}

/// A consent that is waiting for its button, or is being given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What for.
    pub purpose: String,
    /// In which words.
    pub wording: WordingId,
    /// The topic it subscribes to, by slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}

/// The purposes whose last line is a grant, with the wording agreed to.
pub fn held(lines: &[Consent]) -> Vec<(String, Option<WordingId>)> {
    let mut held: Vec<(String, Option<WordingId>)> = Vec::new();
    for line in lines {
        held.retain(|(purpose, _)| *purpose != line.purpose);
        if line.action == Action::Granted {
            held.push((line.purpose.clone(), line.wording_id));
        }
    }
    held
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
    fn what_holds_is_the_last_word_on_each_purpose() {
        let line = |n: i64, purpose: &str, action| Consent {
            id: ConsentId(n),
            purpose: purpose.to_owned(),
            action,
            wording_id: Some(WordingId(n)),
            source: Source::Form,
            source_id: None,
            proof: "{}".to_owned(),
            at: UtcMs(n),
        };
        let ledger = [
            line(1, NEWSLETTER, Action::Granted),
            line(2, "offers", Action::Granted),
            line(3, NEWSLETTER, Action::Withdrawn),
        ];
        assert_eq!(held(&ledger), [("offers".to_owned(), Some(WordingId(2)))]);
        let again = [&ledger[..], &[line(4, NEWSLETTER, Action::Granted)]].concat();
        assert_eq!(held(&again).len(), 2, "given anew");
    }

    #[test]
    fn a_wording_says_something_and_not_too_much() {
        assert_eq!(check_wording(" \n").unwrap_err().code, "wording_missing");
        assert_eq!(check_wording(" Yes,\r\nsend it. ").unwrap(), "Yes,\nsend it.");
    }
}
