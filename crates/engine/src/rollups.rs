//! Rollups: what the pages of figures read instead of a million rows. Derived, never a source:
//! [`rebuild`] makes them anew, [`compare`] says where they differ from the rows.
//!
//! The figure of an order follows its order within seconds. A day's stages, mails and answers are
//! rolled up once the day is over; days that are not are counted from their rows, so a page is right
//! at any time and only its speed depends on this. A purge, an import that is taken back and an
//! answer that is released unmark the days they change, and those are rolled up again within the
//! same round; what else happens to old rows waits for a rebuild. Of who is erased the figures of
//! their orders keep channel, source and page, which name nobody; that they came at all is counted
//! under no channel once their day is rolled up anew, and their journeys lose their touches.
//! Journeys follow every touch and order within seconds.

use std::collections::BTreeMap;

use jiff::civil::Date;
use model::ids::ContactId;
use model::sites::Site;
use model::spans::{Span, day_of, month_of, month_start, moved};
use model::times::{HOUR_MS, MINUTE_MS};
use model::{SiteId, UtcMs, Zone};
use store::Tx;
use store::form_days::FormCount;
use store::order_figures::OrderFigure;
use store::stages::StageCount;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::sweeps::Round;
use crate::views;

mod customers;
mod figures;
mod journeys;
mod months;

pub use customers::{OfSegment, of_segment};
pub use journeys::WHOLE_PPB;

use customers::Shares;

/// How far back changes are looked for again: a click is judged 20 seconds after it was made, and
/// on PostgreSQL a transaction may commit after one that began later.
const OVERLAP_MS: i64 = MINUTE_MS;
/// A day is rolled up this long after its end, when what was late has come.
const SETTLED_MS: i64 = HOUR_MS;
/// Customers whose figures are made in one transaction.
const CUSTOMERS_AT_ONCE: usize = 100;
/// Under which name the last look at changed orders is kept.
const LOOKED: &str = "figures_looked_at";

/// Brings the rollups up to date; how many things changed.
pub(crate) async fn sweep(engine: &Engine) -> Result<usize> {
    let mut round = Round::default();
    round.took("figures of orders", changed_orders(engine).await);
    round.took("journeys", journeys::sweep(engine).await);
    round.took("days that are over", finished_days(engine).await);
    round.end()
}

/// Makes the figures of orders that changed since the last look.
async fn changed_orders(engine: &Engine) -> Result<usize> {
    let read = |text: Option<String>| text.and_then(|text| text.parse().ok()).map(UtcMs);
    let (looked, newest) = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let looked = store::meta::find(session, LOOKED).await?;
                Ok((looked, store::order_figures::newest_change(session).await?))
            })
        })
        .await?;
    let (Some(newest), looked) = (newest, read(looked).unwrap_or(UtcMs(0))) else { return Ok(0) };
    if newest <= looked && engine.now().since_ms(newest) > OVERLAP_MS {
        return Ok(0);
    }
    let from = looked.plus_ms(-OVERLAP_MS);
    let changed = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::order_figures::changed(session, from, newest).await?) })
        })
        .await?;
    let zones = zones(engine).await?;
    let mut done = 0;
    for part in changed.chunks(CUSTOMERS_AT_ONCE) {
        for (site, zone) in &zones {
            let own = part.iter().filter(|(of, _)| of == site).map(|(_, contact)| *contact);
            done += figures_of(engine, *site, zone.clone(), own.collect()).await?;
        }
    }
    if newest > looked {
        engine
            .write(move |tx| {
                Box::pin(
                    async move { Ok(store::meta::set(tx, LOOKED, &newest.0.to_string()).await?) },
                )
            })
            .await?;
    }
    Ok(done)
}

async fn zones(engine: &Engine) -> Result<BTreeMap<SiteId, Zone>> {
    Ok(sites(engine).await?.into_iter().map(|site| (site.id, zone_of(&site))).collect())
}

pub(crate) async fn sites(engine: &Engine) -> Result<Vec<Site>> {
    engine
        .reader()
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move { Ok(store::sites::list(session).await?) })
        })
        .await
}

/// The zone by which a site's days go.
pub fn zone_of(site: &Site) -> Zone {
    Zone::parse(&site.timezone).unwrap_or_else(|_| Zone::utc())
}

/// Makes the figures of some customers and their orders anew; how many rows changed.
async fn figures_of(
    engine: &Engine,
    site: SiteId,
    zone: Zone,
    contacts: Vec<ContactId>,
) -> Result<usize> {
    if contacts.is_empty() {
        return Ok(0);
    }
    engine
        .write(move |tx| {
            Box::pin(async move {
                let (mut changed, mut sums) = (0, OrderSums::default());
                for contact in contacts {
                    let own = customer(tx, site, contact, &zone, &mut sums).await?;
                    if own > 0 {
                        store::journeys::mark(tx, site, contact).await?;
                    }
                    changed += own;
                }
                sums.write(tx, site).await?;
                Ok(changed)
            })
        })
        .await
}

