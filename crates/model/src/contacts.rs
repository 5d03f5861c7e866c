//! Contacts: where one stands with us, and which mail one may get.

use std::collections::BTreeMap;

use crate::ids::ContactId;
use crate::messages::Class;
use crate::notes::clean_line;
use crate::times::{DAY_MS, HOUR_MS, UtcMs};
use crate::words::words;

words! {
    /// Where a contact stands.
    Status "contact_status" {
        /// Left an address, has not confirmed it.
        Pending = "pending",
        /// Confirmed.
        Confirmed = "confirmed",
        /// Withdrew from everything but what is owed.
        Unsubscribed = "unsubscribed",
        /// Mail does not arrive, or was complained of.
        Suppressed = "suppressed",
    }
}

/// One person of one site.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// The address on the wire; empty once erased.
    pub email: String,
    /// What makes two addresses one contact.
    pub email_key: String,
    /// The address as a keyed hash; all that is left after erasure.
    pub address_hmac: String,
    /// How it stands.
    pub status: Status,
    /// Given name; may be empty.
    pub first_name: String,
    /// Family name; may be empty.
    pub last_name: String,
    /// Its id in another program.
    pub external_id: Option<String>,
    /// BCP 47 tag.
    pub language: Option<String>,
    /// IANA name; the site's where absent.
    pub timezone: Option<String>,
    /// Further fields by key.
    pub fields: BTreeMap<String, String>,
    /// Left out of all figures; may be fast-forwarded.
    pub is_test: bool,
    /// Wants no sales mail.
    pub no_sales: bool,
    /// Wants one value or sales mail in 14 days at most.
    pub less_often: bool,
    /// Wants nothing but transactional mail until then.
    pub paused_until: Option<UtcMs>,
    /// When it came.
    pub created_at: UtcMs,
    /// When it was last changed.
    pub updated_at: UtcMs,
    /// When it first confirmed.
    pub confirmed_at: Option<UtcMs>,
    /// When it unsubscribed, if it is unsubscribed.
    pub unsubscribed_at: Option<UtcMs>,
    /// When it was erased.
    pub erased_at: Option<UtcMs>,
}

impl Contact {
    /// Given and family name; the address where both are missing.
    pub fn name(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        let name = name.trim();
        if name.is_empty() { self.email.clone() } else { name.to_owned() }
    }

    /// Whether only the tombstone is left.
    pub fn is_erased(&self) -> bool {
        self.erased_at.is_some()
    }

    /// Whether it asked for a pause that still lasts.
    pub fn is_paused(&self, now: UtcMs) -> bool {
        self.paused_until.is_some_and(|until| until > now)
    }
}

/// Characters of a name.
pub const NAME_MAX: usize = 200;
/// Characters of a tag.
pub const TAG_MAX: usize = 80;
/// Characters of a further field.
pub const FIELD_MAX: usize = 5_000;
/// How long "pause" lasts.
pub const PAUSE_DAYS: i64 = 30;
/// How long an unsubscribe can be taken back from its page.
pub const UNDO_DAYS: i64 = 7;

/// A tag as it is stored: one line in lower case; nothing where none is left or it is too long.
pub fn tag(text: &str) -> Option<String> {
    let tag = clean_line(text).to_lowercase();
    (!tag.is_empty() && tag.chars().count() <= TAG_MAX).then_some(tag)
}

/// One line as typed, cleaned and cut to `max` characters.
pub fn clean(text: &str, max: usize) -> String {
    clean_line(text).chars().take(max).collect()
}

words! {
    /// Why an address must not be written to.
    SuppressionReason "suppression_reason" {
        /// No such mailbox.
        HardBounce = "hard_bounce",
        /// The reader pressed "spam".
        Complaint = "complaint",
        /// Asked to hear no more.
        Unsubscribe = "unsubscribe",
        /// An operator said so.
        Manual = "manual",
        /// Erased on request: a keyed hash alone remembers it.
        Erasure = "erasure",
        /// On a list of such addresses that was imported.
        Import = "import",
    }
}

words! {
    /// Which mail a suppression holds back.
    SuppressionScope "suppression_scope" {
        /// All of it.
        All = "all",
        /// All but transactional.
        Marketing = "marketing",
    }
}

impl SuppressionReason {
    /// Which mail it holds back.
    pub fn scope(self) -> SuppressionScope {
        match self {
            Self::HardBounce | Self::Complaint => SuppressionScope::All,
            Self::Unsubscribe | Self::Manual | Self::Erasure | Self::Import => {
                SuppressionScope::Marketing
            }
        }
    }
}

words! {
    /// Why a contact does not get a mail.
    WhyNot "why_not" {
        /// The address is not confirmed.
        NotConfirmed = "not_confirmed",
        /// Unsubscribed from everything.
        Unsubscribed = "unsubscribed",
        /// The address does not take mail, or complained.
        Suppressed = "suppressed",
        /// Gave no consent to this.
        NoConsent = "no_consent",
        /// Wants news, but nothing that sells.
        NoSales = "no_sales",
        /// Asked for a pause that still lasts.
        Paused = "paused",
        /// Only the tombstone is left.
        Erased = "erased",
    }
}

