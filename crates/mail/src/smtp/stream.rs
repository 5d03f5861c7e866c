//! The socket of a connection, plain or TLS, with what has been read and not yet understood.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::reply::{Parsed, Reply, parse};

/// Octets asked of the socket at once: many replies fit.
const READ_SIZE: usize = 4_096;

/// A socket that speaks SMTP.
pub(crate) struct Stream {
    socket: Socket,
    inbox: Vec<u8>,
    /// How much of `inbox` has been understood already.
    understood: usize,
}

enum Socket {
    Plain(TcpStream),
    // The TLS state is ten times the size of a socket.
    Tls(Box<TlsStream<TcpStream>>),
    /// Between STARTTLS and the handshake, and after closing.
    Gone,
}

/// Why no answer could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoReply {
    Closed,
    TimedOut(Duration),
    Garbage(String),
    Broken(String),
}

impl NoReply {
    /// For a person: what became of the answer.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Closed => "the server closed the connection without an answer".to_owned(),
            Self::TimedOut(limit) => {
                format!("the server gave no answer within {} s", limit.as_secs_f32())
            }
            Self::Garbage(what) => what.clone(),
            Self::Broken(what) => format!("the connection broke: {what}"),
        }
    }
}

/// A write that did not finish: how many octets the socket took before.
#[derive(Debug)]
pub(crate) struct CutShort {
    pub(crate) taken: usize,
    pub(crate) why: NoReply,
}

impl Stream {
    pub(crate) fn plain(socket: TcpStream) -> Self {
        Self { socket: Socket::Plain(socket), inbox: Vec::new(), understood: 0 }
    }

    pub(crate) fn tls(socket: TlsStream<TcpStream>) -> Self {
        Self { socket: Socket::Tls(Box::new(socket)), inbox: Vec::new(), understood: 0 }
    }

    pub(crate) fn is_tls(&self) -> bool {
        matches!(self.socket, Socket::Tls(_))
    }

    /// The plain socket, to begin TLS on it. `None` where TLS is on already, or where the server
    /// has sent something after its answer to STARTTLS: that would be read as said under TLS.
    pub(crate) fn into_plain(mut self) -> Option<TcpStream> {
        match std::mem::replace(&mut self.socket, Socket::Gone) {
            Socket::Plain(socket) if self.unread().is_empty() => Some(socket),
            _ => None,
        }
    }

    /// Whether something was read that no question of ours stands for.
    pub(crate) fn has_unread(&self) -> bool {
        !self.unread().is_empty()
    }

    fn unread(&self) -> &[u8] {
        self.inbox.get(self.understood..).unwrap_or_default()
    }

    /// The next reply, within `limit` from now. May be dropped and called again: what was read
    /// stays.
    pub(crate) async fn reply(&mut self, limit: Duration) -> Result<Reply, NoReply> {
        // What came along with the last reply needs no timer.
        if let Some(known) = self.known_reply() {
            return known;
        }
        match timeout(limit, self.read_reply()).await {
            Ok(reply) => reply,
            Err(_) => Err(NoReply::TimedOut(limit)),
        }
    }

    async fn read_reply(&mut self) -> Result<Reply, NoReply> {
        loop {
            match poll_fn(|cx| self.poll_fill(cx)).await {
                Ok(0) => return Err(NoReply::Closed),
                Ok(_) => {}
                Err(error) => return Err(broken(&error)),
            }
            if let Some(known) = self.known_reply() {
                return known;
            }
        }
    }

    fn known_reply(&mut self) -> Option<Result<Reply, NoReply>> {
        if self.unread().is_empty() {
            return None;
        }
        match parse(self.unread()) {
            Parsed::More => None,
            Parsed::Garbage(what) => Some(Err(NoReply::Garbage(what))),
            Parsed::Reply(reply, used) => {
                self.understood = self.understood.saturating_add(used);
                if self.unread().is_empty() {
                    self.inbox.clear();
                    self.understood = 0;
                }
                Some(Ok(reply))
            }
        }
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut room = [0; READ_SIZE];
        let mut buffer = ReadBuf::new(&mut room);
        match self.socket.poll_read(cx, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                self.inbox.extend_from_slice(buffer.filled());
                Poll::Ready(Ok(buffer.filled().len()))
            }
        }
    }

    /// Whether the server has said something nobody asked for, or has closed: looked at without
    /// waiting.
    pub(crate) async fn has_spoken(&mut self) -> bool {
        if !self.unread().is_empty() {
            return true;
        }
        poll_fn(|cx| Poll::Ready(self.poll_fill(cx).is_ready())).await
    }

    /// Writes all of `bytes`; each step forward may take `limit`.
    pub(crate) async fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<(), CutShort> {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            match timeout(limit, self.socket.write(rest)).await {
                Ok(Ok(0)) => return Err(CutShort { taken, why: NoReply::Closed }),
                Ok(Ok(more)) => taken = taken.saturating_add(more),
                Ok(Err(error)) => return Err(CutShort { taken, why: broken(&error) }),
                Err(_) => return Err(CutShort { taken, why: NoReply::TimedOut(limit) }),
            }
        }
        match timeout(limit, self.socket.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(CutShort { taken, why: broken(&error) }),
            Err(_) => Err(CutShort { taken, why: NoReply::TimedOut(limit) }),
        }
    }

    /// Says goodbye at the transport's level (TLS close, then FIN).
    pub(crate) async fn shut(&mut self) {
        // The conversation is over: nothing depends on whether this arrives.
        let _ = self.socket.shutdown().await;
    }

    /// Closes at once with a reset, so that the other side cannot take a half-sent mail for a
    /// whole one.
    pub(crate) fn reset(&mut self) {
        let tcp = match &self.socket {
            Socket::Plain(tcp) => tcp,
            Socket::Tls(tls) => tls.get_ref().0,
            Socket::Gone => return,
        };
        // Where the option cannot be set the close below still sends no dot.
        let _ = tcp.set_zero_linger();
        self.socket = Socket::Gone;
    }
}

fn broken(error: &io::Error) -> NoReply {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => NoReply::Closed,
        _ => NoReply::Broken(error.to_string()),
    }
}

impl Socket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes).await,
            Self::Tls(tls) => tls.write(bytes).await,
            Self::Gone => Ok(0),
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) | Self::Gone => Ok(()),
            Self::Tls(tls) => tls.flush().await,
        }
    }

    async fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.shutdown().await,
            Self::Tls(tls) => tls.shutdown().await,
            Self::Gone => Ok(()),
        }
    }
}
