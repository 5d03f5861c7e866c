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
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::civil::Date;
use model::contacts::Contact;
use model::ids::{ContactId, made_at};
use model::sites::Site;
use model::spans::{Span, day_of, month_of, month_start, moved};
use model::times::{HOUR_MS, MINUTE_MS};
use model::{SiteId, UtcMs, Zone};
use store::order_figures::OrderFigure;
use store::{Session, Tx};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::sweeps::Round;
use crate::{also_bought, views};

mod compared;
mod customers;
mod figures;
mod journeys;
mod months;

pub use compared::{Drift, compare, compare_sums};
pub use customers::{OfSegment, of_segment};
pub use journeys::{Roads, WHOLE_PPB, roads_of_segment};

use customers::Shares;

/// How far back changes are looked for again: a click is judged 20 seconds after it was made, and
/// on PostgreSQL a transaction may commit after one that began later.
const OVERLAP_MS: i64 = MINUTE_MS;
/// A day is rolled up this long after its end, when what was late has come.
const SETTLED_MS: i64 = HOUR_MS;
/// Customers whose figures are made in one transaction.
const CUSTOMERS_AT_ONCE: usize = 100;
/// Changed orders of one round: mail waits no longer behind them.
const CHANGED_AT_ONCE: i64 = 500;
/// Days rolled up in one round.
const DAYS_AT_ONCE: usize = 31;
/// Under which name is kept up to when every change of an order is in the figures.
const LOOKED: &str = "figures_looked_at";

/// How far the changes of orders of the last minute were looked at, in this process; 0: not begun.
#[derive(Debug, Default)]
pub(crate) struct Looked(AtomicI64);

/// Brings the rollups up to date; how many things changed.
pub(crate) async fn sweep(engine: &Engine) -> Result<usize> {
    let mut round = Round::default();
    round.took("figures of orders", changed_orders(engine).await);
    round.took("journeys", journeys::sweep(engine).await);
    round.took("days that are over", finished_days(engine).await);
    round.end()
}

