//! Magnets: made, handed over, fetched.

use model::consents::{DOWNLOADS_MAX, MAGNET_DAYS};
use model::contacts::{Contact, Status};
use model::ids::{ClaimId, ConfirmationId, ContactId, FileId, MagnetId};
use model::magnets::{Claim, Magnet, MagnetKind};
use model::messages::{Class, SourceKind};
use model::sites::Site;
use model::slugs::IfKnown;
use model::tokens::{Purpose, TokenError};
use model::{EmailAddr, Refused, SiteId, Slug};
use serde_json::json;
use store::Tx;
use store::events::NewEvent;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::messages::{self, Content, NewMessage};
use crate::{audits, confirmations, links};

/// What a magnet gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gift {
    /// A stored file.
    File(FileId),
    /// A page elsewhere.
    Link(String),
}

/// Writes a magnet, new or changed, by its slug; its id.
///
/// # Errors
/// It has no name, no file, or no web address.
pub async fn put(
    engine: &Engine,
    site: SiteId,
    slug: &str,
    name: &str,
    gift: Gift,
) -> Result<MagnetId> {
    write(engine, site, (slug, name), gift, IfKnown::Change).await
}

/// Writes a magnet that is not there yet; its id.
///
/// # Errors
/// Another magnet has this name, or as [`put`].
pub async fn create(
    engine: &Engine,
    site: SiteId,
    slug: &str,
    name: &str,
    gift: Gift,
) -> Result<MagnetId> {
    write(engine, site, (slug, name), gift, IfKnown::Refuse).await
}

async fn write(
    engine: &Engine,
    site: SiteId,
    (slug, name): (&str, &str),
    gift: Gift,
    if_known: IfKnown,
) -> Result<MagnetId> {
    let (slug, name) = (slug.to_owned(), name.to_owned());
    let of = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                let typed = Slug::parse(&slug).map_err(|refused| refused.at("slug"))?;
                if if_known == IfKnown::Refuse
                    && store::magnets::find_by_slug(tx, site, typed.as_str()).await?.is_some()
                {
                    let refused = Refused::new("slug_taken", "another magnet has this name");
                    return Err(refused.at("slug").into());
                }
                let id = put_in(&of, tx, site, &slug, &name, gift).await?;
                audits::note(&of, tx, site, "magnet.saved", id, &()).await?;
                Ok(id)
            })
        })
        .await
}

/// The same as [`put`] within a transaction.
pub(crate) async fn put_in(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    slug: &str,
    name: &str,
    gift: Gift,
) -> Result<MagnetId> {
    let slug = Slug::parse(slug).map_err(|e| e.at("slug"))?.to_string();
    let now = engine.now();
    let known = store::magnets::find_by_slug(tx, site, &slug).await?;
    let (kind, file_id, url) = match gift {
        Gift::File(id) => (MagnetKind::File, Some(id), None),
        Gift::Link(url) => (MagnetKind::Link, None, Some(url)),
    };
    let magnet = Magnet {
        id: known.as_ref().map_or_else(|| MagnetId(engine.next_id()), |magnet| magnet.id),
        slug,
        name: name.trim().to_owned(),
        kind,
        file_id,
        url,
        created_at: known.as_ref().map_or(now, |magnet| magnet.created_at),
        updated_at: now,
    };
    magnet.check()?;
    store::magnets::put(tx, site, &magnet).await?;
    Ok(magnet.id)
}

/// A magnet being given to a contact.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handing<'a> {
    /// What.
    pub magnet: &'a Magnet,
    /// To whom.
    pub contact: ContactId,
    /// What fetching it confirms.
    pub confirmation: Option<ConfirmationId>,
}

/// Gives a contact the right to a magnet.
pub(crate) async fn hand(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    handing: Handing<'_>,
) -> Result<Claim> {
    let now = engine.now();
    let claim = Claim {
        id: ClaimId(engine.next_id()),
        magnet_id: handing.magnet.id,
        contact_id: handing.contact,
        confirmation_id: handing.confirmation,
        downloads: 0,
        created_at: now,
        expires_at: now.plus_days(MAGNET_DAYS),
        last_at: None,
    };
    store::magnets::claim(tx, site.id, &claim).await?;
    Ok(claim)
}

