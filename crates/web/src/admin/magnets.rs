//! `/admin/magnets`: the free things, and how often they were fetched.

use axum::extract::{Path, State};
use engine::EngineError;
use engine::magnets::Gift;
use model::ids::{FileId, MagnetId};
use model::magnets::{Magnet, MagnetKind};
use serde::Serialize;

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::extract::upload::Upload;
use crate::forms::{FieldError, to_mend};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Every magnet with its figures.
#[derive(Debug, Serialize)]
pub struct MagnetsPage {
    frame: Frame,
    rows: Vec<MagnetRow>,
}

/// One magnet.
#[derive(Debug, Serialize)]
pub struct MagnetRow {
    id: String,
    slug: String,
    name: String,
    is_link: bool,
    claims: i64,
    downloads: i64,
}

impl MagnetsPage {
    pub(crate) fn sample() -> Self {
        let row = MagnetRow {
            id: "mag_0000000000001".to_owned(),
            slug: "chapter".to_owned(),
            name: "The first chapter".to_owned(),
            is_link: false,
            claims: 84,
            downloads: 79,
        };
        Self { frame: Frame::sample("magnets"), rows: vec![row] }
    }
}

/// The list.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let site = who.site.id;
    let (magnets, counts) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let magnets = store::magnets::list(session, site).await?;
                Ok((magnets, store::magnets::counts(session, site).await?))
            })
        })
        .await?;
    let row = |magnet: Magnet| {
        let found = counts.iter().find(|(id, ..)| *id == magnet.id);
        let (claims, downloads) =
            found.map_or((0, 0), |(_, claims, downloads)| (*claims, *downloads));
        MagnetRow {
            id: magnet.id.to_string(),
            is_link: magnet.kind == MagnetKind::Link,
            claims,
            downloads,
            slug: magnet.slug,
            name: magnet.name,
        }
    };
    let rows = magnets.into_iter().map(row).collect();
    reply::page("admin/magnets/index.html", MagnetsPage { frame: who.frame("magnets"), rows })
}

/// One magnet, to be made or changed.
#[derive(Debug, Serialize)]
pub struct MagnetPage {
    frame: Frame,
    id: Option<String>,
    slug: String,
    name: String,
    url: String,
    file: Option<String>,
    /// A file that came with a form that must be mended: it is sent along with the next try.
    kept: Option<(String, String)>,
    errors: Vec<FieldError>,
}

impl MagnetPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("magnets"),
            id: None,
            slug: "chapter".to_owned(),
            name: "The first chapter".to_owned(),
            url: String::new(),
            file: Some("chapter.pdf".to_owned()),
            kept: Some(("fil_0000000000001".to_owned(), "chapter-2.pdf".to_owned())),
            errors: vec![FieldError::new("file", "choose the file to give away")],
        }
    }
}

/// The empty form.
pub async fn new(who: CurrentOperator) -> Reply {
    let (slug, name, url) = (String::new(), String::new(), String::new());
    let frame = who.frame("magnets");
    let (file, kept, errors) = (None, None, Vec::new());
    let page = MagnetPage { frame, id: None, slug, name, url, file, kept, errors };
    reply::page("admin/magnets/edit.html", page)
}

/// The form of a magnet.
pub async fn edit(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<MagnetId>,
) -> Reply {
    let magnet = find(&state, &who, id).await?;
    let file = stored(&state, &who, magnet.file_id).await?.map(|(_, name)| name);
    let page = MagnetPage {
        frame: who.frame("magnets"),
        id: Some(id.to_string()),
        slug: magnet.slug,
        name: magnet.name,
        url: magnet.url.unwrap_or_default(),
        file,
        kept: None,
        errors: Vec::new(),
    };
    reply::page("admin/magnets/edit.html", page)
}

/// The file with this id, and its name, where this site has it.
async fn stored(
    state: &AppState,
    who: &CurrentOperator,
    id: Option<FileId>,
) -> Result<Option<(FileId, String)>, WebError> {
    let Some(id) = id else { return Ok(None) };
    match engine::files::find(&state.engine, who.site.id, id).await {
        Ok(file) => Ok(Some((file.id, file.name))),
        Err(EngineError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn find(state: &AppState, who: &CurrentOperator, id: MagnetId) -> Result<Magnet, WebError> {
    let site = who.site.id;
    let magnet = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::magnets::find(session, site, id).await?) })
        })
        .await?;
    magnet.ok_or(WebError::NotFound)
}

/// Makes a magnet.
pub async fn create(State(state): State<AppState>, who: CurrentOperator, upload: Upload) -> Reply {
    save(&state, &who, None, upload).await
}

/// Changes a magnet; without a new file the old one stays.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<MagnetId>,
    upload: Upload,
) -> Reply {
    let magnet = find(&state, &who, id).await?;
    save(&state, &who, Some(magnet), upload).await
}

async fn save(
    state: &AppState,
    who: &CurrentOperator,
    known: Option<Magnet>,
    mut upload: Upload,
) -> Reply {
    let site = who.site.id;
    let slug = known.as_ref().map_or_else(|| upload.text("slug").to_owned(), |m| m.slug.clone());
    let (name, url) = (upload.text("name").to_owned(), upload.text("url").trim().to_owned());
    let put = match upload.file.take() {
        Some(file) => {
            let (kind, bytes) = (file.content_type, file.bytes);
            engine::files::put(&who.engine(state), site, &file.name, &kind, bytes).await.map(Some)
        }
        None => Ok(upload.text("kept_file").parse().ok()),
    };
    let sent = stored(state, who, put.as_ref().ok().copied().flatten()).await?;
    let its = stored(state, who, known.as_ref().and_then(|magnet| magnet.file_id)).await?;
    let gift = put.map(|_| match (&sent, &its) {
        (Some((file, _)), _) => Gift::File(*file),
        (None, Some((file, _))) if url.is_empty() => Gift::File(*file),
        _ => Gift::Link(url.clone()),
    });
    let saved = match (gift, &known) {
        (Ok(gift), Some(_)) => {
            engine::magnets::put(&who.engine(state), site, &slug, &name, gift).await
        }
        (Ok(gift), None) => {
            engine::magnets::create(&who.engine(state), site, &slug, &name, gift).await
        }
        (Err(error), _) => Err(error),
    };
    match saved {
        Ok(_) => Ok(reply::done("/admin/magnets", "Saved.")),
        Err(error) => {
            let (frame, errors) = (who.frame("magnets"), to_mend(error)?);
            let id = known.map(|magnet| magnet.id.to_string());
            let file = its.map(|(_, name)| name);
            let kept = sent.map(|(id, name)| (id.to_string(), name));
            let page = MagnetPage { frame, id, slug, name, url, file, kept, errors };
            reply::again("admin/magnets/edit.html", page)
        }
    }
}
