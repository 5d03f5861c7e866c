//! Orders as a file, one line for each thing that was bought:
//! `order_id,email,placed_at,status,currency,product,quantity,unit_price,discount,tax,total,coupon,
//! partner,channel`. Lines of one order share its `order_id`.

use std::collections::BTreeMap;

use model::audits::Actor;
use model::contacts::SuppressionReason;
use model::ids::{OfferId, OrderId, ProductId};
use model::orders::OrderState;
use model::sites::Site;
use model::sources::Touch;
use model::tokens::hash_secret;
use model::{Currency, EmailAddr, Money, Refused, SiteId, UtcMs, Zone};
use serde_json::json;
use store::Session;
use store::order_lines::Line;
use store::orders::{Filter, Order};

use super::take::{Past, PastLine, put};
use crate::engine::Engine;
use crate::exports::Lines;
use crate::fault::{EngineError, Result};
use crate::files::columns::{Columns, Edge, Fate, Taken, count, instant};
use crate::files::tables::Table;
use crate::{audits, contacts, rollups};

/// The columns of the file.
pub const HEADERS: [&str; 14] = [
    "order_id",
    "email",
    "placed_at",
    "status",
    "currency",
    "product",
    "quantity",
    "unit_price",
    "discount",
    "tax",
    "total",
    "coupon",
    "partner",
    "channel",
];
/// Without these a line says nothing.
const NEEDED: [&str; 5] = ["order_id", "email", "placed_at", "product", "unit_price"];
/// More of one thing in one order is a slip of the keyboard, and no sum of it would hold.
const QUANTITY_MAX: i64 = 1_000_000;
/// Orders written in one transaction.
const BATCH: usize = 200;
/// Rows read at once.
const PAGE: i64 = 500;

/// Takes in a file of orders that were paid elsewhere: for figures, for what customers own, for
/// what is bought together. Nobody is mailed, nothing is charged, no sequence begins, and no
/// receipt is made: there was one. An order that was taken in before stays as it is.
///
/// # Errors
/// It cannot be read, or a column is missing.
pub async fn import(
    engine: &Engine,
    actor: Actor,
    site: &Site,
    bytes: &[u8],
    map: &BTreeMap<String, String>,
) -> Result<Taken> {
    let (mut taken, orders) = read(engine, site, bytes, map).await?;
    for part in orders.chunks(BATCH) {
        let (of, on, part) = (engine.clone(), site.clone(), part.to_vec());
        let part = engine
            .write(move |tx| {
                Box::pin(async move {
                    let mut taken = Taken::default();
                    for order in &part {
                        match fate(&of, tx, on.id, order).await? {
                            Ok(Fate::New) if put(&of, tx, &on, order).await? => {
                                taken.count(Fate::New);
                            }
                            Ok(_) => taken.count(Fate::Known),
                            Err(why) => taken.reject(order.line, why),
                        }
                    }
                    let data = json!({ "added": taken.created });
                    audits::record(&of, tx, on.id, actor, "orders.imported", "", &data).await?;
                    Ok(taken)
                })
            })
            .await?;
        taken.add(&part);
    }
    engine.wake();
    Ok(taken)
}

/// What [`import`] would do; changes nothing.
///
/// # Errors
/// As [`import`].
pub async fn look(
    engine: &Engine,
    site: &Site,
    bytes: &[u8],
    map: &BTreeMap<String, String>,
) -> Result<Taken> {
    let (mut taken, orders) = read(engine, site, bytes, map).await?;
    let (of, id) = (engine.clone(), site.id);
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                for order in &orders {
                    match fate(&of, session, id, order).await? {
                        Ok(fate) => taken.count(fate),
                        Err(why) => taken.reject(order.line, why),
                    }
                }
                Ok(taken)
            })
        })
        .await
}

/// Known is what was taken in before, or is an order of this very shop. Nothing comes back of who
/// was erased here.
async fn fate(
    engine: &Engine,
    session: &mut Session<'_>,
    site: SiteId,
    order: &Past,
) -> Result<std::result::Result<Fate, Refused>> {
    if let Ok(own) = order.outside_id.parse::<OrderId>()
        && store::orders::find(session, site, own).await?.is_some()
    {
        return Ok(Ok(Fate::Known));
    }
    if store::orders::find_by_token(session, site, &order.token_hash).await?.is_some() {
        return Ok(Ok(Fate::Known));
    }
    let hmac = contacts::hmac_of(engine, &order.address);
    let barred = store::suppressions::find(session, site, &hmac).await?;
    if barred.is_some_and(|barred| barred.reason == SuppressionReason::Erasure) {
        let why = "its buyer was erased here: nothing of them is taken in again";
        return Ok(Err(Refused::new("buyer_erased", why).at("email")));
    }
    Ok(Ok(Fate::New))
}

