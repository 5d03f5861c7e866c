//! `/admin/messages` and `/admin/caught`: the ledger of mail; one message with its tries, as its
//! reader sees it.

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use engine::EngineError;
use engine::outbox::{self, Act, Shown};
use model::ids::{MessageId, StepId};
use model::messages::{SourceKind, State as Stands};
use model::{SiteId, UtcMs};
use serde::{Deserialize, Serialize};
use store::Session;
use store::messages::{Attempt, Count, Message, Narrow};

use super::numbers::{Period, link};
use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::frame::{Frame, Pager};
use crate::guards::headers::MAIL_POLICY;
use crate::plain;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Lines on a page.
const PAGE: i64 = 50;

/// The ledger.
#[derive(Debug, Serialize)]
pub struct MessagesPage {
    frame: Frame,
    state: String,
    tabs: Vec<Tab>,
    rows: Vec<MessageRow>,
    reasons: Vec<(String, String, i64)>,
    pager: Pager,
}

/// One view of the ledger.
#[derive(Debug, Serialize)]
pub struct Tab {
    key: String,
    label: String,
    href: String,
    count: Option<i64>,
}

/// One message in a list.
#[derive(Debug, Serialize)]
pub struct MessageRow {
    id: String,
    to: String,
    what: String,
    class: &'static str,
    state: String,
    reason: Option<String>,
    at: UtcMs,
    subject: Option<String>,
}

impl From<&Message> for MessageRow {
    fn from(message: &Message) -> Self {
        let to = if message.to_address.is_empty() { "erased" } else { &message.to_address };
        Self {
            id: message.id.to_string(),
            to: to.to_owned(),
            what: message.system_name.clone().unwrap_or_else(|| message.source_kind.to_string()),
            class: message.class.as_str(),
            state: shown_state(message).to_owned(),
            reason: message.reason.clone(),
            at: message.accepted_at.unwrap_or(message.next_at),
            subject: None,
        }
    }
}

/// Caught mail is accepted by nobody but ourselves, and is never shown as delivered.
fn shown_state(message: &Message) -> &'static str {
    let caught = message.relay.as_deref() == Some("caught");
    if caught && message.state == Stands::Accepted { "caught" } else { message.state.as_str() }
}

/// Which lines.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    state: String,
    before: Option<String>,
    /// Only those of this step of a sequence.
    step: String,
    /// `1`: only those of the step that a person clicked in.
    clicked: String,
    /// Only those made from this day (ISO)
    from: String,
    /// to this one.
    to: String,
}

impl Asked {
    /// What narrows the list beside the state, for links.
    fn narrowed(&self) -> Vec<(&'static str, String)> {
        let all = [("step", &self.step), ("clicked", &self.clicked), ("from", &self.from)];
        let all = all.into_iter().chain([("to", &self.to)]);
        all.filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, value.clone()))
            .collect()
    }
}

impl MessagesPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("messages"),
            state: String::new(),
            tabs: vec![tab("", "All", None, &[]), tab("held", "held", Some(2), &[])],
            rows: vec![sample_row()],
            reasons: vec![("deferred".to_owned(), "cap: 1 sales mail in 7 days".to_owned(), 3)],
            pager: Pager::default(),
        }
    }
}

fn sample_row() -> MessageRow {
    MessageRow {
        id: "msg_0000000000001".to_owned(),
        to: "iris@example.com".to_owned(),
        what: "abandoned_cart".to_owned(),
        class: "value",
        state: "deferred".to_owned(),
        reason: Some("the server answered the recipient with 451 4.7.1 greylisted".to_owned()),
        at: UtcMs(1_795_293_000_000),
        subject: Some("Your first loaf".to_owned()),
    }
}

