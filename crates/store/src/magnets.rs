//! Magnets and the rights to them.

use model::ids::{ClaimId, ContactId, MagnetId};
use model::magnets::{Claim, Magnet};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const PUT: &str = "insert into magnets
    (site_id, id, slug, name, kind, file_id, url, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (site_id, id) do update
    set slug = excluded.slug, name = excluded.name, kind = excluded.kind,
        file_id = excluded.file_id, url = excluded.url, updated_at = excluded.updated_at";
const FIND: &str = "select id, slug, name, kind, file_id, url, created_at, updated_at
    from magnets where site_id = $1 and id = $2";
const FIND_BY_SLUG: &str = "select id, slug, name, kind, file_id, url, created_at, updated_at
    from magnets where site_id = $1 and slug = $2";
const LIST: &str = "select id, slug, name, kind, file_id, url, created_at, updated_at
    from magnets where site_id = $1 order by name, id";
const CLAIM: &str = "insert into magnet_claims (site_id, id, magnet_id, contact_id,
    confirmation_id, downloads, created_at, expires_at, last_at)
    values ($1, $2, $3, $4, $5, 0, $6, $7, null)";
const FIND_CLAIM: &str = "select id, magnet_id, contact_id, confirmation_id, downloads,
    created_at, expires_at, last_at from magnet_claims where site_id = $1 and id = $2";
const CLAIM_OF_CONFIRMATION: &str = "select id, magnet_id, contact_id, confirmation_id, downloads,
    created_at, expires_at, last_at from magnet_claims
    where site_id = $1 and contact_id = $2 and confirmation_id = $3";
const DOWNLOADED: &str = "update magnet_claims set downloads = downloads + 1, last_at = $3
    where site_id = $1 and id = $2 and downloads < $4";
const COUNTS: &str = "select magnet_id, count(*), coalesce(cast(sum(downloads) as bigint), 0)
    from magnet_claims where site_id = $1 group by magnet_id";
const FORGET: &str = "delete from magnet_claims where site_id = $1 and contact_id = $2";

impl FromRow for Magnet {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            slug: row.take()?,
            name: row.take()?,
            kind: row.word()?,
            file_id: row.take()?,
            url: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }
}

impl FromRow for Claim {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            magnet_id: row.take()?,
            contact_id: row.take()?,
            confirmation_id: row.take()?,
            downloads: row.take()?,
            created_at: row.take()?,
            expires_at: row.take()?,
            last_at: row.take()?,
        })
    }
}

/// Writes a magnet, new or changed.
pub async fn put(tx: &mut Tx<'_>, site: SiteId, magnet: &Magnet) -> Result<()> {
    tx.query(PUT)
        .bind(site)
        .bind(magnet.id)
        .bind(&magnet.slug)
        .bind(&magnet.name)
        .bind(magnet.kind.as_str())
        .bind(magnet.file_id)
        .bind(magnet.url.as_deref())
        .bind(magnet.created_at)
        .bind(magnet.updated_at)
        .run()
        .await
        .map(drop)
}

/// The magnet with this id.
pub async fn find(session: &mut Session<'_>, site: SiteId, id: MagnetId) -> Result<Option<Magnet>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// The magnet with this slug.
pub async fn find_by_slug(
    session: &mut Session<'_>,
    site: SiteId,
    slug: &str,
) -> Result<Option<Magnet>> {
    session.query(FIND_BY_SLUG).bind(site).bind(slug).maybe().await
}

/// The site's magnets by name.
pub async fn list(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Magnet>> {
    session.query(LIST).bind(site).all().await
}

/// Gives a contact the right to a magnet.
pub async fn claim(tx: &mut Tx<'_>, site: SiteId, claim: &Claim) -> Result<()> {
    tx.query(CLAIM)
        .bind(site)
        .bind(claim.id)
        .bind(claim.magnet_id)
        .bind(claim.contact_id)
        .bind(claim.confirmation_id)
        .bind(claim.created_at)
        .bind(claim.expires_at)
        .run()
        .await
        .map(drop)
}

/// The right with this id.
pub async fn find_claim(
    session: &mut Session<'_>,
    site: SiteId,
    id: ClaimId,
) -> Result<Option<Claim>> {
    session.query(FIND_CLAIM).bind(site).bind(id).maybe().await
}

/// The right that a confirmation brings.
pub async fn claim_of_confirmation(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    confirmation: model::ids::ConfirmationId,
) -> Result<Option<Claim>> {
    let query = session.query(CLAIM_OF_CONFIRMATION).bind(site).bind(contact);
    query.bind(confirmation).maybe().await
}

/// Counts one fetch; `false` where `max` are used up.
pub async fn downloaded(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: ClaimId,
    now: UtcMs,
    max: i64,
) -> Result<bool> {
    Ok(tx.query(DOWNLOADED).bind(site).bind(id).bind(now).bind(max).run().await? == 1)
}

/// For each magnet: how many have a right to it, and how often it was fetched.
pub async fn counts(session: &mut Session<'_>, site: SiteId) -> Result<Vec<(MagnetId, i64, i64)>> {
    session.query(COUNTS).bind(site).all().await
}

/// Forgets a contact's rights: for the purge and for erasure.
pub async fn forget(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(FORGET).bind(site).bind(contact).run().await.map(drop)
}
