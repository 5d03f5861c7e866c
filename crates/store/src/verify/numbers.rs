//! Figures: derived from their rows, all of them, once.

use super::Check;

/// What must always hold of what the pages of figures read.
pub const CHECKS: &[Check] = &[
    Check {
        name: "figure_has_order",
        promise: "a figure belongs to an order that was paid, by the same contact",
        sql: "select f.site_id, f.order_id, 'no such order was paid then by this contact'
            from order_figures f where not exists (select 1 from orders o
                where o.site_id = f.site_id and o.id = f.order_id
                    and o.contact_id = f.contact_id and o.paid_at = f.paid_at)
            limit 100",
    },
    Check {
        name: "order_has_figure",
        promise: "an order that was paid stands in the figures once they have been looked at",
        sql: "select o.site_id, o.id, 'paid, and in no figure'
            from orders o join contacts c on c.site_id = o.site_id and c.id = o.contact_id
            where o.paid_at is not null and c.is_test = false
                and o.updated_at <= (select cast(value as bigint) from meta
                    where key = 'figures_looked_at')
                and not exists (select 1 from order_figures f
                    where f.site_id = o.site_id and f.order_id = o.id) limit 100",
    },
    Check {
        name: "figure_counts_in_order",
        promise: "a customer's orders are counted first, second, third, each once",
        sql: "select site_id, contact_id, cast(count(*) as text) || ' orders, the last the '
                || cast(max(nth) as text) || 'th'
            from order_figures group by site_id, contact_id
            having count(*) <> max(nth) or count(distinct nth) <> max(nth) limit 100",
    },
    Check {
        name: "sums_of_days",
        promise: "the sums of a day are those of the orders paid on it",
        sql: "select q.site_id, cast(0 as bigint), 'the sums of ' || q.day
                || ' are not what its orders come to'
            from (select site_id, paid_day as day, count(*) as orders,
                    sum(net_minor - refunded_minor) as revenue
                from order_figures group by site_id, paid_day
                union all select site_id, day, -sum(orders), -sum(net_minor - refunded_minor)
                from order_sums where per = 'day' and what = 'all' group by site_id, day) q
            group by q.site_id, q.day having sum(q.orders) <> 0 or sum(q.revenue) <> 0 limit 100",
    },
    Check {
        name: "sums_of_months",
        promise: "the sums of a month are those of the orders paid in it",
        sql: "select q.site_id, cast(0 as bigint), 'the sums of ' || q.month
                || ' are not what its orders come to'
            from (select site_id, substr(paid_day, 1, 7) as month, count(*) as orders,
                    sum(net_minor - refunded_minor) as revenue
                from order_figures group by site_id, substr(paid_day, 1, 7)
                union all select site_id, day, -sum(orders), -sum(net_minor - refunded_minor)
                from order_sums where per = 'month' and what = 'all' group by site_id, day) q
            group by q.site_id, q.month having sum(q.orders) <> 0 or sum(q.revenue) <> 0
            limit 100",
    },
    Check {
        name: "sums_of_customers",
        promise: "the sums of the customers won in a month are those of their orders",
        sql: "select q.site_id, cast(0 as bigint), 'the sums of who was won in ' || q.cohort
                || ' are not what their orders come to'
            from (select site_id, cohort, count(*) as orders,
                    sum(net_minor - refunded_minor - cost_minor + reward_minor
                        + case when nth = 1 then discount_minor else 0 end) as margin
                from order_figures group by site_id, cohort
                union all select site_id, won, -sum(orders), -sum(margin_minor)
                from customer_sums where per = 'total' and product_id = 0
                group by site_id, won) q
            group by q.site_id, q.cohort having sum(q.orders) <> 0 or sum(q.margin) <> 0
            limit 100",
    },
    Check {
        name: "rolled_day_has_its_mark",
        promise: "what is rolled up of a day stands there with the mark that says so",
        sql: "select q.site_id, cast(0 as bigint), q.day || ': ' || q.what || ' without a mark'
            from (select distinct site_id, day, 'mails' as what from mail_days
                union all select distinct site_id, day, 'links' from link_days
                union all select distinct site_id, day, 'answers' from form_days
                union all select distinct site_id, day, 'stages' from stage_days) q
            where not exists (select 1 from rolled_days r
                where r.site_id = q.site_id and r.day = q.day) limit 100",
    },
    Check {
        name: "customer_is_their_orders",
        promise: "what a customer brought is what the figures of their orders come to",
        sql: "select q.site_id, q.contact_id, cast(sum(q.orders) as text) || ' orders of '
                || cast(sum(q.revenue) as text) || ' more than is written'
            from (select site_id, contact_id, currency, 1 as orders,
                    net_minor - refunded_minor as revenue from order_figures
                union all select site_id, contact_id, currency, -orders, -net_minor
                from customer_figures) q
            group by q.site_id, q.contact_id, q.currency
            having sum(q.orders) <> 0 or sum(q.revenue) <> 0 limit 100",
    },
    Check {
        name: "cohorts_hold_everybody",
        promise: "the cohorts of a site hold each customer once, and all that was paid",
        sql: "select c.site_id, c.site_id, c.currency || ': ' || cast(count(*) as text)
            from customer_figures c group by c.site_id, c.currency
            having count(*) <> (select coalesce(sum(h.customers), 0) from cohort_cells h
                    where h.site_id = c.site_id and h.currency = c.currency
                    and h.unit = 'month' and h.product_id = 0 and h.nth = 0)
                or sum(c.net_minor) <> (select coalesce(sum(h.revenue_minor), 0)
                    from cohort_cells h where h.site_id = c.site_id
                    and h.currency = c.currency and h.unit = 'week' and h.product_id = 0)
                or sum(c.margin_minor) <> (select coalesce(sum(v.margin_minor), 0)
                    from value_cells v where v.site_id = c.site_id
                    and v.currency = c.currency)
            limit 100",
    },
];
