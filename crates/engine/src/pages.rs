//! Makes, changes, publishes and retires pages.

use model::blocks::PageContent;
use model::ids::PageId;
use model::pages::{Page, PageDraft};
use model::{Refused, SiteId, Slug};
use store::events::NewEvent;
use store::{StoreError, Tx};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{audits, files};

/// Writes a new page as a draft.
///
/// # Errors
/// The slug is taken or reserved, or the content must be mended.
pub async fn create(engine: &Engine, site: SiteId, draft: PageDraft) -> Result<PageId> {
    check_pictures(engine, site, &draft.content).await?;
    let engine_too = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                let id = create_in(&engine_too, tx, site, &draft).await?;
                audits::note(&engine_too, tx, site, "page.made", id, &()).await?;
                Ok(id)
            })
        })
        .await
}

/// The same within a transaction.
pub(crate) async fn create_in(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    draft: &PageDraft,
) -> Result<PageId> {
    check(draft)?;
    let now = engine.now();
    let page = Page {
        id: PageId(engine.next_id()),
        slug: draft.slug.clone(),
        kind: draft.kind,
        title: draft.content.title.clone(),
        draft_version: 1,
        published_version: None,
        published_at: None,
        retired_at: None,
        created_at: now,
        updated_at: now,
    };
    if store::pages::find_by_slug(tx, site, &page.slug).await?.is_some() {
        return Err(taken().into());
    }
    store::pages::insert(tx, site, &page, &draft.content).await?;
    show_files(tx, site, &draft.content).await?;
    Ok(page.id)
}

/// Whether what a page names and nobody was shown before can be shown.
async fn check_pictures(engine: &Engine, site: SiteId, content: &PageContent) -> Result<()> {
    let names: Vec<String> = content.files().into_iter().map(str::to_owned).collect();
    let files = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut files = Vec::new();
                for name in &names {
                    files.extend(store::files::find_by_name(session, site, name).await?);
                }
                Ok(files)
            })
        })
        .await?;
    let pictures = files.into_iter().filter(|file| file.content_type.starts_with("image/"));
    for file in pictures.filter(|file| !file.is_public) {
        if let Err(EngineError::Refused(refused)) = files::shown(engine, &file).await {
            let message = format!("{}: {}", file.name, refused.message);
            return Err(Refused::new(refused.code, message).at("image").into());
        }
    }
    Ok(())
}

/// What a page names is to be seen by all; nothing else that is stored is.
async fn show_files(tx: &mut Tx<'_>, site: SiteId, content: &PageContent) -> Result<()> {
    for name in content.files() {
        if let Some(file) = store::files::find_by_name(tx, site, name).await? {
            store::files::show(tx, site, file.id).await?;
        }
    }
    Ok(())
}

/// Writes a new version of a page, based on version `based_on`.
///
/// # Errors
/// Somebody else made a newer version meanwhile ([`EngineError::Conflict`]); the slug is taken; or
/// the content must be mended.
pub async fn change(
    engine: &Engine,
    site: SiteId,
    id: PageId,
    based_on: i64,
    draft: PageDraft,
) -> Result<()> {
    check_pictures(engine, site, &draft.content).await?;
    let engine_too = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                change_in(&engine_too, tx, site, id, based_on, &draft).await?;
                audits::note(&engine_too, tx, site, "page.saved", id, &()).await
            })
        })
        .await
}

/// The same within a transaction.
pub(crate) async fn change_in(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    id: PageId,
    based_on: i64,
    draft: &PageDraft,
) -> Result<()> {
    check(draft)?;
    show_files(tx, site, &draft.content).await?;
    let found = store::pages::find(tx, site, id).await?;
    let mut page = found.ok_or_else(|| EngineError::missing("page", id))?;
    page.slug.clone_from(&draft.slug);
    page.kind = draft.kind;
    page.draft_version = based_on;
    match store::pages::change(tx, site, &page, &draft.content, engine.now()).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(EngineError::Conflict(
            "somebody else saved this page after you opened it; compare both texts and save again"
                .to_owned(),
        )),
        Err(StoreError::Duplicate(_)) => Err(taken().into()),
        Err(other) => Err(other.into()),
    }
}

/// Makes the newest version public.
pub async fn publish(engine: &Engine, site: SiteId, id: PageId) -> Result<()> {
    let engine_too = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                publish_in(&engine_too, tx, site, id).await?;
                audits::note(&engine_too, tx, site, "page.published", id, &()).await
            })
        })
        .await
}

/// The same within a transaction.
pub(crate) async fn publish_in(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    id: PageId,
) -> Result<()> {
    if !store::pages::publish(tx, site, id, engine.now()).await? {
        return Err(EngineError::missing("page", id));
    }
    let event = NewEvent {
        kind: "page.published",
        contact_id: None,
        subject_id: Some(id.0),
        data: &serde_json::json!({}),
    };
    engine.record(tx, site, event).await
}

/// Takes a page away from the public: its address then answers 410.
pub async fn retire(engine: &Engine, site: SiteId, id: PageId) -> Result<()> {
    let (now, of) = (engine.now(), engine.clone());
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                if !store::pages::retire(tx, site, id, now).await? {
                    return Err(EngineError::missing("page", id));
                }
                audits::note(&of, tx, site, "page.retired", id, &()).await
            })
        })
        .await
}

fn check(draft: &PageDraft) -> std::result::Result<(), Refused> {
    Slug::parse(&draft.slug).map_err(|refused| refused.at("slug"))?;
    PageContent::check(&draft.content)
}

fn taken() -> Refused {
    Refused::new("slug_taken", "another page has this address; choose another").at("slug")
}
