//! What a server's answer at SMTP time means: from codes and words to one [`Class`].
//!
//! Order: an enhanced code that says enough → the server's words → the basic code → unknown.
//! Words come before the basic code because 550 and 554 alone say nothing; they come after the
//! enhanced code because `5.7.26` in a text about users is still a policy answer. The enhanced
//! codes are those of the IANA registry (RFC 3463 and its successors).

use crate::outcome::Stage;
use crate::reply::{Enhanced, Reply};

/// What an answer means for the address, the mail and the relay (deliverability.md §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// The address does not exist: suppress at once.
    NoSuchUser,
    /// The mailbox exists and takes no mail: suppress after two mails in seven days.
    Disabled,
    /// The domain does not exist or takes no mail: suppress after three mails in seven days.
    BadDomain,
    /// The mailbox or its host is full: retry; suppress after five mails in 30 days.
    Full,
    /// Too big, or content the server cannot take: our fault, tell the author.
    TooBig,
    /// Authentication, policy or reputation: never suppress; pause the group, show the words.
    Policy,
    /// The mailbox has a new owner (RFC 7293): suppress.
    OwnerChanged,
    /// Greylisting or a rate limit: retry, more slowly.
    Rate,
    /// One of the two sides does not speak SMTP as the other understands it: hold and alert.
    Protocol,
    /// The network or the connection: nothing about the address or the mail.
    Connection,
    /// The relay as it is set up here: password, TLS, not allowed to relay. Pause the relay.
    Relay,
    /// Nothing known: soft.
    Unknown,
}

impl Class {
    /// Every class, for pages and tests.
    pub const ALL: [Self; 12] = [
        Self::NoSuchUser,
        Self::Disabled,
        Self::BadDomain,
        Self::Full,
        Self::TooBig,
        Self::Policy,
        Self::OwnerChanged,
        Self::Rate,
        Self::Protocol,
        Self::Connection,
        Self::Relay,
        Self::Unknown,
    ];

    /// The word stored and shown: `no_such_user`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSuchUser => "no_such_user",
            Self::Disabled => "disabled",
            Self::BadDomain => "bad_domain",
            Self::Full => "full",
            Self::TooBig => "too_big",
            Self::Policy => "policy",
            Self::OwnerChanged => "owner_changed",
            Self::Rate => "rate",
            Self::Protocol => "protocol",
            Self::Connection => "connection",
            Self::Relay => "relay",
            Self::Unknown => "unknown",
        }
    }

    /// The class of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }

    /// Whether one such answer is enough never to write to the address again.
    pub fn suppresses_at_once(self) -> bool {
        matches!(self, Self::NoSuchUser | Self::OwnerChanged)
    }

    /// After how many mails answered like this within how many days nothing more is sent to the
    /// address; `None` where they say nothing of it, or one is enough.
    pub fn suppresses_after(self) -> Option<(i64, i64)> {
        match self {
            Self::Disabled => Some((2, 7)),
            Self::BadDomain => Some((3, 7)),
            Self::Full => Some((5, 30)),
            _ => None,
        }
    }
}

/// What `reply`, given at `stage`, means. Meant for 4xx and 5xx.
pub fn classify(stage: Stage, reply: &Reply) -> Class {
    let words = reply.text.to_lowercase();
    // A relay that wants a login says so with any of these, whatever the enhanced code.
    if matches!(reply.code, 530 | 534 | 535 | 538) || stage == Stage::Auth {
        return if reply.is_transient() { Class::Connection } else { Class::Relay };
    }
    if reply.code == 421 && reply.enhanced.is_none_or(|code| code.subject != 7) {
        return if mentions(&words, RATE_WORDS) { Class::Rate } else { Class::Connection };
    }
    reply
        .enhanced
        .and_then(|code| by_enhanced(code, &words))
        .or_else(|| by_words(stage, reply, &words))
        .or_else(|| by_basic(stage, reply))
        .unwrap_or(Class::Unknown)
}

/// The class of an enhanced code alone; `None` where the code is too general to decide
/// (`x.0.0`, `5.1.0`, `5.2.0`, `5.4.1`, `5.5.0`: servers use those for anything).
fn by_enhanced(enhanced: Enhanced, words: &str) -> Option<Class> {
    let permanent = enhanced.class == 5;
    let class = match (enhanced.subject, enhanced.detail) {
        (1, 1 | 3 | 6) if permanent => Class::NoSuchUser,
        (1, 2 | 10) => Class::BadDomain,
        (1, 7..=9) => Class::Policy, // our sender address: nothing about the recipient
        (2, 1) if permanent => Class::Disabled,
        (2, 1) => Class::Rate, // 4.2.1: "is receiving mail at a rate that…"
        (2, 2) => Class::Full,
        (2, 3) => Class::TooBig,
        (3, 1) => Class::Full,
        (3, 4) => Class::TooBig,
        (4, 4) => Class::BadDomain,
        (4, 1 | 2 | 5 | 7) if !permanent => Class::Connection,
        (5, 3) => Class::Rate, // too many recipients
        (5, 1..=6) => Class::Protocol,
        (6, _) => Class::TooBig,
        (7, 13) => Class::Disabled,
        (7, 17 | 18) => Class::OwnerChanged,
        (7, _) if mentions(words, RELAY_WORDS) => Class::Relay,
        (7, _) if permanent => Class::Policy,
        (7, _) => Class::Rate,
        _ => return None,
    };
    Some(class)
}

