//! The binary: configuration, wiring and commands. It holds no rules.

use std::process::ExitCode;

use clap::Parser;

mod analyze;
mod cli;
mod commands;
mod config;
mod demo;
mod dns;
mod folder;
mod generation;
mod install;
mod logging;
mod output;
mod simulate;

fn main() -> ExitCode {
    // Before anything could want TLS: ring is the only provider in the house.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider was installed already");
    }
    let cli = cli::Cli::parse();
    ExitCode::from(output::end(run(cli)))
}

fn run(cli: cli::Cli) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(commands::run(cli))
}
