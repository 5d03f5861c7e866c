//! Every key there is and what may stand under it.

/// What may stand under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Any text, never shown.
    Secret,
    /// A database address, shown without its password.
    Database,
    /// An address and port to listen on.
    Listen,
    /// The name of a host, or nothing.
    Host,
    /// A whole number; what is above the limit is brought down to it, with a message.
    Whole {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// A number of bytes with a unit.
    Size,
    /// A length of time with a unit.
    Span,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A key: `section.name`.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// `section.name`.
    pub name: &'static str,
    /// What may stand under it.
    pub kind: Kind,
}

/// Sections whose settings a running server takes when it is told to read them again.
const LIVE: &[&str] = &["smtp.", "mail.", "disk.", "log.level"];

impl Key {
    /// Whether a running server can change it.
    pub fn is_live(&self) -> bool {
        LIVE.iter().any(|start| self.name.starts_with(start))
    }
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind }
}

/// Every key there is, in the order of `defaults.toml`.
pub const KEYS: &[Key] = &[
    key("server.listen", Kind::Listen),
    key("server.data", Kind::Text),
    key("server.role", Kind::Choice(&["web", "worker", "all"])),
    key("server.trusted_proxies", Kind::Text),
    key("server.admin_host", Kind::Host),
    key("server.shutdown", Kind::Span),
    key("database.url", Kind::Database),
    key("database.connections", Kind::Whole { min: 1, max: 64 }),
    key("database.commit_delay", Kind::Span),
    key("ha.accept_data_loss", Kind::Choice(&["true", "false"])),
    key("secret.key", Kind::Secret),
    key("secret.key_file", Kind::Text),
    key("secret.previous_keys", Kind::Secret),
    key("secret.previous_keys_file", Kind::Text),
    key("smtp.host", Kind::Text),
    key("smtp.port", Kind::Whole { min: 1, max: 65_535 }),
    key("smtp.tls", Kind::Choice(&["starttls", "tls", "none"])),
    key("smtp.username", Kind::Text),
    key("smtp.password", Kind::Secret),
    key("smtp.password_file", Kind::Text),
    key("smtp.connections", Kind::Whole { min: 1, max: 64 }),
    key("mail.unknown_wait", Kind::Span),
    key("mail.unknown_wait_transactional", Kind::Span),
    key("disk.pause_below", Kind::Size),
    key("dns.servers", Kind::Text),
    key("log.format", Kind::Choice(&["human", "json"])),
    key("log.level", Kind::Choice(&["error", "warn", "info", "debug", "trace"])),
];

/// The key of this name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The environment variable of a key: `TUNDISH_SERVER_LISTEN`.
pub fn variable(name: &str) -> String {
    format!("TUNDISH_{}", name.replace('.', "_").to_ascii_uppercase())
}
