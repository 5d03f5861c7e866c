//! `/order/{token}`: the thank-you page, and whatever an order waits for before it is one.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum_extra::extract::Form;
use engine::also_bought::{self, SHOWN, Suggestion};
use engine::downloads::{self, Download};
use engine::orders::{Standing, Whole, by_token};
use engine::{EngineError, back_end};
use model::ids::PaymentId;
use model::payments::{LineState, Provider, TestMethod};
use model::sites::{Site, SiteSettings};
use model::{Currency, Money, UtcMs};
use serde::{Deserialize, Serialize};
use store::order_lines::Line;

use super::frame::PublicSite;
use super::pages::blocks::Picture;
use crate::cookies;
use crate::error::WebError;
use crate::extract::net::ClientNet;
use crate::extract::site::CurrentSite;
use crate::forms::field_errors;
use crate::reply::{self, Reply};
use crate::state::AppState;

mod receipt;

pub use receipt::{ReceiptPage, receipt};

/// Seconds until a page that waits for an answer asks again.
const POLL_SECONDS: u32 = 2;

/// One way to pay.
#[derive(Debug, Clone, Serialize)]
pub struct Method {
    value: &'static str,
    label: &'static str,
    help: Option<&'static str>,
}

/// The ways to pay that a site offers.
pub fn methods(settings: &SiteSettings) -> Vec<Method> {
    let mut all = Vec::new();
    if settings.test_payments {
        let no_money = Some("No money moves.");
        for (method, label, help) in [
            (TestMethod::Succeeds, "Test card that succeeds", no_money),
            (TestMethod::Declines, "Test card that is declined", None),
            (TestMethod::Asks, "Test card whose bank asks you to confirm", None),
            (TestMethod::TimesOut, "Test card whose answer is lost after charging", None),
            (
                TestMethod::SucceedsThenDeclines,
                "Test card that succeeds now and is declined at a one-click offer",
                None,
            ),
            (
                TestMethod::SucceedsThenAsks,
                "Test card that succeeds now and asks at a one-click offer",
                None,
            ),
        ] {
            all.push(Method { value: method.as_str(), label, help });
        }
    }
    if settings.offline_payments {
        let help = Some("You get your order when the money is here.");
        all.push(Method { value: "offline", label: "Bank transfer", help });
    }
    all
}

/// One line of an order as its page shows it.
#[derive(Debug, Serialize)]
pub struct LineView {
    name: String,
    quantity: i64,
    amount: Money,
    state: &'static str,
}

/// One product beside it.
#[derive(Debug, Serialize)]
pub struct ProductView {
    name: String,
    href: String,
    price: Money,
    text: String,
    image: Option<Picture>,
}

impl From<Suggestion> for ProductView {
    fn from(found: Suggestion) -> Self {
        Self {
            image: Picture::of(found.image, &found.name),
            name: found.name,
            href: format!("/buy/{}", found.offer_slug),
            price: found.price,
            text: found.summary,
        }
    }
}

/// The thank-you page.
#[derive(Debug, Serialize)]
pub struct ThanksPage {
    site: PublicSite,
    token: String,
    name: String,
    email: String,
    lines: Vec<LineView>,
    discount: Option<Money>,
    tax: Option<Money>,
    total: Money,
    refunded: Option<Money>,
    invoice: Option<i64>,
    paid_at: Option<UtcMs>,
    downloads: Vec<FileView>,
    also_bought: Vec<ProductView>,
    referral_url: String,
    back_end: Option<NextOffer>,
    review: bool,
}

/// A file to take.
#[derive(Debug, Serialize)]
pub struct FileView {
    name: String,
    note: String,
    href: String,
}

/// The offer that comes after the order.
#[derive(Debug, Serialize)]
pub struct NextOffer {
    title: String,
    price: Money,
    href: String,
    button: String,
    coupon: Option<String>,
}

