-- The whole schema as the migrations make it on SQLite, to be read: nothing runs it.
-- After a new migration:
--     TUNDISH_TEST_WRITE_SCHEMA=1 cargo test -p tundish --test it schema

-- tundish.db

create table address_limits (
    site_id bigint not null,
    address_hmac text not null,
    kind text not null check ((kind = 'confirmation' or kind = 'again' or kind = 'privacy')),
    count bigint not null,
    last_at bigint not null,
    primary key (site_id, address_hmac, kind)
) without rowid;
create index address_limits_by_time on address_limits (last_at);

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

create table balances (
    site_id bigint not null,
    day text not null,
    name text not null,
    -- The currency of amounts, the state of mails and answers.
    part text not null,
    one_way bigint not null,
    other_way bigint not null,
    -- Orders, or mails, or clicks, whose own two sums differ.
    apart bigint not null,
    counted_at bigint not null,
    primary key (site_id, day, name, part)
) without rowid;

create table carts (
    site_id bigint not null,
    id bigint not null,
    token_hash text not null,
    offer_id bigint not null,
    contact_id bigint,
    email text not null,
    choices text not null,
    state text not null check ((state = 'open' or state = 'mailed' or state = 'ordered' or state = 'closed')),
    order_id bigint,
    due_at bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, token_hash)
);
create index carts_by_contact on carts (site_id, contact_id);
create index carts_due on carts (state, due_at);

create table channel_rules (
    site_id bigint not null,
    id bigint not null,
    source text not null,
    medium text not null,
    campaign text not null,
    host text not null,
    channel text not null,
    primary key (site_id, id)
) without rowid;

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
    verdict text check ((verdict = 'human' or verdict = 'machine' or verdict = 'unsure')),
    reason text,
    judged_at bigint,
    primary key (site_id, id)
);
create index clicks_by_contact on clicks (site_id, contact_id, id);
create index clicks_by_message on clicks (site_id, message_id, id);
create index clicks_human_by_contact on clicks (site_id, contact_id, at) where verdict = 'human';
create index clicks_human_by_time on clicks (site_id, at) where verdict = 'human';
create index clicks_open on clicks (at) where verdict is null;

create table cohort_cells (
    site_id bigint not null,
    currency text not null,
    unit text not null check ((unit = 'month' or unit = 'week')),
    product_id bigint not null,
    cohort bigint not null,
    nth bigint not null check (nth >= 0),
    customers bigint not null,
    revenue_minor bigint not null,
    margin_minor bigint not null,
    primary key (site_id, currency, unit, product_id, cohort, nth)
) without rowid;

create table confirmations (
    site_id bigint not null,
    id bigint not null,
    contact_id bigint not null,
    form_id bigint,
    submission_id bigint,
    source text not null check ((source = 'form' or source = 'checkout' or source = 'api')),
    source_id bigint,
    grants text not null,
    state text not null check ((state = 'open' or state = 'confirmed' or state = 'void')),
    created_at bigint not null,
    expires_at bigint not null,
    ended_at bigint,
    primary key (site_id, id)
) without rowid;
create index confirmations_by_contact on confirmations (site_id, contact_id, id);

create table consents (
    site_id bigint not null,
    contact_id bigint not null,
    id bigint not null,
    purpose text not null,
    action text not null check ((action = 'granted' or action = 'withdrawn')),
    wording_id bigint,
    source text not null check ((source = 'form' or source = 'checkout' or source = 'import' or source = 'api' or source = 'preferences' or source = 'one-click' or source = 'unsubscribe-page' or source = 'undo' or source = 'operator' or source = 'complaint' or source = 'erasure')),
    source_id bigint,
    proof text not null,
    at bigint not null,
    primary key (site_id, contact_id, id)
) without rowid;

create table contact_chances (
    site_id bigint not null,
    contact_id bigint not null,
    chance double precision not null,
    primary key (site_id, contact_id)
) without rowid;
create index contact_chances_by_chance on contact_chances (site_id, chance, contact_id);

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
) without rowid;
create index contact_scores_by_points on contact_scores (site_id, points, contact_id);
create index contact_scores_fading on contact_scores (site_id, contact_id) where fades = true;
create index contact_scores_hot on contact_scores (site_id, hot_since)
    where hot_since is not null;

create table contact_tags (
    site_id bigint not null,
    contact_id bigint not null,
    tag text not null,
    since bigint not null,
    primary key (site_id, contact_id, tag)
) without rowid;
create index contact_tags_by_tag on contact_tags (site_id, tag, contact_id);

create table contact_topics (
    site_id bigint not null,
    contact_id bigint not null,
    topic_id bigint not null,
    since bigint not null,
    primary key (site_id, contact_id, topic_id)
) without rowid;
create index contact_topics_by_topic on contact_topics (site_id, topic_id, contact_id);

