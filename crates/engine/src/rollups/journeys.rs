//! The journeys of a contact, cut out of their touches and orders, and their sums by path.
//!
//! Whatever changes a contact's touches or orders marks the contact; the sweep makes the journeys
//! of marked contacts anew and adds to the sums what they have more or less than before, in the
//! same transaction. So the sums are those of the journeys at any time.

use std::collections::BTreeMap;

use jiff::civil::Date;
use model::ids::{ContactId, OrderId, ProductId, SegmentId};
use model::roads;
use model::sites::Site;
use model::spans::{Span, day_of, moved};
use model::times::DAY_MS;
use model::{SiteId, UtcMs, Zone};
use numbers::attribution::{HalfLife, Rule, parts, shares};
use numbers::journeys::{Journey as Steps, Outcomes};
use store::journeys::{Journey, Ordered, Whose};
use store::road_sums::{DecayKey, Level, RoadKey, RoadSum, RoadsOf, Sums, Unit, WAIT_DAYS, WAITS};
use store::{Session, StoreError, Tx};

use super::{CUSTOMERS_AT_ONCE, Drift, OrderSums, zone_of, zones};
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Contacts of one round of the sweep; the next goes on.
const MARKED_AT_ONCE: i64 = 500;
/// Lines of sums mended in one transaction.
const LINES_AT_ONCE: usize = 500;
/// Contacts of a segment whose journeys are read at once: few enough that PostgreSQL looks each of
/// them up and does not go through all journeys for them.
const SEGMENT_AT_ONCE: usize = 2_000;
/// Credit of one order: thousand millionths, so that sums of a million orders are exact.
pub const WHOLE_PPB: i64 = 1_000_000_000;

/// Makes the journeys of marked contacts anew; how many contacts there were.
pub(super) async fn sweep(engine: &Engine) -> Result<usize> {
    let marked = engine
        .reader()
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move { Ok(store::journeys::marked(session, MARKED_AT_ONCE).await?) })
        })
        .await?;
    if marked.is_empty() {
        return Ok(0);
    }
    let zones = zones(engine).await?;
    for part in marked.chunks(CUSTOMERS_AT_ONCE) {
        for site in part.chunk_by(|a, b| a.0 == b.0) {
            let Some((id, _)) = site.first() else { continue };
            let zone = zones.get(id).cloned().unwrap_or_else(Zone::utc);
            let contacts = site.iter().map(|(_, contact)| *contact).collect();
            refresh(engine, *id, zone, contacts, Marks::Only).await?;
        }
    }
    Ok(marked.len())
}

/// Which of the contacts named are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marks {
    /// Those who are marked still, and their figures first.
    Only,
    /// All; their figures were just made.
    Set,
}

/// Makes the journeys of some contacts anew; how many of them changed.
async fn refresh(
    engine: &Engine,
    site: SiteId,
    zone: Zone,
    mut contacts: Vec<ContactId>,
    marks: Marks,
) -> Result<usize> {
    contacts.sort_unstable();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let (mut changed, mut sums) = (0, Sums::default());
                let mut figures = OrderSums::default();
                for contact in contacts {
                    // Whoever changes a contact holds it first, and marks it then.
                    store::contacts::lock(tx, site, contact).await?;
                    if marks == Marks::Set {
                        store::journeys::mark(tx, site, contact).await?;
                    }
                    // Who takes the mark off makes the journeys: two that do so at once, on two
                    // nodes, wait for each other here.
                    if store::journeys::unmark(tx, site, contact).await? {
                        if marks == Marks::Only {
                            super::customer(tx, site, contact, &zone, &mut figures).await?;
                        }
                        changed += one(tx, site, contact, &zone, &mut sums).await?;
                    }
                }
                figures.write(tx, site).await?;
                store::road_sums::add(tx, site, &sums).await?;
                Ok(changed)
            })
        })
        .await
}

