//! `/admin/contacts.csv`: the current filter as a file, streamed.

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use engine::EngineError;
use model::UtcMs;
use model::contacts::Contact;
use model::exports::csv_row;
use model::operators::Role;
use store::contact_lists::After;
use tokio::sync::mpsc;

use super::Asked;
use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::reply;
use crate::state::AppState;

/// Contacts read at a time.
const BATCH: i64 = 1_000;
/// Batches that may wait for a slow reader.
const WAITING: usize = 2;

/// The file. Only editors and those above them take lists of people along; the log notes it.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    who.require(Role::Editor)?;
    let site = who.site.id;
    engine::care::exported(&state.engine, who.actor(), site, "contacts".to_owned()).await?;
    let (send, receive) = mpsc::channel::<Result<Bytes, EngineError>>(WAITING);
    tokio::spawn(async move {
        let head = "id,email,status,first_name,last_name,language,timezone,tags,created_at,\
            confirmed_at,unsubscribed_at\r\n";
        let mut next = Some((After::default(), head.to_owned()));
        while let Some((after, before)) = next.take() {
            let batch = batch(&state, site, &asked, after, before).await;
            let last = batch.as_ref().ok().and_then(|(_, last)| last.clone());
            let sent = send.send(batch.map(|(text, _)| Bytes::from(text))).await;
            next = last.filter(|_| sent.is_ok()).map(|after| (after, String::new()));
        }
    });
    let body = reply::streamed(futures_util::stream::unfold(receive, async |mut receive| {
        receive.recv().await.map(|item| (item, receive))
    }));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"contacts.csv\""),
    ];
    Ok((headers, body).into_response())
}

/// The lines of one batch after `before`, and where the next begins if there may be one.
async fn batch(
    state: &AppState,
    site: model::SiteId,
    asked: &Asked,
    after: After,
    before: String,
) -> Result<(String, Option<After>), EngineError> {
    let narrowed = asked.narrowed();
    state
        .reader
        .read(move |session| {
            Box::pin(async move {
                let found =
                    store::contact_lists::page(session, site, &narrowed, &after, BATCH).await?;
                let mut text = before;
                for contact in &found {
                    let tags = store::tags::of_contact(session, site, contact.id).await?;
                    text.push_str(&line(contact, &tags.join(",")));
                }
                let full = i64::try_from(found.len()).is_ok_and(|count| count == BATCH);
                let next = found
                    .last()
                    .filter(|_| full)
                    .map(|last| After { id: Some(last.id), key: last.email_key.clone() });
                Ok((text, next))
            })
        })
        .await
}

fn line(contact: &Contact, tags: &str) -> String {
    let at = |at: Option<UtcMs>| at.map(UtcMs::rfc3339).unwrap_or_default();
    csv_row(&[
        contact.id.to_string(),
        contact.email.clone(),
        contact.status.as_str().to_owned(),
        contact.first_name.clone(),
        contact.last_name.clone(),
        contact.language.clone().unwrap_or_default(),
        contact.timezone.clone().unwrap_or_default(),
        tags.to_owned(),
        contact.created_at.rfc3339(),
        at(contact.confirmed_at),
        at(contact.unsubscribed_at),
    ])
}
