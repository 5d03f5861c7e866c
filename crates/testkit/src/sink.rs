//! A mail server for tests and benches: takes everything, or fails exactly where it is told to.
//!
//! Runs on a thread of its own with its own runtime, so that a test may stop the clock of its
//! runtime, or have none. A slow server is a [`Gate`] the test opens; only where the sender is a
//! process of its own does it take its time by the clock.
//!
//! ```no_run
//! use testkit::sink::{Action, Options, Rule, Sink, Step};
//!
//! let sink = Sink::start(Options::default());
//! sink.rule(Rule::at(Step::Rcpt).to("full@").reply("452 4.2.2 full"));
//! sink.rule(Rule::at(Step::Dot).once().act(Action::KeepAndDrop));
//! // … send to sink.addr() …
//! assert_eq!(sink.counts().values().max(), Some(&1));
//! ```

#[path = "sink/certs.rs"]
pub mod certs;
// Spelled out because `mail`, which may not know this crate, takes this file into its own tests.
#[path = "sink/session.rs"]
mod session;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{Semaphore, oneshot, watch};
use tokio_rustls::TlsAcceptor;

/// How the server behaves when no rule says otherwise.
#[derive(Clone)]
pub struct Options {
    /// Offers PIPELINING. Without it, a client that pipelines all the same is noted as a fault.
    pub pipelining: bool,
    /// Knows EHLO; else answers 502.
    pub ehlo: bool,
    /// Offers SMTPUTF8.
    pub smtputf8: bool,
    /// Offers SIZE with this limit.
    pub size_max: Option<u64>,
    /// Offers STARTTLS, or begins with TLS.
    pub tls: Option<(TlsKind, TlsAcceptor)>,
    /// Offers AUTH with these words (`PLAIN LOGIN`) and takes this user and password.
    pub auth: Option<(&'static str, &'static str, &'static str)>,
    /// Answers 354 to DATA even where no recipient was taken (RFC 2920 §3.1 allows it).
    pub go_on_for_nobody: bool,
    /// Keeps the bytes of every mail and every command. Off for benches: only counts.
    pub keeps: bool,
    /// Threads of its runtime.
    pub threads: usize,
    /// Milliseconds a mail takes on average at its dot: half before it is kept, half after.
    pub think_ms: u64,
}

/// When TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsKind {
    /// After STARTTLS.
    Start,
    /// Before the greeting.
    Implicit,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pipelining: true,
            ehlo: true,
            smtputf8: true,
            size_max: Some(10_000_000),
            tls: None,
            auth: None,
            go_on_for_nobody: false,
            keeps: true,
            threads: 1,
            think_ms: 0,
        }
    }
}

/// Where in the dialogue a rule applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words are SMTP's own")]
pub enum Step {
    Banner,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// After the first octets of a body.
    Body,
    /// The final dot.
    Dot,
    Rset,
    Quit,
}

/// What the server does instead of the usual.
#[derive(Debug, Clone)]
pub enum Action {
    /// Answers this (CRLF is added). A 250 at the dot keeps the mail, nothing else does.
    Reply(String),
    /// Answers exactly these octets.
    Raw(Vec<u8>),
    /// Answers as usual, one octet a write.
    Drip,
    /// Answers as usual, and this line after it, unasked.
    Extra(String),
    /// Answers this and closes.
    ReplyAndDrop(String),
    /// Closes without an answer; a mail at its dot is thrown away.
    Drop,
    /// Closes by reset without an answer; a mail at its dot is thrown away.
    Reset,
    /// At the dot: takes the mail and closes without an answer.
    KeepAndDrop,
    /// Never answers; waits for the client to go.
    Silent,
    /// Waits at the gate, then goes on as usual.
    Wait(Gate),
}

/// One exception to the usual behaviour. Rules are tried in the order they were given.
#[derive(Debug, Clone)]
pub struct Rule {
    step: Step,
    to: Option<String>,
    from: Option<String>,
    skip: u32,
    times: Option<u32>,
    action: Action,
}

impl Rule {
    /// A rule at `step` for every mail; [`Action::Drop`] until an action is named.
    pub fn at(step: Step) -> Self {
        Self { step, to: None, from: None, skip: 0, times: None, action: Action::Drop }
    }

    /// Only where the recipient contains `part` (from RCPT on).
    #[must_use]
    pub fn to(mut self, part: &str) -> Self {
        self.to = Some(part.to_owned());
        self
    }

    /// Only where the sender contains `part` (from MAIL on).
    #[must_use]
    pub fn from(mut self, part: &str) -> Self {
        self.from = Some(part.to_owned());
        self
    }

    /// Only the first time it applies.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.times = Some(1);
        self
    }

    /// Not the first `count` times it would apply.
    #[must_use]
    pub fn after(mut self, count: u32) -> Self {
        self.skip = count;
        self
    }

    /// Answers `line`.
    #[must_use]
    pub fn reply(self, line: &str) -> Self {
        self.act(Action::Reply(line.to_owned()))
    }

    /// Does `action`.
    #[must_use]
    pub fn act(mut self, action: Action) -> Self {
        self.action = action;
        self
    }
}

/// Where a slow server waits until the test lets it go on.
#[derive(Debug, Clone)]
pub struct Gate(Arc<(Semaphore, Semaphore)>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new((Semaphore::new(0), Semaphore::new(0))))
    }
}

