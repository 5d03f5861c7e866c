-- What an import changed, so that it can be taken back.

-- A line for each contact an import made or changed. What stood there before goes once the line is
-- dealt with, and with its contact.
create table import_changes (
    site_id bigint not null,
    import_id bigint not null,
    contact_id bigint not null,
    -- Made when the change was: what has a larger id happened since.
    id bigint not null,
    change text not null,
    -- Why it was kept when the import was taken back.
    kept text,
    undone_at bigint,
    primary key (site_id, import_id, contact_id)
) /* sqlite: without rowid */;

create index import_changes_by_contact on import_changes (site_id, contact_id);
create index import_changes_by_age on import_changes (id);

create table import_undos (
    site_id bigint not null,
    import_id bigint not null,
    actor text not null,
    taken_back bigint not null,
    kept bigint not null,
    begun_at bigint not null,
    ended_at bigint,
    primary key (site_id, import_id)
) /* sqlite: without rowid */;
