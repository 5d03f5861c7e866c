//! DKIM: signing (RFC 6376, RFC 8463), keys and their DNS records.
//!
//! Own code over ring, because the signature must be the same when a mail is composed again after
//! a crash: `t=` is the mail's Date, `x=` thirty days later, never the machine's clock. Checked in
//! tests against two verifiers by others.
//!
//! Relaxed/relaxed, no `l=`. Every header of [`SIGNED`] that is there is signed, From once more
//! than it is there, so that a second From breaks the signature.

mod canonical;
mod keys;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::times::{DAY_MS, SECOND_MS};
use model::{Refused, UtcMs};
use ring::digest::{SHA256, digest};

pub use keys::{DkimKey, KeyKind, TXT_STRING_MAX, generate, txt_record, txt_strings};

/// Headers that are signed where they are there. RFC 8058 demands the two List-Unsubscribe ones.
pub const SIGNED: [&str; 14] = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Feedback-ID",
    "Auto-Submitted",
];

/// How long a signature holds: a mail may wait for days in a queue, or in a folder of the
/// receiver that checks late.
pub const VALID_MS: i64 = 30 * DAY_MS;

/// Octets of base64 on one line of the signature.
const B64_LINE: usize = 72;

/// Signs for one domain and selector, with a key that was read once.
#[derive(Debug)]
pub struct Signer {
    domain: String,
    selector: String,
    key: DkimKey,
}

impl Signer {
    /// A signer for `selector._domainkey.domain`. The domain must be in its ASCII form.
    pub fn new(domain: &str, selector: &str, key: DkimKey) -> Result<Self, Refused> {
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        if !domain.split('.').all(label) || !domain.contains('.') {
            let why = "a DKIM domain looks like mail.example.com: correct it";
            return Err(Refused::new("dkim_domain_invalid", why));
        }
        if !selector.split('.').all(label) {
            let why = "a DKIM selector is letters, digits and dashes, like s2026: correct it";
            return Err(Refused::new("dkim_selector_invalid", why));
        }
        let (domain, selector) = (domain.to_ascii_lowercase(), selector.to_ascii_lowercase());
        Ok(Self { domain, selector, key })
    }

    /// The name of the TXT record: `s2026._domainkey.mail.example`.
    pub fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// The key.
    pub fn key(&self) -> &DkimKey {
        &self.key
    }

    /// The `DKIM-Signature` header of `message`, whole, with its CRLF.
    ///
    /// Costs 35 µs (Ed25519) to 640 µs (RSA): call it off the async threads.
    pub fn header(&self, message: &[u8], date: UtcMs) -> Result<Vec<u8>, Refused> {
        self.header_over(&canonical::Message::read(message), date)
    }

    fn header_over(
        &self,
        message: &canonical::Message<'_>,
        date: UtcMs,
    ) -> Result<Vec<u8>, Refused> {
        let (names, mut signed) = message.signed_headers(&SIGNED, "From");
        let body_hash = BASE64.encode(digest(&SHA256, &message.body));
        let mut header = self.unsigned_header(&names, &body_hash, date).into_bytes();
        // The signature covers its own header with an empty b= and without the last CRLF.
        canonical::relaxed_header(&header, &mut signed);
        signed.truncate(signed.len().saturating_sub(2));
        let signature = self.key.sign(&signed)?;
        let signature = BASE64.encode(signature);
        for (nth, piece) in signature.as_bytes().chunks(B64_LINE).enumerate() {
            if nth > 0 {
                header.extend_from_slice(b"\r\n ");
            }
            header.extend_from_slice(piece);
        }
        header.extend_from_slice(b"\r\n");
        Ok(header)
    }

    fn unsigned_header(&self, names: &[&str], body_hash: &str, date: UtcMs) -> String {
        let signed_at = date.0.div_euclid(SECOND_MS);
        let expires_at = date.plus_ms(VALID_MS).0.div_euclid(SECOND_MS);
        let mut header = format!(
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed;\r\n d={};\r\n s={}; t={signed_at}; \
             x={expires_at};\r\n h=",
            self.key.kind().algorithm(),
            self.domain,
            self.selector,
        );
        let mut column = 3;
        for (nth, name) in names.iter().enumerate() {
            if nth > 0 {
                header.push(':');
                column += 1;
            }
            if column + name.len() + 1 > B64_LINE {
                header.push_str("\r\n ");
                column = 1;
            }
            header.push_str(name);
            column += name.len();
        }
        header.push_str(";\r\n bh=");
        header.push_str(body_hash);
        header.push_str(";\r\n b=");
        header
    }
}

/// `message` with one signature of each signer in front, the first one topmost.
pub fn signed(message: &[u8], signers: &[&Signer], date: UtcMs) -> Result<Vec<u8>, Refused> {
    let read = canonical::Message::read(message);
    let mut out = Vec::with_capacity(message.len() + signers.len() * 900);
    for signer in signers {
        out.extend_from_slice(&signer.header_over(&read, date)?);
    }
    out.extend_from_slice(message);
    Ok(out)
}

#[cfg(test)]
mod tests;
