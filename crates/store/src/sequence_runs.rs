//! Runs: many people put into a sequence at once, how far each got, and what became of each person.

use model::ids::{ContactId, SequenceId, SequenceRunId};
use model::sequence_runs::{Audience, Outcome};
use model::{SiteId, UtcMs};

use crate::{Both, FromRow, Result, Row, Session, Tx};

const INSERT: &str = "insert into sequence_runs (site_id, id, sequence_id, audience, turn, state,
    actor, asked, entered, left_out, reached, before_id, begin_at, created_at, updated_at)
    values ($1, $2, $3, $4, $5, 'running', $6, $7, 0, 0, 0, $8, $9, $10, $10)
    on conflict (site_id, sequence_id, audience, turn) do nothing";
const FIND: &str = "select site_id, id, sequence_id, audience, turn, state, why, actor, asked,
    entered, left_out, reached, before_id, begin_at, created_at, ended_at
    from sequence_runs where site_id = $1 and id = $2";
const FIND_TO_CHANGE: Both = Both {
    sqlite: "select site_id, id, sequence_id, audience, turn, state, why, actor, asked, entered,
        left_out, reached, before_id, begin_at, created_at, ended_at
        from sequence_runs where site_id = $1 and id = $2",
    postgres: "select site_id, id, sequence_id, audience, turn, state, why, actor, asked, entered,
        left_out, reached, before_id, begin_at, created_at, ended_at
        from sequence_runs where site_id = $1 and id = $2 for no key update",
};
const NEWEST_OF: &str = "select site_id, id, sequence_id, audience, turn, state, why, actor, asked,
    entered, left_out, reached, before_id, begin_at, created_at, ended_at
    from sequence_runs where site_id = $1 and sequence_id = $2 and audience = $3
    order by turn desc limit 1";
const FIND_TURN: &str = "select site_id, id, sequence_id, audience, turn, state, why, actor, asked,
    entered, left_out, reached, before_id, begin_at, created_at, ended_at
    from sequence_runs where site_id = $1 and sequence_id = $2 and audience = $3 and turn = $4";
const LIST: &str = "select site_id, id, sequence_id, audience, turn, state, why, actor, asked,
    entered, left_out, reached, before_id, begin_at, created_at, ended_at
    from sequence_runs where site_id = $1 and sequence_id = $2 order by id desc limit $3";
// What waits for a paused sequence keeps nothing else waiting.
const DUE: &str = "select r.site_id, r.id, r.sequence_id, r.audience, r.turn, r.state, r.why,
    r.actor, r.asked, r.entered, r.left_out, r.reached, r.before_id, r.begin_at, r.created_at,
    r.ended_at
    from sequence_runs r join sequences s on s.site_id = r.site_id and s.id = r.sequence_id
    where r.state = 'running' and r.begin_at <= $1 and s.state <> 'paused'
    order by r.begin_at, r.id limit $2";
const ADVANCE: &str = "update sequence_runs set reached = $4, entered = entered + $5,
    left_out = left_out + $6, updated_at = $7
    where site_id = $1 and id = $2 and reached = $3 and state = 'running'";
const END: &str = "update sequence_runs set state = $3, why = $4, updated_at = $5, ended_at = $5
    where site_id = $1 and id = $2 and state = 'running'";
const STOP_ASKED_BEFORE: &str = "update sequence_runs set state = 'stopped', updated_at = $2,
    ended_at = $2, why = 'counted as done when the data was restored'
    where state = 'running' and created_at < $1";
const NOTE: &str = "insert into sequence_run_people (site_id, run_id, contact_id, outcome, at)
    values ($1, $2, $3, $4, $5)";
const COUNTS: &str = "select outcome, count(*) from sequence_run_people
    where site_id = $1 and run_id = $2 group by outcome order by outcome";
const PEOPLE: &str = "select contact_id, outcome, at from sequence_run_people
    where site_id = $1 and run_id = $2 and contact_id > $3 order by contact_id limit $4";
