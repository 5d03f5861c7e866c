//! What contacts did, in whole numbers and by time: for passes over all of it.

use model::ids::{ContactId, OrderId, first_id_at, made_at};
use model::times::MINUTE_MS;
use model::{SiteId, UtcMs};

use crate::{Result, Session};

// `cross join`: the acts of the days first, who did them after.
const FORMS: &str = "select s.id, s.contact_id, s.form_id, cast(0 as bigint)
    from submissions s cross join contacts c
    where c.site_id = s.site_id and c.id = s.contact_id and s.site_id = $1
        and s.state = 'accepted' and s.id >= $2 and s.id < $3 and c.is_test = false";
const CONFIRMED: &str = "select c.confirmed_at, c.id, cast(0 as bigint), cast(0 as bigint)
    from contacts c
    where c.site_id = $1 and c.confirmed_at >= $2 and c.confirmed_at < $3 and c.is_test = false";
const CLICKED: &str = "select k.at, k.contact_id, cast(0 as bigint), cast(0 as bigint)
    from clicks k cross join contacts c
    where c.site_id = k.site_id and c.id = k.contact_id and k.site_id = $1
        and k.verdict = 'human' and k.at >= $2 and k.at < $3 and c.is_test = false";
const CHECKOUT: &str = "select o.id, o.contact_id, o.created_at, o.id
    from orders o cross join contacts c
    where c.site_id = o.site_id and c.id = o.contact_id and o.site_id = $1
        and o.id >= $2 and o.id < $3 and c.is_test = false";
const PAID: &str = "select f.paid_at, f.contact_id, f.nth, f.order_id from order_figures f
    where f.site_id = $1 and f.paid_at >= $2 and f.paid_at < $3";
const BOUGHT: &str = "select f.paid_at, f.contact_id, l.product_id, f.order_id
    from order_figures f cross join order_lines l
    where l.site_id = f.site_id and l.order_id = f.order_id and f.site_id = $1
        and f.paid_at >= $2 and f.paid_at < $3 and l.state in ('paid', 'refunded')";

// By the orders of these days and of the month before: nothing is offered later after one.
const SHOWN: &str = "select s.shown_at, o.contact_id, s.offer_id, s.order_id
    from order_offers s cross join orders o cross join contacts c
    where o.site_id = s.site_id and o.id = s.order_id and c.site_id = o.site_id
        and c.id = o.contact_id and s.site_id = $1 and s.order_id >= $2 and s.order_id < $3
        and s.shown_at >= $4 and s.shown_at < $5 and c.is_test = false";
const TAKEN: &str = "select s.decided_at, o.contact_id, s.offer_id, s.order_id
    from order_offers s cross join orders o cross join contacts c
    where o.site_id = s.site_id and o.id = s.order_id and c.site_id = o.site_id
        and c.id = o.contact_id and s.site_id = $1 and s.order_id >= $2 and s.order_id < $3
        and s.decided_at >= $4 and s.decided_at < $5 and s.state = 'paid'
        and c.is_test = false";

/// Days after an order within which whatever it is offered is shown and decided.
const OFFERED_DAYS: i64 = 31;
/// An order whose id is so much younger than the order was placed elsewhere: it was taken in from a
/// file, and nobody sent a checkout here.
const TAKEN_IN_MS: i64 = MINUTE_MS;

/// Something a contact did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// An answer to a form was taken; with the form.
    Form,
    /// Confirmed.
    Confirmed,
    /// Clicked in a mail, as a person.
    Clicked,
    /// Sent the form of a checkout; with when. An order taken in from a file is none.
    Checkout,
    /// An order was paid; with the contact's how-many-eth it is.
    Paid,
    /// A product in a paid order; with the product.
    Bought,
    /// An offer was shown after an order was paid; with the offer.
    Shown,
    /// One of these was taken and paid; with the offer.
    Taken,
}

impl Act {
    /// Whether the rows are found by the time in an id.
    fn has_id(self) -> bool {
        matches!(self, Self::Form | Self::Checkout)
    }

    fn is_of_offer(self) -> bool {
        matches!(self, Self::Shown | Self::Taken)
    }
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Done {
    /// When.
    pub at: UtcMs,
    /// By whom.
    pub contact: ContactId,
    /// The order it was; 0 where it was none.
    pub order: OrderId,
    /// The number that [`Act`] says.
    pub subject: i64,
}

/// Gives what was done in `from .. until` to `take`, in no order. Contacts marked as test are left
/// out.
pub async fn each(
    session: &mut Session<'_>,
    site: SiteId,
    act: Act,
    (from, until): (UtcMs, UtcMs),
    mut take: impl FnMut(Done) + Send,
) -> Result<()> {
    let sql = match act {
        Act::Form => FORMS,
        Act::Confirmed => CONFIRMED,
        Act::Clicked => CLICKED,
        Act::Checkout => CHECKOUT,
        Act::Paid => PAID,
        Act::Bought => BOUGHT,
        Act::Shown => SHOWN,
        Act::Taken => TAKEN,
    };
    let has_id = act.has_id();
    let bound = |at: UtcMs| if has_id { first_id_at(at) } else { at.0 };
    let query = session.query(sql).bind(site);
    let query = if act.is_of_offer() {
        let first = first_id_at(from.plus_days(-OFFERED_DAYS));
        query.bind(first).bind(first_id_at(until)).bind(from).bind(until)
    } else {
        query.bind(bound(from)).bind(bound(until))
    };
    let give = |[at, contact, subject, order]: [i64; 4]| {
        let at = if has_id { made_at(at) } else { UtcMs(at) };
        if act == Act::Checkout && at.since_ms(UtcMs(subject)) >= TAKEN_IN_MS {
            return;
        }
        take(Done { at, contact: ContactId(contact), order: OrderId(order), subject });
    };
    query.each_ints(give).await.map(drop)
}
