//! What we know about a person, for that person; and forgetting it.
//!
//! Both are asked for by a mail link and done by a second one, sent to the address itself: a
//! forwarded mail hands nobody's data to anybody else.

use model::consents::Source;
use model::contacts::{Contact, Status, SuppressionReason};
use model::exports::csv_row;
use model::ids::{ContactId, EventId, MessageId, OrderId};
use model::messages::{Class, SourceKind};
use model::sites::Site;
use model::times::HOUR_MS;
use model::tokens::Purpose;
use model::{EmailAddr, SiteId, UtcMs};
use serde_json::{Value, json};
use store::events::NewEvent;
use store::{Session, Tx};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::messages::{self, Content, NewMessage};
use crate::{audits, consents, contacts, views};

/// How long the second link holds.
const LINK_HOURS: i64 = 24;
/// How long another such mail waits.
const EVERY_MS: i64 = HOUR_MS;
/// Rows of one kind in what we hand out.
const ROWS_MAX: i64 = 10_000;
/// Visits among them, the latest.
const VISITS_MAX: i64 = 400;

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Everything we know.
    Export,
    /// To be forgotten.
    Erase,
}

/// Sends the second link to the contact's own address; within an hour, none again.
pub async fn ask(engine: &Engine, site: &Site, id: ContactId, wish: Wish) -> Result<()> {
    let (of, site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let contact = contacts::get(tx, site.id, id).await?;
                let now = of.now();
                let email = EmailAddr::parse(&contact.email)?;
                let what = if wish == Wish::Erase { "erase" } else { "export" };
                let hmac =
                    of.keys().tag(Purpose::Address, &[what.as_bytes(), email.key().as_bytes()]);
                let since = now.plus_ms(-EVERY_MS);
                let kind = "privacy";
                let counted =
                    store::suppressions::count_against_limit(tx, &hmac, kind, now, since, i64::MAX);
                if !counted.await? {
                    return Ok(());
                }
                let until = now.plus_hours(LINK_HOURS);
                let token = of.keys().sign_until(Purpose::Privacy, id.0, until);
                let url = site.url(&format!("/preferences/{token}/{what}"));
                let message = NewMessage {
                    contact_id: Some(id),
                    to: email,
                    class: Class::Transactional,
                    source_kind: SourceKind::Notice,
                    source_id: id.0,
                    enrolment_id: None,
                    dedupe_key: format!("{what}:{id}:{}", now.0),
                    content: Content::System {
                        name: "data_link",
                        context: json!({ "erase": wish == Wish::Erase, "url": url }),
                    },
                    not_before: None,
                    expires_at: Some(until),
                };
                messages::plan(&of, tx, &site, message).await.map(drop)
            })
        })
        .await?;
    engine.wake();
    Ok(())
}

/// Whom the second link names, while it holds.
pub async fn look(engine: &Engine, site: &Site, token: &str) -> Result<Option<Contact>> {
    let Ok(token) = engine.keys().open_until(Purpose::Privacy, token, engine.now()) else {
        return Ok(None);
    };
    let (site, id) = (site.id, ContactId(token.id));
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                let found = store::contacts::find(session, site, id).await?;
                Ok(found.filter(|contact| !contact.is_erased()))
            })
        })
        .await
}

/// Everything we know about a contact.
///
/// # Errors
/// There is no such contact.
pub async fn export(engine: &Engine, site: SiteId, id: ContactId) -> Result<Value> {
    let mut known: Value = engine
        .reader()
        .read(move |session| Box::pin(async move { everything(session, site, id).await }))
        .await?;
    let visits = visits_of(engine, site, id).await?;
    if let Some(all) = known.as_object_mut() {
        all.insert("visits".to_owned(), Value::Array(visits));
    }
    Ok(known)
}

/// The pages viewed on visits that are known to be theirs.
async fn visits_of(engine: &Engine, site: SiteId, id: ContactId) -> Result<Vec<Value>> {
    let pages = engine
        .views_reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let most = (VISITS_MAX, ROWS_MAX);
                Ok(store::visits::pages_of(session, site, id, most).await?)
            })
        })
        .await?;
    let shown = |(at, page): (UtcMs, String)| json!({ "at": at.rfc3339(), "page": page });
    Ok(pages.into_iter().map(shown).collect())
}

