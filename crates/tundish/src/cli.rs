//! The command line: every command and its flags.

mod analyze;
mod simulate;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use analyze::{
    AlsoBought, AnalyzeCommand, Attribution, Cohorts, Experiment, Ltv, Picture, Rfm, Roads, Score,
    TableFile,
};
pub use simulate::Simulate;

/// Runs the internet sales process of a small business on its own machine.
#[derive(Debug, Parser)]
#[command(name = "tundish", disable_version_flag = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Flags of every command.
    #[command(flatten)]
    pub common: Common,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The settings file (default: tundish.toml, where there is one)
    #[arg(long, global = true, value_name = "FILE", env = "TUNDISH_CONFIG")]
    pub config: Option<PathBuf>,
    /// The folder of databases, files and keys
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// sqlite:PATH or postgres://…
    #[arg(long, global = true, value_name = "URL")]
    pub database: Option<String>,
    /// Print data as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing but errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A complete sample business in a fresh folder: try everything
    Demo(Demo),
    /// Serve everything: pages, workers, scheduler
    Serve(Serve),
    /// Make the first site and its owner, without a browser
    Init(Init),
    /// Who may sign in
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// Show the settings that hold
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Bring the tables up to date
    Migrate(Migrate),
    /// Keys of the API
    #[command(subcommand)]
    Key(KeyCommand),
    /// One contact: shown, handed out, fast-forwarded, forgotten
    #[command(subcommand)]
    Contact(ContactCommand),
    /// Send one mail to an address, and say what the mail server answered
    SendTest(SendTest),
    /// Mail that waits: looked at, tried again, held, released
    #[command(subcommand)]
    Queue(QueueCommand),
    /// Look whether everything around the server is as it should be
    Doctor,
    /// Say what a funnel file would change
    Plan(Plan),
    /// Make a site as a funnel file says
    Apply(Apply),
    /// Write out what is kept: the funnel, or a table
    Export(Export),
    /// Take in a file: contacts of another program, orders, spend, coupons, suppressed addresses
    Import(Import),
    /// The maths of the numbers pages on any CSV file, without a database
    #[command(subcommand)]
    Analyze(AnalyzeCommand),
    /// What a funnel brings and costs, with what is not known about it, and what if
    Simulate(Simulate),
    /// Make anew what is derived from other rows
    #[command(subcommand)]
    Rebuild(RebuildCommand),
    /// Copy everything, while the server runs, into a new folder
    Backup(Backup),
    /// Put a backup in place as the data folder
    Restore(Restore),
    /// Check everything that must always hold
    Verify,
    /// Print what the API can do, as OpenAPI: the document the server hands out
    Openapi,
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the version
    Version,
}

/// `tundish demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Where to listen (default: the next free port from 8095)
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Days of history behind the shop
    #[arg(long, default_value_t = crate::demo::history::DAYS, value_parser = clap::value_parser!(i64).range(0..=730))]
    pub days: i64,
}

/// `tundish serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// What this process does: web, worker or all
    #[arg(long)]
    pub role: Option<String>,
}

/// `tundish init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The name of the shop
    #[arg(long, value_name = "NAME")]
    pub site_name: String,
    /// Where it lives: https://shop.example
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8095")]
    pub base_url: String,
    /// The postal address that marketing mail must carry
    #[arg(long)]
    pub postal_address: String,
    /// The currency of its prices
    #[arg(long, default_value = "USD")]
    pub currency: String,
    /// Its time zone
    #[arg(long, default_value = "UTC")]
    pub timezone: String,
    /// The owner's address; the site sends from it
    #[arg(long)]
    pub email: String,
    /// The owner's name
    #[arg(long, default_value = "")]
    pub name: String,
    /// Where the password comes from
    #[command(flatten)]
    pub password: PasswordFrom,
}