/// What decides whether a contact gets a mail now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The status.
    pub status: Status,
    /// The gravest suppression of the address, and since when.
    pub suppression: Option<(SuppressionReason, UtcMs)>,
    /// Whether a consent covers the topic of the mail. Asked for all but transactional ones.
    pub consent: bool,
    /// Whether the contact asked for a pause that still lasts.
    pub paused: bool,
    /// Whether the contact stopped sales mail and keeps the news.
    pub sales_stopped: bool,
    /// Whether this mail answers what the contact has just done: an order paid in this session.
    pub just_bought: bool,
}

/// A hard bounce holds back even receipts for this long; then one may try again.
pub const BOUNCE_HOLDS_MS: i64 = 30 * DAY_MS;

/// Why this contact must not get a mail of `class` at `now`; nothing if it may.
pub fn why_not(class: Class, standing: &Standing, now: UtcMs) -> Option<WhyNot> {
    if class == Class::Transactional {
        let held = match standing.suppression {
            Some((SuppressionReason::HardBounce, since)) => now.since_ms(since) < BOUNCE_HOLDS_MS,
            Some((SuppressionReason::Complaint, _)) => !standing.just_bought,
            _ => false,
        };
        return held.then_some(WhyNot::Suppressed);
    }
    if standing.suppression.is_some() {
        return Some(match standing.suppression {
            Some((SuppressionReason::Unsubscribe, _)) => WhyNot::Unsubscribed,
            _ => WhyNot::Suppressed,
        });
    }
    match standing.status {
        Status::Pending => Some(WhyNot::NotConfirmed),
        Status::Unsubscribed => Some(WhyNot::Unsubscribed),
        Status::Suppressed => Some(WhyNot::Suppressed),
        Status::Confirmed if !standing.consent => Some(WhyNot::NoConsent),
        Status::Confirmed if standing.paused => Some(WhyNot::Paused),
        Status::Confirmed if standing.sales_stopped && class.is_sales() => Some(WhyNot::NoSales),
        Status::Confirmed => None,
    }
}

/// A contact that never confirms is forgotten after this long, unless it bought or wrote.
pub const PENDING_KEPT_DAYS: i64 = 30;
/// A link to confirm holds this long.
pub const CONFIRM_LINK_DAYS: i64 = 7;

/// The least time between two confirmation mails to one address.
pub const CONFIRMATION_EVERY_MS: i64 = HOUR_MS;
/// Confirmation mails to one address while it is pending.
pub const CONFIRMATIONS_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMs = UtcMs(1_800_000_000_000);
    const FINE: Standing = Standing {
        status: Status::Confirmed,
        suppression: None,
        consent: true,
        paused: false,
        sales_stopped: false,
        just_bought: false,
    };

    #[test]
    fn an_unconfirmed_contact_gets_transactional_mail_alone() {
        let pending = Standing { status: Status::Pending, ..FINE };
        for class in Class::ALL {
            let wanted = (class != Class::Transactional).then_some(WhyNot::NotConfirmed);
            assert_eq!(why_not(class, &pending, NOW), wanted, "{class}");
            assert_eq!(why_not(class, &FINE, NOW), None, "{class}");
        }
    }

    #[test]
    fn suppressions_hold_back_what_they_are_for() {
        use SuppressionReason::{Complaint, HardBounce, Unsubscribe};
        let with = |reason, days: i64| Standing {
            suppression: Some((reason, NOW.plus_days(-days))),
            ..FINE
        };
        let receipt = |standing: Standing| why_not(Class::Transactional, &standing, NOW);
        assert_eq!(receipt(with(HardBounce, 29)), Some(WhyNot::Suppressed));
        assert_eq!(receipt(with(HardBounce, 30)), None);
        assert_eq!(receipt(with(Complaint, 300)), Some(WhyNot::Suppressed));
        assert_eq!(receipt(Standing { just_bought: true, ..with(Complaint, 1) }), None);
        assert_eq!(receipt(with(Unsubscribe, 1)), None);
        assert_eq!(
            why_not(Class::Promised, &with(Unsubscribe, 1), NOW),
            Some(WhyNot::Unsubscribed)
        );
        assert_eq!(why_not(Class::Value, &with(HardBounce, 90), NOW), Some(WhyNot::Suppressed));
    }

    #[test]
    fn consent_and_the_wish_for_no_sales_are_kept() {
        let stopped = Standing { sales_stopped: true, ..FINE };
        assert_eq!(why_not(Class::BackEnd, &stopped, NOW), Some(WhyNot::NoSales));
        assert_eq!(why_not(Class::Value, &stopped, NOW), None);
        let none = Standing { consent: false, ..FINE };
        assert_eq!(why_not(Class::Sales, &none, NOW), Some(WhyNot::NoConsent));
        assert_eq!(why_not(Class::Transactional, &none, NOW), None);
    }

    #[test]
    fn a_tag_is_one_line_in_lower_case() {
        assert_eq!(tag("  Free   Chapter "), Some("free chapter".to_owned()));
        assert_eq!(tag(" \u{200b} "), None);
        assert_eq!(tag(&"x".repeat(81)), None);
        assert_eq!(clean("日本語", 2), "日本");
    }
}
