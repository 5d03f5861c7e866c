//! Messages: every mail, sent or not, with its reason. What it says is not part of it.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use engine::EngineError;
use model::UtcMs;
use model::ids::MessageId;
use model::keys::Scope;
use model::messages::State as MessageState;
use serde::Serialize;
use store::messages::Message;
use utoipa::ToSchema;

use super::caller::Caller;
use super::contacts::query_wrong;
use super::cursor::{self, Asked, Listed};
use super::problem::{Answer, Problem};
use crate::state::AppState;

const NOUN: &str = "message";

/// A mail.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageView {
    /// Its id.
    #[schema(example = "msg_01h2xcejqtf2n")]
    id: String,
    /// To whom, where it is a contact.
    contact_id: Option<String>,
    /// The address it was sent to.
    to: String,
    /// `transactional`, `promised`, `value`, `sales` or `back-end`.
    class: &'static str,
    /// What it comes from: `confirmation`, `sequence`, `receipt`, …
    source: &'static str,
    /// Where it stands: `planned`, `queued`, `accepted`, `deferred`, `failed`, `unknown`, …
    state: &'static str,
    /// Why it stands there.
    reason: Option<String>,
    /// The Message-ID header.
    message_id: String,
    /// When it is, or was, due, RFC 3339.
    due_at: String,
    /// When the server took it, RFC 3339.
    accepted_at: Option<String>,
    /// When it was planned, RFC 3339.
    created_at: String,
}

impl MessageView {
    fn of(message: Message) -> Self {
        Self {
            id: message.id.to_string(),
            contact_id: message.contact_id.map(|id| id.to_string()),
            to: message.to_address,
            class: message.class.as_str(),
            source: message.source_kind.as_str(),
            state: message.state.as_str(),
            reason: message.reason,
            message_id: message.message_id,
            due_at: message.next_at.rfc3339(),
            accepted_at: message.accepted_at.map(UtcMs::rfc3339),
            created_at: message.created_at.rfc3339(),
        }
    }
}

/// Messages, newest first.
#[utoipa::path(get, path = "/messages", params(Asked), tag = "messages", responses(
    (status = 200, body = Listed<MessageView>),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Answer<Json<Listed<MessageView>>> {
    caller.require(Scope::MessagesRead)?;
    let Query(asked) = asked.map_err(query_wrong)?;
    let limit = cursor::limit(asked.limit)?;
    let wanted = match asked.state.as_deref() {
        Some(word) => {
            Some(MessageState::parse(word).map_err(|refused| refused.at("filter[state]"))?)
        }
        None => None,
    };
    let top = MessageId(i64::MAX);
    let before = cursor::before(&state.engine, NOUN, asked.cursor.as_deref(), top)?;
    let site = caller.site.id;
    let read = state.reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move {
            let more = limit + 1;
            Ok(match wanted {
                Some(wanted) => {
                    store::messages::list_of_state(session, site, wanted, before, more).await?
                }
                None => store::messages::list(session, site, before, more).await?,
            })
        })
    });
    let found = read.await?;
    let place = |message: &Message| message.id.to_string();
    Ok(Json(cursor::page(&state.engine, NOUN, found, limit, place, MessageView::of)))
}

/// One message.
#[utoipa::path(get, path = "/messages/{id}", tag = "messages",
    params(("id" = String, Path, description = "msg_…")), responses(
    (status = 200, body = MessageView),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<MessageView>> {
    caller.require(Scope::MessagesRead)?;
    let id: MessageId = cursor::id(&id, NOUN)?;
    let site = caller.site.id;
    let read = state.reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move { Ok(store::messages::find(session, site, id).await?) })
    });
    let found = read.await?;
    Ok(Json(MessageView::of(found.ok_or_else(|| Problem::not_found(NOUN))?)))
}
