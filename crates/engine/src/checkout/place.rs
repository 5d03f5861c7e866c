//! From a form to an order (P0): one token, one order.

use model::contacts::Contact;
use model::ids::{CartId, LineId, OrderId};
use model::notes::{clean_line, clean_text, refuse_card_number};
use model::orders::OrderState;
use model::payments::{HOLD_MS, LineState, OFFLINE_HOLD_MS, Provider, StockState, TestMethod};
use model::sites::Site;
use model::sources::Touch;
use model::times::HOUR_MS;
use model::tokens::{hash_secret, secret_bytes};
use model::{EmailAddr, Refused};
use serde_json::json;
use store::Tx;
use store::carts::Cart;
use store::events::NewEvent;
use store::order_lines::Line;
use store::orders::Order;

use super::quote::{Quote, quote};
use super::{Form, NAME_MAX, NOTES_MAX};
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::touches::{self, Meeting};
use crate::{contacts, offers, pay, referrals};

/// When the one mail of a cart left behind is due.
const CART_MAIL_AFTER_MS: i64 = 4 * HOUR_MS;
/// Orders of one address in a day that may wait for its confirmation, or for money by transfer.
const WAITING_MAX: i64 = 3;

/// What became of a form.
#[derive(Debug, Clone)]
pub enum Placed {
    /// There is an order: the one of this token.
    Order(OrderId),
    /// The total that was shown is not the total any more; nothing was done.
    Stale(Box<Quote>),
}

/// What was read from a form before anything is asked of the database.
struct Read {
    token_hash: String,
    address: EmailAddr,
    address_hmac: String,
    name: String,
    notes: String,
    provider: std::result::Result<(Provider, String), Refused>,
}

/// Places the order of a form and begins to take its money.
///
/// # Errors
/// Fields that must be mended, an offer that has ended, a coupon that is not good.
pub async fn place(engine: &Engine, site: &Site, slug: &str, form: Form) -> Result<Placed> {
    place_from(engine, site, slug, form, "").await
}

/// The same for a visitor from a network, in which many declined cards make one wait.
///
/// # Errors
/// As [`place`].
pub async fn place_from(
    engine: &Engine,
    site: &Site,
    slug: &str,
    form: Form,
    net: &str,
) -> Result<Placed> {
    let read = read(engine, site, &form)?;
    let (its_site, slug) = (site.clone(), slug.to_owned());
    let (it, method) = (engine.clone(), method_of(&read));
    let written = engine
        .write(move |tx| {
            Box::pin(async move { write(&it, tx, &its_site, &slug, &form, &read).await })
        })
        .await?;
    let order = match written {
        Written::Stale(quote) => return Ok(Placed::Stale(quote)),
        Written::UnderWay(order) => return Ok(Placed::Order(order)),
        Written::Fresh(order) => order,
    };
    engine.pass("P0")?;
    pay::pay_order(engine, site, order, &method, net).await?;
    Ok(Placed::Order(order))
}

fn read(engine: &Engine, site: &Site, form: &Form) -> Result<Read> {
    let mut problems = Vec::new();
    let token = secret_bytes(&form.token);
    if token.is_none() {
        problems.push(once_more());
    }
    let address = EmailAddr::parse(&form.email);
    if let Err(refused) = &address {
        problems.push(refused.clone().at("email"));
    }
    let name = clean_line(&form.name);
    if name.chars().count() > NAME_MAX {
        let message = format!("the name has {NAME_MAX} characters at most");
        problems.push(Refused::new("name_length", message).at("name"));
    }
    let notes = clean_text(&form.notes);
    if notes.chars().count() > NOTES_MAX {
        let message = format!("the note has {NOTES_MAX} characters at most");
        problems.push(Refused::new("notes_length", message).at("notes"));
    }
    for (field, text) in [("notes", &notes), ("name", &name)] {
        if refuse_card_number(text).is_err() {
            let message = "please do not type card numbers here";
            problems.push(Refused::new("card_number", message).at(field));
        }
    }
    match (address, token) {
        (Ok(address), Some(token)) if problems.is_empty() => Ok(Read {
            token_hash: hash_secret(&token),
            address_hmac: contacts::hmac_of(engine, &address),
            address,
            name,
            notes,
            provider: provider_of(site, form),
        }),
        _ => Err(EngineError::RefusedAll(problems)),
    }
}

/// The token is none, or another offer's: a fresh one is wanted.
fn once_more() -> Refused {
    let message = "this page was open for too long: please press the button once more";
    Refused::new("token_missing", message).at("token")
}

/// What is asked to pay; of no matter where there is nothing to pay.
fn method_of(read: &Read) -> String {
    read.provider.as_ref().map(|(_, method)| method.clone()).unwrap_or_default()
}