/// Brings the journeys of one contact up to date; what the sums get more or less goes to `sums`.
async fn one(
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    zone: &Zone,
    sums: &mut Sums,
) -> Result<usize> {
    let fresh = derive(tx, site, contact, zone).await?;
    let stored = store::journeys::of_contact(tx, site, contact).await?;
    let mut changed = 0;
    for old in stored.iter().filter(|old| !fresh.contains(old)) {
        count(sums, old, -1);
        if !fresh.iter().any(|journey| journey.order_id == old.order_id) {
            store::journeys::delete(tx, site, contact, old.order_id).await?;
            changed += 1;
        }
    }
    for journey in fresh.iter().filter(|journey| !stored.contains(journey)) {
        count(sums, journey, 1);
        store::journeys::put(tx, site, journey).await?;
        changed += 1;
    }
    Ok(changed)
}

/// One touch.
struct Met {
    at: UtcMs,
    channel: String,
    source: String,
}

/// The journeys a contact should have; none for a test contact.
async fn derive(
    session: &mut Session<'_>,
    site: SiteId,
    contact: ContactId,
    zone: &Zone,
) -> Result<Vec<Journey>> {
    let touches = store::journeys::touches(session, site, contact).await?;
    let orders = store::journeys::orders(session, site, contact).await?;
    if touches.is_empty() && orders.is_empty() {
        return Ok(Vec::new());
    }
    if store::order_figures::is_test(session, site, contact).await? {
        return Ok(Vec::new());
    }
    let met = |(at, channel, source)| Met { at, channel, source };
    let mut left = touches.into_iter().map(met).peekable();
    let mut journeys = Vec::with_capacity(orders.len().saturating_add(1));
    for order in orders {
        let mut before = Vec::new();
        while let Some(touch) = left.next_if(|touch| touch.at <= order.paid_at) {
            before.push(touch);
        }
        journeys.push(to_order(contact, order, before));
    }
    let rest: Vec<Met> = left.collect();
    if let Some(last) = rest.last().map(|touch| touch.at) {
        let open = Journey {
            contact_id: contact,
            order_id: OrderId(0),
            ended_at: last,
            day: day_of(last, zone).to_string(),
            began_at: last,
            product_id: ProductId(0),
            currency: String::new(),
            revenue_minor: 0,
            margin_minor: 0,
            channels: String::new(),
            path: String::new(),
            ages: String::new(),
        };
        journeys.push(with_path(open, rest));
    }
    Ok(journeys)
}

fn to_order(contact: ContactId, order: Ordered, touches: Vec<Met>) -> Journey {
    let journey = Journey {
        contact_id: contact,
        order_id: order.order_id,
        ended_at: order.paid_at,
        day: order.paid_day,
        began_at: order.paid_at,
        product_id: order.product_id,
        currency: order.currency,
        // Tax is rounded apart for each refund, so that all of an order given back may come to a
        // cent less than nothing; no path is worth less than that.
        revenue_minor: order.revenue_minor.max(0),
        margin_minor: order.margin_minor,
        channels: String::new(),
        path: String::new(),
        ages: String::new(),
    };
    with_path(journey, touches)
}

fn with_path(journey: Journey, touches: Vec<Met>) -> Journey {
    let (Some(first), Some(last)) = (touches.first(), touches.last()) else { return journey };
    let (first, last) = (first.at, last.at);
    let (kept, was_shortened) = roads::shortened(touches);
    let steps: Vec<String> =
        kept.iter().map(|touch| roads::step(&touch.channel, &touch.source)).collect();
    let ages: Vec<String> = kept.iter().map(|touch| last.since_ms(touch.at).to_string()).collect();
    let path = roads::path_of(&steps, was_shortened);
    Journey {
        began_at: first,
        channels: roads::channels(&path),
        path,
        ages: ages.join(" "),
        ..journey
    }
}

