//! Takes an import back: what it made goes, what it changed of others stands as before. Who has
//! acted since stays as they are, with the reason; so does who was here before and of whom the list
//! says that they left.

use model::audits::Actor;
use model::contacts::{Contact, SuppressionReason};
use model::ids::{ContactId, ImportId};
use model::sites::Site;
use model::spans::day_of;
use model::times::DAY_MS;
use model::{Refused, SiteId, UtcMs};
use serde::Serialize;
use serde_json::json;
use store::import_changes::{Line, Undo};
use store::imports::Import;
use store::{Session, Tx};

use super::changes::Change;
use super::get;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{audits, consents, purges, rollups};

/// How long after its end an import can be taken back (product.md L7).
pub const UNDO_DAYS: i64 = 7;
/// Contacts dealt with in one transaction.
const BATCH: i64 = 200;
/// Of those who stay, how many are named.
const KEPT_SHOWN: i64 = 1_000;

/// What taking an import back does, or did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// Contacts that are gone, or stand as they did before.
    pub taken_back: i64,
    /// Contacts that stay as they are.
    pub kept: i64,
    /// Whether all of it is done.
    pub is_done: bool,
    /// Who stays, and why; at most a thousand.
    pub reasons: Vec<Reason>,
}

/// Why a contact stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The contact.
    pub contact: ContactId,
    /// Its address.
    pub email: String,
    /// Why.
    pub why: String,
}

/// Why an import cannot be taken back; nothing where it can.
pub fn refusal(import: &Import, now: UtcMs) -> Option<Refused> {
    let refused = |code, message: &str| Some(Refused::new(code, message));
    match import.state.as_str() {
        "ready" => refused("undo_nothing", "it has changed nothing yet"),
        "running" => refused("undo_running", "it runs: pause it first"),
        _ if now.since_ms(import.ended_at.unwrap_or(import.updated_at)) > UNDO_DAYS * DAY_MS => {
            let message = format!("an import can be taken back for {UNDO_DAYS} days, not later");
            Some(Refused::new("undo_too_late", message))
        }
        _ => None,
    }
}

/// What taking an import back would do; changes nothing.
///
/// # Errors
/// There is no such import, or it cannot be taken back.
pub async fn look(engine: &Engine, site: SiteId, id: ImportId) -> Result<Undone> {
    let import = get(engine, site, id).await?;
    if let Some(refused) = refusal(&import, engine.now()) {
        return Err(refused.into());
    }
    let (mut undone, mut after) = (Undone::default(), ContactId(0));
    loop {
        let from = after;
        let (last, page) = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move { look_at(session, site, id, from).await })
            })
            .await?;
        undone.taken_back += page.taken_back;
        undone.kept += page.kept;
        undone.reasons.extend(page.reasons);
        undone.reasons.truncate(usize::try_from(KEPT_SHOWN).unwrap_or(usize::MAX));
        match last {
            Some(last) => after = last,
            None => return Ok(undone),
        }
    }
}

async fn look_at(
    session: &mut Session<'_>,
    site: SiteId,
    id: ImportId,
    after: ContactId,
) -> Result<(Option<ContactId>, Undone)> {
    let lines = store::import_changes::open(session, site, id, after, BATCH).await?;
    let mut undone = Undone::default();
    for line in &lines {
        let Some(contact) = store::contacts::find(session, site, line.contact).await? else {
            continue;
        };
        match stays(session, site, id, line, &read(line)?).await? {
            None => undone.taken_back += 1,
            Some(why) => {
                undone.kept += 1;
                undone.reasons.push(Reason { contact: contact.id, email: contact.email, why });
            }
        }
    }
    Ok((lines.last().map(|line| line.contact), undone))
}

