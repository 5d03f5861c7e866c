//! `/admin/offers`: products at a price, until when, and how many.

use axum::extract::{Path, State};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::offers::Draft;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use model::ids::{OfferId, ProductId};
use model::offers::{Deadline, Since};
use model::products::OfferState;
use model::schedule::Wait;
use model::{Currency, Money, Refused, UtcMs};
use serde::{Deserialize, Serialize};
use store::offers::Offer;

use super::products::amount;
use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{self, Again, FieldError, Theirs};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// The offers.
#[derive(Debug, Serialize)]
pub struct OffersPage {
    frame: Frame,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    title: String,
    slug: String,
    product: String,
    price: Money,
    ends: String,
    left: Option<i64>,
    sold: i64,
    state: &'static str,
}

/// One offer and its form.
#[derive(Debug, Serialize)]
pub struct OfferPage {
    frame: Frame,
    id: Option<String>,
    url: Option<String>,
    form: OfferForm,
    products: Vec<(String, String)>,
    currency: String,
    zone: String,
    held: i64,
    sold: i64,
    errors: Vec<FieldError>,
    theirs: Theirs,
}

/// What the form holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OfferForm {
    version: String,
    title: String,
    slug: String,
    product: String,
    pitch: String,
    button: String,
    price: String,
    compare: String,
    deadline: String,
    at: String,
    since: String,
    days: String,
    quantity_max: String,
    stock: String,
    state: String,
}

impl OffersPage {
    pub(crate) fn sample() -> Self {
        let row = Row {
            id: "ofr_0000000000001".to_owned(),
            title: "The field guide".to_owned(),
            slug: "field-guide".to_owned(),
            product: "The field guide".to_owned(),
            price: Money::new(1900, Currency::USD),
            ends: "3 days after it was first shown".to_owned(),
            left: Some(7),
            sold: 42,
            state: "active",
        };
        Self { frame: Frame::sample("offers"), rows: vec![row] }
    }
}

impl OfferPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("offers"),
            id: Some("ofr_0000000000001".to_owned()),
            url: Some("https://shop.example/buy/field-guide".to_owned()),
            form: OfferForm { title: "The field guide".to_owned(), ..OfferForm::default() },
            products: vec![("field-guide".to_owned(), "The field guide".to_owned())],
            currency: "USD".to_owned(),
            zone: "Europe/Berlin".to_owned(),
            held: 1,
            sold: 42,
            errors: vec![FieldError::new("price", "write the amount in digits")],
            theirs: Theirs::sample(),
        }
    }
}

/// The offers.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let site = who.site.id;
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let products = store::products::list(session, site).await?;
                let name = |id: ProductId| {
                    let found = products.iter().find(|product| product.id == id);
                    found.map(|product| product.name.clone()).unwrap_or_default()
                };
                let offers = store::offers::list(session, site).await?;
                Ok(offers.into_iter().map(|offer| row(&offer, name(offer.product_id))).collect())
            })
        })
        .await?;
    reply::page("admin/offers/index.html", OffersPage { frame: who.frame("offers"), rows })
}

fn row(offer: &Offer, product: String) -> Row {
    Row {
        id: offer.id.to_string(),
        title: offer.title.clone(),
        slug: offer.slug.clone(),
        product,
        price: Money::new(offer.price_minor, offer.currency),
        ends: match offer.deadline {
            Deadline::None => "never by itself".to_owned(),
            Deadline::Fixed { at } => at.rfc3339(),
            Deadline::Evergreen { since, lasts } => format!("{lasts} after {}", event(since)),
        },
        left: offer.stock_left(),
        sold: offer.stock_sold,
        state: offer.state.as_str(),
    }
}

fn event(since: Since) -> &'static str {
    match since {
        Since::Confirmed => "the address was confirmed",
        Since::Enrolled => "the sequence was joined",
        Since::Shown => "it was first shown",
        Since::Bought => "the first order",
    }
}

