//! Segments: rules that are kept, and who fits them. Members are counted beside everything else,
//! some thousands of contacts at a time, so that a rule over a million keeps nobody waiting.

use std::collections::BTreeSet;

use model::audits::Actor;
use model::ids::{ContactId, SegmentId};
use model::jobs::Work;
use model::segments::{Rule, Statement};
use model::sites::Site;
use model::spans::{day_number, day_of};
use model::times::HOUR_MS;
use model::{Refused, SiteId, UtcMs};
use store::customer_figures::ANY;
use store::segments::{Asked, Figured, Segment};
use store::{Session, Tx};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::fits::rfm::Grid;
use crate::fits::{self, RFM};
use crate::rollups::zone_of;
use crate::{audits, jobs};

/// Members are counted again after so long: people come and go without the rule changing.
const COUNTED_EVERY_MS: i64 = HOUR_MS;
/// Contacts looked at in one go.
const WINDOW: i64 = 10_000;
/// Nobody has this many, and each is counted every hour.
const SEGMENTS_MAX: usize = 200;

/// Keeps a rule under a name.
///
/// # Errors
/// The name is missing or taken, or the rule cannot be.
pub async fn keep(
    engine: &Engine,
    actor: Actor,
    site: SiteId,
    (name, rule): (&str, &Rule),
) -> Result<SegmentId> {
    let (name, now) = (read(name, rule)?, engine.now());
    let new = Segment {
        site_id: site,
        id: SegmentId(engine.next_id()),
        name,
        rule: rule.to_text(),
        members: 0,
        counted_at: None,
        created_at: now,
        updated_at: now,
    };
    let (id, of) = (new.id, engine.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                if store::segments::list(tx, site).await?.len() >= SEGMENTS_MAX {
                    let message = "there are 200 segments: remove one that nobody uses";
                    return Err(Refused::new("segments_full", message).into());
                }
                if !store::segments::insert(tx, &new).await? {
                    return Err(taken().into());
                }
                audits::record(&of, tx, site, actor, "segment.made", id, &()).await?;
                Ok(id)
            })
        })
        .await
}

/// Changes the name and the rule of one.
///
/// # Errors
/// There is none, the name is missing or taken, or the rule cannot be.
pub async fn change(
    engine: &Engine,
    actor: Actor,
    (site, id): (SiteId, SegmentId),
    (name, rule): (&str, &Rule),
) -> Result<()> {
    let (name, rule) = (read(name, rule)?, rule.to_text());
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                get(tx, site, id).await?;
                let now = of.now();
                if !store::segments::update(tx, site, id, (&name, &rule), now).await? {
                    return Err(taken().into());
                }
                ask(&of, tx, site, id).await?;
                audits::record(&of, tx, site, actor, "segment.changed", id, &()).await
            })
        })
        .await
}

/// Removes one. Its people stay as they are.
///
/// # Errors
/// There is none.
pub async fn remove(engine: &Engine, actor: Actor, site: SiteId, id: SegmentId) -> Result<()> {
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                get(tx, site, id).await?;
                store::segments::delete(tx, site, id).await?;
                audits::record(&of, tx, site, actor, "segment.removed", id, &()).await
            })
        })
        .await
}

/// Has the members of one counted again.
///
/// # Errors
/// There is none.
pub async fn count_again(engine: &Engine, site: SiteId, id: SegmentId) -> Result<()> {
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                get(tx, site, id).await?;
                store::segments::forget_count(tx, site, id).await?;
                ask(&of, tx, site, id).await
            })
        })
        .await
}

/// Has the members of those counted again that ask for scores: the grid is another.
pub(crate) async fn count_again_by_grid(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
) -> Result<()> {
    for segment in store::segments::list(tx, site).await? {
        let rule = Rule::parse(&segment.rule).unwrap_or(Rule::Any(Vec::new()));
        let by_grid = |statement: &&Statement| matches!(statement, Statement::Rfm(_));
        if rule.statements().iter().any(by_grid) {
            store::segments::forget_count(tx, site, segment.id).await?;
            ask(engine, tx, site, segment.id).await?;
        }
    }
    Ok(())
}

