//! The log: on stderr, for people or as JSON, never with an address in it.

use tracing_subscriber::EnvFilter;

use crate::config::Config;

/// Starts the log as the settings say. A second start does nothing.
pub fn start(config: &Config) {
    let level = config.text("log.level");
    // Our crates at the level asked for; the libraries only where something is wrong.
    let filter = format!(
        "warn,tundish={level},engine={level},web={level},store={level},mail={level},model={level}"
    );
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_target(false);
    let started = if config.text("log.format") == "json" {
        builder.json().flatten_event(true).try_init()
    } else {
        use std::io::IsTerminal;
        builder.with_ansi(std::io::stderr().is_terminal()).compact().try_init()
    };
    if started.is_err() {
        tracing::debug!("the log runs already");
    }
}
