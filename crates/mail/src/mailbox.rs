//! An address with the name shown beside it.

use model::EmailAddr;

/// An address with a name. What may be an address at all is [`EmailAddr`]'s question: a value of
/// it holds no control character and no way out of the angle brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mailbox {
    /// The name shown; empty for none.
    pub name: String,
    /// The address.
    pub address: EmailAddr,
}

impl Mailbox {
    /// A bare address.
    pub fn bare(address: EmailAddr) -> Self {
        Self { name: String::new(), address }
    }

    /// An address with a name.
    pub fn named(name: impl Into<String>, address: EmailAddr) -> Self {
        Self { name: name.into(), address }
    }
}
