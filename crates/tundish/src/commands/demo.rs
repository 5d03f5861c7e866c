//! `tundish demo`: a whole sample business in a fresh folder, with a year behind it.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use engine::funnel::{self, Rest};
use engine::setup::{self, FirstRun};
use engine::{Clock, Engine, Rng, operators};
use model::audits::Actor;
use model::ids::to_base32;
use model::sites::Site;
use serde::Serialize;
use tokio::net::TcpListener;
use web::WebSettings;

use super::{Call, serve, site, version};
use crate::cli::Demo;
use crate::config::Config;
use crate::demo::{history, shop};
use crate::install;
use crate::output::refused;

/// Who owns the sample shop.
const OWNER: &str = "owner@shop.example";
/// Ports tried after the usual one.
const PORTS: u16 = 20;

#[derive(Serialize)]
struct Ready {
    site: String,
    admin: String,
    sign_in: String,
    email: &'static str,
    password: String,
    data: PathBuf,
}

impl Demo {
    /// The flags as settings.
    ///
    /// # Errors
    /// No fresh folder can be made.
    pub fn settings(&self, data: Option<&Path>) -> anyhow::Result<Vec<(&'static str, String)>> {
        let mut flags = Vec::new();
        if let Some(listen) = self.listen {
            flags.push(("server.listen", listen.to_string()));
        }
        // A sample business sends nothing and lives in its own folder, whatever the settings of the
        // place it is tried in say of a real one.
        flags.push(("smtp.host", String::new()));
        flags.push(("database.url", String::new()));
        if data.is_none() {
            flags.push(("server.data", fresh_folder()?.display().to_string()));
        }
        Ok(flags)
    }
}

/// Makes the sample business, and serves it.
///
/// # Errors
/// The folder is not empty, or no port is free.
pub async fn run(call: &Call, flags: &Demo) -> anyhow::Result<()> {
    let config = &call.config;
    let data = config.data();
    let used = std::fs::read_dir(&data).is_ok_and(|mut entries| entries.next().is_some());
    if used {
        let at = data.display();
        return Err(refused(format!("{at} is not empty; the demo makes itself a fresh folder")));
    }
    let listener = listen(config, flags).await?;
    let address = listener.local_addr()?;
    let password = password();
    call.output.say("making a shop and the year it has behind it …");
    // What a year's log would say, nobody reads in half a minute.
    call.log.only_faults();
    make(config, address, &password, flags.days).await?;
    call.log.set_level(config);
    settle(&data)?;

    let installation = install::alone(config, Clock::System, Rng::System).await?;
    let ready = ready(&installation.engine, &data, password).await?;
    let stop = serve::stop_on_signals()?;
    call.output.either(&ready, || ready.lines())?;
    call.output.say(format!("tundish {} listens on http://{address}", version::VERSION));
    let settings = serve::web_settings(config, &installation.engine).await?;
    let settings = WebSettings { demo: true, ..settings };
    let web = Some((listener, settings));
    let served = serve::work(call, &installation.engine, web, None, stop).await;
    installation.close().await?;
    served
}

impl Ready {
    fn lines(&self) -> Vec<String> {
        vec![
            String::new(),
            format!("  the shop        {}", self.site),
            format!("  its admin       {}", self.admin),
            format!("  sign in once    {}", self.sign_in),
            format!("  or with         {}  {}", self.email, self.password),
            format!("  everything in   {}", self.data.display()),
            String::new(),
        ]
    }
}

async fn ready(engine: &Engine, data: &Path, password: String) -> anyhow::Result<Ready> {
    let base = site::find(engine, None).await?.base_url;
    let owner = operators::find(engine, OWNER).await?;
    let token = operators::sign_in_link(engine, Actor::Console, owner.id).await?;
    Ok(Ready {
        site: format!("{base}/"),
        admin: format!("{base}/admin"),
        sign_in: format!("{base}/admin/sign-in/link/{token}"),
        email: OWNER,
        password,
        data: data.to_owned(),
    })
}

/// The usual address, or the next free port.
async fn listen(config: &Config, flags: &Demo) -> anyhow::Result<TcpListener> {
    if flags.listen.is_some() {
        return serve::listen(config).await;
    }
    let usual = config.listen();
    for port in usual.port()..=usual.port().saturating_add(PORTS) {
        if let Ok(listener) = TcpListener::bind(SocketAddr::new(usual.ip(), port)).await {
            return Ok(listener);
        }
    }
    Err(refused(format!("no port from {} on is free; name one with --listen", usual.port())))
}

/// Makes the shop with commits that do not wait for the disk: all of it is made again if this
/// breaks off.
async fn make(
    config: &Config,
    address: SocketAddr,
    password: &str,
    days: i64,
) -> anyhow::Result<()> {
    let end = Clock::System.now();
    let begin = end.plus_days(-days - 1);
    let clock = Clock::fake(begin);
    let installation = install::unsafely(config, clock.clone(), Rng::System).await?;
    let engine = &installation.engine;
    let site = first_run(engine, address, password).await?;
    let file = shop::write_to(&config.data().join("shop"))?;
    let plan = funnel::plan(engine, &site, &file, Rest::Kept).await?;
    funnel::apply(engine, &site, plan).await?;
    let site = site::find(engine, None).await?;
    history::live(engine, &site, days, end).await?;
    installation.close().await
}

async fn first_run(engine: &Engine, address: SocketAddr, password: &str) -> anyhow::Result<Site> {
    let token = setup::token(engine).await?.context("the folder was not empty")?;
    let first = FirstRun {
        site_name: "The Slow Loaf".to_owned(),
        base_url: format!("http://{address}"),
        postal_address: "14 Mill Lane, Portland, OR 97205, USA".to_owned(),
        currency: "USD".to_owned(),
        timezone: "America/Los_Angeles".to_owned(),
        name: "Nora Lind".to_owned(),
        email: OWNER.to_owned(),
        password: password.to_owned(),
    };
    setup::run(engine, &token, first).await?;
    let made = site::find(engine, None).await?;
    // The same shop under the other name of this machine.
    engine::sites::put(engine, made.clone(), vec!["localhost".to_owned()]).await?;
    Ok(made)
}

/// Waits until the disk has what was written in haste.
fn settle(data: &Path) -> anyhow::Result<()> {
    for name in ["tundish.db", "views.db"] {
        File::open(data.join(name))?.sync_all()?;
    }
    crate::folder::sync_dir(data)?;
    Ok(())
}

fn password() -> String {
    let bytes: [u8; 8] = Rng::System.bytes();
    let text = to_base32(i64::from_be_bytes(bytes) & i64::MAX);
    let (a, rest) = text.split_at_checked(5).unwrap_or((&text, ""));
    let (b, c) = rest.split_at_checked(4).unwrap_or((rest, ""));
    format!("loaf-{a}-{b}-{c}")
}

fn fresh_folder() -> anyhow::Result<PathBuf> {
    let bytes: [u8; 8] = Rng::System.bytes();
    let name = format!("tundish-demo-{}", to_base32(i64::from_be_bytes(bytes) & i64::MAX));
    Ok(std::env::temp_dir().join(name))
}
