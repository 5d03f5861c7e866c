//! `GET /f/{form}`, `POST /f/{form}`: the hosted form, and what it and its copies send.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::forms::LiveForm;
use engine::opt_in::{self, Answer, Suspicion};
use engine::views::By;
use model::Refused;
use model::forms::{
    After, CODE_FIELD, FILL_MS_MIN, FORM_HOURS, HONEYPOT, LANDING_FIELD, REFERRER_FIELD,
    TIME_FIELD, VERSION_FIELD,
};
use model::sites::Site;
use model::sources::{Touch, referrer_host};
use model::times::HOUR_MS;
use model::tokens::Purpose;
use serde::Serialize;

use crate::extract::asker::Asker;
use crate::extract::net::ClientNet;
use crate::extract::site::CurrentSite;
use crate::guards::headers::CONTENT_POLICY;
use crate::public::floods::{self, Verdict, too_many};
use crate::public::form_view::{FormView, Origin};
use crate::public::frame::PublicSite;
use crate::public::visits;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// The form on its own page.
#[derive(Debug, Serialize)]
pub struct FormPage {
    site: PublicSite,
    form: FormView,
    /// A sentence above the form: why it is shown again.
    notice: Option<&'static str>,
}

impl FormPage {
    /// Sample data for the render-all test.
    pub fn sample() -> Self {
        let notice = Some(ONCE_MORE);
        Self { site: PublicSite::sample(), form: FormView::sample(), notice }
    }
}

/// What stands there after sending.
#[derive(Debug, Serialize)]
pub struct SentPage {
    site: PublicSite,
    message: String,
}

impl SentPage {
    /// Sample data for the render-all test.
    pub fn sample() -> Self {
        Self { site: PublicSite::sample(), message: "Please look into your inbox.".to_owned() }
    }
}

const ONCE_MORE: &str = "Please press the button once more: this page had been open for long.";

