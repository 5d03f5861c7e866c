//! Delivers what the ledger holds: claims (W1), composes, says "our dot may leave" (W2), sends,
//! writes down what came of it (W3). Each is durable before the next, so that a crash at any
//! instant loses nothing, and at most one message an open connection is doubtful.
//!
//! | want | go to |
//! |---|---|
//! | how a site's mail leaves | `routes` |
//! | W1 and the checks before it and before W2 | `claims` |
//! | one SMTP connection, W3 of a mail folded with W2 of the next | `connection` |
//! | folder, memory, caught | `local` |
//! | what an answer means for the row | `outcomes` |
//! | crashes taken up, waits that are over, caps | `waits` |

mod claims;
mod connection;
mod local;
mod outcomes;
mod routes;
mod waits;

pub(crate) use routes::NO_ADDRESS;
pub(crate) use routes::Shared;
pub use waits::{sweep, take_up};

use std::time::Duration;

use futures_util::future::join_all;
use model::SiteId;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::sweeps::Round;

/// Messages claimed at once by one connection.
const CLAIM_MAX: i64 = 50;
/// How long a claim holds; renewed while its connection lives.
const LEASE_MS: i64 = 60_000;
/// How long the dispatcher rests when nothing woke it.
const REST: Duration = Duration::from_millis(500);
/// How long an idle connection is kept for the next mail.
const IDLE: Duration = Duration::from_secs(4);
/// How long open mails may take to finish after a stop was asked for.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Delivers what is due of every site whose mail does not go to a server; how many messages were
/// dealt with. The scheduler calls it, so that tests and the demo deliver as they tick.
///
/// # Errors
/// The database fails.
pub async fn run_due(engine: &Engine) -> Result<usize> {
    if engine.is_quiet() || crate::guard::held(engine).await?.is_some() {
        return Ok(0);
    }
    let mut round = Round::default();
    for site in site_ids(engine).await? {
        let done = run_site(engine, site).await;
        round.took(format_args!("the mail of site {site}"), done);
    }
    round.end()
}

async fn run_site(engine: &Engine, site: SiteId) -> Result<usize> {
    let route = engine.delivery().route(engine, site).await?;
    if route.smtp().is_some() {
        return Ok(0);
    }
    local::deliver(engine, &route).await
}

/// Sends what is due of every site whose mail goes to a server, until nothing is; what `run` does
/// for ever. For tests and for commands that send by hand.
///
/// # Errors
/// The database fails, or a test stopped the story at a crash point.
pub async fn drain(engine: &Engine) -> Result<()> {
    if engine.is_quiet() || crate::guard::held(engine).await?.is_some() {
        return Ok(());
    }
    let mut round = Round::default();
    for site in site_ids(engine).await? {
        let drained = drain_site(engine, site).await;
        round.took(format_args!("the mail of site {site}"), drained.map(|()| 0));
    }
    round.end().map(drop)
}

async fn drain_site(engine: &Engine, site: SiteId) -> Result<()> {
    let route = engine.delivery().route(engine, site).await?;
    let Some(smtp) = route.smtp() else { return Ok(()) };
    let stop = CancellationToken::new();
    let workers = (0..smtp.connections)
        .map(|_| connection::work(engine.clone(), route.clone(), stop.clone(), Duration::ZERO));
    join_all(workers).await.into_iter().collect()
}

/// Sends over SMTP until told to stop; then open mails finish, within a limit.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let mut crew = Crew::default();
    while !stop.is_cancelled() {
        if let Err(error) = crew.round(&engine, &stop).await {
            tracing::debug!(%error, "some mail could not be handed out");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = engine.woken() => {}
            () = tokio::time::sleep(REST) => {}
        }
    }
    if tokio::time::timeout(STOP_LIMIT, crew.finish()).await.is_err() {
        tracing::warn!(
            "open mails did not finish in time; they count as unknown at the next start"
        );
    }
}

/// The connections at work, by site.
#[derive(Default)]
struct Crew {
    workers: JoinSet<SiteId>,
    busy: std::collections::HashMap<SiteId, usize>,
}

impl Crew {
    /// Opens as many connections as what is due asks for, within each route's number.
    async fn round(&mut self, engine: &Engine, stop: &CancellationToken) -> Result<()> {
        while let Some(ended) = self.workers.try_join_next() {
            self.ended(ended.ok());
        }
        if engine.is_quiet() || crate::guard::held(engine).await?.is_some() {
            return Ok(());
        }
        let mut round = Round::default();
        for site in site_ids(engine).await? {
            let opened = self.open(engine, site, stop).await;
            round.took(format_args!("the mail of site {site}"), opened.map(|()| 0));
        }
        round.end().map(drop)
    }

    /// The same for one site: what is wrong with one holds up no other.
    async fn open(
        &mut self,
        engine: &Engine,
        site: SiteId,
        stop: &CancellationToken,
    ) -> Result<()> {
        let route = engine.delivery().route(engine, site).await?;
        let Some(smtp) = route.smtp() else { return Ok(()) };
        if route.paused().is_some() {
            return Ok(());
        }
        let busy = self.busy.get(&site).copied().unwrap_or(0);
        let free = smtp.connections.saturating_sub(busy);
        if free == 0 {
            return Ok(());
        }
        for _ in 0..wanted(engine, site, free).await? {
            let (engine, route, stop) = (engine.clone(), route.clone(), stop.clone());
            *self.busy.entry(site).or_default() += 1;
            self.workers.spawn(async move {
                if let Err(error) = connection::work(engine, route, stop, IDLE).await {
                    tracing::error!(%error, "a connection ended early");
                }
                site
            });
        }
        Ok(())
    }

    fn ended(&mut self, site: Option<SiteId>) {
        if let Some(busy) = site.and_then(|site| self.busy.get_mut(&site)) {
            *busy = busy.saturating_sub(1);
        }
    }

    async fn finish(&mut self) {
        while self.workers.join_next().await.is_some() {}
    }
}

/// How many more connections are worth opening.
async fn wanted(engine: &Engine, site: SiteId, free: usize) -> Result<usize> {
    let now = engine.now();
    let most = i64::try_from(free).unwrap_or(64).saturating_mul(4);
    let due = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::messages::count_due(session, site, now, most).await?) })
        })
        .await?;
    Ok(usize::try_from(due).unwrap_or(0).min(free))
}

async fn site_ids(engine: &Engine) -> Result<Vec<SiteId>> {
    engine
        .reader()
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move { Ok(store::sites::ids(session).await?) })
        })
        .await
}
