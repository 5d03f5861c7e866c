//! Forms, their versions, and what was sent in.

use model::consents::Grant;
use model::forms::FormSpec;
use model::ids::{ContactId, FormId, SubmissionId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Json, Result, Row, Session, Tx};

const INSERT: &str = "insert into forms
    (site_id, id, slug, name, state, version, created_at, updated_at)
    values ($1, $2, $3, $4, 'live', 1, $5, $5)";
const UPDATE: &str = "update forms set slug = $3, name = $4, state = $5, version = $6,
    updated_at = $7 where site_id = $1 and id = $2";
const PUT_VERSION: &str = "insert into form_versions
    (site_id, form_id, version, spec, grants, created_at) values ($1, $2, $3, $4, $5, $6)";
const FIND: &str = "select f.id, f.slug, f.name, f.state, f.version, f.created_at, f.updated_at,
    v.spec, v.grants
    from forms f join form_versions v
        on v.site_id = f.site_id and v.form_id = f.id and v.version = f.version
    where f.site_id = $1 and f.id = $2";
const FIND_BY_SLUG: &str = "select f.id, f.slug, f.name, f.state, f.version, f.created_at,
    f.updated_at, v.spec, v.grants
    from forms f join form_versions v
        on v.site_id = f.site_id and v.form_id = f.id and v.version = f.version
    where f.site_id = $1 and f.slug = $2";
const LIST: &str = "select f.id, f.slug, f.name, f.state, f.version, f.created_at, f.updated_at,
    v.spec, v.grants
    from forms f join form_versions v
        on v.site_id = f.site_id and v.form_id = f.id and v.version = f.version
    where f.site_id = $1 order by f.name, f.id";
const VERSION: &str = "select spec, grants from form_versions
    where site_id = $1 and form_id = $2 and version = $3";
const VERSIONS: &str = "select spec, grants from form_versions where site_id = $1";
const PER_HOUR: &str = "select created_at / 3600000, count(*) from submissions
    where site_id = $1 and state = 'accepted' and id > $2 group by created_at / 3600000";
const SUBMIT: &str = "insert into submissions (site_id, form_id, id, version, contact_id, state,
    why, email, answers, dropped, touch, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const SUBMISSION: &str = "select form_id, id, version, contact_id, state, why, email, answers,
    dropped, touch, created_at from submissions where site_id = $1 and form_id = $2 and id = $3";
const SUBMISSIONS: &str = "select form_id, id, version, contact_id, state, why, email, answers,
    dropped, touch, created_at from submissions
    where site_id = $1 and form_id = $2 and id < $3 order by id desc limit $4";
const SUBMISSIONS_OF_FORM_BY_STATE: &str = "select form_id, id, version, contact_id, state, why,
    email, answers, dropped, touch, created_at from submissions
    where site_id = $1 and form_id = $2 and id < $3 and state in ($5, $6)
    order by id desc limit $4";
const SUBMISSIONS_BETWEEN: &str = "select form_id, id, version, contact_id, state, why, email,
    answers, dropped, touch, created_at from submissions
    where site_id = $1 and (cast($2 as text) = '' or state = $2)
    and state in ('accepted', 'spam', 'held', 'discarded') and id >= $3 and id < $4
    order by id desc limit $5";
const SUBMISSIONS_OF_CONTACT: &str = "select form_id, id, version, contact_id, state, why, email,
    answers, dropped, touch, created_at from submissions
    where site_id = $1 and contact_id = $2 order by id";
const SET_SUBMISSION: &str = "update submissions set state = $4, contact_id = $5, answers = $6
    where site_id = $1 and form_id = $2 and id = $3 and state in ('spam', 'held')";
const SCRUB: &str = "update submissions set email = '', answers = '{}', touch = '{}'
    where site_id = $1 and contact_id = $2";
const FORGET_SPAM: &str = "delete from submissions
    where site_id = $1 and state in ('spam', 'discarded') and id < $2";
const FORGET_OF_CONTACT: &str = "delete from submissions where site_id = $1 and contact_id = $2";

