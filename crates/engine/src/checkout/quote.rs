//! What a basket comes to, and everything that stands against buying it.

use model::contacts::Contact;
use model::coupons::{Asking, CouponCode};
use model::ids::CouponId;
use model::offers::{Closes, parse_quantity};
use model::orders::{Basket, Line, LineRole, Totals};
use model::products::{OfferState, ProductState};
use model::sites::Site;
use model::taxes::{Country, TaxRule};
use model::{Currency, Money, Refused, UtcMs};
use store::Session;
use store::offers::Offer;
use store::paths::Path;
use store::products::Product;

use super::Form;
use crate::fault::{EngineError, Result};
use crate::offers;

/// One thing in a basket.
#[derive(Debug, Clone)]
pub struct Item {
    /// By which offer.
    pub offer: Offer,
    /// What.
    pub product: Product,
    /// How it came here.
    pub role: LineRole,
    /// How many.
    pub quantity: i64,
}

/// What a basket comes to.
#[derive(Debug, Clone)]
pub struct Quote {
    /// What is in it: the main thing, and the bump where it was ticked.
    pub items: Vec<Item>,
    /// The bump that is offered, ticked or not.
    pub bump: Option<Item>,
    /// What follows the payment.
    pub path: Option<Path>,
    /// What it comes to.
    pub totals: Totals,
    /// The coupon that was applied, with its code.
    pub coupon: Option<(CouponId, String)>,
    /// How it is taxed.
    pub tax: TaxRule,
    /// Where the buyer is.
    pub country: Option<Country>,
    /// Until when the offer stands for this buyer.
    pub closes: Closes,
    /// What stands against buying it, field by field.
    pub problems: Vec<Refused>,
}

impl Quote {
    /// Of every figure.
    pub fn currency(&self) -> Currency {
        self.totals.currency
    }
}

/// What the form's basket comes to. Whatever cannot be read counts as not there, and is said in
/// `problems`. `contact` is whoever has the form's address, `address_hmac` its keyed hash.
///
/// # Errors
/// There is no such offer, or the database fails.
pub async fn quote(
    session: &mut Session<'_>,
    site: &Site,
    slug: &str,
    form: &Form,
    who: (Option<&Contact>, &str),
    now: UtcMs,
) -> Result<Quote> {
    let (contact, address_hmac) = who;
    let offer = store::offers::find_by_slug(session, site.id, slug)
        .await?
        .ok_or_else(|| EngineError::missing("offer", slug))?;
    let mut problems = Vec::new();
    let quantity = quantity_of(&form.quantity, offer.quantity_max, &mut problems);
    let main = item(session, site, offer, LineRole::Main, quantity).await?;
    let reader = match (contact, form.reader) {
        (None, Some(id)) => store::contacts::find(session, site.id, id).await?,
        _ => None,
    };
    // Of a reader only what is kept is shown: what would begin now, moves until it is.
    let told = contact.or(reader.as_ref().filter(|reader| !reader.is_erased()));
    let mut closes = offers::closes(session, site.id, &main.offer, told).await?;
    if contact.is_some() {
        closes = offers::if_told(&main.offer, closes, now);
    }
    check_open(&main, closes, contact.is_some(), now, &mut problems);
    let path = store::paths::find_of_main(session, site.id, main.offer.id).await?;
    let bump = bump_of(session, site, path.as_ref(), &main, contact).await?;
    let country = country_of(&form.country, &mut problems);
    let tax = site.settings.tax_rule(country);
    let mut items = vec![main];
    items.extend(bump.clone().filter(|_| form.bump));
    let basket = basket_of(&items);
    let (coupon, discounts) =
        match coupon_of(session, site, form, &basket, (contact, address_hmac), now).await? {
            Ok(found) => found,
            Err(refused) => {
                problems.push(refused.at("coupon"));
                (None, Vec::new())
            }
        };
    let totals = basket.totals(&discounts, tax)?;
    if let Err(refused) = totals.check_charge() {
        problems.push(refused);
    }
    Ok(Quote { items, bump, path, totals, coupon, tax, country, closes, problems })
}

fn quantity_of(text: &str, max: i64, problems: &mut Vec<Refused>) -> i64 {
    if text.trim().is_empty() {
        return 1;
    }
    parse_quantity(text, max).unwrap_or_else(|refused| {
        problems.push(refused);
        1
    })
}

fn country_of(text: &str, problems: &mut Vec<Refused>) -> Option<Country> {
    if text.trim().is_empty() {
        return None;
    }
    Country::parse(text).map_err(|refused| problems.push(refused.at("country"))).ok()
}

