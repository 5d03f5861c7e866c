//! What moves messages without a sender: crashes taken up again, waits that are over.

use model::ids::{ContactId, EnrolmentId, MessageId};
use model::messages::{Class, State};
use model::{SiteId, UtcMs};

use super::Reply;
use crate::{FromRow, Result, Row, Session, Tx};

/// The evidence of one who asked for a link of the mail. The reconciliation knows it by these
/// words: no server's answer stands behind such a mail.
pub const ASKED_FOR: &str = "a link in it was asked for";

const LEASED_OF_OWNER: &str = "update messages set state = 'queued', lease_until = null
    where state = 'leased' and lease_until is not null and owner = $1";
const LEASED_OVER: &str = "update messages set state = 'queued', lease_until = null
    where state = 'leased' and lease_until < $1";
const NOTE_OF_OWNER: &str = "insert into message_attempts (site_id, message_id, epoch, owner,
    started_at, commit_at, ended_at, relay, tls, outcome, stage, class, code, enhanced, reply)
    select site_id, id, epoch, owner, commit_at, commit_at, $2, relay, false, 'unknown', 'dot',
        null, null, null, $3 from messages
    where state = 'committing' and lease_until is not null and owner = $1
    on conflict (site_id, message_id, epoch) do nothing";
const NOTE_OVER: &str = "insert into message_attempts (site_id, message_id, epoch, owner,
    started_at, commit_at, ended_at, relay, tls, outcome, stage, class, code, enhanced, reply)
    select site_id, id, epoch, owner, commit_at, commit_at, $2, relay, false, 'unknown', 'dot',
        null, null, null, $3 from messages
    where state = 'committing' and lease_until < $1
    on conflict (site_id, message_id, epoch) do nothing";
const UNKNOWN_OF_OWNER: &str = "update messages set state = 'unknown', reason = $3,
    next_at = $2 + case when class = 'transactional' then cast($4 as bigint) else $5 end,
    unknown_count = unknown_count + 1, attempts = attempts + 1, lease_until = null
    where state = 'committing' and lease_until is not null and owner = $1";
const UNKNOWN_OVER: &str = "update messages set state = 'unknown', reason = $3,
    next_at = $2 + case when class = 'transactional' then cast($4 as bigint) else $5 end,
    unknown_count = unknown_count + 1, attempts = attempts + 1, lease_until = null
    where state = 'committing' and lease_until < $1";
const DEFERRED_DUE: &str = "update messages set state = 'queued'
    where site_id = $1 and state = 'deferred' and next_at <= $2";
const UNKNOWN_DUE: &str = "update messages set state = $4, reason = $5, next_at = 0
    where site_id = $1 and state = 'unknown' and next_at <= $2 and class = $3";
const PLANNED_DUE: &str = "select id, class, enrolment_id, contact_id, to_address, next_at,
    expires_at from messages
    where site_id = $1 and state = 'planned' and next_at <= $2 order by next_at limit $3";
const OVER: &str = "select count(*) from (select id from messages
    where (state = 'leased' or state = 'committing') and lease_until < $1 limit 1) q";
const WAITED: &str = "select count(*) from (select id from messages where site_id = $1
    and (state = 'planned' or state = 'deferred' or state = 'unknown')
    and next_at <= $2 limit 1) q";
const CANCEL_DUE: &str = "update messages set state = 'cancelled',
    reason = 'counted as sent when the data was restored'
    where state in ('planned', 'queued', 'deferred', 'unknown') and next_at < $1";
const DUE_NOW: &str = "update messages set next_at = $3
    where site_id = $1 and contact_id = $2 and state in ('planned', 'deferred')";
const MOVE: &str = "update messages set state = $4, reason = $5, next_at = $6
    where site_id = $1 and id = $2 and state = $3";
const RELEASE: &str = "update messages set state = 'queued', reason = null, next_at = $3,
    data_sha256 = null where site_id = $1 and id = $2 and state = 'held'";
const RELEASE_LIKE: &str = "update messages set state = 'queued', reason = null, next_at = $3,
    data_sha256 = null where site_id = $1 and state = 'held' and id in (select id from messages
        where site_id = $1 and state = 'held' and substr(reason, 1, length(cast($2 as text))) = $2
        limit $4)";
