//! The audit log: who changed what, each line sealed by the one before it.

use std::fmt;
use std::str::FromStr;

use crate::ids::{KeyId, OperatorId};
use crate::refused::Refused;
use crate::times::UtcMs;

/// Who acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Someone who signed in.
    Operator(OperatorId),
    /// A program with a key.
    Key(KeyId),
    /// Someone at the machine: the command line.
    Console,
    /// Tundish itself.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(id) => id.fmt(f),
            Self::Key(id) => id.fmt(f),
            Self::Console => f.write_str("console"),
            Self::System => f.write_str("system"),
        }
    }
}

impl FromStr for Actor {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        match text {
            "console" => Ok(Self::Console),
            "system" => Ok(Self::System),
            key if key.starts_with("key_") => key.parse().map(Self::Key),
            other => other.parse().map(Self::Operator),
        }
    }
}

/// One line of the log, as it is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Its place in the chain of its site, from 1.
    pub number: i64,
    /// When.
    pub at: UtcMs,
    /// Who, as text.
    pub actor: String,
    /// What was done: `contact.erased`.
    pub action: String,
    /// To what: an outside id, or a word.
    pub object: String,
    /// Details as JSON text; ids only, never an address.
    pub data: String,
    /// The seal of the line before; empty for the first.
    pub previous: String,
    /// The seal: SHA-256 over all of the above, in hex.
    pub hash: String,
}

impl Audit {
    /// The seal this line must carry. Each part is led by its length, so that no two lines read
    /// alike.
    pub fn seal(&self) -> String {
        let number = self.number.to_string();
        let at = self.at.0.to_string();
        let mut text = String::new();
        for part in [
            number.as_str(),
            &at,
            &self.actor,
            &self.action,
            &self.object,
            &self.data,
            &self.previous,
        ] {
            text.push_str(&part.len().to_string());
            text.push(':');
            text.push_str(part);
        }
        crate::tokens::hash_secret(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_changed_breaks_its_seal() {
        let mut line = Audit {
            number: 1,
            at: UtcMs(5),
            actor: Actor::Console.to_string(),
            action: "key.made".to_owned(),
            object: "key_1".to_owned(),
            data: "{}".to_owned(),
            previous: String::new(),
            hash: String::new(),
        };
        line.hash = line.seal();
        assert_eq!(line.hash, line.seal());
        line.object.push('2');
        assert_ne!(line.hash, line.seal());
    }

    #[test]
    fn an_actor_reads_back() {
        for actor in
            [Actor::Console, Actor::System, Actor::Operator(OperatorId(7)), Actor::Key(KeyId(9))]
        {
            assert_eq!(actor.to_string().parse::<Actor>().unwrap(), actor);
        }
    }
}
