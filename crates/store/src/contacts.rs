//! Contacts: rows.

use model::contacts::{Contact, Status, SuppressionReason};
use model::ids::ContactId;
use model::{SiteId, UtcMs};

use crate::{Both, FromRow, Json, Result, Row, Session, Tx};

const INSERT: &str = "insert into contacts (site_id, id, email, email_key, address_hmac, status,
    first_name, last_name, external_id, language, timezone, fields, is_test, no_sales,
    less_often, paused_until, created_at, updated_at, confirmed_at, unsubscribed_at, erased_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
        $19, $20, $21)
    on conflict (site_id, email_key) do nothing";
const UPDATE: &str = "update contacts set email = $3, email_key = $4, address_hmac = $5,
    first_name = $6, last_name = $7, external_id = $8, language = $9, timezone = $10,
    fields = $11, is_test = $12, updated_at = $13 where site_id = $1 and id = $2";
const UPDATE_STANDING: &str = "update contacts set status = $3, no_sales = $4, less_often = $5,
    paused_until = $6, confirmed_at = $7, unsubscribed_at = $8, erased_at = $9, updated_at = $10
    where site_id = $1 and id = $2";
const FIND_TO_CHANGE: Both = Both {
    sqlite: "select id, email, email_key, address_hmac, status, first_name, last_name,
        external_id, language, timezone, fields, is_test, no_sales, less_often, paused_until,
        created_at, updated_at, confirmed_at, unsubscribed_at, erased_at
        from contacts where site_id = $1 and id = $2",
    postgres: "select id, email, email_key, address_hmac, status, first_name, last_name,
        external_id, language, timezone, fields, is_test, no_sales, less_often, paused_until,
        created_at, updated_at, confirmed_at, unsubscribed_at, erased_at
        from contacts where site_id = $1 and id = $2 for no key update",
};
const FIND_BY_KEY_TO_CHANGE: Both = Both {
    sqlite: "select id, email, email_key, address_hmac, status, first_name, last_name,
        external_id, language, timezone, fields, is_test, no_sales, less_often, paused_until,
        created_at, updated_at, confirmed_at, unsubscribed_at, erased_at
        from contacts where site_id = $1 and email_key = $2",
    postgres: "select id, email, email_key, address_hmac, status, first_name, last_name,
        external_id, language, timezone, fields, is_test, no_sales, less_often, paused_until,
        created_at, updated_at, confirmed_at, unsubscribed_at, erased_at
        from contacts where site_id = $1 and email_key = $2 for no key update",
};
const FIND: &str = "select id, email, email_key, address_hmac, status, first_name, last_name,
    external_id, language, timezone, fields, is_test, no_sales, less_often, paused_until,
    created_at, updated_at, confirmed_at, unsubscribed_at, erased_at
    from contacts where site_id = $1 and id = $2";
const REACH: &str = "select c.email_key, c.status, c.paused_until, c.no_sales, c.erased_at,
    s.reason, s.since
    from contacts c left join suppressions s
        on s.site_id = c.site_id and s.address_hmac = c.address_hmac
    where c.site_id = $1 and c.id = $2";
const LOCK: Both = Both {
    sqlite: "select id from contacts where site_id = $1 and id = $2",
    postgres: "select id from contacts where site_id = $1 and id = $2 for update",
};
const FIND_BY_KEY: &str = "select id, email, email_key, address_hmac, status, first_name,
    last_name, external_id, language, timezone, fields, is_test, no_sales, less_often,
    paused_until, created_at, updated_at, confirmed_at, unsubscribed_at, erased_at
    from contacts where site_id = $1 and email_key = $2";
const LIST: &str = "select id, email, email_key, address_hmac, status, first_name,
    last_name, external_id, language, timezone, fields, is_test, no_sales, less_often,
    paused_until, created_at, updated_at, confirmed_at, unsubscribed_at, erased_at
    from contacts where site_id = $1 and id < $2 and erased_at is null
    order by id desc limit $3";
const LIST_BY_STATUS: &str = "select id, email, email_key, address_hmac, status, first_name,
    last_name, external_id, language, timezone, fields, is_test, no_sales, less_often,
    paused_until, created_at, updated_at, confirmed_at, unsubscribed_at, erased_at
    from contacts where site_id = $1 and status = $2 and id < $3 and erased_at is null
    order by id desc limit $4";