/// Where a password comes from: never from the command line, where every process can read it.
#[derive(Debug, Args)]
pub struct PasswordFrom {
    /// A file that holds the password (else TUNDISH_PASSWORD, else standard input)
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// `tundish operator …`.
#[derive(Debug, Subcommand)]
pub enum OperatorCommand {
    /// Let somebody sign in
    Add {
        /// Their address
        email: String,
        /// Their name
        #[arg(long, default_value = "")]
        name: String,
        /// owner, admin, editor or viewer
        #[arg(long, default_value = "editor")]
        role: String,
        /// The sites they may open (an owner may open all)
        #[arg(long = "site", value_name = "SLUG")]
        sites: Vec<String>,
        /// Print an invitation instead of asking for a password
        #[arg(long)]
        invite: bool,
        /// Where the password comes from
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Who may sign in
    List,
    /// Set a new password, or take a lost second step away; every sign-in of theirs ends
    Reset {
        /// Their address
        email: String,
        /// Take the second step away instead: the phone and the recovery codes are lost
        #[arg(long)]
        second_step: bool,
        /// Where the password comes from
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Print a link that signs them in once, within an hour
    Link {
        /// Their address
        email: String,
    },
}

/// `tundish config …`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show every setting; secrets are left out
    Show {
        /// Also say where each comes from
        #[arg(long)]
        origin: bool,
    },
}

/// `tundish migrate`.
#[derive(Debug, Args)]
pub struct Migrate {
    /// Only say what is missing; exit 1 if anything is
    #[arg(long)]
    pub check: bool,
}

/// `tundish backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// A folder that does not exist yet
    pub to: PathBuf,
    /// Put the master key in as well: whoever has the copy can then read every stored secret
    #[arg(long)]
    pub with_key: bool,
}

/// `tundish restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The folder of a backup
    pub from: PathBuf,
    /// Move what is in the data folder aside, to ….bak
    #[arg(long)]
    pub force: bool,
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// `tundish plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// The funnel file
    pub file: PathBuf,
    /// The site, where there is more than one
    #[arg(long, value_name = "SLUG")]
    pub site: Option<String>,
    /// Also say what would be retired because the file leaves it out
    #[arg(long)]
    pub prune: bool,
}

/// `tundish apply`.
#[derive(Debug, Args)]
pub struct Apply {
    /// The funnel file
    pub file: PathBuf,
    /// The site, where there is more than one
    #[arg(long, value_name = "SLUG")]
    pub site: Option<String>,
    /// Retire what the file leaves out; nothing is ever deleted
    #[arg(long)]
    pub prune: bool,
    /// Do not ask before retiring
    #[arg(long)]
    pub yes: bool,
    /// Only say what would change
    #[arg(long)]
    pub dry_run: bool,
}

/// `tundish export`.
#[derive(Debug, Args)]
pub struct Export {
    /// funnel, contacts, orders, events, messages, spend, suppression or coupons
    pub what: String,
    /// The site, where there is more than one
    #[arg(long, value_name = "SLUG")]
    pub site: Option<String>,
    /// csv or ndjson (default: csv, with --json ndjson)
    #[arg(long)]
    pub format: Option<String>,
    /// For a funnel: a new folder for the file and everything it names
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}

/// `tundish import`.
#[derive(Debug, Args)]
pub struct Import {
    /// auto, contacts, mailchimp, kit, orders, spend, suppression or coupons; undo takes an import
    /// back
    pub preset: String,
    /// The file: CSV with any separator; with undo the id of an import, or last
    pub file: PathBuf,
    /// The site, where there is more than one
    #[arg(long, value_name = "SLUG")]
    pub site: Option<String>,
    /// Only say what it would do
    #[arg(long)]
    pub dry_run: bool,
    /// What a column is, where its name does not say it: mail=email, town=field.city, x=-,
    /// cost=amount
    #[arg(long, value_name = "COLUMN=FIELD")]
    pub map: Vec<String>,
    /// What the people on the list agreed to, where and when
    #[arg(long, value_name = "TEXT")]
    pub consent: Option<String>,
    /// A tag for all of them
    #[arg(long)]
    pub tag: Vec<String>,
    /// Where to write what was left out, as CSV
    #[arg(long, value_name = "FILE")]
    pub errors: Option<PathBuf>,
}

