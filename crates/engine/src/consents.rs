//! Consent: given, taken back, and looked at before every mail.

use model::consents::{Action, Consent, NEWSLETTER, Source, Wording, held};
use model::contacts::{Contact, Standing, Status, SuppressionReason, WhyNot, why_not};
use model::ids::{ConsentId, ContactId, ImportId, WordingId};
use model::messages::Class;
use model::sites::Site;
use model::tokens::hash_secret;
use model::{EmailAddr, SiteId, UtcMs};
use serde_json::{Value, json};
use store::events::NewEvent;
use store::{Session, Tx};

use crate::contacts;
use crate::engine::Engine;
use crate::fault::Result;

/// A consent being given.
#[derive(Debug, Clone)]
pub struct Giving {
    /// What for.
    pub purpose: String,
    /// In which words.
    pub wording: Option<WordingId>,
    /// Where.
    pub source: Source,
    /// The raw id of the form, order or import.
    pub source_id: Option<i64>,
    /// What shows it; never an IP address.
    pub proof: Value,
}

/// Adds a consent to the ledger. One to the newsletter makes the contact confirmed: the caller
/// has made sure that the address is theirs.
pub async fn grant(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    giving: Giving,
) -> Result<()> {
    let now = engine.now();
    add_line(engine, tx, site.id, contact, (Action::Granted, now), &giving).await?;
    if giving.purpose != NEWSLETTER {
        return Ok(());
    }
    let mut contact = contacts::get_to_change(tx, site.id, contact).await?;
    contact.status = Status::Confirmed;
    contact.confirmed_at = contact.confirmed_at.or(Some(now));
    contact.unsubscribed_at = None;
    contact.paused_until = None;
    contact.updated_at = now;
    store::contacts::update_standing(tx, site.id, &contact).await?;
    // A person who says yes with their own click is no longer a complaint, and their mailbox is
    // no longer dead.
    store::suppressions::lift(tx, site.id, &contact.address_hmac).await?;
    Ok(())
}

/// Takes back every consent of a contact: all marketing of this site ends. `false` where it had
/// ended before.
pub async fn withdraw_all(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    source: Source,
    source_id: Option<i64>,
) -> Result<bool> {
    let mut contact = contacts::get_to_change(tx, site.id, contact).await?;
    let held = held(&store::consents::list(tx, site.id, contact.id).await?);
    if contact.status == Status::Unsubscribed && held.is_empty() {
        return Ok(false);
    }
    // One instant for all: by it `unsubscribe::undo` finds what was withdrawn together.
    let now = engine.now();
    for (purpose, wording) in held {
        let giving = Giving { purpose, wording, source, source_id, proof: json!({}) };
        add_line(engine, tx, site.id, contact.id, (Action::Withdrawn, now), &giving).await?;
    }
    if contact.status != Status::Suppressed {
        contact.status = Status::Unsubscribed;
    }
    contact.unsubscribed_at = Some(now);
    contact.updated_at = now;
    store::contacts::update_standing(tx, site.id, &contact).await?;
    crate::enrolments::exit_on_unsubscribe(engine, tx, site, contact.id).await?;
    Ok(true)
}

/// Takes back a consent to the newsletter that an import had given: the contact stands as
/// `before`, and the ledger says what happened.
pub(crate) async fn undo_import(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    before: &Contact,
    import: ImportId,
) -> Result<()> {
    let giving = Giving {
        purpose: NEWSLETTER.to_owned(),
        wording: None,
        source: Source::Import,
        source_id: Some(import.0),
        proof: json!({ "undo": true }),
    };
    add_line(engine, tx, site.id, before.id, (Action::Withdrawn, engine.now()), &giving).await?;
    store::contacts::update(tx, site.id, before).await?;
    Ok(store::contacts::update_standing(tx, site.id, before).await?)
}

async fn add_line(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    (action, at): (Action, UtcMs),
    giving: &Giving,
) -> Result<()> {
    let line = Consent {
        id: ConsentId(engine.next_id()),
        purpose: giving.purpose.clone(),
        action,
        wording_id: giving.wording,
        source: giving.source,
        source_id: giving.source_id,
        proof: giving.proof.to_string(),
        at,
    };
    store::consents::insert(tx, site, contact, &line).await?;
    let data = json!({
        "purpose": giving.purpose,
        "source": giving.source.as_str(),
        "source_id": giving.source_id,
    });
    let kind = match action {
        Action::Granted => "consent.granted",
        Action::Withdrawn => "consent.withdrawn",
    };
    let event =
        NewEvent { kind, contact_id: Some(contact), subject_id: Some(line.id.0), data: &data };
    engine.record(tx, site, event).await
}

/// The wording of `text` for `purpose`: the version there is, or the next one.
pub async fn wording(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    purpose: &str,
    text: &str,
) -> Result<Wording> {
    let hash = hash_secret(text.as_bytes());
    let id = WordingId(engine.next_id());
    let new = store::consents::NewWording { id, purpose, text, hash: &hash };
    Ok(store::consents::put_wording(tx, site, new, engine.now()).await?)
}

/// Why a message must not be sent, looked at before and while sending (W1, W2): a word of
/// [`WhyNot`]. `None`: it may.
pub async fn refusal_to_send(
    tx: &mut Session<'_>,
    site: &Site,
    contact: Option<ContactId>,
    to: &EmailAddr,
    class: Class,
    now: UtcMs,
) -> Result<Option<String>> {
    let reach = match contact {
        None => None,
        Some(id) => store::contacts::reach(tx, site.id, id).await?,
    };
    let Some(reach) = reach else {
        let fits = class == Class::Transactional;
        return Ok((!fits).then(|| WhyNot::NoConsent.to_string()));
    };
    if reach.erased_at.is_some() || reach.email_key != to.key() {
        return Ok(Some(WhyNot::Erased.to_string()));
    }
    let standing = Standing {
        status: reach.status,
        // Erasure keeps imports away, not the person who comes back by their own click.
        suppression: reach.suppression.filter(|(why, _)| *why != SuppressionReason::Erasure),
        // Confirmed is what the ledger's newsletter consent makes a contact.
        consent: reach.status == Status::Confirmed,
        paused: reach.paused_until.is_some_and(|until| until > now),
        sales_stopped: reach.no_sales,
        // Transactional mail answers what the person did; opting in looks at complaints itself.
        just_bought: true,
    };
    Ok(why_not(class, &standing, now).map(|why| why.to_string()))
}
