//! Orders. Every move of state is guarded by the state it comes from.

use model::ids::{ContactId, CouponId, OfferId, OrderId, PathId, ProductId};
use model::orders::OrderState;
use model::payments::Provider;
use model::{Currency, SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const FIND: &str = "select id, contact_id, email, address_hmac, name, country, notes, state,
    review, offer_id, path_id, provider, saved_method, currency, tax_ppm, tax_included, coupon_id,
    coupon_code, goods_minor, discount_minor, tax_minor, total_minor, captured_minor,
    refunded_minor, refunding_minor, newsletter, referred_by, source, expires_at, close_at,
    paid_at, closed_at, invoice_number, created_at, updated_at
    from orders where site_id = $1 and id = $2";
const FIND_BY_TOKEN: &str = "select id, contact_id, email, address_hmac, name, country, notes,
    state, review, offer_id, path_id, provider, saved_method, currency, tax_ppm, tax_included,
    coupon_id, coupon_code, goods_minor, discount_minor, tax_minor, total_minor, captured_minor,
    refunded_minor, refunding_minor, newsletter, referred_by, source, expires_at, close_at,
    paid_at, closed_at, invoice_number, created_at, updated_at
    from orders where site_id = $1 and token_hash = $2";
const LIST: &str = "select id, contact_id, email, address_hmac, name, country, notes, state,
    review, offer_id, path_id, provider, saved_method, currency, tax_ppm, tax_included, coupon_id,
    coupon_code, goods_minor, discount_minor, tax_minor, total_minor, captured_minor,
    refunded_minor, refunding_minor, newsletter, referred_by, source, expires_at, close_at,
    paid_at, closed_at, invoice_number, created_at, updated_at
    from orders where site_id = $1 and id < $2 and (cast($3 as text) = '' or state = $3)
        and (cast($4 as text) = '' or address_hmac = $4)
        and (cast($5 as bigint) = 0 or invoice_number = $5)
        and (cast($6 as bigint) = 0 or review is not null)
        and (cast($7 as bigint) = 0 or (paid_at >= $7 and paid_at < $8))
    order by id desc limit $9";
const LIST_OF_CONTACT: &str = "select id, contact_id, email, address_hmac, name, country, notes,
    state, review, offer_id, path_id, provider, saved_method, currency, tax_ppm, tax_included,
    coupon_id, coupon_code, goods_minor, discount_minor, tax_minor, total_minor, captured_minor,
    refunded_minor, refunding_minor, newsletter, referred_by, source, expires_at, close_at,
    paid_at, closed_at, invoice_number, created_at, updated_at
    from orders where site_id = $1 and contact_id = $2 and id < $3 order by id desc limit $4";
const PAID_OF_CONTACT: &str = "select count(*) from orders
    where site_id = $1 and contact_id = $2 and paid_at is not null";
const INSERT: &str = "insert into orders (site_id, id, token_hash, contact_id, email,
    address_hmac, name, country, notes, state, offer_id, path_id, provider, saved_method, currency,
    tax_ppm, tax_included, coupon_id, coupon_code, goods_minor, discount_minor, tax_minor,
    total_minor, newsletter, referred_by, source, expires_at, created_at, updated_at, rate_hmac)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
        $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30)
    on conflict (site_id, token_hash) do nothing";
const REWRITE: &str = "update orders set contact_id = $3, email = $4, address_hmac = $5,
    name = $6, country = $7, notes = $8, provider = $9, saved_method = $10, tax_ppm = $11,
    tax_included = $12, coupon_id = $13, coupon_code = $14, goods_minor = $15,
    discount_minor = $16, tax_minor = $17, total_minor = $18, newsletter = $19, referred_by = $20,
    expires_at = $21, updated_at = $22, offer_id = $23, path_id = $24, currency = $25,
    source = $26, rate_hmac = $27, state = 'open'
    where site_id = $1 and id = $2 and state in ('open', 'pending', 'expired')";
const LOCK: &str = "update orders set updated_at = $3 where site_id = $1 and id = $2";
const PEND: &str = "update orders set state = 'pending', expires_at = $3, updated_at = $4
    where site_id = $1 and id = $2 and state in ('open', 'pending')";
