//! One SMTP connection: W3 of a mail and W2 of the next in one commit, the dot in between.
//!
//! ```text
//! read 250, 250, 354 of n   commit { W3 n-1, W2 n }   write [ body n, dot, envelope n+1 ]   read 250 of n …
//! ```
//!
//! A connection never has more than one message between W2 and W3, so a crash leaves at most one
//! in doubt.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mail::smtp::Connection;
use mail::{Blame, Failure, Outcome};
use model::UtcMs;
use model::messages::State;
use store::Tx;
use store::messages::{Claimed, End};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outcomes::{Circumstances, Tried};
use super::routes::Route;
use super::{CLAIM_MAX, LEASE_MS, claims, outcomes};
use crate::also_bought;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::letters::{Frozen, Sealed};
use crate::transport::Smtp;

/// Mails composed ahead on one connection: enough that it never waits, few enough in memory.
const AHEAD: usize = 6;
/// Claimed mails left at which the next are claimed along with a commit that is due anyway.
const LOW: usize = 4;
/// Claimed at first, so that a few mails spread over the connections.
const CLAIM_FIRST: i64 = 4;
/// Claims are renewed this often while a server lets us wait.
const RENEW_MS: i64 = LEASE_MS / 3;
/// How long W3 waits for the next W2 to share its commit with.
const FOLD_MAX_MS: i64 = 250;
/// After W2 the dot must leave within half a lease, or not at all (stalled, suspended).
const STALL_MAX_MS: i64 = LEASE_MS / 2;

/// A claimed mail, composed.
struct Ready {
    message: Claimed,
    sealed: Sealed,
}

struct Worker {
    engine: Engine,
    route: Arc<Route>,
    smtp: Smtp,
    claimed: VecDeque<Claimed>,
    ready: VecDeque<Ready>,
    /// Tries that ended and are not yet written down: W3.
    ended: Vec<Tried>,
    conn: Option<Connection>,
    claim_size: i64,
    /// When the oldest claim held was made or renewed, by the steady clock.
    renewed_ms: i64,
    stop: CancellationToken,
}

/// What the commit before a dot said.
enum Said {
    /// The dot may leave.
    Go,
    /// It must not; the row says why.
    Withheld,
}

/// Sends over one connection until nothing was due for `idle`, the relay failed, or `stop`.
///
/// # Errors
/// The database failed, or a test stopped the story at a crash point. What was claimed is taken up
/// again when its lease is over.
pub(super) async fn work(
    engine: Engine,
    route: Arc<Route>,
    stop: CancellationToken,
    idle: Duration,
) -> Result<()> {
    let Some(smtp) = route.smtp().cloned() else { return Ok(()) };
    let renewed_ms = engine.clock().steady_ms();
    let mut worker = Worker {
        engine,
        route,
        smtp,
        claimed: VecDeque::new(),
        ready: VecDeque::new(),
        ended: Vec::new(),
        conn: None,
        claim_size: CLAIM_FIRST,
        renewed_ms,
        stop,
    };
    let mut idle_since = Instant::now();
    loop {
        // A clock that was just set may say that anything is due.
        if worker.engine.is_quiet() {
            break;
        }
        if worker.stop.is_cancelled() || worker.route.is_over() || worker.route.paused().is_some() {
            break;
        }
        if worker.prepare().await? {
            worker.send_one().await?;
            idle_since = Instant::now();
        } else if idle_since.elapsed() >= idle {
            break;
        } else {
            worker.rest(idle).await;
        }
    }
    worker.end().await
}

impl Worker {
    /// Sees to it that a mail is composed; `false` where none is due.
    async fn prepare(&mut self) -> Result<bool> {
        while self.ready.is_empty() {
            if self.claimed.is_empty() {
                // Nothing to fold the last W3 with: it goes by itself, and claims along.
                self.flush(true).await?;
                if self.claimed.is_empty() {
                    return Ok(false);
                }
                self.engine.pass("w1.after")?;
            }
            self.compose_ahead().await?;
        }
        Ok(true)
    }

    /// Composes the next few claimed mails off the async threads.
    async fn compose_ahead(&mut self) -> Result<()> {
        let count = AHEAD.saturating_sub(self.ready.len()).min(self.claimed.len());
        if count == 0 {
            return Ok(());
        }
        let batch: Vec<Claimed> = self.claimed.drain(..count).collect();
        for (message, sealed) in seal(&self.engine, &self.route, batch).await? {
            match sealed {
                Ok(sealed) => self.ready.push_back(Ready { message, sealed }),
                Err(tried) => self.ended.push(*tried),
            }
        }
        Ok(())
    }

