-- By which roads people came to their orders, and to none yet. Derived: the sweep of the figures
-- keeps it up to date, `tundish rebuild rollups` makes it anew.

-- One row an order, and one a contact whose last touches led to none so far: their touches since
-- the order before. Test contacts have none.
create table journeys (
    site_id bigint not null,
    contact_id bigint not null,
    -- 0: no order yet.
    order_id bigint not null,
    -- When the order was paid, or when the last touch was; and the day of that in the site's zone.
    ended_at bigint not null,
    day text not null,
    -- When the first touch was.
    began_at bigint not null,
    -- What was ordered first of all; 0 without an order.
    product_id bigint not null,
    -- Of the amounts, which are without tax; empty without an order.
    currency text not null,
    revenue_minor bigint not null,
    margin_minor bigint not null,
    -- `>paid_social>email>`, and the same with sources; empty where no touch came before.
    channels text not null,
    path text not null,
    -- How many milliseconds each touch was before the last one.
    ages text not null,
    primary key (site_id, contact_id, order_id)
) /* sqlite: without rowid */;

create index journeys_by_time on journeys (site_id, ended_at, channels);

-- Contacts whose touches or orders changed since their journeys were made.
create table journey_marks (
    site_id bigint not null,
    contact_id bigint not null,
    primary key (site_id, contact_id)
) /* sqlite: without rowid */;

-- What came of each path, by the day (`2026-03-14`) or month (`2026-03`) in which it ended: of
-- everything together (product 0), and once more of each product by itself.
create table road_sums (
    site_id bigint not null,
    level text not null check (level in ('channel', 'source')),
    unit text not null check (unit in ('day', 'month')),
    product_id bigint not null,
    period text not null,
    currency text not null,
    path text not null,
    orders bigint not null,
    revenue_minor bigint not null,
    margin_minor bigint not null,
    nulls bigint not null,
    -- Orders by how long after the first touch: within 1, 2, 4, 8, 15, 31 or 91 days, or later.
    wait_0 bigint not null,
    wait_1 bigint not null,
    wait_2 bigint not null,
    wait_3 bigint not null,
    wait_4 bigint not null,
    wait_5 bigint not null,
    wait_6 bigint not null,
    wait_7 bigint not null,
    primary key (site_id, level, unit, product_id, period, currency, path)
) /* sqlite: without rowid */;

-- Credit by time decay, which no path tells without its times: thousand millionths of an order.
create table road_decays (
    site_id bigint not null,
    unit text not null check (unit in ('day', 'month')),
    product_id bigint not null,
    period text not null,
    currency text not null,
    channel text not null,
    source text not null,
    credit_ppb bigint not null,
    revenue_minor bigint not null,
    primary key (site_id, unit, product_id, period, currency, channel, source)
) /* sqlite: without rowid */;

-- Everybody who is there already.
insert into journey_marks (site_id, contact_id) select distinct site_id, contact_id from touches;
insert into journey_marks (site_id, contact_id)
    select distinct f.site_id, f.contact_id from order_figures f where not exists
        (select 1 from touches t where t.site_id = f.site_id and t.contact_id = f.contact_id);