const PAY: &str = "update orders set state = 'paid', paid_at = $3, close_at = $4,
    captured_minor = $5, saved_method = $6, updated_at = $3
    where site_id = $1 and id = $2 and state in ('open', 'pending', 'expired')";
const PAY_IN_THE_PAST: &str = "update orders set state = 'paid', paid_at = $3,
    captured_minor = $4, updated_at = $5 where site_id = $1 and id = $2 and state = 'pending'";
const ADD_PAID: &str = "update orders set goods_minor = goods_minor + $3,
    tax_minor = tax_minor + $4, total_minor = total_minor + $5,
    captured_minor = captured_minor + $5, updated_at = $6,
    state = case when state = 'refunded' then 'partially_refunded' else state end
    where site_id = $1 and id = $2 and state in ('paid', 'partially_refunded', 'refunded')";
const END: &str = "update orders set state = $3, updated_at = $4
    where site_id = $1 and id = $2 and state in ('open', 'pending')";
const REOPEN: &str = "update orders set state = 'open', expires_at = $3, updated_at = $4
    where site_id = $1 and id = $2 and state = 'expired'";
const REVIEW: &str = "update orders set review = $3, updated_at = $4
    where site_id = $1 and id = $2";
const CLOSE: &str = "update orders set closed_at = $3, invoice_number = $4, updated_at = $3
    where site_id = $1 and id = $2 and closed_at is null
        and state in ('paid', 'partially_refunded', 'refunded')";
const STILL_OPEN: &str = "update orders set updated_at = $3
    where site_id = $1 and id = $2 and closed_at is null and close_at > $3 and state = 'paid'";
const REFUNDING: &str = "update orders set refunding_minor = refunding_minor + $3,
    updated_at = $4 where site_id = $1 and id = $2
        and state in ('paid', 'partially_refunded', 'refunded')
        and refunded_minor + refunding_minor + $3 <= captured_minor";
const REFUNDED: &str = "update orders set refunding_minor = refunding_minor - $3,
    refunded_minor = refunded_minor + $3, updated_at = $4,
    state = case when refunded_minor + $3 >= captured_minor then 'refunded'
        else 'partially_refunded' end
    where site_id = $1 and id = $2";
const REFUND_FAILED: &str = "update orders set refunding_minor = refunding_minor - $3,
    updated_at = $4 where site_id = $1 and id = $2";
const TO_CLOSE: &str = "select site_id, id from orders
    where closed_at is null and close_at <= $1 order by close_at limit $2";
const TO_EXPIRE: &str = "select site_id, id from orders
    where state in ('open', 'pending') and expires_at <= $1 order by expires_at limit $2";
const PAID_COUNT: &str = "select count(*) from orders where site_id = $1 and address_hmac = $2
    and state in ('paid', 'partially_refunded')";
const WAITING: &str = "select count(*) from orders where site_id = $1 and rate_hmac = $2
    and id <> $3 and provider in ('free', 'offline')
    and (state = 'open' or state = 'pending') and created_at >= $4";
const FIRST_PAID: &str = "select min(paid_at) from orders where site_id = $1 and contact_id = $2
    and state in ('paid', 'partially_refunded', 'refunded')";
const HAS_BOUGHT: &str = "select count(*) from entitlements where site_id = $1
    and contact_id = $2 and product_id = $3 and revoked_at is null";

