//! `/admin/pages`: pages, their outline of blocks, drafts and what is public.

pub mod blocks;
mod fields;

use axum::extract::{Path, State};
use axum::response::Response;
use axum_extra::extract::Form;
use engine::EngineError;
use model::UtcMs;
use model::blocks::{Block, PageContent, PageKind};
use model::ids::PageId;
use model::pages::{Page, PageDraft};
use model::times::DAY_MS;
use model::tokens::Purpose;
use serde::{Deserialize, Serialize};

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{self, Again, FieldError, Theirs};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Pages in one list: a site has tens.
const LIST_MAX: i64 = 500;
/// Versions shown on a page's own page.
const VERSIONS_MAX: i64 = 20;
/// How long the link to a draft holds.
const PREVIEW_MS: i64 = DAY_MS;

/// The list.
#[derive(Debug, Serialize)]
pub struct IndexPage {
    frame: Frame,
    pages: Vec<Row>,
}

/// A page in the list.
#[derive(Debug, Serialize)]
pub struct Row {
    id: String,
    title: String,
    slug: String,
    kind: &'static str,
    status: &'static str,
    updated_at: UtcMs,
}

impl From<&Page> for Row {
    fn from(page: &Page) -> Self {
        Self {
            id: page.id.to_string(),
            title: page.title.clone(),
            slug: page.slug.clone(),
            kind: page.kind.as_str(),
            status: page.status(),
            updated_at: page.updated_at,
        }
    }
}

impl IndexPage {
    pub(crate) fn sample() -> Self {
        Self { frame: Frame::sample("pages"), pages: vec![Row::sample()] }
    }
}

impl Row {
    fn sample() -> Self {
        Self {
            id: "pag_0000000000001".to_owned(),
            title: "Write on paper".to_owned(),
            slug: "home".to_owned(),
            kind: "landing",
            status: "published",
            updated_at: UtcMs(1_795_200_000_000),
        }
    }
}

/// The list of pages.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let site = who.site.id;
    let pages = state
        .reader
        .read::<_, WebError, _>(move |session| {
            Box::pin(
                async move { Ok(store::pages::list(session, site, PageId(0), LIST_MAX).await?) },
            )
        })
        .await?;
    let pages = pages.iter().map(Row::from).collect();
    reply::page("admin/pages/index.html", IndexPage { frame: who.frame("pages"), pages })
}

/// A page being named: new, or its head changed.
#[derive(Debug, Serialize)]
pub struct EditPage {
    frame: Frame,
    action: String,
    back: Option<Row>,
    form: HeadForm,
    errors: Vec<FieldError>,
    theirs: Theirs,
}

/// What the head of a page's form sends.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HeadForm {
    title: String,
    slug: String,
    kind: String,
    description: String,
    version: i64,
}

impl EditPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("pages"),
            action: "/admin/pages".to_owned(),
            back: Some(Row::sample()),
            form: HeadForm::default(),
            errors: vec![FieldError::new("slug", "another page has this address")],
            theirs: Theirs::sample(),
        }
    }
}

/// A new page's form.
pub async fn new(who: CurrentOperator) -> Reply {
    let form = HeadForm { kind: "landing".to_owned(), ..HeadForm::default() };
    let action = "/admin/pages".to_owned();
    let (errors, theirs) = (Vec::new(), Theirs::default());
    let page = EditPage { frame: who.frame("pages"), action, back: None, form, errors, theirs };
    reply::page("admin/pages/edit.html", page)
}

/// Makes a page with the one block that nearly every page begins with.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<HeadForm>,
) -> Reply {
    match make(&state, &who, &form).await {
        Ok(id) => Ok(reply::done(&format!("/admin/pages/{id}"), "The page is made, as a draft.")),
        Err(error) => again(&who, "/admin/pages".to_owned(), None, (form, None), error),
    }
}

async fn make(
    state: &AppState,
    who: &CurrentOperator,
    form: &HeadForm,
) -> Result<PageId, EngineError> {
    let hero = serde_json::json!({"type": "hero", "title": form.title});
    let hero: Option<Block> = serde_json::from_value(hero).ok();
    let content = PageContent {
        title: form.title.clone(),
        description: form.description.clone(),
        blocks: hero.into_iter().collect(),
    };
    let kind: PageKind = form.kind.parse()?;
    let draft = PageDraft { slug: form.slug.trim().to_owned(), kind, content };
    engine::pages::create(&who.engine(state), who.site.id, draft).await
}

fn again(
    who: &CurrentOperator,
    action: String,
    back: Option<Row>,
    (mut form, now): (HeadForm, Option<HeadForm>),
    error: EngineError,
) -> Reply {
    let renew = |form: &mut HeadForm, now: &HeadForm| form.version = now.version;
    let Again { status, errors, theirs } = forms::again(error, &mut form, now.as_ref(), renew)?;
    let page = EditPage { frame: who.frame("pages"), action, back, form, errors, theirs };
    reply::page_with(status, "admin/pages/edit.html", page)
}

