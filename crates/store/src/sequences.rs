//! Sequences: queued follow-up, its draft and its frozen versions.

use model::ids::{SequenceId, SequenceVersionId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const FIND: &str = "select site_id, id, slug, name, state, starts_on, draft, version_id, revision,
    created_at, updated_at from sequences where site_id = $1 and id = $2";
const FIND_BY_SLUG: &str = "select site_id, id, slug, name, state, starts_on, draft, version_id,
    revision, created_at, updated_at from sequences where site_id = $1 and slug = $2";
const LIST: &str = "select site_id, id, slug, name, state, starts_on, draft, version_id, revision,
    created_at, updated_at from sequences where site_id = $1 order by id";
const LIVE: &str = "select site_id, id, slug, name, state, starts_on, draft, version_id, revision,
    created_at, updated_at from sequences where site_id = $1 and state = 'live' order by id";
const INSERT: &str = "insert into sequences (site_id, id, slug, name, state, starts_on, draft,
    revision, created_at, updated_at) values ($1, $2, $3, $4, 'draft', $5, $6, 1, $7, $7)";
const UPDATE: &str = "update sequences set slug = $4, name = $5, state = $6, starts_on = $7,
    draft = $8, version_id = $9, revision = revision + 1, updated_at = $10
    where site_id = $1 and id = $2 and revision = $3";
const INSERT_VERSION: &str = "insert into sequence_versions (site_id, id, sequence_id, number,
    definition, created_at) values ($1, $2, $3,
        (select coalesce(max(number), 0) + 1 from sequence_versions
            where site_id = $1 and sequence_id = $3), $4, $5)";
const FIND_VERSION: &str = "select id, sequence_id, number, definition, created_at
    from sequence_versions where site_id = $1 and id = $2";

/// A sequence. What its texts mean is `model::sequences`' business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// Its site.
    pub site_id: SiteId,
    /// Its id.
    pub id: SequenceId,
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// draft, live, paused or retired.
    pub state: String,
    /// What lets a contact enter: JSON.
    pub starts_on: String,
    /// The steps as last edited: JSON.
    pub draft: String,
    /// The version new entrants follow.
    pub version_id: Option<SequenceVersionId>,
    /// Goes up with each change.
    pub revision: i64,
    /// When it was made.
    pub created_at: UtcMs,
    /// When it was last changed.
    pub updated_at: UtcMs,
}

impl FromRow for Sequence {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            site_id: row.take()?,
            id: row.take()?,
            slug: row.take()?,
            name: row.take()?,
            state: row.take()?,
            starts_on: row.take()?,
            draft: row.take()?,
            version_id: row.take()?,
            revision: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }
}

/// One frozen version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceVersion {
    /// Its id.
    pub id: SequenceVersionId,
    /// Of which sequence.
    pub sequence_id: SequenceId,
    /// 1, 2, 3 …
    pub number: i64,
    /// The steps: JSON.
    pub definition: String,
    /// When it was published.
    pub created_at: UtcMs,
}

impl FromRow for SequenceVersion {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            sequence_id: row.take()?,
            number: row.take()?,
            definition: row.take()?,
            created_at: row.take()?,
        })
    }
}

/// The sequence with this id.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    id: SequenceId,
) -> Result<Option<Sequence>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// The sequence with this slug.
pub async fn find_by_slug(
    session: &mut Session<'_>,
    site: SiteId,
    slug: &str,
) -> Result<Option<Sequence>> {
    session.query(FIND_BY_SLUG).bind(site).bind(slug).maybe().await
}

/// All sequences of a site, oldest first.
pub async fn list(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Sequence>> {
    session.query(LIST).bind(site).all().await
}

/// Those contacts may enter now.
pub async fn live(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Sequence>> {
    session.query(LIVE).bind(site).all().await
}

/// Makes a draft.
pub async fn insert(tx: &mut Tx<'_>, new: &Sequence, now: UtcMs) -> Result<()> {
    let q = tx.query(INSERT).bind(new.site_id).bind(new.id).bind(&new.slug).bind(&new.name);
    q.bind(&new.starts_on).bind(&new.draft).bind(now).run().await.map(drop)
}

/// Writes all of a sequence over its revision; `false` where somebody else changed it meanwhile.
pub async fn update(tx: &mut Tx<'_>, changed: &Sequence, now: UtcMs) -> Result<bool> {
    let q = tx.query(UPDATE).bind(changed.site_id).bind(changed.id).bind(changed.revision);
    let q = q.bind(&changed.slug).bind(&changed.name).bind(&changed.state);
    let q = q.bind(&changed.starts_on).bind(&changed.draft).bind(changed.version_id);
    Ok(q.bind(now).run().await? == 1)
}

/// Freezes a version.
pub async fn insert_version(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: SequenceVersionId,
    sequence: SequenceId,
    definition: &str,
    now: UtcMs,
) -> Result<()> {
    let q = tx.query(INSERT_VERSION).bind(site).bind(id).bind(sequence);
    q.bind(definition).bind(now).run().await.map(drop)
}

/// The version with this id.
pub async fn find_version(
    session: &mut Session<'_>,
    site: SiteId,
    id: SequenceVersionId,
) -> Result<Option<SequenceVersion>> {
    session.query(FIND_VERSION).bind(site).bind(id).maybe().await
}
