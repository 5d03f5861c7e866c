//! `tundish serve`: everything in one process, until it is told to stop.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use engine::{Clock, Engine, Rng};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use web::{Room, WebSettings};

use super::reload::Wishes;
use super::{Call, site, version};
use crate::cli::Serve;
use crate::config::Config;
use crate::folder::{Disk, guard_file};
use crate::output::{Output, refused};
use crate::{generation, install};

impl Serve {
    /// The flags as settings.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let mut flags = Vec::new();
        if let Some(listen) = self.listen {
            flags.push(("server.listen", listen.to_string()));
        }
        if let Some(role) = &self.role {
            flags.push(("server.role", role.clone()));
        }
        flags
    }
}

/// Serves until SIGINT or SIGTERM; reads the settings again on SIGHUP.
///
/// # Errors
/// It cannot start, or it broke.
pub async fn run(call: &Call) -> anyhow::Result<()> {
    let config = &call.config;
    for file in config.secret_files() {
        guard_file(config, &file)?;
    }
    let installation = install::alone(config, Clock::System, Rng::System).await?;
    let settings = web_settings(config, &installation.engine).await?;
    let listener = listen(config).await?;
    let (stop, wishes) = (stop_on_signals()?, Wishes::listen()?);
    let address = listener.local_addr()?;
    if let Some(token) = engine::setup::token(&installation.engine).await? {
        let host = match config.admin_host() {
            Some(host) => format!("{host}:{}", address.port()),
            None => address.to_string(),
        };
        // Said to the quiet too: without it there is no first owner.
        let first = format!("first run: open http://{host}/admin/setup?token={token}");
        Output { quiet: false, ..call.output }.say(first);
    }
    call.output.say(format!("tundish {} listens on http://{address}", version::VERSION));
    let web = Some((listener, settings));
    let served = work(call, &installation.engine, web, Some(wishes), stop).await;
    installation.close().await?;
    served
}

/// How the server stands in the world: behind which proxies, and whether by https, which it is
/// once one of its sites is.
///
/// # Errors
/// The database fails, or the host of the admin is one of a site.
pub async fn web_settings(config: &Config, engine: &Engine) -> anyhow::Result<WebSettings> {
    let sites = site::all(engine).await?;
    let admin_host = config.admin_host();
    if let Some(host) = admin_host
        && let Some(site) = engine::sites::by_host(engine, host).await?
    {
        return Err(refused(format!(
            "server.admin_host = {host:?} is where {} answers; give the admin a host of its own",
            site.name
        )));
    }
    Ok(WebSettings {
        https: sites.iter().any(|site| site.base_url.starts_with("https://")),
        trusted_proxies: config.trusted_proxies().map_err(refused)?,
        admin_host: admin_host.map(ToOwned::to_owned),
        ..WebSettings::default()
    })
}

/// Takes the address to listen on.
///
/// # Errors
/// Somebody else has it.
pub async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let address = config.listen();
    TcpListener::bind(address).await.with_context(|| {
        format!("{address} cannot be listened on; free it, or choose another with --listen")
    })
}

/// A token that is cancelled when the person or the system asks us to stop.
///
/// # Errors
/// Signals cannot be caught.
pub fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let asked = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: open requests and messages are finished first");
        asked.cancel();
    });
    Ok(stop)
}

/// Does what the role asks, until `stop`; then finishes what is open, within the limit.
///
/// # Errors
/// A part broke, or ended by itself: then the others are finished too, and the process ends, so
/// that what watches over it starts it again.
pub async fn work(
    call: &Call,
    engine: &Engine,
    listener: Option<(TcpListener, WebSettings)>,
    wishes: Option<Wishes>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let config = &call.config;
    let (held, holds) = watch::channel(config.clone());
    let mut web = None;
    let role = config.text("server.role");
    let mut parts: JoinSet<anyhow::Result<()>> = JoinSet::new();
    if let Some((listener, settings)) = listener.filter(|_| role != "worker") {
        let state = web::AppState::with_settings(engine.clone(), settings);
        let (stop, limit) = (stop.clone(), config.shutdown());
        web = Some(state.clone());
        parts.spawn(watch_room(DISK, holds.clone(), state.clone(), stop.clone()));
        parts.spawn(async move { Ok(web::serve(listener, state, stop, limit).await?) });
    }
    if role != "web" {
        parts.spawn(send_while_it_may(DISK, holds, engine.clone(), stop.clone()));
    }
    let until = async {
        match wishes {
            Some(wishes) => wishes.follow(call, &held, engine, web.as_ref(), &stop).await,
            None => stop.cancelled().await,
        }
    };
    stand_by(parts, until, &stop, config.shutdown()).await
}