impl ThanksPage {
    pub(crate) fn sample() -> Self {
        let usd = |minor| Money::new(minor, model::Currency::USD);
        Self {
            site: PublicSite::sample(),
            token: "sample".to_owned(),
            name: "Iris Calloway".to_owned(),
            email: "iris@example.org".to_owned(),
            lines: vec![LineView {
                name: "The field guide".to_owned(),
                quantity: 1,
                amount: usd(1900),
                state: "paid",
            }],
            discount: Some(usd(-190)),
            tax: Some(usd(273)),
            total: usd(1710),
            refunded: None,
            invoice: Some(1042),
            paid_at: Some(UtcMs(1_795_293_548_000)),
            downloads: vec![FileView {
                name: "The field guide (PDF)".to_owned(),
                note: "The field guide".to_owned(),
                href: "/m/sample".to_owned(),
            }],
            also_bought: vec![ProductView {
                name: "The workbook".to_owned(),
                href: "/buy/workbook".to_owned(),
                price: usd(3700),
                text: "Exercises, week by week.".to_owned(),
                image: None,
            }],
            referral_url: "https://shop.example/r/01h2xcejqtf2n".to_owned(),
            back_end: Some(NextOffer {
                title: "The video course".to_owned(),
                price: usd(9700),
                href: "/buy/course".to_owned(),
                button: "See the course".to_owned(),
                coupon: Some("FRIEND20".to_owned()),
            }),
            review: false,
        }
    }
}

/// What an order waits for.
#[derive(Debug, Serialize)]
pub struct WaitingPage {
    site: PublicSite,
    token: String,
    title: &'static str,
    what: &'static str,
    text: String,
    total: Money,
    reference: String,
    poll: Option<u32>,
    may_confirm: bool,
    again: Option<String>,
}

impl WaitingPage {
    pub(crate) fn sample() -> Self {
        Self {
            site: PublicSite::sample(),
            token: "sample".to_owned(),
            title: "We are checking your payment",
            what: "checking",
            text: "Please do not pay again; we will write to you within 10 minutes.".to_owned(),
            total: Money::new(1900, model::Currency::USD),
            reference: "ord_01h2xcejqtf2n".to_owned(),
            poll: Some(POLL_SECONDS),
            may_confirm: true,
            again: Some("/buy/field-guide".to_owned()),
        }
    }
}

impl WaitingPage {
    /// The page of an answer that is awaited.
    pub(crate) fn checking(site: &Site, token: String, whole: &Whole) -> Self {
        Self {
            site: PublicSite::from(site),
            token,
            total: total(whole),
            reference: whole.order.id.to_string(),
            may_confirm: false,
            again: None,
            ..Self::sample()
        }
    }
}

/// Another card after a declined one.
#[derive(Debug, Serialize)]
pub struct PayPage {
    site: PublicSite,
    action: String,
    why: String,
    what: String,
    total: Money,
    methods: Vec<Method>,
    decline: Option<String>,
    error: Option<String>,
}

impl PayPage {
    pub(crate) fn sample() -> Self {
        Self {
            site: PublicSite::sample(),
            action: "/order/sample/pay".to_owned(),
            why: "the card was declined: please use another one".to_owned(),
            what: "Your order".to_owned(),
            total: Money::new(1900, model::Currency::USD),
            methods: methods(&SiteSettings::default()),
            decline: Some("/order/sample/offer/ofr_sample/decline".to_owned()),
            error: Some("choose how to pay".to_owned()),
        }
    }

    pub(crate) fn of_offer(
        site: &Site,
        path: &str,
        what: String,
        why: String,
        total: Money,
    ) -> Self {
        Self {
            site: PublicSite::from(site),
            action: format!("{path}/pay"),
            why,
            what,
            total,
            methods: card_methods(site),
            decline: Some(format!("{path}/decline")),
            error: None,
        }
    }
}

fn card_methods(site: &Site) -> Vec<Method> {
    methods(&site.settings).into_iter().filter(|method| method.value != "offline").collect()
}

/// The page of the test bank.
#[derive(Debug, Serialize)]
pub struct ChallengePage {
    site: PublicSite,
    action: String,
    amount: Money,
}

impl ChallengePage {
    pub(crate) fn sample() -> Self {
        Self {
            site: PublicSite::sample(),
            action: "/order/sample/challenge/pay_sample".to_owned(),
            amount: Money::new(1900, model::Currency::USD),
        }
    }
}

