//! Page views in a database of their own: each as it came, and
//! counted by day and by month. Pages and origins
//! are words; a view holds their numbers.

use std::collections::BTreeMap;

use model::spans::{Span, day_number};
use model::views::Origin;
use model::{SiteId, UtcMs};

use crate::order_sums::pieces;
use crate::{FromRow, Result, Row, Session, Tx};

const TAKE_IDS: &str = "insert into view_ids (one, last_id) values (1, $1)
    on conflict (one) do update set last_id = view_ids.last_id + excluded.last_id
    returning last_id";
const APPEND: &str = "insert into page_views (id, site_id, day, at, visitor, page, origin)
    values ($1, $2, $3, $4, $5, $6, $7)";
const OF_A_DAY: &str = "select at, visitor, page, origin from page_views
    where id >= $1 and id <= $2 and site_id = $3 and day = $4 order by id";
const FORGET_BELOW: &str = "delete from page_views where id < $1";
const FIRST_KEPT: &str = "select coalesce(
    (select min(first_id) from view_days where day >= $1 and last_id > 0),
    (select max(last_id) + 1 from view_days))";
const UNMARK: &str = "update view_days set first_id = 0, last_id = 0
    where day < $1 and last_id > 0";

const ADD: &str = "insert into page_view_sums (site_id, per, period, page, origin, views, visitors)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (site_id, per, period, page, origin) do update
    set views = page_view_sums.views + excluded.views,
        visitors = page_view_sums.visitors + excluded.visitors";
const ADD_DAY: &str = "insert into view_days (site_id, day, first_id, last_id, views, visitors)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (site_id, day) do update
    set first_id = case when view_days.last_id = 0 or excluded.first_id < view_days.first_id
            then excluded.first_id else view_days.first_id end,
        last_id = case when excluded.last_id > view_days.last_id
            then excluded.last_id else view_days.last_id end,
        views = view_days.views + excluded.views,
        visitors = view_days.visitors + excluded.visitors";
const FORGET: &str = "delete from page_view_sums where site_id = $1 and per = $2 and period = $3";
const FORGET_DAY: &str =
    "update view_days set views = 0, visitors = 0 where site_id = $1 and day = $2";
const COUNT_MONTH: &str = "insert into page_view_sums
        (site_id, per, period, page, origin, views, visitors)
    select site_id, 'month', cast($2 as text), page, origin, cast(sum(views) as bigint),
        cast(sum(visitors) as bigint)
    from page_view_sums where site_id = $1 and per = 'day' and period >= cast($2 as text) || '-01'
        and period <= cast($2 as text) || '-31'
    group by site_id, page, origin";
const DAYS: &str = "select day, first_id, last_id, views, visitors from view_days
    where site_id = $1 and day >= $2 and day <= $3 order by day";
const OF: &str = "select page, origin, views, visitors from page_view_sums
    where site_id = $1 and per = $2 and period = $3";
const BY_DAYS_OF_MONTH: &str = "select page, origin, cast(sum(views) as bigint),
    cast(sum(visitors) as bigint) from page_view_sums
    where site_id = $1 and per = 'day' and period >= cast($2 as text) || '-01' and period <= cast($2 as text) || '-31'
    group by page, origin";
const BY_SOURCE: &str = "select o.source, o.medium, o.campaign, d.views, d.visitors
    from (select origin, cast(sum(views) as bigint) as views,
            cast(sum(visitors) as bigint) as visitors
            from page_view_sums
            where site_id = $1 and per = $2 and period >= $3 and period <= $4
            group by origin) d
        join view_origins o on o.site_id = $1 and o.id = d.origin";
const BY_PAGE: &str = "select p.path, d.views, d.visitors
    from (select page, cast(sum(views) as bigint) as views,
            cast(sum(visitors) as bigint) as visitors
            from page_view_sums
            where site_id = $1 and per = $2 and period >= $3 and period <= $4
            group by page) d
        join view_pages p on p.site_id = $1 and p.id = d.page";
