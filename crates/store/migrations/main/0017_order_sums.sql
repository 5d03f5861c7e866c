-- Sums of the figures of orders, so that a page of figures reads some thousand rows where a million
-- orders stand. Each is changed in the transaction that changes the figure it sums.

-- Which link of the mail was clicked.
alter table order_figures add column mail_version_id bigint not null default 0;
alter table order_figures add column mail_position bigint not null default 0;

-- Customers by the instant of their first order; the few orders that took off a reward.
create index order_figures_by_first on order_figures (site_id, first_at, order_id);
create index order_figures_rewards on order_figures (site_id, order_id)
    where reward_for is not null;

-- What an order holds of an offer, and which one-click offers its buyer was shown and took.
create table figure_offers (
    site_id bigint not null,
    order_id bigint not null,
    offer_id bigint not null,
    kind text not null,
    quantity bigint not null,
    net_minor bigint not null,
    refunded_minor bigint not null,
    cost_minor bigint not null,
    shown bigint not null,
    taken bigint not null,
    primary key (site_id, order_id, offer_id, kind)
) /* sqlite: without rowid */;

create index figure_offers_by_offer on figure_offers (site_id, offer_id, kind, order_id);

-- Orders by the day (2026-03-14) and the month (2026-03) in which they were paid. `what` says of
-- which kind `key` is: of nothing (all), a page, a mail, a link in a mail, an offer.
create table order_sums (
    site_id bigint not null,
    per text not null check (per in ('day', 'month')),
    what text not null check (what in ('all', 'page', 'mail', 'link', 'offer')),
    day text not null,
    currency text not null,
    key text not null,
    channel text not null,
    source text not null,
    product_id bigint not null,
    -- 1 and 2 for first and second orders, 3 for all later ones; 0 where nobody asks.
    nth bigint not null,
    orders bigint not null,
    pieces bigint not null,
    net_minor bigint not null,
    refunded_minor bigint not null,
    cost_minor bigint not null,
    shown bigint not null,
    taken bigint not null,
    primary key (site_id, per, what, day, currency, key, channel, source, product_id, nth)
) /* sqlite: without rowid */;

-- What customers brought, by the day and the month of their first order and the days since; product
-- 0 stands for all first products together, and `total` is a month with all its origins together.
create table customer_sums (
    site_id bigint not null,
    per text not null check (per in ('day', 'month', 'total')),
    product_id bigint not null,
    won text not null,
    day bigint not null,
    channel text not null,
    source text not null,
    currency text not null,
    customers bigint not null,
    seconds bigint not null,
    orders bigint not null,
    discount_minor bigint not null,
    margin_minor bigint not null,
    primary key (site_id, per, product_id, won, day, channel, source, currency)
) /* sqlite: without rowid */;

-- Mails whose link was clicked by a person for the first time, by day.
create table link_days (
    site_id bigint not null,
    day text not null,
    version_id bigint not null,
    position bigint not null,
    clicked bigint not null,
    primary key (site_id, day, version_id, position)
) /* sqlite: without rowid */;

-- All of these are derived: what stood is made anew within the first minutes.
delete from order_figures;
delete from mail_days;
delete from form_days;
delete from stage_days;
delete from rolled_days;
delete from meta where key = 'figures_looked_at';

-- Whether money was ever spent under this word.
create index spends_by_channel on spends (site_id, channel, campaign, from_day);