/// A page and its outline.
#[derive(Debug, Serialize)]
pub struct ShowPage {
    frame: Frame,
    page: Row,
    version: i64,
    public_version: Option<i64>,
    address: String,
    preview: String,
    blocks: Vec<blocks::Line>,
    kinds: Vec<(&'static str, &'static str)>,
    versions: Vec<(i64, UtcMs)>,
}

impl ShowPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("pages"),
            page: Row::sample(),
            version: 3,
            public_version: Some(2),
            address: "https://shop.example/p/home".to_owned(),
            preview: "/preview/x".to_owned(),
            blocks: vec![blocks::Line::sample()],
            kinds: fields::kinds(),
            versions: vec![(3, UtcMs(1_795_200_000_000))],
        }
    }
}

/// What is read of a page for its screens.
pub(super) struct Found {
    page: Page,
    content: PageContent,
    versions: Vec<(i64, UtcMs)>,
}

pub(super) async fn find(
    state: &AppState,
    who: &CurrentOperator,
    id: &str,
) -> Result<Found, WebError> {
    let id: PageId = id.parse().map_err(|_| WebError::NotFound)?;
    let site = who.site.id;
    state
        .reader
        .read::<_, WebError, _>(move |session| {
            Box::pin(async move {
                let page = store::pages::find(session, site, id).await?;
                let page = page.ok_or(WebError::NotFound)?;
                let content = store::pages::content(session, site, id, page.draft_version).await?;
                let content = content.ok_or(WebError::NotFound)?;
                let versions = store::pages::versions(session, site, id, VERSIONS_MAX).await?;
                Ok(Found { page, content, versions })
            })
        })
        .await
}

/// A page and its outline.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
) -> Reply {
    let Found { page, content, versions } = find(&state, &who, &id).await?;
    let until = who.now.plus_ms(PREVIEW_MS);
    let token = state.engine.keys().sign_until(Purpose::Preview, page.id.0, until);
    let context = ShowPage {
        frame: who.frame("pages"),
        version: page.draft_version,
        public_version: page.published_version,
        address: who.site.url(&format!("/p/{}", page.slug)),
        preview: who.site.url(&format!("/preview/{token}")),
        blocks: blocks::outline(&content),
        kinds: fields::kinds(),
        page: Row::from(&page),
        versions,
    };
    reply::page("admin/pages/show.html", context)
}

/// The form of a page's head.
pub async fn edit(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
) -> Reply {
    let found = find(&state, &who, &id).await?;
    let form = head(&found.page, &found.content);
    let page = EditPage {
        frame: who.frame("pages"),
        action: format!("/admin/pages/{id}/edit"),
        back: Some(Row::from(&found.page)),
        form,
        errors: Vec::new(),
        theirs: Theirs::default(),
    };
    reply::page("admin/pages/edit.html", page)
}

fn head(page: &Page, content: &PageContent) -> HeadForm {
    HeadForm {
        title: content.title.clone(),
        slug: page.slug.clone(),
        kind: page.kind.as_str().to_owned(),
        description: content.description.clone(),
        version: page.draft_version,
    }
}

/// Changes a page's head.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
    Form(form): Form<HeadForm>,
) -> Reply {
    let Found { page, mut content, .. } = find(&state, &who, &id).await?;
    let now = head(&page, &content);
    content.title.clone_from(&form.title);
    content.description.clone_from(&form.description);
    let kind: PageKind = form.kind.parse().map_err(EngineError::from)?;
    let draft = PageDraft { slug: form.slug.trim().to_owned(), kind, content };
    let site = who.site.id;
    let back = format!("/admin/pages/{id}");
    match engine::pages::change(&who.engine(&state), site, page.id, form.version, draft).await {
        Ok(()) => Ok(reply::done(&back, "Saved, as a new draft.")),
        Err(error) => {
            let row = Some(Row::from(&page));
            again(&who, format!("{back}/edit"), row, (form, Some(now)), error)
        }
    }
}

/// Makes the newest version public.
pub async fn publish(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let page = id.parse().map_err(|_| WebError::NotFound)?;
    engine::pages::publish(&who.engine(&state), who.site.id, page).await?;
    Ok(reply::done(&format!("/admin/pages/{id}"), "The page is public as you see it here."))
}

/// Takes the page away from the public.
pub async fn retire(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let page = id.parse().map_err(|_| WebError::NotFound)?;
    engine::pages::retire(&who.engine(&state), who.site.id, page).await?;
    Ok(reply::done(&format!("/admin/pages/{id}"), "The page is no longer public."))
}
