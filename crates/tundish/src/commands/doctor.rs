//! `tundish doctor`: looks at what is around the server, each thing on its own.

mod names;

use std::net::ToSocketAddrs;
use std::time::Duration;

use engine::master_keys::{self, KeyState};
use engine::{Clock, Transport, verify};
use model::sites::Site;
use serde::Serialize;
use store::{Db, Options, Schema, StoreError};
use tokio::net::{TcpListener, TcpStream};

use super::{Call, version};
use crate::config::{Config, readable_by_others};
use crate::folder::{self, Disk, Lock};
use crate::install;
use crate::output::{refused, table};

/// How long a mail server may take to say hello.
const HELLO: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Health {
    Ok,
    Warn,
    Fail,
}

impl Health {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One check: how it went, and what mends it.
#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    health: Health,
    found: String,
    mend: String,
}

fn check(check: &'static str, health: Health, found: impl Into<String>, mend: &str) -> Check {
    Check { check, health, found: found.into(), mend: mend.to_owned() }
}

/// Looks at everything; one failing check keeps no other from running.
///
/// # Errors
/// Something fails: exit 1, with every check printed.
pub async fn run(call: &Call) -> anyhow::Result<()> {
    let config = &call.config;
    let mut checks = vec![clock(), data(config), disk(config), lock(config), port(config).await];
    checks.extend(secrets(config));
    let (found, sites) = database(config).await;
    checks.extend(found);
    checks.extend(mail(config, &sites).await);
    call.output.either(&checks, || {
        let row = |c: &Check| {
            let mend = if c.mend.is_empty() { String::new() } else { format!("→ {}", c.mend) };
            vec![c.health.word().to_owned(), c.check.to_owned(), c.found.clone(), mend]
        };
        table(&checks.iter().map(row).collect::<Vec<_>>())
    })?;
    let failed = checks.iter().filter(|check| check.health == Health::Fail).count();
    if failed > 0 {
        return Err(refused(format!("{failed} of {} checks fail", checks.len())));
    }
    Ok(())
}

fn clock() -> Check {
    let now = Clock::System.now();
    match version::clock_is_wrong(now) {
        Some(why) => check("clock", Health::Fail, why, "set the clock, and keep it by NTP"),
        None => check("clock", Health::Ok, now.rfc3339(), ""),
    }
}

fn data(config: &Config) -> Check {
    let dir = config.data();
    let shown = dir.display().to_string();
    if !dir.exists() {
        let mend = "run `tundish init`, or name the folder with --data";
        return check("data", Health::Fail, format!("{shown} is not there"), mend);
    }
    match folder::prepare(&dir) {
        Ok(()) => check("data", Health::Ok, shown, ""),
        Err(error) => check("data", Health::Fail, error.to_string(), "use the folder's owner"),
    }
}

fn disk(config: &Config) -> Check {
    let dir = config.data();
    let disk = match Disk::under(&dir) {
        Ok(disk) => disk,
        Err(error) => return check("disk", Health::Fail, error.to_string(), "make the folder"),
    };
    let free = format!("{} MB free", disk.free / 1_000_000);
    if disk.is_short(config.pause_below()) {
        return check("disk", Health::Fail, free, "make room: sending pauses");
    }
    match disk.fit_for_sqlite(&dir) {
        Err(why) => check("disk", Health::Fail, why, "move the folder to a local disk"),
        Ok(Some(why)) => check("disk", Health::Warn, why, "mount a volume"),
        Ok(None) => check("disk", Health::Ok, free, ""),
    }
}

fn lock(config: &Config) -> Check {
    match Lock::holder(&config.data()) {
        Some(pid) => check("server", Health::Ok, format!("runs, pid {pid}"), ""),
        None => check("server", Health::Warn, "does not run", "start it with `tundish serve`"),
    }
}

async fn port(config: &Config) -> Check {
    let address = config.listen();
    let runs = Lock::holder(&config.data()).is_some();
    match TcpListener::bind(address).await {
        Ok(_) => check("port", Health::Ok, format!("{address} is free"), ""),
        Err(_) if runs => check("port", Health::Ok, format!("{address} is in use"), ""),
        Err(error) => {
            let mend = "free it, or set server.listen";
            check("port", Health::Fail, format!("{address}: {error}"), mend)
        }
    }
}

fn secrets(config: &Config) -> Vec<Check> {
    let mut files = config.secret_files();
    let elsewhere =
        ["secret.key", "secret.key_file"].iter().any(|key| !config.text(key).is_empty());
    if !elsewhere {
        files.push(folder::key_path(&config.data()));
    }
    let look = |path: std::path::PathBuf| {
        let shown = path.display().to_string();
        match readable_by_others(&path) {
            Ok(false) => check("secrets", Health::Ok, shown, ""),
            Ok(true) => {
                let health = if config.is_public() { Health::Fail } else { Health::Warn };
                let mend = format!("chmod 600 {shown}");
                check("secrets", health, format!("{shown} can be read by others"), &mend)
            }
            Err(error) => {
                let mend = "put it back from where you keep it";
                check("secrets", Health::Warn, format!("{shown}: {error}"), mend)
            }
        }
    };
    files.into_iter().map(look).collect()
}

