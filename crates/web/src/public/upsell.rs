//! `/order/{token}/next` and its answers: one offer after the payment, taken with one click in the
//! browser that paid, refused as easily.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::orders::{Standing, Whole, by_token};
use engine::upsell::{self, OfferStep, Step};
use model::ids::OfferId;
use model::sites::Site;
use model::{Money, UtcMs};
use serde::{Deserialize, Serialize};

use super::frame::PublicSite;
use super::orders::{Chosen, PayPage, is_payer};
use crate::error::WebError;
use crate::extract::site::CurrentSite;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// One offer after the payment.
#[derive(Debug, Serialize)]
pub struct OfferPage {
    site: PublicSite,
    accept: String,
    decline: String,
    token: String,
    title: String,
    pitch_html: String,
    product: String,
    summary: String,
    image: Option<String>,
    price: Money,
    compare: Option<Money>,
    label: String,
    until: UtcMs,
    closes: Option<UtcMs>,
    kind: &'static str,
    level: i64,
}

impl OfferPage {
    pub(crate) fn sample() -> Self {
        let usd = |minor| Money::new(minor, model::Currency::USD);
        Self {
            site: PublicSite::sample(),
            accept: "/order/sample/offer/ofr_sample/accept".to_owned(),
            decline: "/order/sample/offer/ofr_sample/decline".to_owned(),
            token: "sample".to_owned(),
            title: "Add the video course".to_owned(),
            pitch_html: "<p>Eight evenings, from first seed to first frost.</p>".to_owned(),
            product: "The video course".to_owned(),
            summary: "Eight evenings on film.".to_owned(),
            image: None,
            price: usd(9700),
            compare: Some(usd(14900)),
            label: "Yes, charge $97.00 and add it".to_owned(),
            until: UtcMs(1_795_293_548_000),
            closes: None,
            kind: "upsell",
            level: 1,
        }
    }

    fn of(site: &Site, token: &str, step: OfferStep) -> Self {
        let path = format!("/order/{token}/offer/{}", step.offer.id);
        Self {
            site: PublicSite::from(site),
            accept: format!("{path}/accept"),
            decline: format!("{path}/decline"),
            token: step.token,
            pitch_html: engine::markdown::to_html(&step.offer.pitch),
            product: step.product.name,
            summary: step.product.summary,
            image: step.product.image.map(|id| format!("/media/{id}")),
            price: step.price,
            compare: step.offer.compare_minor.map(|minor| Money::new(minor, step.offer.currency)),
            label: format!("Yes, charge {} and add it", step.total.human()),
            until: step.until,
            closes: step.closes,
            kind: step.kind,
            level: step.level,
            title: step.offer.title,
        }
    }
}

/// An offer that cannot be taken any more.
#[derive(Debug, Serialize)]
pub struct OverPage {
    site: PublicSite,
    order: String,
}

impl OverPage {
    pub(crate) fn sample() -> Self {
        Self { site: PublicSite::sample(), order: "/order/sample".to_owned() }
    }
}

/// Shows what comes next after an order, or leads to its page.
pub async fn show(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Reply {
    let whole = by_token(&state.engine, &site, &token).await?;
    let page = format!("/order/{token}");
    if whole.standing() != Standing::Paid || !is_payer(&state, &headers, &whole) {
        return Ok(reply::to(&page));
    }
    match next(&state, &site, &whole).await? {
        Step::Offer(step) => {
            let closes = upsell::note_shown(&state.engine, &site, &whole.order, &step).await?;
            let page = OfferPage { closes, ..OfferPage::of(&site, &token, *step) };
            reply::page("public/upsell/show.html", page)
        }
        Step::Retry(step, why) => {
            let path = format!("/order/{token}/offer/{}", step.offer.id);
            let page = PayPage::of_offer(&site, &path, step.product.name, why, step.total);
            reply::page("public/orders/pay.html", page)
        }
        Step::Challenge(payment) => Ok(reply::to(&format!("{page}/challenge/{}", payment.id))),
        Step::Checking => {
            let waiting = super::orders::WaitingPage::checking(&site, token, &whole);
            reply::page("public/orders/waiting.html", waiting)
        }
        Step::Done => Ok(reply::to(&page)),
    }
}

async fn next(state: &AppState, site: &Site, whole: &Whole) -> Result<Step, WebError> {
    let (engine, its_site, order) = (state.engine.clone(), site.clone(), whole.order.clone());
    let now = state.engine.now();
    state
        .reader
        .read::<_, WebError, _>(move |session| {
            Box::pin(
                async move { Ok(upsell::next(&engine, session, &its_site, &order, now).await?) },
            )
        })
        .await
}

/// The token of the button.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pressed {
    t: String,
}

/// Takes an offer.
pub async fn accept(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path((token, offer)): Path<(String, OfferId)>,
    headers: HeaderMap,
    Form(pressed): Form<Pressed>,
) -> Reply {
    let whole = by_token(&state.engine, &site, &token).await?;
    if !is_payer(&state, &headers, &whole) {
        return over(&site, &token);
    }
    let order = whole.order.id;
    let done = upsell::accept(&state.engine, &site, order, offer, &pressed.t).await;
    after(&site, &token, done)
}

/// Refuses an offer.
pub async fn decline(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path((token, offer)): Path<(String, OfferId)>,
    headers: HeaderMap,
) -> Reply {
    let whole = by_token(&state.engine, &site, &token).await?;
    if !is_payer(&state, &headers, &whole) {
        return Ok(reply::to(&format!("/order/{token}")));
    }
    upsell::decline(&state.engine, &site, whole.order.id, offer).await?;
    Ok(reply::to(&format!("/order/{token}/next")))
}

/// Pays for an offer that was taken, with another card.
pub async fn pay(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path((token, offer)): Path<(String, OfferId)>,
    headers: HeaderMap,
    Form(chosen): Form<Chosen>,
) -> Reply {
    let whole = by_token(&state.engine, &site, &token).await?;
    if !is_payer(&state, &headers, &whole) {
        return over(&site, &token);
    }
    let order = whole.order.id;
    let done = upsell::pay_again(&state.engine, &site, order, offer, &chosen.method).await;
    after(&site, &token, done)
}

fn after(site: &Site, token: &str, done: Result<(), EngineError>) -> Reply {
    match done {
        Ok(()) | Err(EngineError::Conflict(_)) => Ok(reply::to(&format!("/order/{token}/next"))),
        Err(EngineError::Refused(refused)) if refused.code == "offer_over" => over(site, token),
        Err(EngineError::Refused(refused)) if refused.code == "test_method" => {
            Ok(reply::to(&format!("/order/{token}/next")))
        }
        Err(error) => Err(error.into()),
    }
}

fn over(site: &Site, token: &str) -> Reply {
    let page = OverPage { site: PublicSite::from(site), order: format!("/order/{token}") };
    reply::page_with(StatusCode::GONE, "public/upsell/over.html", page)
}
