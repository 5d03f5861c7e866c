//! `/admin/coupons`: price cuts with rules.

use axum::extract::{Path, State};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::coupons::Draft;
use model::coupons::{Coupon, CouponCode, Cut};
use model::ids::{CouponId, ProductId};
use model::money::Rate;
use model::{Currency, Money, Refused, UtcMs};
use serde::{Deserialize, Serialize};
use store::coupons::CouponRow;

use super::offers::{instant, local};
use super::products::amount;
use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{FieldError, to_mend};
use crate::frame::{Frame, Pager};
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Coupons on one page.
const PAGE: i64 = 50;

/// The coupons.
#[derive(Debug, Serialize)]
pub struct CouponsPage {
    frame: Frame,
    view: &'static str,
    rows: Vec<Row>,
    pager: Pager,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    code: String,
    cut: String,
    used: i64,
    uses_max: Option<i64>,
    ends_at: Option<UtcMs>,
    note: String,
    state: &'static str,
}

/// One coupon and its form.
#[derive(Debug, Serialize)]
pub struct CouponPage {
    frame: Frame,
    id: Option<String>,
    form: CouponForm,
    products: Vec<(String, String)>,
    currency: String,
    zone: String,
    used: i64,
    links: Vec<String>,
    errors: Vec<FieldError>,
}

/// What the form holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CouponForm {
    code: String,
    kind: String,
    value: String,
    starts_at: String,
    ends_at: String,
    uses_max: String,
    per_contact_max: String,
    minimum: String,
    products: Vec<String>,
    who: String,
    note: String,
    active: String,
}

impl CouponsPage {
    pub(crate) fn sample() -> Self {
        let row = Row {
            id: "cpn_0000000000001".to_owned(),
            code: "SAVE10".to_owned(),
            cut: "10% off".to_owned(),
            used: 12,
            uses_max: Some(50),
            ends_at: None,
            note: "For the spring letter".to_owned(),
            state: "active",
        };
        let frame = Frame::sample("coupons");
        Self { frame, view: "own", rows: vec![row], pager: Pager::default() }
    }
}

impl CouponPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("coupons"),
            id: Some("cpn_0000000000001".to_owned()),
            form: CouponForm { code: "SAVE10".to_owned(), ..CouponForm::default() },
            products: vec![("prd_0000000000001".to_owned(), "The field guide".to_owned())],
            currency: "USD".to_owned(),
            zone: "Europe/Berlin".to_owned(),
            used: 12,
            links: vec!["https://shop.example/buy/field-guide?coupon=SAVE10".to_owned()],
            errors: vec![FieldError::new("value", "say how much it takes off")],
        }
    }
}

/// Where a list begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct From {
    before: Option<CouponId>,
    /// `given`: those given to one contact each.
    view: String,
}

/// The coupons, newest first.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    axum::extract::Query(from): axum::extract::Query<From>,
) -> Reply {
    let site = who.site.id;
    let before = from.before.unwrap_or(CouponId(i64::MAX));
    let given = from.view == "given";
    let view = if given { "given" } else { "own" };
    let mut found = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok(if given {
                    store::coupons::list_given(session, site, before, PAGE + 1).await?
                } else {
                    store::coupons::list_open(session, site, before, PAGE + 1).await?
                })
            })
        })
        .await?;
    let more = found.len() > usize::try_from(PAGE).unwrap_or(50);
    found.truncate(usize::try_from(PAGE).unwrap_or(50));
    let last = found.last().filter(|_| more).map(|row| row.coupon.id);
    let pager = Pager {
        next: last.map(|id| format!("/admin/coupons?view={view}&before={id}")),
        ..Pager::default()
    };
    let rows = found.into_iter().map(|found| row(found, who.now)).collect();
    reply::page(
        "admin/coupons/index.html",
        CouponsPage { frame: who.frame("coupons"), view, rows, pager },
    )
}