/// Whether there is anything to bring up to date.
pub(crate) async fn is_due(session: &mut Session<'_>, now: UtcMs) -> Result<bool> {
    let newest = store::order_figures::newest_change(session).await?;
    let looked = looked(session).await?;
    if newest.is_some_and(|newest| newest > looked) {
        return Ok(true);
    }
    if !store::journeys::marked(session, 1).await?.is_empty() {
        return Ok(true);
    }
    for site in store::sites::list(session).await? {
        let Some(span) = over(&site, now) else { continue };
        if !is_rolled(session, site.id, span).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn looked(session: &mut Session<'_>) -> Result<UtcMs> {
    let text = store::meta::find(session, LOOKED).await?;
    Ok(UtcMs(text.and_then(|text| text.parse().ok()).unwrap_or(0)))
}

/// Makes the figures of orders that changed since the last look, some at a time. Those of the last
/// minute are looked at until it is over.
async fn changed_orders(engine: &Engine) -> Result<usize> {
    let begun = UtcMs(engine.looked().0.load(Ordering::SeqCst));
    let found = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let looked = looked(session).await?;
                let from = looked.max(begun);
                let until = store::order_figures::nth_change(session, from, CHANGED_AT_ONCE);
                let Some(until) = until.await? else { return Ok((looked, None)) };
                let changed = store::order_figures::changed(session, from, until).await?;
                let newest = store::order_figures::newest_change(session).await?;
                Ok((looked, Some((changed, until, newest.is_some_and(|newest| newest > until)))))
            })
        })
        .await?;
    let (looked, Some((changed, until, is_more))) = found else {
        engine.looked().0.store(0, Ordering::SeqCst);
        return Ok(0);
    };
    let zones = zones(engine).await?;
    let mut done = usize::from(is_more);
    for part in changed.chunks(CUSTOMERS_AT_ONCE) {
        for (site, zone) in &zones {
            let own = part.iter().filter(|(of, _)| of == site).map(|(_, contact)| *contact);
            done += figures_of(engine, *site, zone.clone(), own.collect()).await?;
        }
    }
    engine.looked().0.store(if is_more { until.0 } else { 0 }, Ordering::SeqCst);
    let settled = until.min(engine.now().plus_ms(-OVERLAP_MS));
    if settled > looked {
        engine
            .write(move |tx| {
                Box::pin(
                    async move { Ok(store::meta::set(tx, LOOKED, &settled.0.to_string()).await?) },
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

/// A contact is left out of figures from now on, or no longer: its figures go or come at once, and
/// the days since it came are counted from their rows until they are rolled up again. Its journeys
/// follow.
pub(crate) async fn left_out(tx: &mut Tx<'_>, site: SiteId, contact: &Contact) -> Result<()> {
    let Some(found) = store::sites::find(tx, site).await? else { return Ok(()) };
    let (zone, mut sums) = (zone_of(&found), OrderSums::default());
    customer(tx, site, contact.id, &zone, &mut sums).await?;
    sums.write(tx, site).await?;
    store::journeys::mark(tx, site, contact.id).await?;
    let came = contact.created_at.min(made_at(contact.id.0));
    Ok(store::stages::forget_days(tx, site, &day_of(came, &zone).to_string()).await?)
}

/// What changed figures put on the sums of them, or take off.
#[derive(Default)]
struct OrderSums {
    orders: store::order_sums::Changes,
    customers: store::customer_sums::Changes,
    shares: Shares,
}

impl OrderSums {
    /// A figure came (`times` = 1) or went (−1), of a customer won on the day `won`.
    fn note(&mut self, figure: &OrderFigure, won: &str, times: i64) {
        self.orders.note(figure, times);
        self.customers.note(figure, won, times);
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
            changed += settle(tx, site, owner, &left, sums).await?;
            store::journeys::mark(tx, site, owner).await?;
        }
    }
    Ok(changed + settle(tx, site, contact, &fresh, sums).await?)
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
    contact: ContactId,
    fresh: &[OrderFigure],
    sums: &mut OrderSums,
) -> Result<usize> {
    let stored = store::order_figures::of_contact(tx, site, contact).await?;
    let mut changed = 0;
    if stored != fresh {
        sums.shares.add(&stored, -1);
        sums.shares.add(fresh, 1);
    }
    // The day on which they were won is that of the first order, as it was when the sums were made:
    // it moves with the site's zone, and takes all of the customer's orders with it.
    let (was, won) = (first_day(&stored), first_day(fresh));
    let moved = was != won;
    for old in stored.iter().filter(|old| moved || !fresh.contains(old)) {
        sums.note(old, &was, -1);
        if !fresh.iter().any(|figure| figure.order_id == old.order_id) {
            store::order_figures::delete(tx, site, old.order_id).await?;
            changed += 1;
        }
    }
    for figure in fresh.iter().filter(|figure| moved || !stored.contains(figure)) {
        sums.note(figure, &won, 1);
        if !stored.contains(figure) {
            store::order_figures::put(tx, site, figure).await?;
            changed += 1;
        }
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

/// The day of a customer's first order; empty without one.
fn first_day(figures: &[OrderFigure]) -> String {
    figures.first().map_or_else(String::new, |first| first.paid_day.clone())
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

/// The days of a site that are over and may be rolled up.
fn over(site: &Site, now: UtcMs) -> Option<Span> {
    let zone = zone_of(site);
    let last = moved(day_of(now.plus_ms(-SETTLED_MS), &zone), -1);
    let span = Span { from: day_of(site.created_at, &zone), to: last };
    (span.from <= span.to).then_some(span)
}

/// Whether every day of a span is rolled up, and every month of it. Nearly always all of them are:
/// their number says so without their names.
async fn is_rolled(session: &mut Session<'_>, site: SiteId, span: Span) -> Result<bool> {
    let (from, to) = (span.from.to_string(), span.to.to_string());
    let count = store::stages::count_rolled(session, site, &from, &to).await?;
    Ok(count >= span.days() && months::due(session, site, span).await?.is_empty())
}

async fn open_days(engine: &Engine, site: &Site) -> Result<usize> {
    let Some(span) = over(site, engine.now()) else { return Ok(0) };
    let (id, zone) = (site.id, zone_of(site));
    let rolled = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                if is_rolled(session, id, span).await? {
                    return Ok(None);
                }
                let (from, to) = (span.from.to_string(), span.to.to_string());
                Ok(Some(store::stages::rolled_days(session, id, &from, &to).await?))
            })
        })
        .await?;
    let Some(rolled) = rolled else { return Ok(0) };
    let open = span.each().filter(|day| rolled.binary_search(&day.to_string()).is_err());
    let mut done = 0;
    for day in open.take(DAYS_AT_ONCE) {
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
    rebuilt.sums += also_bought::mend(engine, id).await?;
    Ok(rebuilt)
}

/// Counts the sums of the figures anew: a day at a time, then its month.
async fn count_sums(engine: &Engine, site: SiteId, zone: &Zone) -> Result<()> {
    let its_zone = zone.clone();
    let months = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { compared::known_months(session, site, &its_zone).await })
        })
        .await?;
    let (Some(first), Some(last)) = (months.first(), months.last()) else { return Ok(()) };
    engine
        .write(move |tx| {
            Box::pin(async move { Ok(store::customer_sums::delete_of_nothing(tx, site).await?) })
        })
        .await?;
    let whole = Span { from: first.from, to: last.to };
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
