//! `/buy/{offer}` and `/cart/{token}`: one page to buy on, without a script, without an account.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum_extra::extract::Form;
use engine::checkout::{Form as Typed, Placed, Quote};
use engine::{EngineError, checkout, links};
use model::sites::Site;
use model::sources::Touch;
use model::tokens::secret_text;
use model::{Money, UtcMs};
use serde::{Deserialize, Serialize};

use super::floods::{self, too_many};
use super::frame::PublicSite;
use super::orders::{Method, methods};
use super::visits;
use crate::extract::asker::Asker;
use crate::extract::net::ClientNet;
use crate::extract::site::CurrentSite;
use crate::forms::{FieldError, field_errors};
use crate::reply::{self, Reply};
use crate::state::AppState;
use crate::{cookies, countries};

/// The checkout.
#[derive(Debug, Serialize)]
pub struct CheckoutPage {
    site: PublicSite,
    action: String,
    title: String,
    pitch_html: String,
    product: String,
    image: Option<String>,
    price: Money,
    compare: Option<Money>,
    closes: Option<UtcMs>,
    over: Option<String>,
    left: Option<i64>,
    quantity_max: i64,
    form: Typed,
    token: String,
    /// Whose link led here.
    reader: String,
    bump: Option<Bump>,
    summary: Summary,
    countries: Vec<(&'static str, &'static str)>,
    methods: Vec<Method>,
    button: String,
    errors: Vec<FieldError>,
    stale: bool,
    free: bool,
}

#[derive(Debug, Serialize)]
struct Bump {
    name: &'static str,
    label: String,
    price: Money,
    text: String,
}

/// What an order comes to, as `blocks.summary` takes it.
#[derive(Debug, Serialize)]
pub struct Summary {
    lines: Vec<SummaryLine>,
    less: Vec<SummaryLine>,
    tax: Option<Tax>,
    total: Money,
}

#[derive(Debug, Serialize)]
struct SummaryLine {
    name: String,
    note: Option<String>,
    amount: Money,
}

#[derive(Debug, Serialize)]
struct Tax {
    label: String,
    amount: Money,
}

impl CheckoutPage {
    pub(crate) fn sample() -> Self {
        let usd = |minor| Money::new(minor, model::Currency::USD);
        Self {
            site: PublicSite::sample(),
            action: "/buy/field-guide".to_owned(),
            title: "The field guide".to_owned(),
            pitch_html: "<p>Twelve short chapters.</p>".to_owned(),
            product: "The field guide (e-book)".to_owned(),
            image: None,
            price: usd(1900),
            compare: Some(usd(2900)),
            closes: Some(UtcMs(1_795_293_548_000)),
            over: None,
            left: Some(7),
            quantity_max: 3,
            form: Typed { quantity: "1".to_owned(), ..Typed::default() },
            token: "sample".to_owned(),
            reader: String::new(),
            bump: Some(Bump {
                name: "bump",
                label: "Yes, add the checklists".to_owned(),
                price: usd(700),
                text: "Twenty pages to print.".to_owned(),
            }),
            summary: Summary {
                lines: vec![SummaryLine {
                    name: "The field guide".to_owned(),
                    note: None,
                    amount: usd(1900),
                }],
                less: vec![SummaryLine {
                    name: "Coupon SAVE10".to_owned(),
                    note: None,
                    amount: usd(-190),
                }],
                tax: Some(Tax { label: "of which tax 19%".to_owned(), amount: usd(273) }),
                total: usd(1710),
            },
            countries: countries::all().collect(),
            methods: methods(&engine_site_sample()),
            button: "Pay $17.10".to_owned(),
            errors: vec![FieldError::new("email", "give an address for the receipt")],
            stale: true,
            free: false,
        }
    }
}

fn engine_site_sample() -> model::sites::SiteSettings {
    model::sites::SiteSettings::default()
}

/// What a link to the checkout may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    coupon: String,
    r: String,
    c: String,
    quantity: String,
}

/// What the form sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sent {
    token: String,
    c: String,
    email: String,
    name: String,
    country: String,
    quantity: String,
    bump: String,
    coupon: String,
    newsletter: String,
    notes: String,
    method: String,
    shown_total: String,
    referral: String,
    source: String,
    update: String,
}

