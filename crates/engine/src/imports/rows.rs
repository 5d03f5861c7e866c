//! The rows of a file of contacts, and what each does.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::DateTime;
use model::consents::{NEWSLETTER, Source};
use model::contacts::{Contact, FIELD_MAX, NAME_MAX, Status, clean};
use model::exports::csv_plain;
use model::sites::Site;
use model::{EmailAddr, Refused, UtcMs};
use serde_json::json;
use store::Tx;
use store::imports::{Import, Note, Step};

use super::Plan;
use super::changes::Change;
use super::columns::{Preset, Role, roles, status_of};
use crate::consents::{self, Giving};
use crate::contacts;
use crate::engine::Engine;
use crate::fault::Result;
use crate::files::tables::{Rows, Table, plain};

/// A row that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Person {
    /// The address.
    pub email: EmailAddr,
    /// How it stood there.
    pub status: Status,
    /// The contact's own columns.
    pub columns: BTreeMap<String, String>,
    /// Further fields.
    pub fields: BTreeMap<String, String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Topics by slug.
    pub topics: Vec<String>,
    /// Its id in the other program.
    pub external_id: String,
    /// When it agreed.
    pub consent_at: Option<UtcMs>,
    /// Where it agreed.
    pub consent_source: String,
    /// To what.
    pub consent_text: String,
    /// When it came.
    pub created_at: Option<UtcMs>,
}

/// Why a row is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    /// The address as it stands there.
    pub email: String,
    /// What is wrong.
    pub message: String,
    /// Whether the address stood in the file before.
    pub is_duplicate: bool,
}

/// A row with its line.
pub(crate) type Read = (i64, std::result::Result<Person, Left>);

/// Walks a table and makes people of its rows.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    /// Which program the file comes from.
    pub preset: Preset,
    table: &'a Table,
    roles: Vec<Role>,
    rows: std::iter::Peekable<Rows<'a>>,
    seen: HashMap<String, i64>,
}

impl<'a> Reader<'a> {
    /// From the first row.
    pub fn new(table: &'a Table, plan: &Plan) -> std::result::Result<Self, Refused> {
        let preset = Preset::of(&table.headers);
        let roles = roles(preset, &table.headers, &plan.map)?;
        let rows = table.rows().peekable();
        Ok(Self { preset, table, roles, rows, seen: HashMap::new() })
    }

    /// Each column and what it is taken for.
    pub fn columns(&self) -> Vec<(String, String)> {
        let words = self.roles.iter().map(Role::word);
        self.table.headers.iter().cloned().zip(words).collect()
    }

    /// The columns that are never taken.
    pub fn dropped(&self) -> Vec<String> {
        let all = self.table.headers.iter().zip(&self.roles);
        all.filter(|(_, role)| **role == Role::Dropped).map(|(name, _)| name.clone()).collect()
    }

    /// Goes on to the row that begins on `line` or after it, remembering the addresses before.
    pub fn skip_to(&mut self, line: i64) {
        while self.rows.peek().is_some_and(|row| row.line < line) {
            self.next();
        }
    }

    /// The line of the next row; after the last, one that is never reached.
    pub fn line(&mut self) -> i64 {
        self.rows.peek().map_or(i64::MAX, |row| row.line)
    }

    /// The next row.
    pub fn next(&mut self) -> Option<Read> {
        let row = self.rows.next()?;
        let line = row.line;
        let left = |email: &str, message: String| Left {
            email: email.to_owned(),
            message,
            is_duplicate: false,
        };
        let cells = match row.cells {
            Ok(cells) => cells,
            Err(why) => return Some((line, Err(left("", why.to_owned())))),
        };
        if cells.len() > self.roles.len() {
            let more = cells.len() - self.roles.len();
            let message = format!("{more} more cells than columns: is a text not in quotes?");
            let first = cells.first().map(String::as_str).unwrap_or_default();
            return Some((line, Err(left(first, message))));
        }
        let typed = self.cell(&cells, &Role::Email).trim().to_owned();
        let email = match EmailAddr::parse(csv_plain(&typed)) {
            Ok(email) => email,
            Err(refused) => return Some((line, Err(left(&typed, refused.message)))),
        };
        if let Some(before) = self.seen.get(&email.key()) {
            let message = format!("the same address stands on line {before}");
            return Some((line, Err(Left { is_duplicate: true, ..left(&typed, message) })));
        }
        self.seen.insert(email.key(), line);
        Some((line, self.person(email, &cells).map_err(|message| left(&typed, message))))
    }

