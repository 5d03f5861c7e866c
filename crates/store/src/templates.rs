//! Templates and their frozen versions, with the links each version leads to.

use model::ids::{TemplateId, TemplateVersionId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const FIND: &str = "select site_id, id, slug, name, version_id, revision, created_at, updated_at,
    retired_at from templates where site_id = $1 and id = $2";
const FIND_BY_SLUG: &str = "select site_id, id, slug, name, version_id, revision, created_at,
    updated_at, retired_at from templates where site_id = $1 and slug = $2";
const LIST: &str = "select site_id, id, slug, name, version_id, revision, created_at, updated_at,
    retired_at from templates where site_id = $1 order by name, id";
const INSERT: &str = "insert into templates (site_id, id, slug, name, version_id, revision,
    created_at, updated_at) values ($1, $2, $3, $4, $5, 1, $6, $6)";
const UPDATE: &str = "update templates set slug = $4, name = $5, version_id = $6,
    revision = revision + 1, updated_at = $7, retired_at = $8
    where site_id = $1 and id = $2 and revision = $3";
const INSERT_VERSION: &str = "insert into template_versions (site_id, id, template_id, number,
    format, subject, source, html, plain, created_at) values ($1, $2, $3,
        (select coalesce(max(number), 0) + 1 from template_versions
            where site_id = $1 and template_id = $3), $4, $5, $6, $7, $8, $9)";
const FIND_VERSION: &str = "select id, template_id, number, format, subject, source, html, plain,
    created_at from template_versions where site_id = $1 and id = $2";
const VERSIONS: &str = "select id, template_id, number, format, subject, source, html, plain,
    created_at from template_versions where site_id = $1 and template_id = $2
    order by number desc limit $3";
const INSERT_LINK: &str = "insert into links (site_id, version_id, position, target)
    values ($1, $2, $3, $4)";
const LINKS: &str = "select target from links where site_id = $1 and version_id = $2
    order by position";

/// A template: its current version says what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its site.
    pub site_id: SiteId,
    /// Its id.
    pub id: TemplateId,
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What is sent now.
    pub version_id: TemplateVersionId,
    /// Goes up with each change.
    pub revision: i64,
    /// When it was made.
    pub created_at: UtcMs,
    /// When it was last changed.
    pub updated_at: UtcMs,
    /// Since when it is not offered any more.
    pub retired_at: Option<UtcMs>,
}

impl FromRow for Template {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            site_id: row.take()?,
            id: row.take()?,
            slug: row.take()?,
            name: row.take()?,
            version_id: row.take()?,
            revision: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
            retired_at: row.take()?,
        })
    }
}

/// One frozen version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateVersion {
    /// Its id.
    pub id: TemplateVersionId,
    /// Of which template.
    pub template_id: TemplateId,
    /// 1, 2, 3 …
    pub number: i64,
    /// `markdown` or `html`.
    pub format: String,
    /// The subject.
    pub subject: String,
    /// As it was written.
    pub source: String,
    /// Made of it: in the layout, styles inlined, links by number.
    pub html: String,
    /// Made of it: the text part.
    pub plain: String,
    /// When it was saved.
    pub created_at: UtcMs,
}

impl FromRow for TemplateVersion {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            template_id: row.take()?,
            number: row.take()?,
            format: row.take()?,
            subject: row.take()?,
            source: row.take()?,
            html: row.take()?,
            plain: row.take()?,
            created_at: row.take()?,
        })
    }
}

/// The template with this id.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    id: TemplateId,
) -> Result<Option<Template>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// The template with this slug.
pub async fn find_by_slug(
    session: &mut Session<'_>,
    site: SiteId,
    slug: &str,
) -> Result<Option<Template>> {
    session.query(FIND_BY_SLUG).bind(site).bind(slug).maybe().await
}

/// All templates of a site by name.
pub async fn list(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Template>> {
    session.query(LIST).bind(site).all().await
}

/// Makes a template.
pub async fn insert(tx: &mut Tx<'_>, new: &Template, now: UtcMs) -> Result<()> {
    let q = tx.query(INSERT).bind(new.site_id).bind(new.id).bind(&new.slug).bind(&new.name);
    q.bind(new.version_id).bind(now).run().await.map(drop)
}

/// Writes a template over its revision; `false` where somebody else changed it meanwhile.
pub async fn update(tx: &mut Tx<'_>, changed: &Template, now: UtcMs) -> Result<bool> {
    let q = tx.query(UPDATE).bind(changed.site_id).bind(changed.id).bind(changed.revision);
    let q = q.bind(&changed.slug).bind(&changed.name).bind(changed.version_id).bind(now);
    Ok(q.bind(changed.retired_at).run().await? == 1)
}

/// Freezes a version with its links, the hidden one first; its number is the next one.
pub async fn insert_version(
    tx: &mut Tx<'_>,
    site: SiteId,
    new: &TemplateVersion,
    links: &[String],
    now: UtcMs,
) -> Result<()> {
    let q = tx.query(INSERT_VERSION).bind(site).bind(new.id).bind(new.template_id);
    let q = q.bind(&new.format).bind(&new.subject).bind(&new.source).bind(&new.html);
    q.bind(&new.plain).bind(now).run().await?;
    for (position, target) in (0_i64..).zip(links) {
        let q = tx.query(INSERT_LINK).bind(site).bind(new.id).bind(position);
        q.bind(target).run().await?;
    }
    Ok(())
}

/// The version with this id.
pub async fn find_version(
    session: &mut Session<'_>,
    site: SiteId,
    id: TemplateVersionId,
) -> Result<Option<TemplateVersion>> {
    session.query(FIND_VERSION).bind(site).bind(id).maybe().await
}

/// The newest versions of a template.
pub async fn versions(
    session: &mut Session<'_>,
    site: SiteId,
    template: TemplateId,
    limit: i64,
) -> Result<Vec<TemplateVersion>> {
    session.query(VERSIONS).bind(site).bind(template).bind(limit).all().await
}

/// Where the links of a version lead, the hidden one first.
pub async fn links(
    session: &mut Session<'_>,
    site: SiteId,
    version: TemplateVersionId,
) -> Result<Vec<String>> {
    session.query(LINKS).bind(site).bind(version).all().await
}
