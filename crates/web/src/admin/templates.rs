//! `/admin/templates`: what is written, seen as a reader will see it, and sent as a test.

use axum::extract::{Path, Query, State};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::templates::{self, Draft, Made};
use model::ids::{ContactId, TemplateId};
use model::{EmailAddr, SiteId, UtcMs};
use serde::{Deserialize, Serialize};
use store::templates::{Template, TemplateVersion};

use super::messages::framed;
use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{self, Again, FieldError, Theirs};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Contacts offered to preview as.
const PREVIEW_AS: i64 = 20;

/// The templates of the site.
#[derive(Debug, Serialize)]
pub struct TemplatesPage {
    frame: Frame,
    rows: Vec<TemplateRow>,
}

/// One template.
#[derive(Debug, Serialize)]
pub struct TemplateRow {
    id: String,
    slug: String,
    name: String,
    subject: String,
    version: i64,
    state: &'static str,
    updated_at: UtcMs,
}

impl TemplatesPage {
    pub(crate) fn sample() -> Self {
        let row = TemplateRow {
            id: "tpl_0000000000001".to_owned(),
            slug: "welcome-1".to_owned(),
            name: "Welcome".to_owned(),
            subject: "Your first loaf".to_owned(),
            version: 3,
            state: "live",
            updated_at: UtcMs(1_795_293_000_000),
        };
        Self { frame: Frame::sample("templates"), rows: vec![row] }
    }
}

/// The list.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let site = who.site.id;
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut rows = Vec::new();
                for template in store::templates::list(session, site).await? {
                    let version = template.version_id;
                    let found = store::templates::find_version(session, site, version).await?;
                    rows.push((template, found));
                }
                Ok(rows)
            })
        })
        .await?;
    let rows = rows.into_iter().map(|(template, version)| TemplateRow {
        id: template.id.to_string(),
        slug: template.slug,
        name: template.name,
        version: version.as_ref().map_or(0, |version| version.number),
        subject: version.map(|version| version.subject).unwrap_or_default(),
        state: if template.retired_at.is_some() { "retired" } else { "live" },
        updated_at: template.updated_at,
    });
    let page = TemplatesPage { frame: who.frame("templates"), rows: rows.collect() };
    reply::page("admin/templates/index.html", page)
}

/// A template being written.
#[derive(Debug, Serialize)]
pub struct EditPage {
    frame: Frame,
    id: Option<String>,
    form: DraftForm,
    version: i64,
    versions: Vec<(i64, UtcMs)>,
    warnings: Vec<String>,
    links: Vec<LinkRow>,
    contacts: Vec<(String, String)>,
    preview_as: String,
    test_to: String,
    errors: Vec<FieldError>,
    theirs: Theirs,
}

/// Where a link leads and how many people followed it.
#[derive(Debug, Serialize)]
pub struct LinkRow {
    target: String,
    readers: i64,
    clicks: i64,
}

/// What is typed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DraftForm {
    slug: String,
    name: String,
    format: String,
    subject: String,
    source: String,
    revision: i64,
}

impl DraftForm {
    fn draft(&self) -> Draft {
        Draft {
            slug: self.slug.trim().to_owned(),
            name: self.name.trim().to_owned(),
            format: self.format.clone(),
            subject: self.subject.trim().to_owned(),
            // Browsers send CRLF; Markdown and the stored version know LF alone.
            source: self.source.replace("\r\n", "\n"),
        }
    }
}

impl EditPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("templates"),
            id: Some("tpl_0000000000001".to_owned()),
            form: DraftForm { format: "markdown".to_owned(), ..DraftForm::default() },
            version: 2,
            versions: vec![(1, UtcMs(1_795_293_000_000))],
            warnings: vec!["the link to other.example is not encrypted (http)".to_owned()],
            links: vec![LinkRow { target: "/p/book".to_owned(), readers: 4, clicks: 5 }],
            contacts: vec![("con_0000000000001".to_owned(), "iris@example.com".to_owned())],
            preview_as: String::new(),
            test_to: "owner@shop.example".to_owned(),
            errors: vec![FieldError::new("source", "line 3, column 7: there is no such name")],
            theirs: Theirs::sample(),
        }
    }

    fn blank(who: &CurrentOperator, form: DraftForm) -> Self {
        Self {
            frame: who.frame("templates"),
            id: None,
            form,
            version: 0,
            versions: Vec::new(),
            warnings: Vec::new(),
            links: Vec::new(),
            contacts: Vec::new(),
            preview_as: String::new(),
            test_to: who.present.operator.email.clone(),
            errors: Vec::new(),
            theirs: Theirs::default(),
        }
    }
}

/// A new one.
pub async fn new(who: CurrentOperator) -> Reply {
    let form = DraftForm {
        format: "markdown".to_owned(),
        source: "Hello {{ contact.first_name | default(\"there\") }},\n\n".to_owned(),
        ..DraftForm::default()
    };
    reply::page("admin/templates/edit.html", EditPage::blank(&who, form))
}

/// Makes it.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<DraftForm>,
) -> Reply {
    match templates::save(&who.engine(&state), who.site.clone(), None, form.draft()).await {
        Ok(id) => Ok(reply::done(&format!("/admin/templates/{id}"), "The template is saved.")),
        Err(error) => refused(EditPage::blank(&who, DraftForm::default()), form, None, error),
    }
}

