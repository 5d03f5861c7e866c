//! The money ledger: double entry, append-only; the lines of a transaction add up to zero.

use model::ids::{LedgerLineId, OrderId, PaymentId, RefundId};
use model::{Currency, SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const INSERT: &str = "insert into ledger_lines (site_id, id, txn_id, at, account, minor, currency,
    order_id, payment_id, refund_id, memo)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const OF_ORDER: &str = "select id, txn_id, at, account, minor, currency, order_id, payment_id,
    refund_id, memo from ledger_lines where site_id = $1 and order_id = $2 order by id";

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerLine {
    /// Its id.
    pub id: LedgerLineId,
    /// Which lines belong together.
    pub txn_id: i64,
    /// When.
    pub at: UtcMs,
    /// Which account: `cash:test`, `sales`, `tax`, `refunds`.
    pub account: String,
    /// Debit above zero, credit below.
    pub minor: i64,
    /// Of what.
    pub currency: Currency,
    /// Of which order.
    pub order_id: Option<OrderId>,
    /// By which attempt.
    pub payment_id: Option<PaymentId>,
    /// By which refund.
    pub refund_id: Option<RefundId>,
    /// What for.
    pub memo: String,
}

impl FromRow for LedgerLine {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            txn_id: row.take()?,
            at: row.take()?,
            account: row.take()?,
            minor: row.take()?,
            currency: row.word()?,
            order_id: row.take()?,
            payment_id: row.take()?,
            refund_id: row.take()?,
            memo: row.take()?,
        })
    }
}

/// Appends a line.
pub async fn insert(tx: &mut Tx<'_>, site: SiteId, line: &LedgerLine) -> Result<()> {
    tx.query(INSERT)
        .bind(site)
        .bind(line.id)
        .bind(line.txn_id)
        .bind(line.at)
        .bind(&line.account)
        .bind(line.minor)
        .bind(line.currency.code())
        .bind(line.order_id)
        .bind(line.payment_id)
        .bind(line.refund_id)
        .bind(&line.memo)
        .run()
        .await
        .map(drop)
}

/// The lines of an order, first to last.
pub async fn of_order(
    session: &mut Session<'_>,
    site: SiteId,
    order: OrderId,
) -> Result<Vec<LedgerLine>> {
    session.query(OF_ORDER).bind(site).bind(order).all().await
}