/// A purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Who buys.
    pub contact_id: ContactId,
    /// The address as given.
    pub email: String,
    /// The address as a keyed hash.
    pub address_hmac: String,
    /// The name as given.
    pub name: String,
    /// The country of the buyer, two letters, or empty.
    pub country: String,
    /// What the buyer wrote to the seller.
    pub notes: String,
    /// Where it stands.
    pub state: OrderState,
    /// Why a person must look at it, if one must.
    pub review: Option<String>,
    /// What the checkout was for.
    pub offer_id: OfferId,
    /// What follows it.
    pub path_id: Option<PathId>,
    /// Who takes the money.
    pub provider: Provider,
    /// What may be charged again with one click.
    pub saved_method: Option<String>,
    /// Of every figure here.
    pub currency: Currency,
    /// The tax rate in millionths.
    pub tax_ppm: i64,
    /// Whether prices hold the tax.
    pub tax_included: bool,
    /// The coupon used.
    pub coupon_id: Option<CouponId>,
    /// Its code.
    pub coupon_code: Option<String>,
    /// Prices times quantities.
    pub goods_minor: i64,
    /// Taken off by the coupon.
    pub discount_minor: i64,
    /// Tax, within the total.
    pub tax_minor: i64,
    /// What is paid, one-click offers that were paid included.
    pub total_minor: i64,
    /// What came in.
    pub captured_minor: i64,
    /// What went back.
    pub refunded_minor: i64,
    /// What is on its way back.
    pub refunding_minor: i64,
    /// Whether the newsletter was ticked.
    pub newsletter: bool,
    /// Who recommended.
    pub referred_by: Option<ContactId>,
    /// Where the buyer came from: JSON of the touch.
    pub source: String,
    /// Until when goods and coupon are held.
    pub expires_at: UtcMs,
    /// When the window for one-click offers ends.
    pub close_at: Option<UtcMs>,
    /// When it was paid.
    pub paid_at: Option<UtcMs>,
    /// When its receipt was made.
    pub closed_at: Option<UtcMs>,
    /// Of its receipt.
    pub invoice_number: Option<i64>,
    /// When it was made.
    pub created_at: UtcMs,
    /// When it last changed.
    pub updated_at: UtcMs,
}

impl FromRow for Order {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            contact_id: row.take()?,
            email: row.take()?,
            address_hmac: row.take()?,
            name: row.take()?,
            country: row.take()?,
            notes: row.take()?,
            state: row.word()?,
            review: row.take()?,
            offer_id: row.take()?,
            path_id: row.take()?,
            provider: row.word()?,
            saved_method: row.take()?,
            currency: row.word()?,
            tax_ppm: row.take()?,
            tax_included: row.take()?,
            coupon_id: row.take()?,
            coupon_code: row.take()?,
            goods_minor: row.take()?,
            discount_minor: row.take()?,
            tax_minor: row.take()?,
            total_minor: row.take()?,
            captured_minor: row.take()?,
            refunded_minor: row.take()?,
            refunding_minor: row.take()?,
            newsletter: row.take()?,
            referred_by: row.take()?,
            source: row.take()?,
            expires_at: row.take()?,
            close_at: row.take()?,
            paid_at: row.take()?,
            closed_at: row.take()?,
            invoice_number: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }
}

/// The order with this id.
pub async fn find(session: &mut Session<'_>, site: SiteId, id: OrderId) -> Result<Option<Order>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// The order of this token, given as its hash.
pub async fn find_by_token(
    session: &mut Session<'_>,
    site: SiteId,
    token_hash: &str,
) -> Result<Option<Order>> {
    session.query(FIND_BY_TOKEN).bind(site).bind(token_hash).maybe().await
}

/// What a list of orders is narrowed to; empty and zero mean anything.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// A state's word.
    pub state: String,
    /// An address as its keyed hash.
    pub address_hmac: String,
    /// An invoice number.
    pub invoice: i64,
    /// Only those a person must look at.
    pub review: bool,
    /// Only those paid from the first instant to before the second.
    pub paid: Option<(UtcMs, UtcMs)>,
}

/// Orders, newest first, from before `before`.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    before: OrderId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Order>> {
    let q = session.query(LIST).bind(site).bind(before).bind(&filter.state);
    let (from, until) = filter.paid.unwrap_or((UtcMs(0), UtcMs(0)));
    let q = q.bind(&filter.address_hmac).bind(filter.invoice).bind(i64::from(filter.review));
    q.bind(from).bind(until).bind(limit).all().await
}

/// A contact's orders, newest first, from before `before`.
pub async fn list_of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    before: OrderId,
    limit: i64,
) -> Result<Vec<Order>> {
    session.query(LIST_OF_CONTACT).bind(site).bind(contact).bind(before).bind(limit).all().await
}

/// Whether a contact ever paid.
pub async fn has_paid(session: &mut Session<'_>, site: SiteId, contact: ContactId) -> Result<bool> {
    let paid: i64 = session.query(PAID_OF_CONTACT).bind(site).bind(contact).one().await?;
    Ok(paid > 0)
}