create table contacts (
    site_id bigint not null,
    id bigint not null,
    email text not null,
    email_key text not null,
    address_hmac text not null,
    status text not null
        check ((status = 'pending' or status = 'confirmed' or status = 'unsubscribed' or status = 'suppressed')),
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
) without rowid;
create index contacts_by_confirmed on contacts (site_id, confirmed_at)
    where confirmed_at is not null;
create index contacts_by_status on contacts (site_id, status, id);

create table counters (
    site_id bigint not null,
    name text not null,
    value bigint not null,
    primary key (site_id, name)
);

create table coupon_redemptions (
    site_id bigint not null,
    id bigint not null,
    coupon_id bigint not null,
    order_id bigint not null,
    address_hmac text not null,
    n bigint not null,
    state text not null check ((state = 'reserved' or state = 'used')),
    amount_minor bigint not null,
    created_at bigint not null,
    primary key (site_id, id),
    unique (site_id, coupon_id, address_hmac, n),
    unique (site_id, order_id, coupon_id)
);

create table coupons (
    site_id bigint not null,
    id bigint not null,
    code text not null,
    rules text not null,
    active boolean not null,
    max_uses bigint,
    contact_id bigint,
    used bigint not null default 0 check (used >= 0),
    note text not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, code),
    check (max_uses is null or used <= max_uses)
);

create table customer_figures (
    site_id bigint not null,
    contact_id bigint not null,
    currency text not null,
    first_day bigint not null,
    last_day bigint not null check (last_day >= first_day),
    last_at bigint not null,
    orders bigint not null check (orders >= 1),
    -- Later days with an order, what was paid on them, and what was left of that.
    repeat_days bigint not null check (repeat_days >= 0),
    repeat_minor bigint not null,
    repeat_margin_minor bigint not null,
    net_minor bigint not null,
    margin_minor bigint not null,
    first_product_id bigint not null,
    channel text not null,
    source text not null,
    primary key (site_id, contact_id, currency)
) without rowid;
create index customer_figures_by_first
    on customer_figures (site_id, currency, first_day, contact_id);
create index customer_figures_by_last
    on customer_figures (site_id, currency, last_day, contact_id);

create table customer_sums (
    site_id bigint not null,
    per text not null check ((per = 'day' or per = 'month' or per = 'total')),
    product_id bigint not null,
    won text not null,
    day bigint not null,
    channel text not null,
    source text not null,
    currency text not null,
    customers bigint not null,
    seconds bigint not null,
    orders bigint not null,
    discount_minor bigint not null,
    margin_minor bigint not null,
    primary key (site_id, per, product_id, won, day, channel, source, currency)
) without rowid;

create table enrolments (
    site_id bigint not null,
    id bigint not null,
    sequence_id bigint not null,
    version_id bigint not null,
    contact_id bigint not null,
    state text not null check ((state = 'active' or state = 'finished' or state = 'exited')),
    last_step_id bigint,
    last_step_at bigint,
    due_at bigint,
    entered_at bigint not null,
    ended_at bigint,
    ended_why text,
    primary key (site_id, id),
    unique (site_id, contact_id, sequence_id)
);
create index enrolments_by_sequence on enrolments (site_id, sequence_id, id);
create index enrolments_due on enrolments (due_at) where state = 'active';

create table entitlements (
    site_id bigint not null,
    id bigint not null,
    contact_id bigint not null,
    product_id bigint not null,
    order_id bigint not null,
    line_id bigint not null,
    quantity bigint not null,
    downloads bigint not null default 0,
    granted_at bigint not null,
    revoked_at bigint,
    primary key (site_id, id),
    unique (site_id, line_id)
);
create index entitlements_by_contact on entitlements (site_id, contact_id, product_id);
create index entitlements_by_product on entitlements (site_id, product_id, contact_id);

create table events (
    site_id bigint not null,
    id bigint not null,
    at bigint not null,
    kind text not null,
    contact_id bigint,
    subject_id bigint,
    data text not null,
    primary key (site_id, id)
) without rowid;
create index events_by_contact on events (site_id, contact_id, id);

create table figure_offers (
    site_id bigint not null,
    order_id bigint not null,
    offer_id bigint not null,
    kind text not null,
    quantity bigint not null,
    net_minor bigint not null,
    refunded_minor bigint not null,
    cost_minor bigint not null,
    shown bigint not null,
    taken bigint not null,
    primary key (site_id, order_id, offer_id, kind)
) without rowid;
create index figure_offers_by_offer on figure_offers (site_id, offer_id, kind, order_id);