/// A form with its current version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Its id.
    pub id: FormId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name as the operator reads it.
    pub name: String,
    /// Whether it takes answers.
    pub is_live: bool,
    /// The current version.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcMs,
    /// When it was last changed.
    pub updated_at: UtcMs,
    /// What it asks and does.
    pub spec: FormSpec,
    /// What it can agree to, with the wording of each purpose.
    pub grants: Vec<Grant>,
}

impl FromRow for Form {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            slug: row.take()?,
            name: row.take()?,
            is_live: row.take::<String>()? == "live",
            version: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
            spec: row.json()?,
            grants: row.json()?,
        })
    }
}

/// Writes a new form with its first version.
pub async fn insert(tx: &mut Tx<'_>, site: SiteId, form: &Form) -> Result<()> {
    let query = tx.query(INSERT).bind(site).bind(form.id).bind(&form.slug).bind(&form.name);
    query.bind(form.created_at).run().await?;
    put_version(tx, site, form).await
}

/// Writes a changed form; a new version, where `form.version` has none yet.
pub async fn update(tx: &mut Tx<'_>, site: SiteId, form: &Form, new_version: bool) -> Result<()> {
    tx.query(UPDATE)
        .bind(site)
        .bind(form.id)
        .bind(&form.slug)
        .bind(&form.name)
        .bind(if form.is_live { "live" } else { "retired" })
        .bind(form.version)
        .bind(form.updated_at)
        .run()
        .await?;
    if new_version { put_version(tx, site, form).await } else { Ok(()) }
}

async fn put_version(tx: &mut Tx<'_>, site: SiteId, form: &Form) -> Result<()> {
    tx.query(PUT_VERSION)
        .bind(site)
        .bind(form.id)
        .bind(form.version)
        .bind(Json(&form.spec))
        .bind(Json(&form.grants))
        .bind(form.updated_at)
        .run()
        .await
        .map(drop)
}

/// The form with this id.
pub async fn find(session: &mut Session<'_>, site: SiteId, id: FormId) -> Result<Option<Form>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// The form with this slug.
pub async fn find_by_slug(
    session: &mut Session<'_>,
    site: SiteId,
    slug: &str,
) -> Result<Option<Form>> {
    session.query(FIND_BY_SLUG).bind(site).bind(slug).maybe().await
}

/// The site's forms by name.
pub async fn list(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Form>> {
    session.query(LIST).bind(site).all().await
}

/// What a version of a form asks, and the wordings it has for what it can agree to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormVersion {
    /// What it asks and does.
    pub spec: FormSpec,
    /// What it can agree to, with the wording of each purpose.
    pub grants: Vec<Grant>,
}

impl FromRow for FormVersion {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { spec: row.json()?, grants: row.json()? })
    }
}

/// Every version of every form of a site.
pub async fn versions(session: &mut Session<'_>, site: SiteId) -> Result<Vec<FormVersion>> {
    session.query(VERSIONS).bind(site).all().await
}

/// A version of a form as it was.
pub async fn version(
    session: &mut Session<'_>,
    site: SiteId,
    form: FormId,
    version: i64,
) -> Result<Option<FormVersion>> {
    session.query(VERSION).bind(site).bind(form).bind(version).maybe().await
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// To which form.
    pub form_id: FormId,
    /// Its id.
    pub id: SubmissionId,
    /// To which version.
    pub version: i64,
    /// Whose; nothing while it is spam or held.
    pub contact_id: Option<ContactId>,
    /// `accepted`, `spam`, `held` or `discarded`.
    pub state: String,
    /// Why it is spam or held.
    pub why: Option<String>,
    /// The address; empty once erased.
    pub email: String,
    /// JSON: what was posted, pairs in order.
    pub answers: String,
    /// Names that the form does not know.
    pub dropped: i64,
    /// JSON: how the visitor came.
    pub touch: String,
    /// When.
    pub created_at: UtcMs,
}