fn row(found: CouponRow, now: UtcMs) -> Row {
    let over = found.coupon.ends_at.is_some_and(|ends| ends <= now);
    Row {
        id: found.coupon.id.to_string(),
        code: found.coupon.code.to_string(),
        cut: found.coupon.cut.to_string(),
        used: found.used,
        uses_max: found.coupon.uses_max,
        ends_at: found.coupon.ends_at,
        note: found.note,
        state: match (found.coupon.active, over) {
            (false, _) => "retired",
            (true, true) => "expired",
            (true, false) => "active",
        },
    }
}

/// The form for a new one.
pub async fn new(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let form = CouponForm {
        kind: "percent".to_owned(),
        who: "all".to_owned(),
        active: "on".to_owned(),
        ..CouponForm::default()
    };
    reply::page("admin/coupons/show.html", page_of(&state, &who, None, form).await?)
}

/// One coupon.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<CouponId>,
) -> Reply {
    let site = who.site.id;
    let row = find(&state, &who, id).await?;
    let offers = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::offers::list(session, site).await?) })
        })
        .await?;
    let used = row.used;
    let code = row.coupon.code.to_string();
    let good = offers.iter().filter(|offer| row.coupon.is_for(offer.product_id)).take(10);
    let links =
        good.map(|offer| who.site.url(&format!("/buy/{}?coupon={code}", offer.slug))).collect();
    let mut page = page_of(&state, &who, Some(id), form_of(&who, &row)).await?;
    (page.used, page.links) = (used, links);
    page.currency = currency_of(&who, Some(&row.coupon))?.to_string();
    reply::page("admin/coupons/show.html", page)
}

async fn find(
    state: &AppState,
    who: &CurrentOperator,
    id: CouponId,
) -> Result<CouponRow, WebError> {
    let site = who.site.id;
    state
        .reader
        .read::<_, WebError, _>(move |session| {
            Box::pin(async move {
                let row = store::coupons::find(session, site, id).await?;
                Ok(row.ok_or_else(|| EngineError::missing("coupon", id))?)
            })
        })
        .await
}

/// The currency a coupon's amounts are in, whatever the site's is now.
fn currency_of(who: &CurrentOperator, known: Option<&Coupon>) -> Result<Currency, EngineError> {
    let its = known.and_then(|known| match known.cut {
        Cut::Fixed(money) => Some(money),
        Cut::Percent(_) => known.minimum,
    });
    match its {
        Some(money) => Ok(money.currency),
        None => Ok(Currency::parse(&who.site.currency)?),
    }
}

fn form_of(who: &CurrentOperator, row: &CouponRow) -> CouponForm {
    let coupon = &row.coupon;
    let number = |value: Option<i64>| value.map(|n| n.to_string()).unwrap_or_default();
    let day = |at: Option<UtcMs>| at.map(|at| local(at, &who.site.timezone)).unwrap_or_default();
    let (kind, value) = match coupon.cut {
        Cut::Percent(rate) => ("percent", rate.to_string()),
        Cut::Fixed(money) => ("fixed", amount(money.minor, money.currency)),
    };
    CouponForm {
        code: coupon.code.to_string(),
        kind: kind.to_owned(),
        value,
        starts_at: day(coupon.starts_at),
        ends_at: day(coupon.ends_at),
        uses_max: number(coupon.uses_max),
        per_contact_max: number(coupon.per_contact_max),
        minimum: coupon.minimum.map(|m| amount(m.minor, m.currency)).unwrap_or_default(),
        products: coupon.products.iter().map(ToString::to_string).collect(),
        who: match (coupon.first_order, coupon.customers_only) {
            (true, _) => "first".to_owned(),
            (_, true) => "customers".to_owned(),
            _ => "all".to_owned(),
        },
        note: row.note.clone(),
        active: if coupon.active { "on".to_owned() } else { String::new() },
    }
}