impl Gate {
    /// Lets one waiting session (or the next to come) go on.
    pub fn open(&self) {
        self.0.0.add_permits(1);
    }

    /// Waits until a session stands at the gate.
    pub async fn reached(&self) {
        self.0.1.acquire().await.expect("the gate is never torn down").forget();
    }

    async fn wait(&self) {
        self.0.1.add_permits(1);
        self.0.0.acquire().await.expect("the gate is never torn down").forget();
    }
}

/// A mail the server has taken.
#[derive(Debug, Clone)]
pub struct Received {
    /// The address of MAIL.
    pub from: String,
    /// The address of RCPT.
    pub to: String,
    /// The octets after the dots were taken out.
    pub bytes: Vec<u8>,
    /// The connection it came by, counted from 0.
    pub connection: u64,
    /// Whether that was encrypted.
    pub tls: bool,
}

#[derive(Default)]
struct Log {
    received: Vec<Received>,
    counts: BTreeMap<String, u64>,
    commands: Vec<(u64, String)>,
    faults: Vec<String>,
    rules: Vec<Rule>,
}

struct Shared {
    options: Options,
    log: Mutex<Log>,
    has_rules: AtomicU64,
    mails: AtomicU64,
    octets: AtomicU64,
    half_bodies: AtomicU64,
    turns: AtomicU64,
    grouped: AtomicU64,
    connections: AtomicU64,
    closed: watch::Sender<u64>,
}

/// A running server; stops when dropped.
pub struct Sink {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sink {
    /// Starts a server on a free port of 127.0.0.1.
    pub fn start(options: Options) -> Self {
        Self::start_on("127.0.0.1:0", options)
    }

    /// Starts a server on `address`.
    pub fn start_on(address: &str, options: Options) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let addr = listener.local_addr().expect("a bound socket");
        let shared = Arc::new(Shared {
            options,
            log: Mutex::default(),
            has_rules: AtomicU64::new(0),
            mails: AtomicU64::new(0),
            octets: AtomicU64::new(0),
            half_bodies: AtomicU64::new(0),
            turns: AtomicU64::new(0),
            grouped: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            closed: watch::Sender::new(0),
        });
        let (stop, stopped) = oneshot::channel();
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || run(listener, for_thread, stopped));
        Self { addr, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Adds a rule; it counts from the next command on.
    pub fn rule(&self, rule: Rule) {
        self.shared.log().rules.push(rule);
        self.shared.has_rules.store(1, Ordering::SeqCst);
    }

    /// Forgets all rules.
    pub fn behave(&self) {
        self.shared.log().rules.clear();
    }

    /// How many mails were taken.
    pub fn mails(&self) -> u64 {
        self.shared.mails.load(Ordering::SeqCst)
    }

    /// Octets of all mails taken.
    pub fn octets(&self) -> u64 {
        self.shared.octets.load(Ordering::SeqCst)
    }

    /// How many mails were taken of each Message-ID.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.shared.log().counts.clone()
    }

    /// The mails taken, oldest first; empty where nothing is kept.
    pub fn received(&self) -> Vec<Received> {
        self.shared.log().received.clone()
    }

    /// Bodies that were begun and never got their dot.
    pub fn half_bodies(&self) -> u64 {
        self.shared.half_bodies.load(Ordering::SeqCst)
    }

    /// Dots that came in one read with the command after them: group sending (RFC 2920).
    pub fn grouped(&self) -> u64 {
        self.shared.grouped.load(Ordering::SeqCst)
    }

    /// Waits until `count` connections have ended, so that what they left is counted.
    pub async fn closed(&self, count: u64) {
        let mut closed = self.shared.closed.subscribe();
        closed.wait_for(|closed| *closed >= count).await.expect("the sink runs");
    }

    /// Connections taken so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The commands of all connections, oldest first; empty where nothing is kept.
    pub fn commands(&self) -> Vec<String> {
        self.shared.log().commands.iter().map(|(_, line)| line.clone()).collect()
    }

    /// What clients did that RFC 5321 or RFC 2920 forbids: bare line ends, pipelining where it
    /// was not offered, octets beyond ASCII, lines too long.
    pub fn faults(&self) -> Vec<String> {
        self.shared.log().faults.clone()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The action of the first rule for this step, if there is one; uses it up.
    fn action(&self, step: Step, from: &str, to: &str) -> Option<Action> {
        if self.has_rules.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut log = self.log();
        let fits = |rule: &Rule| {
            rule.step == step
                && rule.times != Some(0)
                && rule.to.as_ref().is_none_or(|part| to.contains(part))
                && rule.from.as_ref().is_none_or(|part| from.contains(part))
        };
        for rule in log.rules.iter_mut().filter(|rule| fits(rule)) {
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.times = rule.times.map(|times| times - 1);
            return Some(rule.action.clone());
        }
        None
    }
}

fn run(listener: TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let mut builder = match shared.options.threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread(),
        threads => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    let runtime = builder.enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let accepting = async {
            loop {
                let Ok((socket, _)) = listener.accept().await else { continue };
                let number = shared.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(session::serve(socket, number, Arc::clone(&shared)));
            }
        };
        tokio::select! {
            () = accepting => {}
            _ = stopped => {}
        }
    });
    runtime.shutdown_background();
}
