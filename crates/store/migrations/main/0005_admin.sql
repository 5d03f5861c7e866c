-- Who signs in, what programs may do, and what either changed. Operators belong to the
-- installation; which sites they may open stands in operator_sites (an owner may open all).

create table operators (
    id bigint primary key,
    email text not null,
    email_key text not null unique,
    name text not null,
    role text not null check (role in ('owner', 'admin', 'editor', 'viewer')),
    password_hash text,
    totp_secret text,
    totp_step bigint not null,
    recovery_codes text not null,
    disabled boolean not null,
    created_at bigint not null,
    signed_in_at bigint
);

create table operator_sites (
    operator_id bigint not null references operators (id),
    site_id bigint not null references sites (id),
    primary key (operator_id, site_id)
);

-- The browser's half of the token is never stored: token_hash is SHA-256 of it.
create table sessions (
    id bigint primary key,
    token_hash text not null unique,
    operator_id bigint not null references operators (id),
    stage text not null check (stage in ('code', 'full')),
    site_id bigint,
    browser text not null,
    totp_offer text,
    created_at bigint not null,
    seen_at bigint not null
);

create index sessions_by_operator on sessions (operator_id);

-- Links that work once: sign-in, reset, invitation.
create table operator_links (
    id bigint primary key,
    token_hash text not null unique,
    operator_id bigint not null references operators (id),
    kind text not null check (kind in ('sign_in', 'reset', 'invite')),
    expires_at bigint not null,
    used_at bigint
);

-- Append-only; each line is sealed by the one before it. Site 0 is the installation.
create table audit_heads (
    site_id bigint primary key,
    number bigint not null,
    hash text not null
);

create table audits (
    site_id bigint not null,
    number bigint not null,
    at bigint not null,
    actor text not null,
    action text not null,
    object text not null,
    data text not null,
    previous text not null,
    hash text not null,
    primary key (site_id, number)
);

create table api_keys (
    site_id bigint not null,
    id bigint not null,
    name text not null,
    hint text not null,
    token_hash text not null,
    scopes text not null,
    made_by bigint,
    created_at bigint not null,
    used_at bigint,
    expires_at bigint,
    revoked_at bigint,
    primary key (site_id, id),
    unique (site_id, token_hash)
);

-- What a POST with an Idempotency-Key answered; kept 24 hours.
create table api_replies (
    site_id bigint not null,
    key_id bigint not null,
    idempotency_key text not null,
    request_hash text not null,
    status bigint,
    reply text,
    created_at bigint not null,
    primary key (site_id, key_id, idempotency_key)
);

create index api_replies_by_age on api_replies (created_at);
