//! Economics: what each customer paid, month by month.
//!
//! Margin of an order = paid without tax − given back − cost of goods, to which is added what was
//! taken off as the reward of a referral, and on a first order every discount: both stand in the
//! cost of winning a customer, and nothing is counted twice.

use model::ids::ProductId;
use model::{SiteId, UtcMs};

use crate::{Result, Session};

const PURCHASES: &str = "select contact_id, substr(paid_day, 1, 7),
    cast(sum(net_minor - refunded_minor) as bigint),
    cast(sum(net_minor - refunded_minor - cost_minor + reward_minor
        + case when nth = 1 then discount_minor else 0 end) as bigint)
    from order_figures where site_id = $1 and first_at >= $2 and first_at < $3 and currency = $4
        and (cast($5 as bigint) = 0 or first_product_id = $5)
    group by contact_id, substr(paid_day, 1, 7)";
/// Whose economics are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Won<'a> {
    /// Customers whose first order was paid from this instant,
    pub from: UtcMs,
    /// to before this one.
    pub until: UtcMs,
    /// Amounts in this currency alone.
    pub currency: &'a str,
    /// Who bought this first; 0: anything.
    pub product: ProductId,
}

/// What each customer paid in each month: customer, month, revenue, margin.
pub async fn purchases(
    session: &mut Session<'_>,
    site: SiteId,
    of: Won<'_>,
) -> Result<Vec<(i64, String, i64, i64)>> {
    let query = session.query(PURCHASES).bind(site).bind(of.from).bind(of.until);
    query.bind(of.currency).bind(of.product).all().await
}
