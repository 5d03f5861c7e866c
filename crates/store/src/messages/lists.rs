//! Messages as they are looked at: one, a contact's, a state's, and how many.

use model::ids::{ContactId, EnrolmentId, MessageId, TemplateVersionId};
use model::messages::{Class, SourceKind, State};
use model::{SiteId, UtcMs};

use super::Attempt;
use crate::{FromRow, Result, Row, Session};

const FIND: &str = "select site_id, id, dedupe_key, class, source_kind, source_id, enrolment_id,
    contact_id, to_address, version_id, system_name, context, message_id, state, reason, next_at,
    expires_at, attempts, epoch, date_at, commit_at, data_sha256, relay, reply_code,
    reply_enhanced, reply_text, unknown_count, accepted_at, created_at
    from messages where site_id = $1 and id = $2";
const LIST: &str = "select site_id, id, dedupe_key, class, source_kind, source_id, enrolment_id,
    contact_id, to_address, version_id, system_name, context, message_id, state, reason, next_at,
    expires_at, attempts, epoch, date_at, commit_at, data_sha256, relay, reply_code,
    reply_enhanced, reply_text, unknown_count, accepted_at, created_at
    from messages where site_id = $1 and id < $2 order by id desc limit $3";
const LIST_OF_STATE: &str = "select site_id, id, dedupe_key, class, source_kind, source_id,
    enrolment_id, contact_id, to_address, version_id, system_name, context, message_id, state,
    reason, next_at, expires_at, attempts, epoch, date_at, commit_at, data_sha256, relay,
    reply_code, reply_enhanced, reply_text, unknown_count, accepted_at, created_at
    from messages where site_id = $1 and state = $2 and id < $3 order by id desc limit $4";
const LIST_OF_KEPT: &str = "select site_id, id, dedupe_key, class, source_kind, source_id,
    enrolment_id, contact_id, to_address, version_id, system_name, context, message_id, state,
    reason, next_at, expires_at, attempts, epoch, date_at, commit_at, data_sha256, relay,
    reply_code, reply_enhanced, reply_text, unknown_count, accepted_at, created_at
    from messages where site_id = $1 and state = $2 and id < $3
    and (state = 'planned' or state = 'deferred' or state = 'unknown' or state = 'held' or
        state = 'failed' or state = 'suppressed' or state = 'cancelled' or
        state = 'expired') order by id desc limit $4";
// These sort what an index of a few rows gives, in place of walking the ledger back for them.
const LIST_OUT: &str = "select site_id, id, dedupe_key, class, source_kind, source_id,
    enrolment_id, contact_id, to_address, version_id, system_name, context, message_id, state,
    reason, next_at, expires_at, attempts, epoch, date_at, commit_at, data_sha256, relay,
    reply_code, reply_enhanced, reply_text, unknown_count, accepted_at, created_at
    from messages where site_id = $1 and state = $2 and (state = 'leased' or state = 'committing')
    and lease_until is not null and id < $3 order by id + 0 desc limit $4";
const LIST_FEW_QUEUED: &str = "select site_id, id, dedupe_key, class, source_kind, source_id,
    enrolment_id, contact_id, to_address, version_id, system_name, context, message_id, state,
    reason, next_at, expires_at, attempts, epoch, date_at, commit_at, data_sha256, relay,
    reply_code, reply_enhanced, reply_text, unknown_count, accepted_at, created_at
    from messages where site_id = $1 and state = $2 and state = 'queued' and next_at >= 0
    and id + 0 < $3 order by id + 0 desc limit $4";
const LIST_FEW_ACCEPTED: &str = "select site_id, id, dedupe_key, class, source_kind, source_id,
    enrolment_id, contact_id, to_address, version_id, system_name, context, message_id, state,
    reason, next_at, expires_at, attempts, epoch, date_at, commit_at, data_sha256, relay,
    reply_code, reply_enhanced, reply_text, unknown_count, accepted_at, created_at
    from messages where site_id = $1 and state = $2 and accepted_at is not null and id < $3
    order by id + 0 desc limit $4";
const ACCEPTED_UP_TO: &str = "select count(*) from (select id from messages
    where site_id = $1 and accepted_at is not null limit $2) q";
const LIST_CAUGHT: &str = "select site_id, id, dedupe_key, class, source_kind, source_id,
    enrolment_id, contact_id, to_address, version_id, system_name, context, message_id, state,
    reason, next_at, expires_at, attempts, epoch, date_at, commit_at, data_sha256, relay,
    reply_code, reply_enhanced, reply_text, unknown_count, accepted_at, created_at
    from messages where site_id = $1 and relay = 'caught' and id < $2 order by id desc limit $3";
