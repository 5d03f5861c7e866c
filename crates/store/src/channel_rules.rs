//! An owner's own rules: which touches are which channel.

use model::SiteId;
use model::channels::Rule;
use model::ids::ChannelRuleId;

use crate::{FromRow, Result, Row, Session, Tx};

const INSERT: &str = "insert into channel_rules
    (site_id, id, source, medium, campaign, host, channel)
    values ($1, $2, $3, $4, $5, $6, $7)";
const LIST: &str = "select id, source, medium, campaign, host, channel
    from channel_rules where site_id = $1 order by id";
const DELETE: &str = "delete from channel_rules where site_id = $1 and id = $2";

impl FromRow for Rule {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            source: row.take()?,
            medium: row.take()?,
            campaign: row.take()?,
            host: row.take()?,
            channel: row.word()?,
        })
    }
}

/// Stores a rule.
pub async fn insert(tx: &mut Tx<'_>, site: SiteId, rule: &Rule) -> Result<()> {
    tx.query(INSERT)
        .bind(site)
        .bind(rule.id)
        .bind(&rule.source)
        .bind(&rule.medium)
        .bind(&rule.campaign)
        .bind(&rule.host)
        .bind(rule.channel.as_str())
        .run()
        .await
        .map(drop)
}

/// A site's rules in their order; there are few.
pub async fn list(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Rule>> {
    session.query(LIST).bind(site).all().await
}

/// Removes a rule; how many there were.
pub async fn delete(tx: &mut Tx<'_>, site: SiteId, id: ChannelRuleId) -> Result<u64> {
    tx.query(DELETE).bind(site).bind(id).run().await
}
