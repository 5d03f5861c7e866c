-- People: who they are, what they agreed to and in which words, how they came, what they were
-- given. No table here has a column for an IP address or a place.

create table contacts (
    site_id bigint not null,
    id bigint not null,
    email text not null,
    email_key text not null,
    address_hmac text not null,
    status text not null
        check (status in ('pending', 'confirmed', 'unsubscribed', 'suppressed')),
    first_name text not null,
    last_name text not null,
    external_id text,
    language text,
    timezone text,
    fields text not null,
    is_test boolean not null,
    no_sales boolean not null,
    less_often boolean not null,
    paused_until bigint,
    created_at bigint not null,
    updated_at bigint not null,
    confirmed_at bigint,
    unsubscribed_at bigint,
    erased_at bigint,
    primary key (site_id, id),
    unique (site_id, email_key)
) /* sqlite: without rowid */;

create index contacts_by_status on contacts (site_id, status, id);

create table contact_tags (
    site_id bigint not null,
    contact_id bigint not null,
    tag text not null,
    since bigint not null,
    primary key (site_id, contact_id, tag)
) /* sqlite: without rowid */;

create index contact_tags_by_tag on contact_tags (site_id, tag, contact_id);

create table topics (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    name text not null,
    description text not null,
    created_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
) /* sqlite: without rowid */;

create table contact_topics (
    site_id bigint not null,
    contact_id bigint not null,
    topic_id bigint not null,
    since bigint not null,
    primary key (site_id, contact_id, topic_id)
) /* sqlite: without rowid */;

create index contact_topics_by_topic on contact_topics (site_id, topic_id, contact_id);

-- What people were asked, word for word. A changed text is a new version.
create table wordings (
    site_id bigint not null,
    id bigint not null,
    purpose text not null,
    version bigint not null,
    text text not null,
    text_hash text not null,
    created_at bigint not null,
    primary key (site_id, id),
    unique (site_id, purpose, version),
    unique (site_id, purpose, text_hash)
) /* sqlite: without rowid */;

-- The consent ledger: append-only. What holds is the last row of a contact and a purpose.
create table consents (
    site_id bigint not null,
    contact_id bigint not null,
    id bigint not null,
    purpose text not null,
    action text not null check (action in ('granted', 'withdrawn')),
    wording_id bigint,
    source text not null check (source in ('form', 'checkout', 'import', 'api', 'preferences',
        'one-click', 'unsubscribe-page', 'undo', 'operator', 'complaint', 'erasure')),
    source_id bigint,
    proof text not null,
    at bigint not null,
    primary key (site_id, contact_id, id)
) /* sqlite: without rowid */;

-- Addresses that must not be written to, as keyed hashes.
create table suppressions (
    site_id bigint not null,
    address_hmac text not null,
    reason text not null check (reason in ('hard_bounce', 'complaint', 'unsubscribe', 'manual',
        'erasure', 'import')),
    since bigint not null,
    note text not null,
    primary key (site_id, address_hmac)
) /* sqlite: without rowid */;

-- How often an address was written to unasked, over the whole installation (site 0).
create table address_limits (
    site_id bigint not null,
    address_hmac text not null,
    kind text not null check (kind in ('confirmation', 'again', 'privacy')),
    count bigint not null,
    last_at bigint not null,
    primary key (site_id, address_hmac, kind)
) /* sqlite: without rowid */;

create index address_limits_by_time on address_limits (last_at);

create table confirmations (
    site_id bigint not null,
    id bigint not null,
    contact_id bigint not null,
    form_id bigint,
    submission_id bigint,
    source text not null check (source in ('form', 'checkout', 'api')),
    source_id bigint,
    grants text not null,
    state text not null check (state in ('open', 'confirmed', 'void')),
    created_at bigint not null,
    expires_at bigint not null,
    ended_at bigint,
    primary key (site_id, id)
) /* sqlite: without rowid */;

