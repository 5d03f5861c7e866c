//! `GET /media/{file}`: pictures and films that a page or a product shows. Whatever else is stored
//! (what is sold, what is given for an address) is fetched by its signed link alone, and is not
//! found here.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use model::ids::FileId;

use crate::error::WebError;
use crate::extract::site::CurrentSite;
use crate::state::AppState;

/// What a page may show. SVG may hold script: it is shown within pages, where none runs, and is
/// only ever saved when it is opened by itself.
const SHOWN: [&str; 8] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/svg+xml",
    "video/mp4",
    "video/webm",
];
/// A file never changes under its id.
const KEEP: &str = "public, max-age=31536000, immutable";
/// Whatever the file holds, nothing in it runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// The file.
pub async fn show(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let id: FileId = id.parse().map_err(|_| WebError::NotFound)?;
    let file = engine::files::find(&state.engine, site.id, id).await?;
    if !file.is_public || !SHOWN.contains(&file.content_type.as_str()) {
        return Err(WebError::NotFound);
    }
    let bytes = engine::files::shown(&state.engine, &file).await?;
    let kind = HeaderValue::from_str(&file.content_type).map_err(|_| WebError::NotFound)?;
    let saved = file.content_type == "image/svg+xml";
    let place = if saved { "attachment" } else { "inline" };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, HeaderValue::from_static(KEEP)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(place)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((headers, bytes).into_response())
}
