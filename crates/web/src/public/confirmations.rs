//! `GET /confirm/{token}`, `POST /confirm/{token}`: a page with a button. Fetching the page
//! confirms nobody, whoever fetches it.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue};
use engine::confirmations::{self, Asked, Standing};
use model::EmailAddr;
use model::ids::WordingId;
use model::sites::Site;
use serde::Serialize;

use crate::error::WebError;
use crate::extract::site::CurrentSite;
use crate::public::frame::PublicSite;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// The page of a confirmation link.
#[derive(Debug, Serialize)]
pub struct ConfirmationPage {
    site: PublicSite,
    state: &'static str,
    /// The address, masked.
    address: String,
    action: String,
    magnet: Option<String>,
    magnet_url: Option<String>,
    /// What one agrees to, word for word.
    wordings: Vec<String>,
}

impl ConfirmationPage {
    /// Sample data for the render-all test.
    pub fn sample() -> Self {
        Self {
            site: PublicSite::sample(),
            state: "open",
            address: "a…@e…e.com".to_owned(),
            action: "/confirm/x".to_owned(),
            magnet: Some("the first chapter".to_owned()),
            magnet_url: None,
            wordings: vec!["Yes, send me the letters.".to_owned()],
        }
    }

    fn new(site: &Site, state: &'static str, token: &str, asked: Option<&Asked>) -> Self {
        let address = asked.map_or_else(String::new, |asked| masked(&asked.contact.email));
        let magnet = asked.and_then(|asked| asked.magnet.as_ref());
        Self {
            site: site.into(),
            state,
            address,
            action: format!("/confirm/{token}"),
            magnet: magnet.map(|(_, magnet)| magnet.name.clone()),
            magnet_url: None,
            wordings: Vec::new(),
        }
    }
}

/// An address as strangers may see it.
pub fn masked(email: &str) -> String {
    EmailAddr::parse(email).map(|address| address.masked()).unwrap_or_default()
}

/// The page with the button.
pub async fn show(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let page = match confirmations::look(&state.engine, &site, &token).await? {
        Standing::Open(asked) => {
            let wordings = wordings(&state, &site, &asked).await?;
            let page = ConfirmationPage::new(&site, "open", &token, Some(&asked));
            ConfirmationPage { wordings, ..page }
        }
        Standing::Confirmed(asked) => given(&state, &site, &token, &asked).await?,
        Standing::Expired(asked) => ConfirmationPage::new(&site, "expired", &token, Some(&asked)),
        Standing::Invalid => ConfirmationPage::new(&site, "invalid", &token, None),
    };
    answer(page)
}

/// The button: confirms. Pressed again, it says the same.
pub async fn create(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let page = match confirmations::look(&state.engine, &site, &token).await? {
        Standing::Open(asked) | Standing::Confirmed(asked) => {
            given(&state, &site, &token, &asked).await?
        }
        Standing::Expired(asked) => ConfirmationPage::new(&site, "expired", &token, Some(&asked)),
        Standing::Invalid => ConfirmationPage::new(&site, "invalid", &token, None),
    };
    answer(page)
}

/// A new link in place of one that has expired.
pub async fn again(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let Standing::Expired(asked) = confirmations::look(&state.engine, &site, &token).await? else {
        return Ok(reply::to(&format!("/confirm/{token}")));
    };
    let page = ConfirmationPage::new(&site, "sent", &token, Some(&asked));
    confirmations::send_again(&state.engine, &site, *asked).await?;
    answer(page)
}

async fn given(
    state: &AppState,
    site: &Site,
    token: &str,
    asked: &Asked,
) -> Result<ConfirmationPage, WebError> {
    let confirmed = confirmations::confirm(&state.engine, site, asked.confirmation.id).await?;
    let page = ConfirmationPage::new(site, "confirmed", token, Some(asked));
    let path = confirmed
        .magnet_url
        .and_then(|url| url.strip_prefix(site.base_url.as_str()).map(str::to_owned));
    Ok(ConfirmationPage { magnet_url: path, ..page })
}

/// What an open confirmation agrees to, word for word.
async fn wordings(state: &AppState, site: &Site, asked: &Asked) -> Result<Vec<String>, WebError> {
    let ids: Vec<WordingId> = asked.confirmation.grants.iter().map(|grant| grant.wording).collect();
    let site = site.id;
    state
        .reader
        .read(move |session| {
            Box::pin(async move {
                let mut texts = Vec::new();
                for id in ids {
                    let found = store::consents::find_wording(session, site, id).await?;
                    texts.extend(found.map(|wording| wording.text));
                }
                Ok(texts)
            })
        })
        .await
}

fn answer(page: ConfirmationPage) -> Reply {
    let mut response = reply::page("public/confirmations/show.html", page)?;
    keep_to_ourselves(response.headers_mut());
    Ok(response)
}

/// The address of a token page is told to no other site.
pub fn keep_to_ourselves(headers: &mut HeaderMap) {
    headers.insert("referrer-policy", HeaderValue::from_static("same-origin"));
}
