//! Forms: made, changed as versions, and kept ready for those who fill them in.

use std::sync::Arc;

use model::consents::Grant;
use model::forms::FormSpec;
use model::ids::{FormId, SubmissionId};
use model::magnets::Magnet;
use model::slugs::IfKnown;
use model::times::DAY_MS;
use model::tokens::Purpose;
use model::{Refused, SiteId, Slug};
use store::forms::{Form, FormVersion};
use store::{Session, Tx};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{audits, consents};

/// A form with what it refers to, ready to be shown and answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveForm {
    /// The form.
    pub form: Form,
    /// The free thing it gives.
    pub magnet: Option<Magnet>,
}

/// Writes a form, new or changed, by its slug; its id. A changed text or field is a new version.
///
/// # Errors
/// The slug or the form cannot be right, or it names a magnet or topic there is not.
pub async fn put(
    engine: &Engine,
    site: SiteId,
    slug: &str,
    name: &str,
    spec: FormSpec,
) -> Result<FormId> {
    write(engine, site, (slug, name), spec, IfKnown::Change).await
}

/// Writes a form that is not there yet; its id.
///
/// # Errors
/// Another form has this name, or as [`put`].
pub async fn create(
    engine: &Engine,
    site: SiteId,
    slug: &str,
    name: &str,
    spec: FormSpec,
) -> Result<FormId> {
    write(engine, site, (slug, name), spec, IfKnown::Refuse).await
}

async fn write(
    engine: &Engine,
    site: SiteId,
    (slug, name): (&str, &str),
    spec: FormSpec,
    if_known: IfKnown,
) -> Result<FormId> {
    let (slug, name) = (slug.to_owned(), name.to_owned());
    let of = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                let typed = Slug::parse(&slug).map_err(|refused| refused.at("slug"))?;
                if if_known == IfKnown::Refuse
                    && store::forms::find_by_slug(tx, site, typed.as_str()).await?.is_some()
                {
                    let refused = Refused::new("slug_taken", "another form has this name");
                    return Err(refused.at("slug").into());
                }
                let id = put_in(&of, tx, site, &slug, &name, spec).await?;
                audits::note(&of, tx, site, "form.saved", id, &()).await?;
                Ok(id)
            })
        })
        .await
}

/// The same as [`put`] within a transaction.
pub(crate) async fn put_in(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    slug: &str,
    name: &str,
    spec: FormSpec,
) -> Result<FormId> {
    let slug = Slug::parse(slug).map_err(|e| e.at("slug"))?.to_string();
    if name.trim().is_empty() {
        return Err(Refused::new("form_name", "give the form a name").at("name").into());
    }
    spec.check()?;
    check_names(tx, site, &spec).await?;
    let mut grants = Vec::new();
    for (purpose, text) in spec.wordings() {
        let wording = consents::wording(engine, tx, site, &purpose, &text).await?.id;
        grants.push(Grant { purpose, wording, topic: None });
    }
    let now = engine.now();
    let known = store::forms::find_by_slug(tx, site, &slug).await?;
    let Some(mut form) = known else {
        let id = FormId(engine.next_id());
        let (version, name) = (1, name.to_owned());
        let (created_at, updated_at) = (now, now);
        let form =
            Form { id, slug, name, is_live: true, version, created_at, updated_at, spec, grants };
        store::forms::insert(tx, site, &form).await?;
        return Ok(id);
    };
    let is_new = form.spec != spec || form.grants != grants;
    if !is_new && form.name == name && form.is_live {
        return Ok(form.id);
    }
    form.version += i64::from(is_new);
    (form.spec, form.grants, form.updated_at) = (spec, grants, now);
    (form.name, form.is_live) = (name.to_owned(), true);
    store::forms::update(tx, site, &form, is_new).await?;
    Ok(form.id)
}

async fn check_names(tx: &mut Tx<'_>, site: SiteId, spec: &FormSpec) -> Result<()> {
    if let Some(slug) = &spec.magnet
        && store::magnets::find_by_slug(tx, site, slug).await?.is_none()
    {
        let message = format!("there is no magnet called {slug}: make it first");
        return Err(Refused::new("magnet_unknown", message).at("magnet").into());
    }
    let boxed = spec.fields.iter().filter_map(|field| field.topic.as_ref());
    for slug in spec.topics.iter().chain(boxed) {
        if store::topics::find_by_slug(tx, site, slug).await?.is_none() {
            let message = format!("there is no topic called {slug}: make it first");
            return Err(Refused::new("topic_unknown", message).at("topics").into());
        }
    }
    Ok(())
}

