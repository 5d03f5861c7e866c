//! Links in mails: how many mails had one clicked by a person for the first time, by day from the
//! rollup or counted from the clicks. Those of test contacts are left out.

use std::collections::BTreeMap;

use model::ids::{ContactId, MessageId};
use model::spans::Span;
use model::{SiteId, UtcMs, Zone};

use crate::{FromRow, Result, Row, Session, Tx, stages};

// `+ 0`: earlier clicks are looked for by their message, never by their time.
const COUNT: &str = "select k.version_id, k.position, count(distinct k.message_id) from clicks k
    where k.site_id = $1 and k.verdict = 'human' and k.at >= $2 and k.at < $3
        and not exists (select 1 from clicks e where e.site_id = $1
            and e.message_id = k.message_id and e.position = k.position
            and e.verdict = 'human' and e.at + 0 < $2)
        and not exists (select 1 from contacts t where t.site_id = k.site_id
            and t.id = k.contact_id and t.is_test = true)
    group by k.version_id, k.position";
const ROLLED: &str = "select version_id, position, cast(sum(clicked) as bigint) from link_days
    where site_id = $1 and day >= $2 and day <= $3 group by version_id, position";
const FORGET: &str = "delete from link_days where site_id = $1 and day = $2";
const PUT: &str = "insert into link_days (site_id, day, version_id, position, clicked)
    values ($1, $2, $3, $4, $5)";
const TARGETS: &str = "select l.version_id, l.position, l.target, v.template_id, t.name
    from links l
        join template_versions v on v.site_id = l.site_id and v.id = l.version_id
        join templates t on t.site_id = v.site_id and t.id = v.template_id
    where l.site_id = $1 and l.version_id = $2 and l.position = $3";
const ROWS: &str = "select k.id, k.message_id, k.contact_id, m.to_address, k.at
    from clicks k join messages m on m.site_id = k.site_id and m.id = k.message_id
    where k.site_id = $1 and k.verdict = 'human' and k.at >= $2 and k.at < $3
        and k.version_id = $4 and k.position = $5
        and not exists (select 1 from clicks e where e.site_id = $1
            and e.message_id = k.message_id and e.position = k.position and e.verdict = 'human'
            and (e.at + 0 < k.at or (e.at + 0 = k.at and e.id < k.id)))
        and (k.at < $6 or (k.at = $6 and k.id < $7))
        and not exists (select 1 from contacts t where t.site_id = k.site_id
            and t.id = k.contact_id and t.is_test = true)
    order by k.at desc, k.id desc limit $8";

/// Version, position, mails in which it was clicked.
pub type LinkCount = (i64, i64, i64);

/// Where a link leads, and in which mail it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The text that was sent,
    pub version_id: i64,
    /// and which of its links.
    pub position: i64,
    /// Where it leads.
    pub target: String,
    /// The mail.
    pub template_id: i64,
    /// Its name.
    pub name: String,
}

impl FromRow for Link {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            version_id: row.take()?,
            position: row.take()?,
            target: row.take()?,
            template_id: row.take()?,
            name: row.take()?,
        })
    }
}

/// Counts from the clicks, `from .. until`.
pub async fn count(
    session: &mut Session<'_>,
    site: SiteId,
    from: UtcMs,
    until: UtcMs,
) -> Result<Vec<LinkCount>> {
    session.query(COUNT).bind(site).bind(from).bind(until).all().await
}

/// Writes a day, in place of what stood there. Its mark is that of the stages.
pub async fn put_day(tx: &mut Tx<'_>, site: SiteId, day: &str, counts: &[LinkCount]) -> Result<()> {
    tx.query(FORGET).bind(site).bind(day).run().await?;
    for (version, position, clicked) in counts {
        let query = tx.query(PUT).bind(site).bind(day).bind(*version).bind(*position);
        query.bind(*clicked).run().await?;
    }
    Ok(())
}

/// What the rollup holds of a day.
pub async fn rolled(session: &mut Session<'_>, site: SiteId, day: &str) -> Result<Vec<LinkCount>> {
    session.query(ROLLED).bind(site).bind(day).bind(day).all().await
}

/// Mails by the link that was clicked in them, in a span: version and position to count.
pub async fn within(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
    zone: &Zone,
) -> Result<BTreeMap<(i64, i64), i64>> {
    let (from, to) = (span.from.to_string(), span.to.to_string());
    let mut counts: Vec<LinkCount> =
        session.query(ROLLED).bind(site).bind(&from).bind(&to).all().await?;
    for (from, until) in stages::unrolled(session, site, span, zone).await? {
        counts.extend(count(session, site, from, until).await?);
    }
    let mut sums = BTreeMap::new();
    for (version, position, clicked) in counts {
        *sums.entry((version, position)).or_default() += clicked;
    }
    Ok(sums)
}

/// Where a link leads.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    (version, position): (i64, i64),
) -> Result<Option<Link>> {
    session.query(TARGETS).bind(site).bind(version).bind(position).maybe().await
}

/// A first human click on a link of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClickRow {
    /// The click.
    pub id: i64,
    /// The mail.
    pub message_id: MessageId,
    /// Whose it was.
    pub contact_id: Option<ContactId>,
    /// To whom it went.
    pub to_address: String,
    /// When it was clicked.
    pub at: UtcMs,
}

impl FromRow for ClickRow {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            message_id: row.take()?,
            contact_id: row.take()?,
            to_address: row.take()?,
            at: row.take()?,
        })
    }
}

/// The mails behind a count, by their first click on the link, newest first.
pub async fn rows(
    session: &mut Session<'_>,
    site: SiteId,
    (version, position): (i64, i64),
    (from, until): (UtcMs, UtcMs),
    (at, before): (UtcMs, i64),
    limit: i64,
) -> Result<Vec<ClickRow>> {
    let query = session.query(ROWS).bind(site).bind(from).bind(until).bind(version);
    query.bind(position).bind(at).bind(before).bind(limit).all().await
}