create table file_parts (
    sha256 text not null,
    part bigint not null,
    data text not null,
    primary key (sha256, part)
);

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
) without rowid;
create index files_by_name on files (site_id, name, id);

create table fits (
    site_id bigint not null,
    currency text not null,
    kind text not null check ((kind = 'rfm' or kind = 'value')),
    day text not null,
    customers bigint not null,
    made_at bigint not null,
    body text not null,
    primary key (site_id, currency, kind)
) without rowid;

create table form_days (
    site_id bigint not null,
    day text not null,
    form_id bigint not null,
    answers bigint not null,
    confirmed bigint not null,
    primary key (site_id, day, form_id)
) without rowid;

create table form_versions (
    site_id bigint not null,
    form_id bigint not null,
    version bigint not null,
    spec text not null,
    grants text not null,
    created_at bigint not null,
    primary key (site_id, form_id, version)
) without rowid;

create table forms (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    name text not null,
    state text not null check ((state = 'live' or state = 'retired')),
    version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
) without rowid;

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
) without rowid;
create index import_changes_by_age on import_changes (id);
create index import_changes_by_contact on import_changes (site_id, contact_id);

create table import_errors (
    site_id bigint not null,
    import_id bigint not null,
    line bigint not null,
    email text not null,
    level text not null check ((level = 'error' or level = 'warning')),
    message text not null,
    primary key (site_id, import_id, line, message)
) without rowid;

create table import_undos (
    site_id bigint not null,
    import_id bigint not null,
    actor text not null,
    taken_back bigint not null,
    kept bigint not null,
    begun_at bigint not null,
    ended_at bigint,
    primary key (site_id, import_id)
) without rowid;

create table imports (
    site_id bigint not null,
    id bigint not null,
    name text not null,
    file_id bigint not null,
    file_hash text not null,
    preset text not null,
    plan text not null,
    state text not null check ((state = 'ready' or state = 'running' or state = 'paused' or state = 'done')),
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
) without rowid;

create table invoices (
    site_id bigint not null,
    number bigint not null,
    order_id bigint not null,
    kind text not null check ((kind = 'order' or kind = 'late')),
    -- Of money that came after the order was closed: which.
    payment_id bigint,
    total_minor bigint not null,
    currency text not null,
    created_at bigint not null,
    primary key (site_id, number)
);
create index invoices_by_order on invoices (site_id, order_id);

create table jobs (
    site_id bigint not null,
    id bigint not null,
    kind text not null,
    payload text not null,
    dedupe_key text not null,
    state text not null check ((state = 'ready' or state = 'leased' or state = 'done' or state = 'dead')),
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

create table journey_marks (
    site_id bigint not null,
    contact_id bigint not null,
    primary key (site_id, contact_id)
) without rowid;

create table journeys (
    site_id bigint not null,
    contact_id bigint not null,
    -- 0: no order yet.
    order_id bigint not null,
    -- When the order was paid, or when the last touch was; and the day of that in the site's zone.
    ended_at bigint not null,
    day text not null,
    -- When the first touch was.
    began_at bigint not null,
    -- What was ordered first of all; 0 without an order.
    product_id bigint not null,
    -- Of the amounts, which are without tax; empty without an order.
    currency text not null,
    revenue_minor bigint not null,
    margin_minor bigint not null,
    -- `>paid_social>email>`, and the same with sources; empty where no touch came before.
    channels text not null,
    path text not null,
    -- How many milliseconds each touch was before the last one.
    ages text not null,
    primary key (site_id, contact_id, order_id)
) without rowid;
create index journeys_by_time on journeys (site_id, ended_at, channels);

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

create table ledger_lines (
    site_id bigint not null,
    id bigint not null,
    txn_id bigint not null,
    at bigint not null,
    account text not null,
    minor bigint not null,
    currency text not null,
    order_id bigint,
    payment_id bigint,
    refund_id bigint,
    memo text not null,
    primary key (site_id, id)
);
create index ledger_lines_by_order on ledger_lines (site_id, order_id);
create index ledger_lines_by_txn on ledger_lines (site_id, txn_id);

create table link_days (
    site_id bigint not null,
    day text not null,
    version_id bigint not null,
    position bigint not null,
    clicked bigint not null,
    primary key (site_id, day, version_id, position)
) without rowid;

create table links (
    site_id bigint not null,
    version_id bigint not null,
    position bigint not null,
    target text not null,
    primary key (site_id, version_id, position)
);

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
) without rowid;
create index magnet_claims_by_contact on magnet_claims (site_id, contact_id, id);
create index magnet_claims_by_magnet on magnet_claims (site_id, magnet_id, id);

create table magnets (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    name text not null,
    kind text not null check ((kind = 'file' or kind = 'link')),
    file_id bigint,
    url text,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
) without rowid;

