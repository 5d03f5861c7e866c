//! `GET /`, `GET /p/{page}`: what the site shows. A page without questions in its address is kept
//! in memory until content changes or something on it does: a deadline, a form's signed time.

pub(crate) mod blocks;
mod kept;

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::{Engine, EngineError};
use model::UtcMs;
use model::blocks::PageContent;
use model::pages::Page;
use model::sites::Site;
use model::sources::Touch;
use model::times::MINUTE_MS;
use model::tokens::Purpose;
use serde::Serialize;
use store::Session;

use crate::error::WebError;
use crate::extract::asker::Asker;
use crate::extract::site::CurrentSite;
use crate::public::frame::PublicSite;
use crate::public::views::{self, Viewed};
use crate::reply::Reply;
use crate::state::AppState;
use crate::templates;

use self::blocks::{BlockView, Visit};
pub use self::kept::Kept;
use self::kept::{ANY_REFERRER, KeptPage};

/// How long a page is kept at most: the signed time in its forms must stay fresh.
const KEPT_MS_MAX: i64 = 10 * MINUTE_MS;

/// What the template draws.
#[derive(Debug, Serialize)]
pub struct ShowPage {
    site: PublicSite,
    title: String,
    description: String,
    index: bool,
    address: String,
    draft: bool,
    blocks: Vec<BlockView>,
}

impl ShowPage {
    /// Sample data for the render-all test.
    pub fn sample() -> Self {
        Self {
            site: PublicSite::sample(),
            title: "Write on paper".to_owned(),
            description: "A small book about writing by hand.".to_owned(),
            index: true,
            address: "https://press.example/p/home".to_owned(),
            draft: false,
            blocks: blocks::sample(),
        }
    }
}

/// The site's home page.
pub async fn home(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    RawQuery(query): RawQuery,
    asker: Asker,
    headers: HeaderMap,
) -> Reply {
    let slug = site.home_slug().to_owned();
    let asked = Asked { site, slug, path: "/".to_owned(), query: query.unwrap_or_default() };
    asked.answer(&state, &asker, &headers).await
}

/// A page by its slug.
pub async fn show(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
    asker: Asker,
    headers: HeaderMap,
) -> Reply {
    let path = format!("/p/{slug}");
    let asked = Asked { site, slug, path, query: query.unwrap_or_default() };
    asked.answer(&state, &asker, &headers).await
}

/// A draft, shown to whoever holds its signed link (24 h), and to nobody else.
pub async fn preview(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let now = state.engine.now();
    let token = state
        .engine
        .keys()
        .open_until(Purpose::Preview, &token, now)
        .map_err(|_| WebError::NotFound)?;
    let visit = Visit::plain(&site, now);
    let id = model::ids::PageId(token.id);
    let engine = state.engine.clone();
    let drawn = state
        .reader
        .read::<_, WebError, _>(move |session| {
            Box::pin(async move {
                let page = store::pages::find(session, site.id, id).await?;
                let page = page.ok_or(WebError::NotFound)?;
                let version = page.draft_version;
                draw(session, &engine, &site, &page, version, &visit).await
            })
        })
        .await?;
    let mut shown = answer(drawn.html, "no-store");
    // A published page's draft too: whoever found the link must not find it by a search.
    shown.headers_mut().insert("x-robots-tag", HeaderValue::from_static("noindex"));
    Ok(shown)
}

/// What was asked for.
struct Asked {
    site: Arc<Site>,
    slug: String,
    path: String,
    query: String,
}

/// A page as HTML, and until when it may be shown as it is.
struct Drawn {
    html: String,
    until: UtcMs,
}

impl Asked {
    async fn answer(self, state: &AppState, asker: &Asker, headers: &HeaderMap) -> Reply {
        let now = state.engine.now();
        let touch = self.touch(now, headers);
        // Only a page that is there was viewed.
        let (site, page, seen) = (Arc::clone(&self.site), self.path.clone(), touch.clone());
        let shown = self.show(state, touch, now).await?;
        let left_out = asker.left_out();
        views::count(&state.engine, Viewed { site: &site, page, touch: &seen, asker, left_out });
        Ok(shown)
    }

