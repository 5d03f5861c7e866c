//! What operators do to one contact. Each goes back to the contact's page.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::care::{self, Forward, Said, Switch};
use model::contacts::PAUSE_DAYS;
use model::ids::{ContactId, EnrolmentId};
use model::operators::Role;
use model::{EmailAddr, Refused};
use serde::Deserialize;

use super::NewPage;
use super::show::{erase_page, pretty};
use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::reply::{self, Reply};
use crate::state::AppState;

fn page_of(id: ContactId) -> String {
    format!("/admin/contacts/{id}")
}

/// What the form of a new contact sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewForm {
    email: String,
}

/// Makes a contact by hand: pending, without consent and so without any mail.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<NewForm>,
) -> Reply {
    let address = match EmailAddr::parse(&form.email) {
        Ok(address) => address,
        Err(refused) => {
            let frame = who.frame("contacts");
            let page = NewPage { frame, email: form.email, error: Some(refused.message) };
            let template = "admin/contacts/new.html";
            return reply::again(template, page);
        }
    };
    let contact = care::add(&state.engine, who.actor(), &who.site, &address).await?;
    Ok(reply::done(&page_of(contact.id), "The contact is here. Without consent, no mail goes out."))
}

/// What the name form sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NameForm {
    first_name: String,
    last_name: String,
}

/// Changes the name.
pub async fn rename(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ContactId>,
    Form(form): Form<NameForm>,
) -> Reply {
    let change = engine::contacts::Change {
        first_name: Some(form.first_name),
        last_name: Some(form.last_name),
        ..engine::contacts::Change::default()
    };
    let said = Said { change, ..Said::default() };
    care::change(&state.engine, who.actor(), &who.site, id, said).await?;
    Ok(reply::done(&page_of(id), "The name is changed."))
}

/// A tag.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TagForm {
    tag: String,
}

/// Puts a tag on.
pub async fn tag(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ContactId>,
    Form(form): Form<TagForm>,
) -> Reply {
    match engine::tags::put_on(&who.engine(&state), who.site.clone(), id, form.tag).await {
        Ok(true) => Ok(reply::done(&page_of(id), "Tagged.")),
        Ok(false) => Ok(reply::done(&page_of(id), "That tag was on already.")),
        Err(EngineError::Refused(refused)) => Ok(sorry(id, &refused)),
        Err(error) => Err(error.into()),
    }
}

/// Takes a tag off.
pub async fn untag(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ContactId>,
    Form(form): Form<TagForm>,
) -> Reply {
    let (engine, site) = (&who.engine(&state), who.site.clone());
    must_be(&state, &who, id).await?;
    engine::tags::take_off(engine, site, id, form.tag).await?;
    Ok(reply::done(&page_of(id), "The tag is off."))
}

/// Which switch, which way.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SwitchForm {
    switch: String,
}

/// Marks as a test, pauses, stops sales mail; or the other way round.
pub async fn switch(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ContactId>,
    Form(form): Form<SwitchForm>,
) -> Reply {
    let until = who.now.plus_days(PAUSE_DAYS);
    let (switch, told) = match form.switch.as_str() {
        "test" => (Switch::Test(true), "Marked as a test: left out of all figures."),
        "real" => (Switch::Test(false), "Counted in the figures again."),
        "pause" => (Switch::PausedUntil(Some(until)), "Paused for 30 days."),
        "resume" => (Switch::PausedUntil(None), "The pause is over."),
        "no-sales" => (Switch::NoSales(true), "No sales mail from now on."),
        "sales" => (Switch::NoSales(false), "Sales mail may go out again."),
        _ => return Err(EngineError::missing("switch", form.switch).into()),
    };
    care::switch(&state.engine, who.actor(), who.site.id, id, switch).await?;
    Ok(reply::done(&page_of(id), told))
}

/// Unsubscribes in the contact's stead.
pub async fn unsubscribe(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ContactId>,
) -> Reply {
    care::unsubscribe(&state.engine, who.actor(), &who.site, id).await?;
    Ok(reply::done(&page_of(id), "Unsubscribed. What was planned is cancelled."))
}

/// Which sequence.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct EnrolForm {
    sequence: String,
}

/// Puts the contact into a sequence, whatever that starts on.
pub async fn enrol(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ContactId>,
    Form(form): Form<EnrolForm>,
) -> Reply {
    must_be(&state, &who, id).await?;
    let path = format!("{}?tab=sequences", page_of(id));
    let Ok(sequence) = form.sequence.parse() else {
        return Ok(reply::sorry(&path, "choose a sequence"));
    };
    match care::enrol(&state.engine, who.actor(), &who.site, id, sequence).await {
        Ok(()) => Ok(reply::done(&path, "They are in it. Its first step goes at its time.")),
        Err(EngineError::Refused(refused)) => Ok(reply::sorry(&path, &refused.message)),
        Err(error) => Err(error.into()),
    }
}

/// Which enrolment.
#[derive(Debug, Deserialize)]
pub struct ForwardForm {
    enrolment: EnrolmentId,
}

/// Makes the next step of a test contact's sequence due now.
pub async fn forward(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ContactId>,
    Form(form): Form<ForwardForm>,
) -> Reply {
    let path = format!("{}?tab=sequences", page_of(id));
    let one = Forward::One(form.enrolment);
    match care::forward(&state.engine, who.actor(), who.site.id, id, one).await {
        Ok(_) => Ok(reply::done(&path, "The next step is due now.")),
        Err(EngineError::Refused(refused)) => Ok(reply::sorry(&path, &refused.message)),
        Err(error) => Err(error.into()),
    }
}

/// Takes the contact out of a sequence.
pub async fn take_out(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ContactId>,
    Form(form): Form<ForwardForm>,
) -> Reply {
    let path = format!("{}?tab=sequences", page_of(id));
    care::take_out(&state.engine, who.actor(), &who.site, id, form.enrolment).await?;
    Ok(reply::done(&path, "They are out of it. What was planned of it is cancelled."))
}

/// Everything known about the contact, as a file.
pub async fn export(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ContactId>,
) -> Result<Response, WebError> {
    let known = engine::privacy::export(&state.engine, who.site.id, id).await?;
    care::exported(&state.engine, who.actor(), who.site.id, id.to_string()).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.json\"")),
    ];
    Ok((headers, pretty(&known)).into_response())
}

/// The address, typed once more.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct EraseForm {
    email: String,
}

/// Erases the contact, once its address was typed.
pub async fn erase(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ContactId>,
    Form(form): Form<EraseForm>,
) -> Reply {
    who.require(Role::Admin)?;
    let page = erase_page(&state, &who, id).await?;
    if !form.email.trim().eq_ignore_ascii_case(page.address()) {
        let page = page.with_error("type the contact's address, exactly, to go on");
        let template = "admin/contacts/erase.html";
        return reply::again(template, page);
    }
    engine::privacy::erase(&who.engine(&state), &who.site, id).await?;
    Ok(reply::done("/admin/contacts", "Erased. Only what the law asks for is left."))
}

/// The contact must be one of the site in view.
async fn must_be(state: &AppState, who: &CurrentOperator, id: ContactId) -> Result<(), WebError> {
    let site = who.site.id;
    let found = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::contacts::find(session, site, id).await?) })
        })
        .await?;
    found.map(drop).ok_or_else(|| EngineError::missing("contact", id).into())
}

fn sorry(id: ContactId, refused: &Refused) -> Response {
    reply::sorry(&page_of(id), &refused.message)
}
