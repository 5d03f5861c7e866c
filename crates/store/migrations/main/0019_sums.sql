-- Stages by month, added up from days once all days of a month are rolled up: what a year's pages
-- read. A day that is unmarked takes its month with it.

create table stage_months (
    site_id bigint not null,
    month text not null,
    stage text not null check (stage in ('lead', 'confirmed', 'qualified', 'referral')),
    channel text not null,
    source text not null,
    landing text not null,
    contacts bigint not null,
    primary key (site_id, month, stage, channel, source, landing)
) /* sqlite: without rowid */;

create table rolled_months (
    site_id bigint not null,
    month text not null,
    primary key (site_id, month)
) /* sqlite: without rowid */;

-- Two ways to take the same sum, by the day of their rows, as last counted: what the page of
-- reconciliation reads where the rows are too many to be counted while somebody waits.
create table balances (
    site_id bigint not null,
    day text not null,
    name text not null,
    -- The currency of amounts, the state of mails and answers.
    part text not null,
    one_way bigint not null,
    other_way bigint not null,
    -- Orders, or mails, or clicks, whose own two sums differ.
    apart bigint not null,
    counted_at bigint not null,
    primary key (site_id, day, name, part)
) /* sqlite: without rowid */;