const BY_BOTH: &str = "select p.path, o.source, o.medium, o.campaign, d.views, d.visitors
    from (select page, origin, cast(sum(views) as bigint) as views,
            cast(sum(visitors) as bigint) as visitors
            from page_view_sums
            where site_id = $1 and per = $2 and period >= $3 and period <= $4
            group by page, origin) d
        join view_pages p on p.site_id = $1 and p.id = d.page
        join view_origins o on o.site_id = $1 and o.id = d.origin";
const FIND_PAGE: &str = "select id from view_pages where site_id = $1 and path = $2";
const LAST_PAGE: &str = "select coalesce(max(id), 0) from view_pages where site_id = $1";
const ADD_PAGE: &str = "insert into view_pages (site_id, id, path) values ($1, $2, $3)
    on conflict do nothing";
const PAGES: &str = "select id, path from view_pages where site_id = $1";
const FIND_ORIGIN: &str = "select id from view_origins
    where site_id = $1 and source = $2 and medium = $3 and campaign = $4";
const LAST_ORIGIN: &str = "select coalesce(max(id), 0) from view_origins where site_id = $1";
const ADD_ORIGIN: &str = "insert into view_origins (site_id, id, source, medium, campaign)
    values ($1, $2, $3, $4, $5) on conflict do nothing";
const ORIGINS: &str = "select id, source, medium, campaign from view_origins where site_id = $1";

const PUT_SALT: &str = "insert into view_salts (site_id, day, salt, made_at)
    values ($1, $2, $3, $4) on conflict (site_id, day) do nothing";
const FIND_SALT: &str = "select salt from view_salts where site_id = $1 and day = $2";
const FORGET_SALTS: &str = "delete from view_salts where made_at < $1";

/// Rounds in which a new word looks for a number that no other node takes at the same time.
const TRIES: usize = 20;

/// Sums of one page and origin, in numbers: page, origin, views, visitors.
pub type Counted = [i64; 4];
/// One view, in numbers: id, site, day, instant, visitor (0: not told apart), page, origin.
pub type ViewRow = [i64; 7];

/// How often something was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Views.
    pub views: i64,
    /// Visitors told apart, each counted once a day, where they came in.
    pub visitors: i64,
}

/// The sums of a day, and where its views stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Day {
    /// The day in the site's zone, ISO.
    pub day: String,
    /// Id of the first of its views; those of other days and sites may stand between.
    pub first_id: i64,
    /// Id of the last; 0 once they are deleted.
    pub last_id: i64,
    /// Views.
    pub views: i64,
    /// Visitors told apart.
    pub visitors: i64,
}

impl FromRow for Day {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            day: row.take()?,
            first_id: row.take()?,
            last_id: row.take()?,
            views: row.take()?,
            visitors: row.take()?,
        })
    }
}

/// Gives `count` ids to whoever writes next; the first of them. On PostgreSQL the next writer waits
/// until this one has committed: so a reader that sees an id sees all before it.
pub async fn take_ids(tx: &mut Tx<'_>, count: i64) -> Result<i64> {
    let last: i64 = tx.query(TAKE_IDS).bind(count).one().await?;
    Ok(last - count + 1)
}

/// Appends views.
pub async fn append(tx: &mut Tx<'_>, rows: &[ViewRow]) -> Result<()> {
    tx.run_each(APPEND, rows).await
}

/// Gives the views of a day to `take` in their order: instant, visitor, page, origin. How many
/// there were.
pub async fn each(
    session: &mut Session<'_>,
    site: SiteId,
    day: &Day,
    take: impl FnMut([i64; 4]) + Send,
) -> Result<u64> {
    let number = day.day.parse().map_or(0, day_number);
    let query = session.query(OF_A_DAY).bind(day.first_id).bind(day.last_id);
    query.bind(site).bind(number).each_ints(take).await
}