/// Waits for `until`, which ends at `stop`, or for a part to end by itself, and then for the
/// others.
async fn stand_by(
    mut parts: JoinSet<anyhow::Result<()>>,
    until: impl Future<Output = ()>,
    stop: &CancellationToken,
    limit: Duration,
) -> anyhow::Result<()> {
    let mut outcome = Ok(());
    tokio::select! {
        () = until => {}
        Some(ended) = parts.join_next() => {
            outcome = match ended {
                Ok(ended) => ended.and_then(|()| {
                    if stop.is_cancelled() { Ok(()) } else { Err(refused(ENDED)) }
                }),
                Err(_) => Err(refused(ENDED)),
            };
            stop.cancel();
        }
    }
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        match tokio::time::timeout_at(deadline, parts.join_next()).await {
            Ok(None) => return outcome,
            Ok(Some(ended)) => outcome = outcome.and(ended.map_err(|_| refused(ENDED))?),
            Err(_) => {
                tracing::warn!(
                    "a part did not finish in time; its work is taken up again at the next start"
                );
                return outcome;
            }
        }
    }
}

/// What is said where a part is gone: the log holds what it panicked with.
const ENDED: &str = "a part of the server broke off, see the log; it stops, to be started again";

/// The scheduler, and the connections to mail servers.
async fn work_until(engine: Engine, stop: CancellationToken) {
    tokio::join!(
        engine::sweeps::run(engine.clone(), stop.clone()),
        engine::deliver::run(engine, stop)
    );
}

/// How the disk and the clock are looked at.
#[derive(Clone, Copy)]
struct Look {
    disk: fn(&Path) -> anyhow::Result<Disk>,
    every: Duration,
}

const DISK: Look = Look { disk: Disk::under, every: Duration::from_secs(30) };

/// Why nothing may be sent just now: a clock that cannot be right, or a disk that is nearly full.
fn why_rest(look: Look, config: &Config, engine: &Engine) -> Option<String> {
    if let Some(why) = version::clock_is_wrong(engine.now()) {
        return Some(why);
    }
    match (look.disk)(&config.data()) {
        Ok(disk) if disk.is_short(config.pause_below()) => {
            Some("the disk is nearly full: sending and imports pause; make room".to_owned())
        }
        Ok(_) => None,
        Err(error) => {
            tracing::warn!(%error, "the disk could not be looked at");
            None
        }
    }
}

/// Tells the web server whether there is room for what visitors send. What is taken must be kept:
/// before the disk is full to its last byte, they are told to come again.
async fn watch_room(
    look: Look,
    holds: watch::Receiver<Config>,
    web: web::AppState,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut before = Room::Enough;
    loop {
        let room = {
            let config = holds.borrow();
            match (look.disk)(&config.data()) {
                Ok(disk) if disk.is_full(config.pause_below()) => Room::None,
                _ => Room::Enough,
            }
        };
        if room == Room::None && before == Room::Enough {
            tracing::error!("the disk is full: forms and the checkout take nothing; make room");
        }
        before = room;
        web.set_room(room);
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(look.every) => {}
        }
    }
}