/// `tundish key …`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key; it is shown once
    Create {
        /// What it is for
        name: String,
        /// What it may do: contacts:read, contacts:write, orders:read, …
        #[arg(long = "scope", required = true, value_name = "SCOPE")]
        scopes: Vec<String>,
        /// The site, where there is more than one
        #[arg(long, value_name = "SLUG")]
        site: Option<String>,
    },
    /// Which keys there are
    List {
        /// The site, where there is more than one
        #[arg(long, value_name = "SLUG")]
        site: Option<String>,
    },
    /// Take a key away
    Revoke {
        /// Its id
        id: String,
        /// The site, where there is more than one
        #[arg(long, value_name = "SLUG")]
        site: Option<String>,
    },
}

/// `tundish contact …`.
#[derive(Debug, Subcommand)]
pub enum ContactCommand {
    /// Everything that is kept about one address
    Show {
        /// The address
        email: String,
        /// The site, where there is more than one
        #[arg(long, value_name = "SLUG")]
        site: Option<String>,
    },
    /// The same as a file for the person it is about
    Export {
        /// The address
        email: String,
        /// The site, where there is more than one
        #[arg(long, value_name = "SLUG")]
        site: Option<String>,
        /// json or csv
        #[arg(long, default_value = "json")]
        format: String,
    },
    /// Make the next step of a test contact's sequences due now
    Forward {
        /// The address
        email: String,
        /// The site, where there is more than one
        #[arg(long, value_name = "SLUG")]
        site: Option<String>,
        /// Mark the contact as a test first: it is left out of every figure from then on
        #[arg(long)]
        test: bool,
    },
    /// Forget somebody; only a keyed hash stays, so that no import brings them back
    Erase {
        /// The address
        email: String,
        /// The site, where there is more than one
        #[arg(long, value_name = "SLUG")]
        site: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// `tundish send-test`.
#[derive(Debug, Args)]
pub struct SendTest {
    /// The template's slug; without one, a short mail that says how it left
    pub template: Option<String>,
    /// The address
    #[arg(long, value_name = "ADDRESS")]
    pub to: String,
    /// Whose name and fields it shows: an address
    #[arg(long, value_name = "ADDRESS")]
    pub contact: Option<String>,
    /// The site, where there is more than one
    #[arg(long, value_name = "SLUG")]
    pub site: Option<String>,
}

/// `tundish queue …`.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// What waits, and why
    List {
        /// Only messages in this state: queued, planned, deferred, held, failed, …
        #[arg(long)]
        state: Option<String>,
        /// At most so many messages
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
        /// The site, where there is more than one
        #[arg(long, value_name = "SLUG")]
        site: Option<String>,
    },
    /// Try messages now that failed, are deferred, held or doubtful
    Retry(Picked),
    /// Keep messages back until they are released
    Hold(Picked),
    /// Let held messages go
    Release(Picked),
}

/// Which messages are meant.
#[derive(Debug, Args)]
pub struct Picked {
    /// Their ids: msg_…
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// All of the site: what failed (retry), is queued (hold), is held (release)
    #[arg(long)]
    pub all: bool,
    /// All in this state instead
    #[arg(long)]
    pub state: Option<String>,
    /// Only those whose reason begins so
    #[arg(long, value_name = "TEXT")]
    pub because: Option<String>,
    /// The site, where there is more than one
    #[arg(long, value_name = "SLUG")]
    pub site: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// `tundish rebuild …`.
#[derive(Debug, Subcommand)]
pub enum RebuildCommand {
    /// The counts by day and the figures of orders that the pages of figures read
    Rollups {
        /// Only this site
        #[arg(long, value_name = "SLUG")]
        site: Option<String>,
    },
}

#[cfg(test)]
mod tests;
