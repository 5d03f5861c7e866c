//! Attempts to be paid. `move_to` is called by the engine's `apply_payment_snapshot` alone.

use model::ids::{OrderId, PaymentId};
use model::orders::AttemptState;
use model::payments::Provider;
use model::{Currency, SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const FIND: &str = "select site_id, id, order_id, seq, purpose, provider, method, amount_minor,
    currency, params, idem_key, state, provider_ref, failure, refunded_minor, tries, check_at,
    created_at, updated_at from payments where site_id = $1 and id = $2";
const OF_ORDER: &str = "select site_id, id, order_id, seq, purpose, provider, method,
    amount_minor, currency, params, idem_key, state, provider_ref, failure, refunded_minor, tries,
    check_at, created_at, updated_at
    from payments where site_id = $1 and order_id = $2 order by seq";
const DUE: &str = "select site_id, id, order_id, seq, purpose, provider, method, amount_minor,
    currency, params, idem_key, state, provider_ref, failure, refunded_minor, tries, check_at,
    created_at, updated_at
    from payments where state in ('creating', 'created', 'processing', 'unknown')
        and check_at <= $1 order by check_at limit $2";
const INSERT: &str = "insert into payments (site_id, id, order_id, seq, purpose, provider, method,
    amount_minor, currency, params, idem_key, state, tries, check_at, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, $14, $14)
    on conflict (site_id, order_id, seq) do nothing";
const MOVE: &str = "update payments set state = $4, provider_ref = coalesce($5, provider_ref),
    failure = $6, updated_at = $7 where site_id = $1 and id = $2 and state = $3";
const NOTE_REF: &str = "update payments set provider_ref = $3, updated_at = $4
    where site_id = $1 and id = $2";
const TRIED: &str = "update payments set tries = tries + 1, check_at = $3
    where site_id = $1 and id = $2";
const REFUNDED: &str = "update payments set refunded_minor = refunded_minor + $3
    where site_id = $1 and id = $2";

/// One try to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Of which site.
    pub site_id: SiteId,
    /// Its id.
    pub id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// Which try of this order, from 1.
    pub seq: i64,
    /// `initial`, or `offer:` and the raw id of a one-click offer.
    pub purpose: String,
    /// Who takes the money.
    pub provider: Provider,
    /// With what: the provider's own word.
    pub method: String,
    /// How much.
    pub amount_minor: i64,
    /// Of what.
    pub currency: Currency,
    /// What the provider was, or will be, asked: JSON.
    pub params: String,
    /// The same for every retry of this attempt.
    pub idem_key: String,
    /// Where it stands.
    pub state: AttemptState,
    /// The provider's own id of it.
    pub provider_ref: Option<String>,
    /// Why it failed, in the buyer's words.
    pub failure: Option<String>,
    /// What of it went back, or is on its way.
    pub refunded_minor: i64,
    /// How often it was asked for again.
    pub tries: i64,
    /// When to look at it again.
    pub check_at: UtcMs,
    /// When it was made.
    pub created_at: UtcMs,
    /// When it last changed.
    pub updated_at: UtcMs,
}

impl FromRow for Payment {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            site_id: row.take()?,
            id: row.take()?,
            order_id: row.take()?,
            seq: row.take()?,
            purpose: row.take()?,
            provider: row.word()?,
            method: row.take()?,
            amount_minor: row.take()?,
            currency: row.word()?,
            params: row.take()?,
            idem_key: row.take()?,
            state: row.word()?,
            provider_ref: row.take()?,
            failure: row.take()?,
            refunded_minor: row.take()?,
            tries: row.take()?,
            check_at: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }
}

/// The attempt with this id.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    id: PaymentId,
) -> Result<Option<Payment>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// The attempts of an order, first to last.
pub async fn of_order(
    session: &mut Session<'_>,
    site: SiteId,
    order: OrderId,
) -> Result<Vec<Payment>> {
    session.query(OF_ORDER).bind(site).bind(order).all().await
}

/// Attempts that are to be looked at again.
pub async fn due(session: &mut Session<'_>, now: UtcMs, limit: i64) -> Result<Vec<Payment>> {
    session.query(DUE).bind(now).bind(limit).all().await
}

/// Writes a new attempt; `false` where this try of the order exists.
pub async fn insert(tx: &mut Tx<'_>, payment: &Payment) -> Result<bool> {
    let made = tx
        .query(INSERT)
        .bind(payment.site_id)
        .bind(payment.id)
        .bind(payment.order_id)
        .bind(payment.seq)
        .bind(&payment.purpose)
        .bind(payment.provider.as_str())
        .bind(&payment.method)
        .bind(payment.amount_minor)
        .bind(payment.currency.code())
        .bind(&payment.params)
        .bind(&payment.idem_key)
        .bind(payment.state.as_str())
        .bind(payment.check_at)
        .bind(payment.created_at)
        .run()
        .await?;
    Ok(made == 1)
}

/// Where an attempt goes.
#[derive(Debug, Clone, Copy)]
pub struct Move<'a> {
    /// From here; anywhere else the move does nothing.
    pub from: AttemptState,
    /// To here.
    pub to: AttemptState,
    /// The provider's id, where it is known now.
    pub provider_ref: Option<&'a str>,
    /// Why it failed.
    pub failure: Option<&'a str>,
}

/// Moves an attempt; `false` where it had moved meanwhile.
pub async fn move_to(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: PaymentId,
    step: Move<'_>,
    now: UtcMs,
) -> Result<bool> {
    let q = tx.query(MOVE).bind(site).bind(id).bind(step.from.as_str());
    let q = q.bind(step.to.as_str()).bind(step.provider_ref).bind(step.failure);
    Ok(q.bind(now).run().await? == 1)
}

/// Notes the provider's id of an attempt (P3).
pub async fn note_ref(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: PaymentId,
    provider_ref: &str,
    now: UtcMs,
) -> Result<()> {
    tx.query(NOTE_REF).bind(site).bind(id).bind(provider_ref).bind(now).run().await.map(drop)
}

/// Counts a look, and says when the next is due.
pub async fn tried(tx: &mut Tx<'_>, site: SiteId, id: PaymentId, check_at: UtcMs) -> Result<()> {
    tx.query(TRIED).bind(site).bind(id).bind(check_at).run().await.map(drop)
}

/// Adds to what of an attempt went back (less than nothing where a refund failed).
pub async fn add_refunded(tx: &mut Tx<'_>, site: SiteId, id: PaymentId, minor: i64) -> Result<()> {
    tx.query(REFUNDED).bind(site).bind(id).bind(minor).run().await.map(drop)
}
