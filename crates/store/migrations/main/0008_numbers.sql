-- Figures: derived from the rows they count and from nothing else, so that a page need not count a
-- million rows. `rebuild rollups` makes them anew.

-- One row an order that was paid, with what the pages group by. Derived from orders, order_lines,
-- refunds, touches, clicks and referrals whenever its order changes.
create table order_figures (
    site_id bigint not null,
    order_id bigint not null,
    contact_id bigint not null,
    paid_at bigint not null,
    paid_day text not null,
    -- The contact's first order is 1; `day` counts whole days since it.
    nth bigint not null check (nth >= 1),
    first_at bigint not null,
    cohort text not null,
    day bigint not null check (day >= 0),
    first_product_id bigint not null,
    channel text not null,
    source text not null,
    landing text not null,
    currency text not null,
    -- Without tax: paid, given back, taken off, taken off as the reward of a referral, cost.
    net_minor bigint not null,
    refunded_minor bigint not null,
    discount_minor bigint not null,
    reward_minor bigint not null,
    reward_for bigint,
    cost_minor bigint not null,
    -- The mail clicked last within seven days before.
    message_id bigint,
    mail_kind text not null,
    mail_source_id bigint not null,
    mail_template_id bigint not null,
    primary key (site_id, order_id)
) /* sqlite: without rowid */;

create index order_figures_by_time on order_figures (site_id, paid_at, order_id);
create index order_figures_by_contact on order_figures (site_id, contact_id, nth);

-- How many contacts reached a stage on a day, by how they first came.
create table stage_days (
    site_id bigint not null,
    day text not null,
    stage text not null check (stage in ('lead', 'confirmed', 'qualified', 'referral')),
    channel text not null,
    source text not null,
    landing text not null,
    contacts bigint not null,
    primary key (site_id, day, stage, channel, source, landing)
) /* sqlite: without rowid */;

-- How many answers a form took on a day, and how many with a contact who confirmed.
create table form_days (
    site_id bigint not null,
    day text not null,
    form_id bigint not null,
    answers bigint not null,
    confirmed bigint not null,
    primary key (site_id, day, form_id)
) /* sqlite: without rowid */;

-- How many mails left on a day, and how many got their first human click.
create table mail_days (
    site_id bigint not null,
    day text not null,
    kind text not null,
    source_id bigint not null,
    template_id bigint not null,
    sent bigint not null,
    caught bigint not null,
    clicked bigint not null,
    primary key (site_id, day, kind, source_id, template_id)
) /* sqlite: without rowid */;

-- Which days the two tables above hold. A day that is not here is counted from its rows.
create table rolled_days (
    site_id bigint not null,
    day text not null,
    rolled_at bigint not null,
    primary key (site_id, day)
) /* sqlite: without rowid */;

-- What is asked by time.
create index contacts_by_confirmed on contacts (site_id, confirmed_at)
    where confirmed_at is not null;
create index clicks_human_by_time on clicks (site_id, at) where verdict = 'human';
create index clicks_human_by_contact on clicks (site_id, contact_id, at) where verdict = 'human';
create index messages_sent on messages (site_id, accepted_at) where accepted_at is not null;
create index orders_by_change on orders (updated_at);
create index orders_by_paid on orders (site_id, paid_at) where paid_at is not null;
create index referrals_by_time on referrals (site_id, created_at);
