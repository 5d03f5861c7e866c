//! One connection of the sink.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::{Action, Received, Shared, Step, TlsKind};

enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Gone,
}

/// The connection is over; the reason does not matter.
struct Over;

struct Session {
    socket: Socket,
    shared: Arc<Shared>,
    number: u64,
    inbox: Vec<u8>,
    /// How much of `inbox` is done with.
    done: usize,
    outbox: Vec<u8>,
    from: Option<String>,
    to: Option<String>,
    /// RCPT was tried, whatever the answer was.
    tried: String,
}

/// Serves one connection to its end.
pub(super) async fn serve(socket: TcpStream, number: u64, shared: Arc<Shared>) {
    // Without it the answers wait for the client's ACK.
    let _ = socket.set_nodelay(true);
    let mut session = Session {
        socket: Socket::Plain(socket),
        shared,
        number,
        inbox: Vec::with_capacity(64 * 1_024),
        done: 0,
        outbox: Vec::new(),
        from: None,
        to: None,
        tried: String::new(),
    };
    // `Over` is how every session ends.
    let _ = session.talk().await;
    let shared = Arc::clone(&session.shared);
    drop(session);
    shared.closed.send_modify(|closed| *closed += 1);
}

impl Session {
    async fn talk(&mut self) -> Result<(), Over> {
        if self.shared.options.tls.as_ref().is_some_and(|(kind, _)| *kind == TlsKind::Implicit) {
            self.begin_tls().await?;
        }
        self.answer(Step::Banner, "220 sink.test ESMTP").await?;
        loop {
            let line = self.line().await?;
            if self.shared.options.keeps {
                self.shared.log().commands.push((self.number, line.clone()));
            }
            let verb = line.get(..4).unwrap_or(&line).to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => self.ehlo().await?,
                "HELO" => self.say("250 sink.test").await?,
                "STAR" => self.start_tls().await?,
                "AUTH" => self.auth(&line).await?,
                "MAIL" => self.mail(&line).await?,
                "RCPT" => self.rcpt(&line).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.forget();
                    self.answer(Step::Rset, "250 2.0.0 Ok").await?;
                }
                "NOOP" => self.say("250 2.0.0 Ok").await?,
                "QUIT" => {
                    self.answer(Step::Quit, "221 2.0.0 Bye").await?;
                    self.flush().await?;
                    return Err(Over);
                }
                _ => self.say("500 5.5.2 what?").await?,
            }
            let options = &self.shared.options;
            if !options.pipelining && !self.unread().is_empty() && verb != "DATA" {
                self.fault("pipelining where it was not offered");
            }
        }
    }

    fn fault(&self, what: &str) {
        self.shared.log().faults.push(what.to_owned());
    }

    fn forget(&mut self) {
        (self.from, self.to) = (None, None);
        self.tried.clear();
    }

    async fn ehlo(&mut self) -> Result<(), Over> {
        let options = &self.shared.options;
        if !options.ehlo {
            return self.answer(Step::Ehlo, "502 5.5.1 unknown command").await;
        }
        let is_tls = matches!(self.socket, Socket::Tls(_));
        let mut lines = vec!["sink.test".to_owned()];
        if options.pipelining {
            lines.push("PIPELINING".to_owned());
        }
        if let Some(max) = options.size_max {
            lines.push(format!("SIZE {max}"));
        }
        if options.smtputf8 {
            lines.push("SMTPUTF8".to_owned());
        }
        if options.tls.is_some() && !is_tls {
            lines.push("STARTTLS".to_owned());
        }
        if let Some((words, ..)) = options.auth {
            lines.push(format!("AUTH {words}"));
        }
        lines.push("ENHANCEDSTATUSCODES".to_owned());
        let last = lines.pop().unwrap_or_default();
        let mut text: String = lines.iter().map(|line| format!("250-{line}\r\n")).collect();
        text.push_str(&format!("250 {last}"));
        self.forget();
        self.answer(Step::Ehlo, &text).await
    }

    async fn start_tls(&mut self) -> Result<(), Over> {
        if self.shared.options.tls.is_none() {
            return self.say("502 5.5.1 no TLS here").await;
        }
        self.answer(Step::StartTls, "220 2.0.0 go on").await?;
        self.flush().await?;
        self.begin_tls().await
    }

    async fn begin_tls(&mut self) -> Result<(), Over> {
        let Some((_, acceptor)) = self.shared.options.tls.clone() else { return Err(Over) };
        let Socket::Plain(socket) = std::mem::replace(&mut self.socket, Socket::Gone) else {
            return Err(Over);
        };
        let socket = acceptor.accept(socket).await.map_err(|_| Over)?;
        self.socket = Socket::Tls(Box::new(socket));
        Ok(())
    }

    async fn auth(&mut self, line: &str) -> Result<(), Over> {
        let Some((_, user, password)) = self.shared.options.auth else {
            return self.say("502 5.5.1 no login here").await;
        };
        let decoded = |text: &str| {
            String::from_utf8_lossy(&BASE64.decode(text.trim()).unwrap_or_default()).into_owned()
        };
        let given = match line.split_once(' ').map(|(_, rest)| rest.split_once(' ')) {
            Some(Some((_, token))) => decoded(token),
            _ => {
                self.say("334 VXNlcm5hbWU6").await?;
                let user = decoded(&self.line().await?);
                self.say("334 UGFzc3dvcmQ6").await?;
                format!("\0{user}\0{}", decoded(&self.line().await?))
            }
        };
        if given == format!("\0{user}\0{password}") {
            self.answer(Step::Auth, "235 2.7.0 welcome").await
        } else {
            self.say("535 5.7.8 wrong user or password").await
        }
    }

    async fn mail(&mut self, line: &str) -> Result<(), Over> {
        if self.from.is_some() {
            return self.say("503 5.5.1 nested MAIL").await;
        }
        self.from = Some(between_brackets(line));
        let taken = self.answer_and_see(Step::Mail, "250 2.1.0 Ok").await?;
        if !taken {
            self.from = None;
        }
        Ok(())
    }

    async fn rcpt(&mut self, line: &str) -> Result<(), Over> {
        self.tried = between_brackets(line);
        if self.from.is_none() {
            return self.say("503 5.5.1 MAIL first").await;
        }
        if self.answer_and_see(Step::Rcpt, "250 2.1.5 Ok").await? {
            self.to = Some(self.tried.clone());
        }
        Ok(())
    }

    async fn data(&mut self) -> Result<(), Over> {
        let nobody_will_do = self.shared.options.go_on_for_nobody && self.from.is_some();
        let goes_on = self.to.is_some() || nobody_will_do;
        if !goes_on {
            let why = if self.from.is_some() { "554 5.5.1 no recipients" } else { "503 5.5.1 no" };
            return self.say(why).await;
        }
        if !self.answer_and_see(Step::Data, "354 go on").await? {
            return Ok(());
        }
        let body = self.body().await?;
        if self.to.is_none() {
            self.forget();
            return self.say("554 5.5.1 no valid recipients").await;
        }
        self.think().await?;
        match self.action(Step::Dot) {
            None => self.keep_and_answer(&body, "250 2.0.0 Ok: queued").await?,
            Some(Action::Reply(text)) if text.starts_with("250") => {
                self.keep_and_answer(&body, &text).await?;
            }
            Some(Action::KeepAndDrop) => {
                self.keep(&body);
                return Err(Over);
            }
            Some(Action::Wait(gate)) => {
                self.flush().await?;
                gate.wait().await;
                self.keep_and_answer(&body, "250 2.0.0 Ok: queued").await?;
            }
            Some(action @ (Action::Drip | Action::Extra(_))) => {
                self.keep(&body);
                self.act(action, "250 2.0.0 Ok: queued").await?;
            }
            Some(action) => self.act(action, "").await?,
        }
        self.forget();
        Ok(())
    }

    async fn keep_and_answer(&mut self, body: &[u8], text: &str) -> Result<(), Over> {
        self.keep(body);
        self.think().await?;
        self.say(text).await
    }

    /// Takes its time, as a server that looks at a mail does: from nothing up to twice the half.
    async fn think(&mut self) -> Result<(), Over> {
        let most = self.shared.options.think_ms;
        if most == 0 {
            return Ok(());
        }
        self.flush().await?;
        let turn = self.shared.turns.fetch_add(1, Ordering::Relaxed);
        // The golden ratio's multiples spread evenly; chance would have to come from outside.
        let ms = turn.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_shr(32) % (most + 1);
        // Not a test that sleeps, but a server that a sender waits for.
        let thought = tokio::time::sleep(Duration::from_millis(ms)); // waits for a process
        thought.await;
        Ok(())
    }

    fn keep(&mut self, body: &[u8]) {
        let shared = &self.shared;
        shared.mails.fetch_add(1, Ordering::SeqCst);
        let octets = u64::try_from(body.len()).unwrap_or(u64::MAX);
        shared.octets.fetch_add(octets, Ordering::Relaxed);
        let mut log = shared.log();
        *log.counts.entry(message_id(body)).or_default() += 1;
        if shared.options.keeps {
            check(body, &mut log.faults);
            log.received.push(Received {
                from: self.from.clone().unwrap_or_default(),
                to: self.to.clone().unwrap_or_default(),
                bytes: unstuffed(body),
                connection: self.number,
                tls: matches!(self.socket, Socket::Tls(_)),
            });
        }
    }

    fn unread(&self) -> &[u8] {
        &self.inbox[self.done..]
    }

    /// The body as it came, with its last CRLF and without the dot.
    async fn body(&mut self) -> Result<Vec<u8>, Over> {
        let mut searched = 0;
        let mut is_begun = false;
        loop {
            if !self.unread().is_empty() && !is_begun {
                is_begun = true;
                if let Some(action) = self.action(Step::Body) {
                    self.shared.half_bodies.fetch_add(1, Ordering::SeqCst);
                    self.act(action, "").await?;
                    self.flush().await?;
                    return Err(Over);
                }
            }
            let unread = self.unread();
            let end = if unread.starts_with(b".\r\n") {
                Some(0)
            } else {
                memmem::find(&unread[searched..], b"\r\n.\r\n").map(|at| searched + at + 2)
            };
            if let Some(end) = end {
                let body = unread[..end].to_vec();
                self.done += end + 3;
                if !self.unread().is_empty() {
                    self.shared.grouped.fetch_add(1, Ordering::Relaxed);
                }
                return Ok(body);
            }
            searched = unread.len().saturating_sub(4);
            if self.fill().await.is_err() {
                self.shared.half_bodies.fetch_add(1, Ordering::SeqCst);
                return Err(Over);
            }
        }
    }

    async fn line(&mut self) -> Result<String, Over> {
        loop {
            if let Some(at) = memchr::memchr(b'\n', self.unread()) {
                let line = &self.unread()[..=at];
                let is_bare = !line.ends_with(b"\r\n");
                let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
                self.done += at + 1;
                if is_bare {
                    self.fault("a command that ends in a bare LF");
                }
                return Ok(text);
            }
            self.fill().await?;
        }
    }

    /// Reads more; sends first what is waiting to be said.
    async fn fill(&mut self) -> Result<(), Over> {
        self.flush().await?;
        self.inbox.drain(..self.done);
        self.done = 0;
        self.inbox.reserve(32 * 1_024);
        let read = match &mut self.socket {
            Socket::Plain(socket) => socket.read_buf(&mut self.inbox).await,
            Socket::Tls(socket) => socket.read_buf(&mut self.inbox).await,
            Socket::Gone => Ok(0),
        };
        match read {
            Ok(0) | Err(_) => Err(Over),
            Ok(_) => Ok(()),
        }
    }

    async fn flush(&mut self) -> Result<(), Over> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        let sent = match &mut self.socket {
            Socket::Plain(socket) => socket.write_all(&self.outbox).await,
            Socket::Tls(socket) => match socket.write_all(&self.outbox).await {
                Ok(()) => socket.flush().await,
                Err(error) => Err(error),
            },
            Socket::Gone => return Err(Over),
        };
        self.outbox.clear();
        sent.map_err(|_| Over)
    }

    /// Says a line (or several, already with codes) with the next read: answers to a group of
    /// commands leave together, as RFC 2920 §3.2 advises.
    async fn say(&mut self, text: &str) -> Result<(), Over> {
        self.outbox.extend_from_slice(text.as_bytes());
        self.outbox.extend_from_slice(b"\r\n");
        if self.shared.options.pipelining { Ok(()) } else { self.flush().await }
    }

    fn action(&self, step: Step) -> Option<Action> {
        self.shared.action(step, self.from.as_deref().unwrap_or_default(), &self.tried)
    }

    async fn answer(&mut self, step: Step, usual: &str) -> Result<(), Over> {
        self.answer_and_see(step, usual).await.map(|_| ())
    }

    /// Answers as a rule says, else as usual; gives whether that was a yes.
    async fn answer_and_see(&mut self, step: Step, usual: &str) -> Result<bool, Over> {
        match self.action(step) {
            None => self.say(usual).await.map(|()| true),
            Some(Action::Reply(text)) => {
                self.say(&text).await?;
                Ok(text.starts_with(['2', '3']))
            }
            Some(action) => self.act(action, usual).await.map(|()| true),
        }
    }

    async fn act(&mut self, action: Action, usual: &str) -> Result<(), Over> {
        match action {
            Action::Reply(text) => self.say(&text).await,
            Action::Raw(octets) => {
                self.outbox.extend_from_slice(&octets);
                self.flush().await
            }
            Action::Drip => {
                self.flush().await?;
                for octet in format!("{usual}\r\n").bytes() {
                    self.outbox.push(octet);
                    self.flush().await?;
                    tokio::task::yield_now().await;
                }
                Ok(())
            }
            Action::Extra(text) => {
                // In one write, so that the client sees both or neither.
                self.say(&format!("{usual}\r\n{text}")).await
            }
            Action::ReplyAndDrop(text) => {
                self.say(&text).await?;
                self.flush().await?;
                Err(Over)
            }
            Action::Drop | Action::KeepAndDrop => {
                self.flush().await?;
                Err(Over)
            }
            Action::Reset => {
                self.flush().await?;
                let tcp = match &self.socket {
                    Socket::Plain(tcp) => Some(tcp),
                    Socket::Tls(tls) => Some(tls.get_ref().0),
                    Socket::Gone => None,
                };
                if let Some(tcp) = tcp {
                    tcp.set_zero_linger().map_err(|_| Over)?;
                }
                Err(Over)
            }
            Action::Silent => loop {
                self.fill().await?;
            },
            Action::Wait(gate) => {
                self.flush().await?;
                gate.wait().await;
                self.say(usual).await
            }
        }
    }
}

fn between_brackets(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>'));
    inner.map_or_else(String::new, |(inner, _)| inner.to_owned())
}

fn message_id(body: &[u8]) -> String {
    let mark = b"Message-ID: <";
    let starts = |at: &usize| *at == 0 || body[at - 1] == b'\n';
    let Some(at) = memmem::find_iter(body, mark).find(starts) else { return String::new() };
    let rest = &body[at + mark.len()..];
    let end = memchr::memchr(b'>', rest).unwrap_or(0);
    String::from_utf8_lossy(&rest[..end]).into_owned()
}

fn unstuffed(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        out.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    out
}

fn check(body: &[u8], faults: &mut Vec<String>) {
    let mut text = body;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', text) {
        if !text[at..].starts_with(b"\r\n") {
            faults.push("a bare CR or LF in a body".to_owned());
            return;
        }
        if at > 998 {
            faults.push("a line of more than 998 octets".to_owned());
        }
        text = &text[at + 2..];
    }
    if memchr::memchr(0, body).is_some() {
        faults.push("a NUL in a body".to_owned());
    }
}
