//! Writes an order of the past: paid, granted and in the ledger, as if it had been placed here,
//! but without a word to anybody.

use model::ids::{ContactId, LineId, OfferId, OrderId, PaymentId, ProductId, RefundId};
use model::orders::{AttemptState, LineRole, OrderState, RefundState};
use model::payments::{LineState, Provider, StockState, idempotency_key};
use model::sites::Site;
use model::sources::Touch;
use model::{Currency, EmailAddr, Money, Refused, SiteId, UtcMs};
use store::Tx;
use store::order_lines::Line;
use store::orders::Order;
use store::payments::Payment;
use store::refunds::Refund;

use crate::engine::Engine;
use crate::fault::Result;
use crate::fulfil::{book, entitle};
use crate::touches::{self, Meeting};
use crate::{also_bought, contacts};

/// An order of the past.
#[derive(Debug, Clone)]
pub(super) struct Past {
    /// Its first line in the file.
    pub line: i64,
    /// Its id where it comes from.
    pub outside_id: String,
    /// What tells it from every other order.
    pub token_hash: String,
    /// Who bought.
    pub address: EmailAddr,
    /// When.
    pub placed_at: UtcMs,
    /// Whether all of it was paid back.
    pub is_refunded: bool,
    /// Of every amount.
    pub currency: Currency,
    /// The coupon's code.
    pub coupon: Option<String>,
    /// How the buyer came.
    pub touch: Touch,
    /// What was bought.
    pub lines: Vec<PastLine>,
}

impl Past {
    /// Whether its amounts can be added up.
    pub fn check(&self) -> std::result::Result<(), Refused> {
        let amounts: [fn(&PastLine) -> i64; 4] = [
            |line| line.goods_minor,
            |line| line.discount_minor,
            |line| line.tax_minor,
            |line| line.total_minor,
        ];
        for of in amounts {
            let all = self.lines.iter().map(|line| Money::new(of(line), self.currency));
            Money::sum(self.currency, all)?;
        }
        Ok(())
    }
}

/// A thing that was bought.
#[derive(Debug, Clone)]
pub(super) struct PastLine {
    pub product_id: ProductId,
    pub offer_id: OfferId,
    pub offer_version: i64,
    pub name: String,
    pub quantity: i64,
    pub unit_minor: i64,
    pub goods_minor: i64,
    pub discount_minor: i64,
    pub tax_minor: i64,
    pub total_minor: i64,
    pub tax_on_top: bool,
    pub cost_minor: i64,
}

/// Writes an order that was checked; `false` where it was there, or holds nothing.
pub(super) async fn put(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    past: &Past,
) -> Result<bool> {
    let Some(first) = past.lines.first() else { return Ok(false) };
    let mut fresh = contacts::fresh(engine, &past.address, engine.now());
    fresh.created_at = past.placed_at;
    let (contact, is_new) = contacts::ensure(engine, tx, site, fresh).await?;
    let order = order_of(engine, past, contact.id, &contact.address_hmac, first.offer_id);
    let rate_hmac = contacts::rate_hmac(engine, &past.address);
    if !store::orders::insert(tx, site.id, (&past.token_hash, &rate_hmac), &order).await? {
        return Ok(false);
    }
    let meeting = if is_new { Meeting::First } else { Meeting::Later };
    touches::record(engine, tx, site, contact.id, past.touch.clone(), meeting).await?;
    let payment = payment_of(engine, site.id, &order);
    store::payments::insert(tx, &payment).await?;
    let now = engine.now();
    store::orders::pay_in_the_past(tx, site.id, order.id, past.placed_at, order.total_minor, now)
        .await?;
    let cash = format!("cash:{}", payment.provider);
    let sale = [
        (cash.as_str(), order.total_minor),
        ("sales", order.tax_minor - order.total_minor),
        ("tax", -order.tax_minor),
    ];
    // In the ledger too it stands on the day it was placed.
    let of = (&order, &payment, None);
    book(engine, tx, site.id, of, &sale, ("sale", past.placed_at)).await?;
    let products: Vec<ProductId> = past.lines.iter().map(|line| line.product_id).collect();
    if !past.is_refunded {
        also_bought::count(tx, site.id, contact.id, &products).await?;
    }
    for (position, line) in (1_i64..).zip(&past.lines) {
        let id = LineId(engine.next_id());
        let line = line_of(line, id, position, &payment, past.is_refunded);
        store::order_lines::insert(tx, site.id, order.id, &line, past.placed_at).await?;
        if !past.is_refunded {
            entitle(engine, tx, site.id, &order, &line, order.created_at).await?;
        }
    }
    if past.is_refunded {
        give_back(engine, tx, site.id, &order, &payment).await?;
    }
    Ok(true)
}

