//! What was spent to be seen.

use model::ids::SpendId;
use model::spends::Spend;
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const INSERT: &str = "insert into spends (site_id, id, dedupe_key, channel, campaign, from_day,
    to_day, amount_minor, currency, clicks, impressions, note, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict (site_id, dedupe_key) do nothing";
const LIST: &str = "select id, channel, campaign, from_day, to_day, amount_minor, currency, clicks,
    impressions, note, created_at from spends
    where site_id = $1 and id < $2 order by id desc limit $3";
const WITHIN: &str = "select id, channel, campaign, from_day, to_day, amount_minor, currency,
    clicks, impressions, note, created_at from spends
    where site_id = $1 and from_day <= $3 and to_day >= $2 order by from_day, id";
const FIND: &str = "select id, channel, campaign, from_day, to_day, amount_minor, currency, clicks,
    impressions, note, created_at from spends where site_id = $1 and id = $2";
const COUNT_EQUAL: &str = "select count(*) from spends
    where site_id = $1 and from_day = $2 and to_day = $3 and channel = $4 and campaign = $5
        and amount_minor = $6 and currency = $7 and coalesce(clicks, -1) = $8
        and coalesce(impressions, -1) = $9 and note = $10";
const BY_KEY: &str = "select id, channel, campaign, from_day, to_day, amount_minor, currency,
    clicks, impressions, note, created_at from spends where site_id = $1 and dedupe_key = $2";
const SAY_AGAIN: &str = "update spends set amount_minor = $3, clicks = $4, impressions = $5
    where site_id = $1 and id = $2";
const DAYS_OF: &str = "select campaign, from_day, to_day from spends
    where site_id = $1 and channel = $2 and from_day <= $4 and to_day >= $3";
const CHANNELS: &str = "select distinct channel from spends where site_id = $1 order by channel";
const DELETE: &str = "delete from spends where site_id = $1 and id = $2";

impl FromRow for Spend {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            channel: row.take()?,
            campaign: row.take()?,
            from_day: row.take()?,
            to_day: row.take()?,
            amount_minor: row.take()?,
            currency: row.take()?,
            clicks: row.take()?,
            impressions: row.take()?,
            note: row.take()?,
            created_at: row.take()?,
        })
    }
}

/// Writes an amount; `false` where one with this key is written already.
pub async fn insert(
    tx: &mut Tx<'_>,
    site: SiteId,
    spend: &Spend,
    dedupe_key: &str,
    now: UtcMs,
) -> Result<bool> {
    let made = tx
        .query(INSERT)
        .bind(site)
        .bind(spend.id)
        .bind(dedupe_key)
        .bind(&spend.channel)
        .bind(&spend.campaign)
        .bind(&spend.from_day)
        .bind(&spend.to_day)
        .bind(spend.amount_minor)
        .bind(&spend.currency)
        .bind(spend.clicks)
        .bind(spend.impressions)
        .bind(&spend.note)
        .bind(now)
        .run()
        .await?;
    Ok(made == 1)
}

/// Amounts before `before`, newest first.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    before: SpendId,
    limit: i64,
) -> Result<Vec<Spend>> {
    session.query(LIST).bind(site).bind(before).bind(limit).all().await
}

/// Amounts whose days touch `from ..= to` (ISO dates).
pub async fn within(
    session: &mut Session<'_>,
    site: SiteId,
    from: &str,
    to: &str,
) -> Result<Vec<Spend>> {
    session.query(WITHIN).bind(site).bind(from).bind(to).all().await
}

/// The amount that was written with this key.
pub async fn find_by_key(
    session: &mut Session<'_>,
    site: SiteId,
    key: &str,
) -> Result<Option<Spend>> {
    session.query(BY_KEY).bind(site).bind(key).maybe().await
}

/// Writes amount, clicks and impressions of `spend` over those that stand.
pub async fn say_again(tx: &mut Tx<'_>, site: SiteId, id: SpendId, spend: &Spend) -> Result<()> {
    let query = tx.query(SAY_AGAIN).bind(site).bind(id).bind(spend.amount_minor);
    query.bind(spend.clicks).bind(spend.impressions).run().await.map(drop)
}

/// The amounts under a channel whose days touch `from ..= to`: campaign, first day, last day.
pub async fn days_of(
    session: &mut Session<'_>,
    site: SiteId,
    channel: &str,
    (from, to): (&str, &str),
) -> Result<Vec<(String, String, String)>> {
    session.query(DAYS_OF).bind(site).bind(channel).bind(from).bind(to).all().await
}

/// The words under which money was ever spent.
pub async fn channels(session: &mut Session<'_>, site: SiteId) -> Result<Vec<String>> {
    session.query(CHANNELS).bind(site).all().await
}

/// The amount with this id.
pub async fn find(session: &mut Session<'_>, site: SiteId, id: SpendId) -> Result<Option<Spend>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// How many amounts stand that say the same as `spend`.
pub async fn count_equal(session: &mut Session<'_>, site: SiteId, spend: &Spend) -> Result<i64> {
    session
        .query(COUNT_EQUAL)
        .bind(site)
        .bind(&spend.from_day)
        .bind(&spend.to_day)
        .bind(&spend.channel)
        .bind(&spend.campaign)
        .bind(spend.amount_minor)
        .bind(&spend.currency)
        .bind(spend.clicks.unwrap_or(-1))
        .bind(spend.impressions.unwrap_or(-1))
        .bind(&spend.note)
        .one()
        .await
}

/// Takes an amount away.
pub async fn delete(tx: &mut Tx<'_>, site: SiteId, id: SpendId) -> Result<bool> {
    Ok(tx.query(DELETE).bind(site).bind(id).run().await? == 1)
}
