//! Journeys: one for each order, and sums that add up to them.

use super::Check;

/// What must always hold of roads and attribution.
pub const CHECKS: &[Check] = &[
    Check {
        name: "order_has_journey",
        promise: "an order in the figures has a journey, and a journey to an order its figure",
        sql: "select f.site_id, f.order_id, 'in the figures without a journey'
            from order_figures f where not exists (select 1 from journeys j
                where j.site_id = f.site_id and j.contact_id = f.contact_id
                    and j.order_id = f.order_id)
                and not exists (select 1 from journey_marks m
                    where m.site_id = f.site_id and m.contact_id = f.contact_id)
            union all select j.site_id, j.order_id, 'a journey to an order in no figure'
            from journeys j where j.order_id > 0 and not exists (select 1 from order_figures f
                where f.site_id = j.site_id and f.order_id = j.order_id
                    and f.contact_id = j.contact_id)
                and not exists (select 1 from journey_marks m
                    where m.site_id = j.site_id and m.contact_id = j.contact_id)
            limit 100",
    },
    Check {
        name: "roads_add_up",
        promise: "the sums by road are those of all journeys, by day and by month",
        sql: "select q.site_id, cast(0 as bigint), q.level || ' by ' || q.unit || ': '
                || cast(sum(q.journeys) as text) || ' journeys in no sum'
            from (select j.site_id, w.level, w.unit, count(*) as journeys,
                    sum(j.revenue_minor) as revenue
                from journeys j cross join (select 'channel' as level, 'day' as unit
                    union all select 'channel', 'month' union all select 'source', 'day'
                    union all select 'source', 'month') w
                group by j.site_id, w.level, w.unit
                union all select site_id, level, unit, -sum(orders + nulls), -sum(revenue_minor)
                from road_sums where product_id = 0 group by site_id, level, unit) q
            group by q.site_id, q.level, q.unit
            having sum(q.journeys) <> 0 or sum(q.revenue) <> 0 limit 100",
    },
    Check {
        name: "decays_add_up",
        promise: "credits by time decay add up to the orders that a touch came before",
        sql: "select q.site_id, cast(0 as bigint), q.unit || ': ' || cast(sum(q.credit) as text)
                || ' thousand millionths of orders in no credit'
            from (select j.site_id, w.unit, count(*) * 1000000000 as credit
                from journeys j cross join (select 'day' as unit union all select 'month') w
                where j.order_id > 0 and j.path <> '' group by j.site_id, w.unit
                union all select site_id, unit, -sum(credit_ppb)
                from road_decays where product_id = 0 group by site_id, unit) q
            group by q.site_id, q.unit having sum(q.credit) <> 0 limit 100",
    },
];
