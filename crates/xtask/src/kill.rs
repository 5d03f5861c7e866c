//! Kills: the release program dies at random moments, and what came of it is counted.

use std::time::Instant;

use clap::Subcommand;
use testkit::kills::{checkout, send};
use testkit::process::Installation;

/// What is under way when the program dies.
#[derive(Subcommand)]
pub enum What {
    /// A send to a server with faults.
    Send {
        /// How often it dies.
        #[arg(long, default_value_t = 300)]
        kills: usize,
        /// Messages that wait at the beginning.
        #[arg(long, default_value_t = 20_000)]
        messages: usize,
        /// Connections to the server.
        #[arg(long, default_value_t = 16)]
        connections: usize,
        /// What the moments follow from.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// `sqlite`, or the address of a PostgreSQL on which a database may be made.
        #[arg(long, default_value = "sqlite")]
        database: String,
    },
    /// Checkouts, with cards whose answer is lost after they were charged.
    Checkout {
        /// How often it dies.
        #[arg(long, default_value_t = 300)]
        kills: usize,
        /// Buyers at once.
        #[arg(long, default_value_t = 8)]
        buyers: usize,
        /// What the moments follow from.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// `sqlite`, or the address of a PostgreSQL on which a database may be made.
        #[arg(long, default_value = "sqlite")]
        database: String,
    },
}

/// Kills, counts and prints.
pub fn run(what: &What) -> anyhow::Result<()> {
    let binary = crate::release::build()?;
    let runtime = crate::release::runtime()?;
    let dir = tempfile::tempdir()?;
    match what {
        What::Send { kills, messages, connections, seed, database } => {
            let url = runtime.block_on(url(database));
            let installation = Installation::new(&binary, dir.path(), url);
            let plan = send::Plan {
                kills: *kills,
                messages: *messages,
                connections: *connections,
                seed: *seed,
            };
            let begun = Instant::now();
            let outcome = runtime.block_on(send::run(&installation, &plan));
            let took = begun.elapsed().as_secs_f64();
            println!(
                "| database | kills | messages | lost | duplicates | unknown on record | of these by \
                 drops | most in doubt by one kill | after Message-ID | half bodies | seconds |"
            );
            println!("|---|---|---|---|---|---|---|---|---|---|---|");
            println!(
                "| {} | {} | {} | {} | {} | {} | {} | {} (of {connections} connections) | {} | {} \
                 | {took:.0} |",
                name(database),
                outcome.kills,
                outcome.messages,
                outcome.lost,
                outcome.duplicates,
                outcome.unknown,
                outcome.unknown_by_drops,
                outcome.most_in_doubt,
                outcome.duplicates_by_message_id,
                outcome.half_bodies,
            );
            judge(&outcome.broken(*connections))
        }
        What::Checkout { kills, buyers, seed, database } => {
            let url = runtime.block_on(url(database));
            let installation = Installation::new(&binary, dir.path(), url);
            let plan = checkout::Plan { kills: *kills, buyers: *buyers, seed: *seed };
            let begun = Instant::now();
            let outcome = runtime.block_on(checkout::run(&installation, &plan));
            let took = begun.elapsed().as_secs_f64();
            println!(
                "| database | kills | forms sent (again) | orders | paid | charges | charged twice \
                 | paid without goods | charges without an order | seconds |"
            );
            println!("|---|---|---|---|---|---|---|---|---|---|");
            println!(
                "| {} | {} | {} ({}) | {} | {} | {} | {} | {} | {} | {took:.0} |",
                name(database),
                outcome.kills,
                outcome.sent.0,
                outcome.sent.1,
                outcome.orders.0,
                outcome.orders.1,
                outcome.charges,
                outcome.charged_twice,
                outcome.without_goods,
                outcome.unmatched,
            );
            judge(&outcome.broken())
        }
    }
}

fn name(database: &str) -> &'static str {
    if database == "sqlite" { "SQLite" } else { "PostgreSQL" }
}

fn judge(broken: &[String]) -> anyhow::Result<()> {
    for line in broken {
        println!("{line}");
    }
    anyhow::ensure!(broken.is_empty(), "what was promised does not hold, as listed");
    println!("everything promised holds");
    Ok(())
}

/// The address of a fresh database, where it is not SQLite.
async fn url(database: &str) -> Option<String> {
    if database == "sqlite" {
        return None;
    }
    Some(testkit::databases::fresh_postgres(database).await)
}
