//! `/admin/operators`: who signs in, and what they may do.

use axum::extract::{Path, State};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::operators::{MaySignIn, NewOperator};
use model::ids::OperatorId;
use model::operators::{Operator, Role};
use model::{SiteId, UtcMs};
use serde::{Deserialize, Serialize};

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{FieldError, to_mend};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Who signs in.
#[derive(Debug, Serialize)]
pub struct OperatorsPage {
    frame: Frame,
    may_change: bool,
    rows: Vec<OperatorRow>,
}

/// One of them.
#[derive(Debug, Serialize)]
pub struct OperatorRow {
    id: String,
    name: String,
    email: String,
    role: &'static str,
    state: &'static str,
    second_step: bool,
    signed_in_at: Option<UtcMs>,
}

impl From<Operator> for OperatorRow {
    fn from(operator: Operator) -> Self {
        Self {
            id: operator.id.to_string(),
            name: operator.shown_name().to_owned(),
            role: operator.role.as_str(),
            state: match (operator.disabled, &operator.password_hash) {
                (true, _) => "retired",
                (false, None) => "invited",
                (false, Some(_)) => "active",
            },
            second_step: operator.has_second_step(),
            signed_in_at: operator.signed_in_at,
            email: operator.email,
        }
    }
}

fn sample_row() -> OperatorRow {
    OperatorRow {
        id: "opr_0000000000001".to_owned(),
        name: "Maren Holt".to_owned(),
        email: "owner@shop.example".to_owned(),
        role: "owner",
        state: "active",
        second_step: true,
        signed_in_at: Some(UtcMs(1_795_293_000_000)),
    }
}

impl OperatorsPage {
    pub(crate) fn sample() -> Self {
        Self { frame: Frame::sample("settings"), may_change: true, rows: vec![sample_row()] }
    }
}

/// The list.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    who.require(Role::Admin)?;
    let by = who.present.operator.clone();
    let operators = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut reached = Vec::new();
                for operator in store::operators::list(session).await? {
                    if engine::operators::reaches(session, &by, &operator).await? {
                        reached.push(operator);
                    }
                }
                Ok(reached)
            })
        })
        .await?;
    let page = OperatorsPage {
        frame: who.frame("settings"),
        may_change: true,
        rows: operators.into_iter().map(OperatorRow::from).collect(),
    };
    reply::page("admin/operators/index.html", page)
}

/// One operator, to be made or changed.
#[derive(Debug, Serialize)]
pub struct OperatorPage {
    frame: Frame,
    /// Nothing where they are to be invited.
    row: Option<OperatorRow>,
    form: RightsForm,
    roles: Vec<&'static str>,
    /// A link to hand over, shown once.
    link: Option<String>,
    errors: Vec<FieldError>,
}

/// What the form holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RightsForm {
    email: String,
    name: String,
    role: String,
    sites: Vec<String>,
    may_sign_in: Option<String>,
}

impl OperatorPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("settings"),
            row: Some(sample_row()),
            form: RightsForm { role: "editor".to_owned(), ..RightsForm::default() },
            roles: Role::ALL.iter().map(|role| role.as_str()).collect(),
            link: Some("https://shop.example/admin/password/sample".to_owned()),
            errors: vec![FieldError::new("role", "someone must stay owner")],
        }
    }

    fn of(who: &CurrentOperator, row: Option<OperatorRow>, form: RightsForm) -> Self {
        let own = who.present.operator.role;
        Self {
            frame: who.frame("settings"),
            row,
            form,
            roles: Role::ALL.iter().filter(|r| own.may(**r)).map(|r| r.as_str()).collect(),
            link: None,
            errors: Vec::new(),
        }
    }
}

/// The form that invites.
pub async fn new(who: CurrentOperator) -> Reply {
    who.require(Role::Admin)?;
    let form = RightsForm {
        role: Role::Editor.as_str().to_owned(),
        sites: vec![who.site.id.to_string()],
        ..RightsForm::default()
    };
    reply::page("admin/operators/show.html", OperatorPage::of(&who, None, form))
}

