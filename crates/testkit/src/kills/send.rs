//! Kills in the middle of a send, against a server with faults.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::messages::{Content, NewMessage};
use engine::templates::Draft;
use engine::{Engine, Rng};
use model::EmailAddr;
use model::ids::TemplateVersionId;
use model::messages::{Class, SourceKind};
use model::sites::Site;
use store::{Db, Durability, StoreError};

use super::{findings, number, wait_for_the_moment};
use crate::process::{Installation, Server};
use crate::sink::{Action, Options, Rule, Sink, Step};

/// Who plans messages at once: enough that commits are shared.
const PLANNERS: usize = 256;
/// How long the rest may take once nothing kills the program any more, in looks of [`LOOK_EVERY`].
const LOOKS_MAX: usize = 6_000;
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What the program lives for on average before it is killed.
const LIFE_MS: usize = 275;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How often the program is killed.
    pub kills: usize,
    /// How many messages wait at the beginning.
    pub messages: usize,
    /// Connections to the server.
    pub connections: usize,
    /// What the moments of the kills follow from.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How often the program was killed.
    pub kills: usize,
    /// Messages planned.
    pub messages: usize,
    /// Messages the server never took.
    pub lost: usize,
    /// Mails the server took beyond one a message.
    pub duplicates: u64,
    /// Tries that ended in doubt, as the ledger has them.
    pub unknown: u64,
    /// Of these, not by a kill: the server closed after the dot.
    pub unknown_by_drops: u64,
    /// The most messages one kill left in doubt.
    pub most_in_doubt: u64,
    /// Messages in doubt after the kills, added up.
    pub in_doubt: u64,
    /// Mails that remain two after the receiver looked at their Message-ID.
    pub duplicates_by_message_id: u64,
    /// Bodies the server saw begin and not end.
    pub half_bodies: u64,
    /// What `tundish verify` found after any kill and at the end.
    pub findings: Vec<String>,
}

impl Outcome {
    /// What of the promise does not hold; nothing where all of it does.
    pub fn broken(&self, connections: usize) -> Vec<String> {
        let mut broken = self.findings.clone();
        let most = u64::try_from(connections).unwrap();
        let kills = u64::try_from(self.kills).unwrap();
        let mut must = |holds: bool, text: String| {
            if !holds {
                broken.push(text);
            }
        };
        must(self.lost == 0, format!("{} messages were lost", self.lost));
        must(
            self.duplicates <= self.unknown,
            format!("{} duplicates, {} recorded as unknown", self.duplicates, self.unknown),
        );
        must(
            self.most_in_doubt <= most,
            format!("a kill left {} in doubt over {most} connections", self.most_in_doubt),
        );
        must(
            self.unknown - self.unknown_by_drops <= kills * most,
            format!("{} unknown by {kills} kills of {most} connections", self.unknown),
        );
        must(
            self.duplicates_by_message_id == 0,
            format!("{} have two Message-IDs", self.duplicates_by_message_id),
        );
        broken
    }
}

/// Plans the messages and kills the program while it sends them.
pub async fn run(installation: &Installation, plan: &Plan) -> Outcome {
    let addresses: Vec<String> = (0..plan.messages).map(address).collect();
    let (engine, site) = installation.open(Durability::Answered).await;
    queue(&engine, &site, &addresses, 0).await;
    engine.db().close().await;
    engine.views().close().await;
    drop(engine);

    // At this pace the last message leaves about when the last kill falls.
    let think_ms = plan.connections * LIFE_MS * plan.kills / plan.messages.max(1);
    let think_ms = u64::try_from(think_ms).unwrap();
    let sink = Sink::start(Options { think_ms, ..Options::default() });
    for address in &addresses {
        if let Some(rule) = fault(address) {
            sink.rule(rule);
        }
    }
    let settings = settings(sink.port(), plan.connections);
    let rng = Rng::seeded(plan.seed);
    let mut outcome = Outcome { messages: plan.messages, ..Outcome::default() };
    for _ in 0..plan.kills {
        let server = installation.serve(&settings);
        wait_for_the_moment(&rng).await;
        server.kill();
        outcome.kills += 1;
        let db = installation.database().await;
        look(&db, &mut outcome).await;
        db.close().await;
    }
    finish(installation, installation.serve(&settings)).await;
    sum_up(installation, &sink, &mut outcome).await;
    outcome
}

/// The address of the `n`th message, which says what will go wrong with it.
fn address(n: usize) -> String {
    let fault = match n % 250 {
        7 | 107 => "greylisted",
        19 | 119 => "later",
        31 => "half",
        43 => "thrown",
        55 => "kept",
        _ => "plain",
    };
    format!("{fault}-{n}@example.org")
}

/// What goes wrong with it, the first time it is tried.
fn fault(address: &str) -> Option<Rule> {
    let rule = match address.split('-').next()? {
        "greylisted" => Rule::at(Step::Rcpt).reply("451 4.7.1 greylisted, come again"),
        "later" => Rule::at(Step::Dot).reply("451 4.3.0 not now"),
        "half" => Rule::at(Step::Body).act(Action::Drop),
        "thrown" => Rule::at(Step::Dot).act(Action::Drop),
        "kept" => Rule::at(Step::Dot).act(Action::KeepAndDrop),
        _ => return None,
    };
    Some(rule.to(address).once())
}