/// Writes a new order; `false` where its token has one already. `rate_hmac` is what limits count
/// its address by.
pub async fn insert(
    tx: &mut Tx<'_>,
    site: SiteId,
    (token_hash, rate_hmac): (&str, &str),
    order: &Order,
) -> Result<bool> {
    let made = tx
        .query(INSERT)
        .bind(site)
        .bind(order.id)
        .bind(token_hash)
        .bind(order.contact_id)
        .bind(&order.email)
        .bind(&order.address_hmac)
        .bind(&order.name)
        .bind(&order.country)
        .bind(&order.notes)
        .bind(order.state.as_str())
        .bind(order.offer_id)
        .bind(order.path_id)
        .bind(order.provider.as_str())
        .bind(order.saved_method.clone())
        .bind(order.currency.code())
        .bind(order.tax_ppm)
        .bind(order.tax_included)
        .bind(order.coupon_id)
        .bind(order.coupon_code.clone())
        .bind(order.goods_minor)
        .bind(order.discount_minor)
        .bind(order.tax_minor)
        .bind(order.total_minor)
        .bind(order.newsletter)
        .bind(order.referred_by)
        .bind(&order.source)
        .bind(order.expires_at)
        .bind(order.created_at)
        .bind(order.updated_at)
        .bind(rate_hmac)
        .run()
        .await?;
    Ok(made == 1)
}

/// Writes an unpaid order anew, as its form was sent again; `false` where it is past that.
pub async fn rewrite(
    tx: &mut Tx<'_>,
    site: SiteId,
    rate_hmac: &str,
    order: &Order,
    now: UtcMs,
) -> Result<bool> {
    let changed = tx
        .query(REWRITE)
        .bind(site)
        .bind(order.id)
        .bind(order.contact_id)
        .bind(&order.email)
        .bind(&order.address_hmac)
        .bind(&order.name)
        .bind(&order.country)
        .bind(&order.notes)
        .bind(order.provider.as_str())
        .bind(order.saved_method.clone())
        .bind(order.tax_ppm)
        .bind(order.tax_included)
        .bind(order.coupon_id)
        .bind(order.coupon_code.clone())
        .bind(order.goods_minor)
        .bind(order.discount_minor)
        .bind(order.tax_minor)
        .bind(order.total_minor)
        .bind(order.newsletter)
        .bind(order.referred_by)
        .bind(order.expires_at)
        .bind(now)
        .bind(order.offer_id)
        .bind(order.path_id)
        .bind(order.currency.code())
        .bind(&order.source)
        .bind(rate_hmac)
        .run()
        .await?;
    Ok(changed == 1)
}

/// Takes the row, so that two stories of one order run one after the other.
pub async fn lock(tx: &mut Tx<'_>, site: SiteId, id: OrderId, now: UtcMs) -> Result<bool> {
    Ok(tx.query(LOCK).bind(site).bind(id).bind(now).run().await? == 1)
}

/// Awaits money until `expires_at`.
pub async fn pend(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: OrderId,
    expires_at: UtcMs,
    now: UtcMs,
) -> Result<bool> {
    Ok(tx.query(PEND).bind(site).bind(id).bind(expires_at).bind(now).run().await? == 1)
}

/// Marks it paid, with what came in and what may be charged again; `false` where it was already, or
/// may not be.
pub async fn pay(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: OrderId,
    now: UtcMs,
    close_at: UtcMs,
    (captured_minor, saved_method): (i64, Option<&str>),
) -> Result<bool> {
    let q = tx.query(PAY).bind(site).bind(id).bind(now).bind(close_at);
    Ok(q.bind(captured_minor).bind(saved_method).run().await? == 1)
}

/// Marks an order that was paid elsewhere as paid at `paid_at`; it has no window and no receipt.
pub async fn pay_in_the_past(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: OrderId,
    paid_at: UtcMs,
    captured_minor: i64,
    now: UtcMs,
) -> Result<bool> {
    let q = tx.query(PAY_IN_THE_PAST).bind(site).bind(id).bind(paid_at).bind(captured_minor);
    Ok(q.bind(now).run().await? == 1)
}