/// Adds a journey to sums, `times` times: 1 or −1. An order counts with everything, and once more
/// with what was ordered.
fn count(sums: &mut Sums, journey: &Journey, times: i64) {
    let mut products = vec![ProductId(0), journey.product_id];
    products.dedup();
    for product in products {
        count_for(sums, journey, product, times);
    }
}

fn count_for(sums: &mut Sums, journey: &Journey, product_id: ProductId, times: i64) {
    let sum = sum_of(journey);
    for (level, unit) in Level::ALL.into_iter().flat_map(|l| Unit::ALL.map(|u| (l, u))) {
        let path = match level {
            Level::Channel => &journey.channels,
            Level::Source => &journey.path,
        };
        let key = RoadKey {
            level,
            unit,
            product_id,
            period: unit.period(&journey.day),
            currency: journey.currency.clone(),
            path: path.clone(),
        };
        sums.roads.entry(key).or_default().add(&sum, times);
    }
    if journey.order_id.0 == 0 {
        return;
    }
    for ((channel, source), (credit, revenue)) in decayed(journey) {
        for unit in Unit::ALL {
            let key = DecayKey {
                unit,
                product_id,
                period: unit.period(&journey.day),
                currency: journey.currency.clone(),
                channel: channel.clone(),
                source: source.clone(),
            };
            let mine = sums.decays.entry(key).or_default();
            *mine = (mine.0 + times * credit, mine.1 + times * revenue);
        }
    }
}

fn sum_of(journey: &Journey) -> RoadSum {
    if journey.order_id.0 == 0 {
        return RoadSum { nulls: 1, ..RoadSum::default() };
    }
    let days = journey.ended_at.since_ms(journey.began_at).div_euclid(DAY_MS);
    let class = WAIT_DAYS.iter().position(|before| days < *before).unwrap_or(WAITS - 1);
    let mut waits = [0; WAITS];
    // An order that no touch came before took no time that is known.
    if let Some(wait) = waits.get_mut(class).filter(|_| !journey.path.is_empty()) {
        *wait = 1;
    }
    RoadSum {
        orders: 1,
        revenue_minor: journey.revenue_minor,
        margin_minor: journey.margin_minor,
        nulls: 0,
        waits,
    }
}

/// Credit and revenue of an order by time decay, for each channel and source before it: whole
/// numbers that add up to the order.
fn decayed(journey: &Journey) -> BTreeMap<(String, String), (i64, i64)> {
    let mut credits: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
    for (step, credit, revenue) in decays(journey) {
        let (channel, source) = roads::parts(step);
        let mine = credits.entry((channel.to_owned(), source.to_owned())).or_default();
        *mine = (mine.0 + credit, mine.1 + revenue);
    }
    credits
}

/// The same touch by touch.
fn decays(journey: &Journey) -> Vec<(&str, i64, i64)> {
    // Times count back from the last touch, as ages do.
    let times: Vec<i64> = journey.ages_ms().into_iter().map(|age| -age).collect();
    let steps = vec![0; times.len()];
    let timed = Steps { steps: &steps, times_ms: Some(&times), outcomes: Outcomes::default() };
    let weights = shares(&timed, Rule::TimeDecay, HalfLife::default());
    let credit = parts(&weights, WHOLE_PPB);
    let revenue = parts(&weights, journey.revenue_minor);
    let touches = roads::touches(&journey.path).zip(credit.into_iter().zip(revenue));
    touches.map(|(step, (credit, revenue))| (step, credit, revenue)).collect()
}

/// What came of the journeys of some contacts, as `store::road_sums` has it of all.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Roads {
    /// By path.
    pub sums: BTreeMap<String, RoadSum>,
    /// Credits by time decay: channel, source, thousand millionths of orders, minor units.
    pub decays: Vec<(String, String, i64, i64)>,
    /// Orders in other currencies, which are left out.
    pub foreign: i64,
}

