//! `/preferences/{token}/export` and `…/erase`: asked for with the link of a mail, done with a
//! second link that goes to the address itself.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use engine::preferences::{self, Who};
use engine::privacy::{self, Wish};
use model::contacts::Contact;
use model::sites::Site;
use serde::{Deserialize, Serialize};

use crate::error::WebError;
use crate::extract::site::CurrentSite;
use crate::public::confirmations::{keep_to_ourselves, masked};
use crate::public::frame::PublicSite;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// The page of what one may ask for.
#[derive(Debug, Serialize)]
pub struct PrivacyPage {
    site: PublicSite,
    state: &'static str,
    address: String,
    action: String,
}

impl PrivacyPage {
    /// Sample data for the render-all test.
    pub fn sample() -> Self {
        Self {
            site: PublicSite::sample(),
            state: "erase",
            address: "a…@e…e.com".to_owned(),
            action: "/preferences/x/erase".to_owned(),
        }
    }

    fn new(site: &Site, state: &'static str, who: Option<&Contact>, action: String) -> Self {
        let address = who.map_or_else(String::new, |who| masked(&who.email));
        Self { site: site.into(), state, address, action }
    }
}

/// The page behind the second link: export.
pub async fn show_export(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    show(&state, &site, &token, "export").await
}

/// The page behind the second link: erase.
pub async fn show_erase(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    show(&state, &site, &token, "erase").await
}

async fn show(state: &AppState, site: &Site, token: &str, what: &'static str) -> Reply {
    let who = privacy::look(&state.engine, site, token).await?;
    let word = if who.is_some() { what } else { "invalid" };
    let action = format!("/preferences/{token}/{what}");
    answer(PrivacyPage::new(site, word, who.as_ref(), action))
}

/// In which form one wants one's data.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    format: String,
}

/// With the first link: sends the second. With the second: hands out what we know.
pub async fn export(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
    Form(wanted): Form<Wanted>,
) -> Reply {
    let Some(who) = privacy::look(&state.engine, &site, &token).await? else {
        return ask(&state, &site, &token, Wish::Export).await;
    };
    let known = privacy::export(&state.engine, site.id, who.id).await?;
    if wanted.format == "csv" {
        return Ok(attached("text/csv; charset=utf-8", "my-data.csv", privacy::as_csv(&known)));
    }
    let text = serde_json::to_string_pretty(&known).unwrap_or_default();
    Ok(attached("application/json", "my-data.json", text))
}

/// With the first link: sends the second. With the second: erases.
pub async fn erase(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let Some(who) = privacy::look(&state.engine, &site, &token).await? else {
        return ask(&state, &site, &token, Wish::Erase).await;
    };
    privacy::erase(&state.engine, &site, who.id).await?;
    answer(PrivacyPage::new(&site, "erased", None, String::new()))
}

async fn ask(state: &AppState, site: &Site, token: &str, wish: Wish) -> Reply {
    match preferences::look(&state.engine, site, token).await? {
        Who::Contact(chosen) => {
            privacy::ask(&state.engine, site, chosen.contact.id, wish).await?;
            answer(PrivacyPage::new(site, "asked", Some(&chosen.contact), String::new()))
        }
        Who::UnknownKey | Who::Invalid => {
            answer(PrivacyPage::new(site, "invalid", None, String::new()))
        }
    }
}

fn attached(kind: &'static str, name: &str, text: String) -> Response {
    let named = format!("attachment; filename=\"{name}\"");
    let named = HeaderValue::from_str(&named).unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, named),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, text).into_response()
}

fn answer(page: PrivacyPage) -> Result<Response, WebError> {
    let mut response = reply::page("public/privacy/show.html", page)?;
    keep_to_ourselves(response.headers_mut());
    Ok(response)
}