/// Wherever it stands by then, but not where it is on the wire once more: what comes of that try is
/// written down by itself.
const EVIDENCE: &str = "update messages set state = 'accepted', reason = $4, accepted_at = $3,
    lease_until = null, reply_code = coalesce($5, reply_code),
    reply_enhanced = coalesce($6, reply_enhanced), reply_text = coalesce($7, reply_text)
    where site_id = $1 and id = $2 and unknown_count > 0
    and state <> 'accepted' and state <> 'committing'";
const CANCEL_OF_ENROLMENT: &str = "update messages set state = 'cancelled', reason = $4
    where site_id = $1 and contact_id = $2 and enrolment_id = $3
    and state in ('planned', 'queued', 'deferred', 'held')";
const SCRUB: &str = "update messages set to_address = '', context = '{}', reply_text = null,
    reason = case when state in ('planned', 'queued', 'deferred', 'held', 'unknown')
        then 'its contact was erased' else reason end,
    state = case when state in ('planned', 'queued', 'deferred', 'held', 'unknown')
        then 'cancelled' else state end
    where site_id = $1 and contact_id = $2";
const SCRUB_ATTEMPTS: &str = "update message_attempts set reply = '' where site_id = $1
    and message_id in (select id from messages where site_id = $1 and contact_id = $2)";

/// How long an unknown message waits, by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownWait {
    /// Transactional mail: somebody waits for it.
    pub transactional_ms: i64,
    /// All other mail.
    pub other_ms: i64,
}

impl UnknownWait {
    /// For a message of `class`.
    pub fn of(self, class: Class) -> i64 {
        if class == Class::Transactional { self.transactional_ms } else { self.other_ms }
    }
}

/// A planned message whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedDue {
    /// Its id.
    pub id: MessageId,
    /// What kind of mail it is.
    pub class: Class,
    /// The enrolment whose exits must be looked at.
    pub enrolment_id: Option<EnrolmentId>,
    /// To whom.
    pub contact_id: Option<ContactId>,
    /// The address.
    pub to_address: String,
    /// Since when it is due.
    pub next_at: UtcMs,
    /// Of no use after.
    pub expires_at: Option<UtcMs>,
}

impl FromRow for PlannedDue {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            class: row.word()?,
            enrolment_id: row.take()?,
            contact_id: row.take()?,
            to_address: row.take()?,
            next_at: row.take()?,
            expires_at: row.take()?,
        })
    }
}

/// Takes up what an earlier life of node `owner` left: what was claimed is queued again, what may
/// have left becomes unknown. How many were claimed, how many are unknown.
pub async fn take_up(
    tx: &mut Tx<'_>,
    owner: i64,
    now: UtcMs,
    wait: UnknownWait,
    why: &str,
) -> Result<(u64, u64)> {
    let leased = tx.query(LEASED_OF_OWNER).bind(owner).run().await?;
    tx.query(NOTE_OF_OWNER).bind(owner).bind(now).bind(why).run().await?;
    let q = tx.query(UNKNOWN_OF_OWNER).bind(owner).bind(now).bind(why);
    let unknown = q.bind(wait.transactional_ms).bind(wait.other_ms).run().await?;
    Ok((leased, unknown))
}

/// The same for claims whose lease was over at `lease_now`, whoever made them.
pub async fn reap(
    tx: &mut Tx<'_>,
    lease_now: UtcMs,
    now: UtcMs,
    wait: UnknownWait,
    why: &str,
) -> Result<(u64, u64)> {
    let leased = tx.query(LEASED_OVER).bind(lease_now).run().await?;
    tx.query(NOTE_OVER).bind(lease_now).bind(now).bind(why).run().await?;
    let q = tx.query(UNKNOWN_OVER).bind(lease_now).bind(now).bind(why);
    let unknown = q.bind(wait.transactional_ms).bind(wait.other_ms).run().await?;
    Ok((leased, unknown))
}

/// Deferred messages whose wait is over may be claimed again.
pub async fn queue_deferred(tx: &mut Tx<'_>, site: SiteId, now: UtcMs) -> Result<u64> {
    tx.query(DEFERRED_DUE).bind(site).bind(now).run().await
}

