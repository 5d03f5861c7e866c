//! Both sums of every comparison of the reconciliation, by day, as they were last counted: what its
//! page reads where the rows are too many to be counted while somebody waits.

use model::{SiteId, UtcMs};

use crate::reconciliation::Taken;
use crate::{FromRow, Result, Row, Session, Tx};

const PUT: &str = "insert into balances
    (site_id, day, name, part, one_way, other_way, apart, counted_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const FORGET_DAY: &str = "delete from balances where site_id = $1 and day = $2";
const WITHIN: &str = "select name, part, cast(sum(one_way) as bigint),
    cast(sum(other_way) as bigint), cast(sum(apart) as bigint)
    from balances where site_id = $1 and day >= $2 and day <= $3 group by name, part";
// One name stands on every day that was counted.
const DAYS: &str = "select day, counted_at from balances
    where site_id = $1 and day >= $2 and day <= $3 and name = 'mails' and part = ''
    order by day";
const FIRST_DAY: &str = "select min(day) from balances where site_id = $1";
const APART: &str = "select day from balances
    where site_id = $1 and day >= $2 and day <= $3 and name = $4 and apart > 0 order by day";
const AGAIN: &str = "update balances set counted_at = 0
    where site_id = $1 and day >= $2 and day <= $3 and name = 'mails' and part = ''";
const FORGET: &str = "delete from balances where site_id = $1";

/// Both sums of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BalanceSum {
    /// Its name: `orders_payments`.
    pub name: String,
    /// The currency of amounts, the state of mails and answers; else empty.
    pub part: String,
    /// The first sum.
    pub left: i64,
    /// The second.
    pub right: i64,
    /// Rows whose own two sums differ.
    pub apart: i64,
}

impl BalanceSum {
    /// A comparison of rows.
    pub(crate) fn of(name: &str, taken: Taken) -> Self {
        let Taken { currency, left, right, apart } = taken;
        Self { name: name.to_owned(), part: currency, left, right, apart }
    }

    /// Two sums taken as a whole.
    pub(crate) fn two(name: &str, left: i64, right: i64) -> Self {
        let apart = (left - right).abs();
        Self { name: name.to_owned(), part: String::new(), left, right, apart }
    }
}

impl FromRow for BalanceSum {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            name: row.take()?,
            part: row.take()?,
            left: row.take()?,
            right: row.take()?,
            apart: row.take()?,
        })
    }
}

/// Keeps those of a day, in place of earlier ones.
pub async fn put_day(
    tx: &mut Tx<'_>,
    site: SiteId,
    (day, now): (&str, UtcMs),
    sums: &[BalanceSum],
) -> Result<()> {
    tx.query(FORGET_DAY).bind(site).bind(day).run().await?;
    for sum in sums {
        let query = tx.query(PUT).bind(site).bind(day).bind(&sum.name).bind(&sum.part);
        query.bind(sum.left).bind(sum.right).bind(sum.apart).bind(now).run().await?;
    }
    Ok(())
}

/// Those of the days `from ..= to` (ISO) together.
pub async fn within(
    session: &mut Session<'_>,
    site: SiteId,
    from: &str,
    to: &str,
) -> Result<Vec<BalanceSum>> {
    session.query(WITHIN).bind(site).bind(from).bind(to).all().await
}

/// The days `from ..= to` that were counted, and when.
pub async fn days(
    session: &mut Session<'_>,
    site: SiteId,
    from: &str,
    to: &str,
) -> Result<Vec<(String, UtcMs)>> {
    session.query(DAYS).bind(site).bind(from).bind(to).all().await
}

/// The first day that was counted.
pub async fn first_day(session: &mut Session<'_>, site: SiteId) -> Result<Option<String>> {
    session.query(FIRST_DAY).bind(site).one().await
}

/// The days `from ..= to` on which the sums of one comparison differ.
pub async fn apart(
    session: &mut Session<'_>,
    site: SiteId,
    (from, to): (&str, &str),
    name: &str,
) -> Result<Vec<String>> {
    session.query(APART).bind(site).bind(from).bind(to).bind(name).all().await
}

/// Has the days `from ..= to` counted again soon.
pub async fn count_again(tx: &mut Tx<'_>, site: SiteId, from: &str, to: &str) -> Result<()> {
    tx.query(AGAIN).bind(site).bind(from).bind(to).run().await.map(drop)
}

/// Takes all of a site away, so that they are counted anew.
pub async fn forget(tx: &mut Tx<'_>, site: SiteId) -> Result<()> {
    tx.query(FORGET).bind(site).run().await.map(drop)
}
