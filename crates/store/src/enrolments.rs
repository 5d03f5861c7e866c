//! Enrolments: one contact's place in one sequence. The sweep claims what is due by its own row.

use model::ids::{ContactId, EnrolmentId, SequenceId, SequenceVersionId, StepId};
use model::{SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const INSERT: &str = "insert into enrolments (site_id, id, sequence_id, version_id, contact_id,
    state, due_at, entered_at) values ($1, $2, $3, $4, $5, 'active', $6, $7)
    on conflict (site_id, contact_id, sequence_id) do nothing";
const FIND: &str = "select site_id, id, sequence_id, version_id, contact_id, state, last_step_id,
    last_step_at, due_at, entered_at, ended_at, ended_why
    from enrolments where site_id = $1 and id = $2";
const DUE: &str = "select site_id, id, sequence_id, version_id, contact_id, state, last_step_id,
    last_step_at, due_at, entered_at, ended_at, ended_why
    from enrolments where state = 'active' and due_at <= $1 order by due_at limit $2";
const LIST_OF_CONTACT: &str = "select site_id, id, sequence_id, version_id, contact_id, state,
    last_step_id, last_step_at, due_at, entered_at, ended_at, ended_why
    from enrolments where site_id = $1 and contact_id = $2
    order by id desc";
const LIST_OF_SEQUENCE: &str = "select site_id, id, sequence_id, version_id, contact_id, state,
    last_step_id, last_step_at, due_at, entered_at, ended_at, ended_why
    from enrolments where site_id = $1 and sequence_id = $2 and id < $3
    order by id desc limit $4";
const STEP: &str = "update enrolments set last_step_id = $4, last_step_at = $5, due_at = $6
    where site_id = $1 and id = $2 and state = 'active' and coalesce(last_step_id, 0) = $3";
const SET_DUE: &str = "update enrolments set due_at = $3
    where site_id = $1 and id = $2 and state = 'active'";
const END: &str = "update enrolments set state = $3, ended_at = $4, ended_why = $5, due_at = null
    where site_id = $1 and id = $2 and state = 'active'";
const MOVE_VERSION: &str = "update enrolments set version_id = $4, due_at = $5
    where site_id = $1 and id = $2 and state = $3";
const REOPEN: &str = "update enrolments set state = 'active', version_id = $3, due_at = $4,
    ended_at = null, ended_why = null where site_id = $1 and id = $2 and state = 'finished'";
const BOUGHT_SINCE: &str = "select count(*) from (select id from orders
    where site_id = $1 and contact_id = $2 and paid_at >= $3 limit 1) q";
const STAND_AFTER: &str = "update enrolments set last_step_id = $3
    where site_id = $1 and id = $2";
const DUE_AGAIN: &str = "update enrolments set due_at = $3
    where site_id = $1 and sequence_id = $2 and state = 'active' and due_at > $3
    and due_at <= $4";
const SKIP_DUE: &str = "update enrolments set state = 'exited', ended_at = $2, due_at = null,
    ended_why = 'counted as done when the data was restored'
    where state = 'active' and due_at < $1";
const COUNTS: &str = "select state, count(*) from enrolments
    where site_id = $1 and sequence_id = $2 group by state order by state";

/// One contact's place in one sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Its site.
    pub site_id: SiteId,
    /// Its id.
    pub id: EnrolmentId,
    /// The sequence.
    pub sequence_id: SequenceId,
    /// The version of it that is followed.
    pub version_id: SequenceVersionId,
    /// The contact.
    pub contact_id: ContactId,
    /// active, finished or exited.
    pub state: String,
    /// The last step done.
    pub last_step_id: Option<StepId>,
    /// When it was done.
    pub last_step_at: Option<UtcMs>,
    /// When the next step is due.
    pub due_at: Option<UtcMs>,
    /// When the contact entered.
    pub entered_at: UtcMs,
    /// When it ended.
    pub ended_at: Option<UtcMs>,
    /// Why it ended.
    pub ended_why: Option<String>,
}

impl FromRow for Enrolment {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            site_id: row.take()?,
            id: row.take()?,
            sequence_id: row.take()?,
            version_id: row.take()?,
            contact_id: row.take()?,
            state: row.take()?,
            last_step_id: row.take()?,
            last_step_at: row.take()?,
            due_at: row.take()?,
            entered_at: row.take()?,
            ended_at: row.take()?,
            ended_why: row.take()?,
        })
    }
}

