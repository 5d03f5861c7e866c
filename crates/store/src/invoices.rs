//! Invoice numbers: without gaps, taken in the transaction that uses them.

use model::ids::OrderId;
use model::{Currency, SiteId, UtcMs};

use crate::{Result, Session, Tx};

const NEXT: &str = "insert into counters (site_id, name, value) values ($1, 'invoice', 1)
    on conflict (site_id, name) do update set value = counters.value + 1 returning value";
const INSERT: &str = "insert into invoices
    (site_id, number, order_id, kind, total_minor, currency, created_at)
    values ($1, $2, $3, $4, $5, $6, $7)";
const OF_ORDER: &str = "select number, kind, total_minor, created_at from invoices
    where site_id = $1 and order_id = $2 order by number";

/// The next number of a site.
pub async fn next(tx: &mut Tx<'_>, site: SiteId) -> Result<i64> {
    tx.query(NEXT).bind(site).one().await
}

/// Writes an invoice. `kind` is `order`, or `late` for money that came after the order was closed.
pub async fn insert(
    tx: &mut Tx<'_>,
    site: SiteId,
    (number, order): (i64, OrderId),
    kind: &str,
    (total_minor, currency): (i64, Currency),
    now: UtcMs,
) -> Result<()> {
    let q = tx.query(INSERT).bind(site).bind(number).bind(order).bind(kind);
    q.bind(total_minor).bind(currency.code()).bind(now).run().await.map(drop)
}

/// An order's invoices: number, kind, total, when.
pub async fn of_order(
    session: &mut Session<'_>,
    site: SiteId,
    order: OrderId,
) -> Result<Vec<(i64, String, i64, UtcMs)>> {
    session.query(OF_ORDER).bind(site).bind(order).all().await
}