/// Deletes the views of all sites before the day `day`; the rollups stay. How many views went.
pub async fn forget_before(tx: &mut Tx<'_>, day: &str) -> Result<u64> {
    let first: Option<i64> = tx.query(FIRST_KEPT).bind(day).one().await?;
    let gone = match first {
        Some(first) => tx.query(FORGET_BELOW).bind(first).run().await?,
        None => 0,
    };
    tx.query(UNMARK).bind(day).run().await?;
    Ok(gone)
}

/// Adds to the sums of a day or a month by page and origin.
pub async fn add(
    tx: &mut Tx<'_>,
    site: SiteId,
    (per, period): (&str, &str),
    [page, origin, views, visitors]: Counted,
) -> Result<()> {
    let query = tx.query(ADD).bind(site).bind(per).bind(period).bind(page).bind(origin);
    query.bind(views).bind(visitors).run().await.map(drop)
}

/// Adds to the sums of a day and widens the stretch of its views.
pub async fn add_day(tx: &mut Tx<'_>, site: SiteId, day: &Day) -> Result<()> {
    let query = tx.query(ADD_DAY).bind(site).bind(&day.day).bind(day.first_id).bind(day.last_id);
    query.bind(day.views).bind(day.visitors).run().await.map(drop)
}

/// Empties the sums of a day, to be counted anew.
pub async fn forget_day(tx: &mut Tx<'_>, site: SiteId, day: &str) -> Result<()> {
    tx.query(FORGET).bind(site).bind("day").bind(day).run().await?;
    tx.query(FORGET_DAY).bind(site).bind(day).run().await.map(drop)
}

/// Adds up a month from its days once more.
pub async fn count_month(tx: &mut Tx<'_>, site: SiteId, month: &str) -> Result<()> {
    tx.query(FORGET).bind(site).bind("month").bind(month).run().await?;
    tx.query(COUNT_MONTH).bind(site).bind(month).run().await.map(drop)
}

/// The days `from ..= to` (ISO) that had views.
pub async fn days(
    session: &mut Session<'_>,
    site: SiteId,
    from: &str,
    to: &str,
) -> Result<Vec<Day>> {
    session.query(DAYS).bind(site).bind(from).bind(to).all().await
}