create table mail_days (
    site_id bigint not null,
    day text not null,
    kind text not null,
    source_id bigint not null,
    template_id bigint not null,
    sent bigint not null,
    caught bigint not null,
    clicked bigint not null,
    primary key (site_id, day, kind, source_id, template_id)
) without rowid;

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
    outcome text not null check ((outcome = 'accepted' or outcome = 'deferred' or outcome = 'failed' or outcome = 'unknown' or outcome = 'back')),
    stage text,
    class text,
    code bigint,
    enhanced text,
    reply text not null,
    primary key (site_id, message_id, epoch)
) without rowid;

create table messages (
    site_id bigint not null,
    id bigint not null,
    dedupe_key text not null,
    class text not null
        check ((class = 'transactional' or class = 'promised' or class = 'value' or class = 'sales' or class = 'back-end')),
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
    state text not null check ((state = 'planned' or state = 'queued' or state = 'leased' or state = 'committing' or state = 'accepted' or state = 'deferred' or state = 'failed' or state = 'unknown' or state = 'suppressed' or state = 'cancelled' or state = 'expired' or state = 'held')),
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
create index messages_by_contact on messages (site_id, contact_id, id);
create index messages_by_reason on messages (site_id, state, reason, next_at)
    where (state = 'planned' or state = 'deferred' or state = 'unknown' or state = 'held' or state = 'failed' or state = 'suppressed' or state = 'cancelled' or state = 'expired');
create index messages_by_source on messages (site_id, source_kind, source_id, id);
create index messages_by_state on messages (site_id, state, id)
    where (state = 'planned' or state = 'deferred' or state = 'unknown' or state = 'held' or state = 'failed' or state = 'suppressed' or state = 'cancelled' or state = 'expired');
create index messages_caught on messages (site_id, id) where relay = 'caught';
create index messages_due on messages (site_id, next_at, id) where state = 'queued';
create index messages_kept on messages (site_id, state, next_at)
    where (state = 'planned' or state = 'deferred' or state = 'unknown' or state = 'held' or state = 'failed' or state = 'suppressed' or state = 'cancelled' or state = 'expired');
create index messages_out on messages (lease_until) where (state = 'leased' or state = 'committing');
create index messages_sent on messages (site_id, accepted_at) where accepted_at is not null;

create table meta (
    key text primary key,
    value text not null
);

create table migrations (
    name text primary key,
    checksum text not null
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

create table offer_deadlines (
    site_id bigint not null,
    offer_id bigint not null,
    contact_id bigint not null,
    started_at bigint not null,
    ends_at bigint not null,
    primary key (site_id, offer_id, contact_id)
);

create table offers (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    product_id bigint not null,
    title text not null,
    pitch text not null,
    button text not null,
    currency text not null,
    price_minor bigint not null check (price_minor >= 0),
    compare_minor bigint,
    deadline text not null,
    quantity_max bigint not null check (quantity_max >= 1),
    stock_initial bigint,
    stock_held bigint not null default 0 check (stock_held >= 0),
    stock_sold bigint not null default 0 check (stock_sold >= 0),
    state text not null check ((state = 'active' or state = 'ended')),
    version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
);
create index offers_by_product on offers (site_id, product_id);

create table operator_links (
    id bigint primary key,
    token_hash text not null unique,
    operator_id bigint not null references operators (id),
    kind text not null check ((kind = 'sign_in' or kind = 'reset' or kind = 'invite')),
    expires_at bigint not null,
    used_at bigint
);

create table operator_sites (
    operator_id bigint not null references operators (id),
    site_id bigint not null references sites (id),
    primary key (operator_id, site_id)
);

create table operators (
    id bigint primary key,
    email text not null,
    email_key text not null unique,
    name text not null,
    role text not null check ((role = 'owner' or role = 'admin' or role = 'editor' or role = 'viewer')),
    password_hash text,
    totp_secret text,
    totp_step bigint not null,
    recovery_codes text not null,
    disabled boolean not null,
    created_at bigint not null,
    signed_in_at bigint
);

create table order_figures (
    site_id bigint not null,
    order_id bigint not null,
    contact_id bigint not null,
    paid_at bigint not null,
    paid_day text not null,
    -- The contact's first order is 1; `day` counts whole days since it.
    nth bigint not null check (nth >= 1),
    first_at bigint not null,
    cohort text not null,
    day bigint not null check (day >= 0),
    first_product_id bigint not null,
    channel text not null,
    source text not null,
    landing text not null,
    currency text not null,
    -- Without tax: paid, given back, taken off, taken off as the reward of a referral, cost.
    net_minor bigint not null,
    refunded_minor bigint not null,
    discount_minor bigint not null,
    reward_minor bigint not null,
    reward_for bigint,
    cost_minor bigint not null,
    -- The mail clicked last within seven days before.
    message_id bigint,
    mail_kind text not null,
    mail_source_id bigint not null,
    mail_template_id bigint not null, mail_version_id bigint not null default 0, mail_position bigint not null default 0,
    primary key (site_id, order_id)
) without rowid;
create index order_figures_by_contact on order_figures (site_id, contact_id, nth);
create index order_figures_by_first on order_figures (site_id, first_at, order_id);
create index order_figures_by_time on order_figures (site_id, paid_at, order_id);
create index order_figures_rewards on order_figures (site_id, order_id)
    where reward_for is not null;

create table order_lines (
    site_id bigint not null,
    id bigint not null,
    order_id bigint not null,
    payment_id bigint,
    position bigint not null,
    kind text not null check ((kind = 'main' or kind = 'bump' or kind = 'upsell' or kind = 'downsell' or kind = 'back-end')),
    product_id bigint not null,
    offer_id bigint not null,
    offer_version bigint not null,
    name text not null,
    quantity bigint not null check (quantity >= 1),
    unit_minor bigint not null,
    goods_minor bigint not null,
    discount_minor bigint not null,
    tax_minor bigint not null,
    net_minor bigint not null,
    total_minor bigint not null,
    cost_minor bigint not null,
    state text not null check ((state = 'pending' or state = 'paid' or state = 'refunded' or state = 'cancelled')),
    stock text not null check ((stock = 'none' or stock = 'held' or stock = 'sold' or stock = 'released')),
    created_at bigint not null,
    primary key (site_id, id)
);
create index order_lines_by_order on order_lines (site_id, order_id, position);
create index order_lines_by_product on order_lines (site_id, product_id, state);

create table order_offers (
    site_id bigint not null,
    order_id bigint not null,
    offer_id bigint not null,
    level bigint not null,
    kind text not null check ((kind = 'upsell' or kind = 'downsell')),
    offer_version bigint not null,
    price_minor bigint not null,
    state text not null check ((state = 'offered' or state = 'accepted' or state = 'paid' or state = 'declined' or state = 'expired')),
    payment_id bigint,
    shown_at bigint not null,
    decided_at bigint,
    primary key (site_id, order_id, offer_id)
);

create table order_sums (
    site_id bigint not null,
    per text not null check ((per = 'day' or per = 'month')),
    what text not null check ((what = 'all' or what = 'page' or what = 'mail' or what = 'link' or what = 'offer')),
    day text not null,
    currency text not null,
    key text not null,
    channel text not null,
    source text not null,
    product_id bigint not null,
    -- 1 and 2 for first and second orders, 3 for all later ones; 0 where nobody asks.
    nth bigint not null,
    orders bigint not null,
    pieces bigint not null,
    net_minor bigint not null,
    refunded_minor bigint not null,
    cost_minor bigint not null,
    shown bigint not null,
    taken bigint not null,
    primary key (site_id, per, what, day, currency, key, channel, source, product_id, nth)
) without rowid;

create table orders (
    site_id bigint not null,
    id bigint not null,
    token_hash text not null,
    contact_id bigint not null,
    email text not null,
    address_hmac text not null,
    -- The address as limits count it, plus tags and dots folded away.
    rate_hmac text not null,
    name text not null,
    country text not null,
    notes text not null,
    state text not null check ((state = 'open' or state = 'pending' or state = 'paid' or state = 'partially_refunded' or state = 'refunded' or state = 'expired' or state = 'cancelled')),
    review text,
    offer_id bigint not null,
    path_id bigint,
    provider text not null check ((provider = 'test' or provider = 'offline' or provider = 'free')),
    saved_method text,
    currency text not null,
    tax_ppm bigint not null,
    tax_included boolean not null,
    coupon_id bigint,
    coupon_code text,
    goods_minor bigint not null,
    discount_minor bigint not null,
    tax_minor bigint not null,
    total_minor bigint not null,
    captured_minor bigint not null default 0,
    refunded_minor bigint not null default 0 check (refunded_minor >= 0),
    refunding_minor bigint not null default 0 check (refunding_minor >= 0),
    newsletter boolean not null,
    referred_by bigint,
    source text not null,
    expires_at bigint not null,
    close_at bigint,
    paid_at bigint,
    closed_at bigint,
    invoice_number bigint,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, token_hash),
    check (refunded_minor + refunding_minor <= captured_minor)
);
create index orders_by_address on orders (site_id, address_hmac, id);
create index orders_by_change on orders (updated_at);
create index orders_by_contact on orders (site_id, contact_id, id);
create index orders_by_paid on orders (site_id, paid_at) where paid_at is not null;
create index orders_in_review on orders (site_id) where review is not null;
create index orders_to_close on orders (close_at) where closed_at is null;
create index orders_to_expire on orders (state, expires_at);
create index orders_waiting on orders (site_id, rate_hmac) where (state = 'open' or state = 'pending');

create table page_versions (
    site_id bigint not null,
    page_id bigint not null,
    version bigint not null,
    content text not null,
    created_at bigint not null,
    primary key (site_id, page_id, version)
);

create table pages (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    kind text not null check ((kind = 'landing' or kind = 'sales' or kind = 'thank_you' or kind = 'article' or kind = 'legal')),
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

create table path_levels (
    site_id bigint not null,
    path_id bigint not null,
    level bigint not null check (level between 1 and 5),
    upsell_offer_id bigint not null,
    downsell_offer_id bigint,
    primary key (site_id, path_id, level)
);

create table paths (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    name text not null,
    main_offer_id bigint not null,
    bump_offer_id bigint,
    back_end_offer_id bigint,
    back_end_coupon_id bigint,
    state text not null check ((state = 'active' or state = 'retired')),
    version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
);
create index paths_by_main on paths (site_id, main_offer_id);

create table payments (
    site_id bigint not null,
    id bigint not null,
    order_id bigint not null,
    seq bigint not null,
    purpose text not null,
    provider text not null check ((provider = 'test' or provider = 'offline' or provider = 'free')),
    method text not null,
    amount_minor bigint not null,
    currency text not null,
    params text not null,
    idem_key text not null,
    state text not null check ((state = 'creating' or state = 'created' or state = 'requires_action' or state = 'processing' or state = 'succeeded' or state = 'failed' or state = 'cancelled' or state = 'unknown')),
    provider_ref text,
    failure text,
    refunded_minor bigint not null default 0,
    tries bigint not null,
    check_at bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, order_id, seq),
    unique (site_id, idem_key)
);
create index payments_open on payments (state, check_at);

create table product_files (
    site_id bigint not null,
    product_id bigint not null,
    -- Never another file's: the links of purchases are signed with it.
    n bigint not null,
    file_id bigint not null,
    title text not null,
    -- None: the product does not hold it any more.
    position bigint,
    primary key (site_id, product_id, n)
);

create table product_pairs (
    site_id bigint not null,
    product_id bigint not null,
    other_id bigint not null,
    together bigint not null,
    primary key (site_id, product_id, other_id)
);
create index product_pairs_by_together
    on product_pairs (site_id, product_id, together, other_id);

create table product_pins (
    site_id bigint not null,
    product_id bigint not null,
    pinned_id bigint not null,
    position bigint not null,
    primary key (site_id, product_id, pinned_id)
);

create table product_tops (
    site_id bigint not null,
    product_id bigint not null,
    other_id bigint not null,
    score double precision not null,
    primary key (site_id, product_id, other_id)
) without rowid;
create index product_tops_by_score on product_tops (site_id, product_id, score);

create table products (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    name text not null,
    summary text not null,
    description text not null,
    role text not null check ((role = 'front' or role = 'back' or role = 'both')),
    state text not null check ((state = 'active' or state = 'withdrawn')),
    currency text not null,
    cost_minor bigint not null check (cost_minor >= 0),
    image_file_id bigint,
    version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
);

create table referrals (
    site_id bigint not null,
    id bigint not null,
    referrer_id bigint not null,
    referred_id bigint not null,
    order_id bigint not null,
    state text not null check ((state = 'held' or state = 'credited' or state = 'refused' or state = 'reversed')),
    reason text not null,
    due_at bigint not null,
    reward_coupon_id bigint,
    created_at bigint not null,
    decided_at bigint,
    primary key (site_id, id),
    unique (site_id, referred_id)
);
create index referrals_by_order on referrals (site_id, order_id);
create index referrals_by_referrer on referrals (site_id, referrer_id);
create index referrals_by_time on referrals (site_id, created_at);
create index referrals_due on referrals (state, due_at);

create table refunds (
    site_id bigint not null,
    id bigint not null,
    order_id bigint not null,
    payment_id bigint not null,
    line_id bigint,
    amount_minor bigint not null check (amount_minor > 0),
    tax_minor bigint not null,
    currency text not null,
    reason text not null,
    state text not null check ((state = 'creating' or state = 'pending' or state = 'succeeded' or state = 'failed' or state = 'unknown')),
    idem_key text not null,
    provider_ref text,
    failure text,
    whole boolean not null,
    actor text not null,
    created_at bigint not null,
    ended_at bigint,
    primary key (site_id, id),
    unique (site_id, idem_key)
);
create index refunds_by_order on refunds (site_id, order_id);

create table road_decays (
    site_id bigint not null,
    unit text not null check ((unit = 'day' or unit = 'month')),
    product_id bigint not null,
    period text not null,
    currency text not null,
    channel text not null,
    source text not null,
    credit_ppb bigint not null,
    revenue_minor bigint not null,
    primary key (site_id, unit, product_id, period, currency, channel, source)
) without rowid;

create table road_sums (
    site_id bigint not null,
    level text not null check ((level = 'channel' or level = 'source')),
    unit text not null check ((unit = 'day' or unit = 'month')),
    product_id bigint not null,
    period text not null,
    currency text not null,
    path text not null,
    orders bigint not null,
    revenue_minor bigint not null,
    margin_minor bigint not null,
    nulls bigint not null,
    -- Orders by how long after the first touch: within 1, 2, 4, 8, 15, 31 or 91 days, or later.
    wait_0 bigint not null,
    wait_1 bigint not null,
    wait_2 bigint not null,
    wait_3 bigint not null,
    wait_4 bigint not null,
    wait_5 bigint not null,
    wait_6 bigint not null,
    wait_7 bigint not null,
    primary key (site_id, level, unit, product_id, period, currency, path)
) without rowid;

create table rolled_days (
    site_id bigint not null,
    day text not null,
    rolled_at bigint not null,
    primary key (site_id, day)
) without rowid;

create table rolled_months (
    site_id bigint not null,
    month text not null,
    primary key (site_id, month)
) without rowid;

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

create table score_states (
    site_id bigint not null primary key,
    -- From so many points on a contact is hot.
    hot_points bigint,
    -- Kept scores are as of this instant: midnight where the site is, so that they are comparable.
    as_of bigint not null,
    -- Every event up to this one is in them.
    seen_event bigint not null,
    -- What goes through all contacts just now: changed rules, or a new day; and how far it is.
    walk text check ((walk = 'rules' or walk = 'day')),
    walked_to bigint not null,
    began_at bigint,
    ended_at bigint,
    -- What the last change of rules did.
    contacts bigint not null,
    raised bigint not null,
    lowered bigint not null);

create table segment_members (
    site_id bigint not null,
    segment_id bigint not null,
    contact_id bigint not null,
    primary key (site_id, segment_id, contact_id)
) without rowid;
create index segment_members_by_contact on segment_members (site_id, contact_id, segment_id);

create table segments (
    site_id bigint not null,
    id bigint not null,
    name text not null,
    rule text not null,
    members bigint not null,
    counted_at bigint,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, name)
);

