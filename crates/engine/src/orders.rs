//! Orders as their pages show them: found by the buyer's token, or by the key in a mail; and as a
//! file, taken in from another shop.

mod file;
mod take;

pub use file::{HEADERS, export, import, look};

use model::audits::Actor;
use model::ids::OrderId;
use model::orders::AttemptState;
use model::sites::Site;
use model::tokens::{Purpose, hash_secret, secret_bytes};
use store::Session;
use store::invoices::Invoice;
use store::order_lines::Line;
use store::orders::Order;
use store::payments::Payment;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{audits, pay};

/// An order with what belongs to it.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The order.
    pub order: Order,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Its attempts, first to last.
    pub payments: Vec<Payment>,
    /// Its invoices, by their numbers.
    pub invoices: Vec<Invoice>,
}

/// How an order stands for the one who waits before its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Paid.
    Paid,
    /// Money by bank transfer is awaited.
    AwaitsTransfer,
    /// The address of a free order must be confirmed.
    AwaitsConfirmation,
    /// The bank asks the buyer to confirm.
    Challenge(Box<Payment>),
    /// No answer yet: not to be paid again.
    Checking,
    /// The last attempt failed, for this reason.
    Failed(String),
    /// Its time is over.
    Over,
}

impl Whole {
    /// How it stands for its buyer.
    pub fn standing(&self) -> Standing {
        if self.order.paid_at.is_some() {
            return Standing::Paid;
        }
        if !self.order.state.may_be_paid() || self.order.state == model::orders::OrderState::Expired
        {
            return Standing::Over;
        }
        let last = self.payments.iter().rev().find(|payment| payment.purpose == "initial");
        let Some(last) = last else { return Standing::Checking };
        match last.state {
            AttemptState::RequiresAction => match last.provider {
                model::payments::Provider::Offline => Standing::AwaitsTransfer,
                model::payments::Provider::Free => Standing::AwaitsConfirmation,
                model::payments::Provider::Test => Standing::Challenge(Box::new(last.clone())),
            },
            AttemptState::Failed | AttemptState::Cancelled => {
                Standing::Failed(last.failure.clone().unwrap_or_default())
            }
            _ => Standing::Checking,
        }
    }
}

/// The hash of a token made at the checkout, or the order that a mail's link names.
enum Key {
    Hash(String),
    Id(OrderId),
}

fn key(engine: &Engine, text: &str) -> Option<Key> {
    if let Some(secret) = secret_bytes(text) {
        return Some(Key::Hash(hash_secret(&secret)));
    }
    let token = engine.keys().open(Purpose::Order, text).ok()?;
    Some(Key::Id(OrderId(token.id)))
}

/// The order of a token, with what belongs to it.
///
/// # Errors
/// There is none.
pub async fn by_token(engine: &Engine, site: &Site, text: &str) -> Result<Whole> {
    let none = || EngineError::missing("order", "at this address");
    let key = key(engine, text).ok_or_else(none)?;
    let id = site.id;
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                let order = match key {
                    Key::Hash(hash) => store::orders::find_by_token(session, id, &hash).await?,
                    Key::Id(order) => store::orders::find(session, id, order).await?,
                };
                whole(session, id, order.ok_or_else(none)?).await
            })
        })
        .await
}

/// An order by its id, with what belongs to it.
///
/// # Errors
/// There is none.
pub async fn get(engine: &Engine, site: model::SiteId, order: OrderId) -> Result<Whole> {
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move {
                let found = store::orders::find(session, site, order)
                    .await?
                    .ok_or_else(|| EngineError::missing("order", order))?;
                whole(session, site, found).await
            })
        })
        .await
}

/// An order with what belongs to it.
pub(crate) async fn whole(
    session: &mut Session<'_>,
    site: model::SiteId,
    order: Order,
) -> Result<Whole> {
    let lines = store::order_lines::of_order(session, site, order.id).await?;
    let payments = store::payments::of_order(session, site, order.id).await?;
    let invoices = store::invoices::of_order(session, site, order.id).await?;
    Ok(Whole { order, lines, payments, invoices })
}

/// Whether a contact has a product.
pub async fn has_bought(
    session: &mut Session<'_>,
    site: model::SiteId,
    contact: model::ids::ContactId,
    product: model::ids::ProductId,
) -> Result<bool> {
    Ok(store::orders::has_bought(session, site, contact, product).await?)
}

/// The operator has seen the money of an offline order.
///
/// # Errors
/// Nothing of it waits for money.
pub async fn mark_paid(
    engine: &Engine,
    site: &Site,
    order: OrderId,
    actor: Actor,
) -> Result<pay::Applied> {
    pay::mark_paid(&engine.by(actor), site, order).await
}

/// A person has looked at an order that asked for it.
///
/// # Errors
/// The database fails.
pub async fn reviewed(
    engine: &Engine,
    site: model::SiteId,
    order: OrderId,
    actor: Actor,
) -> Result<()> {
    let it = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                store::orders::review(tx, site, order, None, it.now()).await?;
                audits::record(&it, tx, site, actor, "order.reviewed", order, &()).await
            })
        })
        .await
}