    fn cell<'c>(&self, cells: &'c [String], role: &Role) -> &'c str {
        let at = self.roles.iter().position(|known| known == role);
        at.and_then(|at| cells.get(at)).map(|cell| csv_plain(cell.trim())).unwrap_or_default()
    }

    fn person(&self, email: EmailAddr, cells: &[String]) -> std::result::Result<Person, String> {
        let cell = |role: &Role| self.cell(cells, role).to_owned();
        let said = cell(&Role::Status);
        let status = match status_of(&said) {
            Some(status) => status,
            None if said.is_empty() => self.preset.status(),
            None => return Err(format!("the status \"{said}\" is not known")),
        };
        let mut columns = BTreeMap::new();
        let mut put = |name: &str, value: String| {
            if !value.is_empty() {
                columns.insert(name.to_owned(), clean(&value, NAME_MAX));
            }
        };
        let full = cell(&Role::FullName);
        let (first, last) = full.rsplit_once(' ').unwrap_or((full.as_str(), ""));
        let or = |own: String, other: &str| if own.is_empty() { other.to_owned() } else { own };
        put("first_name", or(cell(&Role::FirstName), first));
        put("last_name", or(cell(&Role::LastName), last));
        put("language", cell(&Role::Language));
        put("timezone", cell(&Role::Timezone));
        let mut fields = BTreeMap::new();
        for (role, value) in self.roles.iter().zip(cells) {
            if let Role::Field(key) = role
                && !value.trim().is_empty()
            {
                let value = csv_plain(value.trim());
                fields.insert(key.clone(), value.chars().take(FIELD_MAX).collect());
            }
        }
        let list = |text: String| -> Vec<String> {
            let parts = text.split(',').map(|part| part.trim().trim_matches('"').trim().to_owned());
            parts.filter(|part| !part.is_empty()).collect()
        };
        let tags = list(cell(&Role::Tags));
        Ok(Person {
            email,
            status,
            columns,
            fields,
            tags: tags.iter().filter_map(|tag| model::contacts::tag(tag)).collect(),
            topics: list(cell(&Role::Topics)),
            external_id: cell(&Role::ExternalId),
            consent_at: instant(&cell(&Role::ConsentAt)),
            consent_source: cell(&Role::ConsentSource),
            consent_text: cell(&Role::ConsentText),
            created_at: instant(&cell(&Role::CreatedAt)),
        })
    }
}

/// `2024-01-02 03:04:05` in UTC, RFC 3339, or a day.
fn instant(text: &str) -> Option<UtcMs> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.into());
    }
    let local: DateTime = match text.parse() {
        Ok(local) => local,
        Err(_) => text.parse::<jiff::civil::Date>().ok()?.into(),
    };
    let zoned = local.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().into())
}