/// What changed figures put on the sums of them, or take off.
#[derive(Default)]
struct OrderSums {
    orders: store::order_sums::Changes,
    customers: store::customer_sums::Changes,
    shares: Shares,
}

impl OrderSums {
    /// A figure came (`times` = 1) or went (−1).
    fn note(&mut self, figure: &OrderFigure, zone: &Zone, times: i64) {
        self.orders.note(figure, times);
        self.customers.note(figure, zone, times);
    }

    async fn write(self, tx: &mut Tx<'_>, site: SiteId) -> Result<()> {
        self.orders.write(tx, site).await?;
        self.customers.write(tx, site).await?;
        self.shares.put(tx, site).await.map(drop)
    }
}

/// Brings the figures of one customer up to date; how many rows changed.
async fn customer(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    zone: &Zone,
    sums: &mut OrderSums,
) -> Result<usize> {
    let mut changed = 0;
    let fresh = derived(tx, site, contact, zone).await?;
    for figure in &fresh {
        // An import may have given the order to somebody else.
        let owner = store::customer_figures::owner(tx, site, figure.order_id);
        if let Some(owner) = owner.await?.filter(|owner| *owner != contact) {
            let left = derived(tx, site, owner, zone).await?;
            changed += settle(tx, site, (owner, zone), &left, sums).await?;
            store::journeys::mark(tx, site, owner).await?;
        }
    }
    Ok(changed + settle(tx, site, (contact, zone), &fresh, sums).await?)
}

/// The figures a contact should have. Another node may be about the same: what is taken off the
/// sums must be taken off once.
async fn derived(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    zone: &Zone,
) -> Result<Vec<OrderFigure>> {
    store::contacts::lock(tx, site, contact).await?;
    figures::derive(tx, site, contact, zone).await
}

/// Writes the figures a contact should have in place of those there are; how many rows changed.
async fn settle(
    tx: &mut Tx<'_>,
    site: SiteId,
    (contact, zone): (ContactId, &Zone),
    fresh: &[OrderFigure],
    sums: &mut OrderSums,
) -> Result<usize> {
    let stored = store::order_figures::of_contact(tx, site, contact).await?;
    let mut changed = 0;
    if stored != fresh {
        sums.shares.add(&stored, -1);
        sums.shares.add(fresh, 1);
    }
    for old in stored.iter().filter(|old| !fresh.contains(old)) {
        sums.note(old, zone, -1);
        if !fresh.iter().any(|figure| figure.order_id == old.order_id) {
            store::order_figures::delete(tx, site, old.order_id).await?;
            changed += 1;
        }
    }
    for figure in fresh.iter().filter(|figure| !stored.contains(figure)) {
        sums.note(figure, zone, 1);
        store::order_figures::put(tx, site, figure).await?;
        changed += 1;
    }
    let stored = store::customer_figures::of_contact(tx, site, contact).await?;
    let fresh = customers::rows(contact, fresh);
    for old in &stored {
        if !fresh.iter().any(|row| row.currency == old.currency) {
            store::customer_figures::delete(tx, site, contact, &old.currency).await?;
        }
    }
    for row in fresh.iter().filter(|row| !stored.contains(row)) {
        store::customer_figures::put(tx, site, row).await?;
    }
    Ok(changed)
}

/// Rolls up the days that are over and are not: new ones, and those that were unmarked.
async fn finished_days(engine: &Engine) -> Result<usize> {
    let mut round = Round::default();
    for site in sites(engine).await? {
        let done = open_days(engine, &site).await;
        round.took(format_args!("the days of site {}", site.slug), done);
    }
    round.end()
}

async fn open_days(engine: &Engine, site: &Site) -> Result<usize> {
    let (id, zone) = (site.id, zone_of(site));
    let last = moved(day_of(engine.now().plus_ms(-SETTLED_MS), &zone), -1);
    let span = Span { from: day_of(site.created_at, &zone), to: last };
    if span.to < span.from {
        return Ok(0);
    }
    let (from, to) = (span.from.to_string(), span.to.to_string());
    let rolled = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                // Nearly always all of them are: their number says so without their names.
                let count = store::stages::count_rolled(session, id, &from, &to).await?;
                if count >= span.days() && months::due(session, id, span).await?.is_empty() {
                    return Ok(None);
                }
                Ok(Some(store::stages::rolled_days(session, id, &from, &to).await?))
            })
        })
        .await?;
    let Some(rolled) = rolled else { return Ok(0) };
    let mut done = 0;
    for day in span.each().filter(|day| rolled.binary_search(&day.to_string()).is_err()) {
        roll_up(engine, id, &zone, day).await?;
        done += 1;
    }
    Ok(done + months::add_up(engine, id, span).await?)
}