/// What lines are read against.
struct Ground {
    products: BTreeMap<String, (ProductId, String, i64)>,
    offers: BTreeMap<ProductId, (OfferId, i64)>,
    currency: Currency,
    zone: Zone,
}

async fn ground(engine: &Engine, site: &Site) -> Result<Ground> {
    let id = site.id;
    let (products, offers) = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let products = store::products::list(session, id).await?;
                Ok((products, store::offers::list(session, id).await?))
            })
        })
        .await?;
    let mut first: BTreeMap<ProductId, (OfferId, i64)> = BTreeMap::new();
    for offer in offers {
        let known = first.entry(offer.product_id).or_insert((offer.id, offer.version));
        if offer.id < known.0 {
            *known = (offer.id, offer.version);
        }
    }
    Ok(Ground {
        products: products.into_iter().map(|p| (p.slug, (p.id, p.name, p.cost_minor))).collect(),
        offers: first,
        currency: Currency::parse(&site.currency)?,
        zone: rollups::zone_of(site),
    })
}

/// The good orders; of one with a bad line all of it is left out, with the reason of the first.
///
/// A row that cannot be read says not whose it is, so that any order might lack it: then nothing
/// is taken in.
async fn read(
    engine: &Engine,
    site: &Site,
    bytes: &[u8],
    map: &BTreeMap<String, String>,
) -> Result<(Taken, Vec<Past>)> {
    let table = Table::read(bytes)?;
    let columns = Columns::of(&table, &HEADERS, &NEEDED, map)?;
    let ground = ground(engine, site).await?;
    let now = engine.now();
    let mut taken = Taken::default();
    let mut orders: Vec<std::result::Result<Past, (i64, Refused)>> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for line in table.rows() {
        taken.rows += 1;
        let cells = line.cells.map_err(|why| unreadable(line.line, why))?;
        let cell = |name: &str| columns.cell(&cells, name);
        let bad = |why| (line.line, why);
        let at = match places.get(cell("order_id")) {
            Some(at) => *at,
            None => {
                orders.push(head(cell, &ground, now, line.line).map_err(bad));
                // Lines without an id belong to nothing, nor to each other.
                if !cell("order_id").is_empty() {
                    places.insert(cell("order_id").to_owned(), orders.len() - 1);
                }
                orders.len() - 1
            }
        };
        if let Some(place) = orders.get_mut(at)
            && let Ok(order) = place
        {
            match thing(cell, &ground) {
                Ok(line) => order.lines.push(line),
                Err(why) => *place = Err(bad(why)),
            }
        }
    }
    let mut good = Vec::with_capacity(orders.len());
    for order in orders {
        let checked = order.and_then(|order| match order.check() {
            Ok(()) => Ok(order),
            Err(why) => Err((order.line, why)),
        });
        match checked {
            Ok(order) => good.push(order),
            Err((line, why)) => taken.reject(line, why),
        }
    }
    Ok((taken, good))
}

fn unreadable(line: i64, why: &str) -> Refused {
    let message = format!(
        "line {line}: {why}; mend it first: of whose order it is nobody can tell, so nothing was \
         taken in"
    );
    Refused::new("row_unreadable", message).at("file")
}

/// What the first line of an order says of it as a whole.
fn head<'r>(
    cell: impl Fn(&'static str) -> &'r str,
    ground: &Ground,
    now: UtcMs,
    line: i64,
) -> std::result::Result<Past, Refused> {
    let id = cell("order_id");
    if id.is_empty() {
        return Err(Refused::new("order_id_missing", "give the order an id").at("order_id"));
    }
    let placed_at = instant(cell("placed_at"), &ground.zone, Edge::Begin)
        .map_err(|why| why.at("placed_at"))?
        .filter(|at| *at <= now)
        .ok_or_else(|| {
            Refused::new("placed_at_invalid", "say when it was placed: a time that is over")
                .at("placed_at")
        })?;
    let is_refunded = match cell("status").to_lowercase().as_str() {
        "" | "paid" | "completed" | "complete" => false,
        "refunded" => true,
        other => {
            let why = format!("an order that is {other} is not taken in: only paid or refunded");
            return Err(Refused::new("status_other", why).at("status"));
        }
    };
    let currency = match cell("currency") {
        "" => ground.currency,
        code => Currency::parse(code).map_err(|why| why.at("currency"))?,
    };
    if currency != ground.currency {
        let why = format!("this site counts in {}: change the amounts first", ground.currency);
        return Err(Refused::new("currency_other", why).at("currency"));
    }
    let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let mut touch = Touch { at: placed_at, landing: "/".to_owned(), ..Touch::default() };
    touch.utm.source = said(&cell("channel").to_lowercase());
    Ok(Past {
        line,
        outside_id: id.to_owned(),
        // Never the hash of a token: no address opens an order that came by a file.
        token_hash: format!("import:{}", hash_secret(id.as_bytes())),
        address: EmailAddr::parse(cell("email")).map_err(|why| why.at("email"))?,
        placed_at,
        is_refunded,
        currency,
        coupon: said(cell("coupon")),
        touch,
        lines: Vec::new(),
    })
}

