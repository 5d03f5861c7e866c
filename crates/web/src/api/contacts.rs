//! Contacts.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::EngineError;
use engine::care::{self, Said, Upsert};
use model::contacts::{Contact, Status};
use model::ids::ContactId;
use model::keys::Scope;
use model::{EmailAddr, SiteId, UtcMs};
use serde::{Deserialize, Serialize};
use store::contact_lists::{After, Narrowed};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::cursor::{self, Listed};
use super::problem::{Answer, Problem};
use super::{body, once};
use crate::state::AppState;

const NOUN: &str = "contact";

/// A contact.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactView {
    /// Its id.
    #[schema(example = "con_01h2xcejqtf2n")]
    id: String,
    /// The address; empty once erased.
    email: String,
    /// `pending`, `confirmed`, `unsubscribed` or `suppressed`. Only the contact changes it.
    status: &'static str,
    /// Given name.
    first_name: String,
    /// Family name.
    last_name: String,
    /// BCP 47 tag.
    language: Option<String>,
    /// IANA name; the site's where null.
    timezone: Option<String>,
    /// Its id in another program.
    external_id: Option<String>,
    /// Further fields.
    fields: BTreeMap<String, String>,
    /// Tags.
    tags: Vec<String>,
    /// Left out of figures.
    is_test: bool,
    /// When it came, RFC 3339.
    created_at: String,
    /// When it was last changed, RFC 3339.
    updated_at: String,
    /// When it first confirmed, RFC 3339.
    confirmed_at: Option<String>,
}

impl ContactView {
    fn of(contact: Contact, tags: Vec<String>) -> Self {
        Self {
            id: contact.id.to_string(),
            email: contact.email,
            status: contact.status.as_str(),
            first_name: contact.first_name,
            last_name: contact.last_name,
            language: contact.language,
            timezone: contact.timezone,
            external_id: contact.external_id,
            fields: contact.fields,
            tags,
            is_test: contact.is_test,
            created_at: contact.created_at.rfc3339(),
            updated_at: contact.updated_at.rfc3339(),
            confirmed_at: contact.confirmed_at.map(UtcMs::rfc3339),
        }
    }
}

/// Which contacts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// How many, at most 200.
    #[serde(default, deserialize_with = "cursor::number")]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only of this status.
    #[serde(rename = "filter[status]")]
    status: Option<String>,
    /// Only with this tag.
    #[serde(rename = "filter[tag]")]
    tag: Option<String>,
    /// Only whose address begins so.
    #[serde(rename = "filter[email]")]
    email: Option<String>,
}

/// Contacts, newest first; narrowed by address, in the order of addresses.
#[utoipa::path(get, path = "/contacts", params(Asked), tag = "contacts", responses(
    (status = 200, body = Listed<ContactView>),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Answer<Json<Listed<ContactView>>> {
    caller.require(Scope::ContactsRead)?;
    let Query(asked) = asked.map_err(query_wrong)?;
    let limit = cursor::limit(asked.limit)?;
    let status = match asked.status.as_deref() {
        Some(word) => Some(Status::parse(word).map_err(|refused| refused.at("filter[status]"))?),
        None => None,
    };
    let narrowed = Narrowed {
        prefix: asked.email.unwrap_or_default().trim().to_lowercase(),
        status,
        tag: asked.tag.as_deref().and_then(model::contacts::tag).unwrap_or_default(),
        ..Narrowed::default()
    };
    let by_address = !narrowed.prefix.is_empty();
    let after = after(&state, asked.cursor.as_deref(), by_address)?;
    let (site, engine) = (caller.site.id, &state.engine);
    let found = read(&state, site, narrowed, after, limit + 1).await?;
    let place = |(contact, _): &(Contact, Vec<String>)| {
        if by_address { contact.email_key.clone() } else { contact.id.to_string() }
    };
    let view = |(contact, tags): (Contact, Vec<String>)| ContactView::of(contact, tags);
    Ok(Json(cursor::page(engine, NOUN, found, limit, place, view)))
}