async fn everything(session: &mut Session<'_>, site: SiteId, id: ContactId) -> Result<Value> {
    let contact = contacts::get(session, site, id).await?;
    let mut consents = Vec::new();
    for line in store::consents::list(session, site, id).await? {
        let words = match line.wording_id {
            None => None,
            Some(wording) => store::consents::find_wording(session, site, wording).await?,
        };
        consents.push(json!({
            "purpose": line.purpose, "action": line.action, "at": line.at.rfc3339(),
            "where": line.source, "words": words.map(|wording| wording.text),
        }));
    }
    let answers: Vec<Value> = store::forms::submissions_of_contact(session, site, id)
        .await?
        .into_iter()
        .map(|one| {
            json!({
                "at": one.created_at.rfc3339(), "form": one.form_id, "email": one.email,
                "answers": serde_json::from_str::<Value>(&one.answers).unwrap_or_default(),
            })
        })
        .collect();
    let touches: Vec<Value> = store::touches::of_contact(session, site, id, ROWS_MAX)
        .await?
        .into_iter()
        .map(|one| {
            json!({
                "at": one.touch.at.rfc3339(), "first": one.is_first, "channel": one.channel,
                "source": one.touch.utm.source, "medium": one.touch.utm.medium,
                "campaign": one.touch.utm.campaign, "from_site": one.touch.referrer,
                "page": one.touch.landing,
            })
        })
        .collect();
    let messages = messages_of(session, site, id).await?;
    let orders = orders_of(session, site, id).await?;
    let topics = store::topics::of_contact(session, site, id).await?;
    let topics: Vec<String> = topics.into_iter().map(|topic| topic.name).collect();
    Ok(json!({
        "contact": {
            "id": contact.id, "email": contact.email, "status": contact.status,
            "first_name": contact.first_name, "last_name": contact.last_name,
            "language": contact.language, "timezone": contact.timezone,
            "external_id": contact.external_id, "fields": contact.fields,
            "no_sales": contact.no_sales, "less_often": contact.less_often,
            "paused_until": contact.paused_until.map(|at| at.rfc3339()),
            "created_at": contact.created_at.rfc3339(),
            "confirmed_at": contact.confirmed_at.map(|at| at.rfc3339()),
            "unsubscribed_at": contact.unsubscribed_at.map(|at| at.rfc3339()),
        },
        "tags": store::tags::of_contact(session, site, id).await?,
        "topics": topics,
        "consents": consents,
        "answers": answers,
        "touches": touches,
        "messages": messages,
        "orders": orders,
        "carts": carts_of(session, site, id).await?,
        "sequences": sequences_of(session, site, id).await?,
        "put_into_sequences": runs_of(session, site, id).await?,
        "clicks": clicks_of(session, site, id).await?,
        "events": events_of(session, site, id).await?,
    }))
}

async fn carts_of(session: &mut Session<'_>, site: SiteId, id: ContactId) -> Result<Vec<Value>> {
    let all = store::carts::of_contact(session, site, id).await?;
    let shown = all.into_iter().map(|one| {
        json!({
            "at": one.created_at.rfc3339(), "email": one.email, "state": one.state,
            "form": serde_json::from_str::<Value>(&one.choices).unwrap_or_default(),
        })
    });
    Ok(shown.collect())
}

async fn sequences_of(
    session: &mut Session<'_>,
    site: SiteId,
    id: ContactId,
) -> Result<Vec<Value>> {
    let mut shown = Vec::new();
    for one in store::enrolments::list_of_contact(session, site, id).await? {
        let sequence = store::sequences::find(session, site, one.sequence_id).await?;
        shown.push(json!({
            "name": sequence.map(|sequence| sequence.name), "state": one.state,
            "entered_at": one.entered_at.rfc3339(), "last_step_at": one.last_step_at.map(
                |at| at.rfc3339()),
            "due_at": one.due_at.map(|at| at.rfc3339()), "ended_why": one.ended_why,
        }));
    }
    Ok(shown)
}

async fn runs_of(session: &mut Session<'_>, site: SiteId, id: ContactId) -> Result<Vec<Value>> {
    let mut shown = Vec::new();
    for (sequence, outcome, at) in store::sequence_runs::of_contact(session, site, id).await? {
        let sequence = store::sequences::find(session, site, sequence).await?;
        let name = sequence.map(|sequence| sequence.name);
        shown.push(json!({ "name": name, "at": at.rfc3339(), "outcome": outcome }));
    }
    Ok(shown)
}

async fn clicks_of(session: &mut Session<'_>, site: SiteId, id: ContactId) -> Result<Vec<Value>> {
    let all = store::clicks::of_contact(session, site, id, ROWS_MAX).await?;
    let shown = all.into_iter().map(|one| {
        json!({
            "at": one.at.rfc3339(), "message": one.message_id, "link": one.position,
            "program": one.user_agent, "taken_for": one.verdict, "because": one.reason,
        })
    });
    Ok(shown.collect())
}

async fn events_of(session: &mut Session<'_>, site: SiteId, id: ContactId) -> Result<Vec<Value>> {
    let newest = EventId(i64::MAX);
    let all = store::events::list_of_contact(session, site, id, newest, ROWS_MAX).await?;
    let shown = all.into_iter().map(|one| {
        json!({
            "at": one.at.rfc3339(), "what": one.kind,
            "details": serde_json::from_str::<Value>(&one.data).unwrap_or_default(),
        })
    });
    Ok(shown.collect())
}

