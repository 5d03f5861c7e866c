//! Scores: the rules that give points, what they come to for each contact, and how far that is
//! kept up.

use model::contacts::Contact;
use model::ids::{ContactId, ProductId, ScoreRuleId, SegmentId};
use model::scores::Rule;
use model::{SiteId, UtcMs};

use crate::contact_lists::Narrowed;
use crate::{FromRow, Result, Row, Session, Tx};

const PUT_RULE: &str = "insert into score_rules (site_id, id, name, cause, about, value, points,
    times_max, points_max, half_life_days, topic, is_on, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    on conflict (site_id, id) do update set name = excluded.name, cause = excluded.cause,
    about = excluded.about, value = excluded.value, points = excluded.points,
    times_max = excluded.times_max, points_max = excluded.points_max,
    half_life_days = excluded.half_life_days, topic = excluded.topic, is_on = excluded.is_on,
    updated_at = excluded.updated_at";
const RULES: &str = "select id, name, cause, about, value, points, times_max, points_max,
    half_life_days, topic, is_on, created_at, updated_at from score_rules
    where site_id = $1 order by topic, id";
const DELETE_RULE: &str = "delete from score_rules where site_id = $1 and id = $2";
const STATE: &str = "select hot_points, as_of, seen_event, walk, walked_to, began_at, ended_at,
    contacts, raised, lowered from score_states where site_id = $1";
const BEGIN: &str = "insert into score_states (site_id, hot_points, as_of, seen_event, walk,
    walked_to, began_at, ended_at, contacts, raised, lowered)
    values ($1, null, $2, $3, null, 0, null, null, 0, 0, 0)
    on conflict (site_id) do nothing";
const SET_HOT: &str = "update score_states set hot_points = $2 where site_id = $1";
const WALK: &str = "update score_states set walk = 'rules', walked_to = 0, began_at = $2,
    ended_at = null, contacts = 0, raised = 0, lowered = 0,
    as_of = case when as_of > $3 then as_of else $3 end where site_id = $1";
const WALK_DAY: &str = "update score_states set walk = 'day', walked_to = 0, began_at = $2,
    ended_at = null, contacts = 0, raised = 0, lowered = 0, as_of = $3
    where site_id = $1 and walk is null and as_of < $3";
const STEP: &str = "update score_states set walked_to = $3, walk = $4, ended_at = $5,
    contacts = contacts + $6, raised = raised + $7, lowered = lowered + $8
    where site_id = $1 and walked_to = $2 and walk is not null and began_at = $9";
const SEEN: &str = "update score_states set seen_event = $2
    where site_id = $1 and seen_event < $2";
const NTH_EVENT: &str = "select max(id) from (select id from events
    where site_id = $1 and id > $2 order by id limit $3) q";
const NEWEST: &str = "select coalesce(max(id), 0) from events where site_id = $1";
// The plus keeps SQLite from walking the events of each contact instead of the newest of all.
const STALE: &str = "select +e.contact_id from events e
    join contacts c on c.site_id = e.site_id and c.id = e.contact_id
    left join contact_scores s on s.site_id = e.site_id and s.contact_id = e.contact_id
    where e.site_id = $1 and e.id > $2 and e.id <= $3 and +e.contact_id > $4 and e.kind in ('contact.created', 'contact.updated',
        'contact.erased', 'form.submitted', 'consent.granted', 'consent.withdrawn',
        'magnet.downloaded', 'message.clicked', 'message.bounced', 'tag.added', 'order.created',
        'order.paid', 'order.refunded', 'cart.abandoned', 'offer.accepted', 'offer.declined',
        'referral.qualified')
    group by +e.contact_id having max(e.id) > coalesce(max(s.seen_event), 0)
    order by 1 limit $5";
const IMPORTED: &str = "select count(*) from events
    where site_id = $1 and id > $2 and id <= $3 and kind = 'import.finished'";
const EVERYBODY: &str = "select id from contacts where site_id = $1 and id > $2
    order by id limit $3";
const NEWEST_CONTACTS: &str = "select id from contacts where site_id = $1 and erased_at is null
    and is_test = false order by id desc limit $2";
const FADING: &str = "select contact_id from contact_scores
    where site_id = $1 and fades = true and contact_id > $2 order by contact_id limit $3";
const FIND: &str = "select contact_id, points, as_of, seen_event, fades, hot_since
    from contact_scores where site_id = $1 and contact_id = $2";
