//! `/preferences/{token}`: what a contact chooses, and what it may ask for, without a sign-in.

use axum::extract::{Path, State};
use axum_extra::extract::Form;
use engine::preferences::{self, AGAIN_WORDING, Choices, Chosen, Pace, Who};
use model::contacts::Status;
use model::sites::Site;
use serde::{Deserialize, Serialize};

use crate::error::WebError;
use crate::extract::site::CurrentSite;
use crate::public::confirmations::{keep_to_ourselves, masked};
use crate::public::frame::PublicSite;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// The preference page.
#[derive(Debug, Serialize)]
pub struct PreferencesPage {
    site: PublicSite,
    address: String,
    action: String,
    status: Status,
    topics: Vec<TopicChoice>,
    pace: &'static str,
    paused: Option<String>,
    no_sales: bool,
    can_subscribe: bool,
    again_wording: &'static str,
    notice: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct TopicChoice {
    slug: String,
    name: String,
    description: String,
    joined: bool,
}

impl PreferencesPage {
    /// Sample data for the render-all test.
    pub fn sample() -> Self {
        let topic = TopicChoice {
            slug: "letters".to_owned(),
            name: "Letters".to_owned(),
            description: "At most once a week.".to_owned(),
            joined: true,
        };
        Self {
            site: PublicSite::sample(),
            address: "a…@e…e.com".to_owned(),
            action: "/preferences/x".to_owned(),
            status: Status::Confirmed,
            topics: vec![topic],
            pace: "usual",
            paused: None,
            no_sales: false,
            can_subscribe: false,
            again_wording: AGAIN_WORDING,
            notice: Some("Saved."),
        }
    }

    fn new(app: &AppState, site: &Site, token: &str, chosen: Chosen) -> Self {
        let Chosen { contact, topics, may_return } = chosen;
        let paused = contact.is_paused(app.engine.now());
        let until = contact.paused_until.filter(|_| paused);
        let topics = topics.into_iter().map(|(topic, joined)| TopicChoice {
            slug: topic.slug,
            name: topic.name,
            description: topic.description,
            joined,
        });
        Self {
            site: site.into(),
            address: masked(&contact.email),
            action: format!("/preferences/{token}"),
            status: contact.status,
            topics: topics.collect(),
            pace: match () {
                () if paused => "pause",
                () if contact.less_often => "less",
                () => "usual",
            },
            paused: until.map(|at| {
                let day = at.rfc3339().chars().take(10).collect::<String>();
                format!("Paused until {day}")
            }),
            no_sales: contact.no_sales,
            can_subscribe: may_return,
            again_wording: AGAIN_WORDING,
            notice: None,
        }
    }
}

async fn who(state: &AppState, site: &Site, token: &str) -> Result<Chosen, WebError> {
    match preferences::look(&state.engine, site, token).await? {
        Who::Contact(chosen) => Ok(*chosen),
        Who::UnknownKey | Who::Invalid => Err(WebError::NotFound),
    }
}

/// The page. A link that names nobody leads to where a new one can be had.
pub async fn show(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    match who(&state, &site, &token).await {
        Ok(chosen) => answer(PreferencesPage::new(&state, &site, &token, chosen)),
        Err(WebError::NotFound) => Ok(reply::to("/u/lost")),
        Err(error) => Err(error),
    }
}

/// What was chosen.
#[derive(Debug, Deserialize)]
pub struct Posted {
    #[serde(default)]
    topic: Vec<String>,
    #[serde(default)]
    pace: String,
    #[serde(default)]
    no_sales: Option<String>,
}

/// Keeps it.
pub async fn update(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
    Form(posted): Form<Posted>,
) -> Reply {
    let chosen = who(&state, &site, &token).await?;
    let less = match posted.pace.as_str() {
        "less" => true,
        // A pause leaves the pace as it was.
        "pause" => chosen.contact.less_often,
        _ => false,
    };
    let choices = Choices {
        topics: posted.topic,
        pace: if less { Pace::Less } else { Pace::Usual },
        no_sales: posted.no_sales.is_some(),
        pause: Some(posted.pace == "pause"),
    };
    preferences::choose(&state.engine, &site, chosen.contact.id, choices).await?;
    said(&state, &site, &token, "Saved.").await
}

/// Stops everything.
pub async fn stop(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let chosen = who(&state, &site, &token).await?;
    engine::unsubscribe::from_page(&state.engine, &site, chosen.contact.id, None).await?;
    said(&state, &site, &token, "Done: no more newsletters and offers.").await
}

/// Starts again.
pub async fn again(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(token): Path<String>,
) -> Reply {
    let chosen = who(&state, &site, &token).await?;
    preferences::subscribe_again(&state.engine, &site, chosen.contact.id).await?;
    said(&state, &site, &token, "Welcome back.").await
}

async fn said(state: &AppState, site: &Site, token: &str, notice: &'static str) -> Reply {
    let chosen = who(state, site, token).await?;
    let page = PreferencesPage::new(state, site, token, chosen);
    answer(PreferencesPage { notice: Some(notice), ..page })
}

fn answer(page: PreferencesPage) -> Reply {
    let mut response = reply::page("public/preferences/show.html", page)?;
    keep_to_ourselves(response.headers_mut());
    Ok(response)
}
