-- How warm a contact is: rules that give points for what happened, and what they come to.

create table score_rules (
    site_id bigint not null,
    id bigint not null,
    name text not null,
    -- What happens, and which of its kind: a form, a free thing, a tag, part of an address, a
    -- field. Empty: any.
    cause text not null,
    about text not null,
    -- Of a field: its value. Empty: any.
    value text not null,
    points bigint not null,
    -- Only the newest so many count; and no more points than so many in all.
    times_max bigint,
    points_max bigint,
    half_life_days bigint,
    topic text not null,
    is_on boolean not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id)
);

-- How far a site's scores are kept up.
create table score_states (
    site_id bigint not null primary key,
    -- From so many points on a contact is hot.
    hot_points bigint,
    -- Kept scores are as of this instant: midnight where the site is, so that they are comparable.
    as_of bigint not null,
    -- Every event up to this one is in them.
    seen_event bigint not null,
    -- What goes through all contacts just now: changed rules, or a new day; and how far it is.
    walk text check (walk in ('rules', 'day')),
    walked_to bigint not null,
    began_at bigint,
    ended_at bigint,
    -- What the last change of rules did.
    contacts bigint not null,
    raised bigint not null,
    lowered bigint not null,
    updated_at bigint not null
);

-- What the rules come to for a contact. Derived from its events and fields.
create table contact_scores (
    site_id bigint not null,
    contact_id bigint not null,
    points double precision not null,
    as_of bigint not null,
    -- The newest event that is in it.
    seen_event bigint not null,
    -- Whether any of it gets less by itself.
    fades boolean not null,
    hot_since bigint,
    primary key (site_id, contact_id)
) /* sqlite: without rowid */;

create index contact_scores_by_points on contact_scores (site_id, points, contact_id);
create index contact_scores_fading on contact_scores (site_id, contact_id) where fades = true;
create index contact_scores_hot on contact_scores (site_id, hot_since)
    where hot_since is not null;

-- What is bought beside what: the partners of each product that go together most beyond chance,
-- so that a page need not weigh them all. Kept with each order, and made anew once a day.
create table product_tops (
    site_id bigint not null,
    product_id bigint not null,
    other_id bigint not null,
    score double precision not null,
    primary key (site_id, product_id, other_id)
) /* sqlite: without rowid */;

create index product_tops_by_score on product_tops (site_id, product_id, score);
create index product_pairs_by_together
    on product_pairs (site_id, product_id, together, other_id);

-- All who ever had anything: the pair of no product with itself.
insert into product_pairs (site_id, product_id, other_id, together)
    select site_id, 0, 0, count(distinct contact_id) from entitlements group by site_id;