const PEOPLE_BY_OUTCOME: &str = "select contact_id, outcome, at from sequence_run_people
    where site_id = $1 and run_id = $2 and outcome = $5 and contact_id > $3
    order by contact_id limit $4";
const LEFT_OUT: &str = "select contact_id, outcome, at from sequence_run_people
    where site_id = $1 and run_id = $2 and outcome <> 'entered' and contact_id > $3
    order by contact_id limit $4";
const OF_CONTACT: &str = "select r.sequence_id, p.outcome, p.at
    from sequence_runs r join sequence_run_people p on p.site_id = r.site_id and p.run_id = r.id
    where r.site_id = $1 and p.contact_id = $2 order by r.id";

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceRun {
    /// Its site.
    pub site_id: SiteId,
    /// Its id.
    pub id: SequenceRunId,
    /// Into which sequence.
    pub sequence_id: SequenceId,
    /// Who.
    pub audience: Audience,
    /// Which run of this audience into this sequence, from 1.
    pub turn: i64,
    /// `running`, `stopped` or `done`.
    pub state: String,
    /// Why it was stopped.
    pub why: Option<String>,
    /// Who asked for it, as the audit log writes it.
    pub actor: String,
    /// How many there were when it was asked for.
    pub asked: i64,
    /// How many entered.
    pub entered: i64,
    /// How many did not.
    pub left_out: i64,
    /// The last one dealt with.
    pub reached: ContactId,
    /// The first who came too late to be meant.
    pub before_id: ContactId,
    /// When it begins: until then it can be stopped with nobody in it.
    pub begin_at: UtcMs,
    /// When it was asked for.
    pub created_at: UtcMs,
    /// When it ended.
    pub ended_at: Option<UtcMs>,
}

impl FromRow for SequenceRun {
    fn from_row(row: &mut Row) -> Result<Self> {
        let (site_id, id, sequence_id) = (row.take()?, row.take()?, row.take()?);
        Ok(Self {
            site_id,
            id,
            sequence_id,
            audience: row.word()?,
            turn: row.take()?,
            state: row.take()?,
            why: row.take()?,
            actor: row.take()?,
            asked: row.take()?,
            entered: row.take()?,
            left_out: row.take()?,
            reached: row.take()?,
            before_id: row.take()?,
            begin_at: row.take()?,
            created_at: row.take()?,
            ended_at: row.take()?,
        })
    }
}

/// Writes a run that was asked for; `false` where this turn was asked for before.
pub async fn insert(tx: &mut Tx<'_>, new: &SequenceRun) -> Result<bool> {
    let query = tx.query(INSERT).bind(new.site_id).bind(new.id).bind(new.sequence_id);
    let query = query.bind(new.audience.to_string()).bind(new.turn).bind(&new.actor);
    let query = query.bind(new.asked).bind(new.before_id).bind(new.begin_at);
    Ok(query.bind(new.created_at).run().await? == 1)
}

/// The run with this id.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    id: SequenceRunId,
) -> Result<Option<SequenceRun>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// The run with this id, held until the transaction ends: nobody else moves it on meanwhile.
pub async fn find_to_change(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: SequenceRunId,
) -> Result<Option<SequenceRun>> {
    tx.query_both(FIND_TO_CHANGE).bind(site).bind(id).maybe().await
}

/// The latest run of an audience into a sequence.
pub async fn newest_of(
    session: &mut Session<'_>,
    site: SiteId,
    sequence: SequenceId,
    audience: &Audience,
) -> Result<Option<SequenceRun>> {
    let query = session.query(NEWEST_OF).bind(site).bind(sequence);
    query.bind(audience.to_string()).maybe().await
}

/// One turn of an audience into a sequence.
pub async fn find_turn(
    session: &mut Session<'_>,
    site: SiteId,
    sequence: SequenceId,
    audience: &Audience,
    turn: i64,
) -> Result<Option<SequenceRun>> {
    let query = session.query(FIND_TURN).bind(site).bind(sequence);
    query.bind(audience.to_string()).bind(turn).maybe().await
}

