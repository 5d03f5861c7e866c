//! Confirming an address: the button behind the link, once.

use model::consents::NEWSLETTER;
use model::contacts::{CONFIRM_LINK_DAYS, Contact, Status};
use model::forms::{Delivery, FormSpec};
use model::ids::{ClaimId, ConfirmationId, ContactId};
use model::magnets::{Claim, Magnet};
use model::messages::{Class, SourceKind};
use model::sites::Site;
use model::tokens::{Purpose, TokenError};
use model::{EmailAddr, Refused};
use serde_json::json;
use store::Tx;
use store::confirmations::Confirmation;

use crate::consents::{self, Giving};
use crate::engine::Engine;
use crate::enrolments::{self, Trigger};
use crate::fault::{EngineError, Result};
use crate::magnets::{self, Handing};
use crate::messages::{self, Content, NewMessage};
use crate::{contacts, links, opt_in, tags};

/// How a confirmation link stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It waits for its button.
    Open(Box<Asked>),
    /// The button was pressed before.
    Confirmed(Box<Asked>),
    /// Its seven days are over; a new one can be sent.
    Expired(Box<Asked>),
    /// Cut, made up, or another installation's.
    Invalid,
}

/// Who was asked, and for what.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The confirmation.
    pub confirmation: Confirmation,
    /// Who.
    pub contact: Contact,
    /// The free thing that waits behind it.
    pub magnet: Option<(Claim, Magnet)>,
}

/// What the link `/confirm/{token}` stands for; changes nothing.
pub async fn look(engine: &Engine, site: &Site, token: &str) -> Result<Standing> {
    let now = engine.now();
    let (token, is_over) = match engine.keys().open_until(Purpose::Confirm, token, now) {
        Ok(token) => (token, false),
        Err(TokenError::Expired(token)) => (token, true),
        Err(_) => return Ok(Standing::Invalid),
    };
    let (site, id) = (site.id, ConfirmationId(token.id));
    let asked = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let Some(confirmation) = store::confirmations::find(session, site, id).await?
                else {
                    return Ok(None);
                };
                let contact = confirmation.contact_id;
                let Some(contact) = store::contacts::find(session, site, contact).await? else {
                    return Ok(None);
                };
                let claim =
                    store::magnets::claim_of_confirmation(session, site, contact.id, id).await?;
                let magnet = match claim {
                    None => None,
                    Some(claim) => store::magnets::find(session, site, claim.magnet_id)
                        .await?
                        .map(|magnet| (claim, magnet)),
                };
                Ok(Some(Asked { confirmation, contact, magnet }))
            })
        })
        .await?;
    Ok(match asked {
        None => Standing::Invalid,
        Some(asked) if asked.contact.is_erased() => Standing::Invalid,
        Some(asked) => {
            let is_over = is_over || now > asked.confirmation.expires_at;
            let asked = Box::new(asked);
            match asked.confirmation.state.as_str() {
                "confirmed" => Standing::Confirmed(asked),
                "open" if !is_over => Standing::Open(asked),
                _ => Standing::Expired(asked),
            }
        }
    })
}

/// What confirming gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// Where the free thing can be had.
    pub magnet_url: Option<String>,
}

/// Confirms: the button was pressed. A second press changes nothing and gives the same.
///
/// # Errors
/// There is no such confirmation.
pub async fn confirm(engine: &Engine, site: &Site, id: ConfirmationId) -> Result<Confirmed> {
    let (of, site) = (engine.clone(), site.clone());
    let claim = engine
        .write(move |tx| {
            Box::pin(async move {
                let asked = store::confirmations::find(tx, site.id, id).await?;
                let asked = asked.ok_or_else(|| EngineError::missing("confirmation", id))?;
                let claim = complete(&of, tx, &site, &asked).await?;
                let url = claim.map(|(id, until)| links::magnet_url(&of, &site, id, until));
                Ok(url)
            })
        })
        .await?;
    engine.wake();
    Ok(Confirmed { magnet_url: claim })
}

/// Confirms within a transaction; the right to the free thing, where there is one.
pub(crate) async fn complete(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    asked: &Confirmation,
) -> Result<Option<(ClaimId, model::UtcMs)>> {
    let now = engine.now();
    let claim = store::magnets::claim_of_confirmation(tx, site.id, asked.contact_id, asked.id);
    let claim = claim.await?.map(|claim| (claim.id, claim.expires_at));
    if !store::confirmations::end(tx, site.id, asked.id, "confirmed", now).await? {
        return Ok(claim);
    }
    let before = contacts::get(tx, site.id, asked.contact_id).await?;
    for grant in &asked.grants {
        let proof = json!({ "confirmation": asked.id, "submission": asked.submission_id });
        let giving = Giving {
            purpose: grant.purpose.clone(),
            wording: Some(grant.wording),
            source: asked.source,
            source_id: asked.source_id,
            proof,
        };
        consents::grant(engine, tx, site, asked.contact_id, giving).await?;
    }
    let email = EmailAddr::parse(&before.email)?;
    let hmac = contacts::rate_hmac(engine, &email);
    store::suppressions::end_limit(tx, &hmac, "confirmation").await?;
    let form = match asked.form_id {
        None => None,
        Some(id) => store::forms::find(tx, site.id, id).await?,
    };
    let claim = match &form {
        Some(form) => {
            let topics: Vec<String> =
                asked.grants.iter().filter_map(|grant| grant.topic.clone()).collect();
            dress(engine, tx, site, before.id, &form.spec, &topics).await?;
            enrolments::trigger(engine, tx, site, before.id, &Trigger::FormConfirmed(form.id))
                .await?;
            give(engine, tx, site, asked, &form.spec, claim).await?
        }
        None => claim,
    };
    let agreed = asked.grants.iter().any(|grant| grant.purpose == NEWSLETTER);
    if agreed && before.status != Status::Confirmed {
        enrolments::trigger(engine, tx, site, before.id, &Trigger::Confirmed).await?;
    }
    Ok(claim)
}

