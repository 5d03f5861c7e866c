//! Short links: a few letters for print, that lead to a page with its campaign's tags.

use model::ids::ShortLinkId;
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const INSERT: &str = "insert into short_links
    (site_id, id, code, destination, source, medium, campaign, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const FIND_BY_CODE: &str = "select id, code, destination, source, medium, campaign, created_at
    from short_links where site_id = $1 and code = $2";
const LIST: &str = "select id, code, destination, source, medium, campaign, created_at
    from short_links where site_id = $1 and id < $2 order by id desc limit $3";

/// One short link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortLink {
    /// Its id.
    pub id: ShortLinkId,
    /// What stands after `/go/`.
    pub code: String,
    /// The path it leads to.
    pub destination: String,
    /// `utm_source`.
    pub source: String,
    /// `utm_medium`.
    pub medium: String,
    /// `utm_campaign`; may be empty.
    pub campaign: String,
    /// When it was made.
    pub created_at: UtcMs,
}

impl FromRow for ShortLink {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            code: row.take()?,
            destination: row.take()?,
            source: row.take()?,
            medium: row.take()?,
            campaign: row.take()?,
            created_at: row.take()?,
        })
    }
}

/// Writes a new short link.
pub async fn insert(tx: &mut Tx<'_>, site: SiteId, link: &ShortLink) -> Result<()> {
    tx.query(INSERT)
        .bind(site)
        .bind(link.id)
        .bind(&link.code)
        .bind(&link.destination)
        .bind(&link.source)
        .bind(&link.medium)
        .bind(&link.campaign)
        .bind(link.created_at)
        .run()
        .await
        .map(drop)
}

/// The short link with this code.
pub async fn find_by_code(
    session: &mut Session<'_>,
    site: SiteId,
    code: &str,
) -> Result<Option<ShortLink>> {
    session.query(FIND_BY_CODE).bind(site).bind(code).maybe().await
}

/// Short links, newest first, from before `before`.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    before: ShortLinkId,
    limit: i64,
) -> Result<Vec<ShortLink>> {
    session.query(LIST).bind(site).bind(before).bind(limit).all().await
}
