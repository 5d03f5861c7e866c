//! The ledger of mail: one row a message, written before anything goes on the network, and one row
//! a try. The states are those of `model::messages::State`; the points W0 to W3 those of the
//! manual's chapter on delivery.

mod lists;
mod sweeps;

pub use lists::*;
pub use sweeps::*;

use model::ids::{ContactId, EnrolmentId, MessageId, TemplateVersionId};
use model::messages::{Class, SourceKind, State};
use model::{SiteId, UtcMs};

use crate::{Both, FromRow, Result, Row, Tx};

const INSERT: &str = "insert into messages (site_id, id, dedupe_key, class, source_kind, source_id,
    enrolment_id, contact_id, to_address, domain, version_id, system_name, context, message_id,
    state, reason, next_at, expires_at, attempts, epoch, unknown_count, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
        0, 0, 0, $19)
    on conflict (site_id, dedupe_key) do nothing";
/// PostgreSQL claims in one statement, past what another node has locked. SQLite has one writer:
/// there it is a look, then [`LEASE`] for each row, without the temporary tables that `returning`
/// and `in (select …)` are answered through.
const CLAIM: Both = Both {
    sqlite: "select site_id, id, class, source_kind, source_id, enrolment_id, contact_id,
        to_address, version_id, system_name, context, message_id, expires_at, attempts,
        epoch + 1, coalesce(date_at, $2), data_sha256, unknown_count
        from messages where site_id = $1 and state = 'queued' and next_at <= $2
        order by next_at, id limit $3",
    postgres: "update messages set state = 'leased', owner = $4, epoch = epoch + 1,
        lease_until = $5, date_at = coalesce(date_at, $2), reason = null
        where (site_id, id) in (select site_id, id from messages
            where site_id = $1 and state = 'queued' and next_at <= $2
            order by next_at, id limit $3 for update skip locked)
        returning site_id, id, class, source_kind, source_id, enrolment_id, contact_id,
            to_address, version_id, system_name, context, message_id, expires_at, attempts,
            epoch, date_at, data_sha256, unknown_count",
};
const LEASE: &str = "update messages set state = 'leased', owner = $3, epoch = $4,
    lease_until = $5, date_at = $6, reason = null where site_id = $1 and id = $2";
const COMMIT: &str = "update messages set state = 'committing', commit_at = $5, data_sha256 = $6,
    relay = $7 where site_id = $1 and id = $2 and owner = $3 and epoch = $4
    and state = 'leased' and lease_until > $8";
const END: &str = "update messages set state = $4, reason = $5, next_at = $6,
    attempts = attempts + $7, reply_code = $8, reply_enhanced = $9, reply_text = $10,
    accepted_at = $11, unknown_count = unknown_count + $12, lease_until = null
    where site_id = $1 and id = $2 and epoch = $3 and state in ('leased', 'committing')";
const EXTEND: &str = "update messages set lease_until = $4 where site_id = $1 and id = $2
    and epoch = $3 and state in ('leased', 'committing') and lease_until > $5";
const KEEP: &str = "update messages set context = $4 where site_id = $1 and id = $2
    and epoch = $3 and state = 'leased' and data_sha256 is null";
const ATTEMPT: &str = "insert into message_attempts (site_id, message_id, epoch, owner, started_at,
    commit_at, ended_at, relay, tls, outcome, stage, class, code, enhanced, reply)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    on conflict (site_id, message_id, epoch) do update set started_at = excluded.started_at,
        commit_at = excluded.commit_at, ended_at = excluded.ended_at, relay = excluded.relay,
        tls = excluded.tls, outcome = excluded.outcome, stage = excluded.stage,
        class = excluded.class, code = excluded.code, enhanced = excluded.enhanced,
        reply = excluded.reply
    where message_attempts.outcome = 'unknown'";