const PUT: &str = "insert into contact_scores (site_id, contact_id, points, as_of, seen_event,
    fades, hot_since) values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (site_id, contact_id) do update set points = excluded.points,
    as_of = excluded.as_of, seen_event = excluded.seen_event, fades = excluded.fades,
    hot_since = excluded.hot_since";
const FORGET: &str = "delete from contact_scores where site_id = $1 and contact_id = $2";
const BY_POINTS: &str = "select c.id, c.email, c.email_key, c.address_hmac, c.status, c.first_name,
    c.last_name, c.external_id, c.language, c.timezone, c.fields, c.is_test, c.no_sales,
    c.less_often, c.paused_until, c.created_at, c.updated_at, c.confirmed_at,
    c.unsubscribed_at, c.erased_at
    from contact_scores s cross join contacts c
    where c.site_id = s.site_id and c.id = s.contact_id
    and s.site_id = $1 and s.points >= $2 and s.points <= $3
    and (s.points < $3 or s.contact_id < $4)
    and (cast($5 as text) = '' or c.status = $5)
    and (cast($6 as text) = '' or exists (select 1 from contact_tags t
        where t.site_id = c.site_id and t.contact_id = c.id and t.tag = $6))
    and (cast($8 as bigint) = 0 or exists (select 1 from entitlements e
        where e.site_id = c.site_id and e.contact_id = c.id and e.product_id = $8
        and e.revoked_at is null))
    and (cast($9 as bigint) = 0 or not exists (select 1 from entitlements e
        where e.site_id = c.site_id and e.contact_id = c.id and e.product_id = $9
        and e.revoked_at is null))
    and (cast($10 as text) = '' or (c.email_key >= $10 and c.email_key < $11))
    and (cast($12 as bigint) = 0 or exists (select 1 from segment_members m
        where m.site_id = c.site_id and m.segment_id = $12 and m.contact_id = c.id))
    and c.erased_at is null and c.is_test = false
    order by s.points desc, s.contact_id desc limit $7";
const COUNT_FROM: &str = "select count(*) from (select contact_id from contact_scores
    where site_id = $1 and points >= $2 limit $3) q";
const HOT_SINCE: &str = "select count(*) from (select contact_id from contact_scores
    where site_id = $1 and hot_since >= $2 and hot_since < $3 limit $4) q";
const BECAME_HOT: &str = "select c.id, c.email, c.email_key, c.address_hmac, c.status,
    c.first_name, c.last_name, c.external_id, c.language, c.timezone, c.fields, c.is_test,
    c.no_sales, c.less_often, c.paused_until, c.created_at, c.updated_at, c.confirmed_at,
    c.unsubscribed_at, c.erased_at
    from contact_scores s cross join contacts c
    where c.site_id = s.site_id and c.id = s.contact_id
    and s.site_id = $1 and s.hot_since >= $2 and s.hot_since < $3 and c.id < $4
    and c.erased_at is null order by c.id desc limit $5";

/// How far a site's scores are kept up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// From so many points on a contact is hot.
    pub hot_points: Option<i64>,
    /// Kept scores are as of then.
    pub as_of: UtcMs,
    /// Every event up to this one is in them.
    pub seen_event: i64,
    /// What goes through all contacts just now: `rules` or `day`.
    pub walk: Option<String>,
    /// How far it is.
    pub walked_to: ContactId,
    /// When it began.
    pub began_at: Option<UtcMs>,
    /// When it came to its end.
    pub ended_at: Option<UtcMs>,
    /// Contacts it looked at.
    pub contacts: i64,
    /// Those whose score rose by it.
    pub raised: i64,
    /// Those whose score fell.
    pub lowered: i64,
}

impl FromRow for State {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            hot_points: row.take()?,
            as_of: row.take()?,
            seen_event: row.take()?,
            walk: row.take()?,
            walked_to: row.take()?,
            began_at: row.take()?,
            ended_at: row.take()?,
            contacts: row.take()?,
            raised: row.take()?,
            lowered: row.take()?,
        })
    }
}

impl FromRow for Rule {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            name: row.take()?,
            cause: row.word()?,
            about: row.take()?,
            value: row.take()?,
            points: row.take()?,
            times_max: row.take()?,
            points_max: row.take()?,
            half_life_days: row.take()?,
            topic: row.take()?,
            is_on: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }
}

/// What the rules come to for a contact.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Whose.
    pub contact_id: ContactId,
    /// Points.
    pub points: f64,
    /// As of when.
    pub as_of: UtcMs,
    /// The newest event that is in it.
    pub seen_event: i64,
    /// Whether any of it gets less by itself.
    pub fades: bool,
    /// Since when it is hot, if it is.
    pub hot_since: Option<UtcMs>,
}