impl From<Sent> for Typed {
    fn from(sent: Sent) -> Self {
        Self {
            token: sent.token,
            email: sent.email,
            name: sent.name,
            country: sent.country,
            quantity: sent.quantity,
            bump: !sent.bump.is_empty(),
            coupon: sent.coupon,
            newsletter: !sent.newsletter.is_empty(),
            notes: sent.notes,
            provider: String::new(),
            method: sent.method,
            shown_total: sent.shown_total.parse().ok(),
            referral: sent.referral,
            source: sent.source,
            reader: None,
        }
    }
}

/// Shows the checkout; the token made here is the order's (P0).
pub async fn show(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(slug): Path<String>,
    Query(asked): Query<Asked>,
    uri: axum::http::Uri,
    headers: HeaderMap,
) -> Reply {
    let form = Typed {
        token: secret_text(&state.engine.rng().bytes()),
        coupon: asked.coupon,
        quantity: if asked.quantity.is_empty() { "1".to_owned() } else { asked.quantity },
        referral: asked.r,
        source: touch(&state, &site, &uri, &headers),
        reader: links::reader_of(&state.engine, &asked.c),
        ..Typed::default()
    };
    draw(&state, &site, slug, form, Vec::new(), Shown::First).await
}

/// Gives a cart back as it was left.
pub async fn restore(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let (slug, form) = engine::carts::restore(&state.engine, &site, &token).await?;
    let form = Typed { token: secret_text(&state.engine.rng().bytes()), ..form };
    draw(&state, &site, slug, form, Vec::new(), Shown::First).await
}

/// Places the order, or shows what it comes to now.
pub async fn create(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(slug): Path<String>,
    net: ClientNet,
    asker: Asker,
    Form(sent): Form<Sent>,
) -> Reply {
    let wants_update = !sent.update.is_empty();
    let reader = links::reader_of(&state.engine, &sent.c);
    if !wants_update && floods::refuses_order(&net) {
        return Ok(too_many());
    }
    let mut form = Typed { reader, ..Typed::from(sent) };
    if wants_update {
        return draw(&state, &site, slug, form, Vec::new(), Shown::Updated).await;
    }
    state.check_room()?;
    match checkout::place_from(&state.engine, &site, &slug, form.clone(), &net.0).await {
        Ok(Placed::Order(order)) => {
            visits::ordered(&state.engine, &site, &asker, order).await?;
            let mut next = reply::to(&format!("/order/{}/next", form.token));
            let cookie = cookies::order(&engine::upsell::cookie(&state.engine, order));
            next.headers_mut().append(header::SET_COOKIE, cookie);
            Ok(next)
        }
        Ok(Placed::Stale(_)) => draw(&state, &site, slug, form, Vec::new(), Shown::Stale).await,
        Err(error) if !field_errors(&error).is_empty() => {
            if field_errors(&error).iter().any(|error| error.field == "token") {
                form.token = secret_text(&state.engine.rng().bytes());
            }
            draw(&state, &site, slug, form, field_errors(&error), Shown::Refused).await
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    First,
    Updated,
    Stale,
    Refused,
}

async fn draw(
    state: &AppState,
    site: &Site,
    slug: String,
    form: Typed,
    mut errors: Vec<FieldError>,
    shown: Shown,
) -> Reply {
    let now = state.engine.now();
    let (its_site, its_slug, asked) = (site.clone(), slug.clone(), form.clone());
    let quote = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                checkout::quote(session, &its_site, &its_slug, &asked, (None, ""), now).await
            })
        })
        .await?;
    if errors.is_empty() && shown != Shown::First {
        errors = quote.problems.iter().map(FieldError::from).collect();
    } else if errors.is_empty() {
        // A link's coupon that is not good is said at once; an empty form is nobody's mistake.
        let at_once = quote.problems.iter().filter(|p| p.field.as_deref() == Some("coupon"));
        errors = at_once.map(FieldError::from).collect();
    }
    let status = match shown {
        Shown::Stale => StatusCode::CONFLICT,
        Shown::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        _ if quote.problems.iter().any(|p| p.code == "offer_over") => StatusCode::GONE,
        _ => StatusCode::OK,
    };
    let reader = form.reader.map(|reader| links::reader_token(&state.engine, reader));
    let page = CheckoutPage {
        reader: reader.unwrap_or_default(),
        ..page_of(site, &slug, form, &quote, (errors, shown))
    };
    reply::page_with(status, "public/checkout/show.html", page)
}

