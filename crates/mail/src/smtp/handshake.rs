//! From nothing to a connection that takes mails: socket, greeting, EHLO, TLS, login.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::relay::{Login, Relay, Tls};
use super::stream::{CutShort, NoReply, Stream};
use super::tls::Trust;
use crate::classify::{Class, classify};
use crate::outcome::{Failure, Stage};
use crate::reply::Reply;

/// What the server has said it can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) pipelining: bool,
    pub(super) smtputf8: bool,
    /// It knows the SIZE parameter.
    pub(super) size: bool,
    /// The largest mail it takes; `None` where it named no limit.
    pub(super) size_max: Option<u64>,
    starttls: bool,
    auth_plain: bool,
    auth_login: bool,
}

/// Whether TLS may be begun in this attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    Encrypted,
    Plain,
}

/// Opens a connection. With [`Tls::Opportunistic`] a broken TLS is followed by a plain attempt.
pub(super) async fn open(relay: &Relay) -> Result<(Stream, Server), Failure> {
    match attempt(relay, Attempt::Encrypted).await {
        Err(failure) if failure.stage == Stage::Tls && relay.tls == Tls::Opportunistic => {
            attempt(relay, Attempt::Plain).await
        }
        done => done,
    }
}

async fn attempt(relay: &Relay, attempt: Attempt) -> Result<(Stream, Server), Failure> {
    if !is_hello_name(&relay.hello_name) {
        let why = "the name for EHLO is not a host name: set one such as mail.example.com";
        return Err(Failure::local(Stage::Hello, Class::Relay, why));
    }
    let socket = connect(relay).await?;
    let is_loopback = socket.peer_addr().is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
    let mut stream = match relay.tls {
        Tls::Implicit => handshake(relay, &relay.trust, socket).await?,
        _ => Stream::plain(socket),
    };
    greeting(relay, &mut stream).await?;
    let mut server = hello(relay, &mut stream).await?;
    let wants_tls = match relay.tls {
        Tls::Implicit | Tls::None => false,
        Tls::Required => true,
        Tls::Opportunistic => server.starttls && attempt == Attempt::Encrypted,
    };
    if wants_tls {
        (stream, server) = start_tls(relay, stream, &server).await?;
    }
    if let Some(login) = &relay.login {
        if !may_log_in(relay.tls, stream.is_tls(), is_loopback) {
            let why = "a password is only sent over checked TLS: set TLS to required or implicit";
            return Err(Failure::local(Stage::Auth, Class::Relay, why));
        }
        authenticate(relay, &mut stream, &server, login).await?;
    }
    Ok((stream, server))
}

/// Whether a password may be sent: only to somebody whose certificate was checked, or to ourselves.
fn may_log_in(tls: Tls, is_encrypted: bool, is_loopback: bool) -> bool {
    is_loopback || (is_encrypted && matches!(tls, Tls::Implicit | Tls::Required))
}

/// A host name or an address literal: it goes into a command line.
fn is_hello_name(name: &str) -> bool {
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || b"-.:[]".contains(&octet);
    !name.is_empty() && name.len() <= 255 && name.bytes().all(fits)
}

async fn connect(relay: &Relay) -> Result<TcpStream, Failure> {
    let failed = |why: String| {
        let why = format!("cannot reach {}: {why}", relay.name());
        Failure::local(Stage::Connect, Class::Connection, why)
    };
    let opening = TcpStream::connect((relay.host.as_str(), relay.port));
    let socket = match timeout(relay.limits.connect, opening).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Err(_) => {
            let limit = relay.limits.connect.as_secs_f32();
            return Err(failed(format!("no connection within {limit} s")));
        }
    };
    // Without this every mail waits for a delayed ACK: 22 mails a second instead of 20,000.
    socket.set_nodelay(true).map_err(|error| failed(error.to_string()))?;
    Ok(socket)
}

async fn handshake(relay: &Relay, trust: &Trust, socket: TcpStream) -> Result<Stream, Failure> {
    let failed = |class, why: String| {
        let why = format!("no TLS with {}: {why}", relay.name());
        Err(Failure::local(Stage::Tls, class, why))
    };
    match timeout(relay.limits.handshake, trust.handshake(&relay.host, socket)).await {
        Ok(Ok(socket)) => Ok(Stream::tls(socket)),
        // What TLS itself has against the server stays so; a broken socket may be better next time.
        Ok(Err(error)) if is_tls(&error) => failed(Class::Relay, error.to_string()),
        Ok(Err(error)) => failed(Class::Connection, error.to_string()),
        Err(_) => failed(Class::Connection, "the handshake took too long".to_owned()),
    }
}

fn is_tls(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}

async fn greeting(relay: &Relay, stream: &mut Stream) -> Result<(), Failure> {
    let reply = read(stream, relay, Stage::Greeting).await?;
    if reply.code == 220 { Ok(()) } else { Err(refused(Stage::Greeting, reply)) }
}

async fn hello(relay: &Relay, stream: &mut Stream) -> Result<Server, Failure> {
    let line = format!("EHLO {}\r\n", relay.hello_name);
    let reply = ask(stream, relay, Stage::Hello, &line).await?;
    if reply.code == 250 {
        return Ok(Server::read(&reply));
    }
    if reply.is_permanent() {
        // Only a server older than 1995, or one that plays it, knows no EHLO.
        let line = format!("HELO {}\r\n", relay.hello_name);
        let reply = ask(stream, relay, Stage::Hello, &line).await?;
        return match reply.code {
            250 => Ok(Server::default()),
            _ => Err(refused(Stage::Hello, reply)),
        };
    }
    Err(refused(Stage::Hello, reply))
}

