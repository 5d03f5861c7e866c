-- Page views, in the order of time and counted by day. A visitor is a hash that holds for one day;
-- its salt is deleted two days later, and with it what could tell whose hash it was.

-- The hot table: one tree, appended to at its end. Who looks for days finds them by `view_days`.
create table page_views (
    id bigint not null /* sqlite: rowid */,
    site_id bigint not null,
    day bigint not null,
    at bigint not null,
    visitor bigint not null,
    page bigint not null,
    origin bigint not null
);
/* postgres: create index page_views_by_id on page_views using brin (id) with (autosummarize = on); */

-- The last id given out: ids come in the order in which writers commit.
create table view_ids (
    one bigint primary key,
    last_id bigint not null
);

create table view_pages (
    site_id bigint not null,
    id bigint not null,
    path text not null,
    primary key (site_id, id),
    unique (site_id, path)
) /* sqlite: without rowid */;

create table view_origins (
    site_id bigint not null,
    id bigint not null,
    source text not null,
    medium text not null,
    campaign text not null,
    primary key (site_id, id),
    unique (site_id, source, medium, campaign)
) /* sqlite: without rowid */;

create table view_salts (
    site_id bigint not null,
    day text not null,
    salt text not null,
    made_at bigint not null,
    primary key (site_id, day)
) /* sqlite: without rowid */;

-- A day's sums, and between which ids its views stand; 0 to 0 once they are deleted.
create table view_days (
    site_id bigint not null,
    day text not null,
    first_id bigint not null,
    last_id bigint not null,
    views bigint not null,
    visitors bigint not null,
    primary key (site_id, day)
) /* sqlite: without rowid */;

create table page_view_sums (
    site_id bigint not null,
    per text not null check (per = 'day' or per = 'month'),
    period text not null,
    page bigint not null,
    origin bigint not null,
    views bigint not null,
    visitors bigint not null,
    primary key (site_id, per, period, page, origin)
) /* sqlite: without rowid */;

-- Whose visit it was: a visitor of a day and the contact who said so by an act (`subject_id`: the
-- order or the click); `joined` once that act is known to be the contact's own. What does not come
-- to that is deleted.
create table visits (
    site_id bigint not null,
    contact_id bigint not null,
    day bigint not null,
    visitor bigint not null,
    act text not null check (act in ('form', 'order', 'click')),
    subject_id bigint,
    at bigint not null,
    next_at bigint not null,
    joined boolean not null,
    primary key (site_id, day, visitor, contact_id)
) /* sqlite: without rowid */;
create index visits_by_contact on visits (site_id, contact_id, day);
create index visits_waiting on visits (next_at) where joined = false;
