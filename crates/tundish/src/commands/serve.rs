//! `tundish serve`: everything in one process, until it is told to stop.

use std::time::Duration;

use anyhow::Context;
use engine::{Clock, Engine, Rng};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use web::WebSettings;

use super::reload::Wishes;
use super::{Call, site, version};
use crate::cli::Serve;
use crate::config::Config;
use crate::folder::{Disk, guard_file};
use crate::output::refused;
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
        call.output.say(format!("first run: open http://{host}/admin/setup?token={token}"));
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
/// A part broke.
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
    let mut parts: Vec<JoinHandle<anyhow::Result<()>>> = Vec::new();
    if let Some((listener, settings)) = listener.filter(|_| role != "worker") {
        let state = web::AppState::with_settings(engine.clone(), settings);
        let (stop, limit) = (stop.clone(), config.shutdown());
        web = Some(state.clone());
        parts
            .push(tokio::spawn(async move { Ok(web::serve(listener, state, stop, limit).await?) }));
    }
    if role != "web" && check_clock(engine) {
        let (engine, stop) = (engine.clone(), stop.clone());
        parts.push(tokio::spawn(send_while_there_is_room(holds, engine, stop)));
    }
    if let Some(wishes) = wishes {
        wishes.follow(call, &held, engine, web.as_ref(), &stop).await;
    }
    stop.cancelled().await;
    finish(parts, config.shutdown()).await
}

async fn finish(parts: Vec<JoinHandle<anyhow::Result<()>>>, limit: Duration) -> anyhow::Result<()> {
    let deadline = tokio::time::Instant::now() + limit;
    for part in parts {
        match tokio::time::timeout_at(deadline, part).await {
            Ok(ended) => ended??,
            Err(_) => tracing::warn!(
                "a part did not finish in time; its work is taken up again at the next start"
            ),
        }
    }
    Ok(())
}

fn check_clock(engine: &Engine) -> bool {
    match version::clock_is_wrong(engine.now()) {
        Some(why) => {
            tracing::error!("{why}");
            false
        }
        None => true,
    }
}

/// The scheduler, and the connections to mail servers.
async fn work_until(engine: Engine, stop: CancellationToken) {
    tokio::join!(
        engine::sweeps::run(engine.clone(), stop.clone()),
        engine::deliver::run(engine, stop)
    );
}

/// How often the disk is looked at.
const DISK_ROUND: Duration = Duration::from_secs(30);

/// Runs the scheduler, and rests it while the disk is nearly full: forms and the checkout go on,
/// what can wait does.
async fn send_while_there_is_room(
    holds: watch::Receiver<Config>,
    engine: Engine,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut working: Option<(CancellationToken, JoinHandle<()>)> = None;
    loop {
        let (data, limit) = {
            let config = holds.borrow();
            (config.data(), config.pause_below())
        };
        let short = match Disk::under(&data) {
            Ok(disk) => disk.is_short(limit),
            Err(error) => {
                tracing::warn!(%error, "the disk could not be looked at");
                false
            }
        };
        match (short, working.take()) {
            (true, Some((pause, work))) => {
                tracing::error!("the disk is nearly full: sending and imports pause; make room");
                pause.cancel();
                work.await?;
            }
            (false, None) => {
                let pause = stop.child_token();
                working = Some((pause.clone(), tokio::spawn(work_until(engine.clone(), pause))));
            }
            (_, unchanged) => working = unchanged,
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(DISK_ROUND) => {}
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
