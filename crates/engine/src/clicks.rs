//! Tracked links. Asking for one redirects and notes that it was asked for, no more; what it was,
//! a person or a machine that reads mail for one, is judged later, with all clicks of the message.

use model::clicks::{self, Reason, VERDICT_WAIT_MS, Verdict};
use model::ids::{ClickId, MessageId};
use model::sites::Site;
use model::sources::{Touch, Utm};
use model::spans::day_of;
use model::tokens::{Purpose, Token, TokenError};
use model::{SiteId, UtcMs};
use serde_json::json;
use store::Tx;
use store::clicks::Click;
use store::events::NewEvent;
use store::messages::Message;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::rollups::zone_of;
use crate::sweeps::Round;
use crate::touches::{self, Meeting};
use crate::views::{self, By, OwnAct};
use crate::{also_bought, links, showings};

/// Characters of a program's name that are kept.
const AGENT_MAX: usize = 300;
/// Clicks of one message that are kept and looked at: a machine may hammer.
const CLICKS_MAX: i64 = 500;
/// Messages judged in one round.
const JUDGED_MAX: i64 = 100;

/// What is told of a request; no address of the network among it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// GET or HEAD.
    pub method: String,
    /// What the program calls itself.
    pub user_agent: String,
    /// Whether it says that it only fetches ahead.
    pub prefetch: bool,
    /// What tells its browser from another today, as in [`model::views::View`].
    pub visitor: Option<String>,
}

/// Where a tracked link leads. Notes the click, unless its MAC is wrong (then the destination is
/// still ours, but nobody's click it is).
///
/// # Errors
/// There is no such link: shown as a friendly page.
pub async fn follow(engine: &Engine, site: &Site, token: &str, seen: Seen) -> Result<String> {
    let (token, counts) = match engine.keys().open(Purpose::Click, token) {
        Ok(token) => (token, true),
        Err(TokenError::WrongMac(token)) => (token, false),
        Err(_) => return Err(EngineError::missing("link", "of this mail")),
    };
    let message = message_of(engine, site.id, token).await?;
    let target = target(engine, site, &message, token.what).await?;
    if !counts {
        return Ok(target);
    }
    note(engine, site, &message, token.what, seen).await;
    Ok(match message.contact_id {
        Some(contact) => links::for_reader(engine, site, &target, contact),
        None => target,
    })
}

async fn message_of(engine: &Engine, site: SiteId, token: Token) -> Result<Message> {
    let id = MessageId(token.id);
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let found = store::messages::find(session, site, id).await?;
                found.ok_or_else(|| EngineError::missing("link", "of this mail"))
            })
        })
        .await
}

async fn target(engine: &Engine, site: &Site, message: &Message, position: u16) -> Result<String> {
    let missing = || EngineError::missing("link", "of this mail");
    let version = message.version_id.ok_or_else(missing)?;
    let compiled = engine.delivery().compiled(engine, site.id, version).await?;
    let compiled = compiled.map_err(|_| missing())?;
    if usize::from(position) >= compiled.links() {
        return Err(missing());
    }
    let mut context: serde_json::Value =
        serde_json::from_str(&message.context).unwrap_or_else(|_| json!({}));
    if let Some(names) = context.as_object_mut() {
        names.insert("site".to_owned(), crate::mails::site_view(site));
        names.insert("language".to_owned(), json!(site.language));
    }
    // An erased contact has no fields any more: the link still leads somewhere of ours.
    let target =
        compiled.target(usize::from(position), &context).unwrap_or_else(|_| "/".to_owned());
    Ok(if target.starts_with('/') { site.url(&target) } else { target })
}

/// Notes the click without keeping the visitor waiting for the disk: the write stands in the
/// queue when this returns, and shares its commit with whatever waits beside it.
async fn note(engine: &Engine, site: &Site, message: &Message, position: u16, seen: Seen) {
    let Some(version_id) = message.version_id else { return };
    let now = engine.now();
    let click = Click {
        site_id: message.site_id,
        id: ClickId(engine.next_id()),
        message_id: message.id,
        contact_id: message.contact_id,
        version_id,
        position: i64::from(position),
        at: now,
        method: seen.method,
        user_agent: seen.user_agent.chars().take(AGENT_MAX).collect(),
        prefetch: seen.prefetch,
        verdict: None,
        reason: None,
    };
    if let (Some(visitor), Some(contact)) = (seen.visitor, message.contact_id) {
        let (day, by) = (day_of(now, &zone_of(site)), By::Click(click.id));
        views::acted(engine, site.id, OwnAct { at: now, day, visitor, contact, by });
    }
    let writing = engine.clone();
    let written = engine.clicks().spawn(async move {
        let outcome = writing
            .write(move |tx| {
                Box::pin(async move {
                    let (site, id) = (click.site_id, click.message_id);
                    if !store::clicks::is_full(tx, site, id, CLICKS_MAX).await? {
                        store::clicks::insert(tx, &click).await?;
                    }
                    // A validly signed click says that the mail arrived, whoever clicked.
                    let why = store::messages::ASKED_FOR;
                    store::messages::settle_by_evidence(tx, site, id, now, why, None).await?;
                    Ok(())
                })
            })
            .await;
        if let Err(error) = outcome {
            tracing::warn!(%error, "a click could not be noted");
        }
    });
    // Long enough for a commit; a slow disk must not hold the visitor up (L15).
    let patience = std::time::Duration::from_millis(40);
    let _ = tokio::time::timeout(patience, written).await;
}

