-- Many people put into a sequence at once, because an operator asked for it.

-- The turn counts the runs of one choice of people for one sequence: whoever presses the same
-- button of the same page, once or twice or two of them, asks for the same turn, and so for one run.
create table sequence_runs (
    site_id bigint not null,
    id bigint not null,
    sequence_id bigint not null,
    audience text not null,
    turn bigint not null,
    state text not null check (state in ('running', 'stopped', 'done')),
    why text,
    actor text not null,
    -- How many there were when it was asked for, as the page said.
    asked bigint not null,
    entered bigint not null,
    left_out bigint not null,
    -- The last contact dealt with; and the first that came too late to be meant.
    reached bigint not null,
    before_id bigint not null,
    begin_at bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    ended_at bigint,
    primary key (site_id, id),
    unique (site_id, sequence_id, audience, turn)
);

create index sequence_runs_due on sequence_runs (begin_at) where state = 'running';

-- What became of each of them.
create table sequence_run_people (
    site_id bigint not null,
    run_id bigint not null,
    contact_id bigint not null,
    outcome text not null check (outcome in ('entered', 'already', 'unconfirmed', 'unsubscribed',
        'suppressed', 'erased')),
    at bigint not null,
    primary key (site_id, run_id, contact_id)
) /* sqlite: without rowid */;

create index sequence_run_people_by_outcome
    on sequence_run_people (site_id, run_id, outcome, contact_id, at);

-- Who bought a product.
create index entitlements_by_product on entitlements (site_id, product_id, contact_id);