async fn start_tls(
    relay: &Relay,
    mut stream: Stream,
    server: &Server,
) -> Result<(Stream, Server), Failure> {
    let failed = |why: &str| Failure::local(Stage::Tls, Class::Relay, why);
    if !server.starttls {
        return Err(failed("the server offers no STARTTLS and the relay is set to require it"));
    }
    let reply = ask(&mut stream, relay, Stage::Tls, "STARTTLS\r\n").await?;
    if reply.code != 220 {
        let class = if reply.is_permanent() { Class::Relay } else { Class::Connection };
        return Err(Failure::said(Stage::Tls, class, reply));
    }
    let socket = stream
        .into_plain()
        .ok_or_else(|| failed("the server spoke between STARTTLS and the handshake"))?;
    let anybody;
    let trust = match relay.tls {
        Tls::Opportunistic => {
            anybody = Trust::anybody();
            &anybody
        }
        _ => &relay.trust,
    };
    let mut stream = handshake(relay, trust, socket).await?;
    // What was said before TLS does not count (RFC 3207 §4.2).
    let server = hello(relay, &mut stream).await?;
    Ok((stream, server))
}

async fn authenticate(
    relay: &Relay,
    stream: &mut Stream,
    server: &Server,
    login: &Login,
) -> Result<(), Failure> {
    let reply = if server.auth_plain {
        let token = BASE64.encode(format!("\0{}\0{}", login.user, login.password));
        ask(stream, relay, Stage::Auth, &format!("AUTH PLAIN {token}\r\n")).await?
    } else if server.auth_login {
        let mut reply = ask(stream, relay, Stage::Auth, "AUTH LOGIN\r\n").await?;
        for answer in [&login.user, &login.password] {
            if reply.code != 334 {
                break;
            }
            let line = format!("{}\r\n", BASE64.encode(answer));
            reply = ask(stream, relay, Stage::Auth, &line).await?;
        }
        reply
    } else {
        let why = "the server offers neither AUTH PLAIN nor AUTH LOGIN: remove the login";
        return Err(Failure::local(Stage::Auth, Class::Relay, why));
    };
    if reply.code == 235 { Ok(()) } else { Err(refused(Stage::Auth, reply)) }
}

fn refused(stage: Stage, reply: Reply) -> Failure {
    Failure::said(stage, classify(stage, &reply), reply)
}

async fn ask(
    stream: &mut Stream,
    relay: &Relay,
    stage: Stage,
    line: &str,
) -> Result<Reply, Failure> {
    if stream.has_unread() {
        let why = "the server's answers are out of step: it spoke before it was asked";
        return Err(Failure::local(stage, Class::Protocol, why));
    }
    match stream.write(line.as_bytes(), relay.limits.block).await {
        Ok(()) => read(stream, relay, stage).await,
        Err(CutShort { why, .. }) => Err(no_reply(stage, &why)),
    }
}

async fn read(stream: &mut Stream, relay: &Relay, stage: Stage) -> Result<Reply, Failure> {
    stream.reply(relay.limits.greeting).await.map_err(|why| no_reply(stage, &why))
}

fn no_reply(stage: Stage, why: &NoReply) -> Failure {
    let class = match why {
        NoReply::Garbage(_) => Class::Protocol,
        _ => Class::Connection,
    };
    Failure::local(stage, class, why.sentence())
}

impl Server {
    fn read(ehlo: &Reply) -> Self {
        let mut server = Self::default();
        for line in ehlo.text.lines().skip(1) {
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            let Some(keyword) = words.next() else { continue };
            match keyword.to_ascii_uppercase().as_str() {
                "PIPELINING" => server.pipelining = true,
                "SMTPUTF8" => server.smtputf8 = true,
                "STARTTLS" => server.starttls = true,
                "SIZE" => {
                    server.size = true;
                    let named = words.next().and_then(|max| max.parse().ok());
                    server.size_max = named.filter(|max| *max > 0);
                }
                "AUTH" => {
                    for word in words {
                        server.auth_plain |= word.eq_ignore_ascii_case("PLAIN");
                        server.auth_login |= word.eq_ignore_ascii_case("LOGIN");
                    }
                }
                _ => {}
            }
        }
        server
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g04_a_password_is_sent_over_checked_tls_or_to_ourselves_only() {
        for tls in [Tls::Implicit, Tls::Required] {
            assert!(may_log_in(tls, true, false));
        }
        assert!(!may_log_in(Tls::Opportunistic, true, false));
        assert!(!may_log_in(Tls::Opportunistic, false, false));
        assert!(!may_log_in(Tls::None, false, false));
        assert!(may_log_in(Tls::None, false, true));
    }

    #[test]
    fn capabilities_are_read_in_the_ways_servers_write_them() {
        let text =
            "x.test\nPIPELINING\nsize 1000\nAUTH=LOGIN plain\nSmtpUtf8\nSTARTTLS\n\nX-Y".to_owned();
        let server = Server::read(&Reply { code: 250, enhanced: None, text });
        assert!(server.pipelining && server.smtputf8 && server.starttls && server.size);
        assert!(server.auth_plain && server.auth_login);
        assert_eq!(server.size_max, Some(1_000));
        for text in ["PIPELINING", "x.test\nSIZE 0", "x.test\nSIZE", "x.test\nSIZE lots"] {
            let server = Server::read(&Reply { code: 250, enhanced: None, text: text.to_owned() });
            assert_eq!((server.pipelining, server.size_max), (false, None), "{text}");
        }
    }
}
