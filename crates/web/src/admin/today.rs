//! `/admin`: what needs a look today.

use axum::extract::State;
use serde::Serialize;

use crate::extract::operator::CurrentOperator;
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// The first page.
#[derive(Debug, Serialize)]
pub struct TodayPage {
    frame: Frame,
    name: String,
}

impl TodayPage {
    pub(crate) fn sample() -> Self {
        Self { frame: Frame::sample("today"), name: "Maren".to_owned() }
    }
}

/// What needs a look.
pub async fn index(State(_state): State<AppState>, who: CurrentOperator) -> Reply {
    let name = who.present.operator.shown_name().to_owned();
    reply::page("admin/today/index.html", TodayPage { frame: who.frame("today"), name })
}
