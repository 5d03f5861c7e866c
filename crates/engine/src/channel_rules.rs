//! An owner's own rules for channels. They hold for what comes from then on; the past is given its
//! channels anew by a job, when its owner asks for it.

use model::channels::{RULES_MAX, Rule, channel_of};
use model::ids::{ChannelRuleId, ContactId, TouchId};
use model::jobs::{Outcome, Work};
use model::sites::Site;
use model::sources::StoredTouch;
use model::{Refused, SiteId};
use serde_json::json;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{audits, jobs, rollups};

/// Touches read at once.
const BATCH: i64 = 500;
/// Touches looked at for "what would change": the latest.
pub const LOOKED_AT_MAX: i64 = 20_000;

/// A rule as someone typed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRule {
    /// Pattern of `utm_source`; empty for any.
    pub source: String,
    /// Of `utm_medium`.
    pub medium: String,
    /// Of `utm_campaign`.
    pub campaign: String,
    /// Of the host that referred.
    pub host: String,
    /// The word of the channel.
    pub channel: String,
}

/// Adds a rule after those there are.
///
/// # Errors
/// It would take everything, names no channel, or is one too many.
pub async fn add(engine: &Engine, site: SiteId, new: NewRule) -> Result<ChannelRuleId> {
    let id = ChannelRuleId(engine.next_id());
    let patterns = [&*new.source, &*new.medium, &*new.campaign, &*new.host];
    let rule = Rule::parse(id, patterns, &new.channel)?;
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                if store::channel_rules::list(tx, site).await?.len() >= RULES_MAX {
                    let say = format!("{RULES_MAX} rules are the most: delete one first");
                    return Err(Refused::new("rules_full", say).at("source").into());
                }
                store::channel_rules::insert(tx, site, &rule).await?;
                let data = json!({
                    "source": rule.source, "medium": rule.medium, "campaign": rule.campaign,
                    "host": rule.host, "channel": rule.channel,
                });
                audits::note(&of, tx, site, "channel_rule.added", rule.id, &data).await
            })
        })
        .await?;
    Ok(id)
}

/// Deletes a rule.
///
/// # Errors
/// There is none of that id.
pub async fn delete(engine: &Engine, site: SiteId, id: ChannelRuleId) -> Result<()> {
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                if store::channel_rules::delete(tx, site, id).await? == 0 {
                    return Err(EngineError::missing("rule", id));
                }
                audits::note(&of, tx, site, "channel_rule.deleted", id, &json!({})).await
            })
        })
        .await
}

/// What the rules would change of the latest touches: how many were looked at, and how many have
/// another channel now, by the rule that says so (`None` where none does any more).
///
/// # Errors
/// The database fails.
pub async fn changes(
    engine: &Engine,
    site: SiteId,
) -> Result<(usize, Vec<(Option<ChannelRuleId>, usize)>)> {
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let rules = store::channel_rules::list(session, site).await?;
                let touches = store::touches::latest(session, site, LOOKED_AT_MAX).await?;
                let mut by: Vec<(Option<ChannelRuleId>, usize)> = Vec::new();
                for stored in
                    touches.iter().filter(|one| one.channel != channel_of(&rules, &one.touch))
                {
                    let rule =
                        rules.iter().find(|rule| rule.fits(&stored.touch)).map(|rule| rule.id);
                    match by.iter_mut().find(|(known, _)| *known == rule) {
                        Some((_, count)) => *count += 1,
                        None => by.push((rule, 1)),
                    }
                }
                Ok((touches.len(), by))
            })
        })
        .await
}

/// Asks for the past to be given its channels anew; the job does it.
///
/// # Errors
/// The database fails.
pub async fn relabel_later(engine: &Engine, site: SiteId) -> Result<()> {
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let now = of.now();
                let key = format!("channels:{}", of.next_id());
                jobs::enqueue(&of, tx, site, &Work::Channels, &key, now).await?;
                audits::note(&of, tx, site, "channels.relabelled", site, &json!({})).await
            })
        })
        .await?;
    engine.wake();
    Ok(())
}

/// Under which name is kept that touches of a site have other channels than the figures say.
fn changed_key(site: SiteId) -> String {
    format!("channels_changed:{}", site.0)
}

/// Gives every touch of a site the channel that the rules of today say, and makes the figures that
/// count by channel anew. Begun twice, it comes to the same: that a touch was changed is kept with
/// the change, until the figures are made.
pub(crate) async fn work(engine: &Engine, id: SiteId) -> Result<Outcome> {
    let Some(site) = find_site(engine, id).await? else {
        return Ok(Outcome::Dead("the site is gone".to_owned()));
    };
    let changed = relabel(engine, id).await?;
    engine.pass("relabel.after")?;
    let mark = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::meta::find(session, &changed_key(id)).await?) })
        })
        .await?
        .filter(|mark| !mark.is_empty());
    if let Some(mark) = mark {
        rollups::rebuild(engine, &site).await?;
        unmark(engine, id, mark).await?;
    }
    tracing::info!(site = %site.slug, changed, "touches were given their channels anew");
    Ok(Outcome::Done)
}

/// Gives every touch its channel; how many had another.
async fn relabel(engine: &Engine, id: SiteId) -> Result<usize> {
    let mut after = (ContactId(0), TouchId(0));
    let mut changed = 0;
    loop {
        let mark = engine.next_id().to_string();
        let read = engine
            .write(move |tx| {
                Box::pin(async move {
                    let rules = store::channel_rules::list(tx, id).await?;
                    let touches = store::touches::after(tx, id, after, BATCH).await?;
                    let mut changed = 0;
                    for stored in &touches {
                        let channel = channel_of(&rules, &stored.touch);
                        if channel != stored.channel {
                            store::touches::set_channel(tx, id, stored, channel).await?;
                            changed += 1;
                        }
                    }
                    if changed > 0 {
                        store::meta::set(tx, &changed_key(id), &mark).await?;
                    }
                    Ok((touches.last().map(place), changed))
                })
            })
            .await?;
        changed += read.1;
        let Some(last) = read.0 else { return Ok(changed) };
        after = last;
    }
}

/// The figures are made of all that `mark` stood for.
async fn unmark(engine: &Engine, id: SiteId, mark: String) -> Result<()> {
    engine
        .write(move |tx| {
            Box::pin(async move {
                if store::meta::find(tx, &changed_key(id)).await?.as_deref() == Some(&*mark) {
                    store::meta::set(tx, &changed_key(id), "").await?;
                }
                Ok(())
            })
        })
        .await
}

fn place(stored: &StoredTouch) -> (ContactId, TouchId) {
    (stored.contact_id, stored.id)
}

async fn find_site(engine: &Engine, id: SiteId) -> Result<Option<Site>> {
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::sites::find(session, id).await?) })
        })
        .await
}
