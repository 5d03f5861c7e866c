//! Pages and their versions.

use model::blocks::PageContent;
use model::ids::PageId;
use model::pages::Page;
use model::{SiteId, UtcMs};

use crate::{FromRow, Json, Result, Row, Session, Tx};

const FIND: &str = "select id, slug, kind, title, draft_version, published_version, published_at,
    retired_at, created_at, updated_at from pages where site_id = $1 and id = $2";
const FIND_BY_SLUG: &str = "select id, slug, kind, title, draft_version, published_version,
    published_at, retired_at, created_at, updated_at from pages where site_id = $1 and slug = $2";
const LIST: &str = "select id, slug, kind, title, draft_version, published_version, published_at,
    retired_at, created_at, updated_at from pages where site_id = $1 and id > $2
    order by id limit $3";
const INSERT: &str = "insert into pages (site_id, id, slug, kind, title, draft_version, created_at,
    updated_at) values ($1, $2, $3, $4, $5, 1, $6, $6)";
const CHANGE: &str = "update pages set slug = $3, kind = $4, title = $5,
    draft_version = draft_version + 1, updated_at = $6
    where site_id = $1 and id = $2 and draft_version = $7";
const PUBLISH: &str = "update pages set published_version = draft_version,
    published_at = coalesce(published_at, $3), retired_at = null
    where site_id = $1 and id = $2";
const RETIRE: &str = "update pages set retired_at = $3 where site_id = $1 and id = $2";
const INSERT_VERSION: &str = "insert into page_versions (site_id, page_id, version, content,
    created_at) values ($1, $2, $3, $4, $5)";
const CONTENT: &str = "select content from page_versions
    where site_id = $1 and page_id = $2 and version = $3";
const VERSIONS: &str = "select version, created_at from page_versions
    where site_id = $1 and page_id = $2 order by version desc limit $3";

impl FromRow for Page {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            slug: row.take()?,
            kind: row.word()?,
            title: row.take()?,
            draft_version: row.take()?,
            published_version: row.take()?,
            published_at: row.take()?,
            retired_at: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }
}

/// The page with this id.
pub async fn find(session: &mut Session<'_>, site: SiteId, id: PageId) -> Result<Option<Page>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// The page at this place.
pub async fn find_by_slug(
    session: &mut Session<'_>,
    site: SiteId,
    slug: &str,
) -> Result<Option<Page>> {
    session.query(FIND_BY_SLUG).bind(site).bind(slug).maybe().await
}

/// Pages after `after`, oldest first.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    after: PageId,
    limit: i64,
) -> Result<Vec<Page>> {
    session.query(LIST).bind(site).bind(after).bind(limit).all().await
}

/// Writes a new page with its first version.
pub async fn insert(
    tx: &mut Tx<'_>,
    site: SiteId,
    page: &Page,
    content: &PageContent,
) -> Result<()> {
    tx.query(INSERT)
        .bind(site)
        .bind(page.id)
        .bind(&page.slug)
        .bind(page.kind.as_str())
        .bind(&page.title)
        .bind(page.created_at)
        .run()
        .await?;
    insert_version(tx, site, page.id, 1, content, page.created_at).await
}

/// Writes a new version of `page`, whose `draft_version` is the one it is based on; `false` where
/// somebody else made a newer one meanwhile.
pub async fn change(
    tx: &mut Tx<'_>,
    site: SiteId,
    page: &Page,
    content: &PageContent,
    now: UtcMs,
) -> Result<bool> {
    let changed = tx
        .query(CHANGE)
        .bind(site)
        .bind(page.id)
        .bind(&page.slug)
        .bind(page.kind.as_str())
        .bind(&content.title)
        .bind(now)
        .bind(page.draft_version)
        .run()
        .await?;
    if changed == 1 {
        insert_version(tx, site, page.id, page.draft_version + 1, content, now).await?;
    }
    Ok(changed == 1)
}

async fn insert_version(
    tx: &mut Tx<'_>,
    site: SiteId,
    page: PageId,
    version: i64,
    content: &PageContent,
    now: UtcMs,
) -> Result<()> {
    let query = tx.query(INSERT_VERSION).bind(site).bind(page).bind(version);
    query.bind(Json(content)).bind(now).run().await.map(drop)
}

/// Makes the newest version public.
pub async fn publish(tx: &mut Tx<'_>, site: SiteId, id: PageId, now: UtcMs) -> Result<bool> {
    Ok(tx.query(PUBLISH).bind(site).bind(id).bind(now).run().await? == 1)
}

/// Takes the page away from the public.
pub async fn retire(tx: &mut Tx<'_>, site: SiteId, id: PageId, now: UtcMs) -> Result<bool> {
    Ok(tx.query(RETIRE).bind(site).bind(id).bind(now).run().await? == 1)
}

/// What a version holds.
pub async fn content(
    session: &mut Session<'_>,
    site: SiteId,
    page: PageId,
    version: i64,
) -> Result<Option<PageContent>> {
    let query = session.query(CONTENT).bind(site).bind(page).bind(version);
    Ok(query.maybe::<Stored>().await?.map(|stored| stored.0))
}

struct Stored(PageContent);

impl FromRow for Stored {
    fn from_row(row: &mut Row) -> Result<Self> {
        row.json().map(Self)
    }
}

/// The versions of a page with their instants, newest first.
pub async fn versions(
    session: &mut Session<'_>,
    site: SiteId,
    page: PageId,
    limit: i64,
) -> Result<Vec<(i64, UtcMs)>> {
    session.query(VERSIONS).bind(site).bind(page).bind(limit).all().await
}