/// The journeys of a segment's contacts, which nothing is rolled up of, added up.
///
/// # Errors
/// The journeys could not be read.
pub async fn roads_of_segment(
    session: &mut Session<'_>,
    site: SiteId,
    segment: SegmentId,
    of: RoadsOf<'_>,
) -> std::result::Result<Roads, StoreError> {
    let mut roads = Roads::default();
    let mut steps = BTreeMap::new();
    let mut after = ContactId(0);
    let all = (after, ContactId(i64::MAX));
    let members = store::segments::members(session, site, segment, all).await?;
    for some in members.chunks(SEGMENT_AT_ONCE) {
        let page = (after, i64::try_from(some.len()).unwrap_or(0));
        let which = (of.span, of.product);
        let journeys = store::journeys::of_segment(session, site, segment, which, page).await?;
        journeys.iter().for_each(|journey| roads.add(&mut steps, journey, of));
        after = some.last().copied().unwrap_or(after);
    }
    let line = |(step, (credit, revenue)): (String, (i64, i64))| {
        let (channel, source) = roads::parts(&step);
        (channel.to_owned(), source.to_owned(), credit, revenue)
    };
    roads.decays = steps.into_iter().map(line).collect();
    Ok(roads)
}

impl Roads {
    fn add(
        &mut self,
        steps: &mut BTreeMap<String, (i64, i64)>,
        journey: &Journey,
        of: RoadsOf<'_>,
    ) {
        let is_order = journey.order_id.0 != 0;
        if is_order && journey.currency != of.currency {
            self.foreign += 1;
            return;
        }
        let path = match of.level {
            Level::Channel => &journey.channels,
            Level::Source => &journey.path,
        };
        match self.sums.get_mut(path) {
            Some(mine) => mine.add(&sum_of(journey), 1),
            None => drop(self.sums.insert(path.clone(), sum_of(journey))),
        }
        if !is_order {
            return;
        }
        for (step, credit, revenue) in decays(journey) {
            match steps.get_mut(step) {
                Some(mine) => *mine = (mine.0 + credit, mine.1 + revenue),
                None => drop(steps.insert(step.to_owned(), (credit, revenue))),
            }
        }
    }
}

/// Makes every journey of a site anew and counts their sums; how many journeys, and lines of sums,
/// had been missing, wrong or too many.
pub(super) async fn rebuild(engine: &Engine, site: &Site) -> Result<usize> {
    let (id, zone) = (site.id, zone_of(site));
    let mut mended = 0;
    for whose in [Whose::Touched, Whose::OrderedAlone, Whose::LeftOver] {
        let mut after = ContactId(0);
        loop {
            let limit = i64::try_from(CUSTOMERS_AT_ONCE).unwrap_or(1);
            let contacts = engine
                .reader()
                .read::<_, EngineError, _>(move |session| {
                    Box::pin(async move {
                        Ok(store::journeys::contacts(session, id, whose, after, limit).await?)
                    })
                })
                .await?;
            let Some(last) = contacts.last() else { break };
            after = *last;
            mended += refresh(engine, id, zone.clone(), contacts, Marks::Set).await?;
        }
    }
    let (its_zone, now) = (zone.clone(), engine.now());
    let span = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { all_days(session, id, &its_zone, day_of(now, &its_zone)).await })
        })
        .await?;
    let Some(span) = span else { return Ok(mended) };
    for month in months(span) {
        mended += mend(engine, id, &zone, month).await?;
    }
    Ok(mended)
}

/// Adds to the sums of a month, and of its days, what its journeys have more or less, a little at a
/// time.
async fn mend(engine: &Engine, site: SiteId, zone: &Zone, month: Span) -> Result<usize> {
    let lacking = lacking_twice(engine, site, zone, month).await?;
    let lines = lacking.lines();
    for part in lacking.parts(LINES_AT_ONCE) {
        engine
            .write(move |tx| {
                Box::pin(async move { Ok(store::road_sums::add(tx, site, &part).await?) })
            })
            .await?;
    }
    Ok(lines)
}

