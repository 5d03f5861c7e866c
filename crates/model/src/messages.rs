//! Messages: one mail to one contact. Its class, its states, its Message-ID, when it is tried again
//! and when given up. The meaning of the states stands in the manual under *delivery*.

use crate::ids::{MessageId, from_base32, to_base32};
use crate::times::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};
use crate::tokens::{KeyRing, Purpose};
use crate::words::words;

words! {
    /// What kind of mail it is to the one who gets it; decides caps and headers.
    Class "message_class" {
        /// Asked for by what the contact just did: confirmation, receipt, reset. Never capped.
        Transactional = "transactional",
        /// Promised when the address was given: the free thing, the course by mail. Never capped.
        Promised = "promised",
        /// Gives without asking.
        Value = "value",
        /// Asks for money.
        Sales = "sales",
        /// Asks a customer for more money; shares the cap of sales.
        BackEnd = "back-end",
    }
}

impl Class {
    /// Whether one-click unsubscribe headers and consent are needed: all but transactional.
    pub fn needs_unsubscribe(self) -> bool {
        self != Self::Transactional
    }

    /// Whether it counts against, and waits for, the cap on sales mail.
    pub fn is_sales(self) -> bool {
        matches!(self, Self::Sales | Self::BackEnd)
    }

    /// Whether caps may defer it at all.
    pub fn is_capped(self) -> bool {
        matches!(self, Self::Value | Self::Sales | Self::BackEnd)
    }
}

words! {
    /// Where a message comes from, apart from its class.
    SourceKind "message_source" {
        /// Asks to confirm an address.
        Confirmation = "confirmation",
        /// Delivers the free thing.
        Magnet = "magnet",
        /// A step of a sequence.
        Sequence = "sequence",
        /// One mail to many.
        Broadcast = "broadcast",
        /// The one mail after an order.
        Receipt = "receipt",
        /// A cart left behind.
        Cart = "cart",
        /// A referral credited, a setting changed: news about what the contact did.
        Notice = "notice",
        /// A link to sign in again.
        Reset = "reset",
        /// Sent by hand to try it out.
        Test = "test",
    }
}

impl SourceKind {
    /// How long the first try is worth making, from when the message was due; nothing: always.
    /// Confirmations answer a person who waits; a receipt is owed for ever.
    pub fn worth_for_ms(self) -> Option<i64> {
        match self {
            Self::Receipt => None,
            Self::Confirmation | Self::Reset | Self::Test => Some(DAY_MS),
            Self::Notice => Some(5 * DAY_MS),
            Self::Cart => Some(3 * DAY_MS),
            Self::Magnet | Self::Sequence | Self::Broadcast => Some(30 * DAY_MS),
        }
    }

    /// When a message due at `due` expires unsent.
    pub fn expires_at(self, due: UtcMs) -> Option<UtcMs> {
        self.worth_for_ms().map(|ms| due.plus_ms(ms))
    }

    /// How long after its first try a message is still tried again (deliverability §4).
    pub fn retry_for_ms(self) -> i64 {
        match self {
            Self::Confirmation | Self::Reset | Self::Test => DAY_MS,
            Self::Receipt => 5 * DAY_MS,
            Self::Magnet | Self::Sequence | Self::Broadcast | Self::Cart | Self::Notice => {
                3 * DAY_MS
            }
        }
    }
}

words! {
    /// Where a message stands.
    State "message_state" {
        /// Due later, or kept back by a cap.
        Planned = "planned",
        /// Content frozen; waits to be claimed.
        Queued = "queued",
        /// Claimed by a sender (W1).
        Leased = "leased",
        /// Our final dot may have left (W2).
        Committing = "committing",
        /// The server took responsibility (W3).
        Accepted = "accepted",
        /// The server said 4xx; waits for its next try.
        Deferred = "deferred",
        /// The server said 5xx, or the tries are used up.
        Failed = "failed",
        /// We died between dot and answer: perhaps sent.
        Unknown = "unknown",
        /// The contact must not get it.
        Suppressed = "suppressed",
        /// Its cause was withdrawn.
        Cancelled = "cancelled",
        /// Too late to be of use.
        Expired = "expired",
        /// Waits for a person: it does not render, or a guard is closed.
        Held = "held",
    }
}

impl State {
    /// Whether nothing moves it any more but an operator.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Accepted | Self::Failed | Self::Suppressed | Self::Cancelled | Self::Expired
        )
    }

    /// Whether it ended without being sent, for a reason of ours (`message.skipped`).
    pub fn is_skipped(self) -> bool {
        matches!(self, Self::Suppressed | Self::Cancelled | Self::Expired)
    }
}

/// The Message-ID of a message, fixed when its row is made: `<m1.{id}.{check}@{domain}>`. It names
/// no one, reads back from a bounce, and its check tells a forged one.
pub fn message_id_text(keys: &KeyRing, id: MessageId, domain: &str) -> String {
    let key = keys.derive(Purpose::MessageId);
    let id = to_base32(id.0);
    let check = check_of(&key, &id);
    format!("<m1.{id}.{check}@{domain}>")
}