async fn page_of(
    state: &AppState,
    who: &CurrentOperator,
    id: Option<CouponId>,
    form: CouponForm,
) -> Result<CouponPage, WebError> {
    let site = who.site.id;
    let products = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::products::list(session, site).await?) })
        })
        .await?;
    Ok(CouponPage {
        frame: who.frame("coupons"),
        id: id.map(|id| id.to_string()),
        form,
        products: products.into_iter().map(|p| (p.id.to_string(), p.name)).collect(),
        currency: who.site.currency.clone(),
        zone: who.site.timezone.clone(),
        used: 0,
        links: Vec::new(),
        errors: Vec::new(),
    })
}

/// Makes one.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<CouponForm>,
) -> Reply {
    save(&state, &who, None, form).await
}

/// Changes one.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<CouponId>,
    Form(form): Form<CouponForm>,
) -> Reply {
    save(&state, &who, Some(id), form).await
}

async fn save(
    state: &AppState,
    who: &CurrentOperator,
    id: Option<CouponId>,
    form: CouponForm,
) -> Reply {
    let known = match id {
        Some(id) => Some(find(state, who, id).await?.coupon),
        None => None,
    };
    let currency = currency_of(who, known.as_ref())?;
    let saved = match coupon(who, (id, known.as_ref()), currency, &form) {
        Ok(coupon) => {
            let draft = Draft { coupon, note: form.note.clone() };
            engine::coupons::put(&who.engine(state), who.site.id, draft).await
        }
        Err(refused) => Err(refused.into()),
    };
    match saved {
        Ok(id) => Ok(reply::done(&format!("/admin/coupons/{id}"), "The coupon is saved.")),
        Err(error) => {
            let mut page = page_of(state, who, id, form).await?;
            page.currency = currency.to_string();
            page.errors = to_mend(error)?;
            reply::again("admin/coupons/show.html", page)
        }
    }
}

fn coupon(
    who: &CurrentOperator,
    (id, known): (Option<CouponId>, Option<&Coupon>),
    currency: Currency,
    form: &CouponForm,
) -> Result<Coupon, Refused> {
    let number = |text: &str, field: &'static str| match text.trim() {
        "" => Ok(None),
        text => text
            .parse::<i64>()
            .map(Some)
            .map_err(|_| Refused::new("number", "give a whole number").at(field)),
    };
    let day = |text: &str, kept: Option<UtcMs>, field: &'static str| match text.trim() {
        "" => Ok(None),
        text => instant(text, &who.site.timezone, kept)
            .map(Some)
            .ok_or_else(|| Refused::new("instant", "give a day and a time").at(field)),
    };
    let percent = form.value.trim().trim_end_matches('%').trim_end();
    let cut = match form.kind.as_str() {
        "fixed" => Cut::Fixed(Money::parse_amount(&form.value, currency).map_err(at_value)?),
        _ => Cut::Percent(Rate::parse(&format!("{percent}%")).map_err(at_value)?),
    };
    let minimum = match form.minimum.trim() {
        "" => None,
        text => Some(Money::parse_amount(text, currency).map_err(|r| r.at("minimum"))?),
    };
    Ok(Coupon {
        id: id.unwrap_or(CouponId(0)),
        code: CouponCode::parse(&form.code).map_err(|refused| refused.at("code"))?,
        cut,
        active: !form.active.is_empty(),
        starts_at: day(&form.starts_at, known.and_then(|k| k.starts_at), "starts_at")?,
        ends_at: day(&form.ends_at, known.and_then(|k| k.ends_at), "ends_at")?,
        uses_max: number(&form.uses_max, "uses_max")?,
        per_contact_max: number(&form.per_contact_max, "per_contact_max")?,
        minimum,
        products: form.products.iter().filter_map(|id| id.parse::<ProductId>().ok()).collect(),
        first_order: form.who == "first",
        customers_only: form.who == "customers",
    })
}

fn at_value(refused: Refused) -> Refused {
    refused.at("value")
}