fn provider_of(site: &Site, form: &Form) -> std::result::Result<(Provider, String), Refused> {
    let unknown = || Refused::new("provider", "choose how to pay").at("method");
    // One group of radio buttons: a card of the test provider, or `offline`.
    let chosen = if form.method == "offline" { "offline" } else { form.provider.as_str() };
    match chosen {
        "offline" if site.settings.offline_payments => {
            Ok((Provider::Offline, "transfer".to_owned()))
        }
        "test" | "" if site.settings.test_payments => {
            let method = TestMethod::parse(&form.method).map_err(|_| unknown())?;
            Ok((Provider::Test, method.as_str().to_owned()))
        }
        _ => Err(unknown()),
    }
}

enum Written {
    /// A new order, or one whose last attempt came to nothing: money is to be asked for.
    Fresh(OrderId),
    /// It is paid, or being paid.
    UnderWay(OrderId),
    Stale(Box<Quote>),
}

async fn write(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    slug: &str,
    form: &Form,
    read: &Read,
) -> Result<Written> {
    let now = engine.now();
    let known = store::orders::find_by_token(tx, site.id, &read.token_hash).await?;
    if let Some(order) = &known {
        store::orders::lock(tx, site.id, order.id, now).await?;
        if order.state.is_paid()
            || order.paid_at.is_some()
            || pay::is_under_way(tx, site.id, order).await?
        {
            return Ok(Written::UnderWay(order.id));
        }
    }
    // Nobody is kept for a form that is refused or stale.
    let found = store::contacts::find_by_key(tx, site.id, &read.address.key()).await?;
    let is_known = found.is_some();
    let contact = found.unwrap_or_else(|| contacts::fresh(engine, &read.address, now));
    let who = (Some(&contact), read.address_hmac.as_str());
    let quote = quote(tx, site, slug, form, who, now).await?;
    if !quote.problems.is_empty() {
        return Err(EngineError::RefusedAll(quote.problems));
    }
    if let (Err(refused), false) = (&read.provider, quote.totals.is_free()) {
        return Err(EngineError::RefusedAll(vec![refused.clone()]));
    }
    if form.shown_total != Some(quote.totals.total) {
        return Ok(Written::Stale(Box::new(quote)));
    }
    let main = quote.items.first().ok_or_else(|| EngineError::missing("offer", slug))?;
    if known.as_ref().is_some_and(|known| known.offer_id != main.offer.id) {
        return Err(EngineError::RefusedAll(vec![once_more()]));
    }
    let (contact, is_new) = match is_known {
        true => (contact, false),
        false => contacts::ensure(engine, tx, site, contact).await?,
    };
    offers::tell(tx, site.id, &main.offer, &contact, now).await?;
    let order = order_of(engine, site, form, read, (&contact, &quote), known.as_ref());
    let rate_hmac = contacts::rate_hmac(engine, &read.address);
    check_waiting(tx, site, &order, &rate_hmac).await?;
    if let Some(known) = &known {
        // The last one to hold the row may have begun to pay meanwhile.
        if pay::is_under_way(tx, site.id, known).await? {
            return Ok(Written::UnderWay(known.id));
        }
        store::order_lines::delete_pending(tx, site.id, known.id).await?;
        if !store::orders::rewrite(tx, site.id, &rate_hmac, &order, now).await? {
            return Ok(Written::UnderWay(known.id));
        }
    } else if !store::orders::insert(tx, site.id, (&read.token_hash, &rate_hmac), &order).await? {
        // Another copy of the same form was a moment faster.
        let winner = store::orders::find_by_token(tx, site.id, &read.token_hash).await?;
        let winner = winner.ok_or_else(|| EngineError::missing("order", "of this form"))?;
        return Ok(Written::UnderWay(winner.id));
    }
    for line in lines_of(engine, &quote) {
        store::order_lines::insert(tx, site.id, order.id, &line, now).await?;
    }
    let meeting = if is_new { Meeting::First } else { Meeting::Later };
    keep(engine, tx, site, form, read, (&contact, &order, meeting)).await?;
    Ok(Written::Fresh(order.id))
}

