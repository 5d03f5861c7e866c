//! Repayments of attempts that succeeded.

use model::ids::{LineId, OrderId, PaymentId, RefundId};
use model::orders::RefundState;
use model::{Currency, SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const FIND: &str = "select id, order_id, payment_id, line_id, amount_minor, tax_minor, currency,
    reason, state, idem_key, provider_ref, failure, whole, actor, created_at, ended_at
    from refunds where site_id = $1 and id = $2";
const OF_ORDER: &str = "select id, order_id, payment_id, line_id, amount_minor, tax_minor,
    currency, reason, state, idem_key, provider_ref, failure, whole, actor, created_at, ended_at
    from refunds where site_id = $1 and order_id = $2 order by id";
const INSERT: &str = "insert into refunds (site_id, id, order_id, payment_id, line_id,
    amount_minor, tax_minor, currency, reason, state, idem_key, whole, actor, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'creating', $10, $11, $12, $13)";
const END: &str = "update refunds set state = $3, provider_ref = $4, failure = $5, ended_at = $6
    where site_id = $1 and id = $2 and state in ('creating', 'pending', 'unknown')";

/// One repayment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// Of which order.
    pub order_id: OrderId,
    /// Of which attempt.
    pub payment_id: PaymentId,
    /// For which line alone.
    pub line_id: Option<LineId>,
    /// How much.
    pub amount_minor: i64,
    /// Of it tax.
    pub tax_minor: i64,
    /// Of what.
    pub currency: Currency,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub state: RefundState,
    /// The same for every retry.
    pub idem_key: String,
    /// The provider's own id of it.
    pub provider_ref: Option<String>,
    /// Why the provider refused.
    pub failure: Option<String>,
    /// Whether everything of the attempt goes back, and what it bought with it.
    pub whole: bool,
    /// Who asked for it.
    pub actor: String,
    /// When.
    pub created_at: UtcMs,
    /// When it was made, or refused.
    pub ended_at: Option<UtcMs>,
}

impl FromRow for Refund {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            order_id: row.take()?,
            payment_id: row.take()?,
            line_id: row.take()?,
            amount_minor: row.take()?,
            tax_minor: row.take()?,
            currency: row.word()?,
            reason: row.take()?,
            state: row.word()?,
            idem_key: row.take()?,
            provider_ref: row.take()?,
            failure: row.take()?,
            whole: row.take()?,
            actor: row.take()?,
            created_at: row.take()?,
            ended_at: row.take()?,
        })
    }
}

/// The refund with this id.
pub async fn find(session: &mut Session<'_>, site: SiteId, id: RefundId) -> Result<Option<Refund>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// The refunds of an order, first to last.
pub async fn of_order(
    session: &mut Session<'_>,
    site: SiteId,
    order: OrderId,
) -> Result<Vec<Refund>> {
    session.query(OF_ORDER).bind(site).bind(order).all().await
}

/// Writes a new refund.
pub async fn insert(tx: &mut Tx<'_>, site: SiteId, refund: &Refund) -> Result<()> {
    tx.query(INSERT)
        .bind(site)
        .bind(refund.id)
        .bind(refund.order_id)
        .bind(refund.payment_id)
        .bind(refund.line_id)
        .bind(refund.amount_minor)
        .bind(refund.tax_minor)
        .bind(refund.currency.code())
        .bind(&refund.reason)
        .bind(&refund.idem_key)
        .bind(refund.whole)
        .bind(&refund.actor)
        .bind(refund.created_at)
        .run()
        .await
        .map(drop)
}

/// Ends a refund; `false` where it had ended.
pub async fn end(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: RefundId,
    state: RefundState,
    (provider_ref, failure): (Option<&str>, Option<&str>),
    now: UtcMs,
) -> Result<bool> {
    let q = tx.query(END).bind(site).bind(id).bind(state.as_str());
    Ok(q.bind(provider_ref).bind(failure).bind(now).run().await? == 1)
}
