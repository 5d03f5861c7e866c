//! `/admin/paths`: which offer follows which.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::paths::Draft;
use model::ids::{OfferId, PathId};
use model::{Currency, Money};
use serde::{Deserialize, Serialize};
use store::offers::Offer;
use store::paths::LEVELS_MAX;

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{self, Again, FieldError, Theirs};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// The paths.
#[derive(Debug, Serialize)]
pub struct PathsPage {
    frame: Frame,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    main: String,
    levels: usize,
    state: &'static str,
}

/// One path: as it runs, and its form.
#[derive(Debug, Serialize)]
pub struct PathPage {
    frame: Frame,
    id: Option<String>,
    form: PathForm,
    offers: Vec<(String, String)>,
    levels: Vec<Level>,
    errors: Vec<FieldError>,
    theirs: Theirs,
}

/// One step as it is drawn.
#[derive(Debug, Serialize)]
struct Level {
    kind: String,
    title: String,
    price: Option<Money>,
    href: String,
    accept: String,
    decline: String,
    figures: Vec<(String, String)>,
}

/// What the form holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct PathForm {
    version: String,
    name: String,
    slug: String,
    main: String,
    bump: String,
    upsell: Vec<String>,
    downsell: Vec<String>,
    back_end_offer: String,
    back_end_coupon: String,
    active: String,
}

impl Default for PathForm {
    fn default() -> Self {
        Self {
            version: String::new(),
            name: String::new(),
            slug: String::new(),
            main: String::new(),
            bump: String::new(),
            upsell: vec![String::new(); LEVELS_MAX],
            downsell: vec![String::new(); LEVELS_MAX],
            back_end_offer: String::new(),
            back_end_coupon: String::new(),
            active: "on".to_owned(),
        }
    }
}

impl PathsPage {
    pub(crate) fn sample() -> Self {
        let row = Row {
            id: "pth_0000000000001".to_owned(),
            name: "The field guide".to_owned(),
            main: "The field guide".to_owned(),
            levels: 2,
            state: "active",
        };
        Self { frame: Frame::sample("paths"), rows: vec![row] }
    }
}

impl PathPage {
    pub(crate) fn sample() -> Self {
        let level = Level {
            kind: "Level 1, upsell".to_owned(),
            title: "The course".to_owned(),
            price: Some(Money::new(9700, Currency::USD)),
            href: "/admin/offers/ofr_0000000000001".to_owned(),
            accept: "the thank-you page".to_owned(),
            decline: "The workbook".to_owned(),
            figures: vec![("Shown".to_owned(), "120".to_owned())],
        };
        Self {
            frame: Frame::sample("paths"),
            id: Some("pth_0000000000001".to_owned()),
            form: PathForm { name: "The field guide".to_owned(), ..PathForm::default() },
            offers: vec![("field-guide".to_owned(), "The field guide".to_owned())],
            levels: vec![level],
            errors: vec![FieldError::new("main", "choose what is bought first")],
            theirs: Theirs::sample(),
        }
    }
}

/// The paths.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let site = who.site.id;
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let offers = store::offers::list(session, site).await?;
                let rows = store::paths::list(session, site).await?.into_iter().map(|path| Row {
                    id: path.id.to_string(),
                    main: title(&offers, path.main),
                    levels: path.levels.len(),
                    state: if path.active { "active" } else { "retired" },
                    name: path.name,
                });
                Ok(rows.collect())
            })
        })
        .await?;
    reply::page("admin/paths/index.html", PathsPage { frame: who.frame("paths"), rows })
}

fn title(offers: &[Offer], id: OfferId) -> String {
    offers.iter().find(|offer| offer.id == id).map(|offer| offer.title.clone()).unwrap_or_default()
}

/// The form for a new one.
pub async fn new(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let page = page_of(&state, &who, None, PathForm::default()).await?;
    reply::page("admin/paths/show.html", page)
}

/// One path.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<PathId>,
) -> Reply {
    let (path, offers, form) = stored(&state, &who, id).await?;
    let site = who.site.id;
    let counts = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::order_offers::counts(session, site).await?) })
        })
        .await?;
    let levels = drawn(&path, &offers, &counts);
    let mut page = page_of(&state, &who, Some(id), form).await?;
    page.levels = levels;
    reply::page("admin/paths/show.html", page)
}

/// A path, the offers there are, and the path as its form holds it.
async fn stored(
    state: &AppState,
    who: &CurrentOperator,
    id: PathId,
) -> Result<(store::paths::Path, Vec<Offer>, PathForm), WebError> {
    let site = who.site.id;
    let (path, offers, code) = state
        .reader
        .read::<_, WebError, _>(move |session| {
            Box::pin(async move {
                let path = store::paths::find(session, site, id).await?;
                let path = path.ok_or_else(|| EngineError::missing("path", id))?;
                let offers = store::offers::list(session, site).await?;
                let code = match path.back_end_coupon {
                    Some(id) => store::coupons::find(session, site, id).await?,
                    None => None,
                };
                Ok((path, offers, code))
            })
        })
        .await?;
    let code = code.map(|row| row.coupon.code.to_string()).unwrap_or_default();
    let form = form_of(&path, &offers, code);
    Ok((path, offers, form))
}

