//! What came of trying to send: outcomes, not errors.

use std::fmt;

use crate::classify::Class;
use crate::reply::Reply;

/// What came of one mail on one connection.
///
/// The two sides of the final dot are never mixed up: `Later` and `Never` mean the receiver has
/// *not* taken the mail (no dot left us, or it answered 4xx or 5xx to it); `Unknown` means our dot
/// may have left and no answer to it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took responsibility: 25x to the dot.
    Sent(Reply),
    /// Not taken this time; the same mail may be tried again.
    Later(Failure),
    /// Not taken, and asking again will not help.
    Never(Failure),
    /// Our dot may have left and no final answer was read: taken or not, nobody here knows.
    Unknown(Failure),
}

/// Why a mail or a connection did not go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The step that was under way.
    pub stage: Stage,
    /// What the answer means (deliverability.md §5).
    pub class: Class,
    /// The server's answer, verbatim, where there was one.
    pub reply: Option<Reply>,
    /// One sentence for a person; holds the server's words where there are any.
    pub why: String,
    /// The connection had carried mails before: the server may just have had enough of it.
    pub on_reused: bool,
}

/// The step of the dialogue at which something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Looking up the name and opening the socket.
    Connect,
    /// Waiting for the greeting.
    Greeting,
    /// EHLO or HELO.
    Hello,
    /// STARTTLS and the TLS handshake.
    Tls,
    /// AUTH.
    Auth,
    /// MAIL FROM (and a RSET before it).
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA.
    Data,
    /// After 354 and before the dot can have left.
    Body,
    /// After the dot may have left.
    Dot,
}

/// Whose trouble a failure is, so that one bad mail never stops a relay and one bad relay never
/// uses up the attempts of a thousand mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// This mail or its recipient: counts as an attempt of the mail, with its back-off.
    Letter,
    /// Only this connection: no connection could be had, or one that had carried mails before
    /// ended (closed, 421) as the next was begun. Put the mail back, open another connection. Not
    /// an attempt of the mail.
    ///
    /// What ends a *fresh* connection at a mail is the mail's own attempt: a server that does so
    /// every time would otherwise be asked for ever, without a pause.
    Connection,
    /// The relay as it is set up (password, TLS, no service): pause the relay, keep the mails.
    Relay,
}

impl Failure {
    /// A failure without an answer from the server.
    pub fn local(stage: Stage, class: Class, why: impl Into<String>) -> Self {
        Self { stage, class, reply: None, why: why.into(), on_reused: false }
    }

    /// A failure said by the server at `stage`.
    pub fn said(stage: Stage, class: Class, reply: Reply) -> Self {
        let why = format!("the server answered {} with {}", stage.doing(), reply.one_line());
        Self { stage, class, reply: Some(reply), why, on_reused: false }
    }

    /// Whose trouble this is.
    pub fn blame(&self) -> Blame {
        let code = self.reply.as_ref().map_or(0, |reply| reply.code);
        match self.stage {
            Stage::Connect => Blame::Connection,
            Stage::Greeting | Stage::Hello | Stage::Tls | Stage::Auth => {
                let is_refusal = (500..600).contains(&code) || self.class == Class::Relay;
                if is_refusal { Blame::Relay } else { Blame::Connection }
            }
            // "Login required", "relaying denied": whoever the recipient is.
            _ if self.class == Class::Relay => Blame::Relay,
            Stage::Mail if self.on_reused && self.class == Class::Connection => Blame::Connection,
            Stage::Mail | Stage::Rcpt | Stage::Data if self.on_reused && code == 421 => {
                Blame::Connection
            }
            _ => Blame::Letter,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Failure {}

impl Outcome {
    /// The server's answer, where there was one.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Sent(reply) => Some(reply),
            Self::Later(failure) | Self::Never(failure) | Self::Unknown(failure) => {
                failure.reply.as_ref()
            }
        }
    }

    /// Why it did not go through; `None` for `Sent`.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Sent(_) => None,
            Self::Later(failure) | Self::Never(failure) | Self::Unknown(failure) => Some(failure),
        }
    }
}

impl Stage {
    /// The word stored and shown: `rcpt`, `dot`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Hello => "hello",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Body => "body",
            Self::Dot => "dot",
        }
    }

    fn doing(self) -> &'static str {
        match self {
            Self::Connect | Self::Greeting => "our connection",
            Self::Hello => "our greeting",
            Self::Tls => "STARTTLS",
            Self::Auth => "the login",
            Self::Mail => "the sender",
            Self::Rcpt => "the recipient",
            Self::Data => "DATA",
            Self::Body => "the unfinished mail",
            Self::Dot => "the mail",
        }
    }
}