fn tab(key: &str, label: &str, count: Option<i64>, narrowed: &[(&'static str, String)]) -> Tab {
    let mut query = narrowed.to_vec();
    if !key.is_empty() {
        query.push(("state", key.to_owned()));
    }
    let href = link("/admin/messages", &query);
    Tab { key: key.to_owned(), label: label.to_owned(), href, count }
}

/// A tab for each state that anything is in. The counts are those of the whole ledger: a part of
/// it has tabs without.
fn tabs(
    counts: &[Count],
    queued: i64,
    word: &str,
    narrowed: &[(&'static str, String)],
) -> Vec<Tab> {
    let whole = narrowed.is_empty();
    let of = |word: &str| -> i64 {
        counts.iter().filter(|one| one.state.as_str() == word).map(|one| one.count).sum()
    };
    let one = |word: &str, count: i64| tab(word, word, whole.then_some(count), narrowed);
    let mut tabs = vec![tab("", "All", None, narrowed), one("queued", queued)];
    let kept =
        ["planned", "deferred", "unknown", "held", "failed", "suppressed", "cancelled", "expired"];
    tabs.extend(kept.iter().map(|word| one(word, of(word))));
    tabs.push(tab("accepted", "accepted", None, narrowed));
    // States that nothing is in only fill the row.
    tabs.retain(|tab| tab.count != Some(0) || tab.key == word);
    tabs
}

/// Which rows of the ledger are asked for.
struct Wanted {
    state: Option<Stands>,
    step: Option<StepId>,
    clicked: bool,
    /// From the first moment to before the second.
    made: Option<(UtcMs, UtcMs)>,
    before: MessageId,
}

impl Wanted {
    fn of(asked: &Asked, who: &CurrentOperator) -> Result<Self, WebError> {
        let step: Option<StepId> = asked.step.parse().ok();
        if step.is_none() && !(asked.step.is_empty() && asked.clicked.is_empty()) {
            let why = "clicks are shown for one step of a sequence, and there is no such step";
            return Err(WebError::Bad(StatusCode::BAD_REQUEST, why));
        }
        let before = asked.before.as_deref().and_then(|id| id.parse().ok());
        Ok(Self {
            state: asked.state.parse().ok(),
            step,
            clicked: !asked.clicked.is_empty(),
            made: Period::opened(who, &asked.from, &asked.to).map(|days| days.bounds()),
            before: before.unwrap_or(MessageId(i64::MAX)),
        })
    }

    async fn list(&self, session: &mut Session<'_>, site: SiteId) -> store::Result<Vec<Message>> {
        use store::messages as ledger;
        let first = |at: UtcMs| MessageId(model::ids::first_id_at(at));
        let made = self.made.map(|(from, until)| (first(from), first(until).min(self.before)));
        let state = self.state.map(|word| word.to_string()).unwrap_or_default();
        let narrow = Narrow { state, clicked: self.clicked };
        match (self.step, made, self.state) {
            (Some(step), made, _) => {
                let of = (SourceKind::Sequence, step.0);
                let before = made.map_or(self.before, |(_, until)| until);
                let of = ledger::list_of_source(session, site, of, &narrow, before, PAGE);
                let mut list = of.await?;
                // Newest first: what is older than the days asked for ends the list.
                list.retain(|one| made.is_none_or(|(from, _)| one.id >= from));
                Ok(list)
            }
            (None, Some(ids), _) => {
                ledger::list_between(session, site, &narrow.state, ids, PAGE).await
            }
            (None, None, None) => ledger::list(session, site, self.before, PAGE).await,
            (None, None, Some(word)) => {
                ledger::list_of_state(session, site, word, self.before, PAGE).await
            }
        }
    }
}

/// The ledger, newest first; by state with the reasons.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let site = who.site.id;
    let wanted = Wanted::of(&asked, &who)?;
    let state_asked = wanted.state;
    let (list, counts, queued) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let list = wanted.list(session, site).await?;
                let counts = store::messages::kept_counts(session, site).await?;
                Ok((list, counts, store::messages::count_queued(session, site).await?))
            })
        })
        .await?;
    let word = state_asked.map(|word| word.as_str().to_owned()).unwrap_or_default();
    let narrowed = asked.narrowed();
    let tabs = tabs(&counts, queued, &word, &narrowed);
    let reasons = counts
        .iter()
        .filter(|_| narrowed.is_empty())
        .filter(|one| word.is_empty() || one.state.as_str() == word)
        .map(|one| (one.state.to_string(), one.reason.clone().unwrap_or_default(), one.count))
        .collect();
    let full = i64::try_from(list.len()).is_ok_and(|count| count == PAGE);
    let next = list.last().filter(|_| full);
    let page = MessagesPage {
        frame: who.frame("messages"),
        tabs,
        rows: rows_of(&state, &list).await,
        reasons,
        pager: Pager {
            next: next.map(|last| {
                let mut query = asked.narrowed();
                query.push(("state", word.clone()));
                query.push(("before", last.id.to_string()));
                link("/admin/messages", &query)
            }),
            ..Pager::default()
        },
        state: word,
    };
    reply::page("admin/messages/index.html", page)
}

