//! One mail, from a plain [`Letter`] to its final bytes.
//!
//! The same letter gives the same bytes, today and after a crash: the boundary comes from the
//! Message-ID, the date is part of the letter, the encoding is always quoted-printable. Everything
//! is 7-bit, lines end in CRLF and are at most 76 octets long (a URL in List-Unsubscribe excepted:
//! those headers are folded only at the comma, because a folded URL broke signatures at receivers).
//! Text from outside can never reach a header as anything but text: control characters become
//! spaces, and what could be read as an encoded word is encoded.

mod headers;
mod words;

use std::fmt::Write as _;

use model::{EmailAddr, Refused, UtcMs};
use ring::digest::{SHA256, digest};

use crate::dkim::Signer;
use crate::mailbox::Mailbox;
use crate::smtp::Envelope;
use headers::Headers;

/// Octets of a line in what we write (RFC 2045 §6.7 for bodies, RFC 5322 §2.1.1 advises 78).
pub const LINE_MAX: usize = 76;
/// Characters of a subject; what is longer is cut.
pub const SUBJECT_MAX: usize = 200;
/// Characters of a display name; what is longer is cut.
pub const NAME_MAX: usize = 64;

/// Everything a mail is made of. One recipient, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// A verified sender; its domain is the one that signs.
    pub from: Mailbox,
    /// The one recipient.
    pub to: Mailbox,
    /// A mailbox somebody reads, where it is not `from`.
    pub reply_to: Option<Mailbox>,
    /// As written by the author; control characters become spaces, 200 characters are kept.
    pub subject: String,
    /// The plain text, any line ends.
    pub text: String,
    /// The HTML, where there is one.
    pub html: Option<String>,
    /// Fixed when the message row is inserted; with or without angle brackets.
    pub message_id: String,
    /// Fixed when the message is first claimed.
    pub date: UtcMs,
    /// One-click unsubscribe: all but transactional mail carries it.
    pub list_unsubscribe: Option<ListUnsubscribe>,
    /// `Name <list.domain>`: marketing only.
    pub list_id: Option<ListId>,
    /// For Gmail's Postmaster Tools: marketing only.
    pub feedback_id: Option<FeedbackId>,
    /// How other machines should treat it.
    pub automation: Automation,
    /// The bounce address: VERP where a mailbox reads bounces; `None` is the null sender.
    pub envelope_from: Option<EmailAddr>,
}

/// Where one unsubscribes. The `https` address must take `POST List-Unsubscribe=One-Click`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListUnsubscribe {
    /// `https://…/u/TOKEN`. With `http:` (a demo on loopback) the one-click header is left out,
    /// because RFC 8058 allows it for https only.
    pub url: String,
    /// `unsub+TOKEN@…`, where a mailbox reads it.
    pub mailto: Option<EmailAddr>,
}

/// The List-Id header: a name and an identifier in the form of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListId {
    /// For people; may be empty.
    pub name: String,
    /// `news.shop.example`.
    pub id: String,
}

/// The four parts of Feedback-ID; the last is always `tundish`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedbackId {
    /// The broadcast or sequence step.
    pub campaign: String,
    /// The list.
    pub list: String,
    /// The sender.
    pub account: String,
}

/// Whether a mail answers something a person did, or is one of a mailing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Automation {
    /// Receipts, resets, confirmations: `Auto-Submitted: auto-generated` (RFC 3834).
    Generated,
    /// Newsletters and sequences: no such header.
    Mailing,
    /// An answer to a mail: `Auto-Submitted: auto-replied`.
    Reply,
}

impl Letter {
    /// From whom to whom this letter goes on the wire, with the size of its `bytes`.
    pub fn envelope(&self, bytes: &[u8]) -> Envelope {
        let (from, to) = (self.envelope_from.clone(), self.to.address.clone());
        Envelope { from, to, size: None }.sized(bytes.len())
    }
}

/// The bytes of a letter, unsigned.
///
/// Refuses what cannot be a header: a Message-ID, URL or List-Id that is none.
pub fn compose(letter: &Letter) -> Result<Vec<u8>, Refused> {
    let mut out = Vec::with_capacity(capacity(letter));
    write_into(letter, &mut out)?;
    Ok(out)
}

