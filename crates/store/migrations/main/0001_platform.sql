-- The platform: what every other table stands on. Types are those of house.md: bigint, text,
-- boolean, double precision; instants are UTC milliseconds; structures are JSON as text.

create table meta (
    key text primary key,
    value text not null
);

create table nodes (
    id bigint primary key,
    name text not null unique,
    epoch bigint not null,
    version text not null,
    started_at bigint not null,
    seen_at bigint not null,
    first_id bigint
);

create table sites (
    id bigint primary key,
    slug text not null unique,
    name text not null,
    base_url text not null,
    sender_name text not null,
    sender_address text not null,
    reply_to text,
    postal_address text not null,
    currency text not null,
    timezone text not null,
    language text not null,
    settings text not null,
    created_at bigint not null,
    updated_at bigint not null
);

create table site_hosts (
    host text primary key,
    site_id bigint not null references sites (id)
);

-- What happened; append-only, in the order of its ids.
create table events (
    site_id bigint not null,
    id bigint not null,
    at bigint not null,
    kind text not null,
    contact_id bigint,
    subject_id bigint,
    data text not null,
    primary key (site_id, id)
) /* sqlite: without rowid */;

create index events_by_contact on events (site_id, contact_id, id);

create table jobs (
    site_id bigint not null,
    id bigint not null,
    kind text not null,
    payload text not null,
    dedupe_key text not null,
    state text not null check (state in ('ready', 'leased', 'done', 'dead')),
    due_at bigint not null,
    attempts bigint not null,
    owner bigint,
    epoch bigint not null,
    lease_until bigint,
    last_error text,
    created_at bigint not null,
    ended_at bigint,
    primary key (site_id, id),
    unique (site_id, dedupe_key)
);

create index jobs_due on jobs (state, due_at);