/// Words of a relay that does not know us.
const RELAY_WORDS: &[&str] = &[
    "relay access denied",
    "relaying denied",
    "relay not permitted",
    "relaying not allowed",
    "not permitted to relay",
    "authentication required",
    "authentication is required",
    "must issue a starttls",
];

const RATE_WORDS: &[&str] = &[
    "too many",
    "rate limit",
    "rate that",
    "throttl",
    "try again later",
    "greylist",
    "graylist",
    "greylisting",
    "temporarily deferred",
    "unusual rate",
    "server busy",
    "temporarily rejected",
    "deferred due to",
    "exceeded the",
];

const POLICY_WORDS: &[&str] = &[
    "blocked",
    "block list",
    "blocklist",
    "blacklist",
    "black list",
    "denylist",
    "spamhaus",
    "spamcop",
    "barracuda",
    "sorbs",
    "dnsbl",
    "rbl",
    "reputation",
    "spam",
    "unsolicited",
    "dmarc",
    "dkim",
    "spf",
    "unauthenticated",
    "reject due to policy",
    "policy reasons",
    "policy violation",
    "banned",
    "reverse dns",
    "ptr record",
    "not authorized to send",
    "sender rejected",
    "sender address rejected",
    "sender verify failed",
];

const NO_SUCH_USER_WORDS: &[&str] = &[
    "user unknown",
    "unknown user",
    "no such user",
    "nosuchuser",
    "no such recipient",
    "no such mailbox",
    "no mailbox here",
    "unknown recipient",
    "recipient unknown",
    "unknown mailbox",
    "unknown local part",
    "unrouteable address",
    "invalid recipient",
    "recipient not found",
    "user not found",
    "mailbox not found",
    "address not found",
    "does not exist",
    "doesn't exist",
    "not a valid mailbox",
    "not a valid recipient",
    "is not a known user",
    "mailbox unavailable",
    "account not found",
    "recipient address rejected: access denied",
    "doesn't have a",
    "no user here",
];

const DISABLED_WORDS: &[&str] = &[
    "account is disabled",
    "account disabled",
    "account that you tried to reach is disabled",
    "account has been disabled",
    "account is inactive",
    "account inactive",
    "mailbox disabled",
    "mailbox is disabled",
    "mailbox is inactive",
    "user is suspended",
    "account suspended",
    "account has been suspended",
    "no longer accepts mail",
    "is not accepting mail",
];

const FULL_WORDS: &[&str] = &[
    "mailbox full",
    "mailbox is full",
    "quota",
    "over quota",
    "out of storage",
    "insufficient storage",
    "insufficient system storage",
    "insufficient disk",
    "no space left",
    "inbox is full",
    "storage allocation",
    "account is full",
];

const TOO_BIG_WORDS: &[&str] = &[
    "message size exceeds",
    "message exceeds",
    "message too large",
    "message too big",
    "size limit",
    "maximum message size",
    "file size",
];

const BAD_DOMAIN_WORDS: &[&str] = &[
    "domain not found",
    "host unknown",
    "unknown host",
    "no such domain",
    "unknown domain",
    "null mx",
    "does not accept mail",
    "domain does not exist",
];

fn mentions(words: &str, any_of: &[&str]) -> bool {
    any_of.iter().any(|needle| words.contains(needle))
}

/// The class of the server's words. Words about a missing user count only in a 5xx: a 450 "user
/// unknown" is a server that has lost its directory for the moment.
fn by_words(stage: Stage, reply: &Reply, words: &str) -> Option<Class> {
    if mentions(words, RELAY_WORDS) {
        return Some(Class::Relay);
    }
    if mentions(words, FULL_WORDS) && !mentions(words, TOO_BIG_WORDS) {
        return Some(Class::Full);
    }
    if mentions(words, TOO_BIG_WORDS) {
        return Some(Class::TooBig);
    }
    if reply.is_permanent() {
        if mentions(words, DISABLED_WORDS) {
            return Some(Class::Disabled);
        }
        // "blocked: no such user" is rarer than "user unknown in reputation filter"; a wrong
        // "no such user" would suppress a customer for ever, so policy words go first.
        if mentions(words, POLICY_WORDS) {
            return Some(Class::Policy);
        }
        let about_recipient = matches!(stage, Stage::Rcpt | Stage::Dot | Stage::Data);
        if about_recipient && mentions(words, NO_SUCH_USER_WORDS) {
            return Some(Class::NoSuchUser);
        }
    }
    if stage != Stage::Mail && mentions(words, BAD_DOMAIN_WORDS) {
        return Some(Class::BadDomain);
    }
    if mentions(words, RATE_WORDS) {
        return Some(Class::Rate);
    }
    None
}