/// The settings of a server that sends to a sink.
pub fn settings(port: u16, connections: usize) -> Vec<(&'static str, String)> {
    vec![
        ("TUNDISH_SMTP_HOST", "127.0.0.1".to_owned()),
        ("TUNDISH_SMTP_PORT", port.to_string()),
        ("TUNDISH_SMTP_TLS", "none".to_owned()),
        ("TUNDISH_SMTP_CONNECTIONS", connections.to_string()),
        ("TUNDISH_MAIL_UNKNOWN_WAIT", "100 ms".to_owned()),
        ("TUNDISH_MAIL_UNKNOWN_WAIT_TRANSACTIONAL", "100 ms".to_owned()),
        ("TUNDISH_LOG_LEVEL", "warn".to_owned()),
    ]
}

/// Plans one message to each address, by the engine, many at once. About `padding` octets are
/// added to the text.
pub async fn queue(engine: &Engine, site: &Site, addresses: &[String], padding: usize) {
    let version = template(engine, site, padding).await;
    let next = Arc::new(AtomicUsize::new(0));
    let addresses: Arc<[String]> = addresses.into();
    let planners: Vec<_> = (0..PLANNERS)
        .map(|_| {
            let (engine, site) = (engine.clone(), site.clone());
            let (next, addresses) = (Arc::clone(&next), Arc::clone(&addresses));
            tokio::spawn(async move {
                while let Some(to) = addresses.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let new = message(to, version);
                    engine::messages::enqueue(&engine, site.clone(), new).await.unwrap().unwrap();
                }
            })
        })
        .collect();
    for planner in planners {
        planner.await.unwrap();
    }
}

fn message(to: &str, version: TemplateVersionId) -> NewMessage {
    NewMessage {
        contact_id: None,
        to: EmailAddr::parse(to).unwrap(),
        class: Class::Transactional,
        source_kind: SourceKind::Receipt,
        source_id: 1,
        enrolment_id: None,
        dedupe_key: format!("receipt:{to}"),
        content: Content::Template {
            version,
            extra: serde_json::json!({
                "contact": { "email": to },
                "unsubscribe_url": "https://shop.example/u/nobody",
                "preferences_url": "https://shop.example/preferences/nobody",
                "why": "You asked for it.",
            }),
        },
        not_before: None,
        expires_at: None,
    }
}

async fn template(engine: &Engine, site: &Site, padding: usize) -> TemplateVersionId {
    let line = "Every batch is weighed, named and set down before it goes on its way.\n\n";
    let draft = Draft {
        slug: "note".to_owned(),
        name: "A note".to_owned(),
        format: "markdown".to_owned(),
        subject: "A note for {{ contact.email }}".to_owned(),
        source: format!("Hello {{{{ contact.email }}}}.\n\n{}", line.repeat(padding / line.len())),
    };
    let template = engine::templates::save(engine, site.clone(), None, draft).await.unwrap();
    let site = site.id;
    let found = engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { store::templates::find(session, site, template).await })
        })
        .await;
    found.unwrap().unwrap().version_id
}

/// Looks at what the kill left.
async fn look(db: &Db, outcome: &mut Outcome) {
    let sql = "select count(*) from messages where state = 'committing'";
    let in_doubt = u64::try_from(number(db, sql).await).unwrap();
    outcome.in_doubt += in_doubt;
    outcome.most_in_doubt = outcome.most_in_doubt.max(in_doubt);
    outcome.findings.extend(findings(db).await);
    hurry(db).await;
}

/// What was put off for minutes is due at once: the time between two tries is not the question.
async fn hurry(db: &Db) {
    db.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            let sql = "update messages set next_at = 0 where state = 'deferred'";
            tx.query(sql).run().await.map(drop)
        })
    })
    .await
    .unwrap();
}

/// Lets the program send the rest and stops it.
async fn finish(installation: &Installation, server: Server) {
    let left = "select count(*) from messages where state <> 'accepted'";
    let db = installation.database().await;
    let mut last = -1;
    for _ in 0..LOOKS_MAX {
        hurry(&db).await;
        last = number(&db, left).await;
        if last == 0 {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await; // waits for a process
    }
    db.close().await;
    assert_eq!(last, 0, "messages were not sent: {}", server.said());
    server.stop();
}

async fn sum_up(installation: &Installation, sink: &Sink, outcome: &mut Outcome) {
    let db = installation.database().await;
    let ids = db
        .reader()
        .read::<Vec<String>, StoreError, _>(|session| {
            Box::pin(async move { session.query("select message_id from messages").all().await })
        })
        .await
        .unwrap();
    let planned: BTreeSet<&str> = ids.iter().map(|id| id.trim_matches(['<', '>'])).collect();
    let counts = sink.counts();
    outcome.lost = planned.iter().filter(|id| !counts.contains_key(**id)).count();
    outcome.duplicates = counts.values().map(|count| count - 1).sum();
    // One Message-ID a message, and none that is not of a message.
    let strange = counts.keys().filter(|id| !planned.contains(id.as_str())).count();
    outcome.duplicates_by_message_id =
        u64::try_from(strange + outcome.messages - planned.len()).unwrap();
    let db_ref = &db;
    let count = |sql| async move { u64::try_from(number(db_ref, sql).await).unwrap() };
    outcome.unknown =
        count("select count(*) from message_attempts where outcome = 'unknown'").await;
    outcome.unknown_by_drops = outcome.unknown - outcome.in_doubt.min(outcome.unknown);
    outcome.half_bodies = sink.half_bodies();
    outcome.findings.extend(findings(&db).await);
    db.close().await;
    let (went_well, said) = installation.run(&["verify"]);
    if !went_well {
        outcome.findings.push(said);
    }
    outcome.findings.extend(sink.faults());
}