/// Takes a form out of service, or back into it.
///
/// # Errors
/// There is none.
pub async fn set_live(engine: &Engine, site: SiteId, id: FormId, is_live: bool) -> Result<()> {
    let (now, of) = (engine.now(), engine.clone());
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                let form = store::forms::find(tx, site, id).await?;
                let form = form.ok_or_else(|| EngineError::missing("form", id))?;
                let form = Form { is_live, updated_at: now, ..form };
                store::forms::update(tx, site, &form, false).await?;
                let action = if is_live { "form.opened" } else { "form.retired" };
                audits::note(&of, tx, site, action, id, &()).await
            })
        })
        .await
}

/// The live form with this slug, from memory where nothing changed.
///
/// # Errors
/// There is none, or it was retired.
pub async fn live(engine: &Engine, site: SiteId, slug: &str) -> Result<Arc<LiveForm>> {
    let (revision, key) = (engine.revision(), (site, slug.to_owned()));
    if let Some(form) = engine.kept_forms().get(revision, &key) {
        return Ok(form);
    }
    let wanted = slug.to_owned();
    let form = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let form = store::forms::find_by_slug(session, site, &wanted).await?;
                let form = form.filter(|form| form.is_live);
                let form = form.ok_or_else(|| EngineError::missing("form", wanted))?;
                let magnet = match &form.spec.magnet {
                    None => None,
                    Some(slug) => store::magnets::find_by_slug(session, site, slug).await?,
                };
                Ok(Arc::new(LiveForm { form, magnet }))
            })
        })
        .await?;
    engine.kept_forms().put(revision, key, Arc::clone(&form));
    Ok(form)
}

/// The signed version of a form, as its hidden field carries it.
pub fn sign_version(engine: &Engine, form: &Form) -> String {
    let version = u16::try_from(form.version).unwrap_or(u16::MAX);
    engine.keys().sign(Purpose::FormVersion, form.id.0, version)
}

/// The form as it was shown to the person who answers it: what they read is what they agreed to,
/// whatever has become of the form since. `signed` is what [`sign_version`] gave; without it, or
/// where it is another form's, it is the form as it stands.
pub async fn as_shown(
    engine: &Engine,
    site: SiteId,
    form: &Arc<LiveForm>,
    signed: &str,
) -> Result<Arc<LiveForm>> {
    let opened = engine.keys().open(Purpose::FormVersion, signed).ok();
    let shown = opened.filter(|token| token.id == form.form.id.0).map(|token| token.what);
    let version = shown.map_or(form.form.version, i64::from);
    if version == form.form.version {
        return Ok(Arc::clone(form));
    }
    let form = Arc::clone(form);
    engine
        .reader()
        .read(move |session| {
            Box::pin(async move { as_of_version(session, site, &form, version).await })
        })
        .await
}

/// The form as it was in one of its versions, in what was read and agreed to; in what it gives and
/// how, as it stands. All as it stands, where there is no such version.
pub(crate) async fn as_of_version(
    session: &mut Session<'_>,
    site: SiteId,
    form: &Arc<LiveForm>,
    version: i64,
) -> Result<Arc<LiveForm>> {
    if version == form.form.version {
        return Ok(Arc::clone(form));
    }
    let found = store::forms::version(session, site, form.form.id, version).await?;
    let Some(FormVersion { spec, grants }) = found else { return Ok(Arc::clone(form)) };
    let now = &form.form.spec;
    // The hidden field of a page that was copied long ago holds for ever: it says what was read,
    // never that an address is taken at its word where the owner asks by mail by now.
    let spec = FormSpec {
        double_opt_in: spec.double_opt_in || now.double_opt_in,
        delivery: now.delivery,
        magnet: now.magnet.clone(),
        ..spec
    };
    let magnet = form.magnet.clone();
    let form = Form { version, spec, grants, ..form.form.clone() };
    Ok(Arc::new(LiveForm { form, magnet }))
}

/// How long spam is kept for a look.
const SPAM_DAYS: i64 = 30;

/// Forgets spam of long ago.
pub(crate) async fn forget_spam(engine: &Engine, site: SiteId) -> Result<u64> {
    let before = engine.now().plus_ms(-SPAM_DAYS * DAY_MS);
    let before = SubmissionId(model::ids::first_id_at(before));
    engine
        .write(move |tx| {
            Box::pin(async move { Ok(store::forms::forget_spam(tx, site, before).await?) })
        })
        .await
}