create table sequence_run_people (
    site_id bigint not null,
    run_id bigint not null,
    contact_id bigint not null,
    outcome text not null check ((outcome = 'entered' or outcome = 'already' or outcome = 'unconfirmed' or outcome = 'unsubscribed' or outcome = 'suppressed' or outcome = 'erased')),
    at bigint not null,
    primary key (site_id, run_id, contact_id)
) without rowid;
create index sequence_run_people_by_outcome
    on sequence_run_people (site_id, run_id, outcome, contact_id, at);

create table sequence_runs (
    site_id bigint not null,
    id bigint not null,
    sequence_id bigint not null,
    audience text not null,
    turn bigint not null,
    state text not null check ((state = 'running' or state = 'stopped' or state = 'done')),
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

create table sequences (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    name text not null,
    state text not null check ((state = 'draft' or state = 'live' or state = 'paused' or state = 'retired')),
    starts_on text not null,
    draft text not null,
    version_id bigint,
    revision bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
);

create table sessions (
    id bigint primary key,
    token_hash text not null unique,
    operator_id bigint not null references operators (id),
    stage text not null check ((stage = 'code' or stage = 'full')),
    site_id bigint,
    browser text not null,
    totp_offer text,
    created_at bigint not null,
    seen_at bigint not null
);
create index sessions_by_operator on sessions (operator_id);

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
) without rowid;

