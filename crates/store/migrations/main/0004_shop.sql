-- The shop: what is sold, at which price, in which order, to whom, and where the money stands.

create table products (
    site_id bigint not null,
    id bigint not null,
    slug text not null,
    name text not null,
    summary text not null,
    description text not null,
    role text not null check (role in ('front', 'back', 'both')),
    state text not null check (state in ('active', 'withdrawn')),
    currency text not null,
    cost_minor bigint not null check (cost_minor >= 0),
    image_file_id bigint,
    version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
);

-- What a buyer of the product may download.
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

-- Also-bought by hand: shown before what is counted.
create table product_pins (
    site_id bigint not null,
    product_id bigint not null,
    pinned_id bigint not null,
    position bigint not null,
    primary key (site_id, product_id, pinned_id)
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
    state text not null check (state in ('active', 'ended')),
    version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
);

create index offers_by_product on offers (site_id, product_id);

-- A deadline of one contact's own: written when it is first told, never again.
create table offer_deadlines (
    site_id bigint not null,
    offer_id bigint not null,
    contact_id bigint not null,
    started_at bigint not null,
    ends_at bigint not null,
    primary key (site_id, offer_id, contact_id)
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
    state text not null check (state in ('active', 'retired')),
    version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, slug)
);

create index paths_by_main on paths (site_id, main_offer_id);

create table path_levels (
    site_id bigint not null,
    path_id bigint not null,
    level bigint not null check (level between 1 and 5),
    upsell_offer_id bigint not null,
    downsell_offer_id bigint,
    primary key (site_id, path_id, level)
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

create table coupon_redemptions (
    site_id bigint not null,
    id bigint not null,
    coupon_id bigint not null,
    order_id bigint not null,
    address_hmac text not null,
    n bigint not null,
    state text not null check (state in ('reserved', 'used')),
    amount_minor bigint not null,
    created_at bigint not null,
    primary key (site_id, id),
    unique (site_id, coupon_id, address_hmac, n),
    unique (site_id, order_id, coupon_id)
);

-- A checkout form that was sent, so that it can be given back as it was.
create table carts (
    site_id bigint not null,
    id bigint not null,
    token_hash text not null,
    offer_id bigint not null,
    contact_id bigint,
    email text not null,
    choices text not null,
    state text not null check (state in ('open', 'mailed', 'ordered', 'closed')),
    order_id bigint,
    due_at bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (site_id, id),
    unique (site_id, token_hash)
);

create index carts_due on carts (state, due_at);
create index carts_by_contact on carts (site_id, contact_id);

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
    state text not null check (state in ('open', 'pending', 'paid', 'partially_refunded',
        'refunded', 'expired', 'cancelled')),
    review text,
    offer_id bigint not null,
    path_id bigint,
    provider text not null check (provider in ('test', 'offline', 'free')),
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

create index orders_by_contact on orders (site_id, contact_id, id);
create index orders_to_close on orders (close_at) where closed_at is null;
create index orders_to_expire on orders (state, expires_at);
create index orders_by_address on orders (site_id, address_hmac, id);
create index orders_in_review on orders (site_id) where review is not null;
create index orders_waiting on orders (site_id, rate_hmac) where state in ('open', 'pending');

create table order_lines (
    site_id bigint not null,
    id bigint not null,
    order_id bigint not null,
    payment_id bigint,
    position bigint not null,
    kind text not null check (kind in ('main', 'bump', 'upsell', 'downsell', 'back-end')),
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
    state text not null check (state in ('pending', 'paid', 'refunded', 'cancelled')),
    stock text not null check (stock in ('none', 'held', 'sold', 'released')),
    created_at bigint not null,
    primary key (site_id, id)
);

create index order_lines_by_order on order_lines (site_id, order_id, position);
create index order_lines_by_product on order_lines (site_id, product_id, state);

-- One try to be paid. Moved by `apply_payment_snapshot` alone.
create table payments (
    site_id bigint not null,
    id bigint not null,
    order_id bigint not null,
    seq bigint not null,
    purpose text not null,
    provider text not null check (provider in ('test', 'offline', 'free')),
    method text not null,
    amount_minor bigint not null,
    currency text not null,
    params text not null,
    idem_key text not null,
    state text not null check (state in ('creating', 'created', 'requires_action', 'processing',
        'succeeded', 'failed', 'cancelled', 'unknown')),
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

-- The test provider's own books: written in its own transactions, as a provider's are.
create table test_charges (
    site_id bigint not null,
    id bigint not null,
    idem_key text not null,
    kind text not null check (kind in ('charge', 'refund')),
    parent_ref text,
    metadata text not null,
    amount_minor bigint not null,
    currency text not null,
    method text not null,
    state text not null check (state in ('succeeded', 'declined', 'requires_action',
        'cancelled')),
    created_at bigint not null,
    primary key (site_id, id),
    unique (site_id, idem_key)
);

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
    state text not null check (state in ('creating', 'pending', 'succeeded', 'failed',
        'unknown')),
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

-- Double entry: the lines of one txn_id add up to zero.
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

-- Numbers without gaps: taken in the transaction that uses them.
create table counters (
    site_id bigint not null,
    name text not null,
    value bigint not null,
    primary key (site_id, name)
);

create table invoices (
    site_id bigint not null,
    number bigint not null,
    order_id bigint not null,
    kind text not null check (kind in ('order', 'late')),
    -- Of money that came after the order was closed: which.
    payment_id bigint,
    total_minor bigint not null,
    currency text not null,
    created_at bigint not null,
    primary key (site_id, number)
);

create index invoices_by_order on invoices (site_id, order_id);

-- What an order was offered after it was paid, and what became of it.
create table order_offers (
    site_id bigint not null,
    order_id bigint not null,
    offer_id bigint not null,
    level bigint not null,
    kind text not null check (kind in ('upsell', 'downsell')),
    offer_version bigint not null,
    price_minor bigint not null,
    state text not null check (state in ('offered', 'accepted', 'paid', 'declined', 'expired')),
    payment_id bigint,
    shown_at bigint not null,
    decided_at bigint,
    primary key (site_id, order_id, offer_id)
);

-- How many customers have a product, and how many have two of them.
create table product_pairs (
    site_id bigint not null,
    product_id bigint not null,
    other_id bigint not null,
    together bigint not null,
    primary key (site_id, product_id, other_id)
);

create table referrals (
    site_id bigint not null,
    id bigint not null,
    referrer_id bigint not null,
    referred_id bigint not null,
    order_id bigint not null,
    state text not null check (state in ('held', 'credited', 'refused', 'reversed')),
    reason text not null,
    due_at bigint not null,
    reward_coupon_id bigint,
    created_at bigint not null,
    decided_at bigint,
    primary key (site_id, id),
    unique (site_id, referred_id)
);

create index referrals_due on referrals (state, due_at);
create index referrals_by_order on referrals (site_id, order_id);
create index referrals_by_referrer on referrals (site_id, referrer_id);