fn form_of(path: &store::paths::Path, offers: &[Offer], code: String) -> PathForm {
    let slugs: BTreeMap<OfferId, &str> =
        offers.iter().map(|offer| (offer.id, offer.slug.as_str())).collect();
    let slug = |id: Option<OfferId>| {
        id.and_then(|id| slugs.get(&id)).map(|slug| (*slug).to_owned()).unwrap_or_default()
    };
    let mut form = PathForm {
        version: path.version.to_string(),
        name: path.name.clone(),
        slug: path.slug.clone(),
        main: slug(Some(path.main)),
        bump: slug(path.bump),
        back_end_offer: slug(path.back_end_offer),
        back_end_coupon: code,
        active: if path.active { "on".to_owned() } else { String::new() },
        upsell: path.levels.iter().map(|level| slug(Some(level.upsell))).collect(),
        downsell: path.levels.iter().map(|level| slug(level.downsell)).collect(),
    };
    form.upsell.resize(LEVELS_MAX, String::new());
    form.downsell.resize(LEVELS_MAX, String::new());
    form
}

type Counts = [(OfferId, String, i64, i64)];

fn drawn(path: &store::paths::Path, offers: &[Offer], counts: &Counts) -> Vec<Level> {
    let level = |id: OfferId, kind: String, accept: String, decline: String| {
        let offer = offers.iter().find(|offer| offer.id == id);
        let of = |states: &[&str]| -> i64 {
            let its = counts.iter().filter(|row| row.0 == id);
            its.filter(|row| states.contains(&row.1.as_str())).map(|row| row.2).sum()
        };
        let shown: i64 = counts.iter().filter(|row| row.0 == id).map(|row| row.2).sum();
        let figures = match kind.starts_with("Level") {
            true => vec![
                ("Shown".to_owned(), shown.to_string()),
                ("Taken".to_owned(), of(&["paid", "accepted"]).to_string()),
                ("Declined".to_owned(), of(&["declined"]).to_string()),
            ],
            false => Vec::new(),
        };
        Level {
            kind,
            title: title(offers, id),
            price: offer.map(|offer| Money::new(offer.price_minor, offer.currency)),
            href: format!("/admin/offers/{id}"),
            accept,
            decline,
            figures,
        }
    };
    let thanks = "the thank-you page".to_owned();
    let after = |at: usize| {
        let next = path.levels.get(at).map(|level| title(offers, level.upsell));
        next.unwrap_or_else(|| thanks.clone())
    };
    let mut drawn =
        vec![level(path.main, "Checkout".to_owned(), after(0), "abandoned cart".to_owned())];
    if let Some(bump) = path.bump {
        drawn.push(level(bump, "Beside it, unticked".to_owned(), after(0), after(0)));
    }
    for (at, step) in path.levels.iter().enumerate() {
        let next = after(at + 1);
        let no = step.downsell.map_or_else(|| next.clone(), |id| title(offers, id));
        drawn.push(level(step.upsell, format!("Level {}, upsell", step.level), next.clone(), no));
        if let Some(downsell) = step.downsell {
            let kind = format!("Level {}, downsell", step.level);
            drawn.push(level(downsell, kind, next.clone(), next));
        }
    }
    drawn
}

async fn page_of(
    state: &AppState,
    who: &CurrentOperator,
    id: Option<PathId>,
    form: PathForm,
) -> Result<PathPage, WebError> {
    let site = who.site.id;
    let offers = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::offers::list(session, site).await?) })
        })
        .await?;
    let label = |offer: &Offer| {
        let price = Money::new(offer.price_minor, offer.currency).human();
        format!("{} ({price})", offer.title)
    };
    Ok(PathPage {
        frame: who.frame("paths"),
        id: id.map(|id| id.to_string()),
        form,
        offers: offers.iter().map(|offer| (offer.slug.clone(), label(offer))).collect(),
        levels: Vec::new(),
        errors: Vec::new(),
        theirs: Theirs::default(),
    })
}

/// Makes one.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<PathForm>,
) -> Reply {
    save(&state, &who, None, form).await
}

/// Changes one.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<PathId>,
    Form(form): Form<PathForm>,
) -> Reply {
    save(&state, &who, Some(id), form).await
}

async fn save(
    state: &AppState,
    who: &CurrentOperator,
    id: Option<PathId>,
    mut form: PathForm,
) -> Reply {
    form.upsell.resize(LEVELS_MAX, String::new());
    form.downsell.resize(LEVELS_MAX, String::new());
    let levels = form.upsell.iter().cloned().zip(form.downsell.iter().cloned());
    let draft = Draft {
        id,
        version: form.version.parse().ok(),
        slug: form.slug.clone(),
        name: form.name.clone(),
        main: form.main.clone(),
        bump: form.bump.clone(),
        levels: levels.filter(|(upsell, _)| !upsell.is_empty()).collect(),
        back_end_offer: form.back_end_offer.clone(),
        back_end_coupon: form.back_end_coupon.clone(),
        active: !form.active.is_empty(),
    };
    match engine::paths::put(&who.engine(state), who.site.id, draft).await {
        Ok(id) => Ok(reply::done(&format!("/admin/paths/{id}"), "The path is saved.")),
        Err(error) => {
            let now = match id {
                Some(id) => Some(stored(state, who, id).await?.2),
                None => None,
            };
            let renew = |form: &mut PathForm, now: &PathForm| form.version.clone_from(&now.version);
            let Again { status, errors, theirs } =
                forms::again(error, &mut form, now.as_ref(), renew)?;
            let page = PathPage { errors, theirs, ..page_of(state, who, id, form).await? };
            reply::page_with(status, "admin/paths/show.html", page)
        }
    }
}