/// Plans the mail that delivers it.
pub(crate) async fn mail(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: &Contact,
    magnet: &Magnet,
    claim: &Claim,
) -> Result<()> {
    let context = json!({
        "contact": { "first_name": contact.first_name },
        "magnet": { "name": magnet.name },
        "magnet_url": links::magnet_url(engine, site, claim.id, claim.expires_at),
    });
    // Who agreed to no newsletter still gets what they asked for: then it answers that alone.
    let class = match contact.status {
        Status::Confirmed => Class::Promised,
        _ => Class::Transactional,
    };
    let message = NewMessage {
        contact_id: Some(contact.id),
        to: EmailAddr::parse(&contact.email)?,
        class,
        source_kind: SourceKind::Magnet,
        source_id: magnet.id.0,
        enrolment_id: None,
        dedupe_key: format!("magnet:{}", claim.id),
        content: Content::System { name: "magnet", context },
        not_before: None,
        expires_at: None,
    };
    messages::plan(engine, tx, site, message).await.map(drop)
}

/// How the link `/m/{token}` of a magnet stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It can be fetched.
    Ready(Claim, Magnet),
    /// Its thirty days, or its downloads, are over.
    Over(Magnet),
    /// Cut, made up, or another installation's.
    Invalid,
}

/// What the link stands for; changes nothing.
pub async fn look(engine: &Engine, site: &Site, token: &str) -> Result<Standing> {
    let now = engine.now();
    let (token, is_over) = match engine.keys().open_until(Purpose::Magnet, token, now) {
        Ok(token) => (token, false),
        Err(TokenError::Expired(token)) => (token, true),
        Err(_) => return Ok(Standing::Invalid),
    };
    let site = site.id;
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                let id = ClaimId(token.id);
                let Some(claim) = store::magnets::find_claim(session, site, id).await? else {
                    return Ok(Standing::Invalid);
                };
                let magnet = store::magnets::find(session, site, claim.magnet_id).await?;
                Ok(match magnet {
                    None => Standing::Invalid,
                    Some(magnet) if is_over || claim.downloads >= DOWNLOADS_MAX => {
                        Standing::Over(magnet)
                    }
                    Some(magnet) => Standing::Ready(claim, magnet),
                })
            })
        })
        .await
}

/// Fetches it: counts, and confirms what waited for it.
///
/// # Errors
/// Its downloads are used up.
pub async fn fetch(engine: &Engine, site: &Site, claim: Claim, magnet: Magnet) -> Result<Gift> {
    let (of, site) = (engine.clone(), site.clone());
    let magnet_id = magnet.id;
    engine
        .write(move |tx| {
            Box::pin(async move {
                let now = of.now();
                let counted = store::magnets::downloaded(tx, site.id, claim.id, now, DOWNLOADS_MAX);
                if !counted.await? {
                    let message = "this link was used very often; please ask for a new mail";
                    return Err(Refused::new("downloads_over", message).into());
                }
                let data = json!({ "magnet": magnet_id });
                let event = NewEvent {
                    kind: "magnet.downloaded",
                    contact_id: Some(claim.contact_id),
                    subject_id: Some(magnet_id.0),
                    data: &data,
                };
                of.record(tx, site.id, event).await?;
                if let Some(id) = claim.confirmation_id
                    && let Some(asked) = store::confirmations::find(tx, site.id, id).await?
                    && now <= asked.expires_at
                {
                    confirmations::complete(&of, tx, &site, &asked).await?;
                }
                Ok(())
            })
        })
        .await?;
    engine.wake();
    match (magnet.kind, magnet.file_id, magnet.url) {
        (MagnetKind::File, Some(id), _) => Ok(Gift::File(id)),
        (MagnetKind::Link, _, Some(url)) => Ok(Gift::Link(url)),
        _ => Err(EngineError::Fault(format!("the magnet {} has lost its gift", magnet.slug))),
    }
}

/// What fetching still confirms: the wordings agreed to with it; nothing where it is confirmed.
pub async fn waiting_for(
    engine: &Engine,
    site: &Site,
    id: ConfirmationId,
) -> Result<Option<Vec<String>>> {
    let (site, now) = (site.id, engine.now());
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                let asked = store::confirmations::find(session, site, id).await?;
                let open = asked.filter(|asked| asked.state == "open" && now <= asked.expires_at);
                let Some(asked) = open else { return Ok(None) };
                let mut texts = Vec::new();
                for grant in asked.grants {
                    let found = store::consents::find_wording(session, site, grant.wording).await?;
                    texts.extend(found.map(|wording| wording.text));
                }
                Ok(Some(texts))
            })
        })
        .await
}