/// Adds a one-click line that was paid.
pub async fn add_paid(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: OrderId,
    (goods, tax, total): (i64, i64, i64),
    now: UtcMs,
) -> Result<bool> {
    let q = tx.query(ADD_PAID).bind(site).bind(id).bind(goods).bind(tax).bind(total);
    Ok(q.bind(now).run().await? == 1)
}

/// Ends an unpaid order as `expired` or `cancelled`.
pub async fn end(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: OrderId,
    state: OrderState,
    now: UtcMs,
) -> Result<bool> {
    Ok(tx.query(END).bind(site).bind(id).bind(state.as_str()).bind(now).run().await? == 1)
}

/// Opens an expired order again.
pub async fn reopen(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: OrderId,
    expires_at: UtcMs,
    now: UtcMs,
) -> Result<bool> {
    Ok(tx.query(REOPEN).bind(site).bind(id).bind(expires_at).bind(now).run().await? == 1)
}

/// Says that a person must look, and why.
pub async fn review(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: OrderId,
    why: Option<&str>,
    now: UtcMs,
) -> Result<()> {
    tx.query(REVIEW).bind(site).bind(id).bind(why).bind(now).run().await.map(drop)
}

/// Closes it with its invoice number; `false` where it was closed already.
pub async fn close(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: OrderId,
    now: UtcMs,
    invoice: i64,
) -> Result<bool> {
    Ok(tx.query(CLOSE).bind(site).bind(id).bind(now).bind(invoice).run().await? == 1)
}

/// Takes the row if one-click offers may still be accepted.
pub async fn still_open(tx: &mut Tx<'_>, site: SiteId, id: OrderId, now: UtcMs) -> Result<bool> {
    Ok(tx.query(STILL_OPEN).bind(site).bind(id).bind(now).run().await? == 1)
}

/// Guards a refund: `false` where it would pass what came in.
pub async fn refunding(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: OrderId,
    minor: i64,
    now: UtcMs,
) -> Result<bool> {
    Ok(tx.query(REFUNDING).bind(site).bind(id).bind(minor).bind(now).run().await? == 1)
}

/// Books a refund that was made.
pub async fn refunded(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: OrderId,
    minor: i64,
    now: UtcMs,
) -> Result<()> {
    tx.query(REFUNDED).bind(site).bind(id).bind(minor).bind(now).run().await.map(drop)
}

/// Frees the guard of a refund that came to nothing.
pub async fn refund_failed(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: OrderId,
    minor: i64,
    now: UtcMs,
) -> Result<()> {
    tx.query(REFUND_FAILED).bind(site).bind(id).bind(minor).bind(now).run().await.map(drop)
}

/// Orders whose window has ended.
pub async fn to_close(
    session: &mut Session<'_>,
    now: UtcMs,
    limit: i64,
) -> Result<Vec<(SiteId, OrderId)>> {
    session.query(TO_CLOSE).bind(now).bind(limit).all().await
}

/// Unpaid orders whose time is over.
pub async fn to_expire(
    session: &mut Session<'_>,
    now: UtcMs,
    limit: i64,
) -> Result<Vec<(SiteId, OrderId)>> {
    session.query(TO_EXPIRE).bind(now).bind(limit).all().await
}

/// How many paid orders an address has.
pub async fn paid_count(
    session: &mut Session<'_>,
    site: SiteId,
    address_hmac: &str,
) -> Result<i64> {
    session.query(PAID_COUNT).bind(site).bind(address_hmac).one().await
}

/// Orders besides `order` that wait for a confirmation or a transfer, made since `since` by the
/// address that limits count as `rate_hmac`.
pub async fn waiting(
    session: &mut Session<'_>,
    site: SiteId,
    (rate_hmac, order): (&str, OrderId),
    since: UtcMs,
) -> Result<i64> {
    session.query(WAITING).bind(site).bind(rate_hmac).bind(order).bind(since).one().await
}

/// When a contact first paid.
pub async fn first_paid_at(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Option<UtcMs>> {
    session.query(FIRST_PAID).bind(site).bind(contact).one().await
}

/// Whether a contact has the product: paid for, and not paid back.
pub async fn has_bought(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    product: ProductId,
) -> Result<bool> {
    let found: i64 = session.query(HAS_BOUGHT).bind(site).bind(contact).bind(product).one().await?;
    Ok(found > 0)
}