/// The runs into a sequence, newest first.
pub async fn list_of_sequence(
    session: &mut Session<'_>,
    site: SiteId,
    sequence: SequenceId,
    limit: i64,
) -> Result<Vec<SequenceRun>> {
    session.query(LIST).bind(site).bind(sequence).bind(limit).all().await
}

/// Runs of all sites that have work left, those that wait for a paused sequence left out.
pub async fn due(session: &mut Session<'_>, now: UtcMs, limit: i64) -> Result<Vec<SequenceRun>> {
    session.query(DUE).bind(now).bind(limit).all().await
}

/// How far one portion got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portion {
    /// Its last contact.
    pub reached: ContactId,
    /// How many entered.
    pub entered: i64,
    /// How many did not.
    pub left_out: i64,
}

/// Commits a portion that began after `from`; `false` where another process was there first.
pub async fn advance(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: SequenceRunId,
    from: ContactId,
    portion: Portion,
    now: UtcMs,
) -> Result<bool> {
    let query = tx.query(ADVANCE).bind(site).bind(id).bind(from).bind(portion.reached);
    let query = query.bind(portion.entered).bind(portion.left_out);
    Ok(query.bind(now).run().await? == 1)
}

/// Ends a run as `done` or `stopped`; `false` where it had ended before.
pub async fn end(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: SequenceRunId,
    state: &str,
    why: Option<&str>,
    now: UtcMs,
) -> Result<bool> {
    let query = tx.query(END).bind(site).bind(id).bind(state);
    Ok(query.bind(why).bind(now).run().await? == 1)
}

/// Stops what was asked for before `before`: after an older state was restored.
pub async fn stop_asked_before(tx: &mut Tx<'_>, before: UtcMs, now: UtcMs) -> Result<u64> {
    tx.query(STOP_ASKED_BEFORE).bind(before).bind(now).run().await
}

/// Keeps what became of one person.
pub async fn note(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: SequenceRunId,
    contact: ContactId,
    outcome: Outcome,
    now: UtcMs,
) -> Result<()> {
    let query = tx.query(NOTE).bind(site).bind(id).bind(contact);
    query.bind(outcome.as_str()).bind(now).run().await.map(drop)
}

/// How many have one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// The outcome.
    pub outcome: Outcome,
    /// How many.
    pub people: i64,
}

impl FromRow for Tally {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { outcome: row.word()?, people: row.take()? })
    }
}

/// How many each outcome has.
pub async fn counts(
    session: &mut Session<'_>,
    site: SiteId,
    id: SequenceRunId,
) -> Result<Vec<Tally>> {
    session.query(COUNTS).bind(site).bind(id).all().await
}

/// Whom a list of a run shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All who were dealt with.
    All,
    /// All who did not enter.
    LeftOut,
    /// Those of one outcome.
    Of(Outcome),
}

/// What became of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dealt {
    /// Who.
    pub contact_id: ContactId,
    /// What became of them.
    pub outcome: Outcome,
    /// When.
    pub at: UtcMs,
}

impl FromRow for Dealt {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { contact_id: row.take()?, outcome: row.word()?, at: row.take()? })
    }
}

/// What became of people, from after `after`.
pub async fn people(
    session: &mut Session<'_>,
    site: SiteId,
    id: SequenceRunId,
    which: Which,
    after: ContactId,
    limit: i64,
) -> Result<Vec<Dealt>> {
    let sql = match which {
        Which::All => PEOPLE,
        Which::LeftOut => LEFT_OUT,
        Which::Of(_) => PEOPLE_BY_OUTCOME,
    };
    let query = session.query(sql).bind(site).bind(id).bind(after).bind(limit);
    match which {
        Which::Of(outcome) => query.bind(outcome.as_str()).all().await,
        Which::All | Which::LeftOut => query.all().await,
    }
}

/// What became of a contact in the runs it was in: the sequence, and what.
pub async fn of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Vec<(SequenceId, String, UtcMs)>> {
    session.query(OF_CONTACT).bind(site).bind(contact).all().await
}
