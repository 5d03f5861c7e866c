//! Checkout forms that were sent, so that they can be given back as they were.

use model::ids::{CartId, ContactId, OfferId, OrderId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const UPSERT: &str = "insert into carts (site_id, id, token_hash, offer_id, contact_id, email,
    choices, state, due_at, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9, $9)
    on conflict (site_id, token_hash) do update set contact_id = excluded.contact_id,
        email = excluded.email, choices = excluded.choices, updated_at = excluded.updated_at";
const FIND: &str = "select site_id, id, offer_id, contact_id, email, choices, state, order_id,
    due_at, created_at from carts where site_id = $1 and id = $2";
const DUE: &str = "select site_id, id, offer_id, contact_id, email, choices, state, order_id,
    due_at, created_at from carts where state = 'open' and due_at <= $1 order by due_at limit $2";
const MOVE: &str = "update carts set state = $4, updated_at = $5
    where site_id = $1 and id = $2 and state = $3";
const ORDERED: &str = "update carts set state = 'ordered', order_id = $3, updated_at = $4
    where site_id = $1 and contact_id = $2 and state in ('open', 'mailed')";
const OF_CONTACT: &str =
    "select site_id, id, offer_id, contact_id, email, choices, state, order_id,
    due_at, created_at from carts where site_id = $1 and contact_id = $2 order by id";
const SCRUB: &str = "update carts set email = '', choices = '{}',
    state = case when state = 'open' then 'closed' else state end
    where site_id = $1 and contact_id = $2";
const FORGET: &str = "delete from carts where site_id = $1 and contact_id = $2";

/// A checkout form that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    /// Of which site.
    pub site_id: SiteId,
    /// Its id.
    pub id: CartId,
    /// For which offer.
    pub offer_id: OfferId,
    /// Whose, where the address is known.
    pub contact_id: Option<ContactId>,
    /// The address as given.
    pub email: String,
    /// What was chosen: JSON.
    pub choices: String,
    /// `open`, `mailed`, `ordered`, `closed`.
    pub state: String,
    /// The order that ended it.
    pub order_id: Option<OrderId>,
    /// When its one mail is due.
    pub due_at: UtcMs,
    /// When it was first sent.
    pub created_at: UtcMs,
}

impl FromRow for Cart {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            site_id: row.take()?,
            id: row.take()?,
            offer_id: row.take()?,
            contact_id: row.take()?,
            email: row.take()?,
            choices: row.take()?,
            state: row.take()?,
            order_id: row.take()?,
            due_at: row.take()?,
            created_at: row.take()?,
        })
    }
}

/// Keeps a form that was sent, by the hash of its token.
pub async fn put(tx: &mut Tx<'_>, token_hash: &str, cart: &Cart, now: UtcMs) -> Result<()> {
    tx.query(UPSERT)
        .bind(cart.site_id)
        .bind(cart.id)
        .bind(token_hash)
        .bind(cart.offer_id)
        .bind(cart.contact_id)
        .bind(&cart.email)
        .bind(&cart.choices)
        .bind(cart.due_at)
        .bind(now)
        .run()
        .await
        .map(drop)
}

/// The cart with this id.
pub async fn find(session: &mut Session<'_>, site: SiteId, id: CartId) -> Result<Option<Cart>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// Carts whose mail is due.
pub async fn due(session: &mut Session<'_>, now: UtcMs, limit: i64) -> Result<Vec<Cart>> {
    session.query(DUE).bind(now).bind(limit).all().await
}

/// Moves a cart; `false` where it was not there.
pub async fn move_to(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: CartId,
    (from, to): (&str, &str),
    now: UtcMs,
) -> Result<bool> {
    Ok(tx.query(MOVE).bind(site).bind(id).bind(from).bind(to).bind(now).run().await? == 1)
}

/// Ends every open cart of a contact: they bought.
pub async fn ordered(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    order: OrderId,
    now: UtcMs,
) -> Result<()> {
    tx.query(ORDERED).bind(site).bind(contact).bind(order).bind(now).run().await.map(drop)
}

/// A contact's carts, first to last.
pub async fn of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<Cart>> {
    session.query(OF_CONTACT).bind(site).bind(contact).all().await
}

/// Takes a contact's words out of its carts. None is given back or reminded of any more.
pub async fn scrub(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(SCRUB).bind(site).bind(contact).run().await.map(drop)
}

/// Forgets the carts of a contact that is forgotten.
pub async fn forget(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(FORGET).bind(site).bind(contact).run().await.map(drop)
}
