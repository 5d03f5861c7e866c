//! Scores: how warm a contact is, by rules the operator wrote, taken apart line by line.
//!
//! [`explain`] works a score out from the contact's events and fields at any instant; what lists
//! sort by is the same, [kept](keep) for every contact as of midnight where the site is, with all
//! that happened since counted whole. Nothing is ever sent because of a score.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use model::contacts::Contact;
use model::ids::{ContactId, EventId, ScoreRuleId};
use model::scores::{Cause, RULES_MAX, Rule, usual};
use model::sites::Site;
use model::spans::{day_of, start_of};
use model::{Refused, SiteId, UtcMs};
use numbers::scores::points::Terms;
use serde_json::{Value, json};
use store::events::Event;
use store::{Session, Tx};

use crate::audits;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::rollups::zone_of;

pub(crate) mod keep;

/// Events of a contact that are looked at: the newest. More than a person makes in years.
const EVENTS_MAX: i64 = 2_000;
/// Contacts a change of rules is tried on before it is saved.
pub const TRIED: i64 = 2_000;
/// Below this two scores are the same.
const SAME: f64 = 1e-6;
/// From how many points on a contact can be hot.
const HOT_MAX: i64 = 100_000;

/// One thing that gave points.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// When; of a field, when the contact came.
    pub at: UtcMs,
    /// What happened; nothing where it is a field.
    pub event: Option<Event>,
    /// Points when it happened.
    pub then: i64,
    /// Points now; nothing where enough newer ones count.
    pub now: Option<f64>,
}

/// What one rule comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The rule.
    pub rule: Rule,
    /// Points.
    pub points: f64,
    /// Points before its cap.
    pub uncapped: f64,
    /// Its lines, newest first.
    pub lines: Vec<Line>,
}

/// A score taken apart: `points` is the sum of the parts, and of the groups.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explained {
    /// Points.
    pub points: f64,
    /// Points by group.
    pub groups: Vec<(String, f64)>,
    /// By rule; rules that gave nothing are left out.
    pub parts: Vec<Part>,
}

/// What is known of a contact that rules look at.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    contact: Contact,
    /// Newest first.
    events: Vec<Event>,
}

impl Known {
    async fn read(session: &mut Session<'_>, site: SiteId, id: ContactId) -> Result<Option<Self>> {
        let Some(contact) = store::contacts::find(session, site, id).await? else {
            return Ok(None);
        };
        let first = EventId(i64::MAX);
        let events = store::events::list_of_contact(session, site, id, first, EVENTS_MAX).await?;
        Ok(Some(Self { contact, events }))
    }

    /// Whether it counts at all.
    fn counts(&self) -> bool {
        !self.contact.is_test && !self.contact.is_erased()
    }

    fn explain(&self, rules: &[Rule], now: UtcMs) -> Explained {
        let mut parts: Vec<Part> = Vec::new();
        if self.counts() {
            let data: Vec<OnceCell<Value>> = self.events.iter().map(|_| OnceCell::new()).collect();
            for rule in rules.iter().filter(|rule| rule.is_on) {
                parts.extend(self.part(rule, &data, now));
            }
        }
        let mut groups: BTreeMap<&str, f64> = BTreeMap::new();
        for part in &parts {
            *groups.entry(part.rule.topic.as_str()).or_default() += part.points;
        }
        let groups = groups.into_iter().map(|(name, points)| (name.to_owned(), points)).collect();
        Explained { points: parts.iter().map(|part| part.points).sum(), groups, parts }
    }

    /// What one rule comes to; nothing where it has no line.
    fn part(&self, rule: &Rule, data: &[OnceCell<Value>], now: UtcMs) -> Option<Part> {
        let mut found: Vec<(UtcMs, Option<&Event>)> = Vec::new();
        if rule.holds(&self.contact) {
            found.push((self.contact.created_at, None));
        }
        for (event, kept) in self.events.iter().zip(data) {
            let read = || {
                kept.get_or_init(|| serde_json::from_str(&event.data).unwrap_or_default()).clone()
            };
            if rule.matches(&event.kind, event.subject_id, read) {
                found.push((event.at, Some(event)));
            }
        }
        if found.is_empty() {
            return None;
        }
        let ages: Vec<i64> = found.iter().map(|(at, _)| now.since_ms(*at)).collect();
        let sum = terms(rule).sum(&ages);
        let lines = found.into_iter().zip(&sum.each).map(|((at, event), worth)| Line {
            at,
            event: event.cloned(),
            then: rule.points,
            now: *worth,
        });
        Some(Part {
            rule: rule.clone(),
            points: sum.points,
            uncapped: sum.uncapped,
            lines: lines.collect(),
        })
    }
}