create table site_hosts (
    host text primary key,
    site_id bigint not null references sites (id)
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
create index spends_by_channel on spends (site_id, channel, campaign, from_day);
create index spends_by_day on spends (site_id, from_day);

create table stage_days (
    site_id bigint not null,
    day text not null,
    stage text not null check ((stage = 'lead' or stage = 'confirmed' or stage = 'qualified' or stage = 'referral')),
    channel text not null,
    source text not null,
    landing text not null,
    contacts bigint not null,
    primary key (site_id, day, stage, channel, source, landing)
) without rowid;

create table stage_months (
    site_id bigint not null,
    month text not null,
    stage text not null check ((stage = 'lead' or stage = 'confirmed' or stage = 'qualified' or stage = 'referral')),
    channel text not null,
    source text not null,
    landing text not null,
    contacts bigint not null,
    primary key (site_id, month, stage, channel, source, landing)
) without rowid;

create table submissions (
    site_id bigint not null,
    form_id bigint not null,
    id bigint not null,
    version bigint not null,
    contact_id bigint,
    state text not null check ((state = 'accepted' or state = 'spam' or state = 'held' or state = 'discarded')),
    why text,
    email text not null,
    answers text not null,
    dropped bigint not null,
    touch text not null,
    created_at bigint not null,
    primary key (site_id, form_id, id)
) without rowid;
create index submissions_by_contact on submissions (site_id, contact_id, id);
create index submissions_by_state on submissions (site_id, state, id);

create table suppressions (
    site_id bigint not null,
    address_hmac text not null,
    reason text not null check ((reason = 'hard_bounce' or reason = 'complaint' or reason = 'unsubscribe' or reason = 'manual' or reason = 'erasure' or reason = 'import')),
    since bigint not null,
    note text not null,
    primary key (site_id, address_hmac)
) without rowid;

create table template_versions (
    site_id bigint not null,
    id bigint not null,
    template_id bigint not null,
    number bigint not null,
    format text not null check ((format = 'markdown' or format = 'html')),
    subject text not null,
    source text not null,
    html text not null,
    plain text not null,
    created_at bigint not null,
    primary key (site_id, id),
    unique (site_id, template_id, number)
);

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

create table test_charges (
    site_id bigint not null,
    id bigint not null,
    idem_key text not null,
    kind text not null check ((kind = 'charge' or kind = 'refund')),
    parent_ref text,
    metadata text not null,
    amount_minor bigint not null,
    currency text not null,
    method text not null,
    state text not null check ((state = 'succeeded' or state = 'declined' or state = 'requires_action' or state = 'cancelled')),
    created_at bigint not null,
    primary key (site_id, id),
    unique (site_id, idem_key)
);

create table topics (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    name text not null,
    description text not null,
    created_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
) without rowid;

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
) without rowid;
create index touches_by_time on touches (site_id, at);