/// The message a Message-ID names, if it is one of ours by any key of the ring. Angle brackets may
/// be missing, and what follows the `@` is not looked at: relays rewrite it.
pub fn read_message_id(keys: &KeyRing, text: &str) -> Option<MessageId> {
    let text = text.trim().trim_start_matches('<').trim_end_matches('>');
    let (left, _) = text.split_once('@')?;
    let mut parts = left.split('.');
    let (tag, id, check) = (parts.next()?, parts.next()?, parts.next()?);
    if !tag.eq_ignore_ascii_case("m1") || parts.next().is_some() {
        return None;
    }
    let number = from_base32(id)?;
    let id = to_base32(number);
    let check = check.to_ascii_lowercase();
    keys.derive_all(Purpose::MessageId)
        .any(|key| crate::tokens::equal(check_of(&key, &id).as_bytes(), check.as_bytes()))
        .then_some(MessageId(number))
}

/// Four characters of base32: twenty bits of a keyed hash of the id.
fn check_of(key: &[u8; 32], id: &str) -> String {
    let mac = crate::tokens::mac(key, id.as_bytes());
    let head = mac.first_chunk::<4>().copied().unwrap_or_default();
    to_base32(i64::from(u32::from_be_bytes(head) >> 12)).chars().skip(9).collect()
}

/// Waits between tries, in minutes; the last repeats.
const RETRY_MINUTES: [i64; 6] = [1, 5, 15, 30, 60, 120];
/// Retries of many messages that failed together are spread by this much either way.
pub const JITTER_PERMILLE: i64 = 200;

/// How long to wait after failed try number `tries` (1 for the first). `jitter_permille` is chance
/// from outside, held within ±[`JITTER_PERMILLE`].
pub fn retry_after_ms(tries: u32, jitter_permille: i64) -> i64 {
    let at = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    let minutes = RETRY_MINUTES.get(at).or(RETRY_MINUTES.last()).copied().unwrap_or(120);
    let wait = minutes * MINUTE_MS;
    wait + wait * jitter_permille.clamp(-JITTER_PERMILLE, JITTER_PERMILLE) / 1000
}

/// When to try next after try number `tries` failed at `now`, or nothing when the time is up.
pub fn next_try(
    source: SourceKind,
    first_try: UtcMs,
    now: UtcMs,
    tries: u32,
    jitter_permille: i64,
) -> Option<UtcMs> {
    let next = now.plus_ms(retry_after_ms(tries, jitter_permille));
    (next.since_ms(first_try) <= source.retry_for_ms()).then_some(next)
}

/// One sales or back-end mail to a contact in this long.
pub const SALES_EVERY_DAYS: i64 = 7;
/// With "less often": one value or sales mail in this long.
pub const LESS_OFTEN_DAYS: i64 = 14;
/// A broadcast first seen this long after its time is held with a question.
pub const BROADCAST_LATE_MS: i64 = 6 * HOUR_MS;
/// While catching up, a sequence sends a contact one step in this long at most.
pub const CATCH_UP_MS: i64 = 20 * HOUR_MS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_database() {
        assert_eq!(State::Committing.as_str(), "committing");
        assert_eq!("back-end".parse::<Class>().unwrap(), Class::BackEnd);
        assert_eq!("spam".parse::<Class>().unwrap_err().code, "message_class");
        assert_eq!(serde_json::to_string(&State::Held).unwrap(), "\"held\"");
        assert_eq!(serde_json::from_str::<State>("\"held\"").unwrap(), State::Held);
    }

    #[test]
    fn a_message_id_reads_back_and_a_forged_one_does_not() {
        let keys = KeyRing::new(3, [5; 32]);
        let id = MessageId(1_234_567_890_123_456_789);
        let text = message_id_text(&keys, id, "mail.shop.example");
        assert!(text.starts_with("<m1.") && text.ends_with("@mail.shop.example>"), "{text}");
        let (left, _) = text.split_once('@').unwrap();
        assert_eq!(left.len(), "<m1.".len() + 13 + 1 + 4);
        assert_eq!(read_message_id(&keys, &text), Some(id));
        assert_eq!(read_message_id(&keys, &text.to_uppercase()), Some(id));
        assert_eq!(read_message_id(&KeyRing::new(3, [6; 32]), &text), None);
        let rotated = KeyRing::new(4, [6; 32]).with_old(3, [5; 32]);
        assert_eq!(read_message_id(&rotated, &text), Some(id));
        let forged = message_id_text(&KeyRing::new(3, [6; 32]), id, "mail.shop.example");
        assert_eq!(read_message_id(&keys, &forged), None);
        for bad in ["", "<m1@x>", "<m1.abc.d@x>", "<m2.0000000000000.0000@x>", "no at"] {
            assert_eq!(read_message_id(&keys, bad), None, "{bad}");
        }
    }

    #[test]
    fn retries_space_out_and_stop() {
        let waits: Vec<i64> = (1..=8).map(|n| retry_after_ms(n, 0) / MINUTE_MS).collect();
        assert_eq!(waits, [1, 5, 15, 30, 60, 120, 120, 120]);
        assert_eq!(retry_after_ms(1, 5_000), 72_000);
        assert_eq!(retry_after_ms(1, -5_000), 48_000);
        let start = UtcMs(1_800_000_000_000);
        for (source, hours) in
            [(SourceKind::Confirmation, 24), (SourceKind::Sequence, 72), (SourceKind::Receipt, 120)]
        {
            let (mut now, mut tries) = (start, 1);
            while let Some(next) = next_try(source, start, now, tries, 0) {
                (now, tries) = (next, tries + 1);
            }
            let tried_for = now.since_ms(start);
            assert!(tried_for <= hours * HOUR_MS && tried_for > (hours - 3) * HOUR_MS);
        }
        assert_eq!(SourceKind::Receipt.expires_at(start), None);
        assert_eq!(SourceKind::Confirmation.expires_at(start), Some(start.plus_days(1)));
    }
}
