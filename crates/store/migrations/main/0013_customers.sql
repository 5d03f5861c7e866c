-- Customers: what each brought and when, the sums that pages of figures read of them, and saved
-- rules about people. The figures are derived from order_figures, in the transaction that writes
-- those, and from nothing else; `rebuild rollups` makes them anew.

-- One row a customer and currency: what was paid in two of them is never added up. Days are counted
-- from 1970-01-01 in the site's zone. Money is without tax and less what was given back.
create table customer_figures (
    site_id bigint not null,
    contact_id bigint not null,
    currency text not null,
    first_day bigint not null,
    last_day bigint not null check (last_day >= first_day),
    last_at bigint not null,
    orders bigint not null check (orders >= 1),
    -- Later days with an order, what was paid on them, and what was left of that.
    repeat_days bigint not null check (repeat_days >= 0),
    repeat_minor bigint not null,
    repeat_margin_minor bigint not null,
    net_minor bigint not null,
    margin_minor bigint not null,
    first_product_id bigint not null,
    channel text not null,
    source text not null,
    primary key (site_id, contact_id, currency)
) /* sqlite: without rowid */;

create index customer_figures_by_first
    on customer_figures (site_id, currency, first_day, contact_id);
create index customer_figures_by_last
    on customer_figures (site_id, currency, last_day, contact_id);

-- Who of a cohort bought in the nth month or week after the first order. A month is counted from
-- January of the year 0, a week from the one of 29 December 1969. Product 0: whatever was bought first.
create table cohort_cells (
    site_id bigint not null,
    currency text not null,
    unit text not null check (unit in ('month', 'week')),
    product_id bigint not null,
    cohort bigint not null,
    nth bigint not null check (nth >= 0),
    customers bigint not null,
    revenue_minor bigint not null,
    margin_minor bigint not null,
    primary key (site_id, currency, unit, product_id, cohort, nth)
) /* sqlite: without rowid */;

-- What the customers won in a month brought so many days after their first order.
create table value_cells (
    site_id bigint not null,
    currency text not null,
    cohort bigint not null,
    channel text not null,
    source text not null,
    product_id bigint not null,
    customers bigint not null,
    -- Customers who came back, taken off first orders, and margin by day.
    returned bigint not null,
    discount_minor bigint not null,
    margin_30_minor bigint not null,
    margin_90_minor bigint not null,
    margin_180_minor bigint not null,
    margin_365_minor bigint not null,
    margin_minor bigint not null,
    net_minor bigint not null,
    primary key (site_id, currency, cohort, channel, source, product_id)
) /* sqlite: without rowid */;

-- What takes seconds to work out of a million customers, kept with its day: JSON.
create table fits (
    site_id bigint not null,
    currency text not null,
    kind text not null check (kind in ('rfm', 'value')),
    day text not null,
    customers bigint not null,
    made_at bigint not null,
    body text not null,
    primary key (site_id, currency, kind)
) /* sqlite: without rowid */;

-- Saved rules. The members stand as they were counted last.
create table segments (
    site_id bigint not null,
    id bigint not null,
    name text not null,
    rule text not null,
    members bigint not null,
    counted_at bigint,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, name)
);

create table segment_members (
    site_id bigint not null,
    segment_id bigint not null,
    contact_id bigint not null,
    primary key (site_id, segment_id, contact_id)
) /* sqlite: without rowid */;

create index segment_members_by_contact on segment_members (site_id, contact_id, segment_id);

-- All of it is made of the orders, at the next start.
delete from order_figures;
delete from meta where key = 'figures_looked_at';
