-- The learned score: what a site learned of who buys, and the chance that gives each contact.

create table learned_scores (
    site_id bigint not null primary key,
    -- Protected fields that may be learned from all the same, by name, between commas.
    allowed text not null,
    asked_at bigint,
    learned_at bigint,
    -- Why nothing was learned.
    why text,
    -- JSON: how it was judged; and the model itself.
    told text not null,
    kept text,
    scored_to bigint not null
);

create table contact_chances (
    site_id bigint not null,
    contact_id bigint not null,
    chance double precision not null,
    at bigint not null,
    primary key (site_id, contact_id)
) /* sqlite: without rowid */;

create index contact_chances_by_chance on contact_chances (site_id, chance, contact_id);
