//! Views of pages: how one is counted, and `GET /e.js`, `POST /e`, by which pages that are not ours
//! report theirs. No cookie, no identifier: what is kept of a view names nobody.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::{Engine, left_out, views};
use model::bots::LeftOut;
use model::channels::is_spam;
use model::sites::Site;
use model::sources::{Touch, landing_path};
use model::spans::day_of;
use model::views::{Origin, View};
use model::zones::Zone;
use serde::Deserialize;

use crate::assets;
use crate::error::WebError;
use crate::extract::asker::Asker;
use crate::extract::site::CurrentSite;
use crate::public::embeds::shared;
use crate::public::floods;
use crate::reply::Reply;
use crate::state::AppState;

/// The most a report may hold: two long addresses.
pub const REPORT_MAX: usize = 8 << 10;

/// A view that someone or something made.
#[derive(Debug)]
pub struct Viewed<'a> {
    /// The site that counts it.
    pub site: &'a Site,
    /// The path of the page, or host and path where it is another site's.
    pub page: String,
    /// Where they came from.
    pub touch: &'a Touch,
    /// Who.
    pub asker: &'a Asker,
    /// Why it is no person's, if it is not.
    pub left_out: Option<LeftOut>,
}

/// Counts a view, or that it was left out and why.
pub fn count(engine: &Engine, viewed: Viewed<'_>) {
    let Viewed { site, page, touch, asker, left_out } = viewed;
    let zone = Zone::parse(&site.timezone).unwrap_or_else(|_| Zone::utc());
    let day = day_of(touch.at, &zone);
    let visitor = asker.visitor();
    let is_hasty = |visitor: &str| left_out::is_hasty(engine, site.id, visitor, &page);
    let left_out = left_out
        .or_else(|| touch.referrer.as_deref().filter(|host| is_spam(host)).map(|_| LeftOut::Spam))
        .or_else(|| visitor.as_deref().filter(|who| is_hasty(who)).map(|_| LeftOut::Haste));
    if let Some(reason) = left_out {
        return left_out::count(engine, site.id, day.to_string(), reason);
    }
    let origin = Origin {
        source: touch.utm.source.clone().or(touch.referrer.clone()).unwrap_or_default(),
        medium: touch.utm.medium.clone().unwrap_or_else(|| {
            if touch.referrer.is_some() { "referral".to_owned() } else { String::new() }
        }),
        campaign: touch.utm.campaign.clone().unwrap_or_default(),
    };
    views::count(engine, site.id, View { at: touch.at, day, page, origin, visitor });
}

/// The script for pages that are not ours.
pub async fn script() -> Response {
    shared("text/javascript; charset=utf-8", assets::text("e.js").unwrap_or_default())
}

/// What the script sends.
#[derive(Debug, Deserialize)]
struct Report {
    /// The address of the page, with no more than its campaign's tags.
    u: String,
    /// The site before.
    #[serde(default)]
    r: String,
}

/// A page of another site was viewed.
pub async fn create(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    asker: Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    if floods::refuses_report(&asker.net) {
        return Ok(floods::too_many());
    }
    let unread = || WebError::Bad(StatusCode::BAD_REQUEST, "this is no report of a view");
    let report: Report = serde_json::from_slice(&body).map_err(|_| unread())?;
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    let origin = origin.unwrap_or_default();
    if !may_report(&site, origin) {
        let why = "this site's views are not counted here: add it under Sources";
        return Err(WebError::Bad(StatusCode::FORBIDDEN, why));
    }
    // Nobody reports for a page of somebody else.
    let path = report.u.strip_prefix(origin).ok_or_else(unread)?;
    if !(path.is_empty() || path.starts_with(['/', '?', '#'])) {
        return Err(unread());
    }
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    let name = host.split(':').next().unwrap_or_default();
    let touch =
        Touch::read(state.engine.now(), path, Some(report.r.as_str()), &[site.host(), name]);
    let page = landing_path(&report.u);
    let page = if name == site.host() { page } else { format!("{host}{page}") };
    let left_out = asker.report_left_out();
    count(&state.engine, Viewed { site: &site, page, touch: &touch, asker: &asker, left_out });
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Whether pages of an origin are counted: those of the site itself, and of the sites its owner
/// named.
fn may_report(site: &Site, origin: &str) -> bool {
    let own = site.base_url.split('/').take(3).collect::<Vec<_>>().join("/");
    !origin.is_empty() && (origin == own || site.settings.view_origins.iter().any(|o| o == origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_small_and_keeps_nothing_in_the_browser() {
        let script = assets::text("e.js").unwrap();
        assert!(script.len() < 2_048, "{} bytes", script.len());
        let code = script.split_once("*/").unwrap().1;
        for word in ["cookie", "Storage", "indexedDB", "screen", "userAgent", "canvas", "fetch("] {
            assert!(!code.contains(word), "{word}");
        }
        for word in ["globalPrivacyControl", "doNotTrack", "sendBeacon", "prerendering"] {
            assert!(code.contains(word), "{word}");
        }
    }
}