/// The form for a new one.
pub async fn new(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let form = OfferForm {
        deadline: "none".to_owned(),
        since: "shown".to_owned(),
        quantity_max: "1".to_owned(),
        state: "active".to_owned(),
        ..OfferForm::default()
    };
    reply::page("admin/offers/show.html", page_of(&state, &who, None, form).await?)
}

/// One offer.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<OfferId>,
) -> Reply {
    let offer = find(&state, &who, id).await?;
    let form = form_of(&state, &who, &offer).await?;
    let mut page = page_of(&state, &who, Some(id), form).await?;
    page.currency = offer.currency.to_string();
    page.url = Some(who.site.url(&format!("/buy/{}", offer.slug)));
    (page.held, page.sold) = (offer.stock_held, offer.stock_sold);
    reply::page("admin/offers/show.html", page)
}

async fn find(state: &AppState, who: &CurrentOperator, id: OfferId) -> Result<Offer, WebError> {
    let site = who.site.id;
    state
        .reader
        .read::<_, WebError, _>(move |session| {
            Box::pin(async move {
                let found = store::offers::find(session, site, id).await?;
                Ok(found.ok_or_else(|| EngineError::missing("offer", id))?)
            })
        })
        .await
}

async fn form_of(
    state: &AppState,
    who: &CurrentOperator,
    offer: &Offer,
) -> Result<OfferForm, WebError> {
    let (site, product) = (who.site.id, offer.product_id);
    let product = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::products::find(session, site, product).await?) })
        })
        .await?;
    let (mut at, mut since, mut days) = (String::new(), "shown".to_owned(), String::new());
    let kind = match offer.deadline {
        Deadline::None => "none",
        Deadline::Fixed { at: instant } => {
            at = local(instant, &who.site.timezone);
            "fixed"
        }
        Deadline::Evergreen { since: event, lasts } => {
            (since, days) = (event.to_string(), lasts.to_string());
            "evergreen"
        }
    };
    Ok(OfferForm {
        version: offer.version.to_string(),
        title: offer.title.clone(),
        slug: offer.slug.clone(),
        product: product.map(|product| product.slug).unwrap_or_default(),
        pitch: offer.pitch.clone(),
        button: offer.button.clone(),
        price: amount(offer.price_minor, offer.currency),
        compare: offer.compare_minor.map(|m| amount(m, offer.currency)).unwrap_or_default(),
        deadline: kind.to_owned(),
        at,
        since,
        days,
        quantity_max: offer.quantity_max.to_string(),
        stock: offer.stock_initial.map(|stock| stock.to_string()).unwrap_or_default(),
        state: offer.state.to_string(),
    })
}

/// An instant as a `datetime-local` box holds it, in the site's zone.
pub(crate) fn local(at: UtcMs, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.timestamp().to_zoned(zone).strftime("%Y-%m-%dT%H:%M").to_string()
}

/// What a `datetime-local` box says, in the site's zone: `kept` where it still says that, since the
/// box holds no seconds.
pub(crate) fn instant(text: &str, zone: &str, kept: Option<UtcMs>) -> Option<UtcMs> {
    if let Some(kept) = kept.filter(|kept| local(*kept, zone) == text.trim()) {
        return Some(kept);
    }
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let civil: DateTime = text.trim().parse().ok()?;
    Some(UtcMs::from(civil.to_zoned(zone).ok()?.timestamp()))
}

async fn page_of(
    state: &AppState,
    who: &CurrentOperator,
    id: Option<OfferId>,
    form: OfferForm,
) -> Result<OfferPage, WebError> {
    let site = who.site.id;
    let products = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::products::list(session, site).await?) })
        })
        .await?;
    Ok(OfferPage {
        frame: who.frame("offers"),
        id: id.map(|id| id.to_string()),
        url: None,
        form,
        products: products.into_iter().map(|product| (product.slug, product.name)).collect(),
        currency: who.site.currency.clone(),
        zone: who.site.timezone.clone(),
        held: 0,
        sold: 0,
        errors: Vec::new(),
        theirs: Theirs::default(),
    })
}

