//! The figures of a customer's orders, from the rows of that customer.

use model::ids::{ContactId, OrderId};
use model::spans::{day_of, month_of};
use model::times::DAY_MS;
use model::{SiteId, Zone};
use store::Session;
use store::order_figures::{OrderFigure, PaidOrder};

use crate::fault::Result;

/// An order counts for the mail clicked last within so many days before it was paid.
pub const CREDIT_DAYS: i64 = 7;
/// Where nothing tells how a contact came: imported, or written down by hand.
const UNKNOWN: &str = "unknown";
const WHOLE_PPM: i64 = 1_000_000;

/// The figures a customer's orders should have; none for a test contact.
pub(super) async fn derive(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    zone: &Zone,
) -> Result<Vec<OrderFigure>> {
    let orders = store::order_figures::paid(session, site, contact).await?;
    let Some(first) = orders.first().cloned() else { return Ok(Vec::new()) };
    if store::order_figures::is_test(session, site, contact).await? {
        return Ok(Vec::new());
    }
    let touch = store::order_figures::first_touch(session, site, contact).await?;
    let kept = kept(session, site, contact, touch.is_some()).await?;
    let first_kept = kept.first().map(|figure| (figure.channel.clone(), figure.source.clone()));
    let (channel, source) =
        touch.or(first_kept).unwrap_or_else(|| (UNKNOWN.to_owned(), String::new()));
    let offers = store::order_figures::offers(session, site, contact).await?;
    let mut figures = Vec::with_capacity(orders.len());
    for (nth, order) in (1..).zip(orders) {
        let at = order.paid_at;
        let since = at.plus_days(-CREDIT_DAYS);
        let reward_for = match order.coupon_id {
            Some(coupon) if nth > 1 => {
                store::order_figures::rewarded(session, site, contact, coupon).await?
            }
            _ => None,
        };
        let discount = without_tax(&order);
        figures.push(OrderFigure {
            order_id: order.id,
            contact_id: contact,
            paid_at: at,
            paid_day: day_of(at, zone).to_string(),
            nth,
            first_at: first.paid_at,
            cohort: month_of(day_of(first.paid_at, zone)),
            day: at.since_ms(first.paid_at).div_euclid(DAY_MS),
            first_product_id: first.product_id,
            channel: channel.clone(),
            source: source.clone(),
            landing: store::order_figures::landing(session, site, contact, at)
                .await?
                .or_else(|| landing_of(&kept, order.id))
                .unwrap_or_default(),
            currency: order.currency,
            net_minor: order.net_minor,
            refunded_minor: order.refunded_minor,
            discount_minor: discount,
            reward_minor: if reward_for.is_some() { discount } else { 0 },
            reward_for,
            cost_minor: order.cost_minor,
            mail: store::order_figures::clicked(session, site, contact, (since, at)).await?,
            offers: offers.iter().filter(|part| part.order_id == order.id).cloned().collect(),
        });
    }
    Ok(figures)
}

/// What stands of who was erased: their touches are gone, but the channel, the source and the page
/// that their orders count under name nobody, and what was earned by them was earned.
async fn kept(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    has_touch: bool,
) -> Result<Vec<OrderFigure>> {
    if has_touch {
        return Ok(Vec::new());
    }
    let found = store::contacts::reach(session, site, contact).await?;
    if found.is_none_or(|found| found.erased_at.is_none()) {
        return Ok(Vec::new());
    }
    Ok(store::order_figures::of_contact(session, site, contact).await?)
}

fn landing_of(kept: &[OrderFigure], order: OrderId) -> Option<String> {
    kept.iter().find(|figure| figure.order_id == order).map(|figure| figure.landing.clone())
}

/// What the coupon took off, without the tax that was in it.
fn without_tax(order: &PaidOrder) -> i64 {
    if !order.tax_included || order.tax_ppm <= 0 {
        return order.discount_minor;
    }
    let gross = i128::from(order.discount_minor) * i128::from(WHOLE_PPM);
    let net = gross / i128::from(WHOLE_PPM.saturating_add(order.tax_ppm));
    i64::try_from(net).unwrap_or(order.discount_minor)
}
