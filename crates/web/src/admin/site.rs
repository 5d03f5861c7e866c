//! `POST /admin/site`: puts another site in view.

use axum::extract::State;
use axum_extra::extract::Form;
use model::SiteId;
use serde::Deserialize;

use crate::extract::operator::OwnAccount;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Which one.
#[derive(Debug, Deserialize)]
pub struct Choice {
    site: SiteId,
}

/// Puts it in view, where the operator may open it.
pub async fn update(
    State(state): State<AppState>,
    who: OwnAccount,
    Form(choice): Form<Choice>,
) -> Reply {
    engine::sessions::choose_site(&state.engine, &who.present, choice.site).await?;
    Ok(reply::to("/admin"))
}
