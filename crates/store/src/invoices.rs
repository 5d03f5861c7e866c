//! Invoice numbers: without gaps, taken in the transaction that uses them.

use model::ids::{OrderId, PaymentId};
use model::{Currency, SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const NEXT: &str = "insert into counters (site_id, name, value) values ($1, 'invoice', 1)
    on conflict (site_id, name) do update set value = counters.value + 1 returning value";
const INSERT: &str = "insert into invoices
    (site_id, number, order_id, kind, payment_id, total_minor, currency, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const OF_ORDER: &str = "select number, order_id, payment_id, total_minor, currency, created_at
    from invoices where site_id = $1 and order_id = $2 order by number";

/// An invoice, as its number and its sum are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Its number.
    pub number: i64,
    /// Of which order.
    pub order_id: OrderId,
    /// Which money that came after the order was closed; none: the order as it was closed.
    pub payment_id: Option<PaymentId>,
    /// What it comes to.
    pub total_minor: i64,
    /// Of what.
    pub currency: Currency,
    /// When it was made.
    pub created_at: UtcMs,
}

impl FromRow for Invoice {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            number: row.take()?,
            order_id: row.take()?,
            payment_id: row.take()?,
            total_minor: row.take()?,
            currency: row.word()?,
            created_at: row.take()?,
        })
    }
}

/// The next number of a site.
pub async fn next(tx: &mut Tx<'_>, site: SiteId) -> Result<i64> {
    tx.query(NEXT).bind(site).one().await
}

/// Writes an invoice.
pub async fn insert(tx: &mut Tx<'_>, site: SiteId, invoice: &Invoice) -> Result<()> {
    let kind = if invoice.payment_id.is_some() { "late" } else { "order" };
    tx.query(INSERT)
        .bind(site)
        .bind(invoice.number)
        .bind(invoice.order_id)
        .bind(kind)
        .bind(invoice.payment_id)
        .bind(invoice.total_minor)
        .bind(invoice.currency.code())
        .bind(invoice.created_at)
        .run()
        .await
        .map(drop)
}

/// An order's invoices, by their numbers.
pub async fn of_order(
    session: &mut Session<'_>,
    site: SiteId,
    order: OrderId,
) -> Result<Vec<Invoice>> {
    session.query(OF_ORDER).bind(site).bind(order).all().await
}