const LIST_OF_CONTACT: &str = "select site_id, id, dedupe_key, class, source_kind, source_id,
    enrolment_id, contact_id, to_address, version_id, system_name, context, message_id, state,
    reason, next_at, expires_at, attempts, epoch, date_at, commit_at, data_sha256, relay,
    reply_code, reply_enhanced, reply_text, unknown_count, accepted_at, created_at
    from messages where site_id = $1 and contact_id = $2 and id < $3 order by id desc limit $4";
const LIST_OF_SOURCE: &str = "select site_id, id, dedupe_key, class, source_kind, source_id,
    enrolment_id, contact_id, to_address, version_id, system_name, context, message_id, state,
    reason, next_at, expires_at, attempts, epoch, date_at, commit_at, data_sha256, relay,
    reply_code, reply_enhanced, reply_text, unknown_count, accepted_at, created_at
    from messages where site_id = $1 and source_kind = $2 and source_id = $3 and id < $4
    and (cast($5 as text) = '' or state = $5) and (cast($6 as bigint) = 0 or exists
        (select 1 from clicks c where c.site_id = messages.site_id
            and c.message_id = messages.id and c.verdict = 'human'))
    order by id desc limit $7";
const LIST_BETWEEN: &str = "select site_id, id, dedupe_key, class, source_kind, source_id,
    enrolment_id, contact_id, to_address, version_id, system_name, context, message_id, state,
    reason, next_at, expires_at, attempts, epoch, date_at, commit_at, data_sha256, relay,
    reply_code, reply_enhanced, reply_text, unknown_count, accepted_at, created_at
    from messages where site_id = $1 and id >= $2 and id < $3
    and (cast($4 as text) = '' or state = $4) order by id desc limit $5";
/// So many are sorted in no time.
const FEW: i64 = 2_000;
const ATTEMPTS: &str = "select site_id, message_id, epoch, owner, started_at, commit_at, ended_at,
    relay, tls, outcome, stage, class, code, enhanced, reply from message_attempts
    where site_id = $1 and message_id = $2 order by epoch";
const COUNTS_OF_SOURCE: &str = "select state, reason, count(*) from messages
    where site_id = $1 and source_kind = $2 and source_id = $3 group by state, reason
    order by state, reason";
const KEPT_COUNTS: &str = "select state, reason, count(*) from messages
    where site_id = $1 and (state = 'planned' or state = 'deferred' or state = 'unknown' or state = 'held' or
        state = 'failed' or state = 'suppressed' or state = 'cancelled' or
        state = 'expired') group by state, reason order by state, reason";
const QUEUED_UP_TO: &str = "select count(*) from (select id from messages
    where site_id = $1 and state = 'queued' and next_at <= $2 limit $3) q";
const QUEUED: &str = "select count(*) from messages where site_id = $1 and state = 'queued'";
const OUT_OF: &str = "select count(*) from messages
    where site_id = $1 and (state = 'leased' or state = 'committing')
    and lease_until is not null";
const NEXT_DUE: &str = "select min(next_at) from messages
    where site_id = $1 and state = 'queued'";
const CAPPED: &str = "select class, coalesce(accepted_at, next_at) from messages
    where site_id = $1 and contact_id = $2 and id >= $3 and id <> $4
    and class in ('value', 'sales', 'back-end')
    and (state in ('queued', 'leased', 'committing', 'deferred', 'unknown')
        or (state = 'accepted' and accepted_at >= $5))";
const ANSWERED_SO: &str = "select count(distinct a.message_id) from messages m
    join message_attempts a on a.site_id = m.site_id and a.message_id = m.id
    where m.site_id = $1 and m.contact_id = $2 and a.class = $3 and a.ended_at >= $4";

