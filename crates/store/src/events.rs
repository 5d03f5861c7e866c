//! What happened: append-only, committed with its cause.

use model::ids::{ContactId, EventId};
use model::{SiteId, UtcMs};
use serde::Serialize;

use crate::{FromRow, Json, Result, Row, Session, Tx};

const INSERT: &str = "insert into events (site_id, id, at, kind, contact_id, subject_id, data)
    values ($1, $2, $3, $4, $5, $6, $7)";
const LIST_OF_CONTACT: &str = "select id, at, kind, contact_id, subject_id, data from events
    where site_id = $1 and contact_id = $2 and id < $3
    order by id desc limit $4";
const FIRST: &str = "select min(at) from events
    where site_id = $1 and contact_id = $2 and kind = $3";
const LIST: &str = "select id, at, kind, contact_id, subject_id, data from events
    where site_id = $1 and id < $2 order by id desc limit $3";

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id; ids ascend with time.
    pub id: EventId,
    /// When.
    pub at: UtcMs,
    /// What, as in the list of webhook events: `form.submitted`, `order.paid`.
    pub kind: String,
    /// To whom.
    pub contact_id: Option<ContactId>,
    /// The raw id of the noun it is about.
    pub subject_id: Option<i64>,
    /// Details as JSON text.
    pub data: String,
}

impl FromRow for Event {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            at: row.take()?,
            kind: row.take()?,
            contact_id: row.take()?,
            subject_id: row.take()?,
            data: row.take()?,
        })
    }
}

/// A new event, before it has an id.
#[derive(Debug, Clone, Copy)]
pub struct NewEvent<'a, T> {
    /// What happened.
    pub kind: &'a str,
    /// To whom.
    pub contact_id: Option<ContactId>,
    /// The raw id of the noun it is about.
    pub subject_id: Option<i64>,
    /// Details.
    pub data: &'a T,
}

/// Appends an event.
pub async fn insert<T: Serialize + Sync>(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: EventId,
    at: UtcMs,
    event: NewEvent<'_, T>,
) -> Result<()> {
    tx.query(INSERT)
        .bind(site)
        .bind(id)
        .bind(at)
        .bind(event.kind)
        .bind(event.contact_id)
        .bind(event.subject_id)
        .bind(Json(event.data))
        .run()
        .await
        .map(drop)
}

/// A contact's events, newest first, from before `before`.
pub async fn list_of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    before: EventId,
    limit: i64,
) -> Result<Vec<Event>> {
    session.query(LIST_OF_CONTACT).bind(site).bind(contact).bind(before).bind(limit).all().await
}

/// The site's events, newest first, from before `before`.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    before: EventId,
    limit: i64,
) -> Result<Vec<Event>> {
    session.query(LIST).bind(site).bind(before).bind(limit).all().await
}

/// When something of this kind first happened to a contact.
pub async fn first_of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    kind: &str,
) -> Result<Option<UtcMs>> {
    session.query(FIRST).bind(site).bind(contact).bind(kind).one().await
}
