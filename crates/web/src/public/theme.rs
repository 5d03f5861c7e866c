//! `GET /theme.css`: the site's own colours and letters.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use model::sites::Site;

use crate::extract::site::CurrentSite;
use crate::theme::{Letters, Theme};

/// How long a browser may keep it: a change of colour is seen within minutes.
const KEEP: &str = "public, max-age=300";

/// The style sheet.
pub async fn show(CurrentSite(site): CurrentSite) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, KEEP)];
    (headers, of(&site).stylesheet()).into_response()
}

/// The theme of a site, from its settings: `accent`, `letters`, `corners`.
pub fn of(site: &Site) -> Theme {
    let setting = |name: &str| site.settings.theme.get(name).map(String::as_str);
    Theme {
        accent: setting("accent").unwrap_or_default().to_owned(),
        letters: match setting("letters") {
            Some("bookish") => Letters::Bookish,
            Some("system") => Letters::System,
            _ => Letters::Modern,
        },
        corners: setting("corners").and_then(|text| text.parse().ok()).unwrap_or(12),
    }
}