    async fn send_one(&mut self) -> Result<()> {
        let Some(ready) = self.ready.pop_front() else { return Ok(()) };
        let route = Arc::clone(&self.route);
        self.meanwhile(&ready.message, route.pace()).await?;
        self.renew_if_old(&ready.message).await?;
        let started_at = self.engine.now();
        let Some(mut conn) = self.open(&ready).await? else {
            return self.put_back(ready).await;
        };
        let mut at = Circumstances {
            relay: self.smtp.relay.name(),
            tls: conn.is_tls(),
            started_at,
            commit_at: None,
            ended_at: started_at,
        };
        let begun = self.meanwhile(&ready.message, begin(&mut conn, &ready.sealed)).await?;
        if let Err(outcome) = begun {
            return self.ended(conn, ready.message, &outcome, at);
        }
        if self.ready.is_empty() {
            self.compose_ahead().await?;
        }
        let (commit_at, issued) = (self.engine.now(), self.engine.clock().steady_ms());
        at.commit_at = Some(commit_at);
        let (ready, said) = self.fold(ready).await?;
        if matches!(said, Said::Withheld) {
            conn.abandon();
            return Ok(());
        }
        self.engine.pass("w2.after")?;
        // The steady clock counts what a suspended machine slept through, and nobody sets it.
        let waited = self.engine.clock().steady_ms().saturating_sub(issued);
        if waited >= STALL_MAX_MS || self.engine.is_quiet() {
            conn.abandon();
            return self.put_back(ready).await;
        }
        let next = self.ready.front().map(|next| next.sealed.envelope.clone());
        let outcome = self.meanwhile(&ready.message, conn.dot(next.as_ref())).await?;
        self.engine.pass("dot.after")?;
        self.ended(conn, ready.message, &outcome, at)
    }

