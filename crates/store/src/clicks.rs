//! Clicks: what was asked for at tracked addresses, and what was made of it.

use model::ids::{ClickId, ContactId, MessageId, TemplateVersionId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const INSERT: &str =
    "insert into clicks (site_id, id, message_id, contact_id, version_id, position,
    at, method, user_agent, prefetch) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const IS_FULL: &str = "select count(*) >= $3 from (select id from clicks
    where site_id = $1 and message_id = $2 limit $3) q";
const JUDGE_REST: &str = "update clicks set verdict = $3, reason = $4, judged_at = $5
    where site_id = $1 and message_id = $2 and verdict is null";
const OPEN: &str = "select distinct site_id, message_id
    from (select site_id, message_id from clicks
        where verdict is null and at <= $1 order by at limit $2) q";
const OF_MESSAGE: &str = "select site_id, id, message_id, contact_id, version_id, position, at,
    method, user_agent, prefetch, verdict, reason from clicks
    where site_id = $1 and message_id = $2 order by at, id limit $3";
const JUDGE: &str = "update clicks set verdict = $3, reason = $4, judged_at = $5
    where site_id = $1 and id = $2";
const HUMANS_OF_VERSION: &str = "select position, count(distinct message_id), count(*) from clicks
    where site_id = $1 and version_id = $2 and verdict = 'human'
    group by position order by position";
// `cross join`: the clicks of people first, the mail of each after; a step may have a million mails.
const HUMANS_OF_SOURCE: &str = "select count(distinct c.message_id) from clicks c
    cross join messages m where m.site_id = c.site_id and m.id = c.message_id
    and c.site_id = $1 and m.source_kind = $2 and m.source_id = $3 and c.verdict = 'human'";
const VERDICT: &str = "select verdict from clicks where site_id = $1 and id = $2";
const OF_CONTACT: &str = "select site_id, id, message_id, contact_id, version_id, position, at,
    method, user_agent, prefetch, verdict, reason from clicks
    where site_id = $1 and contact_id = $2 order by id desc limit $3";

/// One click.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// Its site.
    pub site_id: SiteId,
    /// Its id.
    pub id: ClickId,
    /// In which message.
    pub message_id: MessageId,
    /// Whose message it was.
    pub contact_id: Option<ContactId>,
    /// The template version the link belongs to.
    pub version_id: TemplateVersionId,
    /// Which link; 0 is the hidden one.
    pub position: i64,
    /// When.
    pub at: UtcMs,
    /// GET or HEAD.
    pub method: String,
    /// What the program called itself.
    pub user_agent: String,
    /// Whether it said that it only fetches ahead.
    pub prefetch: bool,
    /// human, machine or unsure, once judged.
    pub verdict: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl FromRow for Click {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            site_id: row.take()?,
            id: row.take()?,
            message_id: row.take()?,
            contact_id: row.take()?,
            version_id: row.take()?,
            position: row.take()?,
            at: row.take()?,
            method: row.take()?,
            user_agent: row.take()?,
            prefetch: row.take()?,
            verdict: row.take()?,
            reason: row.take()?,
        })
    }
}

/// Appends an observation.
pub async fn insert(tx: &mut Tx<'_>, click: &Click) -> Result<()> {
    let q = tx.query(INSERT).bind(click.site_id).bind(click.id).bind(click.message_id);
    let q = q.bind(click.contact_id).bind(click.version_id).bind(click.position).bind(click.at);
    q.bind(&click.method).bind(&click.user_agent).bind(click.prefetch).run().await.map(drop)
}

/// Whether a message has `most` clicks: a machine hammers at it, and no more are kept.
pub async fn is_full(
    session: &mut Session<'_>,
    site: SiteId,
    message: MessageId,
    most: i64,
) -> Result<bool> {
    session.query(IS_FULL).bind(site).bind(message).bind(most).one().await
}

/// Keeps one word for all clicks of a message that have none.
pub async fn judge_rest(
    tx: &mut Tx<'_>,
    site: SiteId,
    message: MessageId,
    (verdict, reason): (&str, &str),
    now: UtcMs,
) -> Result<u64> {
    let q = tx.query(JUDGE_REST).bind(site).bind(message).bind(verdict).bind(reason);
    q.bind(now).run().await
}

/// Messages with clicks from before `before` that are not judged yet.
pub async fn open(
    session: &mut Session<'_>,
    before: UtcMs,
    limit: i64,
) -> Result<Vec<(SiteId, MessageId)>> {
    session.query(OPEN).bind(before).bind(limit).all().await
}

/// The clicks of a message, first to last.
pub async fn of_message(
    session: &mut Session<'_>,
    site: SiteId,
    message: MessageId,
    limit: i64,
) -> Result<Vec<Click>> {
    session.query(OF_MESSAGE).bind(site).bind(message).bind(limit).all().await
}

/// A contact's clicks, newest first.
pub async fn of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    limit: i64,
) -> Result<Vec<Click>> {
    session.query(OF_CONTACT).bind(site).bind(contact).bind(limit).all().await
}

/// Keeps what was made of a click.
pub async fn judge(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: ClickId,
    verdict: &str,
    reason: &str,
    now: UtcMs,
) -> Result<()> {
    let q = tx.query(JUDGE).bind(site).bind(id).bind(verdict).bind(reason);
    q.bind(now).run().await.map(drop)
}

/// People's clicks on the links of a version: place, messages, clicks.
pub async fn humans_of_version(
    session: &mut Session<'_>,
    site: SiteId,
    version: TemplateVersionId,
) -> Result<Vec<(i64, i64, i64)>> {
    session.query(HUMANS_OF_VERSION).bind(site).bind(version).all().await
}

/// How many messages of a source people clicked in.
pub async fn humans_of_source(
    session: &mut Session<'_>,
    site: SiteId,
    kind: &str,
    source: i64,
) -> Result<i64> {
    session.query(HUMANS_OF_SOURCE).bind(site).bind(kind).bind(source).one().await
}

/// What a click was judged to be; nothing while it is not, or where there is none.
pub async fn verdict(
    session: &mut Session<'_>,
    site: SiteId,
    id: ClickId,
) -> Result<Option<String>> {
    let found: Option<Option<String>> = session.query(VERDICT).bind(site).bind(id).maybe().await?;
    Ok(found.flatten())
}
