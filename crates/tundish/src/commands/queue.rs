//! `tundish queue …`: mail that waits, by hand.

use engine::outbox::{self, Act};
use engine::{Engine, EngineError, guard};
use model::SiteId;
use model::ids::MessageId;
use model::messages::State;
use serde::Serialize;
use store::messages::{Count, Message};

use super::{Call, site};
use crate::cli::{Picked, QueueCommand};
use crate::install;
use crate::output::{refused, table, usage};

/// Messages looked at in one go.
const PAGE: i64 = 500;
/// Where a message stands that still waits for something, or that a person may want to look at.
const WAITING: [State; 9] = [
    State::Queued,
    State::Planned,
    State::Leased,
    State::Committing,
    State::Deferred,
    State::Held,
    State::Unknown,
    State::Failed,
    State::Expired,
];

#[derive(Serialize)]
struct Listed {
    /// Why nothing at all is sent, if nothing is.
    sending_held: Option<String>,
    counts: Vec<Counted>,
    messages: Vec<Shown>,
}

#[derive(Serialize)]
struct Counted {
    state: State,
    reason: Option<String>,
    count: i64,
}

#[derive(Serialize)]
struct Shown {
    id: MessageId,
    to: String,
    class: &'static str,
    source: &'static str,
    state: State,
    reason: Option<String>,
    due: String,
    attempts: i64,
}

impl From<Message> for Shown {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            to: message.to_address,
            class: message.class.as_str(),
            source: message.source_kind.as_str(),
            state: message.state,
            reason: message.reason,
            due: message.next_at.rfc3339(),
            attempts: message.attempts,
        }
    }
}

/// What was done, or with `--dry-run` would be.
#[derive(Serialize)]
struct Done {
    dry_run: bool,
    done: Vec<Moved>,
    refused: Vec<Left>,
}

#[derive(Serialize)]
struct Moved {
    id: MessageId,
    from: State,
    to: State,
}

#[derive(Serialize)]
struct Left {
    id: String,
    why: String,
}

/// Does what concerns the queue.
///
/// # Errors
/// There is no such message, or it stands where that cannot be done.
pub async fn run(call: &Call, command: QueueCommand) -> anyhow::Result<()> {
    let installation = install::beside(&call.config).await?;
    let done = act(call, &installation.engine, command).await;
    installation.close().await?;
    done
}

async fn act(call: &Call, engine: &Engine, command: QueueCommand) -> anyhow::Result<()> {
    match command {
        QueueCommand::List { state, limit, site } => {
            let site = site::find(engine, site.as_deref()).await?.id;
            list(call, engine, site, state.as_deref(), limit).await
        }
        QueueCommand::Retry(picked) => change(call, engine, Change::Retry, picked).await,
        QueueCommand::Hold(picked) => change(call, engine, Change::Hold, picked).await,
        QueueCommand::Release(picked) => change(call, engine, Change::Release, picked).await,
    }
}

async fn list(
    call: &Call,
    engine: &Engine,
    site: SiteId,
    state: Option<&str>,
    limit: i64,
) -> anyhow::Result<()> {
    let states = match state {
        Some(word) => vec![State::parse(word).map_err(|why| usage(why.message))?],
        None => WAITING.to_vec(),
    };
    let (counts, messages) = read(engine, site, states.clone(), limit).await?;
    let listed = Listed {
        sending_held: guard::held(engine).await?,
        counts: counts
            .into_iter()
            .filter(|count| states.contains(&count.state) && count.count > 0)
            .map(|count| Counted { state: count.state, reason: count.reason, count: count.count })
            .collect(),
        messages: messages.into_iter().map(Shown::from).collect(),
    };
    call.output.either(&listed, || lines(&listed))
}

async fn read(
    engine: &Engine,
    site: SiteId,
    states: Vec<State>,
    limit: i64,
) -> engine::Result<(Vec<Count>, Vec<Message>)> {
    let reader = engine.reader();
    let found = reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move {
            let count = store::messages::count_queued(session, site).await?;
            let out = store::messages::count_out_of(session, site).await?;
            let mut counts = vec![
                Count { state: State::Queued, reason: None, count },
                Count { state: State::Leased, reason: None, count: out },
            ];
            counts.extend(store::messages::kept_counts(session, site).await?);
            let mut messages = Vec::new();
            for state in states {
                let left = limit.saturating_sub(i64::try_from(messages.len()).unwrap_or(limit));
                if left <= 0 {
                    break;
                }
                let before = MessageId(i64::MAX);
                messages.extend(
                    store::messages::list_of_state(session, site, state, before, left).await?,
                );
            }
            Ok((counts, messages))
        })
    });
    found.await
}