/// A message as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its site.
    pub site_id: SiteId,
    /// Its id.
    pub id: MessageId,
    /// What it is the only one of.
    pub dedupe_key: String,
    /// What kind of mail it is to the one who gets it.
    pub class: Class,
    /// What it comes from.
    pub source_kind: SourceKind,
    /// Which one of these.
    pub source_id: i64,
    /// The enrolment it belongs to.
    pub enrolment_id: Option<EnrolmentId>,
    /// To whom.
    pub contact_id: Option<ContactId>,
    /// The address as it was.
    pub to_address: String,
    /// The frozen template; else `system_name` names one of our own.
    pub version_id: Option<TemplateVersionId>,
    /// One of our own templates.
    pub system_name: Option<String>,
    /// What the template sees: JSON.
    pub context: String,
    /// The Message-ID header.
    pub message_id: String,
    /// Where it stands.
    pub state: State,
    /// Why it stands there.
    pub reason: Option<String>,
    /// When it is, or was, due.
    pub next_at: UtcMs,
    /// Of no use after.
    pub expires_at: Option<UtcMs>,
    /// Tries so far.
    pub attempts: i64,
    /// Claims so far.
    pub epoch: i64,
    /// The Date header.
    pub date_at: Option<UtcMs>,
    /// When our dot could last leave.
    pub commit_at: Option<UtcMs>,
    /// Of the bytes it was sent as.
    pub data_sha256: Option<String>,
    /// Where it was sent.
    pub relay: Option<String>,
    /// The last answer.
    pub reply_code: Option<i64>,
    /// Its enhanced code.
    pub reply_enhanced: Option<String>,
    /// Its words.
    pub reply_text: Option<String>,
    /// How often a try ended unknown.
    pub unknown_count: i64,
    /// When the server took it.
    pub accepted_at: Option<UtcMs>,
    /// When it was planned.
    pub created_at: UtcMs,
}

impl FromRow for Message {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            site_id: row.take()?,
            id: row.take()?,
            dedupe_key: row.take()?,
            class: row.word()?,
            source_kind: row.word()?,
            source_id: row.take()?,
            enrolment_id: row.take()?,
            contact_id: row.take()?,
            to_address: row.take()?,
            version_id: row.take()?,
            system_name: row.take()?,
            context: row.take()?,
            message_id: row.take()?,
            state: row.word()?,
            reason: row.take()?,
            next_at: row.take()?,
            expires_at: row.take()?,
            attempts: row.take()?,
            epoch: row.take()?,
            date_at: row.take()?,
            commit_at: row.take()?,
            data_sha256: row.take()?,
            relay: row.take()?,
            reply_code: row.take()?,
            reply_enhanced: row.take()?,
            reply_text: row.take()?,
            unknown_count: row.take()?,
            accepted_at: row.take()?,
            created_at: row.take()?,
        })
    }
}

impl FromRow for Attempt {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            site_id: row.take()?,
            message_id: row.take()?,
            epoch: row.take()?,
            owner: row.take()?,
            started_at: row.take()?,
            commit_at: row.take()?,
            ended_at: row.take()?,
            relay: row.take()?,
            tls: row.take()?,
            outcome: row.take()?,
            stage: row.take()?,
            class: row.take()?,
            code: row.take()?,
            enhanced: row.take()?,
            reply: row.take()?,
        })
    }
}

/// How many messages stand in a state for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The state.
    pub state: State,
    /// The reason.
    pub reason: Option<String>,
    /// How many.
    pub count: i64,
}

impl FromRow for Count {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { state: row.word()?, reason: row.take()?, count: row.take()? })
    }
}

/// When a mail of a capped class went, or is about to go, to a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capped {
    /// Its class.
    pub class: Class,
    /// When.
    pub at: UtcMs,
}

impl FromRow for Capped {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { class: row.word()?, at: row.take()? })
    }
}

/// The message with this id.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    id: MessageId,
) -> Result<Option<Message>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// Messages of a site, newest first, from before `before`.
pub async fn list(
    session: &mut Session<'_>,
    site: SiteId,
    before: MessageId,
    limit: i64,
) -> Result<Vec<Message>> {
    session.query(LIST).bind(site).bind(before).bind(limit).all().await
}

/// Messages in a state, newest first, from before `before`.
pub async fn list_of_state(
    session: &mut Session<'_>,
    site: SiteId,
    state: State,
    before: MessageId,
    limit: i64,
) -> Result<Vec<Message>> {
    // What an index is made for stands in the text as well, so that both databases see it.
    let sql = match state {
        State::Leased | State::Committing => LIST_OUT,
        State::Queued if count_due(session, site, UtcMs(i64::MAX), FEW).await? < FEW => {
            LIST_FEW_QUEUED
        }
        State::Accepted if count_accepted(session, site, FEW).await? < FEW => LIST_FEW_ACCEPTED,
        State::Queued | State::Accepted => LIST_OF_STATE,
        _ => LIST_OF_KEPT,
    };
    let q = session.query(sql).bind(site).bind(state.as_str());
    q.bind(before).bind(limit).all().await
}

