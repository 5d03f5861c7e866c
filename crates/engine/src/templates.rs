//! Templates: what users write, checked, made into a mail and frozen as a version when saved.

mod compile;
mod lint;
mod plain;
mod suggested;

pub use compile::Made;
pub use lint::Warning;

use model::ids::{ContactId, MessageId, TemplateId, TemplateVersionId};
use model::messages::{Class, SourceKind};
use model::sites::Site;
use model::{EmailAddr, Refused, UtcMs};
use serde_json::{Value, json};
use store::Tx;
use store::templates::{Template, TemplateVersion};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::letters::{Frozen, Sender};
use crate::messages::{Content, NewMessage};
use crate::render::{Compiled, Rendered, contact_view};
use crate::{also_bought, audits};

/// Letters and digits of a short name.
const SLUG_MAX: usize = 80;

/// What an operator writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// `markdown` or `html`.
    pub format: String,
    /// The subject.
    pub subject: String,
    /// The body.
    pub source: String,
}

/// Checks a draft and makes the mail of it.
///
/// # Errors
/// What is wrong, with line and column.
pub fn make(site: &Site, draft: &Draft) -> std::result::Result<Made, Refused> {
    compile::make(site, draft)
}

/// Writes a template within a transaction, new or changed by its slug. A version is made only
/// where something of it changed.
///
/// # Errors
/// What [`make`] refuses.
pub async fn put_in(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    draft: Draft,
) -> Result<TemplateId> {
    let found = store::templates::find_by_slug(tx, site.id, &draft.slug).await?;
    check_names(&draft)?;
    let made = make(site, &draft)?;
    put(engine, tx, site, (draft, made), found).await
}

/// Writes a template. `seen` is what the operator's form was made from: its id and revision.
///
/// # Errors
/// What [`make`] refuses; a conflict where somebody else changed it meanwhile (A12).
pub async fn save(
    engine: &Engine,
    site: Site,
    seen: Option<(TemplateId, i64)>,
    draft: Draft,
) -> Result<TemplateId> {
    check_names(&draft)?;
    // Away from the writer: a template that was made to be slow holds nobody up but its author.
    let (of, its) = (site.clone(), draft.clone());
    let made = tokio::task::spawn_blocking(move || make(&of, &its)).await;
    let made = made.map_err(|_| EngineError::Fault("making a template broke off".to_owned()))??;
    let inside = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                let mut found = None;
                if let Some((id, revision)) = seen {
                    let mut template = store::templates::find(tx, site.id, id)
                        .await?
                        .ok_or_else(|| EngineError::missing("template", id))?;
                    template.revision = revision;
                    found = Some(template);
                } else if store::templates::find_by_slug(tx, site.id, &draft.slug).await?.is_some()
                {
                    let message = "another template has this short name: choose a different one";
                    return Err(Refused::new("slug_taken", message).at("slug").into());
                }
                let id = put(&inside, tx, &site, (draft, made), found).await?;
                audits::note(&inside, tx, site.id, "template.saved", id, &()).await?;
                Ok(id)
            })
        })
        .await
}

async fn put(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    (draft, made): (Draft, Made),
    found: Option<Template>,
) -> Result<TemplateId> {
    let now = engine.now();
    let Some(mut template) = found else {
        let id = TemplateId(engine.next_id());
        let version_id = freeze(engine, tx, site, id, &draft, &made, now).await?;
        let new = Template {
            site_id: site.id,
            id,
            slug: draft.slug,
            name: draft.name,
            version_id,
            revision: 1,
            created_at: now,
            updated_at: now,
            retired_at: None,
        };
        store::templates::insert(tx, &new, now).await?;
        return Ok(id);
    };
    let last = store::templates::find_version(tx, site.id, template.version_id).await?;
    let same = last.is_some_and(|last| {
        last.format == draft.format
            && last.subject == draft.subject
            && last.source == draft.source
            && last.html == made.html
    });
    if !same {
        template.version_id = freeze(engine, tx, site, template.id, &draft, &made, now).await?;
    }
    (template.slug, template.name, template.retired_at) = (draft.slug, draft.name, None);
    if !store::templates::update(tx, &template, now).await? {
        return Err(EngineError::Conflict(
            "somebody else changed this template meanwhile; look at theirs before you save yours"
                .to_owned(),
        ));
    }
    Ok(template.id)
}

