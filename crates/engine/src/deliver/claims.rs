//! W1, and what is looked at inside W1 and again inside W2: whether the message may still go.

use std::sync::Arc;

use model::ids::CartId;
use model::messages::{SourceKind, State};
use model::times::DAY_MS;
use model::{EmailAddr, UtcMs};
use serde_json::json;
use store::Tx;
use store::events::NewEvent;
use store::messages::{Claimed, End};

use super::LEASE_MS;
use super::routes::Route;
use crate::engine::Engine;
use crate::fault::Result;
use crate::{carts, consents, enrolments};

/// The word of a contact who asked for a pause: put off, not dropped.
const PAUSED: &str = "paused";

/// Claims up to `limit` messages; those that must not go are ended here and left out.
pub(super) async fn claim(
    engine: &Engine,
    tx: &mut Tx<'_>,
    route: &Route,
    limit: i64,
) -> Result<Vec<Claimed>> {
    let (node, _) = engine.node();
    let now = engine.now();
    let lease_now = store::nodes::db_now(tx, engine.lease_now()).await?;
    let until = lease_now.plus_ms(LEASE_MS);
    let site = route.sender.site.id;
    let found = store::messages::claim(tx, site, node, until, now, limit).await?;
    let mut claimed = Vec::with_capacity(found.len());
    for message in found {
        match refusal(engine, tx, route, &message, now).await? {
            None => claimed.push(message),
            Some(end) => skip(engine, tx, &message, &end).await?,
        }
    }
    Ok(claimed)
}

/// Claims in a transaction of its own.
pub(super) async fn claim_now(
    engine: &Engine,
    route: &Arc<Route>,
    limit: i64,
) -> Result<Vec<Claimed>> {
    let (inside, route) = (engine.clone(), Arc::clone(route));
    engine.write(move |tx| Box::pin(async move { claim(&inside, tx, &route, limit).await })).await
}

/// Why a message must not go now, and where it stands instead.
pub(super) async fn refusal(
    engine: &Engine,
    tx: &mut Tx<'_>,
    route: &Route,
    message: &Claimed,
    now: UtcMs,
) -> Result<Option<End>> {
    if message.expires_at.is_some_and(|at| at < now) {
        return Ok(Some(ended(State::Expired, "too late to be of use", now)));
    }
    if let Some(why) = route.refuses(message.class) {
        return Ok(Some(ended(State::Held, why, now)));
    }
    let site = &route.sender.site;
    let Ok(to) = EmailAddr::parse(&message.to_address) else {
        return Ok(Some(ended(State::Cancelled, "the address was erased", now)));
    };
    let why =
        consents::refusal_to_send(tx, site, message.contact_id, &to, message.class, now).await?;
    match why {
        Some(why) if why == PAUSED => {
            return Ok(Some(ended(State::Planned, PAUSED, now.plus_ms(DAY_MS))));
        }
        Some(why) => return Ok(Some(ended(State::Suppressed, &why, now))),
        None => {}
    }
    if message.source_kind == SourceKind::Cart
        && carts::is_over(tx, message.site_id, CartId(message.source_id)).await?
    {
        return Ok(Some(ended(State::Cancelled, "bought meanwhile", now)));
    }
    let Some(enrolment) = message.enrolment_id else { return Ok(None) };
    let exit = enrolments::exit_of(engine, tx, site, enrolment).await?;
    Ok(exit.map(|why| ended(State::Cancelled, &why, now)))
}

fn ended(state: State, why: &str, next_at: UtcMs) -> End {
    End {
        state,
        reason: Some(why.to_owned()),
        next_at,
        counts: false,
        reply: None,
        accepted_at: None,
    }
}

/// Ends a claim without a try.
pub(super) async fn skip(
    engine: &Engine,
    tx: &mut Tx<'_>,
    message: &Claimed,
    end: &End,
) -> Result<()> {
    let (site, id) = (message.site_id, message.id);
    if store::messages::end(tx, site, id, message.epoch, end).await? && end.state.is_skipped() {
        let data = json!({ "state": end.state, "reason": end.reason });
        let event = NewEvent {
            kind: "message.skipped",
            contact_id: message.contact_id,
            subject_id: Some(id.0),
            data: &data,
        };
        engine.record(tx, site, event).await?;
    }
    Ok(())
}