/// Shows an order, or what it waits for.
pub async fn show(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let whole = by_token(&state.engine, &site, &token).await?;
    match whole.standing() {
        Standing::Paid => thanks(&state, &site, token, whole).await,
        Standing::Challenge(payment) => {
            Ok(reply::to(&format!("/order/{token}/challenge/{}", payment.id)))
        }
        Standing::Failed(why) => {
            let page = PayPage {
                site: PublicSite::from(&*site),
                action: format!("/order/{token}/pay"),
                why,
                what: "Your order".to_owned(),
                total: total(&whole),
                methods: card_methods(&site),
                decline: None,
                error: None,
            };
            reply::page("public/orders/pay.html", page)
        }
        standing => waiting(&state, &site, token, &whole, &standing).await,
    }
}

fn total(whole: &Whole) -> Money {
    Money::new(whole.order.total_minor, whole.order.currency)
}

async fn waiting(
    state: &AppState,
    site: &Site,
    token: String,
    whole: &Whole,
    standing: &Standing,
) -> Reply {
    let by_mail = token.len() < 40;
    let (title, what, text) = match standing {
        Standing::AwaitsTransfer => {
            ("Thank you. Now the transfer", "transfer", site.settings.offline_instructions.clone())
        }
        Standing::AwaitsConfirmation if by_mail => (
            "One press of the button, and it is yours",
            "confirm",
            "Your address is confirmed with it.".to_owned(),
        ),
        Standing::AwaitsConfirmation => (
            "Please look into your mail",
            "mailed",
            format!(
                "We have written to {}. The button in the mail gives you your order.",
                whole.order.email
            ),
        ),
        Standing::Over => (
            "This order was not paid in time",
            "over",
            "Nothing was charged. You can order again.".to_owned(),
        ),
        _ => (
            "We are checking your payment",
            "checking",
            "Please do not pay again; we will write to you within 10 minutes.".to_owned(),
        ),
    };
    let again = if what == "over" { offer_path(state, site, whole).await? } else { None };
    let page = WaitingPage {
        site: PublicSite::from(site),
        token,
        title,
        what,
        text,
        total: total(whole),
        reference: whole.order.id.to_string(),
        poll: (what == "checking").then_some(POLL_SECONDS),
        may_confirm: what == "confirm",
        again,
    };
    reply::page("public/orders/waiting.html", page)
}

async fn offer_path(
    state: &AppState,
    site: &Site,
    whole: &Whole,
) -> Result<Option<String>, WebError> {
    let (site, id) = (site.id, whole.order.offer_id);
    let offer = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::offers::find(session, site, id).await?) })
        })
        .await?;
    Ok(offer.map(|offer| format!("/buy/{}", offer.slug)))
}

async fn thanks(state: &AppState, site: &Site, token: String, whole: Whole) -> Reply {
    let (engine, its_site, order) = (state.engine.clone(), site.clone(), whole.order.clone());
    let product = whole.lines.first().map(|line| line.product_id);
    let now = state.engine.now();
    let (files, beside, back_end) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let files = downloads::of_order(&engine, session, &its_site, order.id).await?;
                let beside = match product {
                    Some(product) => {
                        let (site, contact) = (its_site.id, order.contact_id);
                        also_bought::for_contact(session, site, contact, product, SHOWN).await?
                    }
                    None => Vec::new(),
                };
                let back_end =
                    back_end::next_offer(&engine, session, &its_site, &order, now).await?;
                Ok((files, beside, back_end))
            })
        })
        .await?;
    let referral_url = engine::referrals::link(&state.engine, site, whole.order.contact_id);
    let money = |minor| Money::new(minor, whole.order.currency);
    let order = &whole.order;
    let some = |minor: i64| (minor != 0).then(|| money(minor));
    let page = ThanksPage {
        site: PublicSite::from(site),
        token,
        name: order.name.clone(),
        email: model::EmailAddr::parse(&order.email)
            .map(|address| address.masked())
            .unwrap_or_default(),
        lines: lines(&whole),
        discount: some(-order.discount_minor),
        tax: some(order.tax_minor),
        total: money(order.total_minor),
        refunded: some(order.refunded_minor),
        invoice: order.invoice_number,
        paid_at: order.paid_at,
        downloads: files.into_iter().map(file).collect(),
        also_bought: beside.into_iter().map(ProductView::from).collect(),
        referral_url,
        back_end: back_end.map(|next| NextOffer {
            title: next.title,
            price: next.price,
            href: next.path,
            button: next.button,
            coupon: next.coupon,
        }),
        review: order.review.is_some(),
    };
    reply::page("public/orders/show.html", page)
}

