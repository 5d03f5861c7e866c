//! Forms and magnets, to and from a file.

use std::collections::BTreeMap;

use model::ids::FileId;
use model::sites::Site;
use store::{Session, Tx};

use super::apply::{Ground, file};
use super::changes::Change;
use super::document::{Document, MagnetDoc};
use crate::fault::{EngineError, Result};
use crate::magnets::Gift;
use crate::{forms, magnets};

/// Adds what is on the site to `document`. Retired forms are no part of a funnel.
pub async fn read(
    session: &mut Session<'_>,
    site: &Site,
    names: &BTreeMap<FileId, String>,
    document: &mut Document,
) -> Result<()> {
    for magnet in store::magnets::list(session, site.id).await? {
        let name = |id: FileId| names.get(&id).cloned().unwrap_or_else(|| id.to_string());
        let file = magnet.file_id.map(name);
        let doc = MagnetDoc { name: magnet.name, file, url: magnet.url };
        document.magnets.insert(magnet.slug, doc);
    }
    for form in store::forms::list(session, site.id).await? {
        if form.is_live {
            document.forms.insert(form.slug, form.spec);
        }
    }
    Ok(())
}

/// Writes the form or magnet of a change.
pub async fn write(
    ground: &Ground<'_>,
    tx: &mut Tx<'_>,
    wanted: &Document,
    change: &Change,
) -> Result<()> {
    let (engine, site, slug) = (ground.engine, ground.site.id, change.slug.as_str());
    if let Some(doc) = wanted.magnets.get(slug).filter(|_| change.kind == "magnets") {
        let gift = match (&doc.file, &doc.url) {
            (Some(name), None) => Gift::File(file(ground, name)?),
            (None, Some(url)) => Gift::Link(url.clone()),
            _ => {
                let message = "a magnet is one thing: a file, or a url".to_owned();
                return Err(EngineError::Refused(
                    model::Refused::new("magnet_kind", message).at("file"),
                ));
            }
        };
        magnets::put_in(engine, tx, site, slug, &doc.name, gift).await?;
    }
    if let Some(spec) = wanted.forms.get(slug).filter(|_| change.kind == "forms") {
        let known = store::forms::find_by_slug(tx, site, slug).await?;
        let name = known.as_ref().map_or(spec.title.as_str(), |form| form.name.as_str());
        forms::put_in(engine, tx, site, slug, name, spec.clone()).await?;
        if known.is_some_and(|form| !form.is_live) {
            set_live(ground, tx, slug, true).await?;
        }
    }
    Ok(())
}

/// Takes a form away; what it collected stays.
pub async fn retire(ground: &Ground<'_>, tx: &mut Tx<'_>, slug: &str) -> Result<()> {
    set_live(ground, tx, slug, false).await
}

async fn set_live(ground: &Ground<'_>, tx: &mut Tx<'_>, slug: &str, is_live: bool) -> Result<()> {
    let site = ground.site.id;
    if let Some(mut form) = store::forms::find_by_slug(tx, site, slug).await? {
        form.is_live = is_live;
        form.updated_at = ground.engine.now();
        store::forms::update(tx, site, &form, false).await?;
    }
    Ok(())
}
