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
        sql: "select r.site_id, cast(0 as bigint), r.level || ' by ' || r.unit || ': '
                || cast(r.journeys as text) || ' of ' || cast(coalesce(j.journeys, 0) as text)
            from (select site_id, level, unit, cast(sum(orders + nulls) as bigint) as journeys,
                    cast(sum(revenue_minor) as bigint) as revenue
                from road_sums where product_id = 0 group by site_id, level, unit) r
            left join (select site_id, count(*) as journeys,
                    cast(sum(revenue_minor) as bigint) as revenue
                from journeys group by site_id) j on j.site_id = r.site_id
            where r.journeys <> coalesce(j.journeys, 0) or r.revenue <> coalesce(j.revenue, 0)
            limit 100",
    },
    Check {
        name: "decays_add_up",
        promise: "credits by time decay add up to the orders that a touch came before",
        sql: "select d.site_id, cast(0 as bigint), d.unit || ': ' || cast(d.credit as text)
                || ' thousand millionths of ' || cast(coalesce(j.orders, 0) as text) || ' orders'
            from (select site_id, unit, cast(sum(credit_ppb) as bigint) as credit
                from road_decays where product_id = 0 group by site_id, unit) d
            left join (select site_id, count(*) as orders from journeys
                where order_id > 0 and path <> '' group by site_id) j on j.site_id = d.site_id
            where d.credit <> coalesce(j.orders, 0) * 1000000000 limit 100",
    },
];