fn terms(rule: &Rule) -> Terms {
    Terms {
        points: rule.points,
        half_life_days: rule.half_life_days,
        times_max: rule.times_max.and_then(|times| usize::try_from(times).ok()),
        points_max: rule.points_max,
    }
}

/// The score of a contact at an instant, line by line. Test contacts and erased ones have none.
///
/// # Errors
/// The database fails.
pub async fn explain(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    now: UtcMs,
) -> Result<Explained> {
    let rules = store::scores::rules(session, site).await?;
    if rules.is_empty() {
        return Ok(Explained::default());
    }
    let known = Known::read(session, site, contact).await?;
    Ok(known.map(|known| known.explain(&rules, now)).unwrap_or_default())
}

/// Writes a rule, new or changed; every score is worked out anew.
///
/// # Errors
/// Every field that must be mended.
pub async fn put(engine: &Engine, site: &Site, rule: Rule) -> Result<ScoreRuleId> {
    let rule = rule.checked().map_err(EngineError::RefusedAll)?;
    let (of, site) = (engine.clone(), site.clone());
    let id = engine
        .write(move |tx| {
            Box::pin(async move {
                let rules = store::scores::rules(tx, site.id).await?;
                let now = of.now();
                let is_new = rule.id.0 == 0;
                let known = rules.iter().find(|known| known.id == rule.id);
                if !is_new && known.is_none() {
                    return Err(EngineError::missing("score rule", rule.id));
                }
                if is_new && rules.len() >= RULES_MAX {
                    return Err(full());
                }
                let id = if is_new { ScoreRuleId(of.next_id()) } else { rule.id };
                let created_at = known.map_or(now, |known| known.created_at);
                let rule = Rule { id, created_at, updated_at: now, ..rule };
                store::scores::put_rule(tx, site.id, &rule).await?;
                anew(&of, tx, &site).await?;
                let data = json!({ "name": rule.name, "cause": rule.cause, "points": rule.points,
                    "on": rule.is_on });
                audits::note(&of, tx, site.id, "score_rule.saved", id, &data).await?;
                Ok(id)
            })
        })
        .await?;
    engine.wake();
    Ok(id)
}

fn full() -> EngineError {
    let message = format!("{RULES_MAX} rules are the most one can explain: take one away first");
    Refused::new("score_rules_full", message).into()
}

/// Takes a rule away; every score is worked out anew.
///
/// # Errors
/// There is none with this id.
pub async fn remove(engine: &Engine, site: &Site, id: ScoreRuleId) -> Result<()> {
    let (of, site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                if !store::scores::delete_rule(tx, site.id, id).await? {
                    return Err(EngineError::missing("score rule", id));
                }
                anew(&of, tx, &site).await?;
                audits::note(&of, tx, site.id, "score_rule.removed", id, &()).await
            })
        })
        .await?;
    engine.wake();
    Ok(())
}

/// Writes the rules that fit most, where there are none yet.
///
/// # Errors
/// There are rules already.
pub async fn start_with_usual(engine: &Engine, site: &Site) -> Result<usize> {
    let (of, site) = (engine.clone(), site.clone());
    let made = engine
        .write(move |tx| {
            Box::pin(async move {
                if !store::scores::rules(tx, site.id).await?.is_empty() {
                    let message = "there are rules already: add to them one by one";
                    return Err(Refused::new("score_rules_there", message).into());
                }
                let now = of.now();
                let rules = usual();
                for rule in &rules {
                    let id = ScoreRuleId(of.next_id());
                    let rule = Rule { id, created_at: now, updated_at: now, ..rule.clone() };
                    store::scores::put_rule(tx, site.id, &rule).await?;
                }
                anew(&of, tx, &site).await?;
                let data = json!({ "rules": rules.len() });
                audits::note(&of, tx, site.id, "score_rules.started", "", &data).await?;
                Ok(rules.len())
            })
        })
        .await?;
    engine.wake();
    Ok(made)
}