/// A message to be planned.
#[derive(Debug, Clone)]
pub struct Insert<'a> {
    /// Its site.
    pub site_id: SiteId,
    /// Its id.
    pub id: MessageId,
    /// Two messages of a site never share it.
    pub dedupe_key: &'a str,
    /// What kind of mail it is to the one who gets it.
    pub class: Class,
    /// What it comes from.
    pub source_kind: SourceKind,
    /// Which one of these.
    pub source_id: i64,
    /// The enrolment whose exits are looked at before it leaves.
    pub enrolment_id: Option<EnrolmentId>,
    /// To whom.
    pub contact_id: Option<ContactId>,
    /// The address as it was when the message was planned.
    pub to_address: &'a str,
    /// Its domain.
    pub domain: &'a str,
    /// The frozen template; else `system_name` names one of our own.
    pub version_id: Option<TemplateVersionId>,
    /// One of our own templates.
    pub system_name: Option<&'a str>,
    /// What the template sees: JSON, frozen.
    pub context: &'a str,
    /// The Message-ID header.
    pub message_id: &'a str,
    /// Planned, queued or held.
    pub state: State,
    /// Why it waits, where it does.
    pub reason: Option<&'a str>,
    /// Not before.
    pub next_at: UtcMs,
    /// Of no use after.
    pub expires_at: Option<UtcMs>,
}

/// A message a sender has claimed: everything needed to compose it, and its fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Its site.
    pub site_id: SiteId,
    /// Its id.
    pub id: MessageId,
    /// What kind of mail it is.
    pub class: Class,
    /// What it comes from.
    pub source_kind: SourceKind,
    /// Which one of these.
    pub source_id: i64,
    /// The enrolment whose exits are looked at before it leaves.
    pub enrolment_id: Option<EnrolmentId>,
    /// To whom.
    pub contact_id: Option<ContactId>,
    /// The address.
    pub to_address: String,
    /// The frozen template; else `system_name` names one of our own.
    pub version_id: Option<TemplateVersionId>,
    /// One of our own templates.
    pub system_name: Option<String>,
    /// What the template sees: JSON.
    pub context: String,
    /// The Message-ID header.
    pub message_id: String,
    /// Of no use after.
    pub expires_at: Option<UtcMs>,
    /// Tries before this one.
    pub attempts: i64,
    /// Fence: a result with another epoch changes nothing.
    pub epoch: i64,
    /// The Date header: when it was first claimed.
    pub date_at: UtcMs,
    /// What an earlier try was about to send.
    pub data_sha256: Option<String>,
    /// How often a try of it ended unknown.
    pub unknown_count: i64,
}

impl FromRow for Claimed {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            site_id: row.take()?,
            id: row.take()?,
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
            expires_at: row.take()?,
            attempts: row.take()?,
            epoch: row.take()?,
            date_at: row.take()?,
            data_sha256: row.take()?,
            unknown_count: row.take()?,
        })
    }
}

/// How a claim of a message ends (W3, or before W2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Where it stands now.
    pub state: State,
    /// Why, where there is a why.
    pub reason: Option<String>,
    /// When it may be claimed again.
    pub next_at: UtcMs,
    /// Whether this counts as a try of the message.
    pub counts: bool,
    /// What the server answered.
    pub reply: Option<Reply>,
    /// When the server took it.
    pub accepted_at: Option<UtcMs>,
}

/// A server's answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The basic code.
    pub code: i64,
    /// The enhanced code.
    pub enhanced: Option<String>,
    /// The words.
    pub text: String,
}

/// One try, to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The site of the message.
    pub site_id: SiteId,
    /// The message.
    pub message_id: MessageId,
    /// The claim it belongs to.
    pub epoch: i64,
    /// The node that tried.
    pub owner: i64,
    /// When the try began.
    pub started_at: UtcMs,
    /// When our dot could leave (W2).
    pub commit_at: Option<UtcMs>,
    /// When it ended.
    pub ended_at: UtcMs,
    /// Where it was sent.
    pub relay: String,
    /// Whether the connection was encrypted.
    pub tls: bool,
    /// accepted, deferred, failed, unknown or back.
    pub outcome: String,
    /// The step at which it ended.
    pub stage: Option<String>,
    /// What the answer means.
    pub class: Option<String>,
    /// What the server answered.
    pub code: Option<i64>,
    /// Its enhanced code.
    pub enhanced: Option<String>,
    /// Its words, or ours.
    pub reply: String,
}