/// Puts on a contact what a form says: tags, and topics where something was agreed to.
pub(crate) async fn dress(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    spec: &FormSpec,
    topics: &[String],
) -> Result<()> {
    let now = engine.now();
    for tag in &spec.tags {
        tags::add(engine, tx, site, contact, tag).await?;
    }
    let status = contacts::get(tx, site.id, contact).await?.status;
    let own = if status == Status::Confirmed { spec.topics.as_slice() } else { &[] };
    for slug in own.iter().chain(topics) {
        if let Some(topic) = store::topics::find_by_slug(tx, site.id, slug).await? {
            store::topics::join(tx, site.id, contact, topic.id, now).await?;
        }
    }
    Ok(())
}

/// Hands over the free thing: by mail too, unless the confirmation itself carried it.
async fn give(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    asked: &Confirmation,
    spec: &FormSpec,
    claim: Option<(ClaimId, model::UtcMs)>,
) -> Result<Option<(ClaimId, model::UtcMs)>> {
    let Some(slug) = &spec.magnet else { return Ok(claim) };
    let Some(magnet) = store::magnets::find_by_slug(tx, site.id, slug).await? else {
        return Ok(claim);
    };
    let claim = match claim {
        Some((id, _)) => store::magnets::find_claim(tx, site.id, id).await?,
        None => None,
    };
    let claim = match claim {
        Some(claim) => claim,
        None => {
            let confirmation = Some(asked.id);
            let handing = Handing { magnet: &magnet, contact: asked.contact_id, confirmation };
            magnets::hand(engine, tx, site, handing).await?
        }
    };
    let by_mail = spec.delivery == Delivery::Mail || !spec.double_opt_in;
    if by_mail {
        let contact = contacts::get(tx, site.id, asked.contact_id).await?;
        magnets::mail(engine, tx, site, &contact, &magnet, &claim).await?;
    }
    Ok(Some((claim.id, claim.expires_at)))
}

/// Plans the mail with the button.
pub(crate) async fn mail(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: &Contact,
    asking: &Confirmation,
    claim: Option<(&Claim, &Magnet)>,
) -> Result<()> {
    let url = match claim {
        Some((claim, _)) => links::magnet_url(engine, site, claim.id, claim.expires_at),
        None => links::confirm_url(engine, site, asking.id, asking.expires_at),
    };
    let context = json!({
        "contact": { "first_name": contact.first_name },
        "magnet": claim.map(|(_, magnet)| json!({ "name": magnet.name })),
        "confirm_url": url,
    });
    let message = NewMessage {
        contact_id: Some(contact.id),
        to: EmailAddr::parse(&contact.email)?,
        class: Class::Transactional,
        source_kind: SourceKind::Confirmation,
        source_id: asking.id.0,
        enrolment_id: None,
        dedupe_key: format!("doi:{}", asking.id),
        content: Content::System { name: "confirmation", context },
        not_before: None,
        expires_at: None,
    };
    messages::plan(engine, tx, site, message).await.map(drop)
}

/// Sends a new link in place of one that has expired, within the limits of the address. Says
/// nothing about whether it did.
///
/// # Errors
/// The confirmation is not one that has expired.
pub async fn send_again(engine: &Engine, site: &Site, asked: Asked) -> Result<()> {
    if asked.confirmation.state == "confirmed" {
        return Err(Refused::new("already_confirmed", "this address is confirmed already").into());
    }
    let (of, site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                let now = of.now();
                let old = asked.confirmation;
                store::confirmations::end(tx, site.id, old.id, "void", now).await?;
                let new = Confirmation {
                    id: ConfirmationId(of.next_id()),
                    state: "open".to_owned(),
                    created_at: now,
                    expires_at: now.plus_days(CONFIRM_LINK_DAYS),
                    ..old
                };
                store::confirmations::insert(tx, site.id, &new).await?;
                opt_in::ask(&of, tx, &site, &asked.contact, &new, None).await
            })
        })
        .await?;
    engine.wake();
    Ok(())
}
