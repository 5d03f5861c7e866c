//! `/admin/sources/sites`: sites that are not ours whose views are counted, and the line of script
//! that reports them.

use axum::extract::State;
use axum_extra::extract::Form;
use model::operators::Role;
use serde::{Deserialize, Serialize};

use crate::extract::operator::CurrentOperator;
use crate::forms::{FieldError, to_mend};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

const HERE: &str = "/admin/sources/sites";

/// The sites.
#[derive(Debug, Serialize)]
pub struct OriginsPage {
    frame: Frame,
    may_change: bool,
    snippet: String,
    form: OriginsForm,
    errors: Vec<FieldError>,
}

/// The sites as typed, one a line.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OriginsForm {
    view_origins: String,
}

impl OriginsPage {
    pub(crate) fn sample() -> Self {
        let form = OriginsForm { view_origins: "https://blog.example".to_owned() };
        let errors = vec![FieldError::new("view_origins", "this is no site")];
        let snippet = snippet("https://shop.example/e.js");
        Self { frame: Frame::sample("sources"), may_change: true, snippet, form, errors }
    }

    fn of(who: &CurrentOperator, form: OriginsForm, errors: Vec<FieldError>) -> Self {
        let may_change = who.present.operator.role.may(Role::Admin);
        let snippet = snippet(&who.site.url("/e.js"));
        Self { frame: who.frame("sources"), may_change, snippet, form, errors }
    }
}

fn snippet(address: &str) -> String {
    format!("<script src=\"{address}\" defer></script>")
}

/// The sites and the script.
pub async fn show(who: CurrentOperator) -> Reply {
    let form = OriginsForm { view_origins: who.site.settings.view_origins.join("\n") };
    reply::page("admin/sources/sites.html", OriginsPage::of(&who, form, Vec::new()))
}

/// Changes the sites.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<OriginsForm>,
) -> Reply {
    who.require(Role::Admin)?;
    let lines = form.view_origins.lines().map(str::trim).filter(|line| !line.is_empty());
    let origins = lines.map(|line| line.trim_end_matches('/').to_lowercase()).collect();
    match engine::sites::count_views_of(&state.engine, who.actor(), &who.site, origins).await {
        Ok(()) => Ok(reply::done(HERE, "Saved.")),
        Err(error) => {
            let page = OriginsPage::of(&who, form, to_mend(error)?);
            reply::again("admin/sources/sites.html", page)
        }
    }
}
