-- Pages and their versions. A version is never changed; a page points at its draft and at what is
-- published.

create table pages (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    kind text not null check (kind in ('landing', 'sales', 'thank_you', 'article', 'legal')),
    title text not null,
    draft_version bigint not null,
    published_version bigint,
    published_at bigint,
    retired_at bigint,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
);

create table page_versions (
    site_id bigint not null,
    page_id bigint not null,
    version bigint not null,
    content text not null,
    created_at bigint not null,
    primary key (site_id, page_id, version)
);

-- What was spent to be seen: by hand or from a file; the key keeps a file read twice from counting
-- twice.
create table spends (
    site_id bigint not null,
    id bigint not null,
    dedupe_key text not null,
    channel text not null,
    campaign text not null,
    from_day text not null,
    to_day text not null,
    amount_minor bigint not null,
    currency text not null,
    clicks bigint,
    impressions bigint,
    note text not null,
    created_at bigint not null,
    primary key (site_id, id),
    unique (site_id, dedupe_key)
);

create index spends_by_day on spends (site_id, from_day);