const LIST_FROM: &str = "select id, email, email_key, address_hmac, status, first_name,
    last_name, external_id, language, timezone, fields, is_test, no_sales, less_often,
    paused_until, created_at, updated_at, confirmed_at, unsubscribed_at, erased_at
    from contacts where site_id = $1 and id > $2 and erased_at is null order by id limit $3";
const PENDING_BEFORE: &str = "select c.id from contacts c
    where c.site_id = $1 and c.status = 'pending' and c.id < $2 and c.id > $3
    and not exists (select 1 from confirmations a where a.site_id = c.site_id
        and a.contact_id = c.id and a.state = 'open' and a.expires_at > $5)
    and not exists (select 1 from orders o where o.site_id = c.site_id and o.contact_id = c.id)
    order by c.id limit $4";
const DELETE: &str = "delete from contacts where site_id = $1 and id = $2";

impl FromRow for Contact {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            email: row.take()?,
            email_key: row.take()?,
            address_hmac: row.take()?,
            status: row.word()?,
            first_name: row.take()?,
            last_name: row.take()?,
            external_id: row.take()?,
            language: row.take()?,
            timezone: row.take()?,
            fields: row.json()?,
            is_test: row.take()?,
            no_sales: row.take()?,
            less_often: row.take()?,
            paused_until: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
            confirmed_at: row.take()?,
            unsubscribed_at: row.take()?,
            erased_at: row.take()?,
        })
    }
}

/// Writes a new contact; `false` where one with its key exists.
pub async fn insert(tx: &mut Tx<'_>, site: SiteId, contact: &Contact) -> Result<bool> {
    let written = tx
        .query(INSERT)
        .bind(site)
        .bind(contact.id)
        .bind(&contact.email)
        .bind(&contact.email_key)
        .bind(&contact.address_hmac)
        .bind(contact.status.as_str())
        .bind(&contact.first_name)
        .bind(&contact.last_name)
        .bind(contact.external_id.clone())
        .bind(contact.language.clone())
        .bind(contact.timezone.clone())
        .bind(Json(&contact.fields))
        .bind(contact.is_test)
        .bind(contact.no_sales)
        .bind(contact.less_often)
        .bind(contact.paused_until)
        .bind(contact.created_at)
        .bind(contact.updated_at)
        .bind(contact.confirmed_at)
        .bind(contact.unsubscribed_at)
        .bind(contact.erased_at)
        .run()
        .await?;
    Ok(written == 1)
}

/// Writes who a contact is: address, names, fields. How it stands is written by
/// [`update_standing`] alone, so that no writer of names, whatever it read before, undoes an
/// unsubscribe.
pub async fn update(tx: &mut Tx<'_>, site: SiteId, contact: &Contact) -> Result<()> {
    tx.query(UPDATE)
        .bind(site)
        .bind(contact.id)
        .bind(&contact.email)
        .bind(&contact.email_key)
        .bind(&contact.address_hmac)
        .bind(&contact.first_name)
        .bind(&contact.last_name)
        .bind(contact.external_id.clone())
        .bind(contact.language.clone())
        .bind(contact.timezone.clone())
        .bind(Json(&contact.fields))
        .bind(contact.is_test)
        .bind(contact.updated_at)
        .run()
        .await
        .map(drop)
}

/// Writes how a contact stands: its status, and what mail it wants. Of a contact that was read
/// [to be changed](find_to_change).
pub async fn update_standing(tx: &mut Tx<'_>, site: SiteId, contact: &Contact) -> Result<()> {
    tx.query(UPDATE_STANDING)
        .bind(site)
        .bind(contact.id)
        .bind(contact.status.as_str())
        .bind(contact.no_sales)
        .bind(contact.less_often)
        .bind(contact.paused_until)
        .bind(contact.confirmed_at)
        .bind(contact.unsubscribed_at)
        .bind(contact.erased_at)
        .bind(contact.updated_at)
        .run()
        .await
        .map(drop)
}

