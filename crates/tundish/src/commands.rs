//! Every command, one file each.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::CommandFactory;

use crate::cli::{Cli, Command, Common};
use crate::config::{Config, Layers};
use crate::logging::{self, Log};
use crate::output::{Output, refused};

mod backup;
mod contacts;
mod demo;
mod doctor;
mod export;
mod funnel;
mod import;
mod init;
mod keys;
mod migrate;
mod operators;
mod passwords;
mod queue;
mod rebuild;
mod reload;
mod send_test;
mod serve;
mod settings;
mod site;
mod verify;
mod version;

/// What every command is given.
#[derive(Debug)]
pub struct Call {
    /// The settings that hold.
    pub config: Config,
    /// Where they come from.
    pub source: Source,
    /// The log that runs.
    pub log: Log,
    /// How to talk.
    pub output: Output,
}

/// Does what the command line says.
///
/// # Errors
/// One sentence, with the exit code in it.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let output = Output { json: cli.common.json, quiet: cli.common.quiet };
    match cli.command {
        Command::Version => return version::run(output),
        Command::Completions { shell } => return completions(shell),
        Command::Openapi => return openapi(output),
        Command::Analyze(command) => return crate::analyze::run(output, &command),
        Command::Simulate(flags) => return crate::simulate::run(output, &flags),
        _ => {}
    }
    let flags = match &cli.command {
        Command::Serve(flags) => flags.settings(),
        Command::Demo(flags) => flags.settings(cli.common.data.as_deref())?,
        _ => Vec::new(),
    };
    let source = Source { common: cli.common, flags };
    let config = source.load()?;
    let call = Call { log: logging::start(&config), config, source, output };
    for warning in &call.config.warnings {
        tracing::warn!("{warning}");
    }
    match cli.command {
        Command::Demo(flags) => demo::run(&call, &flags).await,
        Command::Serve(_) => serve::run(&call).await,
        Command::Init(flags) => init::run(&call, flags).await,
        Command::Operator(command) => operators::run(&call, command).await,
        Command::Config(command) => settings::run(&call, &command),
        Command::Migrate(flags) => migrate::run(&call, &flags).await,
        Command::Key(command) => keys::run(&call, command).await,
        Command::Contact(command) => contacts::run(&call, command).await,
        Command::SendTest(flags) => send_test::run(&call, &flags).await,
        Command::Queue(command) => queue::run(&call, command).await,
        Command::Rebuild(command) => rebuild::run(&call, &command).await,
        Command::Doctor => doctor::run(&call).await,
        Command::Plan(flags) => funnel::plan(&call, &flags).await,
        Command::Apply(flags) => funnel::apply(&call, &flags).await,
        Command::Export(flags) => export::run(&call, &flags).await,
        Command::Import(flags) => import::run(&call, &flags).await,
        Command::Backup(flags) => backup::run(&call, &flags).await,
        Command::Restore(flags) => backup::restore(&call, &flags),
        Command::Verify => verify::run(&call).await,
        Command::Analyze(_)
        | Command::Simulate(_)
        | Command::Completions { .. }
        | Command::Openapi
        | Command::Version => Ok(()),
    }
}

/// Where the settings come from besides the defaults: file, environment, flags.
#[derive(Debug)]
pub struct Source {
    common: Common,
    flags: Vec<(&'static str, String)>,
}

impl Source {
    /// The settings as they stand there now.
    ///
    /// # Errors
    /// The file cannot be read, or something in it or around it cannot be used.
    pub fn load(&self) -> anyhow::Result<Config> {
        let mut flags = self.flags.clone();
        if let Some(dir) = &self.common.data {
            flags.push(("server.data", dir.display().to_string()));
        }
        if let Some(url) = &self.common.database {
            flags.push(("database.url", url.clone()));
        }
        let file = match &self.common.config {
            Some(path) => Some(read(path)?),
            None if Path::new("tundish.toml").exists() => Some(read(Path::new("tundish.toml"))?),
            None => None,
        };
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Config::load(Layers { file, variables, flags }).map_err(refused)
    }
}

/// The text of a file that people write.
///
/// # Errors
/// It is not there, not a file, or not UTF-8: one sentence each.
pub fn read(path: &Path) -> anyhow::Result<(PathBuf, String)> {
    let bytes =
        std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| refused(format!("{} is not text in UTF-8", path.display())))?;
    Ok((path.to_owned(), text.trim_start_matches('\u{feff}').to_owned()))
}

/// The document of `/api/v1/openapi.json`: a line where programs read it, else laid out for people.
fn openapi(output: Output) -> anyhow::Result<()> {
    let description = web::api::description();
    if output.json {
        return output.data(&description);
    }
    output.line(serde_json::to_string_pretty(&description)?)
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<()> {
    use std::io::Write;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tundish", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(())
}
