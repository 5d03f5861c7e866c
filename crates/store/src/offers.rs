//! Offers: a product at a price, with its deadline and its stock.

use model::ids::{ContactId, OfferId, ProductId};
use model::offers::Deadline;
use model::products::OfferState;
use model::{Currency, SiteId, UtcMs};

use crate::{FromRow, Json, Result, Row, Session, Tx};

const FIND: &str = "select id, slug, product_id, title, pitch, button, currency, price_minor,
    compare_minor, deadline, quantity_max, stock_initial,
    stock_held, stock_sold, state, version, created_at, updated_at
    from offers where site_id = $1 and id = $2";
const FIND_BY_SLUG: &str = "select id, slug, product_id, title, pitch, button, currency,
    price_minor, compare_minor, deadline, quantity_max,
    stock_initial, stock_held, stock_sold, state, version, created_at, updated_at
    from offers where site_id = $1 and slug = $2";
const LIST: &str = "select id, slug, product_id, title, pitch, button, currency, price_minor,
    compare_minor, deadline, quantity_max, stock_initial,
    stock_held, stock_sold, state, version, created_at, updated_at
    from offers where site_id = $1 order by title, id";
const LIST_OF_PRODUCT: &str = "select id, slug, product_id, title, pitch, button, currency,
    price_minor, compare_minor, deadline, quantity_max,
    stock_initial, stock_held, stock_sold, state, version, created_at, updated_at
    from offers where site_id = $1 and product_id = $2 order by created_at, id";
const UPSERT: &str = "insert into offers (site_id, id, slug, product_id, title, pitch, button,
    currency, price_minor, compare_minor, deadline, quantity_max,
    stock_initial, state, version, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    on conflict (site_id, id) do update set slug = excluded.slug,
        product_id = excluded.product_id, title = excluded.title, pitch = excluded.pitch,
        button = excluded.button, currency = excluded.currency,
        price_minor = excluded.price_minor, compare_minor = excluded.compare_minor,
        deadline = excluded.deadline, quantity_max = excluded.quantity_max,
        stock_initial = excluded.stock_initial, state = excluded.state,
        version = excluded.version, updated_at = excluded.updated_at";
const HOLD: &str = "update offers set stock_held = stock_held + $3
    where site_id = $1 and id = $2 and (stock_initial is null
        or stock_initial - stock_held - stock_sold >= $3)";
const RELEASE: &str = "update offers set stock_held = stock_held - $3
    where site_id = $1 and id = $2";
const SELL: &str = "update offers set stock_held = stock_held - $3, stock_sold = stock_sold + $3
    where site_id = $1 and id = $2";
const START_DEADLINE: &str = "insert into offer_deadlines
    (site_id, offer_id, contact_id, started_at, ends_at) values ($1, $2, $3, $4, $5)
    on conflict (site_id, offer_id, contact_id) do nothing";
const FORGET_DEADLINES: &str = "delete from offer_deadlines where site_id = $1
    and offer_id in (select id from offers where site_id = $1) and contact_id = $2";
const DEADLINE: &str = "select ends_at from offer_deadlines
    where site_id = $1 and offer_id = $2 and contact_id = $3";

/// A product at a price, in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub id: OfferId,
    /// Its name in `/buy/{offer}`.
    pub slug: String,
    /// What is sold.
    pub product_id: ProductId,
    /// The headline.
    pub title: String,
    /// Markdown under the headline.
    pub pitch: String,
    /// What the button says.
    pub button: String,
    /// Of its prices.
    pub currency: Currency,
    /// The price of one, in minor units.
    pub price_minor: i64,
    /// What it truly costs otherwise, struck through.
    pub compare_minor: Option<i64>,
    /// Until when it stands.
    pub deadline: Deadline,
    /// The most one order may take.
    pub quantity_max: i64,
    /// How many there were; nothing: as many as are asked for.
    pub stock_initial: Option<i64>,
    /// Held for orders that are not paid yet.
    pub stock_held: i64,
    /// Sold.
    pub stock_sold: i64,
    /// Whether it can be taken.
    pub state: OfferState,
    /// Grows with each change; orders and one-click tokens carry it.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcMs,
    /// When it was last changed.
    pub updated_at: UtcMs,
}