fn after(state: &AppState, cursor: Option<&str>, by_address: bool) -> Answer<After> {
    let Some(text) = cursor else { return Ok(After::default()) };
    let place = cursor::open(&state.engine, NOUN, text)?;
    if by_address {
        return Ok(After { id: None, key: place });
    }
    let id = place.parse::<ContactId>().map_err(|_| cursor::invalid())?;
    Ok(After { id: Some(id), key: String::new() })
}

async fn read(
    state: &AppState,
    site: SiteId,
    narrowed: Narrowed,
    after: After,
    limit: i64,
) -> Answer<Vec<(Contact, Vec<String>)>> {
    let read = state.reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move {
            let found = store::contact_lists::page(session, site, &narrowed, &after, limit).await?;
            let mut with_tags = Vec::with_capacity(found.len());
            for contact in found {
                let tags = store::tags::of_contact(session, site, contact.id).await?;
                with_tags.push((contact, tags));
            }
            Ok(with_tags)
        })
    });
    Ok(read.await?)
}

pub(super) fn query_wrong(why: axum::extract::rejection::QueryRejection) -> Problem {
    Problem::at(StatusCode::BAD_REQUEST, "query", "query_invalid", why.body_text())
}

/// A new contact: pending and without consent, which only the person can give.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContact {
    /// The address.
    #[schema(example = "iris@example.com")]
    email: String,
    /// Given name.
    first_name: Option<String>,
    /// Family name.
    last_name: Option<String>,
    /// BCP 47 tag.
    language: Option<String>,
    /// IANA name.
    timezone: Option<String>,
    /// Its id in another program.
    external_id: Option<String>,
    /// Further fields.
    #[serde(default, deserialize_with = "body::texts")]
    fields: BTreeMap<String, Option<String>>,
    /// Tags to put on.
    #[serde(default)]
    tags: Vec<String>,
}

/// What is to be changed. Absent: stays. Null: is cleared.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContactChange {
    /// Given name.
    #[serde(deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    first_name: Option<Option<String>>,
    /// Family name.
    #[serde(deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    last_name: Option<Option<String>>,
    /// BCP 47 tag.
    #[serde(deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    language: Option<Option<String>>,
    /// IANA name; the site's where null.
    #[serde(deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    timezone: Option<Option<String>>,
    /// Its id in another program.
    #[serde(deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    external_id: Option<Option<String>>,
    /// Further fields; those not named stay, null removes one.
    #[serde(deserialize_with = "body::texts")]
    fields: BTreeMap<String, Option<String>>,
    /// Tags to put on.
    tags: Vec<String>,
}

impl ContactChange {
    fn said(self, if_unchanged_since: Option<UtcMs>) -> Said {
        let text = |member: Option<Option<String>>| member.map(Option::unwrap_or_default);
        let fields = self.fields.into_iter().map(|(k, v)| (k, v.unwrap_or_default())).collect();
        let change = engine::contacts::Change {
            first_name: text(self.first_name),
            last_name: text(self.last_name),
            language: text(self.language),
            timezone: text(self.timezone),
            fields,
            is_test: None,
        };
        Said { change, external_id: text(self.external_id), tags: self.tags, if_unchanged_since }
    }
}

impl NewContact {
    fn split(self) -> (String, ContactChange) {
        let change = ContactChange {
            first_name: self.first_name.map(Some),
            last_name: self.last_name.map(Some),
            language: self.language.map(Some),
            timezone: self.timezone.map(Some),
            external_id: self.external_id.map(Some),
            fields: self.fields,
            tags: self.tags,
        };
        (self.email, change)
    }
}

