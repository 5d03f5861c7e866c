//! The test provider's own books. They are written in transactions of their own, as a provider's
//! are, so that a crash between its books and ours is a real one.

use model::{Currency, SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const INSERT: &str = "insert into test_charges (site_id, id, idem_key, kind, parent_ref, metadata,
    amount_minor, currency, method, state, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (site_id, idem_key) do nothing";
const FIND: &str = "select id, idem_key, kind, parent_ref, metadata, amount_minor, currency,
    method, state, created_at from test_charges where site_id = $1 and idem_key = $2";
const DECIDE: &str = "update test_charges set state = $3
    where site_id = $1 and idem_key = $2 and state = 'requires_action'";
const COUNT: &str = "select count(*) from test_charges
    where site_id = $1 and kind = 'charge' and state = 'succeeded'";

/// What the test provider wrote down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCharge {
    /// Its id.
    pub id: i64,
    /// The key it was asked with.
    pub idem_key: String,
    /// `charge` or `refund`.
    pub kind: String,
    /// The charge that a refund pays back.
    pub parent_ref: Option<String>,
    /// What the shop wrote beside it: its attempt.
    pub metadata: String,
    /// How much.
    pub amount_minor: i64,
    /// Of what.
    pub currency: Currency,
    /// What the card does.
    pub method: String,
    /// `succeeded`, `declined`, `requires_action`, `cancelled`.
    pub state: String,
    /// When.
    pub created_at: UtcMs,
}

impl FromRow for TestCharge {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            idem_key: row.take()?,
            kind: row.take()?,
            parent_ref: row.take()?,
            metadata: row.take()?,
            amount_minor: row.take()?,
            currency: row.word()?,
            method: row.take()?,
            state: row.take()?,
            created_at: row.take()?,
        })
    }
}

/// Writes a charge unless its key has one; the one that stands.
pub async fn charge(tx: &mut Tx<'_>, site: SiteId, new: &TestCharge) -> Result<TestCharge> {
    tx.query(INSERT)
        .bind(site)
        .bind(new.id)
        .bind(&new.idem_key)
        .bind(&new.kind)
        .bind(new.parent_ref.clone())
        .bind(&new.metadata)
        .bind(new.amount_minor)
        .bind(new.currency.code())
        .bind(&new.method)
        .bind(&new.state)
        .bind(new.created_at)
        .run()
        .await?;
    tx.query(FIND).bind(site).bind(&new.idem_key).one().await
}

/// The charge of this key.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    idem_key: &str,
) -> Result<Option<TestCharge>> {
    session.query(FIND).bind(site).bind(idem_key).maybe().await
}

/// Decides a charge that asked for a challenge.
pub async fn decide(tx: &mut Tx<'_>, site: SiteId, idem_key: &str, state: &str) -> Result<bool> {
    Ok(tx.query(DECIDE).bind(site).bind(idem_key).bind(state).run().await? == 1)
}

/// How many charges succeeded.
pub async fn count_succeeded(session: &mut Session<'_>, site: SiteId) -> Result<i64> {
    session.query(COUNT).bind(site).one().await
}
