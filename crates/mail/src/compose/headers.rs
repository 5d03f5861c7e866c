//! The headers: which may hold what, and how each is folded.

use model::Refused;

use super::words::{self, Line};
use super::{FeedbackId, LINE_MAX, ListId, ListUnsubscribe, NAME_MAX};
use crate::mailbox::Mailbox;

/// Octets of an unsubscribe URL: a header line may have 998 (RFC 5322 §2.1.1).
const URL_MAX: usize = 900;
/// Characters of one part of Feedback-ID; Google asks for short ones.
const FEEDBACK_PART_MAX: usize = 40;

/// Writes headers one below the other.
pub(super) struct Headers<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Headers<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// A header whose value is ours: ASCII, short, no text from outside.
    pub(super) fn plain(&mut self, name: &str, value: &str) {
        let mut line = Line::begin(self.out, name);
        line.token(value);
        line.end();
    }

    /// Free text: as it is where it is plain ASCII, else as encoded words.
    pub(super) fn text(&mut self, name: &str, value: &str, chars_max: usize) {
        let value = words::clean(value, chars_max);
        let mut line = Line::begin(self.out, name);
        line.text(&value);
        line.end();
    }

    /// `Name <address>`, or the bare address.
    pub(super) fn mailbox(&mut self, header: &str, mailbox: &Mailbox) {
        let name = words::clean(&mailbox.name, NAME_MAX);
        let mut line = Line::begin(self.out, header);
        if name.is_empty() {
            line.token(mailbox.address.as_str());
        } else {
            line.phrase(&name);
            line.token(&format!("<{}>", mailbox.address));
        }
        line.end();
    }

    pub(super) fn list_id(&mut self, list: &ListId) -> Result<(), Refused> {
        let fits = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        if list.id.len() > 200 || !list.id.contains('.') || !list.id.split('.').all(fits) {
            let why = "a List-Id looks like news.shop.example: correct the list's name";
            return Err(Refused::new("list_id_invalid", why));
        }
        let name = words::clean(&list.name, NAME_MAX);
        let mut line = Line::begin(self.out, "List-Id");
        if !name.is_empty() {
            line.phrase(&name);
        }
        line.token(&format!("<{}>", list.id));
        line.end();
        Ok(())
    }

    /// RFC 2369 and RFC 8058. Each URL stands whole on one line.
    pub(super) fn list_unsubscribe(&mut self, given: &ListUnsubscribe) -> Result<(), Refused> {
        let is_https = given.url.starts_with("https://");
        let is_web = is_https || given.url.starts_with("http://");
        let fits = |octet: u8| octet.is_ascii_graphic() && !b"<>,\"\\".contains(&octet);
        if !is_web || given.url.len() > URL_MAX || !given.url.bytes().all(fits) {
            let why = "an unsubscribe address is an https URL: correct the site's base URL";
            return Err(Refused::new("unsubscribe_url_invalid", why));
        }
        let first = format!("List-Unsubscribe: <{}>", given.url);
        self.out.extend_from_slice(first.as_bytes());
        if let Some(mailto) = &given.mailto {
            let mailto = percent_encoded(mailto.as_str());
            let width = first.len() + mailto.len() + 12;
            let fold = if width <= LINE_MAX { "," } else { ",\r\n" };
            self.out.extend_from_slice(format!("{fold} <mailto:{mailto}>").as_bytes());
        }
        self.out.extend_from_slice(b"\r\n");
        if is_https {
            self.plain("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
        }
        Ok(())
    }

    pub(super) fn feedback_id(&mut self, given: &FeedbackId) {
        let part = |text: &str| -> String {
            let safe =
                |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
            text.chars().take(FEEDBACK_PART_MAX).map(safe).collect()
        };
        let (campaign, list) = (part(&given.campaign), part(&given.list));
        let value = format!("{campaign}:{list}:{}:tundish", part(&given.account));
        self.plain("Feedback-ID", &value);
    }
}

/// An address inside a `mailto:` URL (RFC 6068): everything but the plainest characters as `%XX`.
fn percent_encoded(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    for octet in address.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~@+".contains(&octet) {
            out.push(char::from(octet));
        } else {
            out.push_str(&format!("%{octet:02X}"));
        }
    }
    out
}