create table value_cells (
    site_id bigint not null,
    currency text not null,
    cohort bigint not null,
    channel text not null,
    source text not null,
    product_id bigint not null,
    customers bigint not null,
    -- Customers who came back, taken off first orders, and margin by day.
    returned bigint not null,
    discount_minor bigint not null,
    margin_30_minor bigint not null,
    margin_90_minor bigint not null,
    margin_180_minor bigint not null,
    margin_365_minor bigint not null,
    margin_minor bigint not null,
    net_minor bigint not null,
    primary key (site_id, currency, cohort, channel, source, product_id)
) without rowid;

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
) without rowid;

-- views.db

create table migrations (
    name text primary key,
    checksum text not null
);

create table page_view_sums (
    site_id bigint not null,
    per text not null check (per = 'day' or per = 'month'),
    period text not null,
    page bigint not null,
    origin bigint not null,
    views bigint not null,
    visitors bigint not null,
    primary key (site_id, per, period, page, origin)
) without rowid;

create table page_views (
    id integer primary key,
    site_id bigint not null,
    day bigint not null,
    at bigint not null,
    visitor bigint not null,
    page bigint not null,
    origin bigint not null
);

create table view_days (
    site_id bigint not null,
    day text not null,
    first_id bigint not null,
    last_id bigint not null,
    views bigint not null,
    visitors bigint not null,
    primary key (site_id, day)
) without rowid;