/// Lets an import be taken back; the sweep does the work.
///
/// # Errors
/// It cannot be, or was already.
pub async fn begin(engine: &Engine, actor: Actor, site: SiteId, id: ImportId) -> Result<()> {
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let import = store::imports::find(tx, site, id).await?;
                let import = import.ok_or_else(|| EngineError::missing("import", id))?;
                match store::import_changes::find_undo(tx, site, id).await? {
                    Some(Undo { ended_at: Some(_), .. }) => {
                        let message = "this import was taken back already";
                        return Err(Refused::new("undo_done", message).into());
                    }
                    Some(_) => return Ok(()),
                    None => {}
                }
                let now = of.now();
                if let Some(refused) = refusal(&import, now) {
                    return Err(refused.into());
                }
                store::import_changes::begin_undo(tx, site, id, &actor.to_string(), now).await?;
                let why = Some("taken back");
                store::imports::set_state(tx, site, id, "done", why, now).await?;
                let data = json!({ "created": import.created, "updated": import.updated });
                audits::record(&of, tx, site, actor, "import.undo_begun", id, &data).await
            })
        })
        .await?;
    engine.wake();
    Ok(())
}

/// Takes an import back from first to last, or from where an earlier try broke off.
///
/// # Errors
/// It cannot be, or was already.
pub async fn run(engine: &Engine, actor: Actor, site: &Site, id: ImportId) -> Result<Undone> {
    begin(engine, actor, site.id, id).await?;
    while batch(engine, site, id).await? > 0 {}
    found(engine, site.id, id)
        .await?
        .ok_or_else(|| EngineError::Fault("an undo that was begun is not there".to_owned()))
}

/// How far taking an import back has come; nothing where nobody asked for it.
///
/// # Errors
/// The database fails.
pub async fn found(engine: &Engine, site: SiteId, id: ImportId) -> Result<Option<Undone>> {
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                let Some(undo) = store::import_changes::find_undo(session, site, id).await? else {
                    return Ok(None);
                };
                let kept = store::import_changes::kept(session, site, id, KEPT_SHOWN).await?;
                let reasons = kept.into_iter().map(|one| Reason {
                    contact: one.contact,
                    email: one.email,
                    why: one.why,
                });
                Ok(Some(Undone {
                    taken_back: undo.taken_back,
                    kept: undo.kept,
                    is_done: undo.ended_at.is_some(),
                    reasons: reasons.collect(),
                }))
            })
        })
        .await
}

/// Does a batch of an import that is being taken back; how many contacts.
pub(crate) async fn sweep(engine: &Engine) -> Result<usize> {
    let next = engine
        .reader()
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move {
                let Some((site, id)) = store::import_changes::running_undo(session).await? else {
                    return Ok(None);
                };
                Ok(store::sites::find(session, site).await?.map(|site| (site, id)))
            })
        })
        .await?;
    let Some((site, id)) = next else { return Ok(0) };
    batch(engine, &site, id).await
}

/// Contacts dealt with, or 1 for the end itself; 0 where nothing was left.
async fn batch(engine: &Engine, site: &Site, id: ImportId) -> Result<usize> {
    let (of, site) = (engine.clone(), site.clone());
    engine.write(move |tx| Box::pin(async move { batch_in(&of, tx, &site, id).await })).await
}

async fn batch_in(engine: &Engine, tx: &mut Tx<'_>, site: &Site, id: ImportId) -> Result<usize> {
    if !store::import_changes::claim_undo(tx, site.id, id).await? {
        return Ok(0);
    }
    let now = engine.now();
    let lines = store::import_changes::open(tx, site.id, id, ContactId(0), BATCH).await?;
    let (mut taken_back, mut kept) = (0, 0);
    for line in &lines {
        let change = read(line)?;
        // Held first: a goodbye on its way is waited for, and then seen.
        let contact = store::contacts::find_to_change(tx, site.id, line.contact).await?;
        let why = stays(tx, site.id, id, line, &change).await?;
        store::import_changes::close(tx, site.id, id, line.contact, why.as_deref(), now).await?;
        if why.is_some() {
            kept += 1;
        } else if take_back(engine, tx, site, id, contact, change).await? {
            taken_back += 1;
        }
    }
    let last = i64::try_from(lines.len()).is_ok_and(|count| count < BATCH);
    let ended = last.then_some(now);
    store::import_changes::advance_undo(tx, site.id, id, (taken_back, kept), ended).await?;
    if last {
        end(engine, tx, site, id).await?;
    }
    Ok(lines.len().max(1))
}