    async fn show(self, state: &AppState, touch: Touch, now: UtcMs) -> Reply {
        let revision = state.engine.revision();
        if !self.query.is_empty() {
            let drawn = self.draw(state, touch, now).await?;
            return Ok(answer(drawn.html, "no-store"));
        }
        let came_from = touch.referrer.clone();
        if let Some(page) = state.kept.find(self.site.id, &self.path, revision, now) {
            return Ok(answer_to_one(&page, came_from.as_deref()));
        }
        let kept = (self.site.id, self.path.clone());
        // Drawn for everybody: where this visitor came from is filled in when it is answered.
        let anybody = Touch { referrer: Some(ANY_REFERRER.to_owned()), ..touch };
        let drawn = self.draw(state, anybody, now).await?;
        let page = state.kept.put(kept, revision, drawn.until, drawn.html);
        Ok(answer_to_one(&page, came_from.as_deref()))
    }

    async fn draw(self, state: &AppState, touch: Touch, now: UtcMs) -> Result<Drawn, WebError> {
        let engine = state.engine.clone();
        let visit = Visit::of(&engine, &self.site, &self.path, &self.query, touch, now);
        state
            .reader
            .read::<_, WebError, _>(move |session| {
                Box::pin(async move {
                    let found = store::pages::find_by_slug(session, self.site.id, &self.slug);
                    let page = found.await?.ok_or(WebError::NotFound)?;
                    if page.retired_at.is_some() {
                        return Err(WebError::Bad(StatusCode::GONE, "this page is no longer here"));
                    }
                    let version = page.published_version.ok_or(WebError::NotFound)?;
                    draw(session, &engine, &self.site, &page, version, &visit).await
                })
            })
            .await
    }

    fn touch(&self, now: UtcMs, headers: &HeaderMap) -> Touch {
        let address = format!("{}?{}", self.path, self.query);
        let referrer = headers.get(header::REFERER).and_then(|value| value.to_str().ok());
        Touch::read(now, &address, referrer, &[self.site.host()])
    }
}

async fn draw(
    session: &mut Session<'_>,
    engine: &Engine,
    site: &Site,
    page: &Page,
    version: i64,
    visit: &Visit,
) -> Result<Drawn, WebError> {
    let content = store::pages::content(session, site.id, page.id, version)
        .await?
        .ok_or_else(|| EngineError::Fault(format!("version {version} of {} is gone", page.id)))?;
    let until = visit.now.plus_ms(KEPT_MS_MAX);
    let (blocks, changes) = blocks::views(session, engine, site, &content, visit).await?;
    let html = templates::render("public/pages/show.html", frame(site, page, content, blocks))?;
    Ok(Drawn { html, until: changes.map_or(until, |at| at.min(until)) })
}

fn frame(site: &Site, page: &Page, content: PageContent, blocks: Vec<BlockView>) -> ShowPage {
    ShowPage {
        site: PublicSite::from(site),
        title: content.title,
        description: content.description,
        index: page.published_version.is_some(),
        address: site.url(&format!("/p/{}", page.slug)),
        draft: page.published_version != Some(page.draft_version),
        blocks,
    }
}

/// A page that is kept for all, with the one thing in it that is this visitor's own: the host that
/// linked here, which its forms carry along.
fn answer_to_one(page: &KeptPage, referrer: Option<&str>) -> Response {
    if let Some(html) = page.for_all() {
        return answer(html, "no-cache");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    let host = referrer.filter(|host| host.chars().all(plain)).unwrap_or_default();
    let keep = if host.is_empty() { "no-cache" } else { "no-store" };
    answer(page.linked_from(host), keep)
}

fn answer(html: impl Into<axum::body::Bytes>, keep: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static(keep)),
    ];
    (StatusCode::OK, headers, html.into()).into_response()
}