/// W0: plans a message; `false` where one with its dedupe key exists.
pub async fn insert(tx: &mut Tx<'_>, new: &Insert<'_>, now: UtcMs) -> Result<bool> {
    let made = tx
        .query(INSERT)
        .bind(new.site_id)
        .bind(new.id)
        .bind(new.dedupe_key)
        .bind(new.class.as_str())
        .bind(new.source_kind.as_str())
        .bind(new.source_id)
        .bind(new.enrolment_id)
        .bind(new.contact_id)
        .bind(new.to_address)
        .bind(new.domain)
        .bind(new.version_id)
        .bind(new.system_name)
        .bind(new.context)
        .bind(new.message_id)
        .bind(new.state.as_str())
        .bind(new.reason)
        .bind(new.next_at)
        .bind(new.expires_at)
        .bind(now)
        .run()
        .await?;
    Ok(made == 1)
}

/// W1: claims up to `limit` queued messages of a site for node `owner` until `lease_until`.
pub async fn claim(
    tx: &mut Tx<'_>,
    site: SiteId,
    owner: i64,
    lease_until: UtcMs,
    now: UtcMs,
    limit: i64,
) -> Result<Vec<Claimed>> {
    let is_sqlite = tx.is_sqlite();
    let mut q = tx.query_both(CLAIM).bind(site).bind(now).bind(limit);
    if !is_sqlite {
        q = q.bind(owner).bind(lease_until);
    }
    let mut claimed: Vec<Claimed> = q.all().await?;
    if is_sqlite {
        for one in &claimed {
            let q = tx.query(LEASE).bind(site).bind(one.id).bind(owner).bind(one.epoch);
            q.bind(lease_until).bind(one.date_at).run().await?;
        }
    }
    claimed.sort_by_key(|message| message.id);
    Ok(claimed)
}

/// W2: our dot may leave from now on; `false` where the claim was lost, and then it must not.
pub async fn commit(
    tx: &mut Tx<'_>,
    message: &Claimed,
    owner: i64,
    data_sha256: &str,
    relay: &str,
    now: UtcMs,
    lease_now: UtcMs,
) -> Result<bool> {
    let q = tx.query(COMMIT).bind(message.site_id).bind(message.id).bind(owner);
    let q = q.bind(message.epoch).bind(now).bind(data_sha256).bind(relay).bind(lease_now);
    Ok(q.run().await? == 1)
}

/// W3, or the end of a claim before W2; `false` where the claim was lost.
pub async fn end(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: MessageId,
    epoch: i64,
    end: &End,
) -> Result<bool> {
    let reply = end.reply.as_ref();
    let q = tx.query(END).bind(site).bind(id).bind(epoch).bind(end.state.as_str());
    let q = q.bind(end.reason.as_deref()).bind(end.next_at).bind(i64::from(end.counts));
    let q = q.bind(reply.map(|reply| reply.code));
    let q = q.bind(reply.and_then(|reply| reply.enhanced.as_deref()));
    let q = q.bind(reply.map(|reply| reply.text.as_str())).bind(end.accepted_at);
    Ok(q.bind(i64::from(end.state == State::Unknown)).run().await? == 1)
}

/// Holds a claim longer; `false` where it was lost.
pub async fn extend(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: MessageId,
    epoch: i64,
    until: UtcMs,
    lease_now: UtcMs,
) -> Result<bool> {
    let q = tx.query(EXTEND).bind(site).bind(id).bind(epoch).bind(until);
    Ok(q.bind(lease_now).run().await? == 1)
}

/// Keeps what a claimed message came to say when it was first composed; `false` where the claim was
/// lost, or its bytes stand already.
pub async fn keep_context(tx: &mut Tx<'_>, message: &Claimed, context: &str) -> Result<bool> {
    let q = tx.query(KEEP).bind(message.site_id).bind(message.id).bind(message.epoch);
    Ok(q.bind(context).run().await? == 1)
}

/// Appends a try; one that was taken for lost, and written down as unknown, gives way to what came
/// of it after all.
pub async fn insert_attempt(tx: &mut Tx<'_>, attempt: &Attempt) -> Result<()> {
    let q = tx.query(ATTEMPT).bind(attempt.site_id).bind(attempt.message_id).bind(attempt.epoch);
    let q = q.bind(attempt.owner).bind(attempt.started_at).bind(attempt.commit_at);
    let q = q.bind(attempt.ended_at).bind(&attempt.relay).bind(attempt.tls);
    let q = q.bind(&attempt.outcome).bind(attempt.stage.as_deref());
    let q = q.bind(attempt.class.as_deref()).bind(attempt.code);
    q.bind(attempt.enhanced.as_deref()).bind(&attempt.reply).run().await.map(drop)
}
