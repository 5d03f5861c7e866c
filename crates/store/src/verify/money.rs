//! Money: charged once, booked in double entry, granted exactly once, never past a limit.

use super::Check;

/// What must always hold of orders, payments, the ledger, stock and coupons.
pub const CHECKS: &[Check] = &[
    Check {
        name: "money_01_ledger_balances",
        promise: "the lines of each ledger transaction add up to zero",
        sql: "select site_id, txn_id, 'adds up to ' || cast(sum(minor) as text) || ' ' || currency
            from ledger_lines group by site_id, txn_id, currency
            having sum(minor) <> 0 limit 100",
    },
    Check {
        name: "money_02_order_balance",
        promise: "what came in for an order less what went back is its balance in the ledger",
        sql:
            "select o.site_id, o.id, 'came in ' || cast(o.captured_minor as text) || ', went back '
                || cast(o.refunded_minor as text)
            from orders o where o.captured_minor - o.refunded_minor <> coalesce((
                select sum(l.minor) from ledger_lines l where l.site_id = o.site_id
                and l.order_id = o.id and l.account like 'cash:%'), 0) limit 100",
    },
    Check {
        name: "money_02_order_total",
        promise: "the total of an order that was paid is the sum of its paid lines",
        sql: "select o.site_id, o.id, 'total ' || cast(o.total_minor as text)
            from orders o where o.paid_at is not null and o.review is null
                and o.total_minor <> coalesce((select sum(l.total_minor) from order_lines l
                    where l.site_id = o.site_id and l.order_id = o.id
                    and l.state in ('paid', 'refunded')), 0) limit 100",
    },
    Check {
        name: "money_03_paid_once",
        promise: "an order that was paid has exactly one initial attempt that succeeded",
        sql: "select o.site_id, o.id, o.state || ' with another number of succeeded attempts'
            from orders o where o.state in ('paid', 'partially_refunded', 'refunded')
                and (select count(*) from payments p where p.site_id = o.site_id
                    and p.order_id = o.id and p.purpose = 'initial'
                    and p.state = 'succeeded') <> 1 limit 100",
    },
    Check {
        name: "money_03_paid_is_fulfilled",
        promise: "an attempt that succeeded belongs to an order that was paid",
        sql: "select p.site_id, p.id, 'succeeded, and the order is ' || o.state
            from payments p join orders o on o.site_id = p.site_id and o.id = p.order_id
            where p.state = 'succeeded' and o.paid_at is null limit 100",
    },
    Check {
        name: "money_04_no_double_charge",
        promise: "nothing is charged twice",
        sql: "select site_id, order_id, purpose || ' succeeded ' || cast(count(*) as text)
                || ' times'
            from payments where state = 'succeeded'
            group by site_id, order_id, purpose having count(*) > 1 limit 100",
    },
    Check {
        name: "money_04_test_books_agree",
        promise: "each charge in the test provider's books is one attempt that succeeded, once known",
        sql: "select c.site_id, c.id, 'charged, and the attempt is ' || p.state
            from test_charges c join payments p
                on p.site_id = c.site_id and p.idem_key = c.idem_key
            where c.kind = 'charge' and c.state = 'succeeded'
                and p.state not in ('succeeded', 'creating', 'created', 'unknown',
                    'requires_action') limit 100",
    },
    Check {
        name: "money_05_granted",
        promise: "what was paid for is granted, and what was paid back is taken back",
        sql: "select l.site_id, l.id, l.state || ' line with ' || cast(count(e.id) as text)
                || ' grants'
            from order_lines l left join entitlements e on e.site_id = l.site_id
                and e.line_id = l.id and e.revoked_at is null
            group by l.site_id, l.id, l.state
            having (l.state = 'paid' and count(e.id) <> 1)
                or (l.state <> 'paid' and count(e.id) <> 0) limit 100",
    },
    Check {
        name: "money_06_coupons",
        promise: "a coupon is used as often as it has redemptions, and never past its limit",
        sql: "select c.site_id, c.id, 'used ' || cast(c.used as text) from coupons c
            where (c.max_uses is not null and c.used > c.max_uses)
                or c.used <> (select count(*) from coupon_redemptions r
                    where r.site_id = c.site_id and r.coupon_id = c.id) limit 100",
    },
    Check {
        name: "money_07_stock",
        promise: "what is held and sold of an offer is what its lines hold, and never more than is",
        sql: "select o.site_id, o.id, 'held ' || cast(o.stock_held as text) || ', sold '
                || cast(o.stock_sold as text)
            from offers o where (o.stock_initial is not null
                    and o.stock_held + o.stock_sold > o.stock_initial)
                or o.stock_held <> coalesce((select sum(l.quantity) from order_lines l
                    where l.site_id = o.site_id and l.offer_id = o.id and l.stock = 'held'), 0)
                or o.stock_sold <> coalesce((select sum(l.quantity) from order_lines l
                    where l.site_id = o.site_id and l.offer_id = o.id and l.stock = 'sold'), 0)
            limit 100",
    },
    Check {
        name: "money_09_receipt",
        promise: "an order that is closed has one invoice, and its receipt is planned",
        sql: "select o.site_id, o.id, 'closed without its receipt' from orders o
            where o.closed_at is not null and (
                (select count(*) from invoices i where i.site_id = o.site_id
                    and i.order_id = o.id and i.kind = 'order') <> 1
                or not exists (select 1 from messages m where m.site_id = o.site_id
                    and m.source_kind = 'receipt' and m.source_id = o.id
                    and m.system_name = 'receipt')) limit 100",
    },
    Check {
        name: "money_09_numbers_without_gaps",
        promise: "invoice numbers have no gap",
        sql: "select site_id, max(number), cast(count(*) as text) || ' invoices up to number '
                || cast(max(number) as text)
            from invoices group by site_id having count(*) <> max(number) limit 100",
    },
    Check {
        name: "money_10_rewards",
        promise: "a recommendation that was credited has its reward, and nobody recommends themself",
        sql: "select site_id, id, state from referrals
            where (state = 'credited' and reward_coupon_id is null)
                or (state in ('credited', 'held') and referrer_id = referred_id) limit 100",
    },
    Check {
        name: "money_12_no_attempt_is_forgotten",
        promise: "no attempt waits for an answer for longer than 20 hours",
        sql: "select p.site_id, p.id, p.state || ' for too long' from payments p
            where p.state in ('creating', 'unknown') and p.created_at + 72000000 < (
                select e.at from events e where e.site_id = p.site_id
                order by e.id desc limit 1) limit 100",
    },
];