/// A contact enters; `false` where it did so before.
pub async fn insert(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: EnrolmentId,
    sequence: (SequenceId, SequenceVersionId),
    contact: ContactId,
    due_at: UtcMs,
    now: UtcMs,
) -> Result<bool> {
    let q = tx.query(INSERT).bind(site).bind(id).bind(sequence.0).bind(sequence.1);
    Ok(q.bind(contact).bind(due_at).bind(now).run().await? == 1)
}

/// The enrolment with this id.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    id: EnrolmentId,
) -> Result<Option<Enrolment>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// What is due, longest first, of all sites.
pub async fn due(session: &mut Session<'_>, now: UtcMs, limit: i64) -> Result<Vec<Enrolment>> {
    session.query(DUE).bind(now).bind(limit).all().await
}

/// Where a contact is enrolled, newest first.
pub async fn list_of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<Enrolment>> {
    session.query(LIST_OF_CONTACT).bind(site).bind(contact).all().await
}

/// Who is in a sequence, newest first, from before `before`.
pub async fn list_of_sequence(
    session: &mut Session<'_>,
    site: SiteId,
    sequence: SequenceId,
    before: EnrolmentId,
    limit: i64,
) -> Result<Vec<Enrolment>> {
    session.query(LIST_OF_SEQUENCE).bind(site).bind(sequence).bind(before).bind(limit).all().await
}

/// A step was done; `false` where another worker did it first.
pub async fn step(
    tx: &mut Tx<'_>,
    enrolment: &Enrolment,
    done: StepId,
    at: UtcMs,
    due_at: UtcMs,
) -> Result<bool> {
    let before = enrolment.last_step_id.map_or(0, |step| step.0);
    let q = tx.query(STEP).bind(enrolment.site_id).bind(enrolment.id).bind(before);
    Ok(q.bind(done).bind(at).bind(due_at).run().await? == 1)
}

/// Moves the time of the next step.
pub async fn set_due(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: EnrolmentId,
    due_at: UtcMs,
) -> Result<bool> {
    Ok(tx.query(SET_DUE).bind(site).bind(id).bind(due_at).run().await? == 1)
}

/// Ends an active enrolment as `finished` or `exited`.
pub async fn end(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: EnrolmentId,
    state: &str,
    at: UtcMs,
    why: &str,
) -> Result<bool> {
    let q = tx.query(END).bind(site).bind(id).bind(state).bind(at);
    Ok(q.bind(why).run().await? == 1)
}

/// Lets an active enrolment follow another version, next looked at `due_at`.
pub async fn follow_version(
    tx: &mut Tx<'_>,
    enrolment: &Enrolment,
    version: SequenceVersionId,
    due_at: UtcMs,
) -> Result<bool> {
    let q = tx.query(MOVE_VERSION).bind(enrolment.site_id).bind(enrolment.id);
    Ok(q.bind(&enrolment.state).bind(version).bind(due_at).run().await? == 1)
}

/// Opens a finished enrolment again on a version that has more steps.
pub async fn reopen(
    tx: &mut Tx<'_>,
    enrolment: &Enrolment,
    version: SequenceVersionId,
    due_at: UtcMs,
) -> Result<bool> {
    let q = tx.query(REOPEN).bind(enrolment.site_id).bind(enrolment.id).bind(version);
    Ok(q.bind(due_at).run().await? == 1)
}

/// How many are active, finished, exited.
pub async fn counts(
    session: &mut Session<'_>,
    site: SiteId,
    sequence: SequenceId,
) -> Result<Vec<(String, i64)>> {
    session.query(COUNTS).bind(site).bind(sequence).all().await
}

/// Ends what was due before `before`: after an older state was restored.
pub async fn skip_due_before(tx: &mut Tx<'_>, before: UtcMs, now: UtcMs) -> Result<u64> {
    tx.query(SKIP_DUE).bind(before).bind(now).run().await
}

/// Whether a contact paid for anything since `since`.
pub async fn bought_since(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    since: UtcMs,
) -> Result<bool> {
    let found: i64 = session.query(BOUGHT_SINCE).bind(site).bind(contact).bind(since).one().await?;
    Ok(found > 0)
}

/// Sets the last step an enrolment passed.
pub async fn stand_after(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: EnrolmentId,
    step: Option<StepId>,
) -> Result<()> {
    tx.query(STAND_AFTER).bind(site).bind(id).bind(step).run().await.map(drop)
}

/// What a pause put off by up to an hour is due again.
pub async fn due_again(
    tx: &mut Tx<'_>,
    site: SiteId,
    sequence: SequenceId,
    now: UtcMs,
) -> Result<u64> {
    let until = now.plus_hours(1);
    tx.query(DUE_AGAIN).bind(site).bind(sequence).bind(now).bind(until).run().await
}