impl FromRow for Submission {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            form_id: row.take()?,
            id: row.take()?,
            version: row.take()?,
            contact_id: row.take()?,
            state: row.take()?,
            why: row.take()?,
            email: row.take()?,
            answers: row.take()?,
            dropped: row.take()?,
            touch: row.take()?,
            created_at: row.take()?,
        })
    }
}

/// Keeps an answer.
pub async fn submit(tx: &mut Tx<'_>, site: SiteId, one: &Submission) -> Result<()> {
    tx.query(SUBMIT)
        .bind(site)
        .bind(one.form_id)
        .bind(one.id)
        .bind(one.version)
        .bind(one.contact_id)
        .bind(&one.state)
        .bind(one.why.as_deref())
        .bind(&one.email)
        .bind(&one.answers)
        .bind(one.dropped)
        .bind(&one.touch)
        .bind(one.created_at)
        .run()
        .await
        .map(drop)
}

/// One answer.
pub async fn submission(
    session: &mut Session<'_>,
    site: SiteId,
    form: FormId,
    id: SubmissionId,
) -> Result<Option<Submission>> {
    session.query(SUBMISSION).bind(site).bind(form).bind(id).maybe().await
}

/// A form's answers, newest first, from before `before`.
pub async fn submissions(
    session: &mut Session<'_>,
    site: SiteId,
    form: FormId,
    before: SubmissionId,
    limit: i64,
) -> Result<Vec<Submission>> {
    session.query(SUBMISSIONS).bind(site).bind(form).bind(before).bind(limit).all().await
}

/// A form's answers in either of two states, newest first, from before `before`.
pub async fn submissions_in(
    session: &mut Session<'_>,
    site: SiteId,
    form: FormId,
    states: [&str; 2],
    before: SubmissionId,
    limit: i64,
) -> Result<Vec<Submission>> {
    let query = session.query(SUBMISSIONS_OF_FORM_BY_STATE).bind(site).bind(form).bind(before);
    states.into_iter().fold(query.bind(limit), |query, state| query.bind(state)).all().await
}

/// The site's answers from `from` to before `before`, newest first; in a state, or in any where it
/// is empty.
pub async fn submissions_between(
    session: &mut Session<'_>,
    site: SiteId,
    state: &str,
    (from, before): (SubmissionId, SubmissionId),
    limit: i64,
) -> Result<Vec<Submission>> {
    let query = session.query(SUBMISSIONS_BETWEEN).bind(site).bind(state).bind(from);
    query.bind(before).bind(limit).all().await
}

/// A contact's answers, oldest first.
pub async fn submissions_of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<Submission>> {
    session.query(SUBMISSIONS_OF_CONTACT).bind(site).bind(contact).all().await
}

/// Takes an answer out of spam or hold; `false` where it is in neither.
pub async fn set_submission(
    tx: &mut Tx<'_>,
    site: SiteId,
    one: &Submission,
    state: &str,
    contact: Option<ContactId>,
    answers: &str,
) -> Result<bool> {
    let query = tx.query(SET_SUBMISSION).bind(site).bind(one.form_id).bind(one.id);
    Ok(query.bind(state).bind(contact).bind(answers).run().await? == 1)
}

/// Empties a contact's answers: for erasure.
pub async fn scrub(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(SCRUB).bind(site).bind(contact).run().await.map(drop)
}

/// Accepted answers since the id `after`, by hour (hours since 1970): hours without any are left
/// out.
pub async fn per_hour(
    session: &mut Session<'_>,
    site: SiteId,
    after: SubmissionId,
) -> Result<Vec<(i64, i64)>> {
    session.query(PER_HOUR).bind(site).bind(after).all().await
}

/// Forgets spam and discarded answers made before the id `before`.
pub async fn forget_spam(tx: &mut Tx<'_>, site: SiteId, before: SubmissionId) -> Result<u64> {
    tx.query(FORGET_SPAM).bind(site).bind(before).run().await
}

/// Forgets a contact's answers: for the purge.
pub async fn forget_of_contact(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(FORGET_OF_CONTACT).bind(site).bind(contact).run().await.map(drop)
}
