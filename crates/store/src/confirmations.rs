//! Confirmations: consents that wait for their button.

use model::consents::{Grant, Source};
use model::ids::{ConfirmationId, ContactId, FormId, SubmissionId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Json, Result, Row, Session, Tx};

const INSERT: &str = "insert into confirmations (site_id, id, contact_id, form_id, submission_id,
    source, source_id, grants, state, created_at, expires_at, ended_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9, $10, null)";
const FIND: &str = "select id, contact_id, form_id, submission_id, source, source_id, grants,
    state, created_at, expires_at from confirmations where site_id = $1 and id = $2";
const LAST_OPEN: &str = "select id, contact_id, form_id, submission_id, source, source_id, grants,
    state, created_at, expires_at from confirmations
    where site_id = $1 and contact_id = $2 and state = 'open' order by id desc limit 1";
const END: &str = "update confirmations set state = $3, ended_at = $4
    where site_id = $1 and id = $2 and state = 'open'";
const VOID_OF_CONTACT: &str = "update confirmations set state = 'void', ended_at = $3
    where site_id = $1 and contact_id = $2 and state = 'open'";
const FORGET: &str = "delete from confirmations where site_id = $1 and contact_id = $2";

/// One asking whether an address is willing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// Its id.
    pub id: ConfirmationId,
    /// Who is asked.
    pub contact_id: ContactId,
    /// By which form.
    pub form_id: Option<FormId>,
    /// For which answer.
    pub submission_id: Option<SubmissionId>,
    /// Where it was asked.
    pub source: Source,
    /// The raw id of the form or order.
    pub source_id: Option<i64>,
    /// What is agreed to.
    pub grants: Vec<Grant>,
    /// `open`, `confirmed` or `void`.
    pub state: String,
    /// When it was asked.
    pub created_at: UtcMs,
    /// Until when its link holds.
    pub expires_at: UtcMs,
}

impl FromRow for Confirmation {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            contact_id: row.take()?,
            form_id: row.take()?,
            submission_id: row.take()?,
            source: row.word()?,
            source_id: row.take()?,
            grants: row.json()?,
            state: row.take()?,
            created_at: row.take()?,
            expires_at: row.take()?,
        })
    }
}

/// Writes a new, open confirmation.
pub async fn insert(tx: &mut Tx<'_>, site: SiteId, one: &Confirmation) -> Result<()> {
    tx.query(INSERT)
        .bind(site)
        .bind(one.id)
        .bind(one.contact_id)
        .bind(one.form_id)
        .bind(one.submission_id)
        .bind(one.source.as_str())
        .bind(one.source_id)
        .bind(Json(&one.grants))
        .bind(one.created_at)
        .bind(one.expires_at)
        .run()
        .await
        .map(drop)
}

/// The confirmation with this id.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    id: ConfirmationId,
) -> Result<Option<Confirmation>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// The newest open confirmation of a contact.
pub async fn last_open(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Option<Confirmation>> {
    session.query(LAST_OPEN).bind(site).bind(contact).maybe().await
}

/// Ends an open confirmation; `false` where it is not open.
pub async fn end(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: ConfirmationId,
    state: &str,
    now: UtcMs,
) -> Result<bool> {
    Ok(tx.query(END).bind(site).bind(id).bind(state).bind(now).run().await? == 1)
}

/// Ends every open confirmation of a contact unconfirmed.
pub async fn void_of_contact(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    now: UtcMs,
) -> Result<()> {
    tx.query(VOID_OF_CONTACT).bind(site).bind(contact).bind(now).run().await.map(drop)
}

/// Forgets a contact's confirmations: for the purge.
pub async fn forget(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(FORGET).bind(site).bind(contact).run().await.map(drop)
}
