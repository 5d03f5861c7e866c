//! How a site's mail leaves: its mail server, its signing keys, what is done with doubtful ones.

use serde::{Deserialize, Serialize};

use crate::messages::Class;
use crate::times::UtcMs;
use crate::words::words;

words! {
    /// How the connection to a mail server is encrypted.
    SmtpTls "smtp_tls" {
        /// STARTTLS, or nothing is sent.
        Starttls = "starttls",
        /// TLS from the first octet (port 465).
        Tls = "tls",
        /// None: loopback relays only, where a password is given.
        None = "none",
    }
}

/// A mail server set by an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmtpSettings {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: SmtpTls,
    /// The user name; empty for none.
    pub username: String,
    /// The password, sealed under the installation's key; empty for none.
    pub password_sealed: String,
    /// Connections held open at once.
    pub connections: u16,
    /// Mails a second at most; 0 for no limit.
    pub per_second: u32,
    /// Whether the relay signs, so that we do not.
    pub relay_signs: bool,
}

/// A signing key of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DkimSettings {
    /// `s2026` of `s2026._domainkey.shop.example`.
    pub selector: String,
    /// The domain that signs.
    pub domain: String,
    /// `rsa` or `ed25519`.
    pub kind: String,
    /// The private key, sealed under the installation's key.
    pub private_sealed: String,
    /// The value of the TXT record to publish.
    pub record: String,
    /// When it was made.
    pub made_at: UtcMs,
}

/// An operator's word that marketing mail may leave unsigned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsignedAllowed {
    /// Who said so.
    pub by: String,
    /// When.
    pub at: UtcMs,
}

/// How a site's mail leaves. Where no server is set, mail is caught and shown in the admin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SendingSettings {
    /// The mail server.
    pub smtp: Option<SmtpSettings>,
    /// The keys that sign, RSA first.
    pub dkim: Vec<DkimSettings>,
    /// Marketing mail may leave unsigned.
    pub unsigned_allowed: Option<UnsignedAllowed>,
    /// Classes whose messages are held for a person when they may have left, instead of being
    /// sent again.
    pub unknown_hold: Vec<Class>,
}