fn page_of(
    site: &Site,
    slug: &str,
    form: Typed,
    quote: &Quote,
    (errors, shown): (Vec<FieldError>, Shown),
) -> CheckoutPage {
    let main = quote.items.first();
    let total = quote.totals.to_pay();
    let money = |minor| Money::new(minor, quote.currency());
    let over = quote.problems.iter().find(|p| matches!(p.code, "offer_over" | "sold_out"));
    let has_tax = !site.settings.tax_ppm.is_empty();
    CheckoutPage {
        site: PublicSite::from(site),
        action: format!("/buy/{slug}"),
        title: main.map(|item| item.offer.title.clone()).unwrap_or_default(),
        pitch_html: main
            .map(|item| engine::markdown::to_html(&item.offer.pitch))
            .unwrap_or_default(),
        product: main.map(|item| item.product.name.clone()).unwrap_or_default(),
        image: main.and_then(|item| item.product.image).map(|id| format!("/media/{id}")),
        price: money(main.map_or(0, |item| item.offer.price_minor)),
        compare: main.and_then(|item| item.offer.compare_minor).map(money),
        closes: quote.closes.instant(),
        over: over
            .filter(|p| p.code == "offer_over" || p.message.contains("sold out"))
            .map(|problem| problem.message.clone()),
        left: main.and_then(|item| item.offer.stock_left()),
        quantity_max: main.map_or(1, |item| item.offer.quantity_max),
        token: form.token.clone(),
        reader: String::new(),
        bump: quote.bump.as_ref().map(|item| Bump {
            name: "bump",
            label: item.offer.title.clone(),
            price: money(item.offer.price_minor),
            text: item.product.summary.clone(),
        }),
        summary: summary_of(quote),
        countries: if has_tax { countries::all().collect() } else { Vec::new() },
        methods: methods(&site.settings),
        button: if total.is_zero() {
            "Order for free".to_owned()
        } else {
            format!("Pay {}", total.human())
        },
        free: total.is_zero(),
        stale: shown == Shown::Stale,
        form,
        errors,
    }
}

fn summary_of(quote: &Quote) -> Summary {
    let money = |minor| Money::new(minor, quote.currency());
    let lines = quote
        .items
        .iter()
        .zip(&quote.totals.lines)
        .map(|(item, totals)| SummaryLine {
            name: item.product.name.clone(),
            note: (item.quantity > 1).then(|| format!("{} pieces", item.quantity)),
            amount: money(totals.subtotal),
        })
        .collect();
    let coupon = quote.coupon.as_ref().map(|(_, code)| SummaryLine {
        name: format!("Coupon {code}"),
        note: None,
        amount: money(-quote.totals.discount),
    });
    let tax = (quote.tax.rate.ppm > 0).then(|| Tax {
        label: tax_label(quote.tax.rate, quote.tax.mode == model::taxes::TaxMode::Inclusive),
        amount: money(quote.totals.tax),
    });
    Summary { lines, less: coupon.into_iter().collect(), tax, total: quote.totals.to_pay() }
}

/// How tax is called beside a total.
pub(crate) fn tax_label(rate: model::Rate, is_included: bool) -> String {
    if is_included { format!("of which tax {rate}") } else { format!("plus tax {rate}") }
}

/// Where the visitor came from, carried in the form so that no cookie is needed.
fn touch(state: &AppState, site: &Site, uri: &axum::http::Uri, headers: &HeaderMap) -> String {
    let referrer = headers.get(header::REFERER).and_then(|value| value.to_str().ok());
    let host = site.base_url.split_once("://").map_or("", |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(name, _)| name);
    let address = uri.to_string();
    let touch = Touch::read(state.engine.now(), &address, referrer, &[host]);
    serde_json::to_string(&touch).unwrap_or_default()
}