/// Counts a day and writes it down.
async fn roll_up(engine: &Engine, site: SiteId, zone: &Zone, day: Date) -> Result<()> {
    let (from, until) = Span { from: day, to: day }.bounds(zone);
    let now = engine.now();
    let (stages, (mails, links), forms) = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let stages = store::stages::count(session, site, from, until).await?;
                let mails = store::revenue::count_mails(session, site, from, until).await?;
                let links = store::link_days::count(session, site, from, until).await?;
                let forms = store::form_days::count(session, site, from, until).await?;
                Ok((stages, (mails, links), forms))
            })
        })
        .await?;
    engine
        .write(move |tx| {
            Box::pin(async move {
                let day = day.to_string();
                store::revenue::put_day(tx, site, &day, &mails).await?;
                store::link_days::put_day(tx, site, &day, &links).await?;
                store::form_days::put_day(tx, site, &day, &forms).await?;
                Ok(store::stages::put_day(tx, site, &day, &stages, now).await?)
            })
        })
        .await
}

/// What a rebuild did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Figures of orders that had been missing, wrong or too many.
    pub orders: usize,
    /// Sums over customers that had been wrong.
    pub sums: usize,
    /// Days counted.
    pub days: usize,
    /// Days whose page views were counted.
    pub view_days: usize,
    /// Journeys, and lines of their sums, that had been missing, wrong or too many.
    pub roads: usize,
}

/// Makes every rollup of a site anew, a little at a time, beside a running server.
///
/// # Errors
/// The database fails.
pub async fn rebuild(engine: &Engine, site: &Site) -> Result<Rebuilt> {
    let (id, zone) = (site.id, zone_of(site));
    let mut rebuilt = Rebuilt::default();
    let mut after = ContactId(0);
    loop {
        let customers = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let limit = i64::try_from(CUSTOMERS_AT_ONCE).unwrap_or(1);
                    Ok(store::order_figures::customers(session, id, after, limit).await?)
                })
            })
            .await?;
        let Some(last) = customers.last() else { break };
        after = *last;
        rebuilt.orders += figures_of(engine, id, zone.clone(), customers).await?;
    }
    let lost = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::customer_figures::lost(session, id).await?) })
        })
        .await?;
    for part in lost.chunks(CUSTOMERS_AT_ONCE) {
        rebuilt.orders += figures_of(engine, id, zone.clone(), part.to_vec()).await?;
    }
    let lost = engine
        .write(move |tx| {
            Box::pin(async move { Ok(store::order_figures::delete_lost(tx, id).await?) })
        })
        .await?;
    rebuilt.orders += usize::try_from(lost).unwrap_or(0);
    rebuilt.sums = mend_sums(engine, id).await?;
    rebuilt.roads = journeys::rebuild(engine, site).await?;
    let last = moved(day_of(engine.now().plus_ms(-SETTLED_MS), &zone), -1);
    let span = Span { from: day_of(site.created_at, &zone), to: last };
    for day in span.each() {
        roll_up(engine, id, &zone, day).await?;
        rebuilt.days += 1;
    }
    months::add_up(engine, id, span).await?;
    let today = day_of(engine.now(), &zone);
    rebuilt.view_days = views::rebuild(engine, site, Span { from: span.from, to: today }).await?;
    count_sums(engine, id, &zone).await?;
    Ok(rebuilt)
}

/// Counts the sums of the figures anew: a day at a time, then its month.
async fn count_sums(engine: &Engine, site: SiteId, zone: &Zone) -> Result<()> {
    let known = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::order_figures::bounds(session, site).await?) })
        })
        .await?;
    let (Some(first), Some(last)) = known else { return Ok(()) };
    let whole = Span {
        from: month_start(day_of(first, zone), 0),
        to: moved(month_start(day_of(last, zone), 1), -1),
    };
    for day in whole.each() {
        let span = Span { from: day, to: day };
        let (bounds, name) = (span.bounds(zone), day.to_string());
        engine
            .write(move |tx| {
                Box::pin(async move {
                    store::order_sums::count_day(tx, site, &name, bounds).await?;
                    store::customer_sums::count(tx, site, ("day", &name), bounds).await?;
                    Ok(())
                })
            })
            .await?;
        let month = Span { from: month_start(day, 0), to: day };
        if moved(day, 1) != month_start(day, 1) {
            continue;
        }
        let (bounds, name) = (month.bounds(zone), month_of(day));
        engine
            .write(move |tx| {
                Box::pin(async move {
                    store::order_sums::count_month(tx, site, month).await?;
                    store::customer_sums::count(tx, site, ("month", &name), bounds).await?;
                    Ok(())
                })
            })
            .await?;
    }
    Ok(())
}