async fn item(
    session: &mut Session<'_>,
    site: &Site,
    offer: Offer,
    role: LineRole,
    quantity: i64,
) -> Result<Item> {
    let product = store::products::find(session, site.id, offer.product_id)
        .await?
        .ok_or_else(|| EngineError::missing("product", offer.product_id))?;
    Ok(Item { offer, product, role, quantity })
}

fn check_open(
    main: &Item,
    closes: Closes,
    is_known: bool,
    now: UtcMs,
    problems: &mut Vec<Refused>,
) {
    let sold = main.offer.state == OfferState::Active && main.product.state == ProductState::Active;
    if !sold {
        problems.push(Refused::new("offer_over", "this offer has ended"));
    } else if closes != Closes::NotStarted || is_known {
        problems.extend(closes.check(now).err());
    }
    if main.offer.stock_left().is_some_and(|left| left < main.quantity) {
        let left = main.offer.stock_left().unwrap_or(0);
        let message = match left {
            0 => "this is sold out".to_owned(),
            left => format!("there are {left} left: order fewer"),
        };
        problems.push(Refused::new("sold_out", message).at("quantity"));
    }
}

/// The bump of the path, where it can be had in the same currency and the buyer has it not.
async fn bump_of(
    session: &mut Session<'_>,
    site: &Site,
    path: Option<&Path>,
    main: &Item,
    contact: Option<&Contact>,
) -> Result<Option<Item>> {
    let Some(id) = path.and_then(|path| path.bump) else { return Ok(None) };
    let Some(offer) = store::offers::find(session, site.id, id).await? else { return Ok(None) };
    let bump = item(session, site, offer, LineRole::Bump, 1).await?;
    let mut fits = bump.offer.currency == main.offer.currency
        && bump.offer.state == OfferState::Active
        && bump.product.state == ProductState::Active
        && bump.offer.stock_left() != Some(0);
    if let Some(contact) = contact {
        let has = store::orders::has_bought(session, site.id, contact.id, bump.product.id).await?;
        fits = fits && !has;
    }
    Ok(Some(bump).filter(|_| fits))
}

fn basket_of(items: &[Item]) -> Basket {
    let currency = items.first().map_or(Currency::USD, |item| item.offer.currency);
    let lines = items
        .iter()
        .map(|item| Line {
            product: item.product.id,
            offer: item.offer.id,
            role: item.role,
            unit_price: Money::new(item.offer.price_minor, item.offer.currency),
            quantity: item.quantity,
        })
        .collect();
    Basket { currency, lines }
}

type Applied = (Option<(CouponId, String)>, Vec<i64>);

async fn coupon_of(
    session: &mut Session<'_>,
    site: &Site,
    form: &Form,
    basket: &Basket,
    (contact, address_hmac): (Option<&Contact>, &str),
    now: UtcMs,
) -> Result<std::result::Result<Applied, Refused>> {
    if form.coupon.trim().is_empty() {
        return Ok(Ok((None, Vec::new())));
    }
    let unknown = || Refused::new("coupon_unknown", "there is no such coupon: check the code");
    let code = match CouponCode::parse(&form.coupon) {
        Ok(code) => code,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(row) = store::coupons::find_by_code(session, site.id, code.as_str()).await? else {
        return Ok(Err(unknown()));
    };
    // A code minted for somebody is theirs; before an address is given it may yet be.
    if let (Some(owner), Some(contact)) = (row.contact_id, contact)
        && owner != contact.id
    {
        return Ok(Err(unknown()));
    }
    if row.contact_id.is_some() && contact.is_none() && !address_hmac.is_empty() {
        return Ok(Err(unknown()));
    }
    let uses = store::coupons::uses_of(session, site.id, row.coupon.id, address_hmac).await?;
    let mut paid_orders = store::orders::paid_count(session, site.id, address_hmac).await?;
    if address_hmac.is_empty() && row.coupon.customers_only {
        // Nobody has said who they are: shown as if it held, refused where it does not.
        paid_orders = 1;
    }
    let asking = Asking {
        now,
        used: row.used,
        used_by_contact: i64::try_from(uses.len()).unwrap_or(i64::MAX),
        paid_orders,
    };
    let priced = match basket.priced() {
        Ok(priced) => priced,
        Err(refused) => return Ok(Err(refused)),
    };
    Ok(row
        .coupon
        .evaluate(&asking, basket.currency, &priced)
        .map(|cuts| (Some((row.coupon.id, code.to_string())), cuts)))
}
