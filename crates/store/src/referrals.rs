//! Recommendations: who brought whom, and what came of it.

use model::ids::{ContactId, CouponId, OrderId, ReferralId};
use model::payments::ReferralState;
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const INSERT: &str = "insert into referrals (site_id, id, referrer_id, referred_id, order_id,
    state, reason, due_at, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (site_id, referred_id) do nothing";
const DUE: &str = "select site_id, id, referrer_id, referred_id, order_id, state, reason, due_at,
    reward_coupon_id, created_at, decided_at
    from referrals where state = 'held' and due_at <= $1 order by due_at limit $2";
const LIST: &str = "select site_id, id, referrer_id, referred_id, order_id, state, reason, due_at,
    reward_coupon_id, created_at, decided_at
    from referrals where site_id = $1 and id < $2 order by id desc limit $3";
const DECIDE: &str = "update referrals set state = $3, reason = $4, reward_coupon_id = $5,
    decided_at = $6 where site_id = $1 and id = $2 and state = 'held'";
const OF_ORDER: &str =
    "select site_id, id, referrer_id, referred_id, order_id, state, reason, due_at,
    reward_coupon_id, created_at, decided_at
    from referrals where site_id = $1 and order_id = $2 and state = 'held'";
const FIRST_OF: &str = "select min(created_at) from referrals
    where site_id = $1 and referrer_id = $2 and state in ('held', 'credited')";

/// One recommendation that ended in an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referral {
    /// Of which site.
    pub site_id: SiteId,
    /// Its id.
    pub id: ReferralId,
    /// Who recommended.
    pub referrer_id: ContactId,
    /// Who came.
    pub referred_id: ContactId,
    /// What they bought first.
    pub order_id: OrderId,
    /// What became of it.
    pub state: ReferralState,
    /// Why it was refused or reversed; else empty.
    pub reason: String,
    /// When the hold ends.
    pub due_at: UtcMs,
    /// The coupon given for it.
    pub reward_coupon_id: Option<CouponId>,
    /// When the order was paid.
    pub created_at: UtcMs,
    /// When it was decided.
    pub decided_at: Option<UtcMs>,
}

impl FromRow for Referral {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            site_id: row.take()?,
            id: row.take()?,
            referrer_id: row.take()?,
            referred_id: row.take()?,
            order_id: row.take()?,
            state: row.word()?,
            reason: row.take()?,
            due_at: row.take()?,
            reward_coupon_id: row.take()?,
            created_at: row.take()?,
            decided_at: row.take()?,
        })
    }
}

/// Writes a recommendation; `false` where the one who came was counted before.
pub async fn insert(tx: &mut Tx<'_>, new: &Referral) -> Result<bool> {
    let made = tx
        .query(INSERT)
        .bind(new.site_id)
        .bind(new.id)
        .bind(new.referrer_id)
        .bind(new.referred_id)
        .bind(new.order_id)
        .bind(new.state.as_str())
        .bind(&new.reason)
        .bind(new.due_at)
        .bind(new.created_at)
        .run()
        .await?;
    Ok(made == 1)
}

/// Recommendations whose hold has ended.
pub async fn due(session: &mut Session<'_>, now: UtcMs, limit: i64) -> Result<Vec<Referral>> {
    session.query(DUE).bind(now).bind(limit).all().await
}

/// Recommendations, newest first, from before `before`.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    before: ReferralId,
    limit: i64,
) -> Result<Vec<Referral>> {
    session.query(LIST).bind(site).bind(before).bind(limit).all().await
}

/// Decides a held recommendation; `false` where it was decided.
pub async fn decide(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: ReferralId,
    (state, reason): (ReferralState, &str),
    reward: Option<CouponId>,
    now: UtcMs,
) -> Result<bool> {
    let q = tx.query(DECIDE).bind(site).bind(id).bind(state.as_str()).bind(reason);
    Ok(q.bind(reward).bind(now).run().await? == 1)
}

/// The recommendation of an order, while it is held.
pub async fn held_of_order(
    session: &mut Session<'_>,
    site: SiteId,
    order: OrderId,
) -> Result<Option<Referral>> {
    session.query(OF_ORDER).bind(site).bind(order).maybe().await
}

/// When somebody's first recommendation that still counts was made.
pub async fn first_of(
    session: &mut Session<'_>,
    site: SiteId,
    referrer: ContactId,
) -> Result<Option<UtcMs>> {
    session.query(FIRST_OF).bind(site).bind(referrer).one().await
}