/// What is to be said of the database, and the sites in it.
async fn database(config: &Config) -> (Vec<Check>, Vec<Site>) {
    let url = config.database_url();
    if let Some(path) = url.strip_prefix("sqlite:")
        && !std::path::Path::new(path).exists()
    {
        let found = format!("{path} is not there");
        return (vec![check("database", Health::Fail, found, "run `tundish init`")], Vec::new());
    }
    match look_at_database(config, &url).await {
        Ok(found) => found,
        Err(error) => {
            let mend = "see whether the database runs, and database.url";
            (vec![check("database", Health::Fail, error.to_string(), mend)], Vec::new())
        }
    }
}

async fn look_at_database(config: &Config, url: &str) -> anyhow::Result<(Vec<Check>, Vec<Site>)> {
    let db = Db::connect_as_is(url, &Options::main()).await?;
    let missing = db.pending(Schema::Main).await?;
    if !missing.is_empty() {
        let found = format!("{} migrations are missing", missing.len());
        let check = check("database", Health::Fail, found, "run `tundish migrate`");
        return Ok((vec![check], Vec::new()));
    }
    let mut checks = vec![check("database", Health::Ok, "up to date", "")];
    let key = folder::find_key(config)?;
    let previous = folder::find_previous_keys(config)?;
    let state = master_keys::key_state(&db.reader(), key.as_ref(), &previous).await?;
    checks.push(match state {
        KeyState::Right | KeyState::Fresh => {
            check("master key", Health::Ok, "is the right one", "")
        }
        KeyState::New => {
            let mend = "start the server once, so that it takes over";
            check("master key", Health::Warn, "is new here", mend)
        }
        _ => check("master key", Health::Fail, "is missing or another", "put secret.key back"),
    });
    let sites = sites(&db).await?;
    checks.extend(names::look(config, &sites).await);
    let broken = verify::run(&db.reader()).await?.len();
    checks.push(if broken == 0 {
        check("promises", Health::Ok, "all hold", "")
    } else {
        check("promises", Health::Fail, format!("{broken} broken"), "see `tundish verify`")
    });
    Ok((checks, sites))
}

/// How the mail of each site leaves: by the server of the settings, or by its own; and signed?
async fn mail(config: &Config, sites: &[Site]) -> Vec<Check> {
    let host = config.text("smtp.host").to_owned();
    let mut checks = Vec::new();
    if !host.is_empty() {
        checks.push(relay(&host, config.smtp_port(), "see smtp.host and smtp.port").await);
    }
    for site in sites {
        let name = &site.name;
        if host.is_empty() {
            let Some(smtp) = &site.settings.sending.smtp else {
                let found = format!("of {name} is caught here, not sent");
                let mend = "set smtp.host, or a server in the admin under Sending";
                checks.push(check("mail", Health::Warn, found, mend));
                continue;
            };
            let mend = format!("see the mail server of {name} in the admin, under Sending");
            checks.push(relay(&smtp.host, smtp.port, &mend).await);
        }
        if let Some(transport) = transport(config, site) {
            checks.push(signature(site, &transport));
        }
    }
    if checks.is_empty() {
        let mend = "set smtp.host, or a server in the admin under Sending";
        checks.push(check("mail", Health::Warn, "is caught here, not sent", mend));
    }
    checks
}

/// Where the mail of `site` goes; none where it is caught, or a password cannot be read.
fn transport(config: &Config, site: &Site) -> Option<Transport> {
    let of_site = || {
        let smtp = site.settings.sending.smtp.as_ref()?;
        Some(Transport::smtp(smtp, String::new(), site.sender_domain()))
    };
    install::sending(config).ok()?.transport.or_else(of_site)
}

fn signature(site: &Site, transport: &Transport) -> Check {
    let (name, sending) = (&site.name, &site.settings.sending);
    let keys: Vec<&str> = sending.dkim.iter().map(|key| key.selector.as_str()).collect();
    let mend = "make a DKIM key in the admin, under Sending, and publish its record";
    let (health, found) = if transport.signs() {
        (Health::Ok, format!("{name}: by the relay"))
    } else if !keys.is_empty() {
        (Health::Ok, format!("{name}: by {}", keys.join(", ")))
    } else if transport.holds_unsigned(sending) {
        (Health::Warn, format!("{name}: newsletters and sequences are held, unsigned"))
    } else if let Some(allowed) = &sending.unsigned_allowed {
        (Health::Warn, format!("{name}: mail leaves unsigned, as {} allowed", allowed.by))
    } else {
        (Health::Warn, format!("{name}: not by us; the mail server on this machine may sign"))
    };
    check("signature", health, found, if health == Health::Ok { "" } else { mend })
}

async fn sites(db: &Db) -> anyhow::Result<Vec<Site>> {
    let reader = db.reader();
    let found = reader.read::<_, StoreError, _>(|session| {
        Box::pin(async move { store::sites::list(session).await })
    });
    Ok(found.await?)
}

async fn relay(host: &str, port: u16, where_set: &str) -> Check {
    let shown = format!("{host}:{port}");
    let address = shown.clone();
    let resolved = tokio::task::spawn_blocking(move || address.to_socket_addrs()).await;
    let Ok(Ok(addresses)) = resolved else {
        let mend = format!("{where_set}, and whether names resolve here");
        return check("mail", Health::Fail, format!("{host} has no address"), &mend);
    };
    for address in addresses {
        if let Ok(Ok(_)) = tokio::time::timeout(HELLO, TcpStream::connect(address)).await {
            return check("mail", Health::Ok, format!("{shown} answers"), "");
        }
    }
    let mend = format!("{where_set}, and whether a firewall stands between");
    check("mail", Health::Fail, format!("{shown} does not answer"), &mend)
}