/// Invites: the page then shows the link to hand over.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<RightsForm>,
) -> Reply {
    let role = role_within(&who, &form.role)?;
    let new = NewOperator {
        email: form.email.clone(),
        name: form.name.clone(),
        role,
        password: None,
        sites: sites_within(&who, &form.sites),
    };
    match engine::operators::add(&state.engine, who.actor(), new).await {
        Ok(id) => show_with_link(&state, &who, id).await,
        Err(error) => {
            let errors = to_mend(error)?;
            let page = OperatorPage { errors, ..OperatorPage::of(&who, None, form) };
            reply::again("admin/operators/show.html", page)
        }
    }
}

/// One operator.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<OperatorId>,
) -> Reply {
    who.require(Role::Admin)?;
    reply::page("admin/operators/show.html", page_of(&state, &who, id).await?)
}

/// Makes a fresh link by which they choose a password, to be handed over.
pub async fn invite(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<OperatorId>,
) -> Reply {
    who.require(Role::Admin)?;
    show_with_link(&state, &who, id).await
}

async fn show_with_link(state: &AppState, who: &CurrentOperator, id: OperatorId) -> Reply {
    let mut page = page_of(state, who, id).await?;
    let role =
        page.row.as_ref().map_or(Role::Owner, |row| Role::parse(row.role).unwrap_or(Role::Owner));
    role_within(who, role.as_str())?;
    let token = engine::operators::invite_link(&state.engine, who.actor(), id).await?;
    let home = state.settings.admin_host.as_deref();
    page.link = Some(who.site.admin_url(home, &format!("/admin/password/{token}")));
    reply::page("admin/operators/show.html", page)
}

async fn page_of(
    state: &AppState,
    who: &CurrentOperator,
    id: OperatorId,
) -> Result<OperatorPage, WebError> {
    let by = who.present.operator.clone();
    let (operator, sites) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let missing = || EngineError::missing("operator", id);
                let operator = store::operators::find(session, id).await?.ok_or_else(missing)?;
                if !engine::operators::reaches(session, &by, &operator).await? {
                    return Err(missing());
                }
                let sites = store::operators::sites_of(session, &operator).await?;
                Ok((operator, sites))
            })
        })
        .await?;
    let form = RightsForm {
        email: operator.email.clone(),
        name: operator.name.clone(),
        role: operator.role.as_str().to_owned(),
        sites: sites.iter().map(|site| site.id.to_string()).collect(),
        may_sign_in: (!operator.disabled).then(|| "on".to_owned()),
    };
    Ok(OperatorPage::of(who, Some(operator.into()), form))
}

/// Sets what an operator may do.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<OperatorId>,
    Form(form): Form<RightsForm>,
) -> Reply {
    let now = page_of(&state, &who, id).await?;
    role_within(&who, &now.form.role)?;
    let role = role_within(&who, &form.role)?;
    let may = if form.may_sign_in.is_some() { MaySignIn::Yes } else { MaySignIn::No };
    let sites = sites_within(&who, &form.sites);
    let (engine, actor) = (&state.engine, who.actor());
    match engine::operators::set_rights(engine, actor, id, role, sites, may).await {
        Ok(()) => Ok(reply::done("/admin/operators", "Saved. They sign in afresh.")),
        Err(error) => {
            let page = OperatorPage { errors: to_mend(error)?, form, ..now };
            reply::again("admin/operators/show.html", page)
        }
    }
}

/// The role, where the operator may give it: an admin, and never above their own.
fn role_within(who: &CurrentOperator, role: &str) -> Result<Role, WebError> {
    who.require(Role::Admin)?;
    let role = Role::parse(role).map_err(EngineError::from)?;
    who.require(role)?;
    Ok(role)
}

/// Those of the chosen sites that the operator may open themselves.
fn sites_within(who: &CurrentOperator, chosen: &[String]) -> Vec<SiteId> {
    let may = who.present.sites.iter().map(|site| site.id);
    may.filter(|id| chosen.contains(&id.to_string())).collect()
}