fn by_basic(stage: Stage, reply: &Reply) -> Option<Class> {
    match reply.code {
        450 | 451 => Some(Class::Rate),
        452 => Some(Class::Full),
        454 | 455 => Some(Class::Protocol),
        552 if stage == Stage::Rcpt => Some(Class::Full),
        552 => Some(Class::TooBig),
        500..=504 | 555 => Some(Class::Protocol),
        521 | 556 => Some(Class::BadDomain),
        554 if matches!(stage, Stage::Greeting | Stage::Hello) => Some(Class::Policy),
        _ if reply.is_positive() || (300..400).contains(&reply.code) => Some(Class::Protocol),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::{Parsed, parse};

    fn class(stage: Stage, text: &str) -> Class {
        match parse(format!("{text}\r\n").as_bytes()) {
            Parsed::Reply(reply, _) => classify(stage, &reply),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn answers_of_real_servers_fall_into_their_classes() {
        use Stage::{Dot, Greeting, Mail, Rcpt};
        for (stage, text, want) in [
            (
                Rcpt,
                "550 5.1.1 <x@y.test>: Recipient address rejected: User unknown",
                "no_such_user",
            ),
            (Rcpt, "550 user unknown", "no_such_user"),
            (Rcpt, "550 5.5.0 Requested action not taken: mailbox unavailable", "no_such_user"),
            (Rcpt, "550 5.4.1 Recipient address rejected: Access denied.", "no_such_user"),
            (Rcpt, "550 NoSuchUser", "no_such_user"),
            (Rcpt, "550", "unknown"),
            (Rcpt, "450 user unknown", "rate"),
            (Rcpt, "450 4.1.1 unverified address", "rate"),
            (Rcpt, "550 5.2.1 The email account that you tried to reach is disabled.", "disabled"),
            (Rcpt, "525 5.7.13 user account disabled", "disabled"),
            (Rcpt, "556 5.1.10 null MX", "bad_domain"),
            (Rcpt, "452 4.2.2 The email account that you tried to reach is over quota", "full"),
            (Rcpt, "552 5.2.2 mailbox full", "full"),
            (Mail, "452 4.3.1 Insufficient system storage", "full"),
            (Mail, "552 5.3.4 Message size exceeds fixed limit", "too_big"),
            (Mail, "552 message size exceeds fixed maximum message size", "too_big"),
            (Dot, "552 5.2.3 Your message exceeded Google's message size limits.", "too_big"),
            (Dot, "554 5.6.0 bad header", "too_big"),
            (Dot, "550-5.7.26 Unauthenticated email from x.test is not accepted", "policy"),
            (Dot, "550 5.7.515 Access denied, sending domain does not meet", "policy"),
            (Rcpt, "554 Service unavailable; Client host blocked using zen.spamhaus.org", "policy"),
            (Rcpt, "554 5.7.1 Service unavailable; blocked using zen.spamhaus.org", "policy"),
            (Greeting, "554 no SMTP service here", "policy"),
            (Rcpt, "550 5.7.17 mailbox owner has changed", "owner_changed"),
            (Rcpt, "450 4.7.1 Greylisted, try again in 300 s", "rate"),
            (Rcpt, "451 greylisted", "rate"),
            (Dot, "421 4.7.0 [TSS04] Messages from 1.2.3.4 temporarily deferred", "rate"),
            (Rcpt, "450-4.2.1 The user you are trying to contact is receiving mail at", "rate"),
            (Rcpt, "452 4.5.3 too many recipients", "rate"),
            (Rcpt, "501 5.5.4 Invalid arguments", "protocol"),
            (Rcpt, "503 bad sequence", "protocol"),
            (Mail, "421 4.3.2 shutting down", "connection"),
            (Mail, "530 5.7.0 Must issue a STARTTLS command first", "relay"),
            (Rcpt, "554 5.7.1 <x@y.test>: Relay access denied", "relay"),
            (Stage::Auth, "535 5.7.8 bad credentials", "relay"),
            (Stage::Auth, "454 4.7.0 temporary", "connection"),
            (Mail, "550 5.1.8 sender domain not found", "policy"),
        ] {
            let text_last = text.replacen("550-", "550 ", 1).replacen("450-", "450 ", 1);
            assert_eq!(class(stage, &text_last).as_str(), want, "{text}");
        }
    }

    #[test]
    fn class_words_go_both_ways() {
        for class in Class::ALL {
            assert_eq!(Class::from_word(class.as_str()), Some(class));
        }
        assert_eq!(Class::from_word("nobody"), None);
    }
}
