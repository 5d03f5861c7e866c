//! `GET /u/{token}` is a page; `POST /u/{token}` with any body, or none, unsubscribes at once
//! (RFC 8058): no cookie, no redirect, no sign-in, as often as one likes.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum_extra::extract::Form;
use engine::unsubscribe::{self, Who};
use model::EmailAddr;
use model::contacts::{Contact, Status};
use model::sites::Site;
use serde::{Deserialize, Serialize};

use crate::extract::net::ClientNet;
use crate::extract::site::CurrentSite;
use crate::public::confirmations::{keep_to_ourselves, masked};
use crate::public::floods::{self, Verdict};
use crate::public::frame::PublicSite;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// The page of an unsubscribe link.
#[derive(Debug, Serialize)]
pub struct UnsubscribePage {
    site: PublicSite,
    state: &'static str,
    /// The address, masked: the mail may have been forwarded.
    address: String,
    action: String,
    preferences: String,
    can_undo: bool,
    error: Option<String>,
}

impl UnsubscribePage {
    /// Sample data for the render-all test.
    pub fn sample() -> Self {
        Self {
            site: PublicSite::sample(),
            state: "ask",
            address: "a…@e…e.com".to_owned(),
            action: "/u/x".to_owned(),
            preferences: "/preferences/x".to_owned(),
            can_undo: true,
            error: None,
        }
    }

    fn bare(site: &Site, state: &'static str) -> Self {
        Self {
            site: site.into(),
            state,
            address: String::new(),
            action: String::new(),
            preferences: String::new(),
            can_undo: false,
            error: None,
        }
    }

    fn of(app: &AppState, site: &Site, state: &'static str, token: &str, who: &Contact) -> Self {
        let preferences = engine::links::preferences_url(&app.engine, site, who.id);
        let path = preferences.strip_prefix(site.base_url.as_str()).unwrap_or_default();
        Self {
            address: masked(&who.email),
            action: format!("/u/{token}"),
            preferences: path.to_owned(),
            can_undo: unsubscribe::can_undo(who, app.engine.now()),
            ..Self::bare(site, state)
        }
    }
}

/// The page with the button.
pub async fn show(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let page = match unsubscribe::look(&state.engine, &site, &token).await? {
        Who::Contact(who, _) => {
            let word = if who.status == Status::Unsubscribed { "done" } else { "ask" };
            UnsubscribePage::of(&state, &site, word, &token, &who)
        }
        Who::UnknownKey | Who::Invalid => UnsubscribePage::bare(&site, "unknown"),
    };
    answer(page)
}

/// The one press.
pub async fn create(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
    body: Bytes,
) -> Reply {
    let Who::Contact(who, message) = unsubscribe::look(&state.engine, &site, &token).await? else {
        return answer(UnsubscribePage::bare(&site, "unknown"));
    };
    if body.as_ref() == b"from=page" {
        unsubscribe::from_page(&state.engine, &site, who.id, message).await?;
    } else {
        unsubscribe::one_click(&state.engine, &site, &token).await?;
    }
    let page = UnsubscribePage::of(&state, &site, "done", &token, &who);
    answer(UnsubscribePage { can_undo: true, ..page })
}

/// Takes it back within a week.
pub async fn undo(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let Who::Contact(who, _) = unsubscribe::look(&state.engine, &site, &token).await? else {
        return answer(UnsubscribePage::bare(&site, "unknown"));
    };
    unsubscribe::undo(&state.engine, &site, who.id).await?;
    answer(UnsubscribePage::of(&state, &site, "back", &token, &who))
}

/// An address typed in where a link cannot be read.
#[derive(Debug, Deserialize)]
pub struct Typed {
    email: String,
}

/// Sends working links to a typed address, if it is known; says nothing of whether it is.
pub async fn links(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    net: ClientNet,
    Form(typed): Form<Typed>,
) -> Reply {
    match EmailAddr::parse(&typed.email) {
        Ok(address) if floods::count(&net) == Verdict::Fine => {
            unsubscribe::send_links(&state.engine, &site, &address).await?;
            answer(UnsubscribePage::bare(&site, "sent"))
        }
        Ok(_) => answer(UnsubscribePage::bare(&site, "sent")),
        Err(refused) => {
            let page = UnsubscribePage::bare(&site, "unknown");
            answer(UnsubscribePage { error: Some(refused.message), ..page })
        }
    }
}

fn answer(page: UnsubscribePage) -> Reply {
    let mut response = reply::page("public/unsubscribe/show.html", page)?;
    keep_to_ourselves(response.headers_mut());
    Ok(response)
}
