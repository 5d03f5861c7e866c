//! `/r/{code}`: a customer's personal link. It leads to the home page and hands the code on in the
//! address; no cookie.

use axum::extract::{Path, State};

use crate::extract::site::CurrentSite;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Leads on.
pub async fn show(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(code): Path<String>,
) -> Reply {
    let signed = engine::referrals::signed(&state.engine, &site, &code).await?;
    let page = site.settings.home_page.as_deref();
    let path = page.map_or_else(|| "/catalogue".to_owned(), |slug| format!("/p/{slug}"));
    Ok(reply::to(&match signed {
        Some(signed) => format!("{path}?r={signed}"),
        None => path,
    }))
}