/// Unknown messages of a class whose wait is over: to be resent first, or held for a person.
pub async fn settle_unknown(
    tx: &mut Tx<'_>,
    site: SiteId,
    class: Class,
    to: State,
    reason: Option<&str>,
    now: UtcMs,
) -> Result<u64> {
    let q = tx.query(UNKNOWN_DUE).bind(site).bind(now).bind(class.as_str());
    q.bind(to.as_str()).bind(reason).run().await
}

/// Planned messages that are due, longest first.
pub async fn planned_due(
    session: &mut Session<'_>,
    site: SiteId,
    now: UtcMs,
    limit: i64,
) -> Result<Vec<PlannedDue>> {
    session.query(PLANNED_DUE).bind(site).bind(now).bind(limit).all().await
}

/// Moves a message nobody has claimed from one state to another; `false` where it is not there.
pub async fn shift(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: MessageId,
    from: State,
    to: State,
    reason: Option<&str>,
    next_at: UtcMs,
) -> Result<bool> {
    let q = tx.query(MOVE).bind(site).bind(id).bind(from.as_str()).bind(to.as_str());
    Ok(q.bind(reason).bind(next_at).run().await? == 1)
}

/// A person looked at a held message and lets it go, in whatever words it now has.
pub async fn release(tx: &mut Tx<'_>, site: SiteId, id: MessageId, next_at: UtcMs) -> Result<bool> {
    Ok(tx.query(RELEASE).bind(site).bind(id).bind(next_at).run().await? == 1)
}

/// The same for up to `limit` held messages whose reason begins with `because`; how many.
pub async fn release_like(
    tx: &mut Tx<'_>,
    site: SiteId,
    because: &str,
    next_at: UtcMs,
    limit: i64,
) -> Result<u64> {
    let query = tx.query(RELEASE_LIKE).bind(site).bind(because).bind(next_at);
    query.bind(limit).run().await
}

/// Evidence came in that a message whose try ended unknown had arrived: it is not sent again, if it
/// was not yet. With it the server's answer, where that is the evidence.
pub async fn settle_by_evidence(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: MessageId,
    at: UtcMs,
    evidence: &str,
    reply: Option<&Reply>,
) -> Result<bool> {
    let query = tx.query(EVIDENCE).bind(site).bind(id).bind(at).bind(evidence);
    let query = query.bind(reply.map(|reply| reply.code));
    let query = query.bind(reply.and_then(|reply| reply.enhanced.as_deref()));
    Ok(query.bind(reply.map(|reply| reply.text.as_str())).run().await? == 1)
}

/// Cancels what an enrolment still has to send.
pub async fn cancel_of_enrolment(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    enrolment: EnrolmentId,
    why: &str,
) -> Result<u64> {
    tx.query(CANCEL_OF_ENROLMENT).bind(site).bind(contact).bind(enrolment).bind(why).run().await
}

/// Erases what messages to a contact say; the rows stay, so that totals hold.
pub async fn scrub_of_contact(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(SCRUB_ATTEMPTS).bind(site).bind(contact).run().await?;
    tx.query(SCRUB).bind(site).bind(contact).run().await.map(drop)
}

/// Whether a claim's lease is over.
pub async fn has_over(session: &mut Session<'_>, lease_now: UtcMs) -> Result<bool> {
    Ok(session.query(OVER).bind(lease_now).one::<i64>().await? > 0)
}

/// Whether a wait of one of the site's messages is over.
pub async fn has_waited(session: &mut Session<'_>, site: SiteId, now: UtcMs) -> Result<bool> {
    Ok(session.query(WAITED).bind(site).bind(now).one::<i64>().await? > 0)
}

/// Counts what was due before `before` as sent: after an older state was restored.
pub async fn cancel_due_before(tx: &mut Tx<'_>, before: UtcMs) -> Result<u64> {
    tx.query(CANCEL_DUE).bind(before).run().await
}

/// Makes what a contact waits for due now: for test contacts.
pub async fn due_now(tx: &mut Tx<'_>, site: SiteId, contact: ContactId, now: UtcMs) -> Result<u64> {
    tx.query(DUE_NOW).bind(site).bind(contact).bind(now).run().await
}