/// The sums of a day or a month by page and origin.
pub async fn of(
    session: &mut Session<'_>,
    site: SiteId,
    (per, period): (&str, &str),
) -> Result<Vec<Counted>> {
    let rows: Vec<(i64, i64, i64, i64)> =
        session.query(OF).bind(site).bind(per).bind(period).all().await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// What [`of`] has to say of a month, from its days.
pub async fn by_days_of_month(
    session: &mut Session<'_>,
    site: SiteId,
    month: &str,
) -> Result<Vec<Counted>> {
    let rows: Vec<(i64, i64, i64, i64)> =
        session.query(BY_DAYS_OF_MONTH).bind(site).bind(month).all().await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Views and visitors of a span by where they came from.
pub async fn by_source(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
) -> Result<Vec<(Origin, Seen)>> {
    let rows: Vec<(String, String, String, i64, i64)> =
        in_pieces(session, site, BY_SOURCE, span).await?;
    let origin = |(source, medium, campaign, views, visitors)| {
        (Origin { source, medium, campaign }, Seen { views, visitors })
    };
    Ok(added(rows.into_iter().map(origin)))
}

/// The same by path; visitors are those who came in by it.
pub async fn by_page(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
) -> Result<Vec<(String, Seen)>> {
    let rows: Vec<(String, i64, i64)> = in_pieces(session, site, BY_PAGE, span).await?;
    let page = |(path, views, visitors)| (path, Seen { views, visitors });
    Ok(added(rows.into_iter().map(page)))
}

/// The same by path and origin.
pub async fn by_page_and_source(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
) -> Result<Vec<((String, Origin), Seen)>> {
    let rows: Vec<(String, String, String, String, i64, i64)> =
        in_pieces(session, site, BY_BOTH, span).await?;
    let both = |(path, source, medium, campaign, views, visitors)| {
        ((path, Origin { source, medium, campaign }), Seen { views, visitors })
    };
    Ok(added(rows.into_iter().map(both)))
}

/// The rows of whole months and of the days at their ends.
async fn in_pieces<R: FromRow>(
    session: &mut Session<'_>,
    site: SiteId,
    sql: &'static str,
    span: Span,
) -> Result<Vec<R>> {
    let mut rows = Vec::new();
    for (per, from, to) in pieces(span) {
        rows.extend(session.query(sql).bind(site).bind(per).bind(&from).bind(&to).all().await?);
    }
    Ok(rows)
}

/// One row a key.
fn added<K: Ord>(rows: impl Iterator<Item = (K, Seen)>) -> Vec<(K, Seen)> {
    let mut sums: BTreeMap<K, Seen> = BTreeMap::new();
    for (key, seen) in rows {
        let sum = sums.entry(key).or_default();
        sum.views += seen.views;
        sum.visitors += seen.visitors;
    }
    sums.into_iter().collect()
}

/// All pages of a site that were ever viewed.
pub async fn pages(session: &mut Session<'_>, site: SiteId) -> Result<Vec<(i64, String)>> {
    session.query(PAGES).bind(site).all().await
}

/// All origins of a site's views.
pub async fn origins(session: &mut Session<'_>, site: SiteId) -> Result<Vec<(i64, Origin)>> {
    let rows: Vec<(i64, String, String, String)> = session.query(ORIGINS).bind(site).all().await?;
    let origin = |(id, source, medium, campaign)| (id, Origin { source, medium, campaign });
    Ok(rows.into_iter().map(origin).collect())
}

/// The number of a page, new where it has none; none where the site has `most` pages already.
pub async fn page_id(tx: &mut Tx<'_>, site: SiteId, path: &str, most: i64) -> Result<Option<i64>> {
    for _ in 0..TRIES {
        if let Some(id) = tx.query(FIND_PAGE).bind(site).bind(path).maybe().await? {
            return Ok(Some(id));
        }
        let last: i64 = tx.query(LAST_PAGE).bind(site).one().await?;
        if last >= most {
            return Ok(None);
        }
        tx.query(ADD_PAGE).bind(site).bind(last + 1).bind(path).run().await?;
    }
    Ok(None)
}

/// The highest numbers that a page and an origin of a site have.
pub async fn last_words(session: &mut Session<'_>, site: SiteId) -> Result<(i64, i64)> {
    let page = session.query(LAST_PAGE).bind(site).one().await?;
    Ok((page, session.query(LAST_ORIGIN).bind(site).one().await?))
}

/// The number of an origin, likewise.
pub async fn origin_id(
    tx: &mut Tx<'_>,
    site: SiteId,
    origin: &Origin,
    most: i64,
) -> Result<Option<i64>> {
    let Origin { source, medium, campaign } = origin;
    for _ in 0..TRIES {
        let find = tx.query(FIND_ORIGIN).bind(site).bind(source).bind(medium).bind(campaign);
        if let Some(id) = find.maybe().await? {
            return Ok(Some(id));
        }
        let last: i64 = tx.query(LAST_ORIGIN).bind(site).one().await?;
        if last >= most {
            return Ok(None);
        }
        let add = tx.query(ADD_ORIGIN).bind(site).bind(last + 1);
        add.bind(source).bind(medium).bind(campaign).run().await?;
    }
    Ok(None)
}

/// The salt of a day: `fresh`, unless the day has one.
pub async fn salt(
    tx: &mut Tx<'_>,
    site: SiteId,
    day: &str,
    fresh: &str,
    now: UtcMs,
) -> Result<String> {
    tx.query(PUT_SALT).bind(site).bind(day).bind(fresh).bind(now).run().await?;
    tx.query(FIND_SALT).bind(site).bind(day).one().await
}

/// Deletes the salts made before an instant: from then on nobody can tell whose hash a visitor of
/// those days was.
pub async fn forget_salts(tx: &mut Tx<'_>, before: UtcMs) -> Result<u64> {
    tx.query(FORGET_SALTS).bind(before).run().await
}
