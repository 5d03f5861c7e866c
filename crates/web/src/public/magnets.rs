//! `GET /m/{token}` is a page; `POST /m/{token}` downloads, confirms and counts.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::EngineError;
use engine::magnets::{self, Gift, Standing};
use model::ids::FileId;
use model::magnets::{Magnet, MagnetKind};
use model::sites::Site;
use serde::Serialize;

use crate::error::WebError;
use crate::extract::site::CurrentSite;
use crate::public::confirmations::keep_to_ourselves;
use crate::public::forms::allow_form_to;
use crate::public::frame::PublicSite;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// The page of a magnet's link.
#[derive(Debug, Serialize)]
pub struct MagnetPage {
    site: PublicSite,
    state: &'static str,
    name: String,
    action: String,
    note: Option<String>,
    label: &'static str,
    /// Whether fetching it confirms the address.
    confirms: bool,
    /// What one agrees to with that, word for word.
    wordings: Vec<String>,
}

impl MagnetPage {
    /// Sample data for the render-all test.
    pub fn sample() -> Self {
        Self {
            site: PublicSite::sample(),
            state: "ready",
            name: "The first chapter".to_owned(),
            action: "/m/x".to_owned(),
            note: Some("PDF · 30 days".to_owned()),
            label: "Download",
            confirms: true,
            wordings: vec!["Yes, send me the letters.".to_owned()],
        }
    }

    fn new(site: &Site, state: &'static str, token: &str, magnet: Option<&Magnet>) -> Self {
        let is_link = magnet.is_some_and(|magnet| magnet.kind == MagnetKind::Link);
        Self {
            site: site.into(),
            state,
            name: magnet.map_or_else(String::new, |magnet| magnet.name.clone()),
            action: format!("/m/{token}"),
            note: magnet.map(|_| "Yours for 30 days".to_owned()),
            label: if is_link { "Open" } else { "Download" },
            confirms: false,
            wordings: Vec::new(),
        }
    }
}

/// The page with the button.
pub async fn show(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let mut elsewhere = None;
    let page = match magnets::look(&state.engine, &site, &token).await? {
        Standing::Ready(claim, magnet) => {
            let mut page = MagnetPage::new(&site, "ready", &token, Some(&magnet));
            if let Some(id) = claim.confirmation_id {
                let waiting = magnets::waiting_for(&state.engine, &site, id).await?;
                page.confirms = waiting.is_some();
                page.wordings = waiting.unwrap_or_default();
            }
            elsewhere = magnet.url;
            page
        }
        Standing::Over(magnet) => MagnetPage::new(&site, "over", &token, Some(&magnet)),
        Standing::Invalid => bought(&state, &site, &token).await?,
    };
    let mut response = reply::page("public/magnets/show.html", page)?;
    if let Some(url) = elsewhere {
        allow_form_to(&mut response, &url);
    }
    keep_to_ourselves(response.headers_mut());
    Ok(response)
}

/// The page of a purchased file; what stands against it is said, in the page's own words.
async fn bought(state: &AppState, site: &Site, token: &str) -> Result<MagnetPage, WebError> {
    match engine::downloads::open(&state.engine, site, token).await {
        Ok(opened) => Ok(MagnetPage {
            name: opened.title,
            note: Some(opened.product),
            ..MagnetPage::new(site, "ready", token, None)
        }),
        Err(EngineError::Refused(refused)) if refused.code.starts_with("token") => {
            Ok(MagnetPage::new(site, "invalid", token, None))
        }
        Err(error) => Err(error.into()),
    }
}

/// The button.
pub async fn create(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let Standing::Ready(claim, magnet) = magnets::look(&state.engine, &site, &token).await? else {
        return match engine::downloads::take(&state.engine, &site, &token).await {
            Ok((file, bytes)) => as_attachment(file, bytes),
            Err(EngineError::Refused(_)) => Ok(reply::to(&format!("/m/{token}"))),
            Err(error) => Err(error.into()),
        };
    };
    match magnets::fetch(&state.engine, &site, claim, magnet).await? {
        Gift::Link(url) => {
            let to = HeaderValue::from_str(&url).map_err(|_| WebError::NotFound)?;
            Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response())
        }
        Gift::File(id) => download(&state, &site, id).await,
    }
}

/// A stored file, to be saved: never shown within the page's own origin.
pub async fn download(state: &AppState, site: &Site, id: FileId) -> Result<Response, WebError> {
    let (file, bytes) = engine::files::read(&state.engine, site.id, id).await?;
    as_attachment(file, bytes)
}

fn as_attachment(file: store::files::File, bytes: Vec<u8>) -> Result<Response, WebError> {
    let plain: String =
        file.name.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).collect();
    let encoded = model::urls::encode_component(&file.name);
    let named = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| WebError::NotFound);
    let headers = [
        (header::CONTENT_TYPE, value(&file.content_type)?),
        (header::CONTENT_DISPOSITION, value(&named)?),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, bytes).into_response())
}
