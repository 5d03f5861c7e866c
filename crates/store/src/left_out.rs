//! Page views that were not counted, by day and reason, in the database of views.

use model::SiteId;

use crate::{FromRow, Result, Row, Session, Tx};

const ADD: &str = "insert into view_left_out_days (site_id, day, reason, views)
    values ($1, $2, $3, $4)
    on conflict (site_id, day, reason) do update
    set views = view_left_out_days.views + excluded.views";
const WITHIN: &str = "select day, reason, views from view_left_out_days
    where site_id = $1 and day >= $2 and day <= $3 order by day, reason";

/// The views of a day that were left out for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOutDay {
    /// The day in the site's zone, ISO.
    pub day: String,
    /// Why: a word of [`model::bots::LeftOut`].
    pub reason: String,
    /// How many.
    pub views: i64,
}

impl FromRow for LeftOutDay {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { day: row.take()?, reason: row.take()?, views: row.take()? })
    }
}

/// Adds to the counts.
pub async fn add(tx: &mut Tx<'_>, site: SiteId, day: &str, reason: &str, views: i64) -> Result<()> {
    tx.query(ADD).bind(site).bind(day).bind(reason).bind(views).run().await.map(drop)
}

/// What was left out on the days `from ..= to`, oldest first.
pub async fn within(
    session: &mut Session<'_>,
    site: SiteId,
    from: &str,
    to: &str,
) -> Result<Vec<LeftOutDay>> {
    session.query(WITHIN).bind(site).bind(from).bind(to).all().await
}
