//! What an order was offered after it was paid, and what became of it.

use model::ids::{OfferId, OrderId, PaymentId};
use model::payments::OrderOfferState;
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const OF_ORDER: &str = "select offer_id, level, kind, offer_version, price_minor, state,
    payment_id, shown_at, decided_at from order_offers
    where site_id = $1 and order_id = $2 order by level, shown_at, offer_id";
const SHOW: &str = "insert into order_offers (site_id, order_id, offer_id, level, kind,
    offer_version, price_minor, state, shown_at)
    values ($1, $2, $3, $4, $5, $6, $7, 'offered', $8)
    on conflict (site_id, order_id, offer_id) do nothing";
const DECIDE: &str = "update order_offers set state = $5, decided_at = $6, payment_id = $7
    where site_id = $1 and order_id = $2 and offer_id = $3 and state = $4";
const EXPIRE: &str = "update order_offers set state = 'expired', decided_at = $3
    where site_id = $1 and order_id = $2 and state = 'offered'";
const COUNTS: &str =
    "select offer_id, state, count(*), coalesce(cast(sum(price_minor) as bigint), 0)
    from order_offers where site_id = $1 group by offer_id, state";

/// One offer made to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderOffer {
    /// Which offer.
    pub offer_id: OfferId,
    /// On which level of the path.
    pub level: i64,
    /// `upsell` or `downsell`.
    pub kind: String,
    /// As the offer stood then.
    pub offer_version: i64,
    /// Its price then.
    pub price_minor: i64,
    /// What became of it.
    pub state: OrderOfferState,
    /// The attempt that pays for it.
    pub payment_id: Option<PaymentId>,
    /// When it was first shown.
    pub shown_at: UtcMs,
    /// When it was decided.
    pub decided_at: Option<UtcMs>,
}

impl FromRow for OrderOffer {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            offer_id: row.take()?,
            level: row.take()?,
            kind: row.take()?,
            offer_version: row.take()?,
            price_minor: row.take()?,
            state: row.word()?,
            payment_id: row.take()?,
            shown_at: row.take()?,
            decided_at: row.take()?,
        })
    }
}

/// What an order was offered, level by level.
pub async fn of_order(
    session: &mut Session<'_>,
    site: SiteId,
    order: OrderId,
) -> Result<Vec<OrderOffer>> {
    session.query(OF_ORDER).bind(site).bind(order).all().await
}

/// Notes that an offer was shown; `false` where it was before.
pub async fn show(tx: &mut Tx<'_>, site: SiteId, order: OrderId, new: &OrderOffer) -> Result<bool> {
    let q = tx.query(SHOW).bind(site).bind(order).bind(new.offer_id).bind(new.level);
    let q = q.bind(&new.kind).bind(new.offer_version).bind(new.price_minor);
    Ok(q.bind(new.shown_at).run().await? == 1)
}

/// Moves an offer from one state to another; `false` where it was not there.
pub async fn decide(
    tx: &mut Tx<'_>,
    site: SiteId,
    (order, offer): (OrderId, OfferId),
    (from, to): (OrderOfferState, OrderOfferState),
    payment: Option<PaymentId>,
    now: UtcMs,
) -> Result<bool> {
    let q = tx.query(DECIDE).bind(site).bind(order).bind(offer).bind(from.as_str());
    Ok(q.bind(to.as_str()).bind(now).bind(payment).run().await? == 1)
}

/// Ends every offer that was not answered.
pub async fn expire(tx: &mut Tx<'_>, site: SiteId, order: OrderId, now: UtcMs) -> Result<()> {
    tx.query(EXPIRE).bind(site).bind(order).bind(now).run().await.map(drop)
}

/// How offers fare: offer, state, how often, sum of prices.
pub async fn counts(
    session: &mut Session<'_>,
    site: SiteId,
) -> Result<Vec<(OfferId, String, i64, i64)>> {
    session.query(COUNTS).bind(site).all().await
}