/// Takes one person in; what is to be said about it, if anything.
#[expect(clippy::too_many_arguments, reason = "one row of an import needs all of it")]
pub(crate) async fn take(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    import: &Import,
    plan: &Plan,
    line: i64,
    person: Person,
    step: &mut Step,
) -> Result<Option<Note>> {
    let email = person.email.to_string();
    let warning = |message: &str| {
        let (email, message) = (email.clone(), message.to_owned());
        Some(Note { line, email, level: "warning".to_owned(), message })
    };
    let hmac = contacts::hmac_of(engine, &person.email);
    let barred = store::suppressions::find(tx, site.id, &hmac).await?;
    let key = person.email.key();
    let known = store::contacts::find_by_key_to_change(tx, site.id, &key).await?;
    if person.status == Status::Confirmed || person.status == Status::Pending {
        let left = known
            .as_ref()
            .is_some_and(|known| matches!(known.status, Status::Unsubscribed | Status::Suppressed));
        if left || barred.is_some() {
            step.skipped += 1;
            return Ok(warning("unsubscribed or suppressed here: stays so"));
        }
    }
    let now = engine.now();
    let is_new = known.is_none();
    let mut change = Change::begin(known.as_ref(), person.status, barred.is_some());
    let mut contact = match known.clone() {
        Some(known) => known,
        None => begun(engine, &person, now),
    };
    let mut changed = contacts::fill(&mut contact, &person.columns, &person.fields);
    if contact.external_id.is_none() && !person.external_id.is_empty() {
        contact.external_id = Some(person.external_id.clone());
        changed = true;
    }
    if is_new {
        contacts::ensure(engine, tx, site, contact.clone()).await?;
    } else if changed {
        contact.updated_at = now;
        store::contacts::update(tx, site.id, &contact).await?;
    }
    changed |= stand(engine, tx, site, import, plan, &person, &contact).await?;
    changed |= dress(tx, site, plan, &person, &contact, &mut change, now).await?;
    if is_new || changed {
        change.keep(engine, tx, site.id, import.id, contact.id, known.as_ref()).await?;
    }
    match (is_new, changed) {
        (true, _) => step.created += 1,
        (false, true) => step.updated += 1,
        (false, false) => step.unchanged += 1,
    }
    Ok(None)
}

fn begun(engine: &Engine, person: &Person, now: UtcMs) -> Contact {
    let mut contact = contacts::fresh(engine, &person.email, now);
    if let Some(at) = person.created_at.or(person.consent_at).filter(|at| *at < now) {
        contact.created_at = at;
    }
    contact
}

/// Brings a contact to the status its row says; whether that changed anything.
async fn stand(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    import: &Import,
    plan: &Plan,
    person: &Person,
    contact: &Contact,
) -> Result<bool> {
    match person.status {
        Status::Pending => Ok(false),
        Status::Confirmed if contact.status == Status::Confirmed => Ok(false),
        Status::Confirmed => {
            let text = match person.consent_text.as_str() {
                "" => plan.consent.trim(),
                own => own,
            };
            let wording = consents::wording(engine, tx, site.id, NEWSLETTER, text).await?;
            let proof = json!({
                "file": import.file_hash,
                "said_at": person.consent_at.map(|at| at.rfc3339()),
                "said_where": person.consent_source,
                "attested": plan.consent.trim(),
            });
            let giving = Giving {
                purpose: NEWSLETTER.to_owned(),
                wording: Some(wording.id),
                source: Source::Import,
                source_id: Some(import.id.0),
                proof,
            };
            consents::grant(engine, tx, site, contact.id, giving).await?;
            Ok(true)
        }
        Status::Unsubscribed => {
            let from = Some(import.id.0);
            consents::withdraw_all(engine, tx, site, contact.id, Source::Import, from).await
        }
        Status::Suppressed if contact.status == Status::Suppressed => Ok(false),
        Status::Suppressed => {
            super::suppress(engine, tx, site.id, &person.email, &import.name).await?;
            let mut contact = contacts::get_to_change(tx, site.id, contact.id).await?;
            contact.status = Status::Suppressed;
            contact.updated_at = engine.now();
            store::contacts::update_standing(tx, site.id, &contact).await?;
            Ok(true)
        }
    }
}

/// Puts tags and topics on a contact. No automation starts from an import.
async fn dress(
    tx: &mut Tx<'_>,
    site: &Site,
    plan: &Plan,
    person: &Person,
    contact: &Contact,
    change: &mut Change,
    now: UtcMs,
) -> Result<bool> {
    let mut changed = false;
    let own = plan.tags.iter().filter_map(|tag| model::contacts::tag(tag));
    for tag in own.chain(person.tags.iter().cloned()) {
        if store::tags::add(tx, site.id, contact.id, &tag, now).await? {
            change.tags.push(tag);
            changed = true;
        }
    }
    if person.topics.is_empty() {
        return Ok(changed);
    }
    for topic in store::topics::list(tx, site.id).await? {
        let named = |name: &String| plain(name) == plain(&topic.slug);
        if person.topics.iter().any(named)
            && store::topics::join(tx, site.id, contact.id, topic.id, now).await?
        {
            change.topics.push(topic.id);
            changed = true;
        }
    }
    Ok(changed)
}
