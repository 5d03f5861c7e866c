//! Ids: positive 64-bit numbers that sort by time, and how they look outside.
//!
//! 41 bits of milliseconds since [`EPOCH_MS`], 10 bits of node, 12 bits of sequence. Outside they
//! are a prefix and thirteen characters of lower-case Crockford base32: `con_01h2x…`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::refused::Refused;
use crate::times::UtcMs;

/// 2020-01-01T00:00:00Z; 41 bits of milliseconds from here last until 2089.
pub const EPOCH_MS: i64 = 1_577_836_800_000;
/// Bits of the node number in an id.
pub const NODE_BITS: u32 = 10;
/// Of these, the bits that tell one start of a node from the next.
const START_BITS: u32 = 3;
/// Bits of the sequence within one millisecond of one node.
pub const SEQUENCE_BITS: u32 = 12;
/// The last id on record need not be the last one made: how far those after it may have come.
const UNSEEN_MS: i64 = 1_000;
const MS_MAX: i64 = (1 << 41) - 1;
const SEQUENCE_MAX: i64 = (1 << SEQUENCE_BITS) - 1;
const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of an id after its prefix: 64 bits in groups of five.
const BASE32_LEN: usize = 13;

/// Makes ids for one node. Never gives the same id twice, and never a smaller one, even where the
/// clock stands still or goes back.
#[derive(Debug)]
pub struct IdMaker {
    node: i64,
    last_ms: i64,
    sequence: i64,
}

impl IdMaker {
    /// A maker for the start number `start` of node number `node` (the low bits of both are used),
    /// whose ids come after `last`: a clock that was set back while the program was down must not
    /// give an id a second time. The last id on record is not always the last that was made, so
    /// starts that follow one another differ in their bits too.
    pub fn new(node: i64, start: i64, last: Option<i64>) -> Self {
        let last_ms = last.map_or(-1, |id| (id >> (NODE_BITS + SEQUENCE_BITS)) + UNSEEN_MS);
        let node = (node << START_BITS) | (start & ((1 << START_BITS) - 1));
        Self { node: node & ((1 << NODE_BITS) - 1), last_ms, sequence: 0 }
    }

    /// The next id at `now`.
    pub fn next(&mut self, now: UtcMs) -> i64 {
        let ms = now.0.saturating_sub(EPOCH_MS).clamp(0, MS_MAX);
        if ms > self.last_ms {
            (self.last_ms, self.sequence) = (ms, 0);
        } else if self.sequence < SEQUENCE_MAX {
            self.sequence += 1;
        } else {
            // The millisecond is used up: borrow the next one rather than wait.
            (self.last_ms, self.sequence) = (self.last_ms + 1, 0);
        }
        (self.last_ms << (NODE_BITS + SEQUENCE_BITS)) | (self.node << SEQUENCE_BITS) | self.sequence
    }
}

/// The smallest id that can have been made at or after `at`: for key ranges by time.
pub fn first_id_at(at: UtcMs) -> i64 {
    at.0.saturating_sub(EPOCH_MS).clamp(0, MS_MAX) << (NODE_BITS + SEQUENCE_BITS)
}

/// When the id was made.
pub fn made_at(id: i64) -> UtcMs {
    UtcMs((id >> (NODE_BITS + SEQUENCE_BITS)).saturating_add(EPOCH_MS))
}

/// `value` in thirteen characters of lower-case Crockford base32.
pub fn to_base32(value: i64) -> String {
    let mut rest = value.cast_unsigned();
    let mut text = [b'0'; BASE32_LEN];
    for slot in text.iter_mut().rev() {
        let digit = usize::try_from(rest & 31).unwrap_or(0);
        *slot = CROCKFORD.get(digit).copied().unwrap_or(b'0');
        rest >>= 5;
    }
    text.iter().map(|byte| char::from(*byte)).collect()
}