/// The bytes of a letter, signed by each of `signers` (deliverability.md §2: RSA first, Ed25519 as
/// an optional second). No signers: unsigned.
pub fn compose_signed(letter: &Letter, signers: &[&Signer]) -> Result<Vec<u8>, Refused> {
    let message = compose(letter)?;
    if signers.is_empty() {
        return Ok(message);
    }
    crate::dkim::signed(&message, signers, letter.date)
}

fn capacity(letter: &Letter) -> usize {
    let bodies = letter.text.len() + letter.html.as_ref().map_or(0, String::len);
    2_048 + bodies + bodies / 8
}

fn write_into(letter: &Letter, out: &mut Vec<u8>) -> Result<(), Refused> {
    let message_id = checked_message_id(&letter.message_id)?;
    let mut headers = Headers::new(out);
    headers.mailbox("From", &letter.from);
    headers.mailbox("To", &letter.to);
    if let Some(reply_to) = &letter.reply_to {
        headers.mailbox("Reply-To", reply_to);
    }
    headers.text("Subject", &letter.subject, SUBJECT_MAX);
    headers.plain("Date", &date(letter.date));
    headers.plain("Message-ID", &format!("<{message_id}>"));
    if let Some(list_id) = &letter.list_id {
        headers.list_id(list_id)?;
    }
    if let Some(unsubscribe) = &letter.list_unsubscribe {
        headers.list_unsubscribe(unsubscribe)?;
    }
    if let Some(feedback) = &letter.feedback_id {
        headers.feedback_id(feedback);
    }
    match letter.automation {
        Automation::Generated => headers.plain("Auto-Submitted", "auto-generated"),
        Automation::Reply => headers.plain("Auto-Submitted", "auto-replied"),
        Automation::Mailing => {}
    }
    headers.plain("X-Auto-Response-Suppress", "OOF, AutoReply");
    headers.plain("MIME-Version", "1.0");
    write_bodies(letter, message_id, out);
    Ok(())
}

fn write_bodies(letter: &Letter, message_id: &str, out: &mut Vec<u8>) {
    const ENCODING: &[u8] = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n";
    const TEXT: &[u8] = b"Content-Type: text/plain; charset=utf-8\r\n";
    const HTML: &[u8] = b"Content-Type: text/html; charset=utf-8\r\n";
    let Some(html) = &letter.html else {
        out.extend_from_slice(TEXT);
        out.extend_from_slice(ENCODING);
        words::quoted_printable(&letter.text, out);
        return;
    };
    let boundary = boundary(message_id);
    let delimiter = format!("--{boundary}\r\n");
    let head = format!("Content-Type: multipart/alternative;\r\n boundary=\"{boundary}\"\r\n\r\n");
    out.extend_from_slice(head.as_bytes());
    for (kind, body) in [(TEXT, &letter.text), (HTML, html)] {
        out.extend_from_slice(delimiter.as_bytes());
        out.extend_from_slice(kind);
        out.extend_from_slice(ENCODING);
        words::quoted_printable(body, out);
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
}

/// From the Message-ID, so that a mail composed again is the same mail. `=_` cannot appear in
/// quoted-printable, so no body can hold it.
fn boundary(message_id: &str) -> String {
    let mut boundary = "=_".to_owned();
    for octet in digest(&SHA256, message_id.as_bytes()).as_ref().iter().take(15) {
        // Writing to a String cannot fail.
        let _ = write!(boundary, "{octet:02x}");
    }
    boundary
}

/// RFC 5322, always in UTC: `Sat, 21 Nov 2026 20:25:56 +0000`.
fn date(at: UtcMs) -> String {
    at.timestamp().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn checked_message_id(given: &str) -> Result<&str, Refused> {
    let bare = given.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(given);
    let fits = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._+=$!#%&'*/?^`{|}~".contains(&b))
    };
    let is_good = bare.len() <= 250
        && bare.split_once('@').is_some_and(|(left, right)| fits(left) && fits(right));
    let why = "a Message-ID looks like <name@domain>: correct the sending domain";
    if is_good { Ok(bare) } else { Err(Refused::new("message_id_invalid", why)) }
}

#[cfg(test)]
pub(crate) mod tests;
