//! Page views by day, in the database of their own.

use model::SiteId;
use model::views::DayKey;

use crate::{FromRow, Result, Row, Session, Tx};

const ADD: &str = "insert into page_view_days
    (site_id, day, page, source, medium, campaign, views, visitors)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (site_id, day, page, source, medium, campaign) do update
    set views = page_view_days.views + excluded.views,
        visitors = page_view_days.visitors + excluded.visitors";

const BY_SOURCE: &str = "select source, medium, campaign, cast(sum(views) as bigint),
    cast(sum(visitors) as bigint)
    from page_view_days where site_id = $1 and day >= $2 and day <= $3
    group by source, medium, campaign";
const BY_PAGE: &str = "select page, cast(sum(views) as bigint), cast(sum(visitors) as bigint)
    from page_view_days where site_id = $1 and day >= $2 and day <= $3 group by page";

/// One row: the views of a page on a day by where they came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayViews {
    /// What is counted.
    pub key: DayKey,
    /// Views.
    pub views: i64,
    /// Visitors of that day among them.
    pub visitors: i64,
}

impl FromRow for DayViews {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            key: DayKey {
                day: row.take()?,
                page: row.take()?,
                source: row.take()?,
                medium: row.take()?,
                campaign: row.take()?,
            },
            views: row.take()?,
            visitors: row.take()?,
        })
    }
}

/// Adds to the counts.
pub async fn add(
    tx: &mut Tx<'_>,
    site: SiteId,
    key: &DayKey,
    views: i64,
    visitors: i64,
) -> Result<()> {
    tx.query(ADD)
        .bind(site)
        .bind(&key.day)
        .bind(&key.page)
        .bind(&key.source)
        .bind(&key.medium)
        .bind(&key.campaign)
        .bind(views)
        .bind(visitors)
        .run()
        .await
        .map(drop)
}

/// Views and visitors of the days `from ..= to` by where they came from: source, medium,
/// campaign, views, visitors.
pub async fn by_source(
    session: &mut Session<'_>,
    site: SiteId,
    from: &str,
    to: &str,
) -> Result<Vec<(String, String, String, i64, i64)>> {
    session.query(BY_SOURCE).bind(site).bind(from).bind(to).all().await
}

/// The same by page: path, views, and visitors who came in by it.
pub async fn by_page(
    session: &mut Session<'_>,
    site: SiteId,
    from: &str,
    to: &str,
) -> Result<Vec<(String, i64, i64)>> {
    session.query(BY_PAGE).bind(site).bind(from).bind(to).all().await
}
