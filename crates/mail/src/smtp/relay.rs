//! Where mail is handed over, and how long we wait there.

use std::fmt;
use std::time::Duration;

use model::{EmailAddr, Refused};

use crate::smtp::tls::Trust;

/// A server that takes our mail.
#[derive(Debug, Clone)]
pub struct Relay {
    /// Host name or IP address; with TLS also the name the certificate must carry.
    pub host: String,
    /// 25, 465 (TLS from the start), 587, 2525 …
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: Tls,
    /// Which certificates are believed.
    pub trust: Trust,
    /// The login, where the relay wants one. Never sent without checked TLS off loopback.
    pub login: Option<Login>,
    /// Our name in EHLO: a host name that resolves to this machine, or `[192.0.2.1]`.
    pub hello_name: String,
    /// Mails after which a connection is closed and another opened.
    pub messages_max: u32,
    /// How long we wait for what.
    pub limits: Limits,
}

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tls {
    /// TLS before the greeting (port 465). The certificate is checked.
    Implicit,
    /// STARTTLS, or nothing is sent at all. The certificate is checked.
    Required,
    /// STARTTLS where it is offered, the certificate not checked, plain where it fails: better
    /// than plain, and no more. A login is refused on such a connection off loopback.
    Opportunistic,
    /// No encryption. A login is refused on such a connection off loopback.
    None,
}

/// A user name and a password. `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Mails on one connection by default (deliverability.md §4).
pub const MESSAGES_MAX: u32 = 100;
/// Opening the socket, all addresses of the host together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// The TLS handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// The greeting, EHLO, STARTTLS, AUTH, RSET: RFC 5321 §4.5.3.2.1 says five minutes for the first.
pub const GREETING_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// MAIL (RFC 5321 §4.5.3.2.2).
pub const MAIL_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// RCPT (RFC 5321 §4.5.3.2.3).
pub const RCPT_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// DATA (RFC 5321 §4.5.3.2.4).
pub const DATA_TIMEOUT: Duration = Duration::from_secs(2 * 60);
/// One block of the body to leave (RFC 5321 §4.5.3.2.5).
pub const BLOCK_TIMEOUT: Duration = Duration::from_secs(3 * 60);
/// The answer to the dot (RFC 5321 §4.5.3.2.6): giving up sooner makes duplicates.
pub const DOT_TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// The answer to QUIT: nobody needs it.
pub const QUIT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long each answer may take. The defaults are RFC 5321's; a shorter `dot` makes duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// [`CONNECT_TIMEOUT`]
    pub connect: Duration,
    /// [`HANDSHAKE_TIMEOUT`]
    pub handshake: Duration,
    /// [`GREETING_TIMEOUT`]
    pub greeting: Duration,
    /// [`MAIL_TIMEOUT`]
    pub mail: Duration,
    /// [`RCPT_TIMEOUT`]
    pub rcpt: Duration,
    /// [`DATA_TIMEOUT`]
    pub data: Duration,
    /// [`BLOCK_TIMEOUT`]
    pub block: Duration,
    /// [`DOT_TIMEOUT`]
    pub dot: Duration,
    /// [`QUIT_TIMEOUT`]
    pub quit: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: CONNECT_TIMEOUT,
            handshake: HANDSHAKE_TIMEOUT,
            greeting: GREETING_TIMEOUT,
            mail: MAIL_TIMEOUT,
            rcpt: RCPT_TIMEOUT,
            data: DATA_TIMEOUT,
            block: BLOCK_TIMEOUT,
            dot: DOT_TIMEOUT,
            quit: QUIT_TIMEOUT,
        }
    }
}

impl Relay {
    /// A relay with the defaults: `Tls::Required`, the public certificate authorities, no login.
    pub fn new(host: impl Into<String>, port: u16, hello_name: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port,
            tls: Tls::Required,
            trust: Trust::public(),
            login: None,
            hello_name: hello_name.into(),
            messages_max: MESSAGES_MAX,
            limits: Limits::default(),
        }
    }

    /// `host:port`, the word for it in the ledger and in logs.
    pub fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// From whom to whom one mail goes, on the wire: one recipient a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The bounce address; `None` is the null sender `<>`.
    pub from: Option<EmailAddr>,
    /// The one recipient.
    pub to: EmailAddr,
    /// Octets of the mail where they are known: told to servers that ask for SIZE, and refused
    /// here where the server has said it takes less.
    pub size: Option<u64>,
}

impl Envelope {
    /// An envelope from two texts; an empty `from` is the null sender.
    pub fn parse(from: &str, to: &str) -> Result<Self, Refused> {
        let from = if from.is_empty() { None } else { Some(EmailAddr::parse(from)?) };
        Ok(Self { from, to: EmailAddr::parse(to)?, size: None })
    }

    /// The same envelope, saying how many octets the mail has.
    #[must_use]
    pub fn sized(mut self, octets: usize) -> Self {
        self.size = u64::try_from(octets).ok();
        self
    }

    pub(crate) fn needs_utf8(&self) -> bool {
        self.to.needs_smtputf8() || self.from.as_ref().is_some_and(EmailAddr::needs_smtputf8)
    }
}
