//! Opens an installation: alone, as the one server on a data folder, or beside a running one.

use std::time::Duration;

use anyhow::Context;
use engine::master_keys::{self, KeyState};
use engine::{Clock, Engine, Parts, Rng, Sending, Transport, installation};
use model::audits::Actor;
use model::sending::{SmtpSettings, SmtpTls};
use store::{Db, Options, Schema};
use tokio_util::task::AbortOnDropHandle;

use crate::config::Config;
use crate::folder::{self, Disk, Lock, MasterKey};
use crate::generation;
use crate::output::refused;

/// How often a command that works beside the server says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// The name of the one server on a SQLite folder.
const SERVER: &str = "server";

/// An installation that was opened.
#[derive(Debug)]
pub struct Installation {
    /// The engine over it.
    pub engine: Engine,
    lock: Option<Lock>,
    _heartbeat: Option<AbortOnDropHandle<()>>,
}

/// Opens it as the one server: takes the lock, brings the tables up to date, makes a master key
/// where there never was one.
///
/// # Errors
/// Another server holds it, the folder or the key is not fit, or the database fails.
pub async fn alone(config: &Config, clock: Clock, rng: Rng) -> anyhow::Result<Installation> {
    let installation = open(config, clock, rng, [Options::main(), Options::views()]).await?;
    let loss = config.text("ha.accept_data_loss") == "true";
    let (count, names) = installation::followers(&installation.engine).await?;
    if let Some(why) = could_lose_commits(count, &names).filter(|_| !loss) {
        return Err(refused(why));
    }
    generation::pass(&installation.engine).await?;
    // What an earlier life of this node had claimed is nobody's now.
    engine::deliver::take_up(&installation.engine).await?;
    Ok(installation)
}

/// Why commits we were told of could be lost when another server takes over, if they could.
fn could_lose_commits(followers: i64, waited_for: &str) -> Option<String> {
    (followers > 0 && waited_for.trim().is_empty()).then(|| {
        format!(
            "{followers} servers follow this PostgreSQL and no commit waits for one: after a \
             failover, mails could be sent twice and orders be lost; set \
             synchronous_standby_names, or ha.accept_data_loss = true"
        )
    })
}

/// The same, with nothing on disk before it is closed: for making the demo's history, which is made
/// again if it breaks off.
///
/// # Errors
/// As [`alone`].
pub async fn unsafely(config: &Config, clock: Clock, rng: Rng) -> anyhow::Result<Installation> {
    let at_close = |of| Options { durability: store::Durability::AtClose, ..of };
    open(config, clock, rng, [Options::main(), Options::views()].map(at_close)).await
}

async fn open(
    config: &Config,
    clock: Clock,
    rng: Rng,
    [main, views]: [Options; 2],
) -> anyhow::Result<Installation> {
    let dir = config.data();
    folder::prepare(&dir)?;
    let lock = Lock::take(&dir)?;
    let url = config.database_url();
    if url.starts_with("sqlite:")
        && let Some(warning) = Disk::under(&dir)?.fit_for_sqlite(&dir).map_err(refused)?
    {
        tracing::warn!("{warning}");
    }
    let db = Db::connect(&url, options(config, main)).await?;
    let views = Db::connect(&views_url(config), views).await?;
    let previous_keys = folder::find_previous_keys(config)?;
    let master_key = master_key(config, &db, &rng, &previous_keys).await?;
    let node_name = if db.is_sqlite() { SERVER.to_owned() } else { host_name() };
    let data_dir = dir;
    let sending = sending(config)?;
    let parts =
        Parts { db, views, clock, rng, master_key, previous_keys, data_dir, node_name, sending };
    let engine = Engine::start(parts).await?;
    installation::keep_key_check(&engine).await?;
    Ok(Installation { engine, lock: Some(lock), _heartbeat: None })
}

/// Opens it beside a server that may be running, with a leased number for ids. A database that
/// lacks migrations is left alone: the server brings it up to date.
///
/// # Errors
/// There is none, it is of another version, or the key is not the right one.
pub async fn beside(config: &Config) -> anyhow::Result<Installation> {
    let dir = config.data();
    let url = config.database_url();
    let there = url.strip_prefix("sqlite:").is_none_or(|path| std::path::Path::new(path).exists());
    if !there {
        return Err(refused(format!(
            "there is no database in {}; run `tundish init` or `tundish serve` there first, or \
             name the folder with --data",
            dir.display()
        )));
    }
    folder::prepare(&dir)?;
    let main = options(config, Options::main());
    let db = Db::connect_as_is(&url, &main).await?;
    let views = Db::connect_as_is(&views_url(config), &Options::views()).await?;
    refuse_pending(&db, &views).await?;
    let (clock, rng) = (Clock::System, Rng::System);
    let key = folder::find_key(config)?;
    let previous_keys = folder::find_previous_keys(config)?;
    let state = master_keys::key_state(&db.reader(), key.as_ref(), &previous_keys).await?;
    let master_key = match (state, key) {
        (KeyState::Right | KeyState::Fresh, Some(key)) => key,
        (state, _) => return Err(key_refused(state)),
    };
    let node_name = installation::lease_name(&db, clock.now()).await?;
    let (data_dir, sending) = (dir, sending(config)?);
    let parts =
        Parts { db, views, clock, rng, master_key, previous_keys, data_dir, node_name, sending };
    let engine = Engine::start(parts).await?;
    let beating = engine.clone();
    let heartbeat = AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            if let Err(error) = installation::heartbeat(&beating).await {
                tracing::warn!(%error, "this command could not say that it is alive");
            }
        }
    }));
    // Whatever a command changes, somebody at the machine asked for.
    let engine = engine.by(Actor::Console);
    Ok(Installation { engine, lock: None, _heartbeat: Some(heartbeat) })
}

