-- An owner's own rules: which touches are which channel.

create table channel_rules (
    site_id bigint not null,
    id bigint not null,
    source text not null,
    medium text not null,
    campaign text not null,
    host text not null,
    channel text not null,
    created_at bigint not null,
    primary key (site_id, id)
) /* sqlite: without rowid */;