fn thing<'r>(
    cell: impl Fn(&'static str) -> &'r str,
    ground: &Ground,
) -> std::result::Result<PastLine, Refused> {
    let slug = cell("product");
    let (product, name, cost) = ground.products.get(slug).ok_or_else(|| {
        Refused::new("product_unknown", format!("there is no product called {slug}")).at("product")
    })?;
    let (offer, offer_version) = ground.offers.get(product).ok_or_else(|| {
        let why = format!("{slug} was never offered here: make an offer of it first");
        Refused::new("product_unoffered", why).at("product")
    })?;
    let money = |name: &'static str| match cell(name) {
        "" => Ok(None),
        text => Money::parse_amount(text, ground.currency)
            .and_then(Money::as_price)
            .map(|amount| Some(amount.minor))
            .map_err(|why| why.at(name)),
    };
    let quantity = count(cell("quantity")).map_err(|why| why.at("quantity"))?.unwrap_or(1);
    if quantity > QUANTITY_MAX {
        let why = format!("give at most {QUANTITY_MAX} of a thing");
        return Err(Refused::new("quantity_max", why).at("quantity"));
    }
    let unit_minor = money("unit_price")?.unwrap_or(0);
    let goods_minor = Money::new(unit_minor, ground.currency).checked_mul(quantity)?.minor;
    let (discount_minor, tax_minor) = (money("discount")?.unwrap_or(0), money("tax")?.unwrap_or(0));
    let bare = goods_minor.saturating_sub(discount_minor);
    let total_minor = money("total")?.unwrap_or(bare);
    let tax_on_top = tax_minor > 0 && total_minor == bare.saturating_add(tax_minor);
    if bare < 0 || tax_minor > total_minor || (total_minor != bare && !tax_on_top) {
        let why = "the amounts do not add up: quantity × unit_price − discount, tax within or on \
                   top of it, is the total";
        return Err(Refused::new("total_other", why).at("total"));
    }
    Ok(PastLine {
        product_id: *product,
        offer_id: *offer,
        offer_version: *offer_version,
        name: name.clone(),
        quantity,
        unit_minor,
        goods_minor,
        discount_minor,
        tax_minor,
        total_minor,
        tax_on_top,
        cost_minor: cost.saturating_mul(quantity),
    })
}

/// Writes every order of a site as lines of CSV, header first, newest first, to `write`.
///
/// # Errors
/// `write` fails, or the database does.
pub async fn export(
    engine: &Engine,
    site: SiteId,
    write: impl FnMut(&str) -> std::io::Result<()> + Send,
) -> Result<i64> {
    let mut out = Lines::begin(write, &HEADERS)?;
    let slugs: BTreeMap<ProductId, String> = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let products = store::products::list(session, site).await?;
                Ok(products.into_iter().map(|product| (product.id, product.slug)).collect())
            })
        })
        .await?;
    let mut before = OrderId(i64::MAX);
    loop {
        let from = before;
        let (orders, lines) = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let filter = Filter::default();
                    let orders = store::orders::list(session, site, from, &filter, PAGE).await?;
                    let lines = match (orders.last(), orders.first()) {
                        (Some(first), Some(last)) => {
                            store::order_lines::of_orders(session, site, first.id, last.id).await?
                        }
                        _ => Vec::new(),
                    };
                    Ok((orders, lines))
                })
            })
            .await?;
        let Some(last) = orders.last() else { return Ok(out.count()) };
        before = last.id;
        // Both stand newest order first.
        let mut lines = lines.into_iter().peekable();
        for order in &orders {
            while let Some((_, line)) = lines.next_if(|(of, _)| *of >= order.id) {
                let slug = slugs.get(&line.product_id).cloned().unwrap_or_default();
                out.put(&cells(order, &line, slug))?;
            }
        }
    }
}

fn cells(order: &Order, line: &Line, product: String) -> [String; 14] {
    let money = |minor| {
        let text = Money::new(minor, order.currency).to_string();
        text.split(' ').next().unwrap_or_default().to_owned()
    };
    let touch: Touch = serde_json::from_str(&order.source).unwrap_or_default();
    let status = match order.state {
        OrderState::Paid => "paid".to_owned(),
        other => other.to_string(),
    };
    [
        order.id.to_string(),
        order.email.clone(),
        order.paid_at.unwrap_or(order.created_at).rfc3339(),
        status,
        order.currency.code().to_owned(),
        product,
        line.quantity.to_string(),
        money(line.unit_minor),
        money(line.discount_minor),
        money(line.tax_minor),
        money(line.total_minor),
        order.coupon_code.clone().unwrap_or_default(),
        String::new(),
        touch.utm.source.unwrap_or_default(),
    ]
}