/// The cart, the touch, and what happened.
async fn keep(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    form: &Form,
    read: &Read,
    (contact, order, meeting): (&Contact, &Order, Meeting),
) -> Result<()> {
    let now = engine.now();
    let choices = serde_json::to_string(form)
        .map_err(|e| EngineError::Fault(format!("a cart could not be kept: {e}")))?;
    let cart = Cart {
        site_id: site.id,
        id: CartId(engine.next_id()),
        offer_id: order.offer_id,
        contact_id: Some(contact.id),
        email: order.email.clone(),
        choices,
        state: "open".to_owned(),
        order_id: None,
        due_at: now.plus_ms(CART_MAIL_AFTER_MS),
        created_at: now,
    };
    store::carts::put(tx, &read.token_hash, &cart, now).await?;
    if let Ok(touch) = serde_json::from_str::<Touch>(&form.source) {
        touches::record(engine, tx, site, contact.id, touch, meeting).await?;
    }
    let data = json!({
        "order": order.id.to_string(),
        "amount": order.total_minor,
        "currency": order.currency.code(),
    });
    let event = NewEvent {
        kind: "order.created",
        contact_id: Some(contact.id),
        subject_id: Some(order.id.0),
        data: &data,
    };
    engine.record(tx, site.id, event).await
}

/// A free order waits for its address to be confirmed, one by transfer for its money. Either sends
/// a mail to whatever address was typed and holds the goods: a flood of them is not taken (C21).
async fn check_waiting(tx: &mut Tx<'_>, site: &Site, order: &Order, rate_hmac: &str) -> Result<()> {
    if order.provider == Provider::Test {
        return Ok(());
    }
    let since = order.updated_at.plus_days(-1);
    let waiting = store::orders::waiting(tx, site.id, (rate_hmac, order.id), since).await?;
    if waiting < WAITING_MAX {
        return Ok(());
    }
    let message = if order.provider == Provider::Free {
        "this address has free orders that wait for their confirmation: please look into your \
         mail first"
    } else {
        "this address has orders that wait for their money: please pay one of them first, or \
         write to us"
    };
    Err(Refused::new("orders_waiting", message).at("email").into())
}

fn order_of(
    engine: &Engine,
    site: &Site,
    form: &Form,
    read: &Read,
    (contact, quote): (&Contact, &Quote),
    known: Option<&Order>,
) -> Order {
    let now = engine.now();
    let provider = match &read.provider {
        Ok((provider, _)) if !quote.totals.is_free() => *provider,
        _ => Provider::Free,
    };
    let hold = if provider == Provider::Test { HOLD_MS } else { OFFLINE_HOLD_MS };
    let offer_id = quote.items.first().map_or(model::ids::OfferId(0), |item| item.offer.id);
    Order {
        id: known.map_or_else(|| OrderId(engine.next_id()), |known| known.id),
        contact_id: contact.id,
        email: read.address.as_str().to_owned(),
        address_hmac: read.address_hmac.clone(),
        name: read.name.clone(),
        country: quote.country.map(|country| country.to_string()).unwrap_or_default(),
        notes: read.notes.clone(),
        state: OrderState::Open,
        review: None,
        offer_id,
        path_id: quote.path.as_ref().map(|path| path.id),
        provider,
        saved_method: None,
        currency: quote.currency(),
        tax_ppm: i64::from(quote.tax.rate.ppm),
        tax_included: quote.tax.mode == model::taxes::TaxMode::Inclusive,
        coupon_id: quote.coupon.as_ref().map(|(id, _)| *id),
        coupon_code: quote.coupon.as_ref().map(|(_, code)| code.clone()),
        goods_minor: quote.totals.subtotal,
        discount_minor: quote.totals.discount,
        tax_minor: quote.totals.tax,
        total_minor: quote.totals.total,
        captured_minor: 0,
        refunded_minor: 0,
        refunding_minor: 0,
        newsletter: form.newsletter,
        referred_by: referrals::read(engine, site, &form.referral),
        source: form.source.clone(),
        expires_at: now.plus_ms(hold),
        close_at: None,
        paid_at: None,
        closed_at: None,
        invoice_number: None,
        created_at: known.map_or(now, |known| known.created_at),
        updated_at: now,
    }
}

fn lines_of(engine: &Engine, quote: &Quote) -> Vec<Line> {
    let mut lines = Vec::new();
    for ((position, item), totals) in (1_i64..).zip(&quote.items).zip(&quote.totals.lines) {
        lines.push(Line {
            id: LineId(engine.next_id()),
            payment_id: None,
            position,
            kind: item.role,
            product_id: item.product.id,
            offer_id: item.offer.id,
            offer_version: item.offer.version,
            name: item.product.name.clone(),
            quantity: item.quantity,
            unit_minor: item.offer.price_minor,
            goods_minor: totals.subtotal,
            discount_minor: totals.discount,
            tax_minor: totals.tax,
            net_minor: totals.total - totals.tax,
            total_minor: totals.total,
            cost_minor: item.product.cost_minor.saturating_mul(item.quantity),
            state: LineState::Pending,
            stock: StockState::None,
        });
    }
    lines
}
