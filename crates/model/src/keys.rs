//! Keys of the API: what a program may do in an operator's stead.

use crate::ids::{KeyId, OperatorId};
use crate::operators::Role;
use crate::times::UtcMs;
use crate::words::words;

/// What stands before a key, so that one that leaks is known for what it is.
pub const PREFIX: &str = "tun_";
/// Characters of a key that stay visible in the list.
pub const HINT_CHARS: usize = 8;

words! {
    /// What a key may do.
    Scope "scope_unknown" {
        /// See contacts.
        ContactsRead = "contacts:read",
        /// Make and change contacts.
        ContactsWrite = "contacts:write",
        /// See orders.
        OrdersRead = "orders:read",
        /// See messages.
        MessagesRead = "messages:read",
        /// See which keys there are.
        KeysRead = "keys:read",
        /// Make and revoke keys.
        KeysWrite = "keys:write",
        /// See the figures of the process.
        MetricsRead = "metrics:read",
    }
}

impl Scope {
    /// The role that may do this by hand; a key never may more than whoever made it.
    pub fn role(self) -> Role {
        match self {
            Self::ContactsRead | Self::OrdersRead | Self::MessagesRead | Self::MetricsRead => {
                Role::Viewer
            }
            Self::ContactsWrite => Role::Editor,
            Self::KeysRead | Self::KeysWrite => Role::Admin,
        }
    }
}

/// A key of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// What it is for, in its maker's words.
    pub name: String,
    /// Its first characters.
    pub hint: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Who made it; nobody where it was made at the machine.
    pub made_by: Option<OperatorId>,
    /// When.
    pub created_at: UtcMs,
    /// When it was last used.
    pub used_at: Option<UtcMs>,
    /// Until when it holds.
    pub expires_at: Option<UtcMs>,
    /// Since when it does not.
    pub revoked_at: Option<UtcMs>,
}

impl ApiKey {
    /// Whether it holds at `now`.
    pub fn holds(&self, now: UtcMs) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|until| until > now)
    }
}
