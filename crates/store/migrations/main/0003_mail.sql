-- Follow-up and delivery: what is written (templates), when it is due (sequences, enrolments), the
-- ledger of every mail (messages and their attempts), and what came back (links, clicks).

create table templates (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    name text not null,
    version_id bigint not null,
    revision bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    retired_at bigint,
    primary key (site_id, id),
    unique (site_id, slug)
);

-- Frozen: a message points at one, so that rendering it again gives the same bytes.
create table template_versions (
    site_id bigint not null,
    id bigint not null,
    template_id bigint not null,
    number bigint not null,
    format text not null check (format in ('markdown', 'html')),
    subject text not null,
    source text not null,
    html text not null,
    plain text not null,
    created_at bigint not null,
    primary key (site_id, id),
    unique (site_id, template_id, number)
);

-- Where the links of a version lead, by their place in it; 0 is the hidden one.
create table links (
    site_id bigint not null,
    version_id bigint not null,
    position bigint not null,
    target text not null,
    primary key (site_id, version_id, position)
);

create table sequences (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    name text not null,
    state text not null check (state in ('draft', 'live', 'paused', 'retired')),
    starts_on text not null,
    draft text not null,
    version_id bigint,
    revision bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
);

create table sequence_versions (
    site_id bigint not null,
    id bigint not null,
    sequence_id bigint not null,
    number bigint not null,
    definition text not null,
    created_at bigint not null,
    primary key (site_id, id),
    unique (site_id, sequence_id, number)
);

-- One contact's place in one sequence; entered once.
create table enrolments (
    site_id bigint not null,
    id bigint not null,
    sequence_id bigint not null,
    version_id bigint not null,
    contact_id bigint not null,
    state text not null check (state in ('active', 'finished', 'exited')),
    last_step_id bigint,
    last_step_at bigint,
    due_at bigint,
    entered_at bigint not null,
    ended_at bigint,
    ended_why text,
    primary key (site_id, id),
    unique (site_id, contact_id, sequence_id)
);

create index enrolments_due on enrolments (due_at) where state = 'active';
create index enrolments_by_sequence on enrolments (site_id, sequence_id, id);

create table messages (
    site_id bigint not null,
    id bigint not null,
    dedupe_key text not null,
    class text not null
        check (class in ('transactional', 'promised', 'value', 'sales', 'back-end')),
    source_kind text not null,
    source_id bigint not null,
    enrolment_id bigint,
    contact_id bigint,
    to_address text not null,
    domain text not null,
    version_id bigint,
    system_name text,
    context text not null,
    message_id text not null,
    state text not null check (state in ('planned', 'queued', 'leased', 'committing', 'accepted',
        'deferred', 'failed', 'unknown', 'suppressed', 'cancelled', 'expired', 'held')),
    reason text,
    next_at bigint not null,
    expires_at bigint,
    attempts bigint not null,
    owner bigint,
    epoch bigint not null,
    lease_until bigint,
    date_at bigint,
    commit_at bigint,
    data_sha256 text,
    relay text,
    reply_code bigint,
    reply_enhanced text,
    reply_text text,
    unknown_count bigint not null,
    accepted_at bigint,
    created_at bigint not null,
    primary key (site_id, id),
    unique (site_id, dedupe_key)
);

-- What the senders claim from, what is on its way, and what did not simply go.
create index messages_due on messages (site_id, next_at, id) where state = 'queued';
create index messages_out on messages (lease_until) where state in ('leased', 'committing');
create index messages_kept on messages (site_id, state, next_at)
    where state in ('planned', 'deferred', 'unknown', 'held', 'failed', 'suppressed',
        'cancelled', 'expired');
-- The same as lists, and counted by reason.
create index messages_by_state on messages (site_id, state, id)
    where state in ('planned', 'deferred', 'unknown', 'held', 'failed', 'suppressed',
        'cancelled', 'expired');
create index messages_by_reason on messages (site_id, state, reason, next_at)
    where state in ('planned', 'deferred', 'unknown', 'held', 'failed', 'suppressed',
        'cancelled', 'expired');
create index messages_caught on messages (site_id, id) where relay = 'caught';
create index messages_by_contact on messages (site_id, contact_id, id);
create index messages_by_source on messages (site_id, source_kind, source_id, id);

-- One row a try; append-only. The epoch is the claim it belongs to.
create table message_attempts (
    site_id bigint not null,
    message_id bigint not null,
    epoch bigint not null,
    owner bigint not null,
    started_at bigint not null,
    commit_at bigint,
    ended_at bigint not null,
    relay text not null,
    tls boolean not null,
    outcome text not null check (outcome in ('accepted', 'deferred', 'failed', 'unknown', 'back')),
    stage text,
    class text,
    code bigint,
    enhanced text,
    reply text not null,
    primary key (site_id, message_id, epoch)
) /* sqlite: without rowid */;

-- What was asked for at a tracked address; an observation, judged later.
create table clicks (
    site_id bigint not null,
    id bigint not null,
    message_id bigint not null,
    contact_id bigint,
    version_id bigint not null,
    position bigint not null,
    at bigint not null,
    method text not null,
    user_agent text not null,
    prefetch boolean not null,
    verdict text check (verdict in ('human', 'machine', 'unsure')),
    reason text,
    judged_at bigint,
    primary key (site_id, id)
);

create index clicks_by_message on clicks (site_id, message_id, id);
create index clicks_by_contact on clicks (site_id, contact_id, id);
create index clicks_open on clicks (at) where verdict is null;