impl FromRow for Score {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            contact_id: row.take()?,
            points: row.take()?,
            as_of: row.take()?,
            seen_event: row.take()?,
            fades: row.take()?,
            hot_since: row.take()?,
        })
    }
}

/// Writes a rule, new or changed.
pub async fn put_rule(tx: &mut Tx<'_>, site: SiteId, rule: &Rule) -> Result<()> {
    tx.query(PUT_RULE)
        .bind(site)
        .bind(rule.id)
        .bind(&rule.name)
        .bind(rule.cause.as_str())
        .bind(&rule.about)
        .bind(&rule.value)
        .bind(rule.points)
        .bind(rule.times_max)
        .bind(rule.points_max)
        .bind(rule.half_life_days)
        .bind(&rule.topic)
        .bind(rule.is_on)
        .bind(rule.created_at)
        .bind(rule.updated_at)
        .run()
        .await
        .map(drop)
}

/// The rules of a site, by group.
pub async fn rules(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Rule>> {
    session.query(RULES).bind(site).all().await
}

/// Takes a rule away; `false` where there is none.
pub async fn delete_rule(tx: &mut Tx<'_>, site: SiteId, id: ScoreRuleId) -> Result<bool> {
    Ok(tx.query(DELETE_RULE).bind(site).bind(id).run().await? == 1)
}

/// How far a site's scores are kept up; nothing where it has none.
pub async fn state(session: &mut Session<'_>, site: SiteId) -> Result<Option<State>> {
    session.query(STATE).bind(site).maybe().await
}

/// Begins to keep scores, as of `as_of`, with no event in them from before `seen`.
pub async fn begin(tx: &mut Tx<'_>, site: SiteId, as_of: UtcMs, seen: i64) -> Result<()> {
    tx.query(BEGIN).bind(site).bind(as_of).bind(seen).run().await.map(drop)
}

/// Sets from how many points on a contact is hot.
pub async fn set_hot(tx: &mut Tx<'_>, site: SiteId, points: Option<i64>) -> Result<()> {
    tx.query(SET_HOT).bind(site).bind(points).run().await.map(drop)
}

/// Sends a walk through all contacts, from the first, as the rules changed; one that is under way
/// begins again.
pub async fn walk(tx: &mut Tx<'_>, site: SiteId, as_of: UtcMs, now: UtcMs) -> Result<()> {
    tx.query(WALK).bind(site).bind(now).bind(as_of).run().await.map(drop)
}

/// Sends a walk through those whose score fades, as a day is over; `false` where another is under
/// way, which comes first.
pub async fn walk_day(tx: &mut Tx<'_>, site: SiteId, as_of: UtcMs, now: UtcMs) -> Result<bool> {
    Ok(tx.query(WALK_DAY).bind(site).bind(now).bind(as_of).run().await? == 1)
}

/// What one step of a walk did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The last contact dealt with.
    pub to: ContactId,
    /// Whether it was the last of all.
    pub is_last: bool,
    /// Contacts looked at.
    pub contacts: i64,
    /// Those whose score rose.
    pub raised: i64,
    /// Those whose score fell.
    pub lowered: i64,
}

/// Moves a walk on; `false` where it was begun anew meanwhile.
pub async fn step(
    tx: &mut Tx<'_>,
    site: SiteId,
    was: &State,
    step: &Step,
    now: UtcMs,
) -> Result<bool> {
    let walk = was.walk.as_deref().filter(|_| !step.is_last);
    let query = tx.query(STEP).bind(site).bind(was.walked_to).bind(step.to).bind(walk);
    let query = query.bind(step.is_last.then_some(now)).bind(step.contacts).bind(step.raised);
    let query = query.bind(step.lowered).bind(was.began_at);
    Ok(query.run().await? == 1)
}

/// Notes that every event up to `seen` is in the scores.
pub async fn seen(tx: &mut Tx<'_>, site: SiteId, seen: i64) -> Result<()> {
    tx.query(SEEN).bind(site).bind(seen).run().await.map(drop)
}

/// The newest event of a site.
pub async fn newest_event(session: &mut Session<'_>, site: SiteId) -> Result<i64> {
    session.query(NEWEST).bind(site).one().await
}

/// The `nth` event after `after`, or the last where there are fewer.
pub async fn nth_event(
    session: &mut Session<'_>,
    site: SiteId,
    after: i64,
    nth: i64,
) -> Result<Option<i64>> {
    session.query(NTH_EVENT).bind(site).bind(after).bind(nth).one().await
}