create index confirmations_by_contact on confirmations (site_id, contact_id, id);

create table forms (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    name text not null,
    state text not null check (state in ('live', 'retired')),
    version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
) /* sqlite: without rowid */;

create table form_versions (
    site_id bigint not null,
    form_id bigint not null,
    version bigint not null,
    spec text not null,
    grants text not null,
    created_at bigint not null,
    primary key (site_id, form_id, version)
) /* sqlite: without rowid */;

create table submissions (
    site_id bigint not null,
    form_id bigint not null,
    id bigint not null,
    version bigint not null,
    contact_id bigint,
    state text not null check (state in ('accepted', 'spam', 'held', 'discarded')),
    why text,
    email text not null,
    answers text not null,
    dropped bigint not null,
    touch text not null,
    created_at bigint not null,
    primary key (site_id, form_id, id)
) /* sqlite: without rowid */;

create index submissions_by_contact on submissions (site_id, contact_id, id);
create index submissions_by_state on submissions (site_id, state, id);

create table files (
    site_id bigint not null,
    id bigint not null,
    name text not null,
    content_type text not null,
    bytes bigint not null,
    sha256 text not null,
    -- Shown on a page or beside a product: anybody may fetch it by its id.
    is_public boolean not null,
    created_at bigint not null,
    primary key (site_id, id)
) /* sqlite: without rowid */;

create index files_by_name on files (site_id, name, id);

-- The bytes of files in base64, where there is no folder that all nodes share (PostgreSQL).
create table file_parts (
    sha256 text not null,
    part bigint not null,
    data text not null,
    primary key (sha256, part)
);

create table magnets (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    name text not null,
    kind text not null check (kind in ('file', 'link')),
    file_id bigint,
    url text,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
) /* sqlite: without rowid */;

-- One contact's right to one magnet; what `/m/{token}` names.
create table magnet_claims (
    site_id bigint not null,
    id bigint not null,
    magnet_id bigint not null,
    contact_id bigint not null,
    confirmation_id bigint,
    downloads bigint not null,
    created_at bigint not null,
    expires_at bigint not null,
    last_at bigint,
    primary key (site_id, id)
) /* sqlite: without rowid */;

create index magnet_claims_by_magnet on magnet_claims (site_id, magnet_id, id);
create index magnet_claims_by_contact on magnet_claims (site_id, contact_id, id);

-- A contact's meetings with channels: the first, and later ones.
create table touches (
    site_id bigint not null,
    contact_id bigint not null,
    id bigint not null,
    at bigint not null,
    is_first boolean not null,
    channel text not null,
    source text,
    medium text,
    campaign text,
    term text,
    content text,
    click_id text,
    referrer text,
    landing text not null,
    code text,
    primary key (site_id, contact_id, id)
) /* sqlite: without rowid */;

create index touches_by_time on touches (site_id, at);

create table short_links (
    site_id bigint not null,
    id bigint not null,
    code text not null,
    destination text not null,
    source text not null,
    medium text not null,
    campaign text not null,
    created_at bigint not null,
    primary key (site_id, id),
    unique (site_id, code)
) /* sqlite: without rowid */;

create table imports (
    site_id bigint not null,
    id bigint not null,
    name text not null,
    file_id bigint not null,
    file_hash text not null,
    preset text not null,
    plan text not null,
    state text not null check (state in ('ready', 'running', 'paused', 'done')),
    why text,
    next_line bigint not null,
    rows_read bigint not null,
    created bigint not null,
    updated bigint not null,
    unchanged bigint not null,
    skipped bigint not null,
    rejected bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    ended_at bigint,
    primary key (site_id, id)
) /* sqlite: without rowid */;

create table import_errors (
    site_id bigint not null,
    import_id bigint not null,
    line bigint not null,
    email text not null,
    level text not null check (level in ('error', 'warning')),
    message text not null,
    primary key (site_id, import_id, line, message)
) /* sqlite: without rowid */;