fn lines(listed: &Listed) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(why) = &listed.sending_held {
        lines.push(format!("nothing is sent: {why}"));
    }
    let count = |c: &Counted| {
        vec![c.count.to_string(), c.state.to_string(), c.reason.clone().unwrap_or_default()]
    };
    lines.extend(table(&listed.counts.iter().map(count).collect::<Vec<_>>()));
    let row = |m: &Shown| {
        let cells = [m.id.to_string(), m.state.to_string(), m.due.clone(), m.source.to_owned()];
        let mut cells = cells.to_vec();
        cells.extend([m.to.clone(), m.reason.clone().unwrap_or_default()]);
        cells
    };
    lines.extend(table(&listed.messages.iter().map(row).collect::<Vec<_>>()));
    if lines.is_empty() {
        lines.push("nothing waits".to_owned());
    }
    lines
}

/// What an operator asks for by the name of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Retry,
    Hold,
    Release,
}

impl Change {
    fn act(self) -> Act {
        if self == Self::Hold { Act::Hold } else { Act::Retry }
    }

    /// The state a bare `--all` means.
    fn usual(self) -> State {
        match self {
            Self::Retry => State::Failed,
            Self::Hold => State::Queued,
            Self::Release => State::Held,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Retry => "to be tried again",
            Self::Hold => "held",
            Self::Release => "released",
        }
    }
}

async fn change(
    call: &Call,
    engine: &Engine,
    change: Change,
    picked: Picked,
) -> anyhow::Result<()> {
    let site = site::find(engine, picked.site.as_deref()).await?.id;
    let messages = pick(engine, site, change, &picked).await?;
    let mut done = Done { dry_run: picked.dry_run, done: Vec::new(), refused: Vec::new() };
    for message in messages {
        let (id, from) = (message.id, message.state);
        if change == Change::Release && from != State::Held {
            let why = format!("it is {from}, not held");
            done.refused.push(Left { id: id.to_string(), why });
            continue;
        }
        let moved = if !picked.dry_run {
            outbox::act(engine, site, id, change.act()).await
        } else if outbox::may(&message, change.act()) {
            Ok(if change == Change::Hold { State::Held } else { State::Queued })
        } else {
            Err(EngineError::Conflict(format!("a message that is {from} stays as it is")))
        };
        match moved {
            Ok(to) => done.done.push(Moved { id, from, to }),
            Err(error) if error.is_fault() => return Err(error.into()),
            Err(error) => {
                done.refused.push(Left { id: id.to_string(), why: error.to_string() });
            }
        }
    }
    let would = if picked.dry_run { "would be " } else { "" };
    call.output.either(&done, || {
        let mut lines = vec![format!("{} {would}{}", done.done.len(), change.words())];
        lines.extend(done.refused.iter().map(|left| format!("{}: {}", left.id, left.why)));
        lines
    })?;
    if done.done.is_empty() && !done.refused.is_empty() {
        return Err(refused("nothing was done: the reasons stand beside each message"));
    }
    Ok(())
}

/// The messages that were named, or all that stand where `--all` says.
async fn pick(
    engine: &Engine,
    site: SiteId,
    change: Change,
    picked: &Picked,
) -> anyhow::Result<Vec<Message>> {
    let by_state = picked.all || picked.state.is_some() || picked.because.is_some();
    if picked.ids.is_empty() != by_state {
        return Err(usage("name messages by their ids, or say --all, --state or --because"));
    }
    if by_state {
        let state = match &picked.state {
            Some(word) => State::parse(word).map_err(|why| usage(why.message))?,
            None => change.usual(),
        };
        return all_of(engine, site, state, picked.because.clone()).await;
    }
    let mut found = Vec::new();
    for id in &picked.ids {
        let id: MessageId = id.parse().map_err(EngineError::from)?;
        let reader = engine.reader();
        let message = reader.read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let found = store::messages::find(session, site, id).await?;
                found.ok_or_else(|| EngineError::missing("message", id))
            })
        });
        found.push(message.await?);
    }
    Ok(found)
}

/// Every message in a state whose reason begins with `because`.
async fn all_of(
    engine: &Engine,
    site: SiteId,
    state: State,
    because: Option<String>,
) -> anyhow::Result<Vec<Message>> {
    let (mut all, mut before) = (Vec::new(), MessageId(i64::MAX));
    loop {
        let (reader, from) = (engine.reader(), before);
        let page = reader.read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok(store::messages::list_of_state(session, site, state, from, PAGE).await?)
            })
        });
        let page = page.await?;
        let Some(last) = page.last() else { return Ok(all) };
        before = last.id;
        let fits = |message: &Message| {
            because.as_deref().is_none_or(|because| {
                message.reason.as_deref().is_some_and(|why| why.starts_with(because))
            })
        };
        all.extend(page.into_iter().filter(fits));
    }
}
