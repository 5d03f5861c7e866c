//! `/admin/sources`: by which road contacts first came, and how many of them confirmed.

use axum::extract::{Query, State};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::short_links::NewShortLink;
use model::ids::ShortLinkId;
use model::times::DAY_MS;
use serde::{Deserialize, Serialize};
use store::touches::SourceCount;

use crate::admin::left_out;
use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{FieldError, to_mend};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Roads shown: the most travelled.
const ROWS: i64 = 200;
/// Spans to choose from, in days.
const SPANS: [i64; 4] = [7, 30, 90, 365];

/// First touches by source.
#[derive(Debug, Serialize)]
pub struct SourcesPage {
    frame: Frame,
    days: i64,
    views: i64,
    left_out: i64,
    rows: Vec<SourceRow>,
    contacts: i64,
    confirmed: i64,
    links: Vec<LinkRow>,
    form: LinkForm,
    errors: Vec<FieldError>,
}

/// One short link.
#[derive(Debug, Serialize)]
pub struct LinkRow {
    code: String,
    url: String,
    target: String,
}

/// A short link to be made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkForm {
    code: String,
    destination: String,
    source: String,
    medium: String,
    campaign: String,
}

/// One road.
#[derive(Debug, Serialize)]
pub struct SourceRow {
    channel: &'static str,
    source: Option<String>,
    medium: Option<String>,
    campaign: Option<String>,
    contacts: i64,
    confirmed: i64,
}

impl From<SourceCount> for SourceRow {
    fn from(count: SourceCount) -> Self {
        let channel = model::channels::Channel::parse(&count.channel);
        Self {
            channel: channel.map_or("Other", model::channels::Channel::name),
            source: count.source,
            medium: count.medium,
            campaign: count.campaign,
            contacts: count.contacts,
            confirmed: count.confirmed,
        }
    }
}

impl SourcesPage {
    pub(crate) fn sample() -> Self {
        let row = SourceRow {
            channel: "Offline",
            source: Some("flyer".to_owned()),
            medium: Some("print".to_owned()),
            campaign: None,
            contacts: 40,
            confirmed: 31,
        };
        Self {
            frame: Frame::sample("sources"),
            days: 30,
            views: 1_204,
            left_out: 515,
            rows: vec![row],
            contacts: 40,
            confirmed: 31,
            links: vec![LinkRow {
                code: "flyer".to_owned(),
                url: "https://shop.example/go/flyer".to_owned(),
                target: "/p/book?utm_source=flyer".to_owned(),
            }],
            form: LinkForm::default(),
            errors: vec![FieldError::new("code", "choose another code")],
        }
    }
}

/// Which span is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Looking {
    days: i64,
}

impl Looking {
    /// The days looked at: one of the spans to choose from.
    pub(crate) fn days(&self) -> i64 {
        if SPANS.contains(&self.days) { self.days } else { 30 }
    }
}

/// The roads of a span, and the short links.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(looking): Query<Looking>,
) -> Reply {
    reply::page("admin/sources/index.html", page_of(&state, &who, looking.days()).await?)
}

async fn page_of(
    state: &AppState,
    who: &CurrentOperator,
    days: i64,
) -> Result<SourcesPage, WebError> {
    let (site, until) = (who.site.id, who.now);
    let from = until.plus_ms(-days * DAY_MS);
    let (rows, links) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let rows =
                    store::touches::first_by_source(session, site, from, until, ROWS).await?;
                let last = ShortLinkId(i64::MAX);
                Ok((rows, store::short_links::list(session, site, last, ROWS).await?))
            })
        })
        .await?;
    let (views, left_out) = left_out::within(state, who, days).await?;
    let link = |link: store::short_links::ShortLink| LinkRow {
        url: who.site.url(&format!("/go/{}", link.code)),
        target: engine::short_links::target(&link),
        code: link.code,
    };
    Ok(SourcesPage {
        frame: who.frame("sources"),
        days,
        views,
        left_out: left_out.iter().map(|row| row.views).sum(),
        contacts: rows.iter().map(|row| row.contacts).sum(),
        confirmed: rows.iter().map(|row| row.confirmed).sum(),
        rows: rows.into_iter().map(SourceRow::from).collect(),
        links: links.into_iter().map(link).collect(),
        form: LinkForm::default(),
        errors: Vec::new(),
    })
}

/// Makes a short link.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<LinkForm>,
) -> Reply {
    let LinkForm { code, destination, source, medium, campaign } = form.clone();
    let new = NewShortLink { code, destination, source, medium, campaign };
    match engine::short_links::make(&who.engine(&state), who.site.id, new).await {
        Ok(_) => Ok(reply::done("/admin/sources", "The short link is made.")),
        Err(error) => {
            let errors = to_mend(error)?;
            let page = SourcesPage { form, errors, ..page_of(&state, &who, 30).await? };
            reply::again("admin/sources/index.html", page)
        }
    }
}
