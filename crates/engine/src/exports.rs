//! Exports: contacts as a table that can be taken in again, row by row, safe for spreadsheets.

use std::collections::BTreeSet;

use model::SiteId;
use model::consents::{Action, NEWSLETTER};
use model::contacts::Contact;
use model::exports::csv_row;
use model::ids::ContactId;
use store::Session;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Contacts read at once.
const PAGE: i64 = 500;
/// The columns of every export; `field.…` follow.
const HEADERS: [&str; 13] = [
    "external_id",
    "email",
    "status",
    "first_name",
    "last_name",
    "language",
    "timezone",
    "tags",
    "topics",
    "consent_source",
    "consent_at",
    "consent_text",
    "created_at",
];

/// Writes the lines of an export, header first, and counts those after it.
pub(crate) struct Lines<W> {
    write: W,
    count: i64,
}

impl<W: FnMut(&str) -> std::io::Result<()>> Lines<W> {
    /// Begins with the names of the columns.
    pub fn begin<T: AsRef<str>>(write: W, headers: &[T]) -> Result<Self> {
        let mut lines = Self { write, count: 0 };
        lines.line(headers)?;
        Ok(lines)
    }

    /// One more line.
    pub fn put<T: AsRef<str>>(&mut self, cells: &[T]) -> Result<()> {
        self.count += 1;
        self.line(cells)
    }

    /// How many were put.
    pub fn count(&self) -> i64 {
        self.count
    }

    fn line<T: AsRef<str>>(&mut self, cells: &[T]) -> Result<()> {
        (self.write)(&csv_row(cells))
            .map_err(|e| EngineError::Fault(format!("the export cannot be written: {e}")))
    }
}

/// Writes every contact of a site as lines of CSV, header first, to `write`.
///
/// # Errors
/// `write` fails, or the database does.
pub async fn contacts(
    engine: &Engine,
    site: SiteId,
    write: impl FnMut(&str) -> std::io::Result<()> + Send,
) -> Result<i64> {
    let keys = field_keys(engine, site).await?;
    let mut headers: Vec<String> = HEADERS.iter().map(|name| (*name).to_owned()).collect();
    headers.extend(keys.iter().map(|key| format!("field.{key}")));
    let mut out = Lines::begin(write, &headers)?;
    let mut after = ContactId(0);
    loop {
        let (from, wanted) = (after, keys.clone());
        let (page, last) = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let page = store::contacts::list_from(session, site, from, PAGE).await?;
                    let mut lines = Vec::with_capacity(page.len());
                    for contact in &page {
                        lines.push(cells(session, site, contact, &wanted).await?);
                    }
                    Ok((lines, page.last().map(|contact| contact.id)))
                })
            })
            .await?;
        let Some(last) = last else { return Ok(out.count()) };
        after = last;
        for cells in page {
            out.put(&cells)?;
        }
    }
}

async fn field_keys(engine: &Engine, site: SiteId) -> Result<Vec<String>> {
    let (mut keys, mut after) = (BTreeSet::new(), ContactId(0));
    loop {
        let from = after;
        let page = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(
                    async move { Ok(store::contacts::list_from(session, site, from, PAGE).await?) },
                )
            })
            .await?;
        let Some(last) = page.last() else { return Ok(keys.into_iter().collect()) };
        after = last.id;
        keys.extend(page.into_iter().flat_map(|contact| contact.fields.into_keys()));
    }
}

async fn cells(
    session: &mut Session<'_>,
    site: SiteId,
    contact: &Contact,
    keys: &[String],
) -> Result<Vec<String>> {
    let tags = store::tags::of_contact(session, site, contact.id).await?;
    let topics = store::topics::of_contact(session, site, contact.id).await?;
    let topics: Vec<String> = topics.into_iter().map(|topic| topic.slug).collect();
    let lines = store::consents::list(session, site, contact.id).await?;
    let given = lines
        .into_iter()
        .rfind(|line| line.purpose == NEWSLETTER && line.action == Action::Granted);
    let text = match given.as_ref().and_then(|line| line.wording_id) {
        Some(id) => store::consents::find_wording(session, site, id).await?,
        None => None,
    };
    let mut cells = vec![
        contact.external_id.clone().unwrap_or_default(),
        contact.email.clone(),
        contact.status.to_string(),
        contact.first_name.clone(),
        contact.last_name.clone(),
        contact.language.clone().unwrap_or_default(),
        contact.timezone.clone().unwrap_or_default(),
        tags.join(","),
        topics.join(","),
        given.as_ref().map(|line| line.source.to_string()).unwrap_or_default(),
        given.as_ref().map(|line| line.at.rfc3339()).unwrap_or_default(),
        text.map(|wording| wording.text).unwrap_or_default(),
        contact.created_at.rfc3339(),
    ];
    cells.extend(keys.iter().map(|key| contact.fields.get(key).cloned().unwrap_or_default()));
    Ok(cells)
}