/// How many messages a server took; counts no further than `most`.
async fn count_accepted(session: &mut Session<'_>, site: SiteId, most: i64) -> Result<i64> {
    session.query(ACCEPTED_UP_TO).bind(site).bind(most).one().await
}

/// Messages to a contact, newest first, from before `before`.
pub async fn list_of_contact(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    before: MessageId,
    limit: i64,
) -> Result<Vec<Message>> {
    session.query(LIST_OF_CONTACT).bind(site).bind(contact).bind(before).bind(limit).all().await
}

/// Which messages of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrow {
    /// A state's word; empty: any.
    pub state: String,
    /// Only those a person clicked in.
    pub clicked: bool,
}

/// Messages of one source, newest first, from before `before`.
pub async fn list_of_source(
    session: &mut Session<'_>,
    site: SiteId,
    (kind, source): (SourceKind, i64),
    narrow: &Narrow,
    before: MessageId,
    limit: i64,
) -> Result<Vec<Message>> {
    let q = session.query(LIST_OF_SOURCE).bind(site).bind(kind.as_str()).bind(source).bind(before);
    q.bind(&narrow.state).bind(i64::from(narrow.clicked)).bind(limit).all().await
}

/// Messages made from `from` to before `before`, newest first; in a state, or in any where it is
/// empty.
pub async fn list_between(
    session: &mut Session<'_>,
    site: SiteId,
    state: &str,
    (from, before): (MessageId, MessageId),
    limit: i64,
) -> Result<Vec<Message>> {
    let q = session.query(LIST_BETWEEN).bind(site).bind(from).bind(before);
    q.bind(state).bind(limit).all().await
}

/// The tries of a message, first to last.
pub async fn attempts(
    session: &mut Session<'_>,
    site: SiteId,
    message: MessageId,
) -> Result<Vec<Attempt>> {
    session.query(ATTEMPTS).bind(site).bind(message).all().await
}

/// How the messages of a source stand.
pub async fn counts_of_source(
    session: &mut Session<'_>,
    site: SiteId,
    kind: SourceKind,
    source: i64,
) -> Result<Vec<Count>> {
    session.query(COUNTS_OF_SOURCE).bind(site).bind(kind.as_str()).bind(source).all().await
}

/// How many messages wait, and for what: those a person may want to look at.
pub async fn kept_counts(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Count>> {
    session.query(KEPT_COUNTS).bind(site).all().await
}

/// How many messages may be claimed now; counts no further than `most`.
pub async fn count_due(
    session: &mut Session<'_>,
    site: SiteId,
    now: UtcMs,
    most: i64,
) -> Result<i64> {
    session.query(QUEUED_UP_TO).bind(site).bind(now).bind(most).one().await
}

/// How many messages are queued.
pub async fn count_queued(session: &mut Session<'_>, site: SiteId) -> Result<i64> {
    session.query(QUEUED).bind(site).one().await
}

/// How many messages of a site are claimed.
pub async fn count_out_of(session: &mut Session<'_>, site: SiteId) -> Result<i64> {
    session.query(OUT_OF).bind(site).one().await
}

/// When the next queued message of a site is due.
pub async fn next_due(session: &mut Session<'_>, site: SiteId) -> Result<Option<UtcMs>> {
    session.query(NEXT_DUE).bind(site).one().await
}

/// When capped mail went, or is about to go, to a contact: of messages planned since `since_id`
/// and not `except`, accepted since `since`.
pub async fn capped(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    since_id: MessageId,
    except: MessageId,
    since: UtcMs,
) -> Result<Vec<Capped>> {
    let q = session.query(CAPPED).bind(site).bind(contact).bind(since_id);
    q.bind(except).bind(since).all().await
}

/// Messages that were caught, newest first, from before `before`.
pub async fn list_caught(
    session: &mut Session<'_>,
    site: SiteId,
    before: MessageId,
    limit: i64,
) -> Result<Vec<Message>> {
    session.query(LIST_CAUGHT).bind(site).bind(before).bind(limit).all().await
}

/// How many mails to a contact were answered by an answer of this class since `since`.
pub async fn answered_so(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    class: &str,
    since: UtcMs,
) -> Result<i64> {
    session.query(ANSWERED_SO).bind(site).bind(contact).bind(class).bind(since).one().await
}