async fn rows_of(state: &AppState, list: &[Message]) -> Vec<MessageRow> {
    let mut rows = Vec::with_capacity(list.len());
    for message in list {
        let mut row = MessageRow::from(message);
        row.subject = outbox::subject(&state.engine, message).await;
        rows.push(row);
    }
    rows
}

/// Mail that was caught.
#[derive(Debug, Serialize)]
pub struct CaughtPage {
    frame: Frame,
    is_caught: bool,
    rows: Vec<MessageRow>,
    pager: Pager,
}

impl CaughtPage {
    pub(crate) fn sample() -> Self {
        let frame = Frame::sample("caught");
        Self { frame, is_caught: true, rows: vec![sample_row()], pager: Pager::default() }
    }
}

/// Mail that was caught, newest first.
pub async fn caught(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let site = who.site.id;
    let before = asked.before.as_deref().and_then(|id| id.parse().ok());
    let before = before.unwrap_or(MessageId(i64::MAX));
    let list = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(
                async move { Ok(store::messages::list_caught(session, site, before, PAGE).await?) },
            )
        })
        .await?;
    let status = engine::sending::status(&state.engine, site).await?;
    let rows = rows_of(&state, &list).await;
    let full = i64::try_from(list.len()).is_ok_and(|count| count == PAGE);
    let next = list.last().filter(|_| full);
    let page = CaughtPage {
        frame: who.frame("caught"),
        is_caught: status.is_caught,
        rows,
        pager: Pager {
            next: next.map(|last| format!("/admin/caught?before={}", last.id)),
            ..Pager::default()
        },
    };
    reply::page("admin/caught/index.html", page)
}

/// One message.
#[derive(Debug, Serialize)]
pub struct MessagePage {
    frame: Frame,
    row: MessageRow,
    subject: String,
    from: String,
    contact_id: Option<String>,
    facts: Vec<(&'static str, Option<String>)>,
    attempts: Vec<AttemptRow>,
    plain: String,
    source: String,
    note: Option<&'static str>,
    may: Vec<&'static str>,
}

/// One try.
#[derive(Debug, Serialize)]
pub struct AttemptRow {
    at: UtcMs,
    outcome: String,
    relay: String,
    tls: bool,
    stage: Option<String>,
    answer: String,
}

impl From<Attempt> for AttemptRow {
    fn from(attempt: Attempt) -> Self {
        let code = attempt.code.map(|code| format!("{code} ")).unwrap_or_default();
        Self {
            at: attempt.ended_at,
            outcome: attempt.outcome,
            relay: attempt.relay,
            tls: attempt.tls,
            stage: attempt.stage,
            answer: format!("{code}{}", attempt.reply),
        }
    }
}

impl MessagePage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("messages"),
            row: sample_row(),
            subject: "Your first loaf".to_owned(),
            from: "Nora <nora@shop.example>".to_owned(),
            contact_id: Some("con_0000000000001".to_owned()),
            facts: vec![("Message-ID", Some("<m1.x@shop.example>".to_owned()))],
            attempts: vec![AttemptRow {
                at: UtcMs(1_795_293_000_000),
                outcome: "deferred".to_owned(),
                relay: "smtp.example.com:587".to_owned(),
                tls: true,
                stage: Some("rcpt".to_owned()),
                answer: "451 greylisted".to_owned(),
            }],
            plain: "Hello Iris,".to_owned(),
            source: "From: Nora".to_owned(),
            note: None,
            may: vec!["retry", "hold", "cancel"],
        }
    }
}