impl Offer {
    /// How many are left, where that is counted.
    pub fn stock_left(&self) -> Option<i64> {
        self.stock_initial.map(|initial| (initial - self.stock_held - self.stock_sold).max(0))
    }
}

impl FromRow for Offer {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            slug: row.take()?,
            product_id: row.take()?,
            title: row.take()?,
            pitch: row.take()?,
            button: row.take()?,
            currency: row.word()?,
            price_minor: row.take()?,
            compare_minor: row.take()?,
            deadline: row.json()?,
            quantity_max: row.take()?,
            stock_initial: row.take()?,
            stock_held: row.take()?,
            stock_sold: row.take()?,
            state: row.word()?,
            version: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }
}

/// The offer with this id.
pub async fn find(session: &mut Session<'_>, site: SiteId, id: OfferId) -> Result<Option<Offer>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// The offer with this slug.
pub async fn find_by_slug(
    session: &mut Session<'_>,
    site: SiteId,
    slug: &str,
) -> Result<Option<Offer>> {
    session.query(FIND_BY_SLUG).bind(site).bind(slug).maybe().await
}

/// Every offer of a site by title.
pub async fn list(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Offer>> {
    session.query(LIST).bind(site).all().await
}

/// The offers of a product, oldest first.
pub async fn list_of_product(
    session: &mut Session<'_>,
    site: SiteId,
    product: ProductId,
) -> Result<Vec<Offer>> {
    session.query(LIST_OF_PRODUCT).bind(site).bind(product).all().await
}

/// Writes an offer, new or changed; what is held and sold stays as it is.
pub async fn put(tx: &mut Tx<'_>, site: SiteId, offer: &Offer, now: UtcMs) -> Result<()> {
    tx.query(UPSERT)
        .bind(site)
        .bind(offer.id)
        .bind(&offer.slug)
        .bind(offer.product_id)
        .bind(&offer.title)
        .bind(&offer.pitch)
        .bind(&offer.button)
        .bind(offer.currency.code())
        .bind(offer.price_minor)
        .bind(offer.compare_minor)
        .bind(Json(&offer.deadline))
        .bind(offer.quantity_max)
        .bind(offer.stock_initial)
        .bind(offer.state.as_str())
        .bind(offer.version)
        .bind(offer.created_at)
        .bind(now)
        .run()
        .await
        .map(drop)
}

/// Holds `quantity` of the stock; `false` where there is too little.
pub async fn hold(tx: &mut Tx<'_>, site: SiteId, id: OfferId, quantity: i64) -> Result<bool> {
    Ok(tx.query(HOLD).bind(site).bind(id).bind(quantity).run().await? == 1)
}

/// Lets go of what was held.
pub async fn release(tx: &mut Tx<'_>, site: SiteId, id: OfferId, quantity: i64) -> Result<()> {
    tx.query(RELEASE).bind(site).bind(id).bind(quantity).run().await.map(drop)
}

/// Turns what was held into what is sold.
pub async fn sell(tx: &mut Tx<'_>, site: SiteId, id: OfferId, quantity: i64) -> Result<()> {
    tx.query(SELL).bind(site).bind(id).bind(quantity).run().await.map(drop)
}

/// Starts a contact's own deadline unless it has started; when it ends.
pub async fn start_deadline(
    tx: &mut Tx<'_>,
    site: SiteId,
    offer: OfferId,
    contact: ContactId,
    now: UtcMs,
    ends_at: UtcMs,
) -> Result<UtcMs> {
    let q = tx.query(START_DEADLINE).bind(site).bind(offer).bind(contact);
    q.bind(now).bind(ends_at).run().await?;
    tx.query(DEADLINE).bind(site).bind(offer).bind(contact).one().await
}

/// Forgets a contact's own deadlines: for erasure.
pub async fn forget_deadlines(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(FORGET_DEADLINES).bind(site).bind(contact).run().await.map(drop)
}

/// When a contact's own deadline ends, if it has started.
pub async fn deadline_of(
    session: &mut Session<'_>,
    site: SiteId,
    offer: OfferId,
    contact: ContactId,
) -> Result<Option<UtcMs>> {
    session.query(DEADLINE).bind(site).bind(offer).bind(contact).maybe().await
}
