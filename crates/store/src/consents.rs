//! The consent ledger and the wordings it names. Lines are only ever added, and go with
//! their contact alone.

use model::consents::{Consent, Wording};
use model::ids::{ContactId, WordingId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const INSERT: &str = "insert into consents
    (site_id, contact_id, id, purpose, action, wording_id, source, source_id, proof, at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const LIST: &str = "select id, purpose, action, wording_id, source, source_id, proof, at
    from consents where site_id = $1 and contact_id = $2 order by id";
const WORDING_INSERT: &str = "insert into wordings
    (site_id, id, purpose, version, text, text_hash, created_at)
    values ($1, $2, $3, (select coalesce(max(version), 0) + 1 from wordings
        where site_id = $1 and purpose = $3), $4, $5, $6)
    on conflict (site_id, purpose, text_hash) do nothing";
const WORDING_BY_HASH: &str = "select id, purpose, version, text from wordings
    where site_id = $1 and purpose = $2 and text_hash = $3";
const WORDING_FIND: &str = "select id, purpose, version, text from wordings
    where site_id = $1 and id = $2";
const FORGET: &str = "delete from consents where site_id = $1 and contact_id = $2";
const SCRUB: &str = "update consents set proof = '{}' where site_id = $1 and contact_id = $2";

impl FromRow for Consent {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            purpose: row.take()?,
            action: row.word()?,
            wording_id: row.take()?,
            source: row.word()?,
            source_id: row.take()?,
            proof: row.take()?,
            at: row.take()?,
        })
    }
}

impl FromRow for Wording {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { id: row.take()?, purpose: row.take()?, version: row.take()?, text: row.take()? })
    }
}

/// Adds a line.
pub async fn insert(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    line: &Consent,
) -> Result<()> {
    tx.query(INSERT)
        .bind(site)
        .bind(contact)
        .bind(line.id)
        .bind(&line.purpose)
        .bind(line.action.as_str())
        .bind(line.wording_id)
        .bind(line.source.as_str())
        .bind(line.source_id)
        .bind(&line.proof)
        .bind(line.at)
        .run()
        .await
        .map(drop)
}

/// A contact's lines, oldest first.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<Consent>> {
    session.query(LIST).bind(site).bind(contact).all().await
}

/// Empties the proofs of a contact's lines: for erasure.
pub async fn scrub(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(SCRUB).bind(site).bind(contact).run().await.map(drop)
}

/// Takes a contact's lines away with the contact itself: it was made by an import that is taken
/// back, and nobody ever acted on them.
pub async fn forget(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(FORGET).bind(site).bind(contact).run().await.map(drop)
}

/// A wording to be kept: the text with its hash in hex.
#[derive(Debug, Clone, Copy)]
pub struct NewWording<'a> {
    /// Its id, if it is new.
    pub id: WordingId,
    /// What for.
    pub purpose: &'a str,
    /// Word for word.
    pub text: &'a str,
    /// SHA-256 of the text.
    pub hash: &'a str,
}

/// The wording with this text: found, or made as the next version.
pub async fn put_wording(
    tx: &mut Tx<'_>,
    site: SiteId,
    new: NewWording<'_>,
    now: UtcMs,
) -> Result<Wording> {
    tx.query(WORDING_INSERT)
        .bind(site)
        .bind(new.id)
        .bind(new.purpose)
        .bind(new.text)
        .bind(new.hash)
        .bind(now)
        .run()
        .await?;
    tx.query(WORDING_BY_HASH).bind(site).bind(new.purpose).bind(new.hash).one().await
}

/// The wording with this id.
pub async fn find_wording(
    session: &mut Session<'_>,
    site: SiteId,
    id: WordingId,
) -> Result<Option<Wording>> {
    session.query(WORDING_FIND).bind(site).bind(id).maybe().await
}