async fn freeze(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    template: TemplateId,
    draft: &Draft,
    made: &Made,
    now: UtcMs,
) -> Result<TemplateVersionId> {
    let id = TemplateVersionId(engine.next_id());
    let version = TemplateVersion {
        id,
        template_id: template,
        number: 0,
        format: draft.format.clone(),
        subject: draft.subject.clone(),
        source: draft.source.clone(),
        html: made.html.clone(),
        plain: made.plain.clone(),
        created_at: now,
    };
    store::templates::insert_version(tx, site.id, &version, &made.targets, now).await?;
    Ok(id)
}

fn check_names(draft: &Draft) -> std::result::Result<(), Refused> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if draft.slug.is_empty() || draft.slug.len() > SLUG_MAX || !draft.slug.chars().all(fits) {
        let message = "a short name is lower-case letters, digits and dashes, as in welcome-1";
        return Err(Refused::new("slug_invalid", message).at("slug"));
    }
    if draft.name.trim().is_empty() {
        return Err(Refused::new("name_missing", "give the template a name").at("name"));
    }
    Ok(())
}

/// A mail as one contact would get it, without sending it.
///
/// # Errors
/// The draft is refused, or does not render for this contact.
pub async fn preview(
    engine: &Engine,
    site: &Site,
    draft: &Draft,
    contact: Option<&model::contacts::Contact>,
) -> Result<Rendered> {
    let made = make(site, draft)?;
    let compiled = Compiled::new(&draft.subject, &made.plain, &made.html, &made.targets)
        .map_err(|e| crate::render::refused(&e, &draft.source, "source"))?;
    let sender = Sender::new(site.clone(), Vec::new()).map_err(EngineError::Fault)?;
    let view = contact.map_or_else(sample_contact, contact_view);
    let suggested = if compiled.suggests() {
        suggested_to(engine, site, contact.map(|contact| contact.id)).await?
    } else {
        json!([])
    };
    let frozen = Frozen {
        id: MessageId(0),
        class: Class::Value,
        source_kind: SourceKind::Test,
        source_id: 0,
        contact_id: contact.map(|contact| contact.id),
        to_address: String::new(),
        system_name: None,
        context: json!({ "contact": view, also_bought::mails::NAME: suggested }).to_string(),
        message_id: String::new(),
        date_at: engine.now(),
    };
    let compiled = std::sync::Arc::new(compiled);
    sender
        .render(engine, &frozen, Some(&compiled))
        .map_err(|why| Refused::new("template_invalid", why).at("source").into())
}

/// What a mail suggests to a contact, and to nobody in particular.
async fn suggested_to(engine: &Engine, site: &Site, contact: Option<ContactId>) -> Result<Value> {
    let id = site.id;
    let found = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { also_bought::mails::for_look(session, id, contact).await })
        })
        .await?;
    Ok(also_bought::mails::view(site, &found))
}

/// Somebody to preview for where there is nobody yet.
pub fn sample_contact() -> Value {
    json!({
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "language": "en",
        "timezone": "Europe/London",
        "fields": {},
    })
}

/// Sends the current version of a template to one address, marked as a test.
///
/// # Errors
/// There is no such template, or the address is none.
pub async fn send_test(
    engine: &Engine,
    site: Site,
    template: TemplateId,
    contact: Option<ContactId>,
    to: EmailAddr,
) -> Result<Option<MessageId>> {
    let inside = engine.clone();
    let planned = engine
        .write(move |tx| {
            Box::pin(async move {
                let found = store::templates::find(tx, site.id, template)
                    .await?
                    .ok_or_else(|| EngineError::missing("template", template))?;
                let view = match contact {
                    None => sample_contact(),
                    Some(id) => store::contacts::find(tx, site.id, id)
                        .await?
                        .map_or_else(sample_contact, |contact| contact_view(&contact)),
                };
                let suggested = also_bought::mails::for_look(tx, site.id, contact).await?;
                let nonce = inside.next_id();
                let extra = json!({
                    "contact": view,
                    // Real ones would act on the contact who stands in for the reader.
                    "unsubscribe_url": site.url("/"),
                    "preferences_url": site.url("/"),
                    "why": "This is a test, sent by an operator.",
                    also_bought::mails::NAME: also_bought::mails::view(&site, &suggested),
                });
                let new = NewMessage {
                    contact_id: None,
                    to,
                    class: Class::Transactional,
                    source_kind: SourceKind::Test,
                    source_id: template.0,
                    enrolment_id: None,
                    dedupe_key: format!("test:{nonce}"),
                    content: Content::Template { version: found.version_id, extra },
                    not_before: None,
                    expires_at: None,
                };
                let planned = crate::messages::plan(&inside, tx, &site, new).await?;
                audits::note(&inside, tx, site.id, "template.tested", template, &()).await?;
                Ok(planned)
            })
        })
        .await?;
    engine.wake();
    Ok(planned)
}