fn order_of(
    engine: &Engine,
    past: &Past,
    contact: ContactId,
    address_hmac: &str,
    offer: OfferId,
) -> Order {
    let sum = |of: fn(&PastLine) -> i64| past.lines.iter().map(of).sum::<i64>();
    let (tax, total) = (sum(|line| line.tax_minor), sum(|line| line.total_minor));
    let net = (total - tax).max(1);
    Order {
        id: OrderId(engine.next_id()),
        contact_id: contact,
        email: past.address.as_str().to_owned(),
        address_hmac: address_hmac.to_owned(),
        name: String::new(),
        country: String::new(),
        notes: format!("taken in from a file, where it was {}", past.outside_id),
        state: OrderState::Pending,
        review: None,
        offer_id: offer,
        path_id: None,
        provider: Provider::Offline,
        saved_method: None,
        currency: past.currency,
        // The rate is not in the file; what it came to is.
        tax_ppm: tax.saturating_mul(1_000_000).saturating_add(net / 2) / net,
        tax_included: !past.lines.iter().any(|line| line.tax_on_top),
        coupon_id: None,
        coupon_code: past.coupon.clone(),
        goods_minor: sum(|line| line.goods_minor),
        discount_minor: sum(|line| line.discount_minor),
        tax_minor: tax,
        total_minor: total,
        captured_minor: 0,
        refunded_minor: 0,
        refunding_minor: 0,
        newsletter: false,
        referred_by: None,
        source: serde_json::to_string(&past.touch).unwrap_or_default(),
        expires_at: past.placed_at,
        close_at: None,
        paid_at: None,
        closed_at: None,
        invoice_number: None,
        created_at: past.placed_at,
        updated_at: past.placed_at,
    }
}

fn payment_of(engine: &Engine, site: SiteId, order: &Order) -> Payment {
    let id = PaymentId(engine.next_id());
    Payment {
        site_id: site,
        id,
        order_id: order.id,
        seq: 1,
        purpose: "initial".to_owned(),
        provider: Provider::Offline,
        method: "import".to_owned(),
        amount_minor: order.total_minor,
        currency: order.currency,
        params: "{}".to_owned(),
        idem_key: idempotency_key(id.0, "import"),
        state: AttemptState::Succeeded,
        provider_ref: None,
        failure: None,
        refunded_minor: 0,
        tries: 0,
        check_at: order.created_at,
        created_at: order.created_at,
        updated_at: order.created_at,
    }
}

fn line_of(
    past: &PastLine,
    id: LineId,
    position: i64,
    payment: &Payment,
    is_refunded: bool,
) -> Line {
    Line {
        id,
        payment_id: Some(payment.id),
        position,
        kind: if position == 1 { LineRole::Main } else { LineRole::Bump },
        product_id: past.product_id,
        offer_id: past.offer_id,
        offer_version: past.offer_version,
        name: past.name.clone(),
        quantity: past.quantity,
        unit_minor: past.unit_minor,
        goods_minor: past.goods_minor,
        discount_minor: past.discount_minor,
        tax_minor: past.tax_minor,
        net_minor: past.total_minor - past.tax_minor,
        total_minor: past.total_minor,
        cost_minor: past.cost_minor,
        state: if is_refunded { LineState::Refunded } else { LineState::Paid },
        // It left another shelf.
        stock: StockState::None,
    }
}

/// All of it went back.
async fn give_back(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    order: &Order,
    payment: &Payment,
) -> Result<()> {
    let (now, minor) = (engine.now(), order.total_minor);
    if minor == 0 {
        return Ok(());
    }
    let id = RefundId(engine.next_id());
    let refund = Refund {
        id,
        order_id: order.id,
        payment_id: payment.id,
        line_id: None,
        amount_minor: minor,
        tax_minor: order.tax_minor,
        currency: order.currency,
        reason: "paid back before it was taken in".to_owned(),
        state: RefundState::Creating,
        idem_key: idempotency_key(id.0, "import"),
        provider_ref: None,
        failure: None,
        whole: true,
        actor: "import".to_owned(),
        created_at: order.created_at,
        ended_at: None,
    };
    store::orders::refunding(tx, site, order.id, minor, now).await?;
    store::payments::add_refunded(tx, site, payment.id, minor).await?;
    store::refunds::insert(tx, site, &refund).await?;
    let done = (Some("import"), None);
    store::refunds::end(tx, site, id, RefundState::Succeeded, done, order.created_at).await?;
    store::orders::refunded(tx, site, order.id, minor, now).await?;
    let cash = format!("cash:{}", payment.provider);
    let entries =
        [(cash.as_str(), -minor), ("refunds", minor - order.tax_minor), ("tax", order.tax_minor)];
    let of = (order, payment, Some(id));
    book(engine, tx, site, of, &entries, ("refund", order.created_at)).await
}
