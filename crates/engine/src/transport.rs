//! Where mail goes: to a mail server, into a folder, into memory, or nowhere yet (caught).

use std::net::IpAddr;

use mail::smtp::{Login, Relay, Tls};
use mail::transport::{Folder, Memory};
use model::sending::{SendingSettings, SmtpSettings, SmtpTls};
use model::times::MINUTE_MS;
use store::messages::UnknownWait;

/// Where mail goes.
#[derive(Debug, Clone)]
pub enum Transport {
    /// To a mail server.
    Smtp(Box<Smtp>),
    /// Into a folder, one file a mail.
    Folder(Folder),
    /// Into memory: tests.
    Memory(Memory),
    /// Nowhere: kept in the ledger and shown in the admin, until a mail server is set.
    Caught,
}

/// A mail server and how hard it may be used.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// The server.
    pub relay: Relay,
    /// Connections held open at once.
    pub connections: usize,
    /// Mails a second at most; 0 for no limit.
    pub per_second: u32,
    /// Whether the relay signs, so that we do not.
    pub relay_signs: bool,
}

/// How mail leaves, as far as the configuration says.
#[derive(Debug, Clone)]
pub struct Sending {
    /// Wins over what a site has set; `None` leaves it to the sites.
    pub transport: Option<Transport>,
    /// How long a message that may have left waits before it is sent again.
    pub unknown_wait: UnknownWait,
}

impl Default for Sending {
    fn default() -> Self {
        // A person waits for a transactional mail; for others the receiver has ten minutes to
        // answer our dot (RFC 5321 §4.5.3.2.6).
        let unknown_wait = UnknownWait { transactional_ms: MINUTE_MS, other_ms: 10 * MINUTE_MS };
        Self { transport: None, unknown_wait }
    }
}

impl Sending {
    /// All mail by `transport`, whatever sites have set.
    pub fn by(transport: Transport) -> Self {
        Self { transport: Some(transport), ..Self::default() }
    }
}

impl Transport {
    /// A mail server by its settings and its password in clear.
    pub fn smtp(settings: &SmtpSettings, password: String, hello_name: &str) -> Self {
        let mut relay = Relay::new(settings.host.clone(), settings.port, hello_name);
        relay.tls = match settings.tls {
            SmtpTls::Starttls => Tls::Required,
            SmtpTls::Tls => Tls::Implicit,
            SmtpTls::None => Tls::None,
        };
        if !settings.username.is_empty() {
            relay.login = Some(Login { user: settings.username.clone(), password });
        }
        Self::Smtp(Box::new(Smtp {
            relay,
            connections: usize::from(settings.connections.max(1)),
            per_second: settings.per_second,
            relay_signs: settings.relay_signs,
        }))
    }

    /// The word for it in the ledger.
    pub fn name(&self) -> String {
        match self {
            Self::Smtp(smtp) => smtp.relay.name(),
            Self::Folder(_) => "folder".to_owned(),
            Self::Memory(_) => "memory".to_owned(),
            Self::Caught => "caught".to_owned(),
        }
    }

    /// Whether the mail server signs, so that we do not.
    pub fn signs(&self) -> bool {
        matches!(self, Self::Smtp(smtp) if smtp.relay_signs)
    }

    /// Whether marketing mail of a site with these settings is held, because it would leave this
    /// machine unsigned, and nobody allowed that.
    pub fn holds_unsigned(&self, sending: &SendingSettings) -> bool {
        let signed = !sending.dkim.is_empty() || self.signs();
        !signed && !self.is_local() && sending.unsigned_allowed.is_none()
    }

    /// Whether unsigned marketing mail may go there: it does not leave this machine.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Smtp(smtp) => {
                let host = smtp.relay.host.trim_matches(['[', ']']);
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
            Self::Folder(_) | Self::Memory(_) | Self::Caught => true,
        }
    }
}