async fn ask(engine: &Engine, tx: &mut Tx<'_>, site: SiteId, id: SegmentId) -> Result<()> {
    let work = Work::CountSegment { segment: id.0 };
    let key = format!("segment:{}", engine.next_id());
    jobs::enqueue(engine, tx, site, &work, &key, engine.now()).await.map(drop)
}

/// One of them.
///
/// # Errors
/// There is none.
pub async fn get(session: &mut Session<'_>, site: SiteId, id: SegmentId) -> Result<Segment> {
    let found = store::segments::find(session, site, id).await?;
    found.ok_or_else(|| EngineError::missing("segment", id))
}

fn read(name: &str, rule: &Rule) -> std::result::Result<String, Refused> {
    rule.check()?;
    let name = model::contacts::clean(name, model::segments::NAME_MAX);
    if name.is_empty() {
        return Err(Refused::new("name_missing", "give the segment a name").at("name"));
    }
    Ok(name)
}

fn taken() -> Refused {
    Refused::new("name_taken", "another segment has this name: choose one of its own").at("name")
}

/// What a rule is measured by: days, money and scores change their meaning from day to day.
#[derive(Debug, Clone)]
pub struct Measure {
    currency: String,
    today: i64,
    grid: Option<Grid>,
}

impl Measure {
    /// By what the rules of a site are measured now.
    ///
    /// # Errors
    /// The database fails.
    pub async fn of(session: &mut Session<'_>, site: &Site, now: UtcMs) -> Result<Self> {
        let grid = fits::find::<Option<Grid>>(session, site.id, &site.currency, RFM).await?;
        Ok(Self {
            currency: site.currency.clone(),
            today: day_number(day_of(now, &zone_of(site))),
            grid: grid.and_then(|kept| kept.body),
        })
    }

    /// The question a statement asks; nothing where nobody can fit it yet.
    fn asked(&self, statement: &Statement) -> Option<Asked> {
        let any = Figured {
            currency: self.currency.clone(),
            last_day: ANY,
            orders: ANY,
            net: ANY,
            margin_min: i64::MIN,
        };
        Some(match statement {
            Statement::Customer => Asked::Customers,
            Statement::Rfm(cells) => {
                let ranges = self.grid.as_ref()?.ranges(cells);
                Asked::Figured(Figured {
                    last_day: ranges.last_day,
                    orders: ranges.orders,
                    net: ranges.net,
                    ..any
                })
            }
            Statement::Bought(product) => Asked::Bought(*product),
            Statement::Tag(tag) => Asked::Tagged(tag.clone()),
            Statement::Topic(topic) => Asked::Reads(*topic),
            Statement::Channel(channel) => Asked::CameBy(channel.as_str().to_owned()),
            Statement::OrdersAtLeast(orders) => {
                Asked::Figured(Figured { orders: (*orders, i64::MAX), ..any })
            }
            Statement::MarginAtLeast(margin) => {
                Asked::Figured(Figured { margin_min: *margin, ..any })
            }
            Statement::OrderedWithin(days) => {
                let since = self.today.saturating_sub(*days);
                Asked::Figured(Figured { last_day: (since, i64::MAX), ..any })
            }
            Statement::Status(status) => Asked::Stands(status.as_str().to_owned()),
        })
    }
}

/// Of whom a rule is true, of the contacts in a window of ids, who are `everyone` there.
async fn fitting(
    session: &mut Session<'_>,
    site: SiteId,
    (rule, measure): (&Rule, &Measure),
    window: (ContactId, ContactId),
    everyone: &[ContactId],
) -> Result<BTreeSet<ContactId>> {
    let mut known: Vec<(&Statement, BTreeSet<ContactId>)> = Vec::new();
    for statement in rule.statements() {
        if known.iter().any(|(of, _)| *of == statement) {
            continue;
        }
        let found = match measure.asked(statement) {
            Some(asked) => store::segments::fitting(session, site, &asked, window).await?,
            None => Vec::new(),
        };
        known.push((statement, found.into_iter().collect()));
    }
    let fits = |contact: &ContactId| {
        rule.fits(&|statement| {
            known.iter().any(|(of, who)| *of == statement && who.contains(contact))
        })
    };
    Ok(everyone.iter().filter(|contact| fits(contact)).copied().collect())
}