/// Makes a contact. 409 where one with the address exists.
#[utoipa::path(post, path = "/contacts", request_body = NewContact, tag = "contacts",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to repeat")),
    responses((status = 201, body = ContactView),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    caller.require(Scope::ContactsWrite)?;
    let new: NewContact = body::read(&headers, &body)?;
    let work = async {
        let (email, change) = new.split();
        let address = EmailAddr::parse(&email).map_err(|refused| refused.at("email"))?;
        let said = change.said(None);
        let how = Upsert::MakeOnly;
        let site = &caller.site;
        let (contact, _) =
            care::upsert(&state.engine, caller.actor(), site, &address, said, how).await?;
        Ok((StatusCode::CREATED, view(&state, site.id, contact).await?))
    };
    Ok(once::once(&state, &caller, &headers, ("/contacts", &body), work).await)
}

async fn view(state: &AppState, site: SiteId, contact: Contact) -> Answer<ContactView> {
    let id = contact.id;
    let tags = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::tags::of_contact(session, site, id).await?) })
        })
        .await?;
    Ok(ContactView::of(contact, tags))
}

/// One contact. Its `ETag` may be sent as `If-Match` with a change.
#[utoipa::path(get, path = "/contacts/{id}", tag = "contacts",
    params(("id" = String, Path, description = "con_…")), responses(
    (status = 200, body = ContactView),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Response> {
    caller.require(Scope::ContactsRead)?;
    let id: ContactId = cursor::id(&id, NOUN)?;
    let site = caller.site.id;
    let found = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::contacts::find(session, site, id).await?) })
        })
        .await?;
    let contact = found.ok_or_else(|| Problem::not_found(NOUN))?;
    tagged(&state, site, contact, StatusCode::OK).await
}

/// The contact with its `ETag`: when it was last changed.
async fn tagged(
    state: &AppState,
    site: SiteId,
    contact: Contact,
    status: StatusCode,
) -> Answer<Response> {
    let tag = format!("\"{}\"", contact.updated_at.0);
    let view = view(state, site, contact).await?;
    let mut response = (status, Json(view)).into_response();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// When the contact must have been changed last, where the caller said so.
fn if_match(headers: &HeaderMap) -> Answer<Option<UtcMs>> {
    let Some(said) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = said.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let stale = || {
        let say = "the contact was changed meanwhile: read it again";
        Problem::new(StatusCode::PRECONDITION_FAILED, "changed_meanwhile", say)
    };
    text.trim_matches('"').parse().map(|ms| Some(UtcMs(ms))).map_err(|_| stale())
}

/// Changes a contact: what is absent stays, null clears.
#[utoipa::path(patch, path = "/contacts/{id}", request_body = ContactChange, tag = "contacts",
    params(("id" = String, Path, description = "con_…"),
        ("If-Match" = Option<String>, Header, description = "Only where it is still this")),
    responses((status = 200, body = ContactView),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    caller.require(Scope::ContactsWrite)?;
    let id: ContactId = cursor::id(&id, NOUN)?;
    let change: ContactChange = body::read(&headers, &body)?;
    let said = change.said(if_match(&headers)?);
    let contact = care::change(&state.engine, caller.actor(), &caller.site, id, said).await?;
    tagged(&state, caller.site.id, contact, StatusCode::OK).await
}

/// Makes the contact with this address, or changes it: 201 or 200.
#[utoipa::path(put, path = "/contacts/by-email/{email}", request_body = ContactChange,
    tag = "contacts", params(("email" = String, Path, description = "The address")), responses(
    (status = 200, body = ContactView), (status = 201, body = ContactView),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn put_by_email(
    State(state): State<AppState>,
    caller: Caller,
    Path(email): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    caller.require(Scope::ContactsWrite)?;
    let address = EmailAddr::parse(&email).map_err(|refused| refused.at("email"))?;
    let change: ContactChange = body::read(&headers, &body)?;
    let said = change.said(if_match(&headers)?);
    let (how, site) = (Upsert::MakeOrChange, &caller.site);
    let (contact, made) =
        care::upsert(&state.engine, caller.actor(), site, &address, said, how).await?;
    let status = if made { StatusCode::CREATED } else { StatusCode::OK };
    tagged(&state, site.id, contact, status).await
}
