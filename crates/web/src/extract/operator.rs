//! Who is signed in, and what they may do. Everything under `/admin` that is not about signing in
//! takes one of these: [`CurrentOperator`] for the work, [`OwnAccount`] for one's own account.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, Uri, header};
use engine::Engine;
use engine::sessions::Present;
use model::UtcMs;
use model::audits::Actor;
use model::operators::{Role, Stage};
use model::sites::Site;
use store::StoreError;

use crate::cookies;
use crate::error::WebError;
use crate::frame::{Flash, Frame, Notice, OperatorChip, SiteChoice};
use crate::state::AppState;

/// Someone signed in, with a site in view. A request that changes something needs at least the
/// role of editor; a handler asks for more with [`Self::require`].
#[derive(Debug, Clone)]
pub struct CurrentOperator {
    /// Who, and what they may open.
    pub present: Present,
    /// The site in view: every id of a request is looked for in it alone.
    pub site: Site,
    /// When the request came.
    pub now: UtcMs,
    flashes: Vec<Flash>,
    notices: Vec<Notice>,
}

impl FromRequestParts<AppState> for CurrentOperator {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, WebError> {
        let OwnAccount { present, flashes, now } =
            OwnAccount::from_request_parts(parts, state).await?;
        if must_add_second_step(&present, state) {
            return Err(WebError::Redirect("/admin/account/second-step".to_owned()));
        }
        let changes = !matches!(parts.method, Method::GET | Method::HEAD);
        if changes && !present.operator.role.may(Role::Editor) {
            return Err(WebError::Forbidden("your role lets you look, not change"));
        }
        let chosen = present.sign_in.site_id;
        let site = chosen
            .and_then(|id| present.sites.iter().find(|site| site.id == id))
            .or_else(|| present.sites.first())
            .cloned()
            .ok_or(WebError::Forbidden("no site is open to you yet: ask an owner for one"))?;
        let notices = crate::notices::standing(state, &site).await?;
        Ok(Self { present, site, now, flashes, notices })
    }
}

impl CurrentOperator {
    /// Lets only `role` and those above it go on.
    ///
    /// # Errors
    /// The operator's role is below.
    pub fn require(&self, role: Role) -> Result<(), WebError> {
        if self.present.operator.role.may(role) {
            Ok(())
        } else {
            Err(WebError::Forbidden("your role does not let you do this: ask an owner or admin"))
        }
    }

    /// Whether they may change anything: who only looks is offered nothing else.
    pub fn may_change(&self) -> bool {
        self.present.operator.role.may(Role::Editor)
    }

    /// Who acts, for the audit log.
    pub fn actor(&self) -> Actor {
        Actor::Operator(self.present.operator.id)
    }

    /// The engine, acting for this operator: what it changes is theirs in the audit log.
    pub fn engine(&self, state: &AppState) -> Engine {
        state.engine.by(self.actor())
    }

    /// What stands around the page; `section` is a key of `nav::GROUPS`.
    pub fn frame(&self, section: &'static str) -> Frame {
        Frame {
            section,
            site: Some(choice(&self.site)),
            sites: self.present.sites.iter().map(choice).collect(),
            operator: Some(chip(&self.present)),
            flashes: self.flashes.clone(),
            notices: self.notices.clone(),
            now: self.now,
            zone: self.site.timezone.clone(),
        }
    }
}

/// Someone signed in, at their own account: open to every role, and before the second step that
/// their role asks for is set up.
#[derive(Debug, Clone)]
pub struct OwnAccount {
    /// Who, and what they may open.
    pub present: Present,
    /// When the request came.
    pub now: UtcMs,
    flashes: Vec<Flash>,
}

impl FromRequestParts<AppState> for OwnAccount {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, WebError> {
        let present = present(parts, state).await?;
        match present {
            Some(present) if present.sign_in.stage == Stage::Full => Ok(Self {
                present,
                now: state.engine.now(),
                flashes: cookies::told(&parts.headers),
            }),
            Some(_) => Err(WebError::Redirect("/admin/sign-in/code".to_owned())),
            None => Err(WebError::SignIn(way_back(parts))),
        }
    }
}

/// Where to go on after signing in: the page that was asked for, or, where a form was sent, the
/// page it stood on: the form's own address may answer to nothing but the form.
fn way_back(parts: &Parts) -> String {
    if parts.method == Method::GET {
        return parts.uri.path().to_owned();
    }
    let referrer = parts.headers.get(header::REFERER).and_then(|value| value.to_str().ok());
    let page = referrer.and_then(|url| url.parse::<Uri>().ok()).map(|url| url.path().to_owned());
    page.filter(|path| path.starts_with("/admin/")).unwrap_or_else(|| "/admin".to_owned())
}

impl OwnAccount {
    /// What stands around the page.
    pub fn frame(&self) -> Frame {
        let site = self
            .present
            .sign_in
            .site_id
            .and_then(|id| self.present.sites.iter().find(|site| site.id == id))
            .or_else(|| self.present.sites.first());
        Frame {
            section: "settings",
            site: site.map(choice),
            sites: self.present.sites.iter().map(choice).collect(),
            operator: Some(chip(&self.present)),
            flashes: self.flashes.clone(),
            notices: Vec::new(),
            now: self.now,
            zone: site.map_or_else(|| "UTC".to_owned(), |site| site.timezone.clone()),
        }
    }
}

/// The sign-in a browser has, at whatever stage; none is fine.
#[derive(Debug, Clone)]
pub struct MaybePresent(pub Option<Present>);

impl FromRequestParts<AppState> for MaybePresent {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, WebError> {
        present(parts, state).await.map(Self)
    }
}

async fn present(parts: &Parts, state: &AppState) -> Result<Option<Present>, WebError> {
    match cookies::sign_in_token(&parts.headers, state.https()) {
        Some(token) => Ok(engine::sessions::present(&state.engine, token).await?),
        None => Ok(None),
    }
}

/// The site an operator has in view, or the first one where nobody is signed in.
pub(crate) async fn site_in_view(
    parts: &Parts,
    state: &AppState,
) -> Result<Option<Site>, WebError> {
    if let Some(present) = present(parts, state).await? {
        let chosen = present.sign_in.site_id;
        let found = present.sites.iter().find(|site| Some(site.id) == chosen);
        return Ok(found.or_else(|| present.sites.first()).cloned());
    }
    let sites = state
        .reader
        .read::<_, StoreError, _>(|session| Box::pin(store::sites::list(session)))
        .await?;
    Ok(sites.into_iter().next())
}

/// Whether the operator must set a second step up before anything else.
fn must_add_second_step(present: &Present, state: &AppState) -> bool {
    state.https()
        && !state.settings.demo
        && present.operator.role.needs_second_step()
        && !present.operator.has_second_step()
}

fn choice(site: &Site) -> SiteChoice {
    SiteChoice { id: site.id.to_string(), name: site.name.clone(), url: site.url("/") }
}

fn chip(present: &Present) -> OperatorChip {
    OperatorChip {
        name: present.operator.shown_name().to_owned(),
        email: present.operator.email.clone(),
    }
}