/// The contact with this id, erased ones included, held until the transaction ends: nobody else
/// changes it meanwhile.
pub async fn find_to_change(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: ContactId,
) -> Result<Option<Contact>> {
    tx.query_both(FIND_TO_CHANGE).bind(site).bind(id).maybe().await
}

/// The contact with this address key, held likewise.
pub async fn find_by_key_to_change(
    tx: &mut Tx<'_>,
    site: SiteId,
    key: &str,
) -> Result<Option<Contact>> {
    tx.query_both(FIND_BY_KEY_TO_CHANGE).bind(site).bind(key).maybe().await
}

/// The contact with this id, erased ones included.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    id: ContactId,
) -> Result<Option<Contact>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// What decides whether a contact may be written to: read twice for each mail, so only that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The address as it is compared.
    pub email_key: String,
    /// The status.
    pub status: Status,
    /// Asked to be left alone until then.
    pub paused_until: Option<UtcMs>,
    /// Whether sales mail was stopped.
    pub no_sales: bool,
    /// When it was erased, if it was.
    pub erased_at: Option<UtcMs>,
    /// Why the address must not be written to, and since when.
    pub suppression: Option<(SuppressionReason, UtcMs)>,
}

impl FromRow for Reach {
    fn from_row(row: &mut Row) -> Result<Self> {
        let (email_key, status) = (row.take()?, row.word()?);
        let (paused_until, no_sales, erased_at) = (row.take()?, row.take()?, row.take()?);
        let suppression = row.maybe_word()?.zip(row.take()?);
        Ok(Self { email_key, status, paused_until, no_sales, erased_at, suppression })
    }
}

/// Whether and how a contact may be written to.
pub async fn reach(
    session: &mut Session<'_>,
    site: SiteId,
    id: ContactId,
) -> Result<Option<Reach>> {
    session.query(REACH).bind(site).bind(id).maybe().await
}

/// Keeps every other transaction from counting the mails of a contact until this one ends. On
/// SQLite there is but one at a time.
pub async fn lock(tx: &mut Tx<'_>, site: SiteId, id: ContactId) -> Result<()> {
    if tx.is_sqlite() {
        return Ok(());
    }
    tx.query_both(LOCK).bind(site).bind(id).maybe::<i64>().await.map(drop)
}

/// The contact with this address key (`EmailAddr::key`).
pub async fn find_by_key(
    session: &mut Session<'_>,
    site: SiteId,
    key: &str,
) -> Result<Option<Contact>> {
    session.query(FIND_BY_KEY).bind(site).bind(key).maybe().await
}

/// Contacts, newest first, from before `before`; of one status, if one is given.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    status: Option<Status>,
    before: ContactId,
    limit: i64,
) -> Result<Vec<Contact>> {
    let query = match status {
        None => session.query(LIST).bind(site),
        Some(status) => session.query(LIST_BY_STATUS).bind(site).bind(status.as_str()),
    };
    query.bind(before).bind(limit).all().await
}

/// Contacts, oldest first, from after `after`: for exports.
pub async fn list_from(
    session: &mut Session<'_>,
    site: SiteId,
    after: ContactId,
    limit: i64,
) -> Result<Vec<Contact>> {
    session.query(LIST_FROM).bind(site).bind(after).bind(limit).all().await
}

/// Pending contacts without an order, made before the id `before`, after `after`, whose last link
/// is over at `now`.
pub async fn pending_before(
    session: &mut Session<'_>,
    site: SiteId,
    (before, after): (ContactId, ContactId),
    now: UtcMs,
    limit: i64,
) -> Result<Vec<ContactId>> {
    let query = session.query(PENDING_BEFORE).bind(site).bind(before).bind(after);
    query.bind(limit).bind(now).all().await
}

/// Removes a contact: only ones that never became more than pending.
pub async fn delete(tx: &mut Tx<'_>, site: SiteId, id: ContactId) -> Result<()> {
    tx.query(DELETE).bind(site).bind(id).run().await.map(drop)
}

/// The id that no contact made before `at` has, nor a smaller one.
pub fn first_id_at(at: UtcMs) -> ContactId {
    ContactId(model::ids::first_id_at(at))
}
