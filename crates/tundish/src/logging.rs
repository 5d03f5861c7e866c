//! The log: on stderr, for people or as JSON, never with an address in it.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::config::Config;

/// The log that runs.
#[derive(Debug)]
pub struct Log(reload::Handle<EnvFilter, Registry>);

/// Starts the log as the settings say. A second start does nothing.
pub fn start(config: &Config) -> Log {
    let (filter, handle) = reload::Layer::new(filter(config));
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let started = if config.text("log.format") == "json" {
        registry.with(lines.json().flatten_event(true)).try_init()
    } else {
        registry.with(lines.with_ansi(std::io::stderr().is_terminal()).compact()).try_init()
    };
    if started.is_err() {
        tracing::debug!("the log runs already");
    }
    Log(handle)
}

impl Log {
    /// Takes the level the settings say now.
    pub fn set_level(&self, config: &Config) {
        self.take(filter(config));
    }

    /// Only what is wrong, until [`Log::set_level`].
    pub fn only_faults(&self) {
        self.take(EnvFilter::new("warn"));
    }

    fn take(&self, filter: EnvFilter) {
        if let Err(error) = self.0.reload(filter) {
            tracing::warn!(%error, "the level of the log stays as it is");
        }
    }
}

/// Our crates at the level asked for; the libraries only where something is wrong.
fn filter(config: &Config) -> EnvFilter {
    let level = config.text("log.level");
    EnvFilter::new(format!(
        "warn,tundish={level},engine={level},web={level},store={level},mail={level},model={level}"
    ))
}