fn file(found: Download) -> FileView {
    FileView { name: found.title, note: found.product, href: found.url }
}

fn lines(whole: &Whole) -> Vec<LineView> {
    whole
        .lines
        .iter()
        .filter(|line| matches!(line.state, LineState::Paid | LineState::Refunded))
        .map(|line| view(line, whole.order.currency))
        .collect()
}

fn view(line: &Line, currency: Currency) -> LineView {
    LineView {
        name: line.name.clone(),
        quantity: line.quantity,
        amount: Money::new(line.total_minor, currency),
        state: line.state.as_str(),
    }
}

/// Which card.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    /// The method's word.
    pub method: String,
}

/// Pays an order whose last attempt failed.
pub async fn pay(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
    ClientNet(net): ClientNet,
    Form(chosen): Form<Chosen>,
) -> Reply {
    let whole = by_token(&state.engine, &site, &token).await?;
    let mut error = None;
    if let (Standing::Failed(_), Provider::Test) = (whole.standing(), whole.order.provider) {
        let paid = match TestMethod::parse(&chosen.method) {
            Ok(method) => {
                let id = whole.order.id;
                let (engine, method) = (&state.engine, method.as_str());
                engine::pay::pay_order(engine, &site, id, method, &net).await
            }
            Err(_) => Err(model::Refused::new("method", "choose how to pay").into()),
        };
        match paid {
            Ok(()) => {}
            Err(refused) if !field_errors(&refused).is_empty() => {
                error = Some(refused.to_string());
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    if let Some(error) = error {
        let page = PayPage {
            site: PublicSite::from(&*site),
            action: format!("/order/{token}/pay"),
            why: String::new(),
            what: "Your order".to_owned(),
            total: total(&whole),
            methods: card_methods(&site),
            decline: None,
            error: Some(error),
        };
        return reply::again("public/orders/pay.html", page);
    }
    let mut next = reply::to(&format!("/order/{token}/next"));
    let cookie = cookies::order(&engine::upsell::cookie(&state.engine, whole.order.id));
    next.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(next)
}

/// The test bank asks.
pub async fn challenge(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path((token, payment)): Path<(String, PaymentId)>,
) -> Reply {
    let whole = by_token(&state.engine, &site, &token).await?;
    let asked = whole.payments.iter().find(|attempt| attempt.id == payment);
    let waits = asked
        .filter(|attempt| attempt.state == model::orders::AttemptState::RequiresAction)
        .filter(|attempt| attempt.provider == Provider::Test);
    let Some(attempt) = waits else { return Ok(reply::to(&format!("/order/{token}/next"))) };
    let page = ChallengePage {
        site: PublicSite::from(&*site),
        action: format!("/order/{token}/challenge/{payment}"),
        amount: Money::new(attempt.amount_minor, attempt.currency),
    };
    reply::page("public/orders/challenge.html", page)
}

/// What the buyer tells the bank.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    says: String,
}

/// The buyer answers the test bank.
pub async fn answer(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path((token, payment)): Path<(String, PaymentId)>,
    Form(answer): Form<Answer>,
) -> Reply {
    let whole = by_token(&state.engine, &site, &token).await?;
    let yes = answer.says == "confirm";
    let order = whole.order.id;
    engine::pay::answer_challenge(&state.engine, &site, order, payment, yes).await?;
    Ok(reply::to(&format!("/order/{token}/next")))
}

/// The button of the mail for a free order: the address is the buyer's.
pub async fn confirm(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let whole = by_token(&state.engine, &site, &token).await?;
    // The checkout's own token does not show that the mail arrived; the mail's link does.
    if whole.standing() == Standing::AwaitsConfirmation && token.len() < 40 {
        engine::pay::mark_paid(&state.engine, &site, whole.order.id).await?;
    }
    Ok(reply::to(&format!("/order/{token}")))
}

/// Whether this browser is the one that paid.
pub(crate) fn is_payer(state: &AppState, headers: &HeaderMap, whole: &Whole) -> bool {
    cookies::find(headers, cookies::ORDER_NAME)
        .is_some_and(|value| engine::upsell::cookie_holds(&state.engine, whole.order.id, value))
}
