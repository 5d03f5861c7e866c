//! Links that let an operator in once: sign-in, reset, invitation.

use model::UtcMs;
use model::ids::OperatorId;
use model::operators::LinkKind;

use crate::{FromRow, Result, Row, Session, Tx};

const FIND: &str = "select id, operator_id, kind, expires_at, used_at from operator_links
    where token_hash = $1";
const INSERT: &str = "insert into operator_links
    (id, token_hash, operator_id, kind, expires_at, used_at)
    values ($1, $2, $3, $4, $5, null)";
const USE: &str = "update operator_links set used_at = $2 where id = $1 and used_at is null";
const FORGET: &str = "delete from operator_links where expires_at < $1";
const END_OF: &str = "update operator_links set used_at = $2
    where operator_id = $1 and used_at is null";

/// A link that works once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorLink {
    /// Its id.
    pub id: i64,
    /// For whom.
    pub operator_id: OperatorId,
    /// What it lets them do.
    pub kind: LinkKind,
    /// Until when.
    pub expires_at: UtcMs,
    /// When it was used, or ended.
    pub used_at: Option<UtcMs>,
}

impl FromRow for OperatorLink {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            operator_id: row.take()?,
            kind: row.word()?,
            expires_at: row.take()?,
            used_at: row.take()?,
        })
    }
}

/// The link with this token hash, used and expired ones too.
pub async fn find(session: &mut Session<'_>, token_hash: &str) -> Result<Option<OperatorLink>> {
    session.query(FIND).bind(token_hash).maybe().await
}

/// Writes a new link.
pub async fn insert(tx: &mut Tx<'_>, link: &OperatorLink, token_hash: &str) -> Result<()> {
    tx.query(INSERT)
        .bind(link.id)
        .bind(token_hash)
        .bind(link.operator_id)
        .bind(link.kind.as_str())
        .bind(link.expires_at)
        .run()
        .await
        .map(drop)
}

/// Uses it up; `false` where someone was faster.
pub async fn use_up(tx: &mut Tx<'_>, id: i64, at: UtcMs) -> Result<bool> {
    Ok(tx.query(USE).bind(id).bind(at).run().await? > 0)
}

/// Ends every open link of an operator.
pub async fn end_of(tx: &mut Tx<'_>, operator: OperatorId, at: UtcMs) -> Result<u64> {
    tx.query(END_OF).bind(operator).bind(at).run().await
}

/// Forgets links that were over before `before`.
pub async fn forget_before(tx: &mut Tx<'_>, before: UtcMs) -> Result<()> {
    tx.query(FORGET).bind(before).run().await.map(drop)
}