/// Runs the scheduler, and rests it while the clock is wrong or the disk nearly full: forms and the
/// checkout go on, what can wait does.
async fn send_while_it_may(
    look: Look,
    holds: watch::Receiver<Config>,
    engine: Engine,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut working: Option<(CancellationToken, JoinHandle<()>)> = None;
    let mut told = false;
    loop {
        let why = why_rest(look, &holds.borrow(), &engine);
        match (why, working.take()) {
            (Some(why), at_work) => {
                if !told {
                    tracing::error!("{why}");
                }
                told = true;
                if let Some((pause, work)) = at_work {
                    pause.cancel();
                    work.await?;
                }
            }
            (None, None) => {
                let pause = stop.child_token();
                working = Some((pause.clone(), tokio::spawn(work_until(engine.clone(), pause))));
                told = false;
            }
            (None, unchanged) => working = unchanged,
        }
        let ended = async {
            match working.as_mut() {
                Some((_, work)) => work.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(look.every) => {}
            // It ends at a stop alone; a panic is told by the one who waits for this part.
            ended = ended => return Ok(ended?),
        }
        if let Err(error) = generation::keep_up(&engine).await {
            tracing::warn!(%error, "how far the database has written could not be noted");
        }
    }
    if let Some((_, work)) = working {
        work.await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use testkit::TestApp;

    use super::*;
    use crate::config::Layers;

    #[tokio::test]
    async fn a_part_that_breaks_off_ends_the_server_with_a_sentence() {
        let stop = CancellationToken::new();
        let mut parts: JoinSet<anyhow::Result<()>> = JoinSet::new();
        let waits = stop.clone();
        parts.spawn(async move {
            waits.cancelled().await;
            Ok(())
        });
        parts.spawn(async { panic!("as a test wants it") });
        let ended = stand_by(parts, stop.cancelled(), &stop, Duration::from_secs(5)).await;
        assert_eq!(ended.unwrap_err().to_string(), ENDED);
        assert!(stop.is_cancelled(), "the others stop too");
    }

    #[tokio::test]
    async fn a_stop_that_was_asked_for_is_no_fault() {
        let stop = CancellationToken::new();
        let mut parts: JoinSet<anyhow::Result<()>> = JoinSet::new();
        let waits = stop.clone();
        parts.spawn(async move {
            waits.cancelled().await;
            Ok(())
        });
        stop.cancel();
        let ended = stand_by(parts, stop.cancelled(), &stop, Duration::from_secs(5)).await;
        assert!(ended.is_ok());
    }

    static FREE: AtomicU64 = AtomicU64::new(50_000_000_000);
    static LOOKED_TO_SEND: AtomicU64 = AtomicU64::new(0);
    static LOOKED_FOR_ROOM: AtomicU64 = AtomicU64::new(0);

    fn looked(count: &AtomicU64) -> anyhow::Result<Disk> {
        let disk = Disk { free: FREE.load(Ordering::SeqCst), total: 100_000_000_000, kind: 0 };
        count.fetch_add(1, Ordering::SeqCst);
        Ok(disk)
    }

    const OFTEN: Duration = Duration::from_millis(5);

    /// Sets what is free, and waits until both have taken it in: a second look comes after what
    /// the first one caused.
    async fn leave_free(bytes: u64) {
        FREE.store(bytes, Ordering::SeqCst);
        for count in [&LOOKED_TO_SEND, &LOOKED_FOR_ROOM] {
            let before = count.load(Ordering::SeqCst);
            while count.load(Ordering::SeqCst) < before + 3 {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn answer(app: &TestApp, address: &str) -> testkit::Answer {
        let token = app.get("/f/news").await.hidden("_t");
        app.engine.clock().advance_ms(5_000);
        app.post("/f/news", &[("_t", &token), ("email", address), ("consent", "on")]).await
    }

    async fn got(app: &TestApp, address: &str) -> bool {
        let came = async {
            while app.mails().iter().all(|mail| mail.to != address) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), came).await.is_ok()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn g08_a_disk_that_fills_up_pauses_mail_then_forms_and_both_come_back() {
        let mut app = TestApp::start().await;
        // No clock stands before this program was made.
        app.engine.clock().advance_ms(2 * 365 * model::times::DAY_MS);
        app.stock_shop().await;
        let spec = model::forms::FormSpec::simple("Letters", "Yes, send me the letters.");
        engine::forms::put(&app.engine, app.site.id, "news", "News", spec).await.unwrap();
        let state = web::AppState::new(app.engine.clone());
        app.router = web::router(state.clone());
        let (_held, holds) = watch::channel(Config::load(Layers::default()).unwrap());
        let stop = CancellationToken::new();
        let mut parts = JoinSet::new();
        let look = Look { disk: |_| looked(&LOOKED_FOR_ROOM), every: OFTEN };
        parts.spawn(watch_room(look, holds.clone(), state, stop.clone()));
        let look = Look { disk: |_| looked(&LOOKED_TO_SEND), every: OFTEN };
        parts.spawn(send_while_it_may(look, holds, app.engine.clone(), stop.clone()));
        assert_eq!(answer(&app, "ann@x.test").await.status, 303);
        assert!(got(&app, "ann@x.test").await, "there is room");

        leave_free(500_000_000).await;
        assert_eq!(answer(&app, "ben@x.test").await.status, 303, "forms go on");
        let bought = app.buy("guide", &[("email", "ben@x.test")]).await.answer;
        assert_eq!(bought.status, 303, "and so does the checkout: {}", bought.body);
        assert!(app.mails().iter().all(|mail| mail.to != "ben@x.test"), "what can wait waits");

        leave_free(100_000_000).await;
        for refused in [
            answer(&app, "cid@x.test").await,
            app.buy("guide", &[("email", "cid@x.test")]).await.answer,
        ] {
            assert_eq!(refused.status, 503, "{}", refused.body);
            assert!(refused.body.contains("our disk is full"), "{}", refused.body);
            assert!(refused.headers.contains_key("retry-after"));
        }
        assert_eq!(app.get("/buy/guide").await.status, 200, "what is only read is shown");

        leave_free(50_000_000_000).await;
        assert_eq!(answer(&app, "cid@x.test").await.status, 303);
        assert!(got(&app, "ben@x.test").await && got(&app, "cid@x.test").await);
        stop.cancel();
        while parts.join_next().await.is_some() {}
    }
}
