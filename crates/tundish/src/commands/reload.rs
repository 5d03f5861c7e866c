//! Settings read again while the server runs, on SIGHUP. What is wrong with them is said and
//! changes nothing; what only a start can change is named.

use engine::Engine;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use web::AppState;

use super::Call;
use crate::config::Config;
use crate::folder::guard_file;
use crate::install;

/// The wish to read the settings again, as the system brings it.
#[derive(Debug)]
pub struct Wishes(Signal);

impl Wishes {
    /// From now on SIGHUP ends the process no more.
    ///
    /// # Errors
    /// Signals cannot be caught.
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Reads the settings again whenever that is wished, until `stop`.
    pub async fn follow(
        mut self,
        call: &Call,
        held: &watch::Sender<Config>,
        engine: &Engine,
        web: Option<&AppState>,
        stop: &CancellationToken,
    ) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                wish = self.0.recv() => if wish.is_none() { return },
            }
            let refused = match again(call, held, engine) {
                Ok(()) => None,
                Err(error) => {
                    let why = format!("{error:#}");
                    tracing::error!("the settings were not taken, the earlier ones hold: {why}");
                    Some(why)
                }
            };
            if let Some(web) = web {
                web.set_settings_refused(refused);
            }
        }
    }
}

/// Reads, checks, and only then lets hold.
fn again(call: &Call, held: &watch::Sender<Config>, engine: &Engine) -> anyhow::Result<()> {
    let fresh = call.source.load()?;
    for file in fresh.secret_files() {
        guard_file(&fresh, &file)?;
    }
    let (now, changed) = held.borrow().followed_by(&fresh);
    // A password file may hold another password under the same name: always made anew.
    let sending = install::sending(&now)?;
    for warning in &fresh.warnings {
        tracing::warn!("{warning}");
    }
    engine.set_sending(sending);
    call.log.set_level(&now);
    held.send_replace(now);
    if !changed.waiting.is_empty() {
        tracing::warn!("only the next start changes {}", changed.waiting.join(", "));
    }
    let taken =
        if changed.taken.is_empty() { "nothing".to_owned() } else { changed.taken.join(", ") };
    tracing::info!("settings read again; changed: {taken}");
    Ok(())
}