async fn messages_of(session: &mut Session<'_>, site: SiteId, id: ContactId) -> Result<Vec<Value>> {
    let last = MessageId(i64::MAX);
    let all = store::messages::list_of_contact(session, site, id, last, ROWS_MAX).await?;
    let shown = all.into_iter().map(|one| {
        json!({
            "id": one.id, "to": one.to_address, "class": one.class, "state": one.state,
            "due": one.next_at.rfc3339(),
            "sent": one.date_at.map(|at| at.rfc3339()),
        })
    });
    Ok(shown.collect())
}

async fn orders_of(session: &mut Session<'_>, site: SiteId, id: ContactId) -> Result<Vec<Value>> {
    let last = OrderId(i64::MAX);
    let all = store::orders::list_of_contact(session, site, id, last, ROWS_MAX).await?;
    let shown = all.into_iter().map(|one| {
        json!({
            "id": one.id, "email": one.email, "name": one.name, "country": one.country,
            "notes": one.notes, "state": one.state, "total_minor": one.total_minor,
            "currency": one.currency.to_string(),
        })
    });
    Ok(shown.collect())
}

/// The same as a table of three columns: what, which, value. Safe for spreadsheets.
pub fn as_csv(known: &Value) -> String {
    let mut table = csv_row(&["what", "name", "value"]);
    let mut add = |what: &str, name: &str, value: &Value| {
        let text = match value {
            Value::Null => return,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        table.push_str(&csv_row(&[what, name, &text]));
    };
    for (what, value) in known.as_object().into_iter().flatten() {
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| add(what, name, value));
            }
            Value::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    match item {
                        Value::Object(members) => members.iter().for_each(|(name, value)| {
                            add(&format!("{what} {}", n + 1), name, value);
                        }),
                        other => add(what, &(n + 1).to_string(), other),
                    }
                }
            }
            other => add("", what, other),
        }
    }
    table
}

/// Forgets a person. What stays is a tombstone: the id, and the address as a keyed hash, so that
/// no import brings them back. Orders stay: they are the books.
///
/// # Errors
/// There is no such contact.
pub async fn erase(engine: &Engine, site: &Site, id: ContactId) -> Result<()> {
    let (of, site) = (engine.clone(), site.clone());
    let own = site.id;
    engine
        .write(move |tx| {
            Box::pin(async move {
                let now = of.now();
                consents::withdraw_all(&of, tx, &site, id, Source::Erasure, None).await?;
                let contact = contacts::get_to_change(tx, site.id, id).await?;
                let reason = SuppressionReason::Erasure;
                let hmac = &contact.address_hmac;
                store::suppressions::put(tx, site.id, hmac, reason, "", now).await?;
                store::confirmations::void_of_contact(tx, site.id, id, now).await?;
                scrub(tx, site.id, id).await?;
                let gone = Contact {
                    email: String::new(),
                    email_key: format!("erased:{}", id.0),
                    status: Status::Unsubscribed,
                    first_name: String::new(),
                    last_name: String::new(),
                    external_id: None,
                    language: None,
                    timezone: None,
                    fields: std::collections::BTreeMap::new(),
                    updated_at: now,
                    erased_at: Some(now),
                    ..contact
                };
                store::contacts::update(tx, site.id, &gone).await?;
                store::contacts::update_standing(tx, site.id, &gone).await?;
                let event = NewEvent {
                    kind: "contact.erased",
                    contact_id: Some(id),
                    subject_id: Some(id.0),
                    data: &json!({}),
                };
                of.record(tx, site.id, event).await?;
                audits::note(&of, tx, site.id, "contact.erased", id, &()).await
            })
        })
        .await?;
    // In a database of its own. If this fails, the erasure stands, and can be asked for once more.
    views::forget(engine, own, id).await
}

/// Takes a contact's words out of every row that stays.
async fn scrub(tx: &mut Tx<'_>, site: SiteId, id: ContactId) -> Result<()> {
    store::scores::forget(tx, site, id).await?;
    store::learned_scores::forget(tx, site, id).await?;
    store::consents::scrub(tx, site, id).await?;
    store::forms::scrub(tx, site, id).await?;
    store::messages::scrub_of_contact(tx, site, id).await?;
    store::magnets::forget(tx, site, id).await?;
    store::carts::scrub(tx, site, id).await?;
    store::offers::forget_deadlines(tx, site, id).await?;
    store::touches::delete_of_contact(tx, site, id).await?;
    store::import_changes::forget_of_contact(tx, site, id).await?;
    store::tags::remove_all(tx, site, id).await?;
    store::topics::leave_all(tx, site, id).await?;
    store::segments::leave_all(tx, site, id).await?;
    Ok(())
}