/// What the sums of a month lack. Counted twice: what is changed meanwhile is not the same both
/// times, and is no fault.
async fn lacking_twice(engine: &Engine, site: SiteId, zone: &Zone, month: Span) -> Result<Sums> {
    let bounds = month.bounds(zone);
    let first = lacking(engine, site, month, bounds).await?;
    if first.lines() == 0 {
        return Ok(first);
    }
    Ok(lacking(engine, site, month, bounds).await?.agreed(&first))
}

async fn lacking(
    engine: &Engine,
    site: SiteId,
    month: Span,
    bounds: (UtcMs, UtcMs),
) -> Result<Sums> {
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let counted = counted(session, site, month, bounds).await?;
                Ok(counted.beyond(&rolled(session, site, month).await?))
            })
        })
        .await
}

/// The sums of a month and of its days, from its journeys.
async fn counted(
    session: &mut Session<'_>,
    site: SiteId,
    month: Span,
    bounds: (UtcMs, UtcMs),
) -> Result<Sums> {
    let mut sums = Sums::default();
    let (from, to) = (month.from.to_string(), month.to.to_string());
    for journey in store::journeys::ended(session, site, bounds).await? {
        if journey.day >= from && journey.day <= to {
            count(&mut sums, &journey, 1);
        }
    }
    Ok(sums)
}

/// What is written of a month and of its days.
async fn rolled(session: &mut Session<'_>, site: SiteId, month: Span) -> Result<Sums> {
    let (from, to) = (month.from.to_string(), month.to.to_string());
    let mut sums = store::road_sums::rolled(session, site, Unit::Day, (&from, &to)).await?;
    let period = Unit::Month.period(&from);
    let months = store::road_sums::rolled(session, site, Unit::Month, (&period, &period)).await?;
    sums.roads.extend(months.roads);
    sums.decays.extend(months.decays);
    Ok(sums)
}

/// The days in which journeys ended, by the journeys and by their sums.
async fn all_days(
    session: &mut Session<'_>,
    site: SiteId,
    zone: &Zone,
    today: Date,
) -> Result<Option<Span>> {
    let first = store::journeys::first_end(session, site).await?.map(|at| day_of(at, zone));
    let summed = store::road_sums::first_day(session, site).await?;
    let summed = summed.and_then(|day| day.parse().ok());
    let from = first.into_iter().chain(summed).min();
    // Touches may carry the hour of another clock: a little beyond today is looked at too.
    let to = moved(today, 31);
    Ok(from.map(|from| Span { from, to: to.max(from) }))
}

/// The whole months that a span touches.
pub(super) fn months(span: Span) -> Vec<Span> {
    let mut months = Vec::new();
    let mut from = model::spans::month_start(span.from, 0);
    while from <= span.to {
        let next = model::spans::month_start(from, 1);
        if next <= from {
            break;
        }
        months.push(Span { from, to: moved(next, -1) });
        from = next;
    }
    months
}

/// Where the sums of any month up to that of `today` differ from their journeys.
pub(super) async fn compare(
    session: &mut Session<'_>,
    site: SiteId,
    zone: &Zone,
    today: Date,
) -> Result<Vec<Drift>> {
    let mut drifts = Vec::new();
    let Some(span) = all_days(session, site, zone, today).await? else { return Ok(drifts) };
    for month in months(span) {
        let bounds = month.bounds(zone);
        let counted = counted(session, site, month, bounds).await?;
        let rolled = rolled(session, site, month).await?;
        let missing = counted.clone().beyond(&rolled).lines();
        if missing > 0 {
            drifts.push(Drift {
                day: month.from.to_string(),
                stage: "roads that differ".to_owned(),
                rolled: i64::try_from(missing).unwrap_or(i64::MAX),
                counted: 0,
            });
        }
    }
    Ok(drifts)
}