create table view_ids (
    one bigint primary key,
    last_id bigint not null
);

create table view_left_out_days (
    site_id bigint not null,
    day text not null,
    reason text not null check (reason = 'agent' or reason = 'headers' or reason = 'ahead'
        or reason = 'head' or reason = 'haste' or reason = 'spam'),
    views bigint not null,
    primary key (site_id, day, reason)
);

create table view_origins (
    site_id bigint not null,
    id bigint not null,
    source text not null,
    medium text not null,
    campaign text not null,
    primary key (site_id, id),
    unique (site_id, source, medium, campaign)
) without rowid;

create table view_pages (
    site_id bigint not null,
    id bigint not null,
    path text not null,
    primary key (site_id, id),
    unique (site_id, path)
) without rowid;

create table view_salts (
    site_id bigint not null,
    day text not null,
    salt text not null,
    made_at bigint not null,
    primary key (site_id, day)
) without rowid;

create table visits (
    site_id bigint not null,
    contact_id bigint not null,
    day bigint not null,
    visitor bigint not null,
    act text not null check ((act = 'form' or act = 'order' or act = 'click')),
    subject_id bigint,
    at bigint not null,
    next_at bigint not null,
    joined boolean not null,
    primary key (site_id, day, visitor, contact_id)
) without rowid;
create index visits_by_contact on visits (site_id, contact_id, day);
create index visits_waiting on visits (next_at) where joined = false;
