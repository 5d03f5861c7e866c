//! What is measured, each against a control in the same run.

mod also_bought;
mod cohorts;
mod control;
mod disk;
mod events;
mod lists;
mod load;
mod maths;
mod numbers;
mod opt_ins;
mod pages;
mod rows;
mod send;
mod size;
mod tools;

use clap::Subcommand;

/// What to measure.
#[derive(Subcommand)]
pub enum What {
    /// Durable opt-ins over HTTP against a bare group-commit loop and one commit per request.
    OptIns {
        /// Seconds for each side.
        #[arg(long, default_value_t = 8)]
        seconds: u64,
        /// Delays added to every commit, in milliseconds: a slower disk, modelled.
        #[arg(long, value_delimiter = ',', default_value = "0,1,5")]
        delays_ms: Vec<u64>,
        /// The form of the example shop: `class-list` asks for an address, `first-loaf` hands out
        /// a chapter as well.
        #[arg(long, default_value = "class-list")]
        form: String,
        /// What the server does besides: `web` takes answers, `all` composes their mails as well.
        #[arg(long, default_value = "web")]
        role: String,
    },
    /// The ledger to a mail server on this machine, against Postfix's `smtp-source`.
    Send {
        /// Mails on each side.
        #[arg(long, default_value_t = 40_000)]
        mails: usize,
        /// Connections on each side.
        #[arg(long, default_value_t = 64)]
        connections: usize,
        /// Octets of a mail.
        #[arg(long, default_value_t = 10_240)]
        octets: usize,
        /// Mails that wait while the memory is looked at.
        #[arg(long, default_value_t = 1_000_000)]
        queued: usize,
    },
    /// The landing page against nginx with the same octets.
    Pages {
        /// Seconds for each side.
        #[arg(long, default_value_t = 8)]
        seconds: u64,
        /// Connections on each side.
        #[arg(long, default_value_t = 64)]
        connections: usize,
    },
    /// The program's size, its memory at rest, and its start over many contacts.
    Size {
        /// How many contacts.
        #[arg(long, default_value_t = 100_000)]
        contacts: usize,
    },
    /// The maths against the Python packages people use for it.
    Maths {
        /// How often each is asked.
        #[arg(long, default_value_t = 7)]
        rounds: usize,
    },
    /// What is bought beside what, over a large shop, against Python's `implicit`.
    AlsoBought {
        /// Lines of orders.
        #[arg(long, default_value_t = 1_000_000)]
        lines: usize,
        /// Products.
        #[arg(long, default_value_t = 10_000)]
        products: u32,
        /// Customers.
        #[arg(long, default_value_t = 100_000)]
        customers: u32,
    },
    /// Every page of figures over a year of a busy shop; fails where one takes over 100 ms.
    Numbers {
        /// How many contacts.
        #[arg(long, default_value_t = 1_000_000)]
        contacts: i64,
        /// How many events in the stream.
        #[arg(long, default_value_t = 10_000_000)]
        events: i64,
        /// How many paid orders.
        #[arg(long, default_value_t = 1_000_000)]
        orders: i64,
    },
    /// Every list of the admin over very many contacts.
    Lists {
        /// How many contacts.
        #[arg(long, default_value_t = 1_000_000)]
        contacts: usize,
    },
    /// `tundish analyze cohorts` against DuckDB, both with one thread.
    Cohorts {
        /// How many sales.
        #[arg(long, default_value_t = 10_000_000)]
        rows: u64,
        /// By how many customers.
        #[arg(long, default_value_t = 500_000)]
        customers: u64,
    },
    /// Page views taken as history grows, and ordered steps over all of them.
    Events {
        /// How many views.
        #[arg(long, default_value_t = 10_000_000)]
        views: usize,
    },
}

/// Measures and prints.
pub fn run(what: &What) -> anyhow::Result<()> {
    match what {
        What::OptIns { seconds, delays_ms, form, role } => {
            opt_ins::run(*seconds, delays_ms, form, role)
        }
        What::Send { mails, connections, octets, queued } => {
            send::run(*mails, *connections, *octets, *queued)
        }
        What::Pages { seconds, connections } => pages::run(*seconds, *connections),
        What::Size { contacts } => size::run(*contacts),
        What::Maths { rounds } => maths::run(*rounds),
        What::AlsoBought { lines, products, customers } => {
            also_bought::run(*lines, *products, *customers)
        }
        What::Numbers { contacts, events, orders } => {
            numbers::run(numbers::Scale { contacts: *contacts, events: *events, orders: *orders })
        }
        What::Lists { contacts } => lists::run(*contacts),
        What::Cohorts { rows, customers } => cohorts::run(*rows, *customers),
        What::Events { views } => events::run(*views),
    }
}