impl Installation {
    /// Ends what was begun: gives the leased number back, folds the log in, lets the lock go.
    ///
    /// # Errors
    /// The number could not be given back, or some of what was written is not in the files.
    pub async fn close(self) -> anyhow::Result<()> {
        if self.lock.is_none() {
            installation::leave(&self.engine).await?;
        } else {
            generation::keep_up(&self.engine).await?;
        }
        let views = self.engine.views().try_close().await;
        let main = self.engine.db().try_close().await;
        main.and(views).context("the last of what was written was not kept")
    }
}

/// How mail leaves, by the `[smtp]` of the settings; without a host each site's own word holds.
///
/// # Errors
/// The file of the password cannot be read.
pub fn sending(config: &Config) -> anyhow::Result<Sending> {
    let mut sending = Sending::default();
    let ms = |span: Option<Duration>, usual| {
        span.and_then(|span| i64::try_from(span.as_millis()).ok()).unwrap_or(usual)
    };
    let (transactional, other) = config.unknown_waits();
    let wait = &mut sending.unknown_wait;
    wait.transactional_ms = ms(transactional, wait.transactional_ms);
    wait.other_ms = ms(other, wait.other_ms);
    let host = config.text("smtp.host");
    if host.is_empty() {
        return Ok(sending);
    }
    let settings = SmtpSettings {
        host: host.to_owned(),
        port: config.smtp_port(),
        tls: SmtpTls::parse(config.text("smtp.tls")).map_err(|e| refused(e.message))?,
        username: config.text("smtp.username").to_owned(),
        password_sealed: String::new(),
        connections: config.smtp_connections(),
        per_second: 0,
        relay_signs: false,
    };
    let file = config.text("smtp.password_file");
    let password = if file.is_empty() {
        config.text("smtp.password").to_owned()
    } else {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("smtp.password_file {file} cannot be read"))?;
        text.trim_end().to_owned()
    };
    sending.transport = Some(Transport::smtp(&settings, password, &host_name()));
    Ok(sending)
}

fn options(config: &Config, base: Options) -> Options {
    let commit_delay = config.commit_delay();
    Options { connections: config.connections(), commit_delay, ..base }
}

/// Page views have a file of their own, or stand beside all else on a server: there every node
/// must see them.
pub(crate) fn views_url(config: &Config) -> String {
    let url = config.database_url();
    if url.starts_with("sqlite:") {
        return format!("sqlite:{}", config.data().join("views.db").display());
    }
    url
}

async fn refuse_pending(db: &Db, views: &Db) -> anyhow::Result<()> {
    let mut missing = db.pending(Schema::Main).await?;
    missing.extend(views.pending(Schema::Views).await?);
    match missing.first() {
        None => Ok(()),
        Some(first) => Err(refused(format!(
            "the database is older than this program (it lacks {first}); stop the server and run \
             `tundish migrate`"
        ))),
    }
}

async fn master_key(
    config: &Config,
    db: &Db,
    rng: &Rng,
    previous: &[MasterKey],
) -> anyhow::Result<MasterKey> {
    let key = folder::find_key(config)?;
    let state = master_keys::key_state(&db.reader(), key.as_ref(), previous).await?;
    match (state, key) {
        (KeyState::Right | KeyState::Fresh | KeyState::New, Some(key)) => Ok(key),
        (KeyState::Fresh, None) => {
            let key = folder::make_key(&config.data(), rng)
                .context("a master key is needed before the first start")?;
            Ok(key)
        }
        (state, _) => Err(key_refused(state)),
    }
}

fn key_refused(state: KeyState) -> anyhow::Error {
    refused(match state {
        KeyState::Wrong => {
            "the master key is not the one this database was used with; bring back its \
             secret.key (links in mails already sent, and stored secrets, depend on it), or name \
             it under secret.previous_keys"
        }
        KeyState::New => "the master key is new here; start the server once, so that it takes over",
        _ => {
            "the master key of this database is missing; put its secret.key back, or set \
             TUNDISH_SECRET_KEY or TUNDISH_SECRET_KEY_FILE"
        }
    })
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("node-{}", name.trim())
}

#[cfg(test)]
mod tests {
    use super::could_lose_commits;

    #[test]
    fn g06_followers_that_no_commit_waits_for_are_refused() {
        assert!(could_lose_commits(2, " ").unwrap().contains("synchronous_standby_names"));
        assert_eq!(could_lose_commits(2, "ANY 1 (b, c)"), None);
        assert_eq!(could_lose_commits(0, ""), None);
    }
}
