//! Makes and changes sites.

use model::audits::Actor;
use model::forms::check_origin;
use model::jobs::Work;
use model::sites::Site;
use model::{Currency, EmailAddr, Refused, SiteId};
use store::Tx;

use crate::deliver::NO_ADDRESS;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{audits, jobs, outbox};

/// Writes a site, new or changed, and lets it answer to `hosts` (exact names, no port).
///
/// # Errors
/// The base address or the time zone cannot be used.
pub async fn put(engine: &Engine, site: Site, hosts: Vec<String>) -> Result<SiteId> {
    let site = prepared(engine, site)?;
    let (of, id) = (engine.clone(), site.id);
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                write(&of, tx, &site).await?;
                for host in hosts {
                    store::sites::add_host(tx, site.id, &host.to_ascii_lowercase()).await?;
                }
                Ok(())
            })
        })
        .await?;
    Ok(id)
}

/// Writes the settings of a site that an operator changed.
///
/// # Errors
/// Something in them cannot be used, all of it named at its field.
pub async fn change(engine: &Engine, actor: Actor, site: Site) -> Result<()> {
    let mut wrong = Vec::new();
    wrong.extend(check(&site).err());
    wrong.extend(check_move(engine, &site).await?);
    wrong.dedup_by(|a, b| a.field == b.field);
    wrong.extend(check_people(&site));
    if !wrong.is_empty() {
        return Err(EngineError::RefusedAll(wrong));
    }
    let (engine_in, changed) = (engine.clone(), site.clone());
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                write(&engine_in, tx, &site).await?;
                answer_to_base_url(tx, &site).await?;
                audits::record(&engine_in, tx, site.id, actor, "site.changed", site.id, &()).await
            })
        })
        .await?;
    outbox::release_held(engine, &changed, NO_ADDRESS).await.map(drop)
}

/// Writes a site. Where its days begin at another hour from now on, all that was summed by day is
/// counted anew: at once as far as pages count days from their rows, the rest by a job.
pub(crate) async fn write(engine: &Engine, tx: &mut Tx<'_>, site: &Site) -> Result<()> {
    let known = store::sites::find(tx, site.id).await?;
    store::sites::put(tx, site, engine.now()).await?;
    if known.is_some_and(|known| known.timezone != site.timezone) {
        store::stages::forget_days(tx, site.id, "").await?;
        store::balances::forget(tx, site.id).await?;
        let key = format!("rebuild:{}", engine.next_id());
        jobs::enqueue(engine, tx, site.id, &Work::Rebuild, &key, engine.now()).await?;
    }
    Ok(())
}

/// Names the other sites whose views a site counts.
///
/// # Errors
/// One of them is no site.
pub async fn count_views_of(
    engine: &Engine,
    actor: Actor,
    site: &Site,
    origins: Vec<String>,
) -> Result<()> {
    for origin in &origins {
        check_origin(origin).map_err(|refused| refused.at("view_origins"))?;
    }
    let mut site = site.clone();
    site.settings.view_origins = origins;
    change(engine, actor, site).await
}

/// Refuses an address a site cannot move to. One it was made with, for a test, may stay.
async fn check_move(engine: &Engine, site: &Site) -> Result<Option<Refused>> {
    let id = site.id;
    let known = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::sites::find(session, id).await?) })
        })
        .await?;
    let stays = known.is_some_and(|known| known.base_url == site.base_url);
    Ok(if stays { None } else { model::sites::check_base_url(&site.base_url).err() })
}

/// Lets a site answer where its links lead. The names it had before stay, for links already sent.
async fn answer_to_base_url(tx: &mut Tx<'_>, site: &Site) -> Result<()> {
    let host = site.host().to_ascii_lowercase();
    match store::sites::find_by_host(tx, &host).await? {
        Some(known) if known.id == site.id => Ok(()),
        Some(_) => {
            let say = format!("another site answers to {host}: choose another address");
            Err(Refused::new("host_taken", say).at("base_url").into())
        }
        None => Ok(store::sites::add_host(tx, site.id, &host).await?),
    }
}

/// What readers of mail and pages are shown, and prices are in. No mail leaves where one of these
/// is wrong, so every door checks them.
pub(crate) fn check_people(site: &Site) -> Vec<Refused> {
    let mut wrong = Vec::new();
    let mut need = |text: &str, code, message: &str, field: &'static str| {
        if text.trim().is_empty() {
            wrong.push(Refused::new(code, message).at(field));
        }
    };
    need(&site.name, "name_missing", "please give it a name", "name");
    need(&site.sender_name, "sender_missing", "please say who writes", "sender_name");
    need(
        &site.postal_address,
        "address_missing",
        "every marketing mail must say where you are: please give a postal address",
        "postal_address",
    );
    wrong.extend(EmailAddr::parse(&site.sender_address).err().map(|r| r.at("sender_address")));
    if let Some(reply_to) = &site.reply_to {
        wrong.extend(EmailAddr::parse(reply_to).err().map(|r| r.at("reply_to")));
    }
    wrong.extend(Currency::parse(&site.currency).err().map(|r| r.at("currency")));
    wrong
}

/// The site checked, with an id where it is new.
pub(crate) fn prepared(engine: &Engine, mut site: Site) -> Result<Site> {
    check(&site)?;
    if site.id.0 == 0 {
        site.id = SiteId(engine.next_id());
        site.created_at = engine.now();
    }
    Ok(site)
}

fn check(site: &Site) -> std::result::Result<(), Refused> {
    let plain = site.base_url.starts_with("http://") || site.base_url.starts_with("https://");
    if !plain || site.base_url.ends_with('/') {
        return Err(Refused::new(
            "base_url_invalid",
            "write the address as https://shop.example, without a slash at the end",
        )
        .at("base_url"));
    }
    if jiff::tz::TimeZone::get(&site.timezone).is_err() {
        return Err(Refused::new(
            "timezone_unknown",
            "use a name of the time zone list, such as Europe/Berlin",
        )
        .at("timezone"));
    }
    Ok(())
}

/// The site called `slug`.
///
/// # Errors
/// There is none.
pub async fn get_by_slug(engine: &Engine, slug: &str) -> Result<Site> {
    let wanted = slug.to_owned();
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                store::sites::find_by_slug(session, &wanted)
                    .await?
                    .ok_or_else(|| EngineError::missing("site", wanted))
            })
        })
        .await
}

/// The site that answers to `host`, from memory where nothing changed; nothing where none does.
pub async fn by_host(engine: &Engine, host: &str) -> Result<Option<std::sync::Arc<Site>>> {
    let revision = engine.revision();
    if let Some(site) = engine.kept_sites().get(revision, host) {
        return Ok(Some(site));
    }
    let wanted = host.to_owned();
    let found = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::sites::find_by_host(session, &wanted).await?) })
        })
        .await?;
    let Some(site) = found.map(std::sync::Arc::new) else { return Ok(None) };
    engine.kept_sites().put(revision, host.to_owned(), site.clone());
    Ok(Some(site))
}