    /// Waits for `work` on `message`. Where a server takes its time, the claims held are renewed,
    /// and W3 of what ended goes by itself: it must not stand in memory alone for so long.
    async fn meanwhile<T>(
        &mut self,
        message: &Claimed,
        work: impl Future<Output = T>,
    ) -> Result<T> {
        tokio::pin!(work);
        let clock = self.engine.clock().clone();
        let fold_by = clock.steady_ms() + FOLD_MAX_MS;
        loop {
            let renew_by = self.renewed_ms + RENEW_MS;
            let due = if self.ended.is_empty() { renew_by } else { renew_by.min(fold_by) };
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = clock.sleep_until(due) => {
                    self.flush(false).await?;
                    self.renew_if_old(message).await?;
                }
            }
        }
    }

    /// An open connection. `None` where there is none to be had: then the route is paused.
    async fn open(&mut self, ready: &Ready) -> Result<Option<Connection>> {
        if let Some(conn) = self.conn.take() {
            // An envelope that was sent along with the last dot is read by `envelope`.
            if conn.is_open() {
                return Ok(Some(conn));
            }
        }
        // W3 of what went before must not wait for a slow server.
        self.flush(false).await?;
        match Connection::open(&self.smtp.relay).await {
            Ok(conn) => {
                self.route.works();
                Ok(Some(conn))
            }
            Err(failure) => {
                tracing::debug!(message = %ready.message.id, why = %failure, "no connection");
                self.route.pause(&failure.why);
                Ok(None)
            }
        }
    }

    /// A try ended: keeps its W3 for the next commit, and the connection if it is still good.
    fn ended(
        &mut self,
        conn: Connection,
        message: Claimed,
        outcome: &Outcome,
        mut at: Circumstances,
    ) -> Result<()> {
        at.ended_at = self.engine.now();
        if let Some(failure) = outcome.failure() {
            self.blame(failure);
        }
        self.ended.push(outcomes::tried(&self.engine, message, outcome, &at));
        if conn.is_open() {
            self.conn = Some(conn);
        }
        Ok(())
    }

    fn blame(&self, failure: &Failure) {
        match failure.blame() {
            Blame::Relay => self.route.pause(&failure.why),
            Blame::Connection | Blame::Letter => {}
        }
    }

    /// The commit before a dot: W3 of what ended, W2 of `ready`, and W1 of more where few are left.
    async fn fold(&mut self, ready: Ready) -> Result<(Ready, Said)> {
        let ended = std::mem::take(&mut self.ended);
        let (engine, route) = (self.engine.clone(), Arc::clone(&self.route));
        let more = self.more();
        let (ready, go, claimed) = self
            .engine
            .write(move |tx| {
                Box::pin(async move {
                    for tried in &ended {
                        outcomes::write_down(&engine, tx, tried).await?;
                    }
                    let go = commit(&engine, tx, &route, &ready.message, &ready.sealed).await?;
                    let claimed = claim_more(&engine, tx, &route, more).await?;
                    Ok((ready, go, claimed))
                })
            })
            .await?;
        self.took(claimed, more);
        Ok((ready, if go { Said::Go } else { Said::Withheld }))
    }

    /// Writes down what ended, and claims more if asked to.
    async fn flush(&mut self, claims: bool) -> Result<()> {
        let ended = std::mem::take(&mut self.ended);
        let more = if claims { self.more() } else { 0 };
        if ended.is_empty() && more == 0 {
            return Ok(());
        }
        let (engine, route) = (self.engine.clone(), Arc::clone(&self.route));
        let claimed = self
            .engine
            .write(move |tx| {
                Box::pin(async move {
                    for tried in &ended {
                        outcomes::write_down(&engine, tx, tried).await?;
                    }
                    claim_more(&engine, tx, &route, more).await
                })
            })
            .await?;
        self.took(claimed, more);
        Ok(())
    }

    /// How many to claim along with the next commit.
    fn more(&self) -> i64 {
        let low = self.claimed.len() + self.ready.len() <= LOW;
        let goes_on = !self.stop.is_cancelled() && self.route.paused().is_none();
        if low && goes_on { self.claim_size } else { 0 }
    }

    fn took(&mut self, claimed: Vec<Claimed>, asked: i64) {
        if asked == 0 {
            return;
        }
        let all = i64::try_from(claimed.len()).is_ok_and(|count| count == asked);
        self.claim_size = if all { (asked * 2).min(CLAIM_MAX) } else { CLAIM_FIRST };
        if self.claimed.is_empty() && self.ready.is_empty() {
            self.renewed_ms = self.engine.clock().steady_ms();
        }
        self.claimed.extend(claimed);
    }

    /// The claims this connection holds, as fences.
    fn held(&self, sending: Option<&Claimed>) -> Vec<Claimed> {
        let ready = self.ready.iter().map(|ready| &ready.message);
        sending.into_iter().chain(ready).chain(&self.claimed).cloned().collect()
    }

    async fn renew_if_old(&mut self, sending: &Claimed) -> Result<()> {
        let now = self.engine.clock().steady_ms();
        if now - self.renewed_ms < RENEW_MS {
            return Ok(());
        }
        self.renewed_ms = now;
        renew(&self.engine, self.held(Some(sending))).await
    }

    /// Nothing left us of this mail: it may be claimed again at once.
    async fn put_back(&mut self, ready: Ready) -> Result<()> {
        let ended = std::mem::take(&mut self.ended);
        let mut back = vec![ready.message];
        back.extend(self.ready.drain(..).map(|ready| ready.message));
        back.extend(self.claimed.drain(..));
        give_back(&self.engine, ended, back).await
    }

    async fn rest(&self, idle: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.engine.woken() => {}
            () = tokio::time::sleep(idle.min(Duration::from_secs(1))) => {}
        }
    }

    /// The end of the connection: W3 of the last mail, claims given back, QUIT.
    async fn end(mut self) -> Result<()> {
        let ended = std::mem::take(&mut self.ended);
        let back = self.held(None);
        if !ended.is_empty() || !back.is_empty() {
            give_back(&self.engine, ended, back).await?;
        }
        if let Some(conn) = self.conn.take() {
            conn.quit().await;
        }
        Ok(())
    }
}

async fn begin(conn: &mut Connection, sealed: &Sealed) -> std::result::Result<(), Outcome> {
    conn.envelope(&sealed.envelope).await?;
    conn.body(&sealed.bytes).await
}

async fn claim_more(
    engine: &Engine,
    tx: &mut Tx<'_>,
    route: &Route,
    more: i64,
) -> Result<Vec<Claimed>> {
    if more == 0 { Ok(Vec::new()) } else { claims::claim(engine, tx, route, more).await }
}