/// Waits until every click so far is on the disk, or could not be noted.
pub async fn written(engine: &Engine) {
    engine.clicks().wait().await;
}

/// Clicks up to this instant are to be judged.
pub(crate) fn judged_before(now: UtcMs) -> UtcMs {
    now.plus_ms(-VERDICT_WAIT_MS)
}

/// Judges the clicks whose wait is over; how many messages were looked at.
///
/// # Errors
/// The database fails.
pub async fn sweep(engine: &Engine) -> Result<usize> {
    let before = judged_before(engine.now());
    let open = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::clicks::open(session, before, JUDGED_MAX).await?) })
        })
        .await?;
    let mut round = Round::default();
    for (site, message) in open {
        let inside = engine.clone();
        let judged = engine
            .write(move |tx| Box::pin(async move { judge(&inside, tx, site, message).await }))
            .await;
        round.took(format_args!("the clicks of message {message}"), judged.map(|()| 1));
    }
    round.end()
}

/// A click may change what earlier ones were taken for, so all of a message are judged again.
async fn judge(engine: &Engine, tx: &mut Tx<'_>, site: SiteId, message: MessageId) -> Result<()> {
    let now = engine.now();
    let all = store::clicks::of_message(tx, site, message, CLICKS_MAX).await?;
    let Some(row) = store::messages::find(tx, site, message).await? else {
        return rest(tx, site, message, Reason::NotAccepted, now).await;
    };
    let links = match row.version_id {
        Some(version) => store::templates::links(tx, site, version).await?,
        None => Vec::new(),
    };
    let seen_by_reader = serde_json::from_str(&row.context).unwrap_or_else(|_| json!({}));
    // A place for a suggestion that was left empty is no link.
    let links: Vec<Option<String>> =
        links.iter().map(|link| also_bought::mails::landing(link, &seen_by_reader)).collect();
    let count = links.iter().flatten().count();
    let seen: Vec<clicks::Click<'_>> = all
        .iter()
        .map(|click| clicks::Click {
            at: click.at,
            method: &click.method,
            user_agent: &click.user_agent,
            prefetch: click.prefetch,
            link: u16::try_from(click.position).unwrap_or(u16::MAX),
        })
        .collect();
    // The hidden link is none a person could count.
    let verdicts = clicks::judge(row.accepted_at, count.saturating_sub(1), &seen);
    let mut was_human = all.iter().any(|click| click.verdict.as_deref() == Some("human"));
    for (click, (verdict, reason)) in all.iter().zip(verdicts) {
        let same = click.verdict.as_deref() == Some(verdict.as_str())
            && click.reason.as_deref() == Some(reason.as_str());
        if same {
            continue;
        }
        let (verdict_word, reason_word) = (verdict.as_str(), reason.as_str());
        store::clicks::judge(tx, site, click.id, verdict_word, reason_word, now).await?;
        if verdict == Verdict::Human && click.verdict.is_none() {
            let target = usize::try_from(click.position).ok().and_then(|at| links.get(at));
            let landing = target.and_then(Option::as_deref).unwrap_or_default();
            by_a_person(engine, tx, &row, click, landing, !was_human).await?;
            was_human = true;
        }
    }
    if all.len() >= usize::try_from(CLICKS_MAX).unwrap_or(usize::MAX) {
        rest(tx, site, message, Reason::TooMany, now).await?;
    }
    Ok(())
}

/// What is beyond the clicks that are looked at gets its verdict too, or it would be due for ever.
async fn rest(
    tx: &mut Tx<'_>,
    site: SiteId,
    message: MessageId,
    reason: Reason,
    now: UtcMs,
) -> Result<()> {
    let verdict = (Verdict::Machine.as_str(), reason.as_str());
    store::clicks::judge_rest(tx, site, message, verdict, now).await?;
    Ok(())
}

/// A person clicked: an event, what they were shown, and the first time in a message a touch of
/// the contact.
async fn by_a_person(
    engine: &Engine,
    tx: &mut Tx<'_>,
    message: &Message,
    click: &Click,
    landing: &str,
    first: bool,
) -> Result<()> {
    let data = json!({
        "link": click.position,
        "to": landing,
        "source_kind": message.source_kind,
        "source_id": model::ids::to_base32(message.source_id),
    });
    let event = NewEvent {
        kind: "message.clicked",
        contact_id: message.contact_id,
        subject_id: Some(message.id.0),
        data: &data,
    };
    engine.record(tx, message.site_id, event).await?;
    let Some(contact) = message.contact_id else { return Ok(()) };
    let Some(site) = store::sites::find(tx, message.site_id).await? else { return Ok(()) };
    showings::begin(tx, &site, contact, landing, click.at).await?;
    if !first {
        return Ok(());
    }
    let touch = touch(message, click.at, landing);
    touches::record(engine, tx, &site, contact, touch, Meeting::Later).await
}

fn touch(message: &Message, at: UtcMs, landing: &str) -> Touch {
    let utm = Utm {
        source: Some(message.source_kind.to_string()),
        medium: Some("email".to_owned()),
        campaign: Some(model::ids::to_base32(message.source_id)),
        ..Utm::default()
    };
    let path = landing.split(['?', '#']).next().unwrap_or_default();
    let landing = if path.starts_with('/') { path.to_owned() } else { String::new() };
    Touch { at, utm, landing, ..Touch::default() }
}