/// The number written as thirteen characters of Crockford base32, in either case.
pub fn from_base32(text: &str) -> Option<i64> {
    if text.len() != BASE32_LEN {
        return None;
    }
    let mut value: u64 = 0;
    for byte in text.bytes() {
        let digit = CROCKFORD.iter().position(|c| *c == byte.to_ascii_lowercase())?;
        value = value.checked_mul(32)?.checked_add(u64::try_from(digit).ok()?)?;
    }
    i64::try_from(value).ok()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl $name {
            /// What stands before the underscore outside.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", Self::PREFIX, to_base32(self.0))
            }
        }

        impl FromStr for $name {
            type Err = Refused;

            fn from_str(text: &str) -> Result<Self, Refused> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(from_base32)
                    .map(Self)
                    .ok_or_else(|| Refused::new(
                        "id_invalid",
                        concat!("an id of this kind looks like ", $prefix, "_01h2xcejqtf2n"),
                    ))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

ids! {
    /// A brand: domain, sender, currency, time zone.
    SiteId "site",
    /// A person who signs in.
    OperatorId "opr",
    /// A signed-in browser.
    SessionId "ses",
    /// A bearer key of the API.
    KeyId "key",
    /// A person we may write to, or who bought.
    ContactId "con",
    /// An opt-in form.
    FormId "frm",
    /// A free thing given for an address.
    MagnetId "mag",
    /// A subject one may subscribe to.
    TopicId "top",
    /// One consent given.
    ConsentId "cns",
    /// One version of a consent's wording.
    WordingId "wrd",
    /// Queued follow-up.
    SequenceId "seq",
    /// One version of a sequence's steps.
    SequenceVersionId "sqv",
    /// One step of a sequence.
    StepId "stp",
    /// One contact's place in a sequence.
    EnrolmentId "enr",
    /// Many contacts put into a sequence at once.
    SequenceRunId "run",
    /// A mail's content, all versions.
    TemplateId "tpl",
    /// One frozen version of a template.
    TemplateVersionId "tpv",
    /// One mail to one contact.
    MessageId "msg",
    /// One try to send a message.
    AttemptId "att",
    /// A tracked link.
    LinkId "lnk",
    /// An owner's own rule for channels.
    ChannelRuleId "chr",
    /// One click.
    ClickId "clk",
    /// A public page.
    PageId "pag",
    /// One version of a page.
    PageVersionId "pgv",
    /// What is sold.
    ProductId "prd",
    /// A product at a price, with a deadline, in a place.
    OfferId "ofr",
    /// Which offer follows which.
    PathId "pth",
    /// A price cut with rules.
    CouponId "cpn",
    /// A checkout being filled in.
    CartId "crt",
    /// A purchase.
    OrderId "ord",
    /// One thing on an order.
    LineId "lin",
    /// One try to be paid.
    PaymentId "pay",
    /// One repayment.
    RefundId "rfd",
    /// One line of the money ledger.
    LedgerLineId "led",
    /// What a buyer may have.
    EntitlementId "ent",
    /// One recommendation that brought someone.
    ReferralId "ref",
    /// One meeting of a contact with a channel.
    TouchId "tch",
    /// Money spent on a channel.
    SpendId "spd",
    /// One thing that happened.
    EventId "evt",
    /// One piece of work to be done.
    JobId "job",
    /// One line of the audit log.
    AuditId "aud",
    /// A stored file.
    FileId "fil",
    /// A short link.
    ShortLinkId "sho",
    /// One import of a file.
    ImportId "imp",
    /// One filled-in form.
    SubmissionId "sub",
    /// One asking whether an address is willing.
    ConfirmationId "cfm",
    /// One contact's right to one free thing.
    ClaimId "clm",
    /// A rule that gives points.
    ScoreRuleId "scr",
    /// A saved rule about contacts.
    SegmentId "seg",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_ascend_even_when_the_clock_goes_back() {
        let mut maker = IdMaker::new(3, 0, None);
        let mut last = 0;
        for n in 0..20_000_i64 {
            let id = maker.next(UtcMs(EPOCH_MS + 5_000 - n / 1_000));
            assert!(id > last);
            last = id;
        }
    }

    #[test]
    fn a_start_gives_no_id_of_the_one_before_it_even_with_its_clock_set_back() {
        let now = UtcMs(EPOCH_MS + 5_000);
        let mut before = IdMaker::new(3, 7, None);
        let made: Vec<i64> = (0..100).map(|_| before.next(now)).collect();
        // Nothing of it is on record.
        let mut after = IdMaker::new(3, 8, None);
        assert!((0..100).all(|_| !made.contains(&after.next(now))));
        // All of it is on record, and the clock was set back.
        let mut after = IdMaker::new(3, 8, made.last().copied());
        let id = after.next(now.plus_ms(-3_000));
        assert!(made.iter().all(|earlier| *earlier < id));
    }

    #[test]
    fn an_id_reads_back_from_its_outside_form() {
        let id = ContactId(IdMaker::new(1, 0, None).next(UtcMs(1_800_000_000_000)));
        assert_eq!(id.to_string().parse::<ContactId>().unwrap(), id);
        assert!("con_short".parse::<ContactId>().is_err());
        assert!(id.to_string().replace("con_", "ord_").parse::<ContactId>().is_err());
        assert_eq!(made_at(id.0), UtcMs(1_800_000_000_000));
    }
}
