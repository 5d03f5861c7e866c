//! A form with a file in it (`multipart/form-data`): its texts, and the file.

use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;

use crate::error::WebError;
use crate::state::AppState;

/// What was sent.
#[derive(Debug, Default)]
pub struct Upload {
    texts: Vec<(String, String)>,
    /// The file, where one was chosen.
    pub file: Option<UploadedFile>,
}

/// A file as it was sent.
#[derive(Debug)]
pub struct UploadedFile {
    /// Its name on the operator's machine.
    pub name: String,
    /// What the browser takes it for.
    pub content_type: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl Upload {
    /// The text of a field; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        let found = self.texts.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

impl FromRequest<AppState> for Upload {
    type Rejection = WebError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, WebError> {
        let broken =
            || WebError::Bad(StatusCode::BAD_REQUEST, "the upload broke off: please try again");
        let mut parts = Multipart::from_request(request, state).await.map_err(|_| broken())?;
        let mut upload = Self::default();
        while let Some(part) = parts.next_field().await.map_err(|_| broken())? {
            let key = part.name().unwrap_or_default().to_owned();
            let Some(name) = part.file_name().map(str::to_owned) else {
                let text = part.text().await.map_err(|_| broken())?;
                upload.texts.push((key, text));
                continue;
            };
            let content_type = part.content_type().unwrap_or("application/octet-stream");
            let content_type = content_type.to_owned();
            let bytes = part.bytes().await.map_err(|_| too_large())?.to_vec();
            if !bytes.is_empty() {
                upload.file = Some(UploadedFile { name, content_type, bytes });
            }
        }
        Ok(upload)
    }
}

fn too_large() -> WebError {
    WebError::Bad(StatusCode::PAYLOAD_TOO_LARGE, "this file is too large: 100 MB is the most")
}
