//! Mail that does not go to a server: into memory or a folder, or caught. The same points of the
//! ledger, a whole batch at a time: there is no far side that could be in doubt.

use std::sync::Arc;

use mail::Outcome;
use mail::reply::Reply;
use store::messages::Claimed;

use super::routes::Route;
use super::{CLAIM_MAX, claims, outcomes};
use crate::deliver::outcomes::{Circumstances, Tried};
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::letters::Sealed;
use crate::transport::Transport;

/// Delivers what is due by a route without a server; how many messages were dealt with.
pub(super) async fn deliver(engine: &Engine, route: &Arc<Route>) -> Result<usize> {
    let mut done = 0;
    loop {
        let claimed = claims::claim_now(engine, route, CLAIM_MAX).await?;
        if claimed.is_empty() {
            return Ok(done);
        }
        engine.pass("w1.after")?;
        done += claimed.len();
        let (ready, broken) = claims_to_letters(engine, route, claimed).await?;
        batch(engine, route, ready, broken).await?;
    }
}

type Ready = Vec<(Claimed, Sealed)>;

async fn claims_to_letters(
    engine: &Engine,
    route: &Arc<Route>,
    claimed: Vec<Claimed>,
) -> Result<(Ready, Vec<Tried>)> {
    let (mut ready, mut broken) = (Vec::with_capacity(claimed.len()), Vec::new());
    for (message, sealed) in super::connection::seal(engine, route, claimed).await? {
        match sealed {
            Ok(sealed) => ready.push((message, sealed)),
            Err(tried) => broken.push(*tried),
        }
    }
    Ok((ready, broken))
}

/// W2 of all, out, W3 of all.
async fn batch(
    engine: &Engine,
    route: &Arc<Route>,
    ready: Ready,
    broken: Vec<Tried>,
) -> Result<()> {
    let (inside, way) = (engine.clone(), Arc::clone(route));
    let survivors = engine
        .write(move |tx| {
            Box::pin(async move {
                for tried in &broken {
                    outcomes::write_down(&inside, tx, tried).await?;
                }
                let mut survivors = Vec::with_capacity(ready.len());
                for (message, sealed) in ready {
                    let commit_at = inside.now();
                    if super::connection::commit(&inside, tx, &way, &message, &sealed).await? {
                        survivors.push((message, sealed, commit_at));
                    }
                }
                if matches!(way.transport, Transport::Caught) {
                    for (message, _, commit_at) in survivors.drain(..) {
                        let tried = tried(
                            &inside,
                            &way,
                            message,
                            commit_at,
                            &kept("caught: no mail server is set"),
                        );
                        outcomes::write_down(&inside, tx, &tried).await?;
                    }
                }
                Ok(survivors)
            })
        })
        .await?;
    engine.pass("w2.after")?;
    if survivors.is_empty() {
        return Ok(());
    }
    let mut tries = Vec::with_capacity(survivors.len());
    for (message, sealed, commit_at) in survivors {
        let outcome = hand_over(&route.transport, &message, sealed).await?;
        tries.push(tried(engine, route, message, commit_at, &outcome));
    }
    engine.pass("dot.after")?;
    let inside = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                for tried in &tries {
                    outcomes::write_down(&inside, tx, tried).await?;
                }
                Ok(())
            })
        })
        .await
}

fn tried(
    engine: &Engine,
    route: &Route,
    message: Claimed,
    commit_at: model::UtcMs,
    outcome: &Outcome,
) -> Tried {
    let at = Circumstances {
        relay: route.transport.name(),
        tls: false,
        started_at: commit_at,
        commit_at: Some(commit_at),
        ended_at: engine.now(),
    };
    outcomes::tried(engine, message, outcome, &at)
}

fn kept(text: &str) -> Outcome {
    Outcome::Sent(Reply { code: 250, enhanced: None, text: text.to_owned() })
}

async fn hand_over(transport: &Transport, message: &Claimed, sealed: Sealed) -> Result<Outcome> {
    match transport {
        Transport::Memory(memory) => return Ok(memory.take_in(sealed.envelope, sealed.bytes)),
        Transport::Folder(folder) => {
            let (folder, id) = (folder.clone(), message.message_id.clone());
            tokio::task::spawn_blocking(move || folder.write(&id, &sealed.envelope, &sealed.bytes))
                .await
                .map_err(|_| EngineError::Fault("a mail could not be written".to_owned()))?
                .map_err(|e| EngineError::Fault(format!("a mail could not be written: {e}")))?;
        }
        Transport::Caught | Transport::Smtp(_) => {}
    }
    Ok(kept("kept"))
}
