//! The lines of orders: one thing each, with its share of discount and tax.

use model::ids::{LineId, OfferId, OrderId, PaymentId, ProductId};
use model::orders::LineRole;
use model::payments::{LineState, StockState};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const OF_ORDER: &str = "select id, payment_id, position, kind, product_id, offer_id,
    offer_version, name, quantity, unit_minor, goods_minor, discount_minor, tax_minor, net_minor,
    total_minor, cost_minor, state, stock
    from order_lines where site_id = $1 and order_id = $2 order by position, id";
const OF_ORDERS: &str = "select order_id, id, payment_id, position, kind, product_id, offer_id,
    offer_version, name, quantity, unit_minor, goods_minor, discount_minor, tax_minor, net_minor,
    total_minor, cost_minor, state, stock
    from order_lines where site_id = $1 and order_id >= $2 and order_id <= $3
    order by order_id desc, position, id";
const INSERT: &str = "insert into order_lines (site_id, id, order_id, payment_id, position, kind,
    product_id, offer_id, offer_version, name, quantity, unit_minor, goods_minor, discount_minor,
    tax_minor, net_minor, total_minor, cost_minor, state, stock, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
        $20, $21)";
const DELETE_PENDING: &str = "delete from order_lines
    where site_id = $1 and order_id = $2 and state = 'pending' and stock in ('none', 'released')";
const SET_PAYMENT: &str = "update order_lines set payment_id = $3
    where site_id = $1 and order_id = $2 and state = 'pending' and kind in ('main', 'bump')";
const SET_STATE: &str = "update order_lines set state = $3 where site_id = $1 and id = $2";
const SET_STOCK: &str = "update order_lines set stock = $3 where site_id = $1 and id = $2";

/// One thing on an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its id.
    pub id: LineId,
    /// The attempt that pays for it.
    pub payment_id: Option<PaymentId>,
    /// Its place, from 1.
    pub position: i64,
    /// How it came here.
    pub kind: LineRole,
    /// What.
    pub product_id: ProductId,
    /// By which offer.
    pub offer_id: OfferId,
    /// As the offer stood then.
    pub offer_version: i64,
    /// The name of the product then.
    pub name: String,
    /// How many.
    pub quantity: i64,
    /// The price of one.
    pub unit_minor: i64,
    /// Price times quantity.
    pub goods_minor: i64,
    /// Its share of the coupon.
    pub discount_minor: i64,
    /// Its tax, within the total.
    pub tax_minor: i64,
    /// The total without tax.
    pub net_minor: i64,
    /// What is paid for it.
    pub total_minor: i64,
    /// What it costs the seller.
    pub cost_minor: i64,
    /// Where it stands.
    pub state: LineState,
    /// Whether stock stands behind it.
    pub stock: StockState,
}

impl FromRow for Line {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            payment_id: row.take()?,
            position: row.take()?,
            kind: row.word()?,
            product_id: row.take()?,
            offer_id: row.take()?,
            offer_version: row.take()?,
            name: row.take()?,
            quantity: row.take()?,
            unit_minor: row.take()?,
            goods_minor: row.take()?,
            discount_minor: row.take()?,
            tax_minor: row.take()?,
            net_minor: row.take()?,
            total_minor: row.take()?,
            cost_minor: row.take()?,
            state: row.word()?,
            stock: row.word()?,
        })
    }
}

/// The lines of an order, in their order.
pub async fn of_order(
    session: &mut Session<'_>,
    site: SiteId,
    order: OrderId,
) -> Result<Vec<Line>> {
    session.query(OF_ORDER).bind(site).bind(order).all().await
}

/// The lines of the orders `first ..= last`: those of the newest order first, each in their order.
pub async fn of_orders(
    session: &mut Session<'_>,
    site: SiteId,
    first: OrderId,
    last: OrderId,
) -> Result<Vec<(OrderId, Line)>> {
    let rows: Vec<OfOrder> =
        session.query(OF_ORDERS).bind(site).bind(first).bind(last).all().await?;
    Ok(rows.into_iter().map(|row| (row.0, row.1)).collect())
}

struct OfOrder(OrderId, Line);

impl FromRow for OfOrder {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self(row.take()?, Line::from_row(row)?))
    }
}

/// Writes a new line.
pub async fn insert(
    tx: &mut Tx<'_>,
    site: SiteId,
    order: OrderId,
    line: &Line,
    now: UtcMs,
) -> Result<()> {
    tx.query(INSERT)
        .bind(site)
        .bind(line.id)
        .bind(order)
        .bind(line.payment_id)
        .bind(line.position)
        .bind(line.kind.as_str())
        .bind(line.product_id)
        .bind(line.offer_id)
        .bind(line.offer_version)
        .bind(&line.name)
        .bind(line.quantity)
        .bind(line.unit_minor)
        .bind(line.goods_minor)
        .bind(line.discount_minor)
        .bind(line.tax_minor)
        .bind(line.net_minor)
        .bind(line.total_minor)
        .bind(line.cost_minor)
        .bind(line.state.as_str())
        .bind(line.stock.as_str())
        .bind(now)
        .run()
        .await
        .map(drop)
}

/// Deletes the lines of a form that is sent again, nothing of which is held.
pub async fn delete_pending(tx: &mut Tx<'_>, site: SiteId, order: OrderId) -> Result<()> {
    tx.query(DELETE_PENDING).bind(site).bind(order).run().await.map(drop)
}

/// Says which attempt pays for what the checkout is for.
pub async fn set_payment(
    tx: &mut Tx<'_>,
    site: SiteId,
    order: OrderId,
    payment: PaymentId,
) -> Result<()> {
    tx.query(SET_PAYMENT).bind(site).bind(order).bind(payment).run().await.map(drop)
}

/// Moves a line.
pub async fn set_state(
    tx: &mut Tx<'_>,
    site: SiteId,
    line: LineId,
    state: LineState,
) -> Result<()> {
    tx.query(SET_STATE).bind(site).bind(line).bind(state.as_str()).run().await.map(drop)
}

/// Says how its stock stands.
pub async fn set_stock(
    tx: &mut Tx<'_>,
    site: SiteId,
    line: LineId,
    stock: StockState,
) -> Result<()> {
    tx.query(SET_STOCK).bind(site).bind(line).bind(stock.as_str()).run().await.map(drop)
}