/// Sets from how many points on a contact is hot; nothing: none is.
///
/// # Errors
/// No number of points a contact could have.
pub async fn set_hot(engine: &Engine, site: &Site, points: Option<i64>) -> Result<()> {
    if points.is_some_and(|points| !(1..=HOT_MAX).contains(&points)) {
        let message = format!("give from 1 to {HOT_MAX} points, or leave it empty");
        return Err(Refused::new("hot_points", message).at("hot_points").into());
    }
    let (of, site) = (engine.clone(), site.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                anew(&of, tx, &site).await?;
                store::scores::set_hot(tx, site.id, points).await?;
                let data = json!({ "points": points });
                audits::note(&of, tx, site.id, "score_hot.set", "", &data).await
            })
        })
        .await?;
    engine.wake();
    Ok(())
}

/// Sends the walk through all contacts that works out every score anew.
async fn anew(engine: &Engine, tx: &mut Tx<'_>, site: &Site) -> Result<()> {
    let now = engine.now();
    let as_of = midnight(site, now);
    let newest = store::scores::newest_event(tx, site.id).await?;
    store::scores::begin(tx, site.id, as_of, newest).await?;
    Ok(store::scores::walk(tx, site.id, as_of, now).await?)
}

/// The first instant of the day where the site is.
fn midnight(site: &Site, now: UtcMs) -> UtcMs {
    let zone = zone_of(site);
    start_of(day_of(now, &zone), &zone)
}

/// What a change of rules would do to the newest contacts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tried {
    /// Contacts it was tried on.
    pub contacts: i64,
    /// Whether these are all there are.
    pub is_all: bool,
    /// Those whose score would rise.
    pub raised: i64,
    /// Those whose score would fall.
    pub lowered: i64,
    /// Those who are hot now.
    pub hot: i64,
    /// Those who would be.
    pub hot_then: i64,
}

/// Tries a rule, new or changed, on the newest contacts. Changes nothing.
///
/// # Errors
/// Every field that must be mended.
pub async fn try_out(engine: &Engine, site: SiteId, rule: Rule) -> Result<Tried> {
    let rule = rule.checked().map_err(EngineError::RefusedAll)?;
    let now = engine.now();
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let rules = store::scores::rules(session, site).await?;
                let mut changed: Vec<Rule> =
                    rules.iter().filter(|known| known.id != rule.id).cloned().collect();
                changed.push(rule);
                let state = store::scores::state(session, site).await?;
                let hot = state.and_then(|state| state.hot_points);
                let found = store::scores::newest_contacts(session, site, TRIED + 1).await?;
                let is_all = i64::try_from(found.len()).is_ok_and(|count| count <= TRIED);
                let mut tried = Tried { is_all, ..Tried::default() };
                for id in found.into_iter().take(usize::try_from(TRIED).unwrap_or(0)) {
                    let Some(known) = Known::read(session, site, id).await? else { continue };
                    let before = known.explain(&rules, now).points;
                    let after = known.explain(&changed, now).points;
                    tried.count(before, after, hot);
                }
                Ok(tried)
            })
        })
        .await
}

impl Tried {
    fn count(&mut self, before: f64, after: f64, hot: Option<i64>) {
        self.contacts += 1;
        self.raised += i64::from(after > before + SAME);
        self.lowered += i64::from(after < before - SAME);
        self.hot += i64::from(is_hot(before, hot));
        self.hot_then += i64::from(is_hot(after, hot));
    }
}

fn is_hot(points: f64, hot: Option<i64>) -> bool {
    hot.is_some_and(|hot| points + SAME >= numbers::real::real_signed(hot))
}

/// Whether a rule can fade.
fn fades(part: &Part) -> bool {
    part.rule.cause != Cause::Field
        && part.rule.half_life_days.is_some()
        && part.points.abs() > SAME
}
