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
        // A minute after: on PostgreSQL an order may be committed behind the look, which is why
        // each look goes back so far (`rollups::OVERLAP_MS`).
        sql: "select o.site_id, o.id, 'paid, and in no figure'
            from orders o join contacts c on c.site_id = o.site_id and c.id = o.contact_id
            where o.paid_at is not null and c.is_test = false
                and o.updated_at < (select cast(value as bigint) - 60000 from meta
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
        sql: "select f.site_id, f.id, 'the sums of ' || f.day || ' are not what its orders come to'
            from (select site_id, paid_day as day, min(order_id) as id, count(*) as orders,
                    sum(net_minor - refunded_minor) as revenue
                from order_figures group by site_id, paid_day) f
            where f.orders <> coalesce((select sum(s.orders) from order_sums s
                    where s.site_id = f.site_id and s.per = 'day' and s.what = 'all'
                        and s.day = f.day), 0)
                or f.revenue <> coalesce((select sum(s.net_minor - s.refunded_minor)
                    from order_sums s where s.site_id = f.site_id and s.per = 'day'
                        and s.what = 'all' and s.day = f.day), 0)
            limit 100",
    },
    Check {
        name: "sums_of_months",
        promise: "the sums of a month are those of the orders paid in it",
        sql:
            "select f.site_id, f.id, 'the sums of ' || f.month || ' are not what its orders come to'
            from (select site_id, substr(paid_day, 1, 7) as month, min(order_id) as id,
                    count(*) as orders, sum(net_minor - refunded_minor) as revenue
                from order_figures group by site_id, substr(paid_day, 1, 7)) f
            where f.orders <> coalesce((select sum(s.orders) from order_sums s
                    where s.site_id = f.site_id and s.per = 'month' and s.what = 'all'
                        and s.day = f.month), 0)
                or f.revenue <> coalesce((select sum(s.net_minor - s.refunded_minor)
                    from order_sums s where s.site_id = f.site_id and s.per = 'month'
                        and s.what = 'all' and s.day = f.month), 0)
            limit 100",
    },
    Check {
        name: "sums_of_customers",
        promise: "the sums of the customers won in a month are those of their orders",
        sql: "select f.site_id, f.id, 'the sums of who was won in ' || f.cohort
                || ' are not what their orders come to'
            from (select site_id, cohort, min(order_id) as id, count(*) as orders,
                    sum(net_minor - refunded_minor - cost_minor + reward_minor
                        + case when nth = 1 then discount_minor else 0 end) as margin
                from order_figures group by site_id, cohort) f
            where f.orders <> coalesce((select sum(s.orders) from customer_sums s
                    where s.site_id = f.site_id and s.per = 'total' and s.product_id = 0
                        and s.won = f.cohort), 0)
                or f.margin <> coalesce((select sum(s.margin_minor) from customer_sums s
                    where s.site_id = f.site_id and s.per = 'total' and s.product_id = 0
                        and s.won = f.cohort), 0)
            limit 100",
    },
    Check {
        name: "customer_is_their_orders",
        promise: "what a customer brought is what the figures of their orders come to",
        sql: "select o.site_id, o.contact_id, cast(count(*) as text) || ' orders of '
                || cast(sum(o.net_minor - o.refunded_minor) as text)
            from order_figures o left join customer_figures c on c.site_id = o.site_id
                and c.contact_id = o.contact_id and c.currency = o.currency
            group by o.site_id, o.contact_id, o.currency, c.orders, c.net_minor
            having c.orders is null or c.orders <> count(*)
                or c.net_minor <> sum(o.net_minor - o.refunded_minor) limit 100",
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