/// One message: where it stands, its tries, what it says.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
) -> Reply {
    let (site, id) = (who.site.id, read_id(&id)?);
    let (message, shown) = outbox::show(&state.engine, site, id).await?;
    let attempts = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::messages::attempts(session, site, id).await?) })
        })
        .await?;
    let section = "messages";
    let page = MessagePage {
        frame: who.frame(section),
        row: MessageRow::from(&message),
        from: format!("{} <{}>", who.site.sender_name, who.site.sender_address),
        contact_id: message.contact_id.map(|id| id.to_string()),
        facts: facts(&message, &who.frame(section).zone),
        attempts: attempts.into_iter().map(AttemptRow::from).collect(),
        note: (shown.same == Some(false)).then_some(
            "The site or this program changed since it was sent: these are not its exact bytes.",
        ),
        may: may(&message),
        subject: shown.subject,
        plain: shown.plain,
        source: shown.source,
    };
    reply::page("admin/messages/show.html", page)
}

fn facts(message: &Message, zone: &str) -> Vec<(&'static str, Option<String>)> {
    let at = |at: UtcMs| {
        let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
        at.timestamp().to_zoned(zone).strftime("%-d %b %Y, %H:%M").to_string()
    };
    vec![
        ("Why", message.reason.clone().map(|reason| plain::plain(Some(reason)))),
        ("Class", Some(plain::plain(Some(message.class.to_string())))),
        ("Comes from", Some(plain::mail(message.source_kind.as_str()))),
        ("Due", Some(at(message.next_at))),
        ("Taken by the server", message.accepted_at.map(at)),
        ("Of no use after", message.expires_at.map(at)),
        ("Tries", Some(message.attempts.to_string())),
        ("Relay", message.relay.clone()),
        ("Last answer", message.reply_text.clone()),
        ("Message-ID", Some(message.message_id.clone())),
    ]
    .into_iter()
    .filter(|(_, value)| value.is_some())
    .collect()
}

fn may(message: &Message) -> Vec<&'static str> {
    let all = [("retry", Act::Retry), ("hold", Act::Hold), ("cancel", Act::Cancel)];
    all.into_iter().filter(|(_, act)| outbox::may(message, *act)).map(|(word, _)| word).collect()
}

/// The HTML part by itself, for the frame: its own policy, nothing that runs.
pub async fn html(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
) -> Reply {
    let (_, Shown { html, .. }) = outbox::show(&state.engine, who.site.id, read_id(&id)?).await?;
    Ok(framed(html))
}

/// A mail's HTML as it may stand in a frame of the admin.
pub(crate) fn framed(html: String) -> Response {
    // Links open beside the admin, as they would beside a mail program.
    let html = html.replacen("<head>", "<head><base target=\"_blank\">", 1);
    let headers = [
        (header::CONTENT_SECURITY_POLICY, MAIL_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Html(html)).into_response()
}

/// The bytes on the wire.
pub async fn source(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
) -> Reply {
    let (message, shown) = outbox::show(&state.engine, who.site.id, read_id(&id)?).await?;
    let name = format!("attachment; filename=\"{}.eml\"", message.id);
    let headers = [
        (header::CONTENT_TYPE, "message/rfc822".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, shown.source).into_response())
}

/// Tries again, holds or cancels.
pub async fn act(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path((id, word)): Path<(String, String)>,
) -> Reply {
    let act = match word.as_str() {
        "retry" => Act::Retry,
        "hold" => Act::Hold,
        "cancel" => Act::Cancel,
        _ => return Err(WebError::NotFound),
    };
    let path = format!("/admin/messages/{id}");
    match outbox::act(&who.engine(&state), who.site.id, read_id(&id)?, act).await {
        Ok(to) => Ok(reply::done(&path, &format!("The message is {to} now."))),
        Err(error) if !error.is_fault() => Ok(reply::sorry(&path, &error.to_string())),
        Err(error) => Err(error.into()),
    }
}

fn read_id(text: &str) -> Result<MessageId, WebError> {
    text.parse().map_err(|_| WebError::NotFound)
}