/// Puts on the sums over customers what they lack. Counted twice: what orders change meanwhile is
/// not the same both times, and is no fault.
async fn mend_sums(engine: &Engine, site: SiteId) -> Result<usize> {
    let lacking = lacking_twice(engine, site).await?;
    engine.write(move |tx| Box::pin(async move { lacking.put(tx, site).await })).await
}

async fn lacking_twice(engine: &Engine, site: SiteId) -> Result<Shares> {
    let first = lacking(engine, site).await?;
    if first.len() == 0 { Ok(first) } else { Ok(lacking(engine, site).await?.agreed(&first)) }
}

/// What the sums over customers lack of what the figures of orders come to: nothing, where all is
/// well.
async fn lacking(engine: &Engine, site: SiteId) -> Result<Shares> {
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let (mut shares, mut after) = (Shares::default(), ContactId(0));
                loop {
                    let limit = i64::try_from(CUSTOMERS_AT_ONCE).unwrap_or(1);
                    let some = store::customer_figures::some(session, site, after, limit).await?;
                    let Some(last) = some.last().map(|row| row.contact_id) else { break };
                    let mut contacts: Vec<ContactId> =
                        some.iter().map(|row| row.contact_id).collect();
                    contacts.dedup();
                    for contact in contacts.into_iter().filter(|contact| *contact > after) {
                        let own = store::order_figures::of_contact(session, site, contact).await?;
                        shares.add(&own, 1);
                    }
                    after = last;
                }
                let cohorts = store::cohort_cells::all(session, site).await?;
                shares.less(cohorts, store::value_cells::all(session, site).await?);
                Ok(shares)
            })
        })
        .await
}

/// How many sums over customers are not what the figures of their orders come to.
///
/// # Errors
/// The database fails.
pub async fn wrong_sums(engine: &Engine, site: &Site) -> Result<usize> {
    Ok(lacking_twice(engine, site.id).await?.len())
}

/// A day whose rollup is not what its rows come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The day, ISO.
    pub day: String,
    /// The stage; `answer` for what forms took, `confirmed answer` for those who confirmed,
    /// `page view` and `visitor` for those.
    pub stage: String,
    /// What the rollup says.
    pub rolled: i64,
    /// What the rows say.
    pub counted: i64,
}

/// Where the rollup of a span differs from its rows.
///
/// # Errors
/// The database fails.
pub async fn compare(engine: &Engine, site: &Site, span: Span) -> Result<Vec<Drift>> {
    let (id, zone) = (site.id, zone_of(site));
    let mut all = views::compare(engine, site, span).await?;
    let drifts = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let (from, to) = (span.from.to_string(), span.to.to_string());
                let mut drifts = Vec::new();
                for day in store::stages::rolled_days(session, id, &from, &to).await? {
                    let Ok(date) = day.parse::<Date>() else { continue };
                    let (from, until) = Span { from: date, to: date }.bounds(&zone);
                    let mut rolled = Vec::new();
                    for stage in store::stages::STAGES {
                        let own = store::stages::rolled(session, id, (&day, &day), stage);
                        rolled.extend(own.await?);
                    }
                    let counted = store::stages::count(session, id, from, until).await?;
                    drifts.extend(differences(&day, &rolled, &counted));
                    let rolled = store::form_days::rolled(session, id, &day, &day).await?;
                    let counted = store::form_days::count(session, id, from, until).await?;
                    drifts.extend(form_differences(&day, &rolled, &counted));
                }
                drifts.extend(months::compare(session, id, span).await?);
                drifts.extend(journeys::compare(session, id, span, &zone).await?);
                Ok(drifts)
            })
        })
        .await?;
    all.extend(drifts);
    Ok(all)
}

fn differences(day: &str, rolled: &[StageCount], counted: &[StageCount]) -> Vec<Drift> {
    let sum = |counts: &[StageCount], stage: &str| -> i64 {
        counts.iter().filter(|count| count.stage == stage).map(|count| count.contacts).sum()
    };
    let drift = |stage: &str| Drift {
        day: day.to_owned(),
        stage: stage.to_owned(),
        rolled: sum(rolled, stage),
        counted: sum(counted, stage),
    };
    let all = store::stages::STAGES.iter().map(|stage| drift(stage));
    all.filter(|drift| drift.rolled != drift.counted).collect()
}

fn form_differences(day: &str, rolled: &[FormCount], counted: &[FormCount]) -> Vec<Drift> {
    let drift = |stage: &str, of: fn(&FormCount) -> i64| Drift {
        day: day.to_owned(),
        stage: stage.to_owned(),
        rolled: rolled.iter().map(of).sum(),
        counted: counted.iter().map(of).sum(),
    };
    let both = [
        drift("answer", |count| count.answers),
        drift("confirmed answer", |count| count.confirmed),
    ];
    both.into_iter().filter(|drift| drift.rolled != drift.counted).collect()
}