/// Contacts, from after `contact`, with events after the first of `events` and up to the second
/// that are not in their scores.
pub async fn stale(
    session: &mut Session<'_>,
    site: SiteId,
    (after, until): (i64, i64),
    contact: ContactId,
    limit: i64,
) -> Result<Vec<ContactId>> {
    let query = session.query(STALE).bind(site).bind(after).bind(until).bind(contact);
    query.bind(limit).all().await
}

/// How many imports ended within these events: they bring people without an event each.
pub async fn imports_within(
    session: &mut Session<'_>,
    site: SiteId,
    (after, until): (i64, i64),
) -> Result<i64> {
    session.query(IMPORTED).bind(site).bind(after).bind(until).one().await
}

/// Contacts by id, from after `after`: all, or those whose score fades.
pub async fn to_walk(
    session: &mut Session<'_>,
    site: SiteId,
    state: &State,
    limit: i64,
) -> Result<Vec<ContactId>> {
    let sql = if state.walk.as_deref() == Some("day") { FADING } else { EVERYBODY };
    session.query(sql).bind(site).bind(state.walked_to).bind(limit).all().await
}

/// The newest contacts.
pub async fn newest_contacts(
    session: &mut Session<'_>,
    site: SiteId,
    limit: i64,
) -> Result<Vec<ContactId>> {
    session.query(NEWEST_CONTACTS).bind(site).bind(limit).all().await
}

/// The kept score of a contact.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
) -> Result<Option<Score>> {
    session.query(FIND).bind(site).bind(contact).maybe().await
}

/// Keeps the score of a contact.
pub async fn put(tx: &mut Tx<'_>, site: SiteId, score: &Score) -> Result<()> {
    tx.query(PUT)
        .bind(site)
        .bind(score.contact_id)
        .bind(score.points)
        .bind(score.as_of)
        .bind(score.seen_event)
        .bind(score.fades)
        .bind(score.hot_since)
        .run()
        .await
        .map(drop)
}

/// Removes the score of a contact.
pub async fn forget(tx: &mut Tx<'_>, site: SiteId, contact: ContactId) -> Result<()> {
    tx.query(FORGET).bind(site).bind(contact).run().await.map(drop)
}

/// Contacts of a narrowed list with `least` points or more, the most first: those after `after`.
pub async fn by_points(
    session: &mut Session<'_>,
    site: SiteId,
    (least, narrowed): (f64, &Narrowed),
    after: Option<ContactId>,
    limit: i64,
) -> Result<Vec<Contact>> {
    let last = match after {
        Some(id) => find(session, site, id).await?,
        None => None,
    };
    let (most, before) = last.map_or((f64::MAX, i64::MAX), |s| (s.points, s.contact_id.0));
    let status = narrowed.status.map_or("", |status| status.as_str());
    let prefix = narrowed.prefix.to_lowercase();
    let end = format!("{prefix}\u{10ffff}");
    let product = |id: Option<ProductId>| id.unwrap_or(ProductId(0));
    let query = session.query(BY_POINTS).bind(site).bind(least).bind(most).bind(before);
    let query = query.bind(status).bind(&narrowed.tag).bind(limit);
    let query = query.bind(product(narrowed.bought)).bind(product(narrowed.not_bought));
    let segment = narrowed.segment.unwrap_or(SegmentId(0));
    query.bind(&prefix).bind(&end).bind(segment).all().await
}

/// How many contacts have `least` points or more; counts no further than `most`.
pub async fn count_from(
    session: &mut Session<'_>,
    site: SiteId,
    least: f64,
    most: i64,
) -> Result<i64> {
    session.query(COUNT_FROM).bind(site).bind(least).bind(most).one().await
}

/// How many contacts became hot in a span of time and still are; counts no further than `most`.
pub async fn count_hot(
    session: &mut Session<'_>,
    site: SiteId,
    (from, until): (UtcMs, UtcMs),
    most: i64,
) -> Result<i64> {
    session.query(HOT_SINCE).bind(site).bind(from).bind(until).bind(most).one().await
}

/// Those contacts, newest first, from before `before`.
pub async fn became_hot(
    session: &mut Session<'_>,
    site: SiteId,
    (from, until): (UtcMs, UtcMs),
    before: ContactId,
    limit: i64,
) -> Result<Vec<Contact>> {
    let query = session.query(BECAME_HOT).bind(site).bind(from).bind(until).bind(before);
    query.bind(limit).all().await
}