/// W2 with its checks; `false` where the dot must not leave, and then the row says why.
pub(super) async fn commit(
    engine: &Engine,
    tx: &mut Tx<'_>,
    route: &Route,
    message: &Claimed,
    sealed: &Sealed,
) -> Result<bool> {
    let now = engine.now();
    if let Some(end) = claims::refusal(engine, tx, route, message, now).await? {
        claims::skip(engine, tx, message, &end).await?;
        return Ok(false);
    }
    let changed = message.data_sha256.as_ref().is_some_and(|was| *was != sealed.sha256);
    if changed && message.unknown_count > 0 {
        let why = "perhaps sent before, with other words: look at it before it is sent again";
        claims::skip(engine, tx, message, &held(why, now)).await?;
        return Ok(false);
    }
    let lease_now = store::nodes::db_now(tx, engine.lease_now()).await?;
    let ((node, _), relay) = (engine.node(), route.transport.name());
    let sha = &sealed.sha256;
    Ok(store::messages::commit(tx, message, node, sha, &relay, now, lease_now).await?)
}

fn held(why: &str, now: UtcMs) -> End {
    End {
        state: State::Held,
        reason: Some(why.to_owned()),
        next_at: now,
        counts: false,
        reply: None,
        accepted_at: None,
    }
}

async fn renew(engine: &Engine, claims: Vec<Claimed>) -> Result<()> {
    let steady = engine.lease_now();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let lease_now = store::nodes::db_now(tx, steady).await?;
                let until = lease_now.plus_ms(LEASE_MS);
                for one in claims {
                    let (site, id) = (one.site_id, one.id);
                    store::messages::extend(tx, site, id, one.epoch, until, lease_now).await?;
                }
                Ok(())
            })
        })
        .await
}

async fn give_back(engine: &Engine, ended: Vec<Tried>, back: Vec<Claimed>) -> Result<()> {
    let (inside, now) = (engine.clone(), engine.now());
    engine
        .write(move |tx| {
            Box::pin(async move {
                for tried in &ended {
                    outcomes::write_down(&inside, tx, tried).await?;
                }
                for one in back {
                    let end = End { state: State::Queued, reason: None, ..held("", now) };
                    store::messages::end(tx, one.site_id, one.id, one.epoch, &end).await?;
                }
                Ok(())
            })
        })
        .await
}

type SealedOrTried = std::result::Result<Sealed, Box<Tried>>;

/// Composes a batch off the async threads. One that does not render is held, it alone.
pub(super) async fn seal(
    engine: &Engine,
    route: &Arc<Route>,
    batch: Vec<Claimed>,
) -> Result<Vec<(Claimed, SealedOrTried)>> {
    let mut compiled = Vec::with_capacity(batch.len());
    for message in &batch {
        compiled.push(match message.version_id {
            None => Ok(None),
            Some(version) => {
                let found = engine.delivery().compiled(engine, message.site_id, version).await?;
                found.map(Some)
            }
        });
    }
    let wants: Vec<bool> = compiled
        .iter()
        .map(|found| matches!(found, Ok(Some(compiled)) if compiled.suggests()))
        .collect();
    // Mails without a place for suggestions cost nothing more.
    let batch = if wants.contains(&true) {
        also_bought::mails::freeze(engine, &route.sender.site, batch, wants).await?
    } else {
        batch.into_iter().map(|message| (message, Ok(()))).collect()
    };
    let (inside, sender) = (engine.clone(), Arc::clone(&route.sender));
    let relay = route.transport.name();
    // Never closed: without a turn it would only be composed beside others.
    let _turn = engine.delivery().composing.acquire().await.ok();
    tokio::task::spawn_blocking(move || {
        let each = batch.into_iter().zip(compiled).map(|((message, whole), compiled)| {
            let sealed = whole
                .and(compiled)
                .and_then(|compiled| sender.seal(&inside, &frozen(&message), compiled.as_ref()));
            let sealed = sealed.map_err(|why| Box::new(broken(&inside, &message, &relay, why)));
            (message, sealed)
        });
        each.collect()
    })
    .await
    .map_err(|_| EngineError::Fault("composing mail broke off".to_owned()))
}

fn broken(engine: &Engine, message: &Claimed, relay: &str, why: String) -> Tried {
    let now = engine.now();
    let at = Circumstances {
        relay: relay.to_owned(),
        tls: false,
        started_at: now,
        commit_at: None,
        ended_at: now,
    };
    let failure = Failure::local(mail::Stage::Body, mail::Class::Protocol, why);
    outcomes::tried(engine, message.clone(), &Outcome::Never(failure), &at)
}

fn frozen(message: &Claimed) -> Frozen {
    Frozen {
        id: message.id,
        class: message.class,
        source_kind: message.source_kind,
        source_id: message.source_id,
        contact_id: message.contact_id,
        to_address: message.to_address.clone(),
        system_name: message.system_name.clone(),
        context: message.context.clone(),
        message_id: message.message_id.clone(),
        date_at: message.date_at,
    }
}