/// The form, or what is said after sending.
pub async fn show(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Reply {
    let form = engine::forms::live(&state.engine, site.id, &slug).await?;
    let query = query.unwrap_or_default();
    if let (After::Message(message), true) = (&form.form.spec.after, query == "sent") {
        let page = SentPage { site: (&*site).into(), message: message.clone() };
        return reply::page("public/forms/sent.html", page);
    }
    let origin = Origin {
        landing: format!("/f/{slug}{}{query}", if query.is_empty() { "" } else { "?" }),
        referrer: text(&headers, &header::REFERER).to_owned(),
        code: code_of(&query),
    };
    let view = FormView::new(&state.engine, &form.form, &origin, state.engine.now());
    form_page(StatusCode::OK, &site, &form, view, None)
}

/// Takes an answer. Whatever is known of the address, what comes back is the same.
pub async fn create(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    net: ClientNet,
    asker: Asker,
    Path(slug): Path<String>,
    headers: HeaderMap,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Reply {
    let form = engine::forms::live(&state.engine, site.id, &slug).await?;
    let suspicion = match judge(&state, &form, &headers, &pairs) {
        Judged::Again => return again(&state, &site, &form, &pairs, &[], Some(ONCE_MORE)),
        Judged::Taken(suspicion) => suspicion,
    };
    let suspicion = match floods::count(&net) {
        Verdict::Fine => suspicion,
        Verdict::Hold => suspicion.or(Some(Suspicion::Flood)),
        Verdict::Refuse => return Ok(too_many()),
    };
    state.check_room()?;
    let touch = touch_of(&state, &site, &headers, &pairs);
    let signed = pairs.iter().find(|(key, _)| key == VERSION_FIELD);
    let signed = signed.map_or("", |(_, value)| value.as_str());
    let shown = engine::forms::as_shown(&state.engine, site.id, &form, signed).await?;
    let answer = Answer { pairs: pairs.clone(), touch, suspicion };
    match opt_in::submit(&state.engine, Arc::clone(&site), shown, answer).await {
        Ok(whose) => {
            if let Some(contact) = whose {
                visits::acted(&state.engine, &site, &asker, contact, By::Form);
            }
            Ok(after(&form))
        }
        Err(EngineError::RefusedAll(refusals)) => {
            again(&state, &site, &form, &pairs, &refusals, None)
        }
        Err(error) => Err(error.into()),
    }
}

enum Judged {
    /// Shown again with its values kept: no token, a stale one, or from a site that may not.
    Again,
    Taken(Option<Suspicion>),
}

fn judge(
    state: &AppState,
    form: &LiveForm,
    headers: &HeaderMap,
    pairs: &[(String, String)],
) -> Judged {
    let origin = text(headers, &header::ORIGIN);
    let from_guest = form.form.spec.embed_origins.iter().any(|known| known == origin);
    let named = origin.split_once("://").map_or(origin, |(_, host)| host);
    let from_here = origin.is_empty()
        || named.eq_ignore_ascii_case(text(headers, &header::HOST))
        || headers.get("sec-fetch-site").is_some_and(|word| word == "same-origin");
    if !from_here && !from_guest {
        return Judged::Again;
    }
    let value =
        |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let trapped = value(HONEYPOT).is_some_and(|typed| !typed.trim().is_empty());
    let spam = trapped.then_some(Suspicion::Honeypot);
    let Some(token) = value(TIME_FIELD).filter(|token| !token.is_empty()) else {
        // HTML that was pasted elsewhere has no token.
        return if from_guest || trapped { Judged::Taken(spam) } else { Judged::Again };
    };
    let Ok(token) = state.engine.keys().open(Purpose::FormTime, token) else {
        return Judged::Again;
    };
    match state.engine.now().0.saturating_sub(token.id) {
        age if age > FORM_HOURS * HOUR_MS => Judged::Again,
        age if age < FILL_MS_MIN => Judged::Taken(spam.or(Some(Suspicion::TooFast))),
        _ => Judged::Taken(spam),
    }
}

fn touch_of(
    state: &AppState,
    site: &Site,
    headers: &HeaderMap,
    pairs: &[(String, String)],
) -> Touch {
    let value = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    };
    // A cached page knows not who reads it; the browser says on which page the form stood.
    let page = text(headers, &header::REFERER);
    let landing = value(LANDING_FIELD).unwrap_or(page);
    let query = landing.split_once('?').map_or("", |(_, query)| query);
    let code = code_of(query);
    let code = value(CODE_FIELD).or(Some(code.as_str()));
    let own = referrer_host(&site.base_url).unwrap_or_default();
    let now = state.engine.now();
    Touch::read(now, landing, value(REFERRER_FIELD), &[&own]).with_code(code)
}

/// The value of `r` in a query.
fn code_of(query: &str) -> String {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut codes = pairs.filter(|(name, _)| *name == "r").map(|(_, value)| value);
    codes.next().unwrap_or_default().to_owned()
}

fn after(form: &LiveForm) -> Response {
    let to = match &form.form.spec.after {
        After::Message(_) => format!("/f/{}?sent", form.form.slug),
        After::Page(slug) => format!("/p/{slug}"),
        After::Redirect(url) => url.clone(),
    };
    let location = HeaderValue::from_str(&to).unwrap_or_else(|_| HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

fn again(
    state: &AppState,
    site: &Site,
    form: &LiveForm,
    pairs: &[(String, String)],
    refusals: &[Refused],
    notice: Option<&'static str>,
) -> Reply {
    let value = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        found.unwrap_or_default()
    };
    let origin = Origin {
        landing: value(LANDING_FIELD),
        referrer: value(REFERRER_FIELD),
        code: value(CODE_FIELD),
    };
    // It was filled in already: one quick press more is a person's.
    let shown = state.engine.now().plus_ms(-FILL_MS_MIN);
    let view = FormView::new(&state.engine, &form.form, &origin, shown);
    let status = match refusals {
        [] => StatusCode::OK,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    form_page(status, site, form, view.again(pairs, refusals), notice)
}

fn form_page(
    status: StatusCode,
    site: &Site,
    form: &LiveForm,
    view: FormView,
    notice: Option<&'static str>,
) -> Reply {
    let page = FormPage { site: site.into(), form: view, notice };
    let mut response = reply::page_with(status, "public/forms/show.html", page)?;
    if let After::Redirect(url) = &form.form.spec.after {
        allow_form_to(&mut response, url);
    }
    Ok(response)
}

/// Lets the page's form lead to `url` as well: browsers hold redirects to the policy too.
pub fn allow_form_to(response: &mut Response, url: &str) {
    let scheme = if url.starts_with("https:") { "https" } else { "http" };
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let wider = format!("form-action 'self' {scheme}://{authority}");
    let policy = CONTENT_POLICY.replace("form-action 'self'", &wider);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