/// Says so in the log, and lets the days that were counted with those who are gone be counted
/// again.
async fn end(engine: &Engine, tx: &mut Tx<'_>, site: &Site, id: ImportId) -> Result<()> {
    let import = store::imports::find(tx, site.id, id).await?;
    let import = import.ok_or_else(|| EngineError::missing("import", id))?;
    let from = day_of(import.created_at, &rollups::zone_of(site)).to_string();
    store::stages::forget_days(tx, site.id, &from).await?;
    let Some(undo) = store::import_changes::find_undo(tx, site.id, id).await? else {
        return Ok(());
    };
    let actor: Actor = undo.actor.parse()?;
    let data = json!({ "taken_back": undo.taken_back, "kept": undo.kept });
    audits::record(engine, tx, site.id, actor, "import.undone", id, &data).await
}

fn read(line: &Line) -> Result<Change> {
    serde_json::from_str(&line.change)
        .map_err(|e| EngineError::Fault(format!("what an import did cannot be read: {e}")))
}

/// Why a contact stays as it is.
async fn stays(
    session: &mut Session<'_>,
    site: SiteId,
    import: ImportId,
    line: &Line,
    change: &Change,
) -> Result<Option<String>> {
    let since = store::import_changes::since(session, site, import, line.contact, line.id).await?;
    if since.is_some() {
        return Ok(since);
    }
    let left = change.left && !change.made;
    Ok(left.then(|| "the list says that they left: that is never taken back".to_owned()))
}

/// Takes one contact back; `false` where it is gone already.
async fn take_back(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    import: ImportId,
    contact: Option<Contact>,
    change: Change,
) -> Result<bool> {
    let Some(contact) = contact.filter(|contact| !contact.is_erased()) else { return Ok(false) };
    let id = contact.id;
    if change.suppressed {
        let found = store::suppressions::find(tx, site.id, &contact.address_hmac).await?;
        if found.is_some_and(|found| found.reason == SuppressionReason::Import) {
            store::suppressions::lift(tx, site.id, &contact.address_hmac).await?;
        }
    }
    if change.made {
        store::consents::forget(tx, site.id, id).await?;
        return purges::remove(tx, site.id, id).await;
    }
    for tag in &change.tags {
        store::tags::remove(tx, site.id, id, tag).await?;
    }
    for topic in &change.topics {
        store::topics::leave(tx, site.id, id, *topic).await?;
    }
    let mut before = put_back(contact, &change);
    before.updated_at = engine.now();
    match change.confirmed_from {
        None => store::contacts::update(tx, site.id, &before).await?,
        Some(stood) => {
            before.status = stood.status;
            before.confirmed_at = stood.confirmed_at.map(UtcMs);
            before.unsubscribed_at = stood.unsubscribed_at.map(UtcMs);
            before.paused_until = stood.paused_until.map(UtcMs);
            consents::undo_import(engine, tx, site, &before, import).await?;
        }
    }
    Ok(true)
}

/// The contact with each value as it was, where it is still what the import wrote.
fn put_back(mut contact: Contact, change: &Change) -> Contact {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    for (name, is) in super::changes::columns_of(&contact) {
        let Some((was, wrote)) = change.columns.get(name) else { continue };
        if *wrote != is {
            continue;
        }
        match name {
            "first_name" => contact.first_name.clone_from(was),
            "last_name" => contact.last_name.clone_from(was),
            "language" => contact.language = some(was),
            _ => contact.timezone = some(was),
        }
    }
    for (key, (was, wrote)) in &change.fields {
        if contact.fields.get(key) != Some(wrote) {
            continue;
        }
        if was.is_empty() {
            contact.fields.remove(key);
        } else {
            contact.fields.insert(key.clone(), was.clone());
        }
    }
    if change.external_id.is_some() && contact.external_id == change.external_id {
        contact.external_id = None;
    }
    contact
}