/// Which statements of a rule are true of a contact, in the order they are read, and whether the
/// contact fits the whole.
///
/// # Errors
/// The database fails.
pub async fn why(
    session: &mut Session<'_>,
    site: SiteId,
    (rule, measure): (&Rule, &Measure),
    contact: ContactId,
) -> Result<(bool, Vec<(Statement, bool)>)> {
    let window = (ContactId(contact.0.saturating_sub(1)), contact);
    let mut told: Vec<(Statement, bool)> = Vec::new();
    for statement in rule.statements() {
        let found = match measure.asked(statement) {
            Some(asked) => store::segments::fitting(session, site, &asked, window).await?,
            None => Vec::new(),
        };
        told.push((statement.clone(), found.contains(&contact)));
    }
    let fits = rule.fits(&|wanted| told.iter().any(|(of, holds)| of == wanted && *holds));
    Ok((fits, told))
}

/// The segments of a site that are to be counted.
pub(crate) async fn due(
    session: &mut Session<'_>,
    site: SiteId,
    now: UtcMs,
) -> Result<Vec<Segment>> {
    Ok(store::segments::due(session, site, now.plus_ms(-COUNTED_EVERY_MS)).await?)
}

/// Counts the members of a segment, if that is due still.
pub(crate) async fn count_if_due(engine: &Engine, site: SiteId, id: SegmentId) -> Result<()> {
    let now = engine.now();
    let found = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let due = due(session, site, now).await?;
                let segment = due.into_iter().find(|segment| segment.id == id);
                Ok(segment.zip(store::sites::find(session, site).await?))
            })
        })
        .await?;
    match found {
        Some((segment, site)) => count(engine, &site, &segment).await,
        None => Ok(()),
    }
}

/// Brings the members of a segment up to date with its rule.
async fn count(engine: &Engine, site: &Site, segment: &Segment) -> Result<()> {
    // A rule of a later version fits nobody here.
    let rule = Rule::parse(&segment.rule).unwrap_or(Rule::Any(Vec::new()));
    let (of, now) = (site.clone(), engine.now());
    let measure = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Measure::of(session, &of, now).await })
        })
        .await?;
    let (mut after, id, site) = (ContactId(0), segment.id, site.id);
    loop {
        let (rule, measure) = (rule.clone(), measure.clone());
        let (upto, enter, leave) = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let everyone = store::segments::everyone(session, site, after, WINDOW).await?;
                    let full = everyone.len() == usize::try_from(WINDOW).unwrap_or(0);
                    let upto = everyone.last().filter(|_| full).copied();
                    let window = (after, upto.unwrap_or(ContactId(i64::MAX)));
                    let of = (&rule, &measure);
                    let fits = fitting(session, site, of, window, &everyone).await?;
                    let members = store::segments::members(session, site, id, window).await?;
                    let members: BTreeSet<ContactId> = members.into_iter().collect();
                    let enter: Vec<ContactId> = fits.difference(&members).copied().collect();
                    let leave: Vec<ContactId> = members.difference(&fits).copied().collect();
                    Ok((upto, enter, leave))
                })
            })
            .await?;
        move_members(engine, (site, id), enter, leave).await?;
        match upto {
            Some(upto) => after = upto,
            None => break,
        }
    }
    let segment = segment.clone();
    engine
        .write(move |tx| {
            Box::pin(async move { Ok(store::segments::counted(tx, &segment, now).await?) })
        })
        .await
}

async fn move_members(
    engine: &Engine,
    (site, id): (SiteId, SegmentId),
    enter: Vec<ContactId>,
    leave: Vec<ContactId>,
) -> Result<()> {
    if enter.is_empty() && leave.is_empty() {
        return Ok(());
    }
    engine
        .write(move |tx| {
            Box::pin(async move {
                if store::segments::find(tx, site, id).await?.is_none() {
                    return Ok(());
                }
                for contact in enter {
                    store::segments::enter(tx, site, id, contact).await?;
                }
                for contact in leave {
                    store::segments::leave(tx, site, id, contact).await?;
                }
                Ok(())
            })
        })
        .await
}