fn refused(
    page: EditPage,
    mut form: DraftForm,
    now: Option<DraftForm>,
    error: EngineError,
) -> Reply {
    let renew = |form: &mut DraftForm, now: &DraftForm| form.revision = now.revision;
    let Again { status, errors, theirs } = forms::again(error, &mut form, now.as_ref(), renew)?;
    let page = EditPage { form, errors, theirs, ..page };
    reply::page_with(status, "admin/templates/edit.html", page)
}

/// Which contact to preview as.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct As {
    contact: String,
}

/// One template, to be changed.
pub async fn edit(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
    Query(asked): Query<As>,
) -> Reply {
    let page = edited(&state, &who, read_id(&id)?, asked.contact).await?;
    reply::page("admin/templates/edit.html", page)
}

async fn edited(
    state: &AppState,
    who: &CurrentOperator,
    id: TemplateId,
    preview_as: String,
) -> Result<EditPage, WebError> {
    let found = find(state, who.site.id, id).await?;
    let form = DraftForm {
        slug: found.template.slug,
        name: found.template.name,
        format: found.version.format,
        subject: found.version.subject,
        source: found.version.source,
        revision: found.template.revision,
    };
    let made = templates::make(&who.site, &form.draft());
    let warnings = made.map(|Made { warnings, .. }| warnings).unwrap_or_default();
    let links = found.links.iter().zip(0_i64..).skip(1).map(|(target, place)| {
        let seen = found.clicks.iter().find(|(position, _, _)| *position == place);
        let (readers, clicks) = seen.map_or((0, 0), |(_, readers, clicks)| (*readers, *clicks));
        LinkRow { target: target.clone(), readers, clicks }
    });
    Ok(EditPage {
        id: Some(id.to_string()),
        version: found.version.number,
        versions: found.versions.iter().map(|one| (one.number, one.created_at)).collect(),
        warnings: warnings.into_iter().map(|warning| warning.message).collect(),
        links: links.collect(),
        contacts: found.contacts,
        preview_as,
        ..EditPage::blank(who, form)
    })
}

struct Found {
    template: Template,
    version: TemplateVersion,
    versions: Vec<TemplateVersion>,
    links: Vec<String>,
    clicks: Vec<(i64, i64, i64)>,
    contacts: Vec<(String, String)>,
}

async fn find(state: &AppState, site: SiteId, id: TemplateId) -> Result<Found, WebError> {
    let missing = move || EngineError::missing("template", id);
    let found = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                use store::templates as rows;
                let template = rows::find(session, site, id).await?.ok_or_else(missing)?;
                let version = template.version_id;
                let before = ContactId(i64::MAX);
                let contacts =
                    store::contacts::list(session, site, None, before, PREVIEW_AS).await?;
                Ok(Found {
                    version: rows::find_version(session, site, version)
                        .await?
                        .ok_or_else(missing)?,
                    versions: rows::versions(session, site, id, 10).await?,
                    links: rows::links(session, site, version).await?,
                    clicks: store::clicks::humans_of_version(session, site, version).await?,
                    contacts: contacts
                        .into_iter()
                        .map(|contact| (contact.id.to_string(), contact.email))
                        .collect(),
                    template,
                })
            })
        })
        .await?;
    Ok(found)
}

/// Saves it as the next version.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
    Form(form): Form<DraftForm>,
) -> Reply {
    let id = read_id(&id)?;
    let seen = Some((id, form.revision));
    match templates::save(&who.engine(&state), who.site.clone(), seen, form.draft()).await {
        Ok(_) => Ok(reply::done(
            &format!("/admin/templates/{id}"),
            "Saved. Mail already planned keeps the words it was planned with.",
        )),
        Err(error) => {
            let page = edited(&state, &who, id, String::new()).await?;
            let now = page.form.clone();
            refused(page, form, Some(now), error)
        }
    }
}

/// The HTML part as one contact would get it, by itself for the frame.
pub async fn preview(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
    Query(asked): Query<As>,
) -> Reply {
    let (site, id) = (who.site.id, read_id(&id)?);
    let Found { template, version, .. } = find(&state, site, id).await?;
    let contact = match asked.contact.parse::<ContactId>() {
        Err(_) => None,
        Ok(contact) => {
            state
                .reader
                .read::<_, EngineError, _>(move |session| {
                    Box::pin(
                        async move { Ok(store::contacts::find(session, site, contact).await?) },
                    )
                })
                .await?
        }
    };
    let draft = Draft {
        slug: template.slug,
        name: template.name,
        format: version.format,
        subject: version.subject,
        source: version.source,
    };
    let shown = templates::preview(&state.engine, &who.site, &draft, contact.as_ref()).await?;
    Ok(framed(shown.html))
}

/// Where a test goes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TestForm {
    to: String,
    contact: String,
}

/// Sends the saved version to one address.
pub async fn test(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
    Form(form): Form<TestForm>,
) -> Reply {
    let id = read_id(&id)?;
    let path = format!("/admin/templates/{id}");
    let Ok(to) = EmailAddr::parse(&form.to) else {
        return Ok(reply::sorry(&path, "Give an address the test can go to."));
    };
    let contact = form.contact.parse().ok();
    let sent = templates::send_test(&who.engine(&state), who.site.clone(), id, contact, to).await?;
    let Some(message) = sent else { return Ok(reply::to(&path)) };
    let status = engine::sending::status(&state.engine, who.site.id).await?;
    let said = if status.is_caught {
        "The test is made; no mail server is set, so it is under Caught mail."
    } else {
        "The test is on its way."
    };
    Ok(reply::done(&format!("/admin/messages/{message}"), said))
}

fn read_id(text: &str) -> Result<TemplateId, WebError> {
    text.parse().map_err(|_| WebError::NotFound)
}
