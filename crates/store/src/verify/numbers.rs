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
];
