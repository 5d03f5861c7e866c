//! An SMTP client whose steps the ledger calls one by one.
//!
//! The order that keeps the promise "nothing lost, nothing twice" (delivery.md §4) needs a place to
//! stand between the body and the dot. So a mail is three calls:
//!
//! ```text
//! let mut conn = Connection::open(&relay).await?;          // greeting, EHLO, TLS, login
//! conn.envelope(&first).await?;                            // MAIL, RCPT, DATA → 354
//! loop {
//!     conn.body(&bytes_n).await?;                          // staged; the dot is held back
//!     // commit W3(n-1) and W2(n) durably, in one transaction; check the stall guard
//!     // refused by W2 → conn.abandon(), put n back
//!     let outcome = conn.dot(Some(&envelope_n1)).await;    // body n, dot, envelope n+1: one write
//!     // `outcome` is W3(n), to be committed with W2(n+1)
//!     conn.envelope(&envelope_n1).await?;                  // only reads: it is on its way already
//! }
//! conn.quit().await;
//! ```
//!
//! * [`Connection::envelope`] gives `Err(Later | Never)` where the mail was not taken; no dot left,
//!   so no W2 is needed, only W3. The connection stays usable unless [`Connection::is_open`] says
//!   otherwise.
//! * [`Connection::body`] sends nothing of a mail up to [`HOLD_MAX`]: it is kept so that body, dot
//!   and the next envelope leave in one write. Bigger bodies leave at once, so that the time
//!   between W2 and the dot stays short.
//! * [`Connection::dot`] is the only step after which the receiver may have the mail. It never
//!   gives `Later` or `Never` unless the receiver said so or the dot cannot have left.
//! * The next envelope given to `dot` is a promise: call `envelope` with the same one next, or
//!   drop the connection. On servers without PIPELINING, and for the last mail a connection may
//!   carry, it is simply not sent yet; the caller sees no difference.
//! * `envelope` may be dropped while it waits (in `select!`, say) and called again with the same
//!   envelope. `dot` may not: a dropped `dot` is `Unknown`.
//! * A [`Connection`] dropped between 354 and the dot resets the socket (RST, not FIN), as
//!   [`Connection::abandon`] does.
//!
//! One round trip a mail, one write, one read (RFC 2920 §3.1 allows the group).

mod handshake;
mod relay;
mod steps;
mod stream;
mod stuffing;
#[cfg(test)]
mod tests;
mod tls;

pub use relay::{
    BLOCK_TIMEOUT, CONNECT_TIMEOUT, DATA_TIMEOUT, DOT_TIMEOUT, Envelope, GREETING_TIMEOUT,
    HANDSHAKE_TIMEOUT, Limits, Login, MAIL_TIMEOUT, MESSAGES_MAX, QUIT_TIMEOUT, RCPT_TIMEOUT,
    Relay, Tls,
};
pub use steps::HOLD_MAX;
pub use tls::Trust;

use handshake::Server;
use steps::Offer;
use stream::Stream;

use crate::outcome::{Failure, Outcome};

/// An open connection to a relay, ready for mails.
pub struct Connection {
    stream: Stream,
    server: Server,
    limits: Limits,
    state: State,
    /// Bytes staged for the next write; kept to be used again.
    outbox: Vec<u8>,
    /// A transaction was begun and not ended: RSET goes before the next MAIL.
    needs_reset: bool,
    /// Mails whose dot was sent.
    messages: u32,
    messages_max: u32,
}

#[allow(clippy::large_enum_variant, reason = "one a connection; a box a mail would cost more")]
enum State {
    /// Between mails.
    Idle,
    /// An envelope is on its way, or partly answered.
    Offered(Offer),
    /// 354 was read; the body may be staged.
    Data,
    /// Over. Also the state while a step runs that may not be cut in two.
    Closed,
}

impl Connection {
    /// Opens a connection: socket (TCP_NODELAY), greeting, EHLO or HELO, TLS, login.
    ///
    /// A failure here is about the relay or the network, never about a mail: see
    /// [`Failure::blame`].
    pub async fn open(relay: &Relay) -> Result<Self, Failure> {
        let (stream, server) = handshake::open(relay).await?;
        Ok(Self {
            stream,
            server,
            limits: relay.limits,
            state: State::Idle,
            outbox: Vec::new(),
            needs_reset: false,
            messages: 0,
            messages_max: relay.messages_max.max(1),
        })
    }

    /// [`Self::envelope`] and [`Self::body`] in one call.
    pub async fn envelope_and_body(
        &mut self,
        envelope: &Envelope,
        message: &[u8],
    ) -> Result<(), Outcome> {
        self.envelope(envelope).await?;
        self.body(message).await
    }

    /// Closes the socket at once, by reset, without a dot: the receiver must throw away what it
    /// has of an unfinished mail.
    pub fn abandon(&mut self) {
        self.state = State::Closed;
        self.stream.reset();
    }

    /// Says QUIT and closes. An unfinished mail is abandoned instead.
    pub async fn quit(mut self) {
        if matches!(self.state, State::Idle) {
            self.state = State::Closed;
            if self.stream.write(b"QUIT\r\n", self.limits.quit).await.is_ok() {
                // Whatever the answer is, the conversation is over.
                let _ = self.stream.reply(self.limits.quit).await;
            }
            let _ = tokio::time::timeout(self.limits.quit, self.stream.shut()).await;
        }
    }

    /// Whether another mail can be begun on it, as far as is known without asking the server.
    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed) && self.messages < self.messages_max
    }

    /// Looks, without waiting, whether an idle connection is still there: servers close idle ones,
    /// often after a 421. `false` also where no further mail may be begun.
    pub async fn still_there(&mut self) -> bool {
        if matches!(self.state, State::Idle) && self.stream.has_spoken().await {
            self.abandon();
        }
        self.is_open()
    }

    /// Whether the connection is encrypted.
    pub fn is_tls(&self) -> bool {
        self.stream.is_tls()
    }

    /// The largest mail the server takes, where it has said so.
    pub fn size_max(&self) -> Option<u64> {
        self.server.size_max
    }

    /// Mails finished on this connection, taken or not.
    pub fn messages(&self) -> u32 {
        self.messages
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A FIN after half a body could look like its end to a careless server.
        if !matches!(self.state, State::Idle) {
            self.stream.reset();
        }
    }
}