/// Makes one.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<OfferForm>,
) -> Reply {
    save(&state, &who, None, form).await
}

/// Changes one.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<OfferId>,
    Form(form): Form<OfferForm>,
) -> Reply {
    save(&state, &who, Some(id), form).await
}

async fn save(
    state: &AppState,
    who: &CurrentOperator,
    id: Option<OfferId>,
    mut form: OfferForm,
) -> Reply {
    let known = match id {
        Some(id) => Some(find(state, who, id).await?),
        None => None,
    };
    let saved = match draft(who, known.as_ref(), &form) {
        Ok(draft) => engine::offers::put(&who.engine(state), who.site.id, draft).await,
        Err(refused) => Err(refused.into()),
    };
    match saved {
        Ok(id) => Ok(reply::done(&format!("/admin/offers/{id}"), "The offer is saved.")),
        Err(error) => {
            let now = match &known {
                Some(known) => Some(form_of(state, who, known).await?),
                None => None,
            };
            let renew =
                |form: &mut OfferForm, now: &OfferForm| form.version.clone_from(&now.version);
            let Again { status, errors, theirs } =
                forms::again(error, &mut form, now.as_ref(), renew)?;
            let page = page_of(state, who, id, form).await?;
            let mut page = OfferPage { errors, theirs, ..page };
            if let Some(known) = known {
                page.currency = known.currency.to_string();
            }
            reply::page_with(status, "admin/offers/show.html", page)
        }
    }
}

fn draft(who: &CurrentOperator, known: Option<&Offer>, form: &OfferForm) -> Result<Draft, Refused> {
    // An offer keeps the currency it was made in, whatever the site's is now.
    let currency = match known {
        Some(known) => known.currency,
        None => Currency::parse(&who.site.currency)?,
    };
    let money = |text: &str, field: &'static str| {
        Money::parse_amount(text, currency).map_err(|refused| refused.at(field))
    };
    let compare = match form.compare.trim() {
        "" => None,
        text => Some(money(text, "compare")?),
    };
    let whole = |text: &str, field: &'static str| {
        text.trim()
            .parse::<i64>()
            .map_err(|_| Refused::new("number", "give a whole number").at(field))
    };
    Ok(Draft {
        id: known.map(|known| known.id),
        version: form.version.parse().ok(),
        slug: form.slug.clone(),
        product: form.product.clone(),
        title: form.title.clone(),
        pitch: form.pitch.clone(),
        button: form.button.clone(),
        price: money(&form.price, "price")?,
        compare,
        deadline: deadline(who, known, form)?,
        quantity_max: whole(&form.quantity_max, "quantity_max")?,
        stock: match form.stock.trim() {
            "" => None,
            text => Some(whole(text, "stock")?),
        },
        state: OfferState::parse(&form.state).map_err(|refused| refused.at("state"))?,
    })
}

fn deadline(
    who: &CurrentOperator,
    known: Option<&Offer>,
    form: &OfferForm,
) -> Result<Deadline, Refused> {
    match form.deadline.as_str() {
        "fixed" => {
            let kept = match known.map(|known| known.deadline) {
                Some(Deadline::Fixed { at }) => Some(at),
                _ => None,
            };
            let at = instant(&form.at, &who.site.timezone, kept).ok_or_else(|| {
                Refused::new("deadline_at", "give the day and the time it ends").at("at")
            })?;
            Ok(Deadline::Fixed { at })
        }
        "evergreen" => {
            let since = Since::parse(&form.since).map_err(|refused| refused.at("since"))?;
            let lasts: Wait = form
                .days
                .parse()
                .map_err(|_| Refused::new("lasts", "write how long, as in 3 days").at("days"))?;
            Ok(Deadline::Evergreen { since, lasts })
        }
        _ => Ok(Deadline::None),
    }
}
